"""How many pieces of a thing nobody has on which days, and when so many are free next."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from datetime import date, timedelta

import numpy as np
import sqlalchemy as sa
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from marketplace.kernel import clock, occupancy
from marketplace.sharing.items import policy
from marketplace.sharing.items.models import lending
from marketplace.sharing.items.models.listing import Item, ItemUnit

NEXT_FREE_DAYS = 90
DAY = timedelta(days=1)


def free_pieces(items: Sequence[Item], first: date, last: date) -> dict[int, int]:
    """How many pieces of each thing are free on all of some days; one statement. Needs `units`."""
    return {item_id: int(pieces.all(axis=1).sum()) for item_id, pieces in _tables(items, first, last).items()}


def days(item: Item, first: date, last: date) -> dict[date, int]:
    """How many pieces are free on each day; one statement. Needs `units`."""
    counts = _tables([item], first, last)[item.id].sum(axis=0).tolist()
    return {first + n * DAY: count for n, count in enumerate(counts)}


def next_free(
    items: Sequence[Item], length: int, after: date, quantity: int = 1, *, ahead: int = NEXT_FREE_DAYS
) -> dict[int, date]:
    """The first day from which so many pieces of each thing are free for so many days, as its rules allow.

    Looked for on so many days from one on; what is free from none of them is left out. One statement. Needs `units`
    and `library.hours`.
    """
    if ahead < 1:
        return {}
    after = max(after, clock.today())
    tables = _tables(items, after, after + (ahead + length - 2) * DAY)
    found: dict[int, date] = {}
    for item in items:
        pieces = sliding_window_view(tables[item.id], length, axis=1).all(axis=2).sum(axis=0)
        starts = (after + int(n) * DAY for n in np.flatnonzero(pieces >= quantity))
        allowed = (day for day in starts if policy.days_rule(item, day, day + (length - 1) * DAY) is None)
        if length <= item.longest_days and (day := next(allowed, None)):
            found[item.id] = day
    return found


def possible(wanted: Collection[tuple[Item, int]], stretches: Collection[tuple[date, date]]) -> set[tuple[date, date]]:
    """Of these stretches of days those on which so many pieces of each thing are free, as its rules about days allow.

    One statement, whatever is wanted. Needs `units` and `library.hours`.
    """
    if not wanted or not stretches:
        return set(stretches)
    begin = min(first for first, _last in stretches)
    tables = _tables([item for item, _quantity in wanted], begin, max(last for _first, last in stretches))

    def fits(item: Item, quantity: int, first: date, last: date) -> bool:
        pieces = tables[item.id][:, (first - begin).days : (last - begin).days + 1].all(axis=1).sum()
        return bool(pieces >= quantity) and policy.days_rule(item, first, last) is None

    return {days for days in stretches if all(fits(item, quantity, *days) for item, quantity in wanted)}


def _tables(items: Sequence[Item], first: date, last: date) -> dict[int, NDArray[np.bool_]]:
    """Of each thing, which of its pieces that can be lent (pieces, days) nobody has on which day."""
    count = (last - first).days + 1
    midnights = [int(clock.at(first + n * DAY, 0).timestamp()) for n in range(count + 1)]
    held = occupancy.held_seconds(_resources(items), lending.days(first, last))
    tables = {}
    for item in items:
        table = tables[item.id] = np.ones((len(item.ready_units), count), bool)
        for row, unit in zip(table, item.ready_units, strict=True):
            for start, end in held.get(unit.resource_id, ()):
                row[bisect_right(midnights, start) - 1 : bisect_left(midnights, end)] = False
    return tables


def _resources(items: Sequence[Item]) -> occupancy.ResourceIds:
    """What the pieces are held by: a few are named; many are looked for again, which is quicker to say."""
    named = [unit.resource_id for item in items for unit in item.ready_units]
    if len(named) <= occupancy.MANY:
        return named
    return sa.select(ItemUnit.resource_id).where(ItemUnit.item_id.in_([item.id for item in items]))
