"""The times at which a room is free, the next one, and what else would do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from marketplace.kernel import clock, occupancy
from marketplace.kernel.intervals import Interval, starts, subtract
from marketplace.kernel.occupancy import Occupancy
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.models import Space
from marketplace.sharing.spaces.queries.rooms import spaces
from marketplace.sharing.spaces.queries.search import Wanted, When, find

NEXT_FREE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that could be booked by the room's raster, and why not if not: taken, closed or past."""

    interval: Interval
    state: str


def free_times(
    space: Space, first: date, last: date, length: timedelta, *, instead_of: Occupancy | None = None
) -> dict[date, list[Slot]]:
    """Each day's possible times of a length, in order, free or taken; days on which the room is closed are empty.

    instead_of   a claim that would be given up for the new time, and so does not stand in its way.
    """
    days: dict[date, list[Slot]] = {first + timedelta(days=n): [] for n in range((last - first).days + 1)}
    opened = policy.openings(space, first, last)
    if not opened:
        return days
    around = Interval(opened[0].starts_at, opened[-1].ends_at).widened(space.before, space.after)
    held = occupancy.busy([space.resource_id], around)[space.resource_id]
    taken = _unusable(space, subtract(held, [instead_of.interval] if instead_of else []))
    step = timedelta(minutes=space.raster_minutes)
    for opening in opened:
        free = set(starts(subtract([opening], taken), length, step, opening.starts_at))
        for start in starts([opening], length, step, opening.starts_at):
            if (day := clock.local(start).date()) in days:
                days[day].append(Slot(Interval(start, start + length), _state(space, start, day, start in free)))
    return days


def _unusable(space: Space, held: Sequence[Interval]) -> list[Interval]:
    """When people may not be in the room: what is held, and the time to clear and prepare it around that."""
    return [span.widened(space.after, space.before) for span in held]


def _state(space: Space, start: datetime, day: date, free: bool) -> str:
    if start < clock.now():
        return "past"
    first, last = policy.bookable_days(space)
    if not first <= day <= last:
        return "closed"
    return "free" if free else "taken"


def next_free(found: Sequence[Space], length: timedelta, after: datetime) -> dict[int, Interval]:
    """The next time each room is free for so long, within its bookable days and two weeks; one statement for all."""
    day = clock.local(after).date()
    horizon = Interval(clock.at(day, 0), clock.at(day + timedelta(days=NEXT_FREE_DAYS + 1), 0))
    busy = occupancy.busy([space.resource_id for space in found], horizon)
    times: dict[int, Interval] = {}
    for space in found:
        from_day, to_day = policy.bookable_days(space)
        wanted = max(length, timedelta(minutes=space.min_minutes))
        opened = policy.openings(space, max(day, from_day), min(day + timedelta(days=NEXT_FREE_DAYS), to_day))
        taken = _unusable(space, busy[space.resource_id])
        if wanted > timedelta(minutes=space.max_minutes):
            continue
        start = _first_after(space, opened, taken, wanted, max(after, clock.now()))
        if start:
            times[space.id] = Interval(start, start + wanted)
    return times


def _first_after(
    space: Space, opened: list[Interval], taken: list[Interval], length: timedelta, after: datetime
) -> datetime | None:
    step = timedelta(minutes=space.raster_minutes)
    for opening in opened:
        for start in starts(subtract([opening], taken), length, step, opening.starts_at):
            if start >= after:
                return start
    return None


@dataclass(frozen=True, slots=True)
class Alternatives:
    """What to offer with a refusal: other times of the room, and other rooms at the time."""

    times: list[Interval]
    rooms: list[tuple[Space, Interval, float | None]]


def alternatives(space: Space, interval: Interval, people: int | None = None, most: int = 3) -> Alternatives:
    """The free times of the room nearest to the one wanted, and the nearest rooms free at that time."""
    day = clock.local(interval.starts_at).date()
    around = free_times(space, max(day - timedelta(days=3), clock.today()), day + timedelta(days=7), interval.length)
    free = [slot.interval for slots in around.values() for slot in slots if slot.state == "free"]
    free.sort(key=lambda other: (abs(other.starts_at - interval.starts_at), other.starts_at))
    return Alternatives(sorted(free[:most]), _other_rooms(space, interval, people, most))


def _other_rooms(
    space: Space, interval: Interval, people: int | None, most: int
) -> list[tuple[Space, Interval, float | None]]:
    start, end = clock.local(interval.starts_at), clock.local(interval.ends_at)
    minutes = int(interval.length.total_seconds()) // 60
    from_minute = start.hour * 60 + start.minute
    if interval.starts_at < clock.now() or from_minute + minutes > 1440 or (end - start) != interval.length:
        return []
    near = space.building.point
    wanted = Wanted(people=people or None, near=near)
    found = find(wanted, When(start.date(), from_minute, from_minute + minutes))
    ids = [space_id for space_id, _ in found.free if space_id != space.id][:most]
    return [(other, interval, found.metres.get(other.id)) for other in spaces(ids)]
