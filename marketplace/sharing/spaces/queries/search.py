"""Finding rooms that are truly free at the time asked for."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from marketplace.civic.places.models import ACCESSIBILITY, Building, BuildingPoint
from marketplace.kernel import calendar, clock, db, geo, occupancy, search
from marketplace.kernel.geo import Point
from marketplace.kernel.intervals import HOLIDAY, Interval
from marketplace.sharing.spaces.models import Feature, Kind, Space, SpaceClosedDay, SpaceFeature, SpaceHours
from marketplace.sharing.spaces.queries.rooms import SEARCH_KIND


@dataclass(frozen=True, slots=True)
class When:
    """The time asked for: on a day, between two minutes of the day, all of it or any so many minutes within."""

    day: date
    from_minute: int = 0
    to_minute: int = 1440
    minutes: int | None = None

    @property
    def asked(self) -> Interval | None:
        """The whole stretch, if it is one."""
        starts_at, ends_at = clock.at(self.day, self.from_minute), clock.at(self.day, self.to_minute)
        return Interval(starts_at, ends_at) if starts_at < ends_at else None

    @property
    def length(self) -> timedelta:
        """How long the room is wanted, at least."""
        if self.minutes:
            return timedelta(minutes=self.minutes)
        return self.asked.length if self.asked else timedelta(0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a resident looks for in a room, time aside."""

    words: str = ""
    people: int | None = None
    features: tuple[Feature, ...] = ()
    access: tuple[str, ...] = ()
    kind: Kind | None = None
    district_id: int | None = None
    building_id: int | None = None
    free_of_charge: bool = False
    near: Point | None = None


class Candidate(NamedTuple):
    """A room that has what is wanted, with what is needed to see when it is free on the day asked for."""

    space_id: int
    resource_id: int
    metres: float | None
    raster: int
    before: int
    after: int
    shortest: int
    longest: int
    notice_days: int
    horizon_days: int


@dataclass(slots=True)
class Found:
    """A search's answer: rooms free then with their time, and rooms that have the rest but not the time."""

    free: list[tuple[int, Interval | None]] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    metres: dict[int, float] = field(default_factory=dict)


def find(wanted: Wanted, when: When | None) -> Found:
    """Every room with what is wanted: first those free at the time asked for, nearest or best fitting first.

    Three statements, however many rooms there are. Without a time all rooms count as free.
    """
    candidates = _candidates(wanted)
    found = Found(metres={row.space_id: row.metres for row in candidates if row.metres is not None})
    if when is None:
        found.free = [(row.space_id, None) for row in candidates]
        return found
    times = _first_times(candidates, wanted, when)
    for row in candidates:
        if (interval := times.get(row.space_id)) is not None:
            found.free.append((row.space_id, interval))
        else:
            found.others.append(row.space_id)
    return found


def _candidates(wanted: Wanted) -> list[Candidate]:
    point = BuildingPoint.point
    metres = geo.distance(point, wanted.near) if wanted.near else sa.null()
    query = sa.select(
        Space.id, Space.resource_id, metres, Space.raster_minutes, Space.before_minutes, Space.after_minutes,
        Space.min_minutes, Space.max_minutes, Space.notice_days, Space.horizon_days,
    ).where(Space.offered, *_conditions(wanted))  # fmt: skip
    fit = (Space.capacity.is_(None), Space.capacity, Space.name, Space.id)
    if wanted.near:
        query = query.outerjoin(BuildingPoint, BuildingPoint.building_id == Space.building_id)
        query = query.order_by(metres.is_(None), metres, *fit)
    else:
        query = query.order_by(*fit)
    return [Candidate._make(row) for row in db.rows(query)]


def _conditions(wanted: Wanted) -> Iterable[sa.ColumnElement[bool]]:
    if wanted.people:
        yield Space.capacity >= wanted.people
    if wanted.kind:
        yield Space.kind == wanted.kind
    if wanted.free_of_charge:
        yield sa.and_(Space.base_fee == 0, sa.func.coalesce(Space.extra_fee, 0) == 0)
    if wanted.words.strip():
        yield Space.id.in_(search.matching(SEARCH_KIND, wanted.words))
    if wanted.building_id:
        yield Space.building_id == wanted.building_id
    for feature in wanted.features:
        yield Space.id.in_(sa.select(SpaceFeature.space_id).where(SpaceFeature.feature == feature))
    building = [getattr(Building, name) for name in ACCESSIBILITY if name in wanted.access]
    if wanted.district_id:
        building.append(Building.district_id == wanted.district_id)
    if building:
        yield Space.building_id.in_(sa.select(Building.id).where(*building))


def _open_spans(day: date) -> dict[int, list[tuple[int, int]]]:
    """The rooms open on a day, each with its (opens, closes) in minutes past midnight."""
    weekday = HOLIDAY if calendar.is_holiday(day) else day.weekday()
    closed = sa.select(SpaceClosedDay.space_id).where(
        SpaceClosedDay.weekday == day.weekday(), SpaceClosedDay.nth == (day.day + 6) // 7
    )
    query = sa.select(SpaceHours.space_id, SpaceHours.opens, SpaceHours.closes).where(
        SpaceHours.weekday == weekday, SpaceHours.space_id.not_in(closed)
    )
    spans: dict[int, list[tuple[int, int]]] = {}
    for space_id, opens, closes in db.rows(query.order_by(SpaceHours.opens)):
        own = spans.setdefault(space_id, [])
        if own and own[-1][1] == opens:
            opens, _ = own.pop()  # hours that touch are one stretch
        own.append((opens, closes))
    return spans


def _first_times(candidates: Sequence[Candidate], wanted: Wanted, when: When) -> dict[int, Interval]:
    """The first time at which each room is free for the length wanted, within the stretch asked for.

    A room that is not let for so short a time offers its shortest, unless the whole stretch was asked for.
    """
    asked = when.asked
    days_ahead = (when.day - clock.today()).days
    if asked is None:
        return {}
    least = int(when.length.total_seconds())
    spans = _open_spans(when.day)
    widest = max((max(row.before, row.after) for row in candidates), default=0)
    margin = timedelta(minutes=widest)
    held = occupancy.held_seconds(_resources(candidates, wanted), asked.widened(margin, margin))
    seconds = _Seconds(when.day)
    earliest = math.ceil(clock.now().timestamp())
    first, last = max(seconds[when.from_minute], earliest), seconds[when.to_minute]
    times: dict[int, tuple[int, int]] = {}
    for row in candidates:
        length = max(least, row.shortest * 60) if when.minutes else least
        if not row.notice_days <= days_ahead <= row.horizon_days or not row.shortest * 60 <= length <= row.longest * 60:
            continue
        for opens, closes in spans.get(row.space_id, ()):
            window = (seconds[opens], max(first, seconds[opens]), min(last, seconds[closes]))
            start = _first_start(window, length, row, held.get(row.resource_id, ()))
            if start is not None and (when.minutes or start == seconds[when.from_minute]):
                times[row.space_id] = start, length
                break
    intervals = {time: _interval(*time) for time in set(times.values())}
    return {space_id: intervals[time] for space_id, time in times.items()}


def _resources(candidates: Sequence[Candidate], wanted: Wanted) -> occupancy.ResourceIds:
    """What the candidates are held by: a few are named; many are looked for again, which is quicker to say."""
    if len(candidates) <= occupancy.MANY:
        return [row.resource_id for row in candidates]
    return sa.select(Space.resource_id).where(Space.offered, *_conditions(wanted))


def _interval(start: int, length: int) -> Interval:
    starts_at = datetime.fromtimestamp(start, UTC)
    return Interval(starts_at, starts_at + timedelta(seconds=length))


def _first_start(
    window: tuple[int, int, int], length: int, row: Candidate, held: Sequence[tuple[int, int]]
) -> int | None:
    """The first second on the room's raster from which it is free, buffers included; all in seconds since 1970."""
    origin, earliest, latest = window
    step, before, after = row.raster * 60, row.before * 60, row.after * 60
    start = origin + -(-(earliest - origin) // step) * step
    for busy_from, busy_to in held:
        if start + length > latest:
            return None
        if busy_to <= start - before:
            continue
        if busy_from >= start + length + after:
            break
        start = origin + -(-(busy_to + before - origin) // step) * step
    return start if start + length <= latest else None


class _Seconds(dict[int, int]):
    """A day's minutes as seconds since 1970: the same few minutes come up for thousands of rooms."""

    def __init__(self, day: date) -> None:
        super().__init__()
        self.day = day

    def __missing__(self, minute: int) -> int:
        self[minute] = int(clock.at(self.day, minute).timestamp())
        return self[minute]
