"""The clock: one moment for all, and the city's wall clocks through every change of them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.kernel import clock

pytestmark = pytest.mark.no_database


@pytest.fixture
def berlin() -> Iterator[None]:
    """A city that changes its clocks twice a year."""
    before = clock.zone()
    clock.set_zone("Europe/Berlin")
    yield
    clock.set_zone(str(before))


def test_a_stopped_clock_stands_and_goes_on_afterwards(monday) -> None:
    moment = datetime(2027, 5, 1, 12, tzinfo=UTC)
    before = clock.now()
    with clock.frozen(moment):
        assert clock.now() == moment
        with clock.frozen(moment + timedelta(days=1)):
            assert clock.now() == moment + timedelta(days=1)
        assert clock.now() == moment
    assert clock.now() == before


def test_now_is_in_utc_wherever_the_clock_was_stopped() -> None:
    with clock.frozen(datetime(2027, 5, 1, 9, tzinfo=clock.zone())):
        assert clock.now().tzinfo is UTC
        assert clock.now().hour == 0


def test_a_moment_without_a_zone_is_no_moment() -> None:
    with pytest.raises(ValueError, match="time zone"), clock.frozen(datetime(2027, 5, 1)):  # noqa: DTZ001 - meant
        pass


def test_today_is_the_date_in_the_city() -> None:
    with clock.frozen(datetime(2027, 4, 30, 15, 0, tzinfo=UTC)):
        assert clock.today() == date(2027, 5, 1)
    with clock.frozen(datetime(2027, 4, 30, 14, 59, tzinfo=UTC)):
        assert clock.today() == date(2027, 4, 30)


@pytest.mark.parametrize(
    ("minute", "expected"),
    [
        (0, datetime(2027, 4, 30, 15, 0, tzinfo=UTC)),
        (9 * 60, datetime(2027, 5, 1, 0, 0, tzinfo=UTC)),
        (1440, datetime(2027, 5, 1, 15, 0, tzinfo=UTC)),
    ],
)
def test_a_minute_of_a_day_is_a_moment(minute: int, expected: datetime) -> None:
    assert clock.at(date(2027, 5, 1), minute) == expected


@pytest.mark.usefixtures("berlin")
def test_in_spring_a_skipped_time_is_read_an_hour_later() -> None:
    skipped = clock.at(date(2027, 3, 28), 150)

    assert skipped == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert clock.local(skipped).strftime("%H:%M") == "03:30"


@pytest.mark.usefixtures("berlin")
def test_in_autumn_a_time_shown_twice_is_the_first() -> None:
    assert clock.at(date(2027, 10, 31), 150) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(("day", "hours"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 5, 1), 24)])
def test_days_are_as_long_as_they_are(day: date, hours: int) -> None:
    assert clock.at(day, 1440) - clock.at(day, 0) == timedelta(hours=hours)
    assert clock.at(day, 1440) == clock.at(day + timedelta(days=1), 0)
