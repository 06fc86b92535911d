"""Words that occur nowhere else, put into every column that may hold what people write, and looked for afterwards."""

import re
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from marketplace.kernel import clock, db, retention

SHORTEST = 10
NAMES = {"reference", "subject"}
"""What the program itself names records by."""
WORD = re.compile(r"qzx\d{4}xzq", re.IGNORECASE)

SET: dict[str, dict[str, Any]] = {
    "moderation_appeals": {"answer": None, "answer_text": "", "answered_by_id": None, "answered_at": None},
    "homeshare_applications": {"closed_at": None, "closed_because": None},
    "homeshare_checks": {"good_until": None},
    "homeshare_overrides": {"broken": "", "second_id": None, "seconded_at": None, "ended_at": None},
    "homeshare_agreements": {"replaced_at": None},
    "homeshare_matches": {
        "home_id": lambda canaries, person_id: _home_across(canaries, person_id), "state": "declined",
        "student_answer": None, "host_answer": None, "student_answered_at": None, "host_answered_at": None,
        "student_reason": None, "host_reason": None,
    },
    "homeshare_matters": {"outcome": None, "settled_at": None, "settled_by_id": None},
    "homeshare_runs": {"released_at": None, "released_by_id": None, "facts": None},  # found by who took part: test_runs
    "handovers": {"taken_by_id": None, "taken_at": None},
    "homeshare_grants": {
        "state": "asked", "decided_by_id": None, "decided_at": None, "done_at": None, "invoice_seen_on": None,
        "paid_on": None, "paid_by_id": None, "closed_at": None, "amount": 1, "most": 1, "room": 1,
    },
    "items": {"category": "other", "group_id": None, "pick_up_to": 1440},
    "loan_problem_offers": {"accepted_by_id": None, "accepted_at": None, "remedy": "sum", "minutes": 0},
    "loan_problems": {
        "answer_by_id": None, "mediator_id": None, "decided_at": None, "second_id": None, "appealed_by_id": None,
        "appealed_at": None, "closed_at": None, "remedy": None, "last_remedy": None,
        "minutes": 0, "last_minutes": 0, "paid_at": None,
    },
    "loan_reviews": {
        "by_borrower": True, "owner_id": None, "reply": "", "reply_by_id": None, "replied_at": None,
    },
    "messages": {"deleted_at": None},
    "moderation_decisions": {"act": "keep", "until": None, "days": None},
    "occupancies": {"expires_at": None},
    "uploads": {"refusal": None, "subject": None},
    "vouches": {"made_by_id": None, "ended_at": None, "ended_by_id": None},
}  # fmt: skip
"""Values that a table's own checks ask for, where what is made up would be refused; or functions that make them."""


class Canaries:
    """Gives out words, and remembers what each was given to."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}
        self._numbers = count(1)

    def new(self, place: str) -> str:
        """A word for a place, such as bookings.purpose."""
        word = f"qzx{next(self._numbers):04}xzq"
        self.given[word] = place
        return word

    def found_in(self, pieces: Iterable[str]) -> set[str]:
        """The places whose words occur in these texts."""
        found = {word.lower() for text in pieces for word in WORD.findall(text)}
        return {place for word, place in self.given.items() if word in found}


def is_about_people(table: sa.Table) -> bool:
    """Whether a row of it belongs to someone."""
    return any(key.column.table.name == "people" for key in table.foreign_keys)


def is_text(column: sa.Column[Any]) -> bool:
    """Whether a column may hold a word of someone's."""
    kind = column.type
    if column.foreign_keys or column.name in NAMES or isinstance(kind, sa.Enum):
        return False
    return isinstance(kind, sa.JSON | sa.LargeBinary | sa.Text) or _length(kind) >= SHORTEST


def _length(kind: Any) -> int:
    if isinstance(kind, sa.TypeDecorator):
        kind = kind.impl
    return (kind.length or 10_000) if isinstance(kind, sa.String) else 0


def tables_to_plant() -> list[sa.Table]:
    """Tables of people's that can hold a word, but for that of people itself."""
    tables = db.Base.metadata.sorted_tables
    return [one for one in tables if one.name != "people" and is_about_people(one) and any(map(is_text, one.columns))]


def plant(canaries: Canaries, table: sa.Table, person_id: int) -> None:
    """Insert a row of a person's with a word in each column that the person's words may come to stand in.

    What is not about people, and only stands there for a row that points to it, holds no words of theirs.
    """
    theirs = is_about_people(table)
    stays = next((one.stays for one in retention.all_kept() if one.table == table.name), frozenset[str]())
    stays = stays if theirs else frozenset(column.name for column in table.columns)
    db.session.execute(sa.insert(table).values(_row(canaries, table, person_id, stays)))


def _row(canaries: Canaries, table: sa.Table, person_id: int, stays: Iterable[str] = ()) -> dict[str, Any]:
    fixed, row = SET.get(table.name, {}), {}
    for number, column in enumerate(table.columns):
        if column.name in fixed:
            value = fixed[column.name]
            row[column.name] = value(canaries, person_id) if callable(value) else value
        elif key := next(iter(column.foreign_keys), None):
            row[column.name] = _target(canaries, key, person_id)
        elif is_text(column) and column.name not in stays:
            row[column.name] = _word(canaries.new(f"{table.name}.{column.name}"), column)
        elif not (column.primary_key and isinstance(column.type, sa.Integer)):
            row[column.name] = _something(column, number, person_id)
    return row


def _home_across(canaries: Canaries, person_id: int) -> int:
    """A second application of the person's, of the other side: nobody lives with themselves."""
    table = db.Base.metadata.tables["homeshare_applications"]
    other: Any = table.c.side.type
    own = _row(canaries, table, person_id) | {"reference": "ACROSS", "side": list(other.enum_class)[1]}
    made = db.session.execute(sa.insert(table).values(own).returning(table.c.id))
    return int(made.scalar_one())


def _word(word: str, column: sa.Column[Any]) -> Any:
    if isinstance(column.type, sa.LargeBinary):
        return word.encode()
    return {"word": word} if isinstance(column.type, sa.JSON) else word


def _target(canaries: Canaries, key: sa.ForeignKey, person_id: int) -> int | None:
    """The person, or a row of the other table: the last one, or one made for a row that wants it for itself."""
    other = key.column.table
    if other.name == "people":
        return person_id
    last = sa.select(sa.func.max(key.column))
    mine: Any = key.parent
    if mine.nullable and mine.unique:
        return None
    if not mine.nullable and (mine.unique or db.session.scalar(last) is None):
        plant(canaries, other, person_id)
    return db.session.scalar(last)


def _something(column: sa.Column[Any], number: int, person_id: int) -> Any:
    kind = column.type
    if isinstance(kind, sa.Enum):
        enumerated: Any = kind.enum_class
        return next(iter(enumerated))
    if isinstance(kind, db.UtcDateTime):
        return clock.now() + number * (clock.at(clock.today(), 60) - clock.at(clock.today(), 0))  # in order of columns
    if isinstance(kind, sa.Date):
        return clock.today()
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.JSON):
        return []
    if isinstance(kind, sa.String):
        return f"account:{person_id}" if column.name in NAMES else "en"
    return 1


# --- looking ---


def dumped() -> Iterator[str]:
    """Every row of every table there is, as text."""
    bind = db.session.connection()
    for name in sa.inspect(bind).get_table_names():
        for row in bind.execute(sa.text(f'SELECT * FROM "{name}"')):
            yield repr(tuple(bytes(cell) if isinstance(cell, memoryview) else cell for cell in row))


def files_below(folder: Path) -> Iterator[str]:
    """Every file, as text of its bytes."""
    return (file.read_bytes().decode("latin-1") for file in folder.rglob("*") if file.is_file())
