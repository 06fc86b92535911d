"""What search engines read of a page (schema.org): nothing that the page does not tell, and no finer place."""

from collections.abc import Iterable
from typing import Any

from marketplace.kernel.geo import Point
from marketplace.kernel.writing import show_clock

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "PublicHolidays")
LAST_MINUTE = 24 * 60 - 1
"""Midnight at the end of a day is not told apart from that at its beginning."""


def linked(kind: str, **facts: Any) -> dict[str, Any]:
    """The whole of what a page says, for parts/linked.html."""
    return {"@context": "https://schema.org", **part(kind, **facts)}


def part(kind: str, **facts: Any) -> dict[str, Any]:
    """Something with its facts; those that are not known are left out."""
    return {"@type": kind, **{name: fact for name, fact in facts.items() if fact not in (None, "", [], {})}}


def where(address: str | None, point: Point | None) -> dict[str, Any]:
    """The facts about where a public building is; nothing for a home."""
    geo = part("GeoCoordinates", latitude=point.latitude, longitude=point.longitude) if point else None
    return {"address": address, "geo": geo}


def opening_hours(hours: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows of weekday, opens and closes, in minutes past midnight, as the counter's or the room's hours are kept."""
    return [
        part(
            "OpeningHoursSpecification",
            dayOfWeek=f"https://schema.org/{DAYS[span.weekday]}",
            opens=show_clock(span.opens),
            closes=show_clock(min(span.closes, LAST_MINUTE)),
        )
        for span in hours
    ]


def quantity(value: float, unit: str | None = None) -> dict[str, Any]:
    """So many, perhaps of a unit by its UN/CEFACT code."""
    return part("QuantitativeValue", value=value, unitCode=unit)
