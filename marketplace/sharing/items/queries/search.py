"""Finding things that are free on the days asked for, the nearest first."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from marketplace.civic.accounts.models import Person
from marketplace.civic.places import queries as places
from marketplace.civic.places.errors import NoSuchPlace
from marketplace.kernel import calendar, cells, clock, db, occupancy, search
from marketplace.kernel.geo import Point
from marketplace.kernel.intervals import HOLIDAY
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.lending import days
from marketplace.sharing.items.models.listing import Audience, Item, ItemUnit, Library, LibraryHours, UnitState
from marketplace.sharing.items.queries.listings import SEARCH_KIND

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What someone looks for. Without days, all that is lent counts as free."""

    words: str = ""
    category: str | None = None
    first: date | None = None
    last: date | None = None
    quantity: int = 1
    near: Point | None = None
    within: int | None = None
    """Metres from there, at most."""
    district_id: int | None = None
    library_id: int | None = None
    free_of_charge: bool = False
    cell: int | None = None
    """In this privacy cell only."""
    any_word: str = ""
    """With at least one of these words."""


def _none() -> Ids:
    return np.empty(0, np.int64)


@dataclass(slots=True)
class Found:
    """Ids of the things that are free then, and of those that have the rest but not the days, each in order.

    `metres` are those from the place asked about to the centre of each privacy cell.
    """

    free: Ids = field(default_factory=_none)
    others: Ids = field(default_factory=_none)
    metres: dict[int, float] = field(default_factory=dict)


def find(wanted: Wanted, person: Person | None = None, member_of: Collection[int] = ()) -> Found:
    """All that someone may know of and that is as wanted: the nearest first, else the newest. One statement."""
    ids, where, free = _unfolded(db.rows(_candidates(wanted, person, member_of)))
    metres: dict[int, float] = {}
    if wanted.near is None:
        order = np.argsort(-ids)
    else:
        known, place = np.unique(where, return_inverse=True)
        each = cells.distances(wanted.near, known)
        away = each[place]
        metres = dict(zip(known.tolist(), each.tolist(), strict=True))
        order = np.lexsort((ids, away))
        if wanted.within is not None:
            order = order[away[order] <= wanted.within]
    ids, free = ids[order], free[order]
    return Found(ids[free], ids[~free], metres)


def point(near: str | None, latitude: float | None, longitude: float | None) -> Point | None:
    """Where to measure from: the public building named, else where the device is. Raises NoSuchPlace."""
    if not near:
        return None if latitude is None or longitude is None else Point(latitude, longitude)
    found = next((building.point for building in places.buildings(words=near, limit=10) if building.point), None)
    if found is None:
        raise NoSuchPlace(field="near")
    return found


def count_by_cell(wanted: Wanted, person: Person | None = None, member_of: Collection[int] = ()) -> dict[int, int]:
    """How many things that someone may know of and that are as wanted lie in each privacy cell; one statement."""
    each = matching(wanted, person, member_of).subquery().c
    counts = sa.select(each.cell, sa.func.count()).group_by(each.cell).order_by(each.cell)
    return {cell: count for cell, count in db.rows(counts) if count}


def _candidates(wanted: Wanted, person: Person | None, member_of: Collection[int]) -> sa.Select[int, int, str]:
    """The things of each cell that are free, and those that are not, as one row: thousands come as a few hundred."""
    each = matching(wanted, person, member_of).cte("matching").prefix_with("MATERIALIZED").c
    ids = sa.func.aggregate_strings(sa.cast(each.id, sa.String), ",")
    return sa.select(each.cell, each.is_free, ids).group_by(each.cell, each.is_free)


def matching(wanted: Wanted, person: Person | None, member_of: Collection[int]) -> sa.Select[int, int, int]:
    """All that someone may know of and that is as wanted but for the distance: id, `cell`, and whether it `is_free`."""
    is_free = sa.cast(sa.and_(*_free(wanted)), sa.Integer).label("is_free")
    query = sa.select(Item.id, Item.cell, is_free)
    return query.where(is_lent(), may_know(person, member_of), *_conditions(wanted))


def is_lent() -> sa.ColumnElement[bool]:
    """That its owner offers it, and its library lends at all, as `policy.is_lent` asks."""
    closed = sa.select(Library.id).where(sa.not_(Library.open))
    return sa.and_(Item.offered, sa.or_(Item.library_id.is_(None), Item.library_id.not_in(closed)))


def _unfolded(rows: Sequence[sa.Row[int, int, str]]) -> tuple[Ids, Ids, NDArray[np.bool_]]:
    """Of each thing its id, cell and whether it is free."""
    ids = [np.fromstring(text, np.int64, sep=",") for _cell, _free, text in rows]
    counts = [len(some) for some in ids]
    where = np.repeat(np.array([cell for cell, _free, _text in rows], np.int64), counts)
    free = np.repeat(np.array([is_free for _cell, is_free, _text in rows], bool), counts)
    return np.concatenate([_none(), *ids]), where, free


def may_know(person: Person | None, member_of: Collection[int]) -> sa.ColumnElement[bool]:
    """Of things that are lent to a group's members only, nobody else hears but their owner."""
    theirs = Item.group_id.in_(sorted(member_of))
    own = Item.owner_id == person.id if person else sa.false()
    return sa.or_(Item.audience != Audience.GROUP, theirs, own)


def _conditions(wanted: Wanted) -> Iterable[sa.ColumnElement[bool]]:
    if wanted.words.strip():
        yield search.among(Item.id, search.matching(SEARCH_KIND, wanted.words))
    if wanted.any_word:
        yield search.among(Item.id, search.holding_any(SEARCH_KIND, wanted.any_word))
    if wanted.category:
        yield Item.category.in_(categories.with_all_below(wanted.category))
    if wanted.district_id:
        yield Item.district_id == wanted.district_id
    if wanted.library_id:
        yield Item.library_id == wanted.library_id
    if wanted.cell is not None:
        yield Item.cell == wanted.cell
    if wanted.free_of_charge:
        yield Item.fee == 0
    if wanted.quantity > 1:
        yield _pieces() >= wanted.quantity


def _free(wanted: Wanted) -> Iterable[sa.ColumnElement[bool]]:
    """That the owner's rules allow the days, as `policy.days_rule` asks, and that nobody has so many pieces then."""
    if wanted.first is None or wanted.last is None:
        yield _pieces() >= wanted.quantity
        return
    ahead, length = (wanted.first - clock.today()).days, (wanted.last - wanted.first).days + 1
    yield sa.and_(Item.notice_days <= ahead, Item.horizon_days >= ahead, Item.longest_days >= length)
    yield _handed_over(wanted.first, after=_minute_now() if ahead == 0 else 0)
    yield _handed_over(wanted.last)
    nobody_has = ItemUnit.resource_id.not_in(occupancy.held(days(wanted.first, wanted.last)))
    yield _pieces(nobody_has) >= wanted.quantity


def _pieces(*which: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    """How many pieces of a thing can be lent."""
    ready = sa.select(sa.func.count()).where(ItemUnit.item_id == Item.id, ItemUnit.state == UnitState.READY)
    return ready.where(*which).correlate(Item).scalar_subquery()


def _handed_over(day: date, after: int = 0) -> sa.ColumnElement[bool]:
    """That it is handed over on a day, still after a minute of it: as its owner says, or while its library is open."""
    weekday = HOLIDAY if calendar.is_holiday(day) else day.weekday()
    open_then = sa.select(LibraryHours.library_id).where(LibraryHours.weekday == weekday, LibraryHours.closes > after)
    by_owner = sa.and_(Item.pick_up_days.bitwise_and(1 << day.weekday()) != 0, Item.pick_up_to > after)
    return sa.case((Item.library_id.is_(None), by_owner), else_=Item.library_id.in_(open_then))


def _minute_now() -> int:
    now = clock.local(clock.now())
    return now.hour * 60 + now.minute
