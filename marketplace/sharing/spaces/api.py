"""Rooms, their free times and bookings for programs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, url_for

from marketplace.civic.groups.errors import NotYourGroup
from marketplace.civic.groups.service.behalf import for_group
from marketplace.civic.places import queries as places
from marketplace.kernel import calendar, clock, db, money
from marketplace.kernel.access import permit, reveal
from marketplace.kernel.geo import Point
from marketplace.kernel.intervals import Interval
from marketplace.kernel.words import _l
from marketplace.sharing.spaces import errors, policy
from marketplace.sharing.spaces.models import Booking, Space
from marketplace.sharing.spaces.queries import bookings as booking_queries
from marketplace.sharing.spaces.queries import rooms, times
from marketplace.sharing.spaces.queries.search import Found, Wanted, When, find
from marketplace.sharing.spaces.schemas import (
    AlternativesRecord,
    BookingQuestions,
    BookingRecord,
    BookingRequest,
    FoundSpaceRecord,
    FreeTimesQuestions,
    FreeTimesRecord,
    Move,
    SpaceRecord,
    SpaceSearch,
)
from marketplace.sharing.spaces.service import bookings
from marketplace.web.access import current_person, public, residents
from marketplace.web.api import Created, Page, With, cut, endpoint, expect_unchanged
from marketplace.web.looking import looked

bp = Blueprint("spaces_api", __name__, url_prefix="/api/v1")

ROOMS, BOOKINGS = _l("Rooms"), _l("Bookings")
OTHER_TIMES_HELP = (
    errors.AlreadyTaken, errors.Closed, errors.ClosedUntil, errors.InThePast, errors.OffRaster, errors.TooFar,
    errors.TooSoon,
)  # fmt: skip
RULES = (*OTHER_TIMES_HELP, errors.TooShort, errors.TooLong, errors.TooManyPeople, errors.NotOffered)


# --- rooms ---


@bp.get("/spaces")
@public
@endpoint(
    summary=_l("Rooms: those free at the time asked for first, then the others with their next free time."),
    tag=ROOMS,
    query=SpaceSearch,
    answer=FoundSpaceRecord,
    paged=(int, int, int),
    refuses=(errors.NoSuchPlace,),
    explain={
        "q": _l("Words of the room, its building or its address, in Korean or English."),
        "date": _l("The day on which it is needed."),
        "from": _l("From when on that day, such as 14:00."),
        "to": _l("Until when; 00:00 is midnight."),
        "minutes": _l("Any so many minutes between the two, instead of all the time."),
        "people": _l("How many people it must hold."),
        "needs": _l("What it must have. May be repeated."),
        "access": _l("What its building must have. May be repeated."),
        "district": _l("Id of a district."),
        "building": _l("Id of a building."),
        "near": _l("Words of a building: the nearest come first."),
        "latitude": _l("With a longitude: the nearest come first."),
        "free": _l("Only rooms that cost nothing."),
    },
)
def list_spaces(limit: int, after: tuple[int, int, int] | None, when: When | None, **asked: Any) -> Page:
    """The rooms asked for."""
    found = find(_wanted(asked), when)
    ranked = [(0, space_id) for space_id, _time in found.free] + [(1, space_id) for space_id in found.others]
    start = _start(ranked, after)
    chosen = ranked[start : start + limit]
    last = start + len(chosen)
    items = _found(rooms.spaces([space_id for _rank, space_id in chosen]), found, when)
    return Page(items, (*chosen[-1], last) if last < len(ranked) else None)


@bp.get("/spaces/<int:space_id>")
@public
@endpoint(summary=_l("One room."), tag=ROOMS, answer=SpaceRecord)
def get_space(space_id: int) -> Space:
    """A room."""
    return _room(space_id)


@bp.get("/spaces/<int:space_id>/free-times")
@public
@endpoint(
    summary=_l("When a room may be booked, day by day."),
    tag=ROOMS,
    query=FreeTimesQuestions,
    answer=FreeTimesRecord,
    refuses=(errors.TooShort, errors.TooLong),
)
def list_free_times(space_id: int, days: int, first: date | None = None, minutes: int | None = None) -> dict[str, Any]:
    """The times at which a room may be booked."""
    room = _room(space_id)
    minutes = minutes or next(iter(room.lengths), room.min_minutes)
    if minutes < room.min_minutes:
        raise errors.TooShort(length=timedelta(minutes=room.min_minutes), field="minutes")
    if minutes > room.max_minutes:
        raise errors.TooLong(length=timedelta(minutes=room.max_minutes), field="minutes")
    first = first or clock.today()
    table = times.free_times(room, first, first + timedelta(days=days - 1), timedelta(minutes=minutes))
    return {
        "space": room.id,
        "minutes": minutes,
        "fee": room.fee(minutes),
        "currency": money.currency(),
        "days": [
            {
                "date": day,
                "holiday": calendar.is_holiday(day),
                "times": [slot.interval for slot in slots if slot.state == "free"],
            }
            for day, slots in table.items()
        ],
    }


def _room(space_id: int) -> Space:
    room = rooms.get_space(space_id)
    reveal(policy.may_find, current_person(), room)
    return room


def _wanted(asked: dict[str, Any]) -> Wanted:
    return Wanted(
        words=asked.get("q", ""), people=asked.get("people"), features=tuple(asked.get("needs", ())),
        access=tuple(asked.get("access", ())), kind=asked.get("kind"), district_id=asked.get("district"),
        building_id=asked.get("building"), free_of_charge=asked.get("free", False), near=_near(asked),
    )  # fmt: skip


def _near(asked: dict[str, Any]) -> Point | None:
    if asked.get("latitude") is not None:
        return Point(asked["latitude"], asked["longitude"])
    if not asked.get("near"):
        return None
    named = (building.point for building in places.buildings(words=asked["near"], limit=10))
    point = next(filter(None, named), None)
    if point is None:
        raise errors.NoSuchPlace(field="near")
    return point


def _start(ranked: Sequence[tuple[int, int]], after: tuple[int, int, int] | None) -> int:
    """Where to go on: behind the last room sent; if it is no longer there, behind as many as were sent."""
    if after is None:
        return 0
    *last, sent = after
    try:
        return ranked.index((last[0], last[1])) + 1
    except ValueError:
        return sent


def _found(shown: Sequence[Space], found: Found, when: When | None) -> list[With]:
    free = dict(found.free)
    waiting = [space for space in shown if free.get(space.id) is None]
    length = when.length if when else timedelta(hours=1)
    after = clock.at(when.day, when.from_minute) if when else clock.now()
    next_free = free | (times.next_free(waiting, length, after) if waiting and length > timedelta(0) else {})
    return [
        With(space, free=free.get(space.id), next_free=next_free.get(space.id), metres=found.metres.get(space.id))
        for space in shown
    ]


# --- bookings ---


@bp.get("/bookings")
@residents
@endpoint(
    summary=_l("Your bookings: those to come, soonest first, or those past, latest first."),
    tag=BOOKINGS,
    query=BookingQuestions,
    answer=BookingRecord,
    paged=(datetime, int),
)
def list_bookings(limit: int, after: tuple[datetime, int] | None, when: str) -> Page:
    """The person's own bookings."""
    upcoming = when == "upcoming"
    query = booking_queries.bookings_of(current_person(), upcoming=upcoming)
    if after is not None:
        query = query.where(_later(*after) if upcoming else _earlier(*after))
    rows = db.session.scalars(query.limit(limit + 1)).all()
    return cut(rows, limit, lambda booking: (booking.starts_at, booking.id))


def _later(starts_at: datetime, booking_id: int) -> sa.ColumnElement[bool]:
    same = sa.and_(Booking.starts_at == starts_at, Booking.id > booking_id)
    return sa.or_(Booking.starts_at > starts_at, same)


def _earlier(starts_at: datetime, booking_id: int) -> sa.ColumnElement[bool]:
    same = sa.and_(Booking.starts_at == starts_at, Booking.id < booking_id)
    return sa.or_(Booking.starts_at < starts_at, same)


@bp.post("/bookings")
@residents
@endpoint(
    summary=_l("Book a room: confirmed at once, or asked of the building where it answers each booking."),
    tag=BOOKINGS,
    body=BookingRequest,
    answer=BookingRecord,
    status=201,
    refuses=(*RULES, errors.ConfirmAddressFirst, errors.TooManyBookings, NotYourGroup),
)
def book(space: int, start: datetime, minutes: int, group: int | None, **details: Any) -> Created:
    """Book in one step."""
    room, person = _room(space), current_person()
    interval = Interval(start, start + timedelta(minutes=minutes))
    behalf = for_group(person, group)
    with _offering_others(room, interval, details["people"]):
        made = bookings.book(person, room, interval, **details, behalf=behalf)
    return Created(made, url_for(".get_booking", reference=made.reference))


@bp.get("/bookings/<reference>")
@residents
@endpoint(summary=_l("One booking."), tag=BOOKINGS, answer=BookingRecord)
def get_booking(reference: str) -> Booking:
    """A booking of the person, or of a building that the person manages."""
    return _seen(reference)


@bp.patch("/bookings/<reference>")
@residents
@endpoint(
    summary=_l("Move a booking to another time; if that is not possible, it stays where it is."),
    tag=BOOKINGS,
    body=Move,
    answer=BookingRecord,
    refuses=(*RULES, errors.NoLongerOpen, errors.TooLateToCancel),
)
def move_booking(reference: str, start: datetime, minutes: int, version: int) -> Booking:
    """Change the time of a booking."""
    found = _own(reference)
    interval = Interval(start, start + timedelta(minutes=minutes))
    with _offering_others(rooms.get_space(found.space_id), interval, found.people):
        return bookings.move(current_person(), found, interval, version=version)


@bp.delete("/bookings/<reference>")
@residents
@endpoint(
    summary=_l("Cancel a booking."),
    tag=BOOKINGS,
    status=204,
    refuses=(errors.NoLongerOpen, errors.TooLateToCancel),
)
def cancel_booking(reference: str) -> None:
    """Give a booking back."""
    bookings.cancel(current_person(), _own(reference))


def _seen(reference: str) -> Booking:
    found = booking_queries.get_booking(reference)
    reveal(policy.may_see, current_person(), found)
    looked("spaces.booking", policy.offices(current_person(), found))
    return found


def _own(reference: str) -> Booking:
    """A booking of the person, if it is as the program read it."""
    found = _seen(reference)
    permit(policy.may_change, current_person(), found)
    expect_unchanged(BookingRecord, found)
    return found


@contextmanager
def _offering_others(room: Space, interval: Interval, people: int | None) -> Iterator[None]:
    """Undo what a refusal left half done, and send with it what else would do."""
    try:
        with db.session.begin_nested():
            yield
    except OTHER_TIMES_HELP as refusal:
        offered = times.alternatives(room, interval, people)
        refusal.details["alternatives"] = AlternativesRecord().dump(
            {
                "times": offered.times,
                "rooms": [
                    {
                        "space": other.id,
                        "name": other.name,
                        "name_en": other.name_en,
                        "starts_at": free.starts_at,
                        "ends_at": free.ends_at,
                        "metres": metres,
                    }
                    for other, free, metres in offered.rooms
                ],
            }
        )
        raise
