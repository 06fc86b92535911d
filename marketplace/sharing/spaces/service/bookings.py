"""Booking a room: hold, send, move, cancel; and the building's answer."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm.exc import StaleDataError

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_not_suspended, may_act
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.groups.service.behalf import Behalf
from marketplace.civic.notifications import service as notifications
from marketplace.kernel import audit, clock, db, events, occupancy, things
from marketplace.kernel.access import permit
from marketplace.kernel.intervals import Interval
from marketplace.kernel.occupancy import Kind as Holding
from marketplace.sharing.spaces import errors, policy
from marketplace.sharing.spaces.models import AGREED, Booking, BookingOnBehalf, BookingState, Space
from marketplace.sharing.spaces.queries import bookings as queries

HOLD = timedelta(minutes=10)
FORGOTTEN = timedelta(days=1)
"""How long a hold that ran out may still be sent, should its time be free."""

MOST_HOLDS = 3
MOST_UNCONFIRMED = 5
"""How many times one may hold before the e-mail address is confirmed: nobody stands behind such an account."""

MOST_COMING = 30
"""How many bookings one person may have ahead: a weekly circle plans half a year; nobody books the city out."""


def hold(person: Person, space: Space, interval: Interval) -> Booking:
    """Keep a time for a resident for ten minutes, while the booking is filled in and perhaps the e-mail confirmed.

    Raises the room's broken rule, TooManyHolds, ConfirmAddressFirst where an unconfirmed address has held often, or
    AlreadyTaken if something holds the room then, even something booked this instant.
    """
    expect_not_suspended(person)
    _keep_rules(space, interval)
    one_at_a_time(person.id)
    if not may_act(person) and queries.count_made(person) >= MOST_UNCONFIRMED:
        raise errors.ConfirmAddressFirst
    most = MOST_HOLDS if may_act(person) else 1
    if queries.count_holds(person) >= most:
        raise errors.TooManyHolds(most=most)
    until = clock.now() + HOLD
    booking = _new(person, space, interval)
    booking.occupancy = _claim(space, interval, Holding.HOLD, expires_at=until)
    booking.held_until = until
    db.session.add(booking)
    db.session.flush()
    return booking


def send(
    person: Person,
    booking: Booking,
    *,
    people: int,
    purpose: str,
    rules_accepted: bool,
    behalf: Behalf | None = None,
) -> Booking:
    """Make a held time a booking: confirmed at once, or asked of the building where the room needs an answer.

    What is sent within the ten minutes was asked for in time. Afterwards it goes through if the time is still free and
    the rules still allow it. Raises HoldRanOut if the time is gone, ConfirmAddressFirst while the e-mail address is not
    confirmed, TooManyBookings if the person has many ahead already.
    """
    permit(policy.may_change, person, booking)
    _expect(booking, BookingState.HELD)
    _may_have_one_more(person, booking.space, rules_accepted, behalf)
    in_time = booking.held_until is not None and clock.now() < booking.held_until
    _keep_rules(booking.space, booking.interval, people, asked_at=booking.created_at if in_time else None)
    _keep_held(booking)
    return _agree(person, booking, people, purpose, behalf)


def book(
    person: Person,
    space: Space,
    interval: Interval,
    *,
    people: int,
    purpose: str,
    rules_accepted: bool,
    behalf: Behalf | None = None,
) -> Booking:
    """Book a room in one step, for those who need no time to fill it in, and for whoever asked the building itself.

    Raises the room's broken rule, AlreadyTaken, ConfirmAddressFirst or TooManyBookings.
    """
    _may_have_one_more(person, space, rules_accepted, behalf)
    _keep_rules(space, interval, people)
    booking = _new(person, space, interval)
    booking.occupancy = _claim(space, interval, Holding.BOOKING)
    db.session.add(booking)
    return _agree(person, booking, people, purpose, behalf)


def leave(person: Person, booking: Booking) -> None:
    """Let a held time go before sending."""
    permit(policy.may_change, person, booking)
    _expect(booking, BookingState.HELD)
    _let_go(booking, BookingState.LAPSED)


def move(person: Person, booking: Booking, interval: Interval, *, version: int) -> Booking:
    """Change a booking's time in one step; if the new time is taken, the old one stays.

    A room that needs an answer needs a new one. Raises StaleDataError if the booking changed meanwhile.
    """
    permit(policy.may_change, person, booking)
    expect_not_suspended(person)
    _expect(booking, *AGREED)
    if booking.version != version:
        raise StaleDataError
    if not policy.may_still_cancel(booking):
        raise errors.TooLateToCancel(until=policy.cancel_until(booking))
    space = booking.space
    _keep_rules(space, interval, booking.people)
    try:
        occupancy.extend(_held(booking), interval, before=space.before, after=space.after)
    except occupancy.Taken as clash:
        raise errors.AlreadyTaken from clash
    booking.starts_at, booking.ends_at = interval.starts_at, interval.ends_at
    booking.fee = space.fee(booking.minutes)
    booking.changed += 1
    if space.by_request or booking.answer_pending:
        _ask_building(booking)
    _tell(booking, "moved")
    _record(person, booking, "moved")
    _announce(booking, "moved")
    db.session.flush()
    return booking


def cancel(person: Person, booking: Booking) -> Booking:
    """Give a room back, within the room's deadline."""
    permit(policy.may_change, person, booking)
    _expect(booking, *AGREED)
    if not policy.may_still_cancel(booking):
        raise errors.TooLateToCancel(until=policy.cancel_until(booking))
    return withdraw(person, booking)


def withdraw(person: Person, booking: Booking) -> Booking:
    """Give a room back whatever its deadline: for someone who leaves the city's service."""
    permit(policy.may_change, person, booking)
    _let_go(booking, BookingState.CANCELLED)
    _tell(booking, "cancelled")
    _record(person, booking, "cancelled")
    _announce(booking, "cancelled")
    return booking


def accept(manager: Person, booking: Booking) -> Booking:
    """Say yes to a request."""
    permit(policy.may_answer, manager, booking)
    _expect(booking, BookingState.REQUESTED)
    if booking.starts_at <= clock.now():
        raise errors.NoLongerOpen(state=BookingState.LAPSED.words)
    booking.state, booking.due_at, booking.decided_by_id = BookingState.CONFIRMED, None, manager.id
    booking.changed += 1
    _tell(booking, "confirmed")
    _record(manager, booking, "accepted")
    _announce(booking, "confirmed")
    db.session.flush()
    return booking


def decline(manager: Person, booking: Booking, reason: str) -> Booking:
    """Say no to a request, with the reason that the resident reads."""
    permit(policy.may_answer, manager, booking)
    _expect(booking, BookingState.REQUESTED)
    if not reason.strip():
        raise errors.ReasonMissing(field="reason")
    booking.reason, booking.decided_by_id = reason.strip(), manager.id
    _let_go(booking, BookingState.DECLINED)
    _tell(booking, "declined")
    _record(manager, booking, "declined")
    _announce(booking, "declined")
    return booking


def give_up(manager: Person, booking: Booking, reason: str) -> None:
    """Take an agreed booking back because the building closes; part of closing a room."""
    booking.reason, booking.decided_by_id = reason, manager.id
    _let_go(booking, BookingState.CANCELLED)
    _tell(booking, "closed")
    _record(manager, booking, "cancelled")
    _announce(booking, "cancelled")


def call_off(booking: Booking) -> None:
    """Give up an agreed booking because the rest of what it belongs to is given up; whoever does that tells why."""
    _expect(booking, *AGREED)
    _let_go(booking, BookingState.CANCELLED)
    audit.record(None, "spaces.called_off", f"booking:{booking.id}")
    _announce(booking, "cancelled")


def lapse() -> int:
    """Let go of what ran out: holds not filled in, and requests whose time came without an answer.

    Returns how many holds were forgotten: their times went to others long ago, now they can no longer be sent.
    """
    for booking in db.session.scalars(queries.overdue_requests()).all():
        _let_go(booking, BookingState.LAPSED)
        _tell(booking, "unanswered")
        _announce(booking, "lapsed")
    occupancy.sweep()
    ran_out = sa.and_(Booking.state == BookingState.HELD, Booking.held_until <= clock.now() - FORGOTTEN)
    lapsed = sa.update(Booking).where(ran_out, Booking.occupancy_id.is_(None)).values(state=BookingState.LAPSED)
    return db.changed(lapsed)


def _new(person: Person, space: Space, interval: Interval) -> Booking:
    return Booking(
        space=space,
        person_id=person.id,
        starts_at=interval.starts_at,
        ends_at=interval.ends_at,
        fee=space.fee(int(interval.length.total_seconds()) // 60),
        created_at=clock.now(),
        on_behalf=None,
    )


def _may_have_one_more(person: Person, space: Space, rules_accepted: bool, behalf: Behalf | None) -> None:
    if behalf and behalf.entered_by:  # the building knows who stands before it
        expect_not_suspended(behalf.entered_by)
        permit(policy.may_manage, behalf.entered_by, space)
        if person.is_suspended:
            raise errors.CallerSuspended
    else:
        expect_not_suspended(person)
        if not may_act(person):
            raise errors.ConfirmAddressFirst
    if not rules_accepted:
        raise errors.RulesNotAccepted(field="rules_accepted")
    one_at_a_time(person.id)
    if queries.count_coming(person) >= MOST_COMING:
        raise errors.TooManyBookings(most=MOST_COMING)


def _agree(person: Person, booking: Booking, people: int, purpose: str, behalf: Behalf | None) -> Booking:
    """Confirm what holds its room, or ask the building; tell the person and put it on record."""
    booking.people, booking.purpose, booking.held_until = people, purpose, None
    if behalf is not None:
        booking.on_behalf = BookingOnBehalf(**behalf.columns)
    if booking.space.by_request:
        _ask_building(booking)
    else:
        booking.state = BookingState.CONFIRMED
    _tell(booking, booking.state.value)
    actor = behalf.entered_by if behalf and behalf.entered_by else person
    _record(actor, booking, booking.state.value, **(behalf.detail(person) if behalf else {}))
    _announce(booking, booking.state.value)
    return booking


def _keep_rules(
    space: Space, interval: Interval, people: int | None = None, *, asked_at: datetime | None = None
) -> None:
    if refusal := policy.broken_rule(space, interval, people, asked_at=asked_at):
        raise refusal


def _claim(space: Space, interval: Interval, kind: Holding, **more: Any) -> occupancy.Occupancy:
    try:
        return occupancy.claim(space.resource_id, interval, kind=kind, before=space.before, after=space.after, **more)
    except occupancy.Taken as clash:
        raise errors.AlreadyTaken from clash


def _keep_held(booking: Booking) -> None:
    """Make the hold last; if it was cleared away but the time is still free, take it again."""
    if booking.occupancy is not None:
        try:
            occupancy.confirm(booking.occupancy, Holding.BOOKING)
            return
        except occupancy.Expired:
            booking.occupancy = None
    try:
        booking.occupancy = _claim(booking.space, booking.interval, Holding.BOOKING)
    except errors.AlreadyTaken as clash:
        raise errors.HoldRanOut from clash


def _held(booking: Booking) -> occupancy.Occupancy:
    assert booking.occupancy is not None  # noqa: S101 - the database keeps it so: ck_bookings_agreed_is_held
    return booking.occupancy


def _let_go(booking: Booking, state: BookingState) -> None:
    held, booking.occupancy = booking.occupancy, None
    booking.state, booking.due_at, booking.held_until = state, None, None
    booking.changed += 1
    db.session.flush()
    if held is not None:
        occupancy.release(held)


def _expect(booking: Booking, *states: BookingState) -> None:
    if booking.state not in states:
        raise errors.NoLongerOpen(state=booking.state.words)


def _ask_building(booking: Booking) -> None:
    """Have those who run the building answer."""
    booking.state, booking.decided_by_id = BookingState.REQUESTED, None
    booking.due_at = min(clock.now() + timedelta(days=booking.space.answer_days), booking.starts_at)
    db.session.flush()
    managers = db.session.scalars(queries.managers_of(booking.space)).all()
    notifications.tell(managers, "spaces.asked", things.of("booking", booking))


def _tell(booking: Booking, news: str) -> None:
    """Tell whose it is: for a group every officer, each of whom may give it up."""
    db.session.flush()
    notifications.tell(policy.whose(booking), f"spaces.{news}", things.of("booking", booking))


def _record(person: Person, booking: Booking, what: str, **detail: int | str) -> None:
    """Put it on record, without what anyone wrote: the record is never erased, the booking's words are."""
    audit.record(person.id, f"spaces.{what}", f"booking:{booking.id}", **detail)


def _announce(booking: Booking, what: str) -> None:
    """Tell the city's other systems, which learn when and where, and never who."""
    events.emit(
        f"booking.{what}",
        f"booking:{booking.id}",
        state=booking.state.value,
        starts_at=clock.local(booking.starts_at).isoformat(),
        ends_at=clock.local(booking.ends_at).isoformat(),
        space_id=booking.space_id,
        building_id=booking.space.building_id,
    )
