"""The table of free times, the next free one, and what to offer instead."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.geo import Point
from marketplace.kernel.intervals import Interval
from marketplace.kernel.occupancy import Kind as Holding
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.models import Space
from marketplace.sharing.spaces.queries.times import alternatives, free_times, next_free
from tests import factories
from tests.factories import march

HOUR = timedelta(hours=1)
TUESDAY = date(2027, 3, 2)


def table(space: Space, day: date = TUESDAY, length: timedelta = HOUR, **more) -> dict[str, str]:
    """A day of the table: start and state."""
    slots = free_times(space, day, day, length, **more)[day]
    return {f"{clock.local(slot.interval.starts_at):%H:%M}": slot.state for slot in slots}


def take(space: Space, time: Interval) -> occupancy.Occupancy:
    return occupancy.claim(
        space.resource_id, time, kind=Holding.BOOKING, before=space.before, after=space.after
    )  # fmt: skip


# --- the table ---


def test_a_day_shows_every_start_and_whether_it_is_free():
    room = factories.space(hours={1: [(9, 13), (18, 20)]})
    take(room, march(2, 10, 11))

    assert table(room) == {
        "09:00": "free", "10:00": "taken", "11:00": "free", "12:00": "free", "18:00": "free", "19:00": "free",
    }  # fmt: skip
    assert table(room, length=2 * HOUR) == {"09:00": "taken", "10:00": "taken", "11:00": "free", "18:00": "free"}


def test_what_is_over_is_past_and_what_cannot_be_booked_is_closed(monday):
    room = factories.space(hours={1: [(9, 12)]}, horizon_days=1)
    monday(march(2, 10, 11).starts_at + timedelta(seconds=1))

    assert table(room) == {"09:00": "past", "10:00": "past", "11:00": "free"}
    assert set(table(room, date(2027, 3, 9)).values()) == {"closed"}
    assert table(room, date(2027, 3, 3)) == {}


def test_a_hold_for_the_booking_that_is_moved_does_not_stand_in_its_way():
    room = factories.space(hours={1: [(9, 14)]}, before_minutes=30, after_minutes=30)
    own = take(room, march(2, 10, 11))
    take(room, march(2, 13, 14))

    assert table(room) == {"09:00": "taken", "10:00": "taken", "11:00": "taken", "12:00": "taken", "13:00": "taken"}
    assert table(room, instead_of=own) == {
        "09:00": "free", "10:00": "free", "11:00": "free", "12:00": "taken", "13:00": "taken",
    }  # fmt: skip


def test_an_evening_is_followed_over_midnight():
    room = factories.space(hours={1: [(18.5, 24)], 2: [(0, 2)]})

    assert list(table(room)) == ["18:30", "19:30", "20:30", "21:30", "22:30", "23:30"]
    assert list(table(room, date(2027, 3, 3))) == ["00:00", "01:00"]
    take(room, march(3, 0, 1))
    assert table(room)["23:30"] == "taken"


def test_an_hour_that_comes_twice_has_two_starts(monday):
    clock.set_zone("Europe/Berlin")
    try:
        monday(datetime(2027, 10, 20, tzinfo=UTC))
        room = factories.space(hours={6: [(1, 4)]})
        day = date(2027, 10, 31)

        slots = free_times(room, day, day, HOUR)[day]

        assert [f"{clock.local(slot.interval.starts_at):%H:%M %Z}" for slot in slots] == [
            "01:00 CEST", "02:00 CEST", "02:00 CET", "03:00 CET",
        ]  # fmt: skip
    finally:
        clock.set_zone("Asia/Seoul")


# --- the next one ---


def test_the_next_free_time_of_each_room_is_one_statement(statements):
    busy = factories.space("busy")
    take(busy, march(1, 9, 22))
    rarely = factories.space("Sundays", hours={6: [(10, 12)]})
    never = factories.space("never", hours={})
    late = factories.space("with notice", notice_days=3)
    long = factories.space("long", min_minutes=240)
    short = factories.space("short", max_minutes=60)
    asked = [busy, rarely, never, late, long, short]

    with statements() as seen:
        found = next_free(asked, 2 * HOUR, clock.now())

    assert len(seen) == 1
    assert found == {
        busy.id: march(2, 9, 11), rarely.id: march(7, 10, 12), late.id: march(4, 9, 11), long.id: march(1, 9, 13),
    }  # fmt: skip


def test_nothing_is_next_after_two_weeks_or_beyond_the_horizon():
    assert next_free([], HOUR, clock.now()) == {}
    near = factories.space(horizon_days=1, hours={5: [(10, 12)]})
    monthly = factories.space(hours={6: [(10, 12)]}, closed_days=[(6, 1), (6, 2)])

    assert next_free([near, monthly], HOUR, clock.now()) == {}


# --- alternatives ---


def test_a_refusal_offers_the_nearest_times_and_the_nearest_rooms():
    library = factories.building(point=Point(37.50, 127.0))
    room = factories.space(building=library)
    take(room, march(2, 18, 20))
    small = factories.space("small", building=library, capacity=4)
    near = factories.space("near", building=factories.building("Next door", point=Point(37.51, 127.0)))
    far = factories.space("far", building=factories.building("Hillside", point=Point(37.59, 127.0)))
    taken = factories.space("taken", building=library)
    take(taken, march(2, 19, 20))

    offered = alternatives(room, march(2, 18, 20), people=5)

    assert offered.times == [march(2, 15, 17), march(2, 16, 18), march(2, 20, 22)]
    assert [(space.id, time) for space, time, _ in offered.rooms] == [
        (near.id, march(2, 18, 20)), (far.id, march(2, 18, 20)),
    ]  # fmt: skip
    assert [metres for *_, metres in offered.rooms] == pytest.approx([1112, 10007], rel=0.01)
    assert small.id in [space.id for space, *_ in alternatives(room, march(2, 18, 20)).rooms]


@pytest.mark.parametrize(("time", "first"), [
    (march(2, 10, 10.5), march(2, 10, 11)),  # too short
    (march(2, 9, 19), march(2, 9, 17)),  # too long
    (march(2, 10.5, 12), march(2, 10, 11.5)),  # between two steps
    (march(-20, 10, 12), march(1, 9, 11)),  # long past
    (march(300, 10, 12), march(11, 20, 22)),  # beyond the horizon
])  # fmt: skip
def test_what_is_offered_may_really_be_booked(time, first):
    room = factories.space(horizon_days=10)

    offered = alternatives(room, time).times

    assert first in offered
    assert [policy.broken_rule(room, other) for other in offered] == [None] * 3


def test_nothing_is_offered_where_nothing_is_free():
    room = factories.space(hours={})

    offered = alternatives(room, march(2, 18, 20))

    assert (offered.times, offered.rooms) == ([], [])


# --- against trying everything ---

QUARTER = timedelta(minutes=15)
SPANS = st.sampled_from(
    [[], [(9, 22)], [(18.5, 24)], [(0, 2), (18.5, 24)], [(0, 24)], [(9, 12), (12, 18)], [(9.5, 13)]]
)
ROOMS = st.fixed_dictionaries(
    {
        "hours": st.fixed_dictionaries(dict.fromkeys(range(8), SPANS)),
        "raster_minutes": st.sampled_from([15, 30, 60, 120]),
        "min_minutes": st.just(60),
        "max_minutes": st.sampled_from([480, 2 * 1440]),
        "before_minutes": st.sampled_from([0, 15, 30]),
        "after_minutes": st.sampled_from([0, 30, 45]),
        "notice_days": st.sampled_from([0, 1]),
        "horizon_days": st.sampled_from([2, 60]),
    }
)
HELD = st.lists(st.tuples(st.integers(0, 4 * 96), st.integers(1, 40)), max_size=8)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(ROOMS, HELD, st.sampled_from([60, 90, 180]), st.integers(0, 2))
def test_the_table_is_what_trying_every_quarter_finds(rules, held, minutes, own):
    try:
        room = factories.space(**rules)
        claims = []
        for start, length in held:
            begins = march(1, 0, 1).starts_at + start * QUARTER
            time = Interval(begins, begins + length * QUARTER)
            if not occupancy.busy([room.resource_id], time.widened(room.before, room.after))[room.resource_id]:
                claims.append(take(room, time))
        given_up = claims[own] if own < len(claims) else None
        length, first, last = timedelta(minutes=minutes), date(2027, 3, 1), date(2027, 3, 4)
        standing = [claim.interval for claim in claims if claim is not given_up]

        def is_free(start: datetime) -> bool:
            time = Interval(start, start + length)
            in_use = any(time.widened(room.before, room.after).overlaps(span) for span in standing)
            return policy.broken_rule(room, time) is None and not in_use

        shown = free_times(room, first, last, length, instead_of=given_up)
        free = [slot.interval.starts_at for slots in shown.values() for slot in slots if slot.state == "free"]
        quarters = [march(1, 0, 1).starts_at + n * QUARTER for n in range(4 * 96)]
        assert free == [start for start in quarters if is_free(start)]
        assert all(clock.local(slot.interval.starts_at).date() == day for day, slots in shown.items() for slot in slots)

        if given_up is None:
            following = next_free([room], length, clock.now()).get(room.id)
            if free:
                assert following == Interval(free[0], free[0] + length)
            else:
                assert following is None or following.starts_at >= quarters[-1] + QUARTER
    finally:
        db.session.rollback()
