"""Calendar files, read back by an independent reader of the format."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from marketplace.kernel import clock, ical
from marketplace.kernel.intervals import Interval

pytestmark = pytest.mark.no_database
MARCH_2 = Interval(datetime(2027, 3, 2, 5, tzinfo=UTC), datetime(2027, 3, 2, 7, tzinfo=UTC))
LONG_KOREAN = "마을 도서관 3층 회의실에서 열리는 어르신 스마트폰 교실, 준비물; 돋보기\n둘째 줄"


@pytest.fixture
def berlin():
    clock.set_zone("Europe/Berlin")
    yield
    clock.set_zone("Asia/Seoul")


def entry(interval=MARCH_2, **other):
    given: dict[str, Any] = {
        "uid": "R-1@haneul",
        "sequence": 0,
        "title": LONG_KOREAN,
        "place": "강변로 1",
        "url": "https://x.kr/1",
    }
    return ical.Entry(**given | other, interval=interval)


def read(file: bytes):
    return Calendar.from_ical(file).walk("VEVENT")


def test_an_entry_says_what_where_and_when_on_the_citys_clocks():
    event = read(ical.calendar([entry()]))[0]

    assert str(event["summary"]) == LONG_KOREAN
    assert (str(event["location"]), event["url"], event["uid"]) == ("강변로 1", "https://x.kr/1", "R-1@haneul")
    assert event.start == MARCH_2.starts_at
    assert event.start.tzinfo == ZoneInfo("Asia/Seoul")
    assert event.end == MARCH_2.ends_at
    assert event["status"] == "CONFIRMED"
    assert event["dtstamp"].dt == clock.now()


def test_lines_are_as_short_as_the_format_asks_and_end_as_it_asks():
    file = ical.calendar([entry()])

    assert file.endswith(b"END:VCALENDAR\r\n")
    assert max(len(line) for line in file.split(b"\r\n")) <= 75
    assert b"\n" not in file.replace(b"\r\n", b"")


def test_a_change_keeps_the_name_and_counts_up():
    first, second = (read(ical.calendar([entry(sequence=number)]))[0] for number in (0, 3))

    assert first["uid"] == second["uid"]
    assert (first["sequence"], second["sequence"]) == (0, 3)


def test_a_cancelled_entry_says_so():
    assert read(ical.calendar([entry(status=ical.Status.CANCELLED)]))[0]["status"] == "CANCELLED"


def test_the_citys_time_zone_is_described_in_the_file(berlin):
    over_the_change = Interval(datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC))

    file = ical.calendar([entry(over_the_change)])

    assert Calendar.from_ical(file).walk("VTIMEZONE")[0]["tzid"] == "Europe/Berlin"
    event = read(file)[0]
    assert (event.start.hour, event.end.hour) == (2, 2)
    assert event.start.astimezone(UTC) == over_the_change.starts_at


def test_a_calendar_of_nothing_can_be_read():
    assert read(ical.calendar([])) == []
