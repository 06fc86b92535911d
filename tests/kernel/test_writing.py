"""Dates, times, lengths and distances as readers of both languages expect them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.kernel import clock, words, writing
from marketplace.kernel.intervals import Interval

pytestmark = pytest.mark.no_database
JUNE_4 = date(2027, 6, 4)


@pytest.fixture
def zone():
    yield clock.set_zone
    clock.set_zone("Asia/Seoul")


def wall(day: int, hour: float) -> datetime:
    """A moment of June 2027 on the city's clocks."""
    return clock.at(date(2027, 6, day), round(hour * 60))


def both(write, *about, **more) -> tuple[str, str]:
    with words.speaking("en"):
        english = write(*about, **more)
    with words.speaking("ko"):
        return english, write(*about, **more)


def test_a_date():
    assert both(writing.show_date, JUNE_4) == ("Fri 4 June", "6월 4일 금요일")
    assert both(writing.show_date, JUNE_4, year=True) == ("Fri 4 June 2027", "2027년 6월 4일 금요일")
    assert both(writing.show_day_short, JUNE_4) == ("Fri 4", "4일 (금)")


def test_the_date_of_a_moment_is_the_citys():
    assert both(writing.show_date, datetime(2027, 6, 3, 15, tzinfo=UTC)) == ("Fri 4 June", "6월 4일 금요일")


def test_a_moment():
    assert both(writing.show_moment, wall(4, 14)) == ("Fri 4 June, 14:00", "6월 4일 금요일 14:00")
    assert both(writing.show_time, wall(4, 0)) == ("00:00", "00:00")


@pytest.mark.parametrize(
    ("start", "end", "english", "korean", "hours"),
    [
        ((4, 14), (4, 16), "Fri 4 June, 14:00 to 16:00", "6월 4일 금요일 14:00–16:00", "14:00–16:00"),
        ((4, 0), (4, 9), "Fri 4 June, 00:00 to 09:00", "6월 4일 금요일 00:00–09:00", "00:00–09:00"),
        ((4, 22), (4, 24), "Fri 4 June, 22:00 to midnight", "6월 4일 금요일 22:00–자정", "22:00–24:00"),
        ((4, 0), (5, 0), "Fri 4 June, 00:00 to midnight", "6월 4일 금요일 00:00–자정", "00:00–24:00"),
        (
            (4, 22), (5, 2), "Fri 4 June, 22:00 to Sat 5 June, 02:00", "6월 4일 금요일 22:00–6월 5일 토요일 02:00",
            "22:00–02:00",
        ),
        (
            (4, 22), (6, 0), "Fri 4 June, 22:00 to Sun 6 June, 00:00", "6월 4일 금요일 22:00–6월 6일 일요일 00:00",
            "22:00–00:00",
        ),
    ],
)  # fmt: skip
def test_an_interval(start, end, english, korean, hours):
    interval = Interval(wall(*start), wall(*end))

    assert both(writing.show_interval, interval) == (english, korean)
    assert both(writing.show_hours, interval) == (hours, hours)


def test_an_interval_over_a_change_of_clocks_shows_what_clocks_show(zone):
    zone("Europe/Berlin")
    spring = Interval(datetime(2027, 3, 28, 0, 30, tzinfo=UTC), datetime(2027, 3, 28, 1, 30, tzinfo=UTC))
    autumn = Interval(datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 23, tzinfo=UTC))

    assert writing.show_interval(spring) == "Sun 28 March, 01:30 to 03:30"
    assert writing.show_interval(autumn) == "Sun 31 October, 02:30 to midnight"


def test_the_end_of_a_day_without_a_midnight(zone):
    """In Beirut summer begins at midnight: the clocks go from 23:59 to 01:00."""
    zone("Asia/Beirut")
    evening = Interval(datetime(2027, 3, 27, 20, tzinfo=UTC), datetime(2027, 3, 27, 22, tzinfo=UTC))

    assert writing.show_hours(evening) == "22:00–24:00"
    assert writing.show_interval(evening) == "Sat 27 March, 22:00 to midnight"


@pytest.mark.parametrize(
    ("minutes", "english", "korean"),
    [
        (0, "0 minutes", "0분"),
        (1, "1 minute", "1분"),
        (60, "1 hour", "1시간"),
        (90, "1 hour 30 minutes", "1시간 30분"),
        (1440, "24 hours", "24시간"),
    ],
)
def test_a_length(minutes, english, korean):
    assert both(writing.show_minutes, minutes) == (english, korean)


def test_a_month_in_the_city():
    assert both(writing.show_month, datetime(2026, 5, 31, 15, tzinfo=UTC)) == ("June 2026", "2026년 6월")


def test_minutes_of_a_day():
    assert [writing.show_clock(minute) for minute in (0, 545, 1440)] == ["00:00", "09:05", "24:00"]


@pytest.mark.parametrize(
    ("metres", "text"),
    [(0, "0 m"), (4, "0 m"), (347, "350 m"), (994, "990 m"), (995.1, "1.0 km"), (1000, "1.0 km"), (12_345, "12.3 km")],
)
def test_a_distance(metres, text):
    assert writing.show_distance(metres) == text


def test_a_list_in_a_sentence():
    assert both(writing.show_list, ["pictures"]) == ("pictures", "pictures")
    assert both(writing.show_list, ["a", "b", "c"]) == ("a, b and c", "a, b 및 c")


def test_days_of_the_week_and_holidays():
    assert both(writing.show_weekday, 0) == ("Monday", "월요일")
    assert both(writing.show_weekday, 7)[0] == "Public holidays"
    assert len({writing.show_weekday(number) for number in range(8)}) == 8


def test_sentences_write_what_they_are_given():
    sentence = words._l("{a} | {b} | {c} | {d}")
    given = {
        "a": wall(4, 14), "b": JUNE_4, "c": Interval(wall(4, 14), wall(4, 15)), "d": timedelta(minutes=61),
    }  # fmt: skip

    assert str(sentence.filled(**given)) == (
        "Fri 4 June, 14:00 | Fri 4 June | Fri 4 June, 14:00 to 15:00 | 1 hour 1 minute"
    )
