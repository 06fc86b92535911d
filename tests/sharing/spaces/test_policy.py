"""The rules of a room: each refusal at its exact boundary, and the moment at which it would no longer be one."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.kernel import clock
from marketplace.kernel.intervals import Interval
from marketplace.sharing.spaces import errors, policy
from marketplace.sharing.spaces.models import Booking, BookingState, Space, SpaceClosedDay, SpaceHours
from tests.factories import ALWAYS_NINE_TO_TEN, march

pytestmark = pytest.mark.no_database

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NIGHTS = {weekday: [(0, 2), (18.5, 24)] for weekday in range(8)}
ALL_DAY = {weekday: [(0, 24)] for weekday in range(8)}


def room(hours=ALWAYS_NINE_TO_TEN, closed_days=(), **rules) -> Space:
    """A room that no database knows."""
    usual = {
        "open": True, "capacity": 20, "min_minutes": 60, "max_minutes": 480, "raster_minutes": 60,
        "before_minutes": 0, "after_minutes": 0, "notice_days": 0, "horizon_days": 90, "cancel_hours": 24,
        "base_minutes": 120, "base_fee": 10_000, "by_request": False, "building_id": 1,
    }  # fmt: skip
    return Space(
        **usual | rules,
        hours=[
            SpaceHours(weekday=weekday, opens=round(opens * 60), closes=round(closes * 60))
            for weekday, spans in hours.items()
            for opens, closes in spans
        ],
        closed_days=[SpaceClosedDay(weekday=weekday, nth=nth) for weekday, nth in closed_days],
    )


def refusal(space: Space, time: Interval, people: int | None = None) -> str | None:
    broken = policy.broken_rule(space, time, people)
    return type(broken).__name__ if broken else None


@pytest.fixture
def berlin():
    """The city has clocks that change: on 28 March and 31 October 2027."""
    clock.set_zone("Europe/Berlin")
    yield
    clock.set_zone("Asia/Seoul")


# --- each rule at its boundary ---


def test_a_time_within_all_rules_may_be_booked():
    assert policy.broken_rule(room(), march(2, 18, 20), 20) is None


@pytest.mark.parametrize(
    ("rules", "time", "expected"),
    [
        ({"open": False}, march(2, 10, 12), "NotOffered"),
        ({"min_minutes": 120}, march(2, 10, 12), None),
        ({"min_minutes": 120}, march(2, 10, 11.99), "TooShort"),
        ({"max_minutes": 120}, march(2, 10, 12), None),
        ({"max_minutes": 120}, march(2, 10, 12.02), "TooLong"),
        ({}, march(1, 9, 10), None),  # this very moment
        ({}, march(2, 21, 22), None),
        ({}, march(2, 21, 22.02), "ClosedUntil"),
        ({}, march(2, 8, 10), "ClosedUntil"),
        ({"raster_minutes": 30}, march(2, 9.5, 11), None),
        ({}, march(2, 9.5, 11), "OffRaster"),
        ({"hours": {1: [(9.5, 12)]}}, march(2, 9.5, 11), None),  # the raster begins when the room opens
        ({"notice_days": 5}, march(5, 20, 21), "TooSoon"),
        ({"notice_days": 5}, march(6, 9, 10), None),
        ({"horizon_days": 30}, march(31, 20, 21), None),
        ({"horizon_days": 30}, march(32, 9, 10), "TooFar"),
        ({"hours": {}}, march(2, 9, 10), "Closed"),
    ],
)  # fmt: skip
def test_a_rule_holds_up_to_its_boundary_and_not_beyond(rules, time, expected):
    assert refusal(room(**rules), time) == expected


def test_a_moment_ago_is_the_past(monday):
    monday(march(1, 9, 10).starts_at + timedelta(microseconds=1))

    assert refusal(room(), march(1, 9, 10)) == "InThePast"
    assert refusal(room(), march(1, 10, 11)) is None


def test_what_was_asked_for_in_time_is_not_too_late_afterwards(monday):
    soon = room(notice_days=1)
    asked_at = march(1, 23.9, 24).starts_at
    monday(march(2, 0.1, 1).starts_at)

    assert refusal(soon, march(2, 9, 10)) == "TooSoon"
    assert policy.broken_rule(soon, march(2, 9, 10), asked_at=asked_at) is None


@pytest.mark.parametrize(("capacity", "people", "expected"), [
    (20, 20, None), (20, 21, "TooManyPeople"), (None, 100_000, None), (20, None, None),
])  # fmt: skip
def test_a_room_holds_so_many_people(capacity, people, expected):
    assert refusal(room(capacity=capacity), march(2, 10, 12), people) == expected


def test_each_refusal_names_its_rule_in_one_sentence():
    soon = policy.broken_rule(room(notice_days=5), march(2, 10, 12))
    far = policy.broken_rule(room(horizon_days=30), march(40, 10, 12))
    closed = policy.broken_rule(room(), march(2, 22, 24))
    between = policy.broken_rule(room(), march(2, 10.5, 12))

    assert [str(one.sentence) for one in (soon, far, closed, between) if one] == [
        "This room is booked at least 5 days ahead: from Sat 6 March, 09:00 on.",
        "This room is booked at most 30 days ahead. That day opens for booking on Wed 10 March, 00:00.",
        "The room is closed at that time. Its next opening of that length is Wed 3 March, 09:00.",
        "Bookings of this room start every 1 hour, for example at 10:00.",
    ]


# --- days ---


def test_a_public_holiday_has_hours_of_its_own():
    """1 March 2027 is a Monday, and the day of the Independence Movement."""
    weekdays_only = room({weekday: [(9, 22)] for weekday in range(7)})
    holidays_only = room({7: [(9, 22)]})

    assert refusal(weekdays_only, march(1, 10, 12)) == "ClosedUntil"
    assert refusal(weekdays_only, march(8, 10, 12)) is None
    assert refusal(holidays_only, march(1, 10, 12)) is None
    assert refusal(holidays_only, march(8, 10, 12)) == "ClosedUntil"


def test_the_second_and_fourth_sunday_are_closed():
    hall = room(closed_days=[(6, 2), (6, 4)])

    closed = [day for day in range(1, 32) if refusal(hall, march(day, 10, 12))]

    assert closed == [14, 28]


def test_hours_over_midnight_are_one_opening():
    bar = room(NIGHTS)

    assert refusal(bar, march(2, 22.5, 25.5)) is None
    assert refusal(bar, march(2, 23.5, 26.5)) == "ClosedUntil"
    assert refusal(bar, march(2, 24, 26)) is None  # the raster begins anew at midnight
    assert refusal(bar, march(2, 24.5, 25.5)) == "OffRaster"


def test_a_booking_may_last_over_several_open_days():
    assert refusal(room(ALL_DAY, max_minutes=7 * 1440), march(2, 0, 7 * 24)) is None


def test_starts_of_a_night_belong_to_the_day_on_which_they_are():
    def starts(day: int, hours: int) -> list[str]:
        found = policy.possible_starts(room(NIGHTS), date(2027, 3, day), date(2027, 3, day), hours * HOUR)
        return [f"{clock.local(start):%H:%M}" for start in found]

    assert starts(2, 1) == ["00:00", "01:00", "18:30", "19:30", "20:30", "21:30", "22:30", "23:30"]
    assert starts(2, 4) == ["18:30", "19:30", "20:30", "21:30"]


# --- clocks that change ---


def test_a_night_in_spring_is_an_hour_shorter(berlin, monday):
    monday(datetime(2027, 3, 20, tzinfo=UTC))
    night = room({weekday: [(0, 6)] for weekday in range(8)})

    assert refusal(night, march(27, 0, 6)) is None
    assert march(28, 0, 6).length == 5 * HOUR
    assert refusal(night, march(28, 0, 6)) is None
    assert refusal(night, Interval(march(28, 0, 6).starts_at, march(28, 0, 6).starts_at + 6 * HOUR)) == "ClosedUntil"


def test_a_night_in_autumn_is_an_hour_longer(berlin, monday):
    monday(datetime(2027, 10, 20, tzinfo=UTC))
    night = room({weekday: [(0, 6)] for weekday in range(8)})
    midnight = clock.at(date(2027, 10, 31), 0)

    assert refusal(night, Interval(midnight, midnight + 7 * HOUR)) is None
    assert refusal(night, Interval(midnight + HOUR, midnight + 8 * HOUR)) == "Closed"  # no other night is as long


def test_the_raster_follows_the_clock_on_the_wall_from_the_next_day_on(berlin, monday):
    monday(datetime(2027, 3, 20, tzinfo=UTC))
    always = room(ALL_DAY, raster_minutes=120)

    starts = list(policy.possible_starts(always, date(2027, 3, 28), date(2027, 3, 29), HOUR))

    assert [clock.local(start).hour for start in starts] == [
        0,
        3,
        5,
        7,
        9,
        11,
        13,
        15,
        17,
        19,
        21,
        23,
        *range(0, 24, 2),
    ]
    assert all(policy.broken_rule(always, Interval(start, start + HOUR)) is None for start in starts)


# --- the moment at which it would pass ---

SPANS = st.sampled_from([[], [(9, 22)], [(18.5, 24)], [(0, 2)], [(0, 24)], [(9, 12), (13, 18)], [(0, 2), (18, 24)]])
ROOMS = st.builds(
    room,
    hours=st.fixed_dictionaries(dict.fromkeys(range(8), SPANS)),
    closed_days=st.sampled_from([(), ((6, 2), (6, 4)), ((1, 1),)]),
    raster_minutes=st.sampled_from([15, 30, 60, 120]),
    min_minutes=st.sampled_from([30, 60, 120]),
    max_minutes=st.sampled_from([120, 480, 3 * 1440]),
    notice_days=st.integers(0, 5),
    horizon_days=st.integers(5, 40),
    capacity=st.sampled_from([None, 1, 20]),
)
TIMES = st.builds(
    lambda quarter, quarters: Interval(march(1, 0, 1).starts_at + 15 * quarter * MINUTE,
                                       march(1, 0, 1).starts_at + 15 * (quarter + quarters) * MINUTE),
    st.integers(0, 60 * 96), st.integers(1, 60),
)  # fmt: skip
ZONES = st.sampled_from(["Asia/Seoul", "Europe/Berlin"])


@settings(deadline=None)
@given(ROOMS, TIMES, ZONES)
def test_what_a_refusal_promises_is_kept(space, time, zone):
    clock.set_zone(zone)
    try:
        broken = policy.broken_rule(space, time)
        if broken is None:
            return
        kind = type(broken)
        details: dict[str, Any] = broken.details
        if earliest := details.get("earliest"):
            again = policy.broken_rule(space, Interval(earliest, earliest + time.length))
            assert not isinstance(again, kind | errors.Closed | errors.OffRaster | errors.InThePast)
        if opens := details.get("opens"):
            with clock.frozen(opens):
                assert not isinstance(policy.broken_rule(space, time), kind)
            with clock.frozen(opens - timedelta(microseconds=1)):
                assert isinstance(policy.broken_rule(space, time), kind)
        if length := details.get("length") if kind in (errors.TooShort, errors.TooLong) else None:
            again = policy.broken_rule(space, Interval(time.starts_at, time.starts_at + length))
            assert not isinstance(again, kind)
    finally:
        clock.set_zone("Asia/Seoul")


@settings(deadline=None, max_examples=40)
@given(ROOMS, TIMES, ZONES)
def test_no_earlier_opening_is_passed_over(space, time, zone):
    clock.set_zone(zone)
    try:
        broken = policy.broken_rule(space, time)
        if not isinstance(broken, errors.ClosedUntil):
            return
        start, earliest = time.starts_at, broken.details["earliest"]
        while start < min(earliest, time.starts_at + 3 * DAY):
            again = policy.broken_rule(space, Interval(start, start + time.length))
            assert isinstance(again, errors.Closed | errors.OffRaster | errors.TooFar), start
            start += 15 * MINUTE
    finally:
        clock.set_zone("Asia/Seoul")


# --- what it costs ---


@pytest.mark.parametrize(("base", "extra", "minutes", "fee"), [
    ((120, 10_000), (60, 5_000), 60, 10_000),  # the base is paid in full
    ((120, 10_000), (60, 5_000), 120, 10_000),
    ((120, 10_000), (60, 5_000), 121, 15_000),  # each further hour begun
    ((120, 10_000), (60, 5_000), 180, 15_000),
    ((120, 10_000), (60, 5_000), 181, 20_000),
    ((120, 60_000), (None, None), 120, 60_000),  # without a further fee, each base unit begun
    ((120, 60_000), (None, None), 121, 120_000),
    ((120, 60_000), (60, None), 240, 120_000),
    ((240, 30_000), (60, 0), 480, 30_000),  # one fee however long
    ((60, 0), (60, 1_000), 180, 2_000),  # the first hour is free
    ((60, 0), (None, None), 480, 0),
])  # fmt: skip
def test_a_fee_is_paid_for_each_unit_begun(base, extra, minutes, fee):
    space = room(base_minutes=base[0], base_fee=base[1], extra_minutes=extra[0], extra_fee=extra[1])

    assert space.fee(minutes) == fee


def test_lengths_to_choose_from_are_steps_of_the_raster():
    assert room(min_minutes=60, max_minutes=240).lengths == [60, 120, 180, 240]
    assert room(min_minutes=90, max_minutes=240).lengths == [120, 180, 240]
    assert room(min_minutes=90, max_minutes=180, raster_minutes=30).lengths == [90, 120, 150, 180]


# --- who may ---


def people() -> dict[str, Person]:
    administrator = RoleGrant(role=Role.ADMINISTRATOR)
    return {
        "resident": Person(id=1, grants=[]),
        "neighbour": Person(id=2, grants=[]),
        "manager": Person(id=3, grants=[RoleGrant(role=Role.MANAGER, building_id=1)]),
        "manager next door": Person(id=4, grants=[RoleGrant(role=Role.MANAGER, building_id=2)]),
        "administrator": Person(id=5, grants=[administrator]),
    }


@pytest.mark.parametrize(("question", "allowed"), [
    (policy.may_see, {"resident", "manager", "administrator"}),
    (policy.may_change, {"resident"}),
    (policy.may_answer, {"manager", "administrator"}),
])  # fmt: skip
def test_who_may_do_what_with_a_booking(question, allowed):
    booking = Booking(person_id=1, space=room())

    assert {name for name, person in people().items() if question(person, booking)} == allowed
    assert not question(None, booking)


def test_nobody_answers_their_own_request():
    manager = people()["manager"]

    assert not policy.may_answer(manager, Booking(person_id=manager.id, space=room()))


def test_a_room_not_offered_is_found_only_by_those_who_run_it():
    closed = room(open=False)

    assert {name for name, person in people().items() if policy.may_find(person, closed)} == {
        "manager",
        "administrator",
    }
    assert not policy.may_find(None, closed)
    assert policy.may_find(None, room())


# --- until when ---


@pytest.mark.parametrize(("state", "hours_before", "allowed"), [
    (BookingState.CONFIRMED, 24, True),
    (BookingState.CONFIRMED, 23.99, False),
    (BookingState.REQUESTED, 23.99, True),  # what is not answered yet may always be withdrawn
    (BookingState.REQUESTED, 0, False),
    (BookingState.HELD, 48, False),
    (BookingState.CANCELLED, 48, False),
])  # fmt: skip
def test_a_booking_may_be_cancelled_until_the_deadline(monday, state, hours_before, allowed):
    time = march(10, 18, 20)
    booking = Booking(starts_at=time.starts_at, ends_at=time.ends_at, state=state, space=room())
    monday(time.starts_at - hours_before * HOUR)

    assert policy.may_still_cancel(booking) is allowed
