"""The only clock: every other module asks here what time it is, so that a test can stop it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_zone = ZoneInfo("Asia/Seoul")
_stopped_at: datetime | None = None


def set_zone(name: str) -> None:
    """Tell the clock which time zone the city lives in."""
    global _zone
    _zone = ZoneInfo(name)


def zone() -> ZoneInfo:
    """The time zone of the city."""
    return _zone


def now() -> datetime:
    """This moment, in UTC."""
    return _stopped_at or datetime.now(UTC)


def today() -> date:
    """The date in the city."""
    return local(now()).date()


def local(moment: datetime) -> datetime:
    """The same moment on the city's wall clocks."""
    return moment.astimezone(_zone)


def at(day: date, minute: int) -> datetime:
    """The moment, in UTC, at which the city's wall clocks show so many minutes past midnight of a day.

    Minute 1440 is midnight at the end of the day. A time skipped in spring is read an hour later; a time shown twice
    in autumn is the first of the two.
    """
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall time, given its zone on the next line
    return (midnight + timedelta(minutes=minute)).replace(tzinfo=_zone).astimezone(UTC)


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Stop the clock at a moment, for a test or a rehearsal."""
    global _stopped_at
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    before, _stopped_at = _stopped_at, moment.astimezone(UTC)
    try:
        yield
    finally:
        _stopped_at = before
