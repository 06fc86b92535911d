"""Who may do what with a room, and which of a room's rules a wish would break. No queries."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import takewhile

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.groups.policy import may_act_for
from marketplace.kernel import calendar, clock
from marketplace.kernel.errors import DomainError
from marketplace.kernel.intervals import Interval, merged, starts
from marketplace.kernel.writing import show_time
from marketplace.sharing.spaces import errors
from marketplace.sharing.spaces.models import AGREED, Booking, Space

LOOK_AHEAD_DAYS = 60


def may_manage(person: Person | None, space: Space) -> bool:
    """Managers of the building, and administrators."""
    return person is not None and (person.manages(space.building_id) or person.is_a(Role.ADMINISTRATOR))


def may_find(person: Person | None, space: Space) -> bool:
    """Everyone finds a room that is offered; one that is not, only those who manage it."""
    return space.offered or may_manage(person, space)


def whose(booking: Booking) -> set[int]:
    """Ids of the resident and of the officers of the group for which it was made; needs `booking.on_behalf`."""
    group = booking.group
    officers = group.officers if group and group.is_open and not group.hidden else []
    return {booking.person_id, *(officer.person_id for officer in officers)}


def is_own(person: Person | None, booking: Booking) -> bool:
    """The resident for whom it was made, or an officer of the group for which it was; needs `booking.on_behalf`."""
    if person is None:
        return False
    return booking.person_id == person.id or (booking.group is not None and may_act_for(person, booking.group))


def may_see(person: Person | None, booking: Booking) -> bool:
    """Whose it is, and those who manage the room; needs `booking.space`."""
    return is_own(person, booking) or may_manage(person, booking.space)


def offices(person: Person, booking: Booking) -> dict[int, dict[str, object]]:
    """In which role someone reads about the booking's resident, for the record; in none if it is their own."""
    return {} if is_own(person, booking) else {booking.person_id: office(person, booking.space)}


def office(person: Person, space: Space) -> dict[str, object]:
    """In which role someone manages a room."""
    if person.manages(space.building_id):
        return {"role": Role.MANAGER, "building_id": space.building_id}
    return {"role": Role.ADMINISTRATOR}


def may_change(person: Person | None, booking: Booking) -> bool:
    """Whose it is moves or cancels it, and for a caller the building that entered it; else it answers and closes."""
    return is_own(person, booking) or (booking.channel is not None and may_manage(person, booking.space))


def may_answer(person: Person | None, booking: Booking) -> bool:
    """Those who manage the room answer requests; nobody answers their own or their group's."""
    return may_manage(person, booking.space) and not is_own(person, booking)


def may_talk(person: Person | None, booking: Booking) -> bool:
    """Once it is sent, whose it is and those who run the building write to each other about it."""
    if person is None or booking.people is None:
        return False
    return is_own(person, booking) or person.manages(booking.space.building_id)


def cancel_until(booking: Booking) -> datetime:
    """Until when its resident may cancel or move a booking; needs `booking.space`."""
    return booking.starts_at - timedelta(hours=booking.space.cancel_hours)


def may_still_cancel(booking: Booking) -> bool:
    """Whether there is still time; a request not yet answered may always be withdrawn."""
    return booking.state in AGREED and (
        clock.now() <= cancel_until(booking) or (booking.answer_pending and clock.now() < booking.starts_at)
    )


def openings(space: Space, first: date, last: date) -> list[Interval]:
    """When a room is open from one day to another, both included."""
    week = space.week
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return merged(span for day in days for span in week.on(day, calendar.is_holiday(day)))


def bookable_days(space: Space, asked_at: datetime | None = None) -> tuple[date, date]:
    """The first and last day for which the room may be booked today, or might be on an earlier day."""
    today = clock.local(asked_at).date() if asked_at else clock.today()
    return today + timedelta(days=space.notice_days), today + timedelta(days=space.horizon_days)


def possible_starts(space: Space, first: date, last: date, length: timedelta) -> Iterator[datetime]:
    """The moments of some days, in order, from which the room is open for so long, bookings aside.

    The raster begins anew with each day's hours; what starts before midnight may end after it.
    """
    week, step = space.week, timedelta(minutes=space.raster_minutes)
    whole = openings(space, first, last + timedelta(days=length.days + 1))
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        for span in week.on(day, calendar.is_holiday(day)):
            reach = next(opening for opening in whole if opening.contains(span))
            from_span = starts([Interval(span.starts_at, reach.ends_at)], length, step, span.starts_at)
            yield from takewhile(span.ends_at.__gt__, from_span)


def next_opening(space: Space, length: timedelta, after: datetime) -> datetime | None:
    """The first moment from which the room is open for so long, bookings aside."""
    day = clock.local(after).date()
    ahead = possible_starts(space, day, day + timedelta(days=LOOK_AHEAD_DAYS), length)
    return next((start for start in ahead if start >= after), None)


def broken_rule(
    space: Space, interval: Interval, people: int | None = None, *, asked_at: datetime | None = None
) -> DomainError | None:
    """The first rule of the room that such a booking would break, ready to be raised; None if it may be made.

    Needs `space.hours` and `space.closed_days`. Details named `earliest` are moments at which the rule would be kept.
    What is too late now may have been asked for in time, at `asked_at`.
    """
    return (
        _offered(space)
        or _duration(space, interval)
        or _notice(space, interval, asked_at or clock.now())
        or _opening(space, interval)
        or _people(space, people)
    )


def _offered(space: Space) -> DomainError | None:
    return None if space.offered else errors.NotOffered()


def _duration(space: Space, interval: Interval) -> DomainError | None:
    if interval.length < timedelta(minutes=space.min_minutes):
        return errors.TooShort(length=timedelta(minutes=space.min_minutes))
    if interval.length > timedelta(minutes=space.max_minutes):
        return errors.TooLong(length=timedelta(minutes=space.max_minutes))
    return None


def _notice(space: Space, interval: Interval, asked_at: datetime) -> DomainError | None:
    if interval.starts_at < asked_at:
        return errors.InThePast()
    first, last = bookable_days(space, asked_at)
    day = clock.local(interval.starts_at).date()
    if day < first:
        earliest = next_opening(space, interval.length, clock.at(first, 0))
        return errors.TooSoon(days=space.notice_days, earliest=earliest) if earliest else errors.Closed()
    if day > last:
        opens = clock.at(day - timedelta(days=space.horizon_days), 0)
        return errors.TooFar(days=space.horizon_days, opens=opens)
    return None


def _opening(space: Space, interval: Interval) -> DomainError | None:
    first, last = (clock.local(moment).date() for moment in (interval.starts_at, interval.ends_at))
    if any(opening.contains(interval) for opening in openings(space, first, last)):
        return _raster(space, interval.starts_at, first)
    earliest = next_opening(space, interval.length, max(interval.starts_at, clock.now()))
    return errors.ClosedUntil(earliest=earliest) if earliest else errors.Closed()


def _raster(space: Space, starts_at: datetime, day: date) -> DomainError | None:
    hours = space.week.on(day, calendar.is_holiday(day))
    opened_at = next(span.starts_at for span in hours if span.contains(starts_at))
    step = timedelta(minutes=space.raster_minutes)
    late = (starts_at - opened_at) % step
    return errors.OffRaster(length=step, example=show_time(starts_at - late)) if late else None


def _people(space: Space, people: int | None) -> DomainError | None:
    if people is not None and space.capacity is not None and people > space.capacity:
        return errors.TooManyPeople(capacity=space.capacity, field="people")
    return None
