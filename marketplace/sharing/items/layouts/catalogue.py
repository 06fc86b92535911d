"""The catalogue of a library of things as a table: one row a thing, heads in either language, read and written.

What is left empty has the usual value. A row that cannot be understood is refused with its sentence; the others go on.
A thing is known by the codes of its pieces, and without any by its title.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from marketplace.kernel import money, tables
from marketplace.kernel.errors import Invalid
from marketplace.kernel.words import Text, _l, language
from marketplace.kernel.writing import show_minutes
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Condition, DepositUnit, Item

MOST_ROWS = 20_000
MOST_PIECES = 200
MOST_PARTS = 20
LARGEST_SUM = 100_000_000
LARGEST_TIME = 100 * 60

HEADS = {
    "codes": ("Codes", "라벨 번호"),
    "title": ("Title", "이름"),
    "category": ("Category", "분류"),
    "condition": ("Condition", "상태"),
    "pieces": ("Pieces", "개수"),
    "accessories": ("Accessories", "딸린 물건"),
    "description": ("Description", "설명"),
    "rules": ("Rules", "이용 규칙"),
    "value": ("Price of a new one", "새것 가격"),
    "fee": ("Fee", "이용료"),
    "deposit": ("Deposit", "보증금"),
    "longest_days": ("Longest loan in days", "최장 대여일"),
    "notice_days": ("Notice in days", "예약 기한(일 전)"),
    "paused": ("Paused", "쉬는 중"),
}
"""The columns, in order, and how their heads are called in English and in Korean."""

REQUIRED = ("title", "category")
CONDITIONS = {
    "new": Condition.NEW, "as new": Condition.NEW, "새것 같음": Condition.NEW, "새것": Condition.NEW,
    "good": Condition.GOOD, "좋음": Condition.GOOD, "": Condition.GOOD,
    "worn": Condition.WORN, "worn, works well": Condition.WORN, "사용감 있음": Condition.WORN,
    "quirks": Condition.QUIRKS, "works, with quirks": Condition.QUIRKS, "흠이 있음": Condition.QUIRKS,
}  # fmt: skip
YES, NO = ("yes", "y", "예", "1", "true"), ("", "no", "n", "아니요", "0", "false")

_PART = re.compile(r"(.+?)(?:\s*[×xX*]\s*(\d{1,3}))?\Z", re.DOTALL)
_TIME = re.compile(r"(?:(\d{1,3})\s*(?:h|hours?|시간))?\s*(?:(\d{1,4})\s*(?:m|min|minutes?|분))?\Z", re.IGNORECASE)
_CODE = re.compile(r"[0-9A-Z-]{4,40}")


class NoCatalogue(Invalid):
    """A table without the columns that a catalogue needs."""

    message = _l("The first row must name the columns. There is none called {column}.")


class HeadTwice(Invalid):
    """Two columns of one name."""

    message = _l("There are two columns called {column}.")


class TooManyRows(Invalid):
    """More than one file may bring."""

    message = _l("The file has more than {most} rows. Split it and send the parts.")


@dataclass(frozen=True, slots=True)
class Entry:
    """A thing as a row tells it."""

    line: int
    codes: tuple[str, ...]
    title: str
    category: str
    condition: Condition
    pieces: int
    accessories: tuple[tuple[str, int], ...]
    description: str
    rules: str
    value: int | None
    fee: int
    deposit: int
    deposit_unit: DepositUnit
    longest_days: int
    notice_days: int
    paused: bool

    @property
    def terms(self) -> dict[str, Any]:
        """What stands in columns of the thing itself."""
        own = {one.name for one in fields(self)} - {"line", "codes", "pieces", "accessories", "paused"}
        return {name: getattr(self, name) for name in own}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that is not taken in: where, and why."""

    line: int
    column: str
    value: str
    sentence: Text


class _Wrong(Exception):
    """What is wrong with a cell."""

    def __init__(self, sentence: Text) -> None:
        self.sentence = sentence


# --- reading ---


def read(data: bytes, after: int = 0) -> Iterator[Entry | Refusal]:
    """The rows of a file, perhaps those after so many, understood one by one.

    Raises NoTable, NoCatalogue, HeadTwice or TooManyRows at once.
    """
    columns, rows = _rows(data)
    return (_row(line, columns, cells) for line, cells in rows[after:])


def count(data: bytes) -> int:
    """How many rows a file has. Raises what `read` raises."""
    return len(_rows(data)[1])


def _rows(data: bytes) -> tuple[list[str | None], list[tuple[int, list[str] | None]]]:
    rows = list(tables.csv_rows(data))
    if len(rows) > MOST_ROWS + 1:
        raise TooManyRows(most=MOST_ROWS)
    return _columns(rows[0][1] or [] if rows else []), rows[1:]


def _columns(heads: Sequence[str]) -> list[str | None]:
    names = {_plain(text): name for name, both in HEADS.items() for text in (name, *both)}
    columns = [names.get(_plain(head)) for head in heads]
    for name, both in HEADS.items():
        shown = both[language.get() == "ko"]
        if columns.count(name) > 1:
            raise HeadTwice(column=shown)
        if name in REQUIRED and name not in columns:
            raise NoCatalogue(column=shown)
    return columns


def _row(line: int, columns: Sequence[str | None], cells: list[str] | None) -> Entry | Refusal:
    if cells is None:
        return Refusal(line, "", "", _l("The quotation marks of this row do not close where they should."))
    if len(cells) < len(columns) or any(cells[len(columns) :]):
        sentence = _l("The row has {found} cells, the first row has {all}.", found=len(cells), all=len(columns))
        return Refusal(line, "", cells[0][:80], sentence)
    said = dict.fromkeys(HEADS, "") | {name: cell for name, cell in zip(columns, cells, strict=False) if name}
    understood: dict[str, Any] = {}
    for name, understand in _UNDERSTOOD.items():
        try:
            understood[name] = understand(said[name])
        except _Wrong as wrong:
            return Refusal(line, HEADS[name][language.get() == "ko"], said[name][:80], wrong.sentence)
    understood["deposit"], understood["deposit_unit"] = understood["deposit"]
    understood["pieces"] = understood["pieces"] or max(1, len(understood["codes"]))
    if len(understood["codes"]) > understood["pieces"]:
        sentence = _l("There are more codes than pieces.")
        return Refusal(line, HEADS["codes"][language.get() == "ko"], said["codes"][:80], sentence)
    return Entry(line=line, **understood)


def _plain(text: str) -> str:
    return "".join(text.split()).casefold().replace("_", "")


def _codes(cell: str) -> tuple[str, ...]:
    codes = tuple(dict.fromkeys(cell.upper().replace(",", " ").replace(";", " ").split()))
    if not all(_CODE.fullmatch(code) for code in codes):
        raise _Wrong(_l("A code has 4 to 40 letters from A to Z, digits and hyphens."))
    return codes


def _words(least: int, most: int) -> Callable[[str], str]:
    def understand(cell: str) -> str:
        if not least <= len(cell) <= most or "\0" in cell:
            raise _Wrong(_l("Write from {least} to {most} characters.", least=least, most=most))
        return cell

    return understand


def _category(cell: str) -> str:
    asked = _plain(cell)
    alike = [one for one in categories.tree() if asked in (_plain(one.code), _plain(one.en), _plain(one.ko))]
    if not alike:
        raise _Wrong(_l("There is no such category."))
    return alike[-1].code  # the narrower of two of one name


def _condition(cell: str) -> Condition:
    if (found := CONDITIONS.get(cell.casefold())) is None:
        raise _Wrong(_l("Write new, good, worn or quirks."))
    return found


def _number(least: int, most: int, usual: int) -> Callable[[str], int]:
    def understand(cell: str) -> int:
        if not cell:
            return usual
        number = int(cell) if cell.isascii() and cell.isdecimal() and len(cell) < 9 else -1
        if not least <= number <= most:
            raise _Wrong(_l("Write a whole number from {least} to {most}.", least=least, most=most))
        return number

    return understand


def _sum(usual: int | None) -> Callable[[str], int | None]:
    def understand(cell: str) -> int | None:
        if not cell:
            return usual
        try:
            amount = money.read(cell)
        except ValueError:
            amount = -1
        if not 0 <= amount <= LARGEST_SUM:
            raise _Wrong(_l("Write an amount of money, such as {example}.", example=money.plain(3000)))
        return amount

    return understand


def _deposit(cell: str) -> tuple[int, DepositUnit]:
    """A sum, or time such as 2 h, 90 min or 1시간 30분."""
    found = _TIME.fullmatch(cell)
    if not cell or found is None:
        return _sum(0)(cell) or 0, DepositUnit.MONEY
    minutes = sum(int(number or 0) * unit for number, unit in zip(found.groups(), (60, 1), strict=True))
    if not minutes <= LARGEST_TIME:
        raise _Wrong(_l("Write at most {most} hours of time credit.", most=LARGEST_TIME // 60))
    return minutes, DepositUnit.TIME if minutes else DepositUnit.MONEY


def read_parts(cell: str) -> tuple[tuple[str, int], ...]:
    """Accessories, one a line or between semicolons, such as "drill bit × 3; case". Raises ValueError."""
    found: dict[str, int] = {}
    for part in filter(None, (text.strip() for text in re.split(r"[;\n]", cell))):
        name, count = _PART.fullmatch(part).groups()  # type: ignore[union-attr]  # fits every text that is not empty
        if name in found or len(name) > 80 or count == "0":
            raise ValueError(name)
        found[name] = int(count or 1)
    if len(found) > MOST_PARTS:
        raise ValueError(cell)
    return tuple(found.items())


def _parts(cell: str) -> tuple[tuple[str, int], ...]:
    try:
        return read_parts(cell)
    except ValueError:
        sentence = _l("Write accessories as in: drill bit × 3; case. Each once, {most} at most.", most=MOST_PARTS)
        raise _Wrong(sentence) from None


def _yes(cell: str) -> bool:
    if cell.casefold() not in (*YES, *NO):
        raise _Wrong(_l("Write yes or no."))
    return cell.casefold() in YES


_UNDERSTOOD: dict[str, Callable[[str], Any]] = {
    "codes": _codes,
    "title": _words(3, 100),
    "category": _category,
    "condition": _condition,
    "pieces": _number(1, MOST_PIECES, 0),
    "accessories": _parts,
    "description": _words(0, 3000),
    "rules": _words(0, 2000),
    "value": _sum(None),
    "fee": _sum(0),
    "deposit": _deposit,
    "longest_days": _number(1, 90, 7),
    "notice_days": _number(0, 30, 0),
    "paused": _yes,
}


# --- writing ---


def entry_of(item: Item) -> Entry:
    """A thing as a row would tell it; needs `units` and `accessories`."""
    kept = item.kept_units
    return Entry(
        line=0,
        codes=tuple(unit.code for unit in kept if unit.code),
        title=_meant(item.title), category=item.category, condition=item.condition, pieces=max(1, len(kept)),
        accessories=tuple((_meant(part.name).replace(";", ","), part.count) for part in item.accessories),
        description=_meant(item.description), rules=_meant(item.rules),
        value=item.value, fee=item.fee, deposit=item.deposit, deposit_unit=item.deposit_unit,
        longest_days=item.longest_days, notice_days=item.notice_days, paused=item.paused_at is not None,
    )  # fmt: skip


def _meant(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def write(items: Iterator[Item]) -> Iterator[str]:
    """Things as lines of a table in the reader's language; reading it gives the same things."""
    korean = language.get() == "ko"
    return tables.csv_lines([both[korean] for both in HEADS.values()], (_cells(entry_of(item)) for item in items))


def _cells(entry: Entry) -> list[object]:
    category = categories.by_code(entry.category)
    sums = {"value": entry.value, "fee": entry.fee}
    if entry.deposit_unit is DepositUnit.MONEY:
        sums["deposit"] = entry.deposit
    shown: dict[str, object] = {
        **{name: getattr(entry, name) for name in HEADS},
        "deposit": show_minutes(entry.deposit),
        **{name: "" if amount is None else money.plain(amount) for name, amount in sums.items()},
        "codes": " ".join(entry.codes),
        "category": category.title if _category(category.title) == category.code else category.code,
        "condition": entry.condition.value,
        "accessories": "; ".join(f"{name} × {count}" for name, count in entry.accessories),
        "paused": YES[3 if language.get() == "ko" else 0] if entry.paused else "",
    }
    return [shown[name] for name in HEADS]
