"""A city of exactly so many rooms, its next ninety days booked for a given share of the evening."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from random import Random

import sqlalchemy as sa
from tqdm import tqdm

from marketplace.kernel import calendar, clock, db
from marketplace.kernel.intervals import HOLIDAY
from marketplace.kernel.occupancy import Kind
from marketplace.portal.demo.service import houses, land, people, rows
from marketplace.portal.demo.service.bookings import Sink
from marketplace.sharing.spaces.models import BookingState, Space

DAYS = 90
EVENING = 18 * 60
EVENING_LOAD, DAY_LOAD = 0.6, 0.2
"""The share of the time that is booked."""

LENGTHS = (60, 120, 120, 180)
PEOPLE = 1_000
CHUNK = 5_000


@dataclass(slots=True)
class City:
    """What was made, and how much of the evening came out as booked."""

    rooms: list[Space]
    person_ids: list[int]
    bookings: int = 0
    open_minutes: int = 0
    booked_minutes: int = 0
    sink: Sink = field(default_factory=Sink)

    @property
    def evening_load(self) -> float:
        """The share of the minutes after 18:00 that are booked, of rooms that are booked as a whole."""
        return self.booked_minutes / self.open_minutes


def build(count: int, seed: int = 1) -> City:
    """Fill an empty database with districts, buildings, rooms, people and bookings; the same for the same seed and day.

    A divided hall is booked as a whole on one day and in its halves on the next.
    """
    number = max(3, min(25, count // 60))
    ground = land.make(Random(f"{seed} land"), number)
    districts = houses.districts(Random(f"{seed} districts"), ground)
    wanted = -(-count // 4) + 2
    buildings = houses.buildings(Random(f"{seed} buildings"), ground, districts, wanted, "하늘시")
    made = houses.rooms(Random(f"{seed} rooms"), buildings)
    rooms = made[:count]
    db.session.execute(sa.update(Space).where(Space.id > rooms[-1].id).values(open=False))
    crowd = people.populate(Random(f"{seed} people"), PEOPLE, districts, buildings, count * DAYS, "a made-up password")
    city = City(rooms, [person.id for person in crowd.bookers])
    _book(city, Random(f"{seed} bookings"))
    rows.settle()
    return city


def _book(city: City, random: Random) -> None:
    halves: dict[int, list[int]] = {}
    for space in city.rooms:
        if space.part_of_id:
            halves.setdefault(space.part_of_id, []).append(space.resource_id)
    today = clock.today()
    for space in tqdm(city.rooms, desc=f"Booking {len(city.rooms)} rooms", file=sys.stderr, disable=None):
        parts = [space.resource_id, *halves.get(space.id, ())]
        for offset in range(1, DAYS + 1):
            if (len(parts) > 1 and offset % 2) or (space.part_of_id and not offset % 2):
                continue
            for opens, closes in _open(space, today + timedelta(days=offset)):
                _book_span(city, random, space, parts, (today, offset), opens, closes)
        city.sink.flush(CHUNK)
    city.sink.flush()
    city.bookings = city.sink.written


def _book_span(
    city: City, random: Random, space: Space, parts: list[int], day: tuple[date, int], opens: int, closes: int
) -> None:
    """Cut a stretch of opening hours into pieces, and book each with the chance that its hour of the day has."""
    for start, end in _pieces(random, space, opens, closes):
        evening = start >= EVENING
        booked = random.random() < (EVENING_LOAD if evening else DAY_LOAD)
        if evening:
            city.open_minutes += end - start
            city.booked_minutes += (end - start) * booked
        if booked:
            _booking(city, random, space, parts, _moment(*day, start), _moment(*day, end))


def _pieces(random: Random, space: Space, opens: int, closes: int) -> Iterator[tuple[int, int]]:
    """One booking after another, buffers between, none across the beginning of the evening."""
    step = space.raster_minutes
    gap = -(-(space.before_minutes + space.after_minutes) // step) * step
    start = opens
    while start < closes:
        until = EVENING if start < EVENING < closes else closes
        length = min(max(random.choice(LENGTHS), space.min_minutes), space.max_minutes) // step * step
        end = min(start + length, until)
        yield start, end
        start = end + gap


def _booking(
    city: City, random: Random, space: Space, parts: list[int], starts_at: datetime, ends_at: datetime
) -> None:
    sink = city.sink
    number = next(sink.booking_ids)
    held = sink.holds.hold(space.resource_id, parts, starts_at - space.before, ends_at + space.after, Kind.BOOKING)
    sink.bookings.append(
        {
            "id": number,
            "reference": f"B{number:07}",
            "space_id": space.id,
            "person_id": random.choice(city.person_ids),
            "occupancy_id": held,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "state": BookingState.CONFIRMED,
            "people": 5,
            "purpose": "회의",
            "fee": space.fee(int((ends_at - starts_at).total_seconds()) // 60),
            "reason": "",
            "created_at": _moment(clock.today(), 0, 0),
            "changed": 0,
            "version": 1,
        }
    )


def _open(space: Space, day: date) -> tuple[tuple[int, int], ...]:
    if (day.weekday(), (day.day + 6) // 7) in {(closed.weekday, closed.nth) for closed in space.closed_days}:
        return ()
    weekday = _kind_of_day(day)
    return tuple(sorted((span.opens, span.closes) for span in space.hours if span.weekday == weekday))


@cache
def _kind_of_day(day: date) -> int:
    return HOLIDAY if calendar.is_holiday(day) else day.weekday()


@cache
def _moment(today: date, offset: int, minute: int) -> datetime:
    return clock.at(today + timedelta(days=offset), minute)


def evenings(first: int = 8, last: int = 28) -> list[date]:
    """The working days of the coming weeks on which nearly every room may be booked: the busiest evenings."""
    days = [clock.today() + timedelta(days=offset) for offset in range(first, last + 1)]
    return [day for day in days if _kind_of_day(day) < 5]
