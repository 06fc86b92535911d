"""Who booked which room when: evenings and Saturdays are full, mornings are not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import RoleGrant
from marketplace.kernel import calendar, clock, db, things
from marketplace.kernel.intervals import HOLIDAY, WeeklyHours
from marketplace.kernel.occupancy import Kind as Holding
from marketplace.portal.demo.service import rows, words
from marketplace.portal.demo.service.holds import Holds
from marketplace.portal.demo.service.inbox import Inbox
from marketplace.portal.demo.service.people import Crowd
from marketplace.portal.demo.service.watch import Watch
from marketplace.sharing.spaces.models import Booking, BookingState, Closure, Kind, Space

DAYS_AHEAD = 90
CHUNK = 5_000
CANCELLED, DECLINED, FRESH = 0.07, 0.06, 0.15
TOLD = 4
WHOLE_HALL = 0.5
"""How much of a divided hall's use is of the whole."""

LOAD = {
    **dict.fromkeys(range(5), ((12, 0.07), (14, 0.12), (17, 0.20), (18, 0.35), (24, 0.72))),
    5: ((10, 0.45), (17, 0.85), (24, 0.70)),
    6: ((11, 0.20), (17, 0.45), (24, 0.35)),
    HOLIDAY: ((11, 0.2), (18, 0.4), (24, 0.3)),
}
"""By weekday: up to an hour, the share of the time that is booked."""

USES = {
    Kind.HALL: "stage",
    Kind.EXHIBITION: "show",
    Kind.GYM: "sport",
    Kind.TENNIS: "sport",
    Kind.FOOTBALL: "sport",
}
"""What rooms other than for talking are for."""

LIKED = {60: 1.5, 90: 1.0, 120: 5.0, 180: 4.0, 240: 1.5, 360: 0.4, 480: 0.2}
"""How often each length in minutes is booked, where the room allows it."""


def book(
    random: Random,
    rooms: Sequence[Space],
    crowd: Crowd,
    days_back: int,
    watch: Watch,
) -> int:
    """Book the rooms, each whole before its parts; says how many bookings there are."""
    parts = {space.id: [space.resource_id] for space in rooms}
    for space in rooms:
        if space.part_of_id:
            parts[space.part_of_id].append(space.resource_id)
    booked = Booked(random, crowd, clock.today(), days_back, Sink())
    for space in watch(rooms, "Booking rooms"):
        booked.fill(space, parts[space.id])
    booked.sink.flush()
    return booked.sink.written


def tell(crowd: Crowd, inbox: Inbox) -> None:
    """Have the resident told of the latest bookings, and the manager of the requests that wait."""
    resident, manager = crowd.shown["resident"], crowd.shown["manager"]
    run = sa.select(RoleGrant.building_id).where(RoleGrant.person_id == manager.id)
    for person, news, which in (
        (resident, "confirmed", (Booking.person_id == resident.id, Booking.state == BookingState.CONFIRMED)),
        (manager, "asked", (Space.building_id.in_(run), Booking.state == BookingState.REQUESTED)),
    ):
        made = sa.select(Booking.id, Booking.created_at).join(Space, Space.id == Booking.space_id).where(*which)
        for number, at in db.rows(made.order_by(Booking.created_at.desc(), Booking.id).limit(TOLD)):
            inbox.tell(person, f"spaces.{news}", things.subject("booking", number), at)


@dataclass(slots=True)
class Sink:
    """Rows on their way to the database, a few thousand at a time."""

    booking_ids: Iterator[int] = field(default_factory=lambda: rows.numbers(Booking))
    closure_ids: Iterator[int] = field(default_factory=lambda: rows.numbers(Closure))
    holds: Holds = field(default_factory=Holds)
    bookings: list[dict[str, Any]] = field(default_factory=list)
    closures: list[Closure] = field(default_factory=list)
    written: int = 0

    def flush(self, at_least: int = 1) -> None:
        """Write what has come together, if it is so much."""
        if len(self.bookings) + len(self.closures) < at_least:
            return
        self.holds.flush()
        self.written += len(self.bookings)
        rows.insert(Booking, self.bookings)
        rows.write(self.closures)
        self.closures.clear()


@dataclass(slots=True)
class Booked:
    """Fills one room after another; the halves of a hall right after the hall."""

    random: Random
    crowd: Crowd
    today: date
    days_back: int
    sink: Sink
    held_by_whole: dict[int, dict[int, list[tuple[int, int]]]] = field(default_factory=dict)

    def fill(self, space: Space, parts: list[int]) -> None:
        """Book a room for all its days; `parts` are the resources that a booking of it holds."""
        random, week = self.random, space.week
        lengths, weights = _lengths(space)
        popularity = random.triangular(0.5, 1.4, 1.1) * (WHOLE_HALL if len(parts) > 1 or space.part_of_id else 1)
        mean = sum(a * b for a, b in zip(lengths, weights, strict=True)) / sum(weights)
        gap = -(-(space.before_minutes + space.after_minutes) // space.raster_minutes) * space.raster_minutes
        chances = _chances(popularity, (mean + gap) / space.raster_minutes)
        cumulative = list(accumulate(weights))
        closed = self._close(space, parts)
        ahead = min(DAYS_AHEAD, space.horizon_days)
        own = self.held_by_whole.setdefault(space.id, {}) if len(parts) > 1 else None
        above = self.held_by_whole.get(space.part_of_id or 0, {})
        for offset in range(-self.days_back, ahead):
            if offset in closed:
                continue
            chance = None
            for opens, closes in _open(week, day := self.today + timedelta(days=offset)):
                chance = chance or chances[_kind_of_day(day)]
                held, taken = [], above.get(offset, ())
                start = opens
                while start + lengths[0] <= closes:
                    length = 0
                    if random.random() < chance[start // 60]:
                        length = random.choices(lengths, cum_weights=cumulative)[0]
                        if start + length > closes:
                            length = max(shorter for shorter in lengths if start + shorter <= closes)
                        around = start - space.before_minutes, start + length + space.after_minutes
                        if any(a < around[1] and around[0] < b for a, b in taken):
                            length = 0
                        elif self._book(space, parts, offset, start, length):
                            held.append(around)
                        else:
                            length = 0
                    start += length + gap if length else space.raster_minutes
                if own is not None and held:
                    own.setdefault(offset, []).extend(held)
        self.sink.flush(CHUNK)

    def _book(self, space: Space, parts: list[int], offset: int, minute: int, length: int) -> bool:
        """Make one booking; says whether it holds the room."""
        random = self.random
        starts_at, ends_at = _moment(self.today, offset, minute), _moment(self.today, offset, minute + length)
        made_at, fresh = self._made(space, offset, minute)
        state = self._state(space, offset, fresh)
        held = state in (BookingState.REQUESTED, BookingState.CONFIRMED)
        decided = space.by_request and state in (BookingState.CONFIRMED, BookingState.DECLINED)
        person = random.choices(self.crowd.bookers, cum_weights=self.crowd.weights)[0]
        number = next(self.sink.booking_ids)
        before, after = timedelta(minutes=space.before_minutes), timedelta(minutes=space.after_minutes)
        self.sink.bookings.append(
            {
                "id": number,
                "reference": rows.reference(number),
                "space_id": space.id,
                "person_id": person.id,
                "occupancy_id": self.sink.holds.hold(
                    space.resource_id, parts, starts_at - before, ends_at + after, Holding.BOOKING
                )
                if held
                else None,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "state": state,
                "people": random.randint(min(3, space.capacity or 3), space.capacity or 20),
                "purpose": random.choice(_purposes(space.kind, person.language)),
                "fee": space.fee(length),
                "due_at": min(made_at + timedelta(days=space.answer_days), starts_at)
                if state is BookingState.REQUESTED
                else None,
                "reason": random.choice(words.names()["reasons"]["declined"]) if state is BookingState.DECLINED else "",
                "decided_by_id": self.crowd.managers[space.building_id] if decided else None,
                "created_at": made_at,
                "changed": int(decided or state is BookingState.CANCELLED),
                "version": 1,
            }
        )
        return held

    def _made(self, space: Space, offset: int, minute: int) -> tuple[datetime, bool]:
        """When it was booked, before today and as early as the room allows; and whether an answer may still be out."""
        random = self.random
        latest = min(-1, offset - space.notice_days)
        earliest = offset - space.horizon_days
        fresh = space.by_request and latest == -1 and random.random() < FRESH
        longest = min(space.answer_days - 1 if fresh else DAYS_AHEAD, latest - earliest)
        day = latest - min(int(random.expovariate(1 / 18)), longest)
        return _moment(
            self.today, day, random.randrange(0, minute) if day == offset else random.randrange(420, 1435)
        ), fresh

    def _state(self, space: Space, offset: int, fresh: bool) -> BookingState:
        if self.random.random() < CANCELLED:
            return BookingState.CANCELLED
        if fresh and offset > 0:
            return BookingState.REQUESTED
        if space.by_request and self.random.random() < DECLINED:
            return BookingState.DECLINED
        return BookingState.CONFIRMED

    def _close(self, space: Space, parts: list[int]) -> range:
        """Now and then, a closure of some days; the days on which the room is closed."""
        if len(parts) > 1 or space.part_of_id or self.random.random() > 0.06:
            return range(0)
        first = self.random.randrange(2, 60)
        closed = range(first, first + self.random.randrange(1, 5))
        starts_at, ends_at = _moment(self.today, closed.start, 0), _moment(self.today, closed.stop, 0)
        self.sink.closures.append(
            Closure(
                id=next(self.sink.closure_ids),
                space_id=space.id,
                occupancy_id=self.sink.holds.hold(space.resource_id, parts, starts_at, ends_at, Holding.CLOSURE),
                starts_at=starts_at,
                ends_at=ends_at,
                reason=self.random.choice(words.names()["reasons"]["closed"]),
                made_by_id=self.crowd.managers[space.building_id],
            )
        )
        return closed


def _lengths(space: Space) -> tuple[list[int], list[float]]:
    """The lengths people choose, by the room's rules, and how often; the shortest first."""
    allowed = [length for length in space.lengths if length in LIKED] or space.lengths[:1]
    return allowed, [LIKED.get(length, 1.0) for length in allowed]


def _chances(popularity: float, steps: float) -> dict[int, list[float]]:
    """By weekday and hour: the chance that a booking starts at a free step, if it lasts so many steps on average.

    A room is then booked for the share f of its time: steps / (steps + mean gap), the mean gap being (1 - p) / p.
    """
    chances = {}
    for weekday, parts in LOAD.items():
        shares = [next(share for until, share in parts if hour < until) for hour in range(24)]
        wanted = [min(share * popularity, 0.95) for share in shares]
        chances[weekday] = [1 / (1 + steps * (1 - share) / share) for share in wanted]
    return chances


@cache
def _kind_of_day(day: date) -> int:
    return HOLIDAY if calendar.is_holiday(day) else day.weekday()


@cache
def _open(week: WeeklyHours, day: date) -> tuple[tuple[int, int], ...]:
    """The opening hours of a day in minutes past midnight; rooms share a few kinds of week."""
    return () if (day.weekday(), (day.day + 6) // 7) in week.closed_nth else week.days[_kind_of_day(day)]


@cache
def _moment(today: date, offset: int, minute: int) -> datetime:
    return clock.at(today + timedelta(days=offset), minute)


@cache
def _purposes(kind: Kind, language: str) -> list[str]:
    listed = words.names()["purposes"][USES.get(kind, "talk")]
    return [korean if language == "ko" else english for korean, english in listed]
