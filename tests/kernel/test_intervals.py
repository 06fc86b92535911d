from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel import clock
from marketplace.kernel.intervals import HOLIDAY, Interval, WeeklyHours, merged, starts, subtract

pytestmark = pytest.mark.no_database

MIDNIGHT = datetime(2027, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPRING = date(2027, 3, 28)
"""Berlin's clocks go from 02:00 to 03:00."""
AUTUMN = date(2027, 10, 31)
"""Berlin's clocks go back from 03:00 to 02:00."""


def between(start: float, end: float) -> Interval:
    """Hours of the same day."""
    return Interval(MIDNIGHT + start * HOUR, MIDNIGHT + end * HOUR)


@pytest.fixture
def berlin():
    clock.set_zone("Europe/Berlin")
    yield
    clock.set_zone("Asia/Seoul")


def every_day(*spans: tuple[int, int], **rest) -> WeeklyHours:
    return WeeklyHours((spans,) * 8, **rest)


def total(intervals: list[Interval]) -> timedelta:
    return sum((interval.length for interval in intervals), timedelta(0))


intervals = st.builds(lambda start, length: between(start, start + length), st.integers(0, 40), st.integers(1, 9))


def hours_in(them: list[Interval]) -> set[int]:
    return {hour for hour in range(60) for one in them if one.contains(MIDNIGHT + hour * HOUR)}


def test_an_interval_is_neither_empty_nor_reversed_nor_naive():
    for start, end in ((3, 3), (4, 3)):
        with pytest.raises(ValueError, match="ends after it starts"):
            between(start, end)
    with pytest.raises(ValueError, match="time zone"):
        Interval(datetime(2027, 3, 1), MIDNIGHT + HOUR)  # noqa: DTZ001 - naive on purpose
    with pytest.raises(ValueError, match="time zone"):
        Interval(MIDNIGHT, datetime(2027, 3, 2))  # noqa: DTZ001 - naive on purpose


def test_an_interval_keeps_utc_and_its_elapsed_length_across_a_change_of_clocks(berlin):
    seoul = timezone(timedelta(hours=9))
    assert Interval(datetime(2027, 3, 1, 9, tzinfo=seoul), MIDNIGHT + HOUR) == between(0, 1)
    night = Interval(
        datetime(2027, 3, 28, 0, tzinfo=clock.zone()),
        datetime(2027, 3, 28, 6, tzinfo=clock.zone()),
    )
    assert night.length == 5 * HOUR


def test_intervals_that_touch_do_not_overlap():
    early, late, across = between(1, 2), between(2, 3), between(1.5, 2.5)

    assert not early.overlaps(late)
    assert not late.overlaps(early)
    assert early.meet(late) is None
    assert early.overlaps(across)
    assert across.meet(early) == between(1.5, 2)


def test_an_interval_contains_its_start_but_not_its_end():
    assert between(1, 2).contains(MIDNIGHT + HOUR)
    assert not between(1, 2).contains(MIDNIGHT + 2 * HOUR)
    assert between(1, 3).contains(between(1, 3))
    assert not between(1, 3).contains(between(2, 4))


def test_buffers_widen_an_interval():
    assert between(5, 6).widened(HOUR, 2 * HOUR) == between(4, 8)
    assert between(5, 6).widened() == between(5, 6)


@given(st.lists(intervals, max_size=8), st.lists(intervals, max_size=8))
def test_gaps_are_exactly_the_hours_of_the_windows_that_are_not_busy(windows, busy):
    gaps = subtract(windows, busy)

    assert hours_in(gaps) == hours_in(windows) - hours_in(busy)
    assert gaps == merged(gaps)


@given(st.lists(intervals, max_size=10))
def test_merging_keeps_the_time_in_intervals_that_no_longer_touch(them):
    result = merged(them)

    assert hours_in(result) == hours_in(them)
    assert all(early.ends_at < late.starts_at for early, late in pairwise(result))


@given(st.lists(intervals, max_size=5), st.integers(1, 12), st.integers(1, 5), st.integers(-3, 60))
def test_starts_are_all_moments_of_the_raster_that_leave_room(gaps, length, raster, origin):
    found = list(starts(gaps, length * HOUR, raster * HOUR, MIDNIGHT + origin * HOUR))

    fits = [
        MIDNIGHT + hour * HOUR
        for hour in range(60)
        if (hour - origin) % raster == 0 and set(range(hour, hour + length)) <= hours_in(gaps)
    ]
    assert found == fits


def test_starts_refuse_a_raster_that_never_moves():
    with pytest.raises(ValueError, match="positive"):
        list(starts([between(1, 2)], HOUR, timedelta(0), MIDNIGHT))
    with pytest.raises(ValueError, match="positive"):
        list(starts([between(1, 2)], timedelta(0), HOUR, MIDNIGHT))


def test_hours_are_read_on_the_citys_clocks():
    (opening,) = every_day((540, 1080)).on(date(2027, 3, 2), is_holiday=False)

    assert opening == Interval(datetime(2027, 3, 2, 0, tzinfo=UTC), datetime(2027, 3, 2, 9, tzinfo=UTC))


def test_weekdays_and_holidays_have_their_own_hours():
    hours = WeeklyHours((((540, 720), (780, 1080)), (), (), (), (), (), (), ((600, 660),)))

    assert len(hours.on(date(2027, 3, 1), is_holiday=False)) == 2
    assert hours.on(date(2027, 3, 2), is_holiday=False) == []
    assert [opening.length for opening in hours.on(date(2027, 3, 2), is_holiday=True)] == [HOUR]
    assert hours.days[HOLIDAY] == ((600, 660),)


def test_every_second_and_fourth_sunday_can_be_closed_even_on_a_holiday():
    hours = every_day((540, 1080), closed_nth=frozenset({(6, 2), (6, 4)}))
    sundays = [date(2027, 8, day) for day in (1, 8, 15, 22, 29)]

    assert [bool(hours.on(day, is_holiday=False)) for day in sundays] == [True, False, True, False, True]
    assert hours.on(sundays[1], is_holiday=True) == []
    assert hours.on(date(2027, 8, 9), is_holiday=False)


def test_a_fifth_sunday_closes_only_the_months_that_have_one():
    hours = every_day((540, 1080), closed_nth=frozenset({(6, 5)}))

    assert hours.on(date(2027, 8, 29), is_holiday=False) == []
    assert hours.on(date(2027, 9, 26), is_holiday=False)


@pytest.mark.parametrize(
    "days",
    [
        ((),) * 7,
        (((600, 600),), *((),) * 7),
        (((600, 1441),), *((),) * 7),
        (((-1, 60),), *((),) * 7),
        (((600, 700), (690, 800)), *((),) * 7),
    ],
)
def test_impossible_hours_are_refused(days):
    with pytest.raises(ValueError, match="hours"):
        WeeklyHours(days)


@pytest.mark.parametrize("closed", [(7, 1), (0, 0), (0, 6)])
def test_impossible_closed_days_are_refused(closed):
    with pytest.raises(ValueError, match="closed"):
        every_day(closed_nth=frozenset({closed}))


def test_hours_over_midnight_are_one_opening_once_days_are_merged():
    hours = every_day((0, 120), (1200, 1440))
    days = [date(2027, 3, 2) + timedelta(days=n) for n in range(3)]

    openings = merged(opening for day in days for opening in hours.on(day, is_holiday=False))

    assert [opening.length for opening in openings] == [2 * HOUR, 6 * HOUR, 6 * HOUR, 4 * HOUR]


def test_a_city_without_summer_time_has_days_of_24_hours():
    for day in (SPRING, AUTUMN):
        assert total(every_day((0, 1440)).on(day, is_holiday=False)) == 24 * HOUR


def test_the_day_the_clocks_go_forward_has_23_hours_and_the_day_they_go_back_25(berlin):
    around_the_clock = every_day((0, 1440))

    assert total(around_the_clock.on(SPRING, is_holiday=False)) == 23 * HOUR
    assert total(around_the_clock.on(AUTUMN, is_holiday=False)) == 25 * HOUR
    assert len(merged(o for day in (SPRING, SPRING + timedelta(1)) for o in around_the_clock.on(day, False))) == 1


def test_an_opening_within_the_skipped_hour_vanishes(berlin):
    assert every_day((120, 180)).on(SPRING, is_holiday=False) == []
    assert every_day((150, 180)).on(SPRING, is_holiday=False) == []
    assert total(every_day((60, 240)).on(SPRING, is_holiday=False)) == 2 * HOUR


def test_an_opening_over_the_repeated_hour_is_an_hour_longer(berlin):
    assert total(every_day((60, 240)).on(AUTUMN, is_holiday=False)) == 4 * HOUR
    assert total(every_day((120, 180)).on(AUTUMN, is_holiday=False)) == 2 * HOUR


@given(st.sampled_from([SPRING, AUTUMN]), st.lists(st.integers(0, 96), min_size=2, max_size=8, unique=True))
def test_hours_are_in_order_and_apart_on_days_when_the_clocks_change(day, bounds):
    clock.set_zone("Europe/Berlin")
    quarters = sorted(bounds)[: len(bounds) // 2 * 2]
    spans = [(quarters[i] * 15, quarters[i + 1] * 15) for i in range(0, len(quarters), 2)]
    try:
        openings = every_day(*spans).on(day, is_holiday=False)
    finally:
        clock.set_zone("Asia/Seoul")

    assert openings == merged(openings)
