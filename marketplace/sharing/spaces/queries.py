"""Finding rooms that are truly free, the times a room is free, what else would do, and bookings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import Building, BuildingPoint
from marketplace.kernel import calendar, clock, db, geo, occupancy, search
from marketplace.kernel.errors import NotFound
from marketplace.kernel.geo import Point
from marketplace.kernel.intervals import HOLIDAY, Interval, starts, subtract
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.models import (
    AGREED,
    LIVE,
    Booking,
    BookingState,
    Closure,
    Feature,
    Kind,
    Space,
    SpaceClosedDay,
    SpaceFeature,
    SpaceHours,
)

SEARCH_KIND = "space"
NEXT_FREE_DAYS = 14
ACCESS = ("step_free", "lift", "accessible_toilet", "hearing_loop")


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
        """How long the room is wanted."""
        return timedelta(minutes=self.minutes or self.to_minute - self.from_minute)


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


# --- search ---


def find(wanted: Wanted, when: When | None) -> Found:
    """Every room with what is wanted: first those free at the time asked for, nearest or best fitting first.

    Three statements, however many rooms there are. Without a time all rooms count as free.
    """
    candidates = _candidates(wanted)
    found = Found(metres={row.space_id: row.metres for row in candidates if row.metres is not None})
    if when is None:
        found.free = [(row.space_id, None) for row in candidates]
        return found
    times = _first_times(candidates, when)
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
    ).where(Space.open, *_conditions(wanted))  # fmt: skip
    fit = (Space.capacity.is_(None), Space.capacity, Space.name, Space.id)
    if wanted.near:
        query = query.outerjoin(BuildingPoint, BuildingPoint.building_id == Space.building_id)
        query = query.order_by(metres.is_(None), metres, *fit)
    else:
        query = query.order_by(*fit)
    return [Candidate(*row) for row in db.session.execute(query)]


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
    building = [getattr(Building, name) for name in ACCESS if name in wanted.access]
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
    for space_id, opens, closes in db.session.execute(query.order_by(SpaceHours.opens)):
        spans.setdefault(space_id, []).append((opens, closes))
    return spans


def _first_times(candidates: Sequence[Candidate], when: When) -> dict[int, Interval]:
    """The first time at which each room is free for the length wanted, within the stretch asked for."""
    asked = when.asked
    days_ahead = (when.day - clock.today()).days
    length = int(when.length.total_seconds())
    if asked is None or length <= 0:
        return {}
    spans = _open_spans(when.day)
    widest = max((max(row.before, row.after) for row in candidates), default=0)
    margin = timedelta(minutes=widest)
    held = occupancy.held_seconds(sa.select(Space.resource_id).where(Space.open), asked.widened(margin, margin))
    seconds = _Seconds(when.day)
    earliest = int(clock.now().timestamp())
    first, last = max(seconds[when.from_minute], earliest), seconds[when.to_minute]
    times: dict[int, int] = {}
    for row in candidates:
        if not row.notice_days <= days_ahead <= row.horizon_days or not row.shortest * 60 <= length <= row.longest * 60:
            continue
        for opens, closes in spans.get(row.space_id, ()):
            window = (seconds[opens], max(first, seconds[opens]), min(last, seconds[closes]))
            start = _first_start(window, length, row, held.get(row.resource_id, ()))
            if start is not None and (when.minutes or start == seconds[when.from_minute]):
                times[row.space_id] = start
                break
    intervals = {start: _interval(start, length) for start in set(times.values())}
    return {space_id: intervals[start] for space_id, start in times.items()}


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


# --- rooms ---


def _whole(query: sa.Select[tuple[Space]]) -> sa.Select[tuple[Space]]:
    """Rooms with everything that pages and rules ask of them."""
    return query.options(
        joinedload(Space.building).joinedload(Building.district),
        joinedload(Space.part_of),
        selectinload(Space.hours),
        selectinload(Space.closed_days),
        selectinload(Space.features),
    )


def get_space(space_id: int) -> Space:
    """A room with its building, hours and features. Raises NotFound."""
    space = db.session.scalar(_whole(sa.select(Space).where(Space.id == space_id)))
    if space is None:
        raise NotFound
    return space


def spaces(ids: Sequence[int]) -> list[Space]:
    """These rooms, in this order."""
    rows = {space.id: space for space in db.session.scalars(_whole(sa.select(Space).where(Space.id.in_(ids))))}
    return [rows[space_id] for space_id in ids if space_id in rows]


def spaces_of(building: Building) -> list[Space]:
    """The rooms that a building offers."""
    return list(
        db.session.scalars(
            _whole(sa.select(Space).where(Space.building_id == building.id, Space.open).order_by(Space.name))
        )
    )


def points_of(found: Iterable[Space]) -> dict[int, Point]:
    """Where buildings of rooms are, by building id."""
    ids = {space.building_id for space in found}
    query = sa.select(BuildingPoint.building_id, *geo.coordinates(BuildingPoint.point)).where(
        BuildingPoint.building_id.in_(ids)
    )
    return {building_id: Point(latitude, longitude) for building_id, latitude, longitude in db.session.execute(query)}


# --- free times ---


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that could be booked by the room's raster, and why not if not: taken, closed or past."""

    interval: Interval
    state: str


def free_times(space: Space, first: date, last: date, length: timedelta) -> dict[date, list[Slot]]:
    """Each day's possible times of a length, in order, free or taken; days on which the room is closed are empty."""
    opened = policy.openings(space, first, last)
    days: dict[date, list[Slot]] = {first + timedelta(days=n): [] for n in range((last - first).days + 1)}
    if not opened:
        return days
    around = Interval(opened[0].starts_at, opened[-1].ends_at).widened(space.before, space.after)
    taken = [span.widened(space.after, space.before) for span in occupancy.busy([space.resource_id], around)[space.resource_id]]
    from_day, to_day = policy.bookable_days(space)
    now = clock.now()
    for opening in opened:
        gaps = set(starts(subtract([opening], taken), length, step := timedelta(minutes=space.raster_minutes), opening.starts_at))
        for start in starts([opening], length, step, opening.starts_at):
            day = clock.local(start).date()
            if day not in days:
                continue
            bookable = start >= now and from_day <= day <= to_day
            state = "free" if start in gaps and bookable else "taken" if bookable else "past" if start < now else "closed"
            days[day].append(Slot(Interval(start, start + length), state))
    return days


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
        taken = [span.widened(space.after, space.before) for span in busy[space.resource_id]]
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


# --- what else would do ---


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
    near = points_of([space]).get(space.building_id)
    wanted = Wanted(people=people or None, near=near)
    found = find(wanted, When(start.date(), from_minute, from_minute + minutes))
    ids = [space_id for space_id, _ in found.free if space_id != space.id][:most]
    return [(other, interval, found.metres.get(other.id)) for other in spaces(ids)]


# --- bookings ---


def _booking(query: sa.Select[tuple[Booking]]) -> sa.Select[tuple[Booking]]:
    return query.options(
        joinedload(Booking.space).joinedload(Space.building),
        joinedload(Booking.space).selectinload(Space.hours),
        joinedload(Booking.space).selectinload(Space.closed_days),
        joinedload(Booking.person),
        joinedload(Booking.occupancy),
    )


def get_booking(reference: str) -> Booking:
    """A booking by its reference. Raises NotFound."""
    booking = db.session.scalar(_booking(sa.select(Booking).where(Booking.reference == reference.upper())))
    if booking is None:
        raise NotFound
    return booking


def get_booking_by_id(booking_id: int) -> Booking | None:
    """A booking for a letter; None if it is gone."""
    return db.session.scalar(_booking(sa.select(Booking).where(Booking.id == booking_id)))


def bookings_of(person: Person, *, upcoming: bool) -> sa.Select[tuple[Booking]]:
    """A person's bookings: those still to come, soonest first, or those over or given up, latest first."""
    ahead = sa.and_(Booking.ends_at > clock.now(), Booking.state.in_(LIVE), Booking.occupancy_id.is_not(None))
    sent = sa.or_(Booking.state != BookingState.LAPSED, Booking.people.is_not(None))
    query = _booking(sa.select(Booking).where(Booking.person_id == person.id))
    if upcoming:
        not_run_out = sa.or_(Booking.held_until.is_(None), Booking.held_until > clock.now())
        return query.where(ahead, not_run_out).order_by(Booking.starts_at, Booking.id)
    past = sa.and_(sa.not_(ahead), sent, Booking.state != BookingState.HELD)
    return query.where(past).order_by(Booking.starts_at.desc(), Booking.id.desc())


def count_holds(person: Person) -> int:
    """How many bookings a person is filling in."""
    query = sa.select(sa.func.count(Booking.id)).where(
        Booking.person_id == person.id, Booking.state == BookingState.HELD, Booking.held_until > clock.now()
    )
    return db.session.scalar(query) or 0


def bookings_in_the_way(space: Space, interval: Interval) -> list[Booking]:
    """Agreed bookings of the room, or of a room that contains it or is part of it, that a closure would hit."""
    held = [claim.id for claim in occupancy.holding([space.resource_id], interval)]
    query = _booking(sa.select(Booking).where(Booking.occupancy_id.in_(held), Booking.state.in_(AGREED)))
    return list(db.session.scalars(query.order_by(Booking.starts_at, Booking.id)))


def overdue_requests() -> sa.Select[tuple[Booking]]:
    """Requests whose time has come without an answer."""
    return _booking(
        sa.select(Booking).where(Booking.state == BookingState.REQUESTED, Booking.starts_at <= clock.now())
    )


# --- for the building ---


def managed_buildings(person: Person) -> sa.Select[tuple[Building]]:
    """The buildings a person runs; all of them for an administrator."""
    query = sa.select(Building).order_by(Building.name)
    return query if person.is_a("administrator") else query.where(Building.id.in_(person.managed_building_ids))


def bookings_at(building_ids: Sequence[int], *, requests: bool) -> sa.Select[tuple[Booking]]:
    """Coming bookings of buildings: requests by the date an answer is due, or all agreed ones by their time."""
    query = _booking(
        sa.select(Booking).join(Space, Space.id == Booking.space_id).where(
            Space.building_id.in_(building_ids), Booking.ends_at > clock.now()
        )
    )
    if requests:
        return query.where(Booking.state == BookingState.REQUESTED).order_by(Booking.due_at, Booking.id)
    return query.where(Booking.state.in_(AGREED)).order_by(Booking.starts_at, Booking.id)


def closures_of(space: Space) -> list[Closure]:
    """A room's closures that are not over yet."""
    query = sa.select(Closure).where(Closure.space_id == space.id, Closure.ends_at > clock.now())
    return list(db.session.scalars(query.order_by(Closure.starts_at)))


def get_closure(closure_id: int) -> Closure:
    """A closure with its room. Raises NotFound."""
    query = sa.select(Closure).where(Closure.id == closure_id)
    closure = db.session.scalar(query.options(joinedload(Closure.space), joinedload(Closure.occupancy)))
    if closure is None:
        raise NotFound
    return closure


def count(query: sa.Select[tuple[Booking]]) -> int:
    """How many rows a list has."""
    bare = query.options().with_only_columns(Booking.id).order_by(None)
    return db.session.scalar(sa.select(sa.func.count()).select_from(bare.subquery())) or 0


def words_of(space: Space) -> str:
    """What a room is found by."""
    building = space.building
    return " ".join(
        filter(None, (space.name, space.name_en, building.name, building.name_en, building.road_address,
                      space.official_kind, *space.equipment))
    )  # fmt: skip
