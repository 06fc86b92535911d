"""The times at which a room is free, the next one, and what else would do."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from marketplace.kernel import clock, occupancy
from marketplace.kernel.intervals import Interval, merged, subtract
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
    return free_times_of([space], first, last, length, instead_of=instead_of)[space.id]


def free_times_of(
    found: Sequence[Space], first: date, last: date, length: timedelta, *, instead_of: Occupancy | None = None
) -> dict[int, dict[date, list[Slot]]]:
    """The same of several rooms by their ids; one statement for all."""
    if last < first:
        return {space.id: {} for space in found}
    margin = max((max(space.before, space.after) for space in found), default=timedelta(0))
    around = Interval(clock.at(first, 0), clock.at(last, 1440) + length).widened(margin, margin)
    busy = occupancy.busy([space.resource_id for space in found], around)
    given_up = [instead_of.interval] if instead_of else []
    return {
        space.id: _slots(space, first, last, length, _unusable(space, subtract(busy[space.resource_id], given_up)))
        for space in found
    }


def _slots(
    space: Space, first: date, last: date, length: timedelta, taken: Sequence[Interval]
) -> dict[date, list[Slot]]:
    days: dict[date, list[Slot]] = {first + timedelta(days=n): [] for n in range((last - first).days + 1)}
    now, (from_day, to_day) = clock.now(), policy.bookable_days(space)
    for start in policy.possible_starts(space, first, last, length):
        slot, day = Interval(start, start + length), clock.local(start).date()
        if start < now:
            state = "past"
        elif not from_day <= day <= to_day:
            state = "closed"
        else:
            state = "taken" if _meets(slot, taken) else "free"
        days[day].append(Slot(slot, state))
    return days


def _unusable(space: Space, held: Sequence[Interval]) -> list[Interval]:
    """When people may not be in the room: what is held, and the time to clear and prepare it around that."""
    return merged(span.widened(space.after, space.before) for span in held)


def _meets(slot: Interval, taken: Sequence[Interval]) -> bool:
    """Whether a time overlaps any of these, which are in order and apart."""
    n = bisect_left(taken, slot.ends_at, key=lambda span: span.starts_at)
    return n > 0 and taken[n - 1].ends_at > slot.starts_at


def next_free(found: Sequence[Space], length: timedelta, after: datetime) -> dict[int, Interval]:
    """The next time each room is free for so long, within its bookable days and two weeks; one statement for all."""
    after = max(after, clock.now())
    day = clock.local(after).date()
    end = day + timedelta(days=NEXT_FREE_DAYS)
    wanted = {space.id: max(length, timedelta(minutes=space.min_minutes)) for space in found}
    margin = max((max(space.before, space.after) for space in found), default=timedelta(0))
    around = Interval(after, clock.at(end, 1440) + max(wanted.values(), default=length)).widened(margin, margin)
    busy = occupancy.busy([space.resource_id for space in found], around)
    times: dict[int, Interval] = {}
    for space in found:
        if wanted[space.id] > timedelta(minutes=space.max_minutes):
            continue
        from_day, to_day = policy.bookable_days(space)
        taken = _unusable(space, busy[space.resource_id])
        for start in policy.possible_starts(space, max(day, from_day), min(end, to_day), wanted[space.id]):
            slot = Interval(start, start + wanted[space.id])
            if start >= after and not _meets(slot, taken):
                times[space.id] = slot
                break
    return times


@dataclass(frozen=True, slots=True)
class Alternatives:
    """What to offer with a refusal: other times of the room, and other rooms at the time."""

    times: list[Interval]
    rooms: list[tuple[Space, Interval, float | None]]


def alternatives(space: Space, interval: Interval, people: int | None = None, most: int = 3) -> Alternatives:
    """The free times of the room nearest to the one wanted, and the nearest rooms free at that time.

    Where the room's rules forbid the day or the length wanted, its times are of the nearest day and length they allow.
    """
    first, last = policy.bookable_days(space)
    day = min(max(clock.local(interval.starts_at).date(), first), last)
    shortest, longest = timedelta(minutes=space.min_minutes), timedelta(minutes=space.max_minutes)
    length = min(max(interval.length, shortest), longest)
    around = free_times(space, max(day - timedelta(days=3), first), min(day + timedelta(days=7), last), length)
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
    free = {space_id: time for space_id, time in found.free if time and space_id != space.id}
    return [(other, free[other.id], found.metres.get(other.id)) for other in spaces(list(free)[:most])]
