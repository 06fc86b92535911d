"""The things of a library: added one by one at the counter, or taken in from a table again and again.

A thing that vanished from the table stays as it is, and so does a piece whose code it no longer names: people take
things away on their pages, where what is promised is seen.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import flag_modified

from marketplace.civic.accounts.models import Person
from marketplace.kernel import audit, cells, clock, db, search
from marketplace.kernel.access import permit
from marketplace.kernel.things import subject
from marketplace.kernel.words import Text, _l
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.layouts.catalogue import Entry, Refusal, entry_of
from marketplace.sharing.items.models.listing import Item, ItemUnit, Library, UnitState
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.service import listing

Row = TypeVar("Row")
Progress = Callable[[Sequence[Row]], Iterable[Row]]
"""Shows how far a walk through some rows has come."""

ELSEWHERE = _l("The code {code} is on another thing: of another library, or no longer lent.")
SEVERAL = _l("These codes are on pieces of different things here.")
SAME_TITLE = _l("Several things here have this title. Say by a code which is meant.")
TWICE = _l("This is the same thing as in line {line}.")
FEWER = _l("There are {count} pieces of it here. Take pieces away on the page of the thing.")


@dataclass(slots=True)
class Report:
    """What became of a table of things, and why some rows were refused."""

    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    refusals: int = 0
    refused: list[Refusal] = field(default_factory=list)
    most: int | None = None
    """How many refused rows are named; all of them if nothing is said."""

    def refuse(self, row: Refusal) -> None:
        """Count a refused row, and name it."""
        self.refusals += 1
        if self.most is None or len(self.refused) < self.most:
            self.refused.append(row)

    @property
    def counts(self) -> dict[str, int]:
        """The figures every importer ends with."""
        same = {name: getattr(self, name) for name in ("read", "added", "updated", "unchanged")}
        return {**same, "refused": self.refusals}


class _Refused(Exception):
    """A row that does not fit what is here."""

    def __init__(self, sentence: Text) -> None:
        self.sentence = sentence


# --- one thing ---


def add(person: Person, library: Library, *, pieces: int, accessories: listing.Parts = (), **terms: Any) -> Item:
    """Add a thing to a library, its pieces with new codes. Raises NoPoint."""
    permit(policy.may_run, person, library)
    item = _put(library, pieces, accessories, (), terms)
    audit.record(person.id, "items.listed", subject("item", item.id))
    return listings.get_item(item.id)


def _put(
    library: Library, pieces: int, accessories: listing.Parts, codes: Sequence[str], terms: dict[str, Any]
) -> Item:
    if library.building.point is None:
        raise errors.NoPoint
    cell = cells.cell_of(library.building.point)
    item = Item(library_id=library.id, cell=cell, district_id=library.building.district_id, **terms)
    listing.put(item, pieces, accessories)
    _label(db.session.scalars(sa.select(ItemUnit).where(ItemUnit.item_id == item.id).order_by(ItemUnit.number)), codes)
    return item


def _label(units: Iterable[ItemUnit], codes: Iterable[str]) -> None:
    for unit, code in zip(units, codes, strict=False):
        unit.code = code
    db.session.flush()


# --- a whole table ---

PART = 100
"""So many rows are taken in together: what they are about is read at once, and nobody else writes meanwhile."""


@dataclass(slots=True)
class Memory:
    """What the rows read so far were about, for those after them."""

    lines: dict[int, int] = field(default_factory=dict)
    """In which line, by the id of the thing."""
    planned: dict[str, list[int]] = field(default_factory=dict)
    """What a trial would have added, by code and by title: numbers below zero, in place of ids."""


def take_in(
    person: Person | None,
    library: Library,
    rows: Iterable[Entry | Refusal],
    progress: Progress[Entry | Refusal] = lambda rows: rows,
) -> Report:
    """Bring a library's things up to date with a table; a row that does not fit is refused and the others go on.

    person   who does it; None on the command line. Raises NoPoint.
    """
    expect_may(person, library)
    report, memory = Report(), Memory()
    for part in parts(progress(list(rows))):
        take_part(library, part, report, memory)
    put_on_record(person, library, report)
    return report


def try_out(
    person: Person,
    library: Library,
    rows: Iterable[Entry | Refusal],
    come_to: Callable[[int], object] = lambda _read: None,
    most: int | None = None,
) -> Report:
    """What would become of a table; nothing is changed. `come_to` is told after each part how many rows were read."""
    expect_may(person, library)
    report, memory = Report(most=most), Memory()
    for part in parts(rows):
        take_part(library, part, report, memory, trying=True)
        come_to(report.read)
    return report


def parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in parts that are taken in together."""
    left = iter(rows)
    while part := list(islice(left, PART)):
        yield part


def expect_may(person: Person | None, library: Library) -> None:
    """Go on only if the person runs the library, and it is somewhere. Raises NoPoint."""
    if person is not None:
        permit(policy.may_run, person, library)
    if library.building.point is None:
        raise errors.NoPoint


def put_on_record(person: Person | None, library: Library, report: Report) -> None:
    """That a whole table was taken in, and what became of it."""
    audit.record(
        person.id if person else None, "items.catalogue_taken_in", subject("library", library.id), **report.counts
    )


def take_part(
    library: Library, rows: Sequence[Entry | Refusal], report: Report, memory: Memory, *, trying: bool = False
) -> None:
    """Take in the next rows of a table, or say what would become of them; the report and the memory go on."""
    here = _Here(library, rows, memory)
    for row in rows:
        report.read += 1
        if isinstance(row, Refusal):
            report.refuse(row)
            continue
        try:
            what = _take(library, here, row, trying)
        except _Refused as refused:
            report.refuse(Refusal(row.line, "", row.title, refused.sentence))
            continue
        setattr(report, what, getattr(report, what) + 1)


class _Here:
    """What the library has of the things that some rows are about: by the codes of pieces, and by title."""

    def __init__(self, library: Library, rows: Sequence[Entry | Refusal], memory: Memory) -> None:
        entries = [row for row in rows if isinstance(row, Entry)]
        codes = {code for row in entries for code in row.codes}
        titles = {row.title for row in entries if not row.codes}
        coded = sa.select(ItemUnit.item_id).where(ItemUnit.code.in_(codes))
        own = sa.select(Item).where(Item.library_id == library.id, Item.withdrawn_at.is_(None))
        about = own.where(sa.or_(Item.id.in_(coded), Item.title.in_(titles)))
        items = db.session.scalars(about.options(selectinload(Item.units), selectinload(Item.accessories))).all()
        self.memory = memory
        self.items: dict[int, Item] = {item.id: item for item in items}
        self.by_code = {unit.code: item.id for item in items for unit in item.units if unit.code}
        self.by_title: dict[str, list[int]] = {}
        for item in items:
            self.by_title.setdefault(item.title, []).append(item.id)
        named = codes - self.by_code.keys()
        self.elsewhere = set(db.session.scalars(sa.select(ItemUnit.code).where(ItemUnit.code.in_(named))))

    def item(self, row: Entry) -> Item | None:
        """The thing that a row is about; None if it is new. Raises _Refused."""
        if code := next((code for code in row.codes if code in self.elsewhere), None):
            raise _Refused(ELSEWHERE.filled(code=code))
        alike = list(self._alike(row))
        if len(alike) > 1:
            raise _Refused(SEVERAL if row.codes else SAME_TITLE)
        if alike and (line := self.memory.lines.setdefault(alike[0], row.line)) != row.line:
            raise _Refused(TWICE.filled(line=line))
        return self.items[alike[0]] if alike else None

    def _alike(self, row: Entry) -> Iterable[int]:
        """The ids of what a row names, each once."""
        planned = self.memory.planned
        if not row.codes:
            return [*self.by_title.get(row.title, ()), *planned.get(f"title {row.title}", ())]
        known = (self.by_code.get(code) or next(iter(planned.get(f"code {code}", ())), None) for code in row.codes)
        return dict.fromkeys(number for number in known if number is not None)

    def note(self, row: Entry, item: Item) -> None:
        """Remember what a row made, for those after it."""
        self.memory.lines[item.id] = row.line
        self.items[item.id] = item
        self.by_title.setdefault(item.title, []).append(item.id)
        self.by_code |= dict.fromkeys(row.codes, item.id)

    def plan(self, row: Entry) -> None:
        """Remember what a row would make."""
        number = -row.line
        self.memory.lines[number] = row.line
        for name in (f"title {row.title}", *(f"code {code}" for code in row.codes)):
            self.memory.planned.setdefault(name, []).append(number)


def _take(library: Library, here: _Here, row: Entry, trying: bool) -> str:
    """Add or change the thing of a row, or leave it as it is; which of these it was, or would be."""
    item = here.item(row)
    if item is None:
        if trying:
            here.plan(row)
        else:
            paused = {"paused_at": clock.now() if row.paused else None}
            here.note(row, _put(library, row.pieces, row.accessories, row.codes, {**row.terms, **paused}))
        return "added"
    now = entry_of(item)
    new_codes = [code for code in row.codes if code not in now.codes]
    if row.pieces < now.pieces or len(new_codes) > row.pieces - now.pieces:
        raise _Refused(FEWER.filled(count=now.pieces))
    if _says(row) == _says(now):
        return "unchanged"
    if not trying:
        _bring_up(item, row, now)
        back = [unit for unit in item.units if unit.code in new_codes]
        for unit in back:
            unit.state = UnitState.READY
        new = listing.more_pieces(item, row.pieces - now.pieces - len(back))
        _label(new, (code for code in new_codes if code not in {unit.code for unit in back}))
    here.by_code |= dict.fromkeys(new_codes, item.id)
    return "updated"


def _says(entry: Entry) -> tuple[Any, ...]:
    return entry.terms, entry.accessories, entry.pieces, entry.paused


def _bring_up(item: Item, row: Entry, now: Entry) -> None:
    for name, value in row.terms.items():
        if value != getattr(now, name):
            setattr(item, name, value)
    if row.accessories != now.accessories:
        item.accessories = listing.accessories_of(row.accessories)
    if row.paused != now.paused:
        item.paused_at = clock.now() if row.paused else None
    flag_modified(item, "title")  # a new version, whatever was changed
    db.session.flush()
    search.index(listings.SEARCH_KIND, item.id, listings.words_of(item))
