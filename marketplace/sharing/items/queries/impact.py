"""What lending spared: counted from loans, recorded by month, and as figures that give nobody away."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import District
from marketplace.kernel import clock, db
from marketplace.sharing.items.models.footprints import BY_CATEGORY, DISPLACEMENT
from marketplace.sharing.items.models.impact import LendingMonth
from marketplace.sharing.items.models.lending import BROUGHT_BACK, Loan
from marketplace.sharing.items.models.listing import Item

LEAST_LOANS, LEAST_LENDERS = 10, 3
"""Fewer might point at people."""

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lent:
    """Loans of things of one category: how many, with a known value, the sum of those values, and their fees."""

    loans: int = 0
    valued: int = 0
    value: int = 0
    fees: int = 0

    def __add__(self, other: "Lent") -> "Lent":
        return Lent(
            self.loans + other.loans, self.valued + other.valued, self.value + other.value, self.fees + other.fees
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """The loans brought back in some months and some part of the city, and what they spared."""

    by_category: Mapping[str, Lent] = field(default_factory=dict)
    lenders: int = 0
    met: int = 0

    def __add__(self, other: "Cell") -> "Cell":
        both = {*self.by_category, *other.by_category}
        lent = {code: self.by_category.get(code, Lent()) + other.by_category.get(code, Lent()) for code in both}
        return Cell(lent, self.lenders + other.lenders, self.met + other.met)

    @property
    def total(self) -> Lent:
        """The same whatever the category."""
        return sum(self.by_category.values(), Lent())

    @property
    def loans(self) -> int:
        """How many loans."""
        return self.total.loans

    @property
    def purchases(self) -> Range:
        """How many purchases they replaced."""
        return self.loans * DISPLACEMENT.low / 100, self.loans * DISPLACEMENT.high / 100

    @property
    def footed(self) -> int:
        """Of how many loans the thing's emissions are known."""
        return sum(lent.loans for code, lent in self.by_category.items() if code in BY_CATEGORY)

    @property
    def kilograms(self) -> Range | None:
        """The CO2e that was not emitted, of those whose emissions are known; nothing if none are."""
        known = [(lent.loans, BY_CATEGORY[code]) for code, lent in self.by_category.items() if code in BY_CATEGORY]
        low = sum(loans * footprint.low for loans, footprint in known) * DISPLACEMENT.low
        high = sum(loans * footprint.high for loans, footprint in known) * DISPLACEMENT.high
        return (low / 100_000, high / 100_000) if self.footed else None

    @property
    def saved(self) -> tuple[int, int] | None:
        """The money not spent on new things, less the fees, of those with a known value; nothing if none have one."""
        total = self.total
        low, high = (total.value * share // 100 - total.fees for share in (DISPLACEMENT.low, DISPLACEMENT.high))
        return (low, high) if total.valued else None


# --- counting loans ---

_KNOWN = sa.case((Item.value.is_not(None), Loan.fee), else_=0)
_SUMS = (sa.func.count(), sa.func.count(Item.value), sa.func.sum(Item.value), sa.func.sum(_KNOWN))
_LENDER = sa.func.coalesce(Item.owner_id, -Item.library_id)
_PAIR = sa.cast(Item.owner_id, sa.BigInteger) * 2**31 + Loan.borrower_id
"""One number for an owner and a borrower; none for a library's things."""


def _brought_back(*columns: Any) -> sa.Select[Any]:
    query = sa.select(*columns).select_from(Loan).join(Item, Item.id == Loan.item_id)
    return query.where(Loan.state.in_(BROUGHT_BACK), Loan.returned_at.is_not(None))


def _lent(rows: Iterable[Any]) -> dict[str, Lent]:
    return {code: Lent(loans, valued, int(value or 0), int(fees)) for code, loans, valued, value, fees in rows}


def counted(since: datetime, until: datetime) -> dict[int | None, Cell]:
    """What was brought back from one moment up to another, by the district of the things; in two statements."""
    then = sa.and_(Loan.returned_at >= since, Loan.returned_at < until)
    lent: dict[int | None, list[Any]] = {}
    sums = _brought_back(Item.district_id, Item.category, *_SUMS).where(then)
    for at, *row in db.session.execute(sums.group_by(Item.district_id, Item.category)):
        lent.setdefault(at, []).append(row)
    counts = (sa.func.count(_LENDER.distinct()), sa.func.count(_PAIR.distinct()))
    people = _brought_back(Item.district_id, *counts).where(then).group_by(Item.district_id)
    return {at: Cell(_lent(lent[at]), lenders, met) for at, lenders, met in db.session.execute(people)}


def _of(person_side: sa.ColumnElement[bool]) -> Cell:
    sums = _brought_back(Item.category, *_SUMS).where(person_side).group_by(Item.category)
    met = _brought_back(sa.func.count(_PAIR.distinct())).where(person_side)
    return Cell(_lent(db.session.execute(sums)), met=db.session.scalar(met) or 0)


def borrowed_by(person: Person) -> Cell:
    """What a person's own borrowing spared, and how many lenders they met."""
    return _of(Loan.borrower_id == person.id)


def lent_by(person: Person) -> Cell:
    """What a person's own lending spared their neighbours, and how many of them they met."""
    return _of(Item.owner_id == person.id)


# --- months that are over ---


def next_month(first: date) -> date:
    """The first day of the month after."""
    return (first + timedelta(days=31)).replace(day=1)


def first_return() -> date | None:
    """The day on which the first thing was brought back."""
    moment = db.session.scalar(_brought_back(sa.func.min(Loan.returned_at)))
    return clock.local(moment).date() if moment else None


def last_recorded() -> date | None:
    """The latest month that was counted."""
    return db.session.scalar(sa.select(sa.func.max(LendingMonth.month)))


@dataclass(frozen=True, slots=True)
class Month:
    """A month as it may be published: the city, and each district; None where nothing is shown."""

    first: date
    city: Cell | None
    districts: dict[District | None, Cell | None]


def years() -> list[int]:
    """The years with months in which something was lent, the latest first."""
    months = db.session.scalars(sa.select(LendingMonth.month).where(LendingMonth.loans > 0).distinct())
    return sorted({month.year for month in months}, reverse=True)


def published(year: int | None = None) -> list[Month]:
    """The months in which something was lent, of one year or of all, the latest first, in one statement."""
    query = sa.select(LendingMonth).options(joinedload(LendingMonth.district))
    order = (LendingMonth.month.desc(), LendingMonth.district_id)
    if year is not None:
        query = query.where(LendingMonth.month.between(date(year, 1, 1), date(year, 12, 31)))
    months: dict[date, dict[District | None, Cell]] = {}
    for row in db.session.scalars(query.where(LendingMonth.loans > 0).order_by(*order)):
        lent = {code: Lent(*sums) for code, sums in row.by_category.items()}
        months.setdefault(row.month, {})[row.district] = Cell(lent, row.lenders, row.met)
    return [_shown(first, cells) for first, cells in months.items()]


def _shown(first: date, cells: dict[District | None, Cell]) -> Month:
    numbered = dict(enumerate(cells.values()))
    hidden, whole = shielded({n: (cell.loans, cell.lenders) for n, cell in numbered.items()})
    city = added(numbered.values())
    shown = dict(numbered)
    for many, without in ((_footed, _without_footprints), (_valued, _without_money)):
        known = {n: (many(cell), cell.lenders) for n, cell in numbered.items() if many(cell) or n in hidden}
        withheld, total = shielded(known, hidden)
        shown |= {n: without(shown[n]) for n in withheld}
        city = city if total else without(city)
    districts = {at: None if n in hidden else shown[n] for n, at in enumerate(cells)}
    return Month(first, city if whole else None, districts)


def _footed(cell: Cell) -> int:
    return cell.footed


def _valued(cell: Cell) -> int:
    return cell.total.valued


def _without_footprints(cell: Cell) -> Cell:
    return replace(cell, by_category={"": cell.total})


def _without_money(cell: Cell) -> Cell:
    return replace(cell, by_category={code: Lent(lent.loans) for code, lent in cell.by_category.items()})


def added(cells: Iterable[Cell | None]) -> Cell:
    """Several cells as one; what is not shown is left out."""
    return reduce(Cell.__add__, (cell for cell in cells if cell is not None), Cell())


def shielded(cells: Mapping[int, tuple[int, int]], already: Collection[int] = ()) -> tuple[set[int], bool]:
    """Which cells of a row are hidden, some `already`, and whether its total is shown. A cell: its loans, its lenders.

    Small cells are hidden. What a reader gets by taking all that is shown from the total is the sum of the hidden ones:
    of two at least, and not small itself. Where it would be, the smallest other cell is hidden too; at last the total.
    A lender's things are in one district, so lenders add up. Parts of the city in which nothing was lent are no cells.
    """
    hidden = {n for n, cell in cells.items() if n in already or _small(*cell)}
    others = sorted((cell, n) for n, cell in cells.items() if n not in hidden)
    while hidden and not _safe([cells[n] for n in hidden]):
        if not others:
            return hidden, False
        hidden.add(others.pop(0)[1])
    return hidden, True


def _small(loans: int, lenders: int) -> bool:
    return loans < LEAST_LOANS or lenders < LEAST_LENDERS


def _safe(cells: Sequence[tuple[int, int]]) -> bool:
    """Whether the sum of hidden cells says nothing of one of them, nor of few people."""
    loans, lenders = map(sum, zip(*cells, strict=True))
    return len(cells) >= 2 and not _small(loans, lenders)
