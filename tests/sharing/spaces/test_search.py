"""Finding rooms that are free: held against trying every minute of the day, room by room."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.geo import Point
from marketplace.kernel.intervals import Interval
from marketplace.kernel.occupancy import Kind as Holding
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.models import Feature, Kind, Space
from marketplace.sharing.spaces.queries import rooms
from marketplace.sharing.spaces.queries.search import Wanted, When, find
from tests import factories
from tests.factories import march

TUESDAY = date(2027, 3, 2)
EVENING = When(TUESDAY, 18 * 60, 20 * 60)
ANY_TWO_HOURS = When(TUESDAY, 18 * 60, 22 * 60, 120)


def names(wanted: Wanted | None = None, when: When | None = None) -> list[str]:
    """The names of the rooms found free, in order."""
    found = find(wanted or Wanted(), when)
    return [space.name for space in rooms.spaces([space_id for space_id, _ in found.free])]


def take(space: Space, time: Interval, kind: Holding = Holding.BOOKING, **more) -> None:
    """Hold a room."""
    occupancy.claim(space.resource_id, time, kind=kind, before=space.before, after=space.after, **more)


# --- time ---


def test_only_rooms_free_for_the_whole_stretch_answer_and_the_others_are_told():
    taken, free = factories.space("A"), factories.space("B")
    take(taken, march(2, 19, 20))

    found = find(Wanted(), EVENING)

    assert found.free == [(free.id, march(2, 18, 20))]
    assert found.others == [taken.id]


def test_any_two_hours_within_the_evening_are_the_first_free_ones():
    room = factories.space()
    take(room, march(2, 17, 19))

    assert find(Wanted(), ANY_TWO_HOURS).free == [(room.id, march(2, 19, 21))]
    assert find(Wanted(), EVENING).free == []


def test_a_room_let_for_longer_only_offers_its_shortest_time():
    hall = factories.space(min_minutes=180)

    assert find(Wanted(), ANY_TWO_HOURS).free == [(hall.id, march(2, 18, 21))]
    assert find(Wanted(), EVENING).free == []


def test_a_room_is_not_free_on_days_that_cannot_be_booked_yet_or_no_more():
    factories.space("early", notice_days=2)
    factories.space("late", horizon_days=0)

    assert names(when=EVENING) == []


def test_today_only_what_is_still_to_come_is_free(monday):
    room = factories.space()
    morning = When(date(2027, 3, 1), 9 * 60, 12 * 60, 60)
    assert find(Wanted(), morning).free == [(room.id, march(1, 9, 10))]

    monday(march(1, 9, 10).starts_at + timedelta(microseconds=1))

    assert find(Wanted(), morning).free == [(room.id, march(1, 10, 11))]


def test_hours_that_touch_are_one_stretch():
    factories.space(hours={1: [(9, 12), (12, 18)]})

    assert names(when=When(TUESDAY, 11 * 60, 13 * 60)) == ["Reading room"]


def test_a_holiday_and_a_closed_sunday_count():
    factories.space("open on holidays", hours={7: [(9, 22)]})
    factories.space("open on Sundays", hours={6: [(9, 22)]}, closed_days=[(6, 2)])

    assert names(when=When(date(2027, 3, 1), 600, 720)) == ["open on holidays"]
    assert names(when=When(date(2027, 3, 7), 600, 720)) == ["open on Sundays"]
    assert names(when=When(date(2027, 3, 14), 600, 720)) == []


def test_time_to_prepare_and_to_clear_has_to_be_free_as_well():
    room = factories.space(before_minutes=30, after_minutes=30, raster_minutes=30)
    take(room, march(2, 15, 17))

    assert find(Wanted(), When(TUESDAY, 17 * 60, 22 * 60, 60)).free == [(room.id, march(2, 18, 19))]


def test_a_hold_that_ran_out_is_no_obstacle(monday):
    room = factories.space()
    take(room, march(2, 18, 20), Holding.HOLD, expires_at=clock.now() + timedelta(minutes=10))
    assert names(when=EVENING) == []

    monday(clock.now() + timedelta(minutes=10))

    assert names(when=EVENING) == ["Reading room"]


def test_who_books_the_hall_has_its_halves_and_the_other_way_round():
    hall = factories.space("hall")
    left = factories.space("left", part_of=hall)
    factories.space("right", part_of=hall)

    take(left, march(2, 18, 20))
    take(hall, march(3, 18, 20))

    assert names(when=EVENING) == ["right"]
    assert names(when=When(date(2027, 3, 3), 18 * 60, 20 * 60)) == []


def test_in_the_night_of_summer_time_the_stretch_is_an_hour_shorter(monday):
    clock.set_zone("Europe/Berlin")
    try:
        monday(datetime(2027, 3, 20, tzinfo=UTC))
        room = factories.space(hours={6: [(0, 6)]})

        assert find(Wanted(), When(date(2027, 3, 28), 60, 240)).free == [(room.id, march(28, 1, 4))]
        assert march(28, 1, 4).length == timedelta(hours=2)
        assert find(Wanted(), When(date(2027, 3, 28), 150, 180)).free == []  # an hour that does not exist
    finally:
        clock.set_zone("Asia/Seoul")


# --- everything else ---


def test_rooms_are_found_by_what_they_are_and_have():
    factories.space("big", capacity=100, kind=Kind.HALL, features=[Feature.PIANO, Feature.SOUND], base_fee=10_000)
    factories.space("small", capacity=10, features=[Feature.PIANO])
    factories.space("of unknown size", capacity=None, extra_minutes=60, extra_fee=500)
    factories.space("not offered", open=False)

    assert names() == ["small", "big", "of unknown size"]
    assert names(Wanted(people=10)) == ["small", "big"]
    assert names(Wanted(people=11)) == ["big"]
    assert names(Wanted(kind=Kind.HALL)) == ["big"]
    assert names(Wanted(features=(Feature.PIANO,))) == ["small", "big"]
    assert names(Wanted(features=(Feature.PIANO, Feature.SOUND))) == ["big"]
    assert names(Wanted(free_of_charge=True)) == ["small"]


def test_rooms_are_found_by_their_building():
    riverside = factories.district(west=127.0)
    hillside = factories.district("Hillside", "언덕구", west=127.2)
    library = factories.building(point=Point(37.55, 127.05), step_free=True, lift=True)
    gym = factories.building("Hill Gym", point=Point(37.55, 127.25), step_free=True, lift=False)
    factories.space("study", building=library)
    factories.space("court", building=gym)
    factories.space("elsewhere", building=factories.building("Nowhere"))

    assert names(Wanted(district_id=riverside.id)) == ["study"]
    assert names(Wanted(district_id=hillside.id)) == ["court"]
    assert names(Wanted(building_id=gym.id)) == ["court"]
    assert names(Wanted(access=("step_free",))) == ["court", "study"]
    assert names(Wanted(access=("step_free", "lift"))) == ["study"]
    assert names(Wanted(access=("hearing_loop",))) == []


def test_the_nearest_come_first_and_those_without_a_place_last():
    for name, longitude in (("far", 127.2), ("near", 127.01), ("next", 127.05)):
        factories.space(name, building=factories.building(point=Point(37.5, longitude)))
    factories.space("nowhere", capacity=1)

    found = find(Wanted(near=Point(37.5, 127.0)), None)

    assert names(Wanted(near=Point(37.5, 127.0))) == ["near", "next", "far", "nowhere"]
    assert sorted(found.metres.values()) == pytest.approx([882, 4411, 17643], rel=0.01)


@pytest.mark.parametrize("words", ["회의실", "회의", "강변 회의실", "Meeting", "meeting room", "river", "빔프로젝터"])
def test_rooms_are_found_by_words_in_korean_and_english(words):
    library = factories.building("강변도서관", name_en="Riverside Library")
    factories.space("회의실 1", name_en="Meeting room 1", building=library, equipment=["빔프로젝터"])
    factories.space("체육관", name_en="Gym", building=factories.building("언덕체육관"))

    assert names(Wanted(words=words)) == ["회의실 1"]


@pytest.mark.parametrize("words", ["", "  ", "'; DROP TABLE spaces; --", '"', "*", "\\", "가" * 1000])
def test_any_words_are_a_safe_question(words):
    factories.space()

    assert names(Wanted(words=words)) in (["Reading room"], [])


# --- cost ---


def test_a_search_takes_three_statements_however_many_rooms_there_are(statements):
    for n in range(3):
        factories.space(f"Room {n}")
    for _ in range(2):
        with statements() as timed:
            find(Wanted(words="room", people=2, features=(), near=Point(37.5, 127.0)), ANY_TWO_HOURS)
        with statements() as untimed:
            find(Wanted(access=("lift",), district_id=1), None)
        assert (len(timed), len(untimed)) == (3, 1)
        for n in range(30):
            factories.space(f"Further room {n}")


# --- against trying everything ---

QUARTER = timedelta(minutes=15)
SPANS = st.sampled_from(
    [[], [(9, 22)], [(18.5, 24)], [(0, 2), (18.5, 24)], [(0, 24)], [(9, 12), (12, 18)], [(9.5, 13)]]
)
RULES = st.fixed_dictionaries(
    {
        "hours": st.fixed_dictionaries({1: SPANS, 2: SPANS, 6: SPANS, 7: SPANS}),
        "closed_days": st.sampled_from([(), ((6, 2), (6, 4)), ((1, 1),)]),
        "raster_minutes": st.sampled_from([15, 30, 60, 120]),
        "min_minutes": st.sampled_from([30, 60, 120]),
        "max_minutes": st.sampled_from([120, 480]),
        "before_minutes": st.sampled_from([0, 15, 30]),
        "after_minutes": st.sampled_from([0, 30, 45]),
        "notice_days": st.sampled_from([0, 1, 5]),
        "horizon_days": st.sampled_from([5, 60]),
        "capacity": st.sampled_from([None, 5, 20]),
    }
)
HELD = st.tuples(
    st.integers(0, 5),
    st.integers(1, 31),
    st.integers(0, 95),
    st.integers(1, 20),
    st.sampled_from(["booking", "run out"]),
)
DAYS = st.sampled_from([date(2027, 3, day) for day in (1, 2, 3, 7, 14)])
WHENS = st.builds(
    lambda day, start, length, minutes: When(day, start * 30, min(start * 30 + length * 30, 1440), minutes),
    DAYS,
    st.integers(0, 47),
    st.integers(1, 20),
    st.sampled_from([None, 30, 60, 90, 180]),
)


def by_trying(space: Space, when: When, people: int | None) -> Interval | None:
    """The first time in the stretch that breaks no rule and meets nothing held."""
    length = max(when.length, timedelta(minutes=space.min_minutes)) if when.minutes else when.length
    assert when.asked is not None
    start = when.asked.starts_at
    while start + length <= when.asked.ends_at:
        time = Interval(start, start + length)
        held = time.widened(space.before, space.after)
        if (
            policy.broken_rule(space, time, people) is None
            and not occupancy.busy([space.resource_id], held)[space.resource_id]
        ):
            return time
        if when.minutes is None:
            return None
        start += QUARTER
    return None


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    city=st.lists(RULES, min_size=1, max_size=4),
    halves=st.integers(0, 2),
    held=st.lists(HELD, max_size=12),
    whens=st.lists(WHENS, min_size=1, max_size=4),
    people=st.sampled_from([None, 6]),
    many=st.sampled_from([1, 500]),
)
def test_a_search_finds_what_trying_everything_finds(monkeypatch, city, halves, held, whens, people, many):
    monkeypatch.setattr(occupancy, "MANY", many)  # so many rooms are asked about in another way
    try:
        made = [_room(n, rules) for n, rules in enumerate(city)]
        made += [_room(len(made), city[-1], part_of=made[0]) for _ in range(halves)]
        for which, day, start, length, kind in held:
            _hold(made[which % len(made)], day, start, length, kind)
        for when in whens:
            found = find(Wanted(people=people), when)
            fitting = [space for space in made if people is None or (space.capacity or 0) >= people]
            expected = {space.id: time for space in fitting if (time := by_trying(space, when, people))}
            assert dict(found.free) == expected
            assert set(found.others) == {space.id for space in fitting} - expected.keys()
    finally:
        db.session.rollback()


def _room(n: int, rules: dict, part_of: Space | None = None) -> Space:
    return factories.space(f"Room {n}", part_of=part_of, **rules)


def _hold(space: Space, day: int, start: int, length: int, kind: str) -> None:
    begins = march(day, 0, 1).starts_at + start * QUARTER
    ran_out = kind == "run out"
    with suppress(occupancy.Taken):
        take(
            space, Interval(begins, begins + length * QUARTER), Holding.HOLD if ran_out else Holding.BOOKING,
            expires_at=clock.now() if ran_out else None,
        )  # fmt: skip
