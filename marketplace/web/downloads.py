"""Downloads: CSV that no spreadsheet runs as a formula, calendars, GeoJSON."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask import Response
from icalendar import Calendar, Event

from marketplace.kernel import clock
from marketplace.kernel.intervals import Interval

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: object) -> str:
    """A cell that a spreadsheet reads as text, never as a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(DANGEROUS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV text with a byte-order mark, so that every spreadsheet reads Korean."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def attachment(body: str | bytes, name: str, content_type: str) -> Response:
    """A file for the visitor to keep."""
    response = Response(body, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def calendar(body: bytes, name: str) -> Response:
    """An iCalendar file."""
    return attachment(body, name, "text/calendar; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a calendar. `sequence` rises with every change; the uid never changes."""

    uid: str
    sequence: int
    title: str
    interval: Interval
    place: str
    url: str
    cancelled: bool = False


def ics(entries: Iterable[Entry]) -> bytes:
    """Entries as an iCalendar file (RFC 5545) in the city's time zone, which is described in it."""
    out = Calendar()
    out.add("prodid", "-//Maeul//Maeul//EN")
    out.add("version", "2.0")
    out.add("method", "PUBLISH")
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
        event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
        out.add_component(event)
    out.add_missing_timezones()
    return out.to_ical()
