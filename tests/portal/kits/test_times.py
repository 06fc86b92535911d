"""The table of a kit's times says what booking each of them would say."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.intervals import Interval
from marketplace.kernel.occupancy import Kind
from marketplace.portal.kits import errors
from marketplace.portal.kits.models import Kit
from marketplace.portal.kits.queries import kits, times
from marketplace.portal.kits.service import booking
from marketplace.sharing.items.models.lending import days
from marketplace.sharing.items.models.listing import LibraryHours
from marketplace.sharing.items.queries.listings import get_item
from tests.factories import building, item, kit, library, march, neighbour, space

pytestmark = pytest.mark.usefixtures("app")

FIRST, LAST = date(2027, 3, 1), date(2027, 3, 4)
HOURS = st.sampled_from([[(9, 14)], [(8, 12), (13, 17)], [(20, 24)], []])
WEEK = st.lists(HOURS, min_size=8, max_size=8)
RULES = st.fixed_dictionaries(
    {
        "raster_minutes": st.sampled_from([60, 120]),
        "before_minutes": st.sampled_from([0, 30]),
        "after_minutes": st.sampled_from([0, 60]),
        "notice_days": st.integers(0, 2),
        "horizon_days": st.integers(2, 4),
    }
)
ROOM = st.tuples(WEEK, RULES, st.lists(st.tuples(st.integers(1, 5), st.integers(8, 22)), max_size=3))
THING = st.fixed_dictionaries(
    {
        "units": st.integers(1, 3),
        "quantity": st.integers(1, 2),
        "notice_days": st.integers(0, 1),
        "longest_days": st.integers(1, 2),
        "lent": st.lists(st.integers(1, 5), max_size=3),
    }
)


def made(rooms, things, closed) -> Kit:
    """A kit of rooms with such hours, rules and times held, and of things with such rules and days lent."""
    house = building()
    shelf = library(house)
    shelf.hours = [LibraryHours(weekday=day, opens=540, closes=1080) for day in range(8) if day not in closed]
    found = []
    for number, (week, rules, held) in enumerate(rooms):
        room = space(f"Room {number}", building=house, hours=dict(enumerate(week)), max_minutes=300, **rules)
        for day, hour in held:
            claim(room.resource_id, march(day, hour, hour + 1), Kind.BOOKING)
        found.append(room)
    wanted = {}
    for number, told in enumerate(things):
        rules = {name: told[name] for name in ("notice_days", "longest_days", "units")}
        thing = item(f"Thing {number}", of=shelf, **rules)
        for piece, day in zip(get_item(thing.id).units, told["lent"], strict=False):
            claim(piece.resource_id, days(date(2027, 3, day), date(2027, 3, day)), Kind.LOAN)
        wanted[thing] = min(told["quantity"], told["units"])
    return kit(*found, things=wanted)


def claim(resource_id: int, time: Interval, kind: Kind) -> None:
    """Have someone hold it, unless it is held then already."""
    try:
        occupancy.claim(resource_id, time, kind=kind)
    except occupancy.Taken:
        return


def tried(of: Kit, length: timedelta) -> set[Interval]:
    """The times at which booking the kit succeeds: every hour of every day is tried, and taken back."""
    days = (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))
    starts = [clock.at(day, minute) for day in days for minute in (*range(0, 1440, 60), 690)]
    resident, every = neighbour(), (Interval(start, start + length) for start in starts)
    return {time for time in every if works(of, resident, time)}


def works(of: Kit, resident, time: Interval) -> bool:
    savepoint = db.session.begin_nested()
    try:
        booking._book_all(resident, kits.get_kit(of.id), time, 1, "A feast", "")
    except errors.PartRefused:
        return False
    finally:
        savepoint.rollback()
    return True


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rooms=st.lists(ROOM, min_size=1, max_size=2), things=st.lists(THING, min_size=1, max_size=2),
    closed=st.sets(st.integers(0, 7), max_size=3), minutes=st.sampled_from([60, 120, 300]),
)  # fmt: skip
def test_the_table_offers_exactly_the_times_that_can_be_booked(rooms, things, closed, minutes):
    length = timedelta(minutes=minutes)
    of = made(rooms, things, closed)
    table = times.free_times(kits.get_kit(of.id), FIRST, LAST, length)
    offered = {slot.interval for slots in table.values() for slot in slots if slot.state == "free"}

    assert offered == tried(of, length)
