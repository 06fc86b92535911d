"""Calendar files (iCalendar, RFC 5545) that phones and desktops read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache

from icalendar import Calendar, Event, Timezone

from marketplace.kernel import clock
from marketplace.kernel.intervals import Interval


class Status(StrEnum):
    """How firm an entry is, in the words of the standard."""

    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a calendar. `sequence` rises with every change; the uid never changes."""

    uid: str
    sequence: int
    title: str
    interval: Interval
    place: str
    url: str
    status: Status = Status.CONFIRMED


READ_AGAIN = timedelta(hours=1)
"""How often a calendar is asked to read a feed again (RFC 7986, and what programs understood before)."""


def calendar(entries: Iterable[Entry], *, name: str | None = None) -> bytes:
    """Entries as a file in the city's time zone, which is described in it; one with a name is a feed, read again."""
    out = Calendar()
    out.add("prodid", "-//Maeul//Maeul//EN")
    out.add("version", "2.0")
    out.add("method", "PUBLISH")
    if name is not None:
        out.add("name", name)
        out.add("x-wr-calname", name)
        out.add("refresh-interval", READ_AGAIN)
        out.add("x-published-ttl", "PT1H")
    for entry in entries:
        event = Event()
        event.add("uid", entry.uid)
        event.add("sequence", entry.sequence)
        event.add("dtstamp", clock.now())
        event.add("summary", entry.title)
        event.add("dtstart", clock.local(entry.interval.starts_at))
        event.add("dtend", clock.local(entry.interval.ends_at))
        event.add("location", entry.place)
        event.add("url", entry.url)
        event.add("status", entry.status.value)
        out.add_component(event)
    if out.events:
        out.add_component(_described(clock.zone().key))
    return out.to_ical()


@cache
def _described(zone: str) -> Timezone:
    """What clocks do in a time zone; worked out once, as that takes as long as the rest of a letter."""
    return Timezone.from_tzid(zone)
