"""Booking a kit, all of it or nothing, and giving it up again."""

from collections.abc import Iterator
from contextlib import contextmanager

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.notifications import service as notifications
from marketplace.kernel import audit, clock, db, jobs, occupancy, things
from marketplace.kernel.access import permit
from marketplace.kernel.errors import DomainError
from marketplace.kernel.intervals import Interval
from marketplace.kernel.things import subject
from marketplace.portal.kits import errors, policy
from marketplace.portal.kits.models import Kit, KitBooking, KitBookingPart
from marketplace.portal.kits.queries import bookings as queries
from marketplace.portal.kits.queries import kits, times
from marketplace.sharing.items import errors as item_errors
from marketplace.sharing.items.models.lending import LoanState
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.service import loans
from marketplace.sharing.spaces import errors as space_errors
from marketplace.sharing.spaces.models import AGREED
from marketplace.sharing.spaces.service import bookings

ABOUT_TIME = (
    space_errors.AlreadyTaken, space_errors.Closed, space_errors.InThePast, space_errors.OffRaster, space_errors.TooFar,
    space_errors.TooSoon, item_errors.AlreadyPromised, item_errors.InThePast, item_errors.NotHandedOver,
    item_errors.TooFar, item_errors.TooSoon,
)  # fmt: skip
"""The refusals that another time would not meet."""


def book(
    person: Person,
    kit: Kit,
    interval: Interval,
    *,
    people: int,
    purpose: str,
    rules_accepted: bool,
    message: str = "",
) -> KitBooking:
    """Book every room of a kit, and borrow every thing for the days of that time, or nothing at all.

    The libraries' part is agreed at once, as those who run them made the kit; a room that is answered is asked for.
    Raises NotAvailable, RulesNotAccepted, or PartRefused with the part's own refusal and the next time that would do.
    """
    expect_may_act(person)
    if not rules_accepted:
        raise errors.RulesNotAccepted(field="rules_accepted")
    kit_id = kit.id
    try:
        with db.session.begin_nested():
            return _book_all(person, kit, interval, people, purpose, message)
    except errors.PartRefused as refused:
        cause = refused.__cause__
        free = times.next_time(kits.get_kit(kit_id), interval.length, max(interval.starts_at, clock.now()))
        if free is None or not isinstance(cause, ABOUT_TIME):
            raise
        raise errors.PartRefusedUntil(**refused.details, next=free, earliest=free.starts_at) from cause


def cancel(person: Person, found: KitBooking, reason: str) -> KitBooking:
    """Give up everything of a kit that is not handed over, each part by its own rules, or nothing.

    Raises PartKept with the own refusal of the part that cannot be given up any more.
    """
    permit(policy.is_own, person, found)
    queries.hold_still(found)
    _end(found)
    occupancy.hold_still(queries.resources_of(found))
    rooms = [one for one in found.bookings if one.state in AGREED and one.ends_at > clock.now()]
    if not rooms:
        raise errors.NoLongerOpen
    for booking in rooms:
        with _named(booking.space.title, errors.PartKept):
            bookings.cancel(person, booking)
    for loan in found.loans:
        if loan.state is LoanState.ACCEPTED:
            with _named(loan.item.title, errors.PartKept):
                loans.cancel(person, loan, reason)
    audit.record(person.id, "kits.cancelled", subject("kit_booking", found.id))
    return found


# --- what becomes of the parts ---


def room_given_up(found: KitBooking) -> None:
    """A room was cancelled, declined or not answered: the whole is given up, and what is left of it let go.

    That is a job of its own. Whoever gives up the room holds it already, and would here come to need what others hold
    who wait for it.
    """
    if found.ended_at is not None:
        return
    _end(found)
    audit.record(None, "kits.ended", subject("kit_booking", found.id))
    tell_both(found, "ended")
    jobs.enqueue("kits.let_go", kit_booking_id=found.id)


def room_moved(found: KitBooking, interval: Interval) -> None:
    """Let a room be moved only within the days for which the things are lent. Raises OtherDays."""
    if found.ended_at is None and policy.days_of(interval) != (found.first_day, found.last_day):
        raise errors.OtherDays(field="start")


def loan_given_up(found: KitBooking, title: str) -> None:
    """A thing was given up on its own: both sides are told, the rest stays."""
    if found.ended_at is None and clock.today() <= found.last_day:
        tell_both(found, "part_gone", part=title)


def let_go(found: KitBooking) -> None:
    """Let go of what is left of a kit that was given up, but for what is handed over or began already."""
    queries.hold_still(found)
    occupancy.hold_still(queries.resources_of(found))
    for booking in found.bookings:
        if booking.state in AGREED and booking.starts_at > clock.now():
            bookings.call_off(booking)
    for loan in found.loans:
        if loan.state is LoanState.ACCEPTED:
            loans.call_off(loan)


def tell_both(found: KitBooking, news: str, **facts: str) -> None:
    """Tell whoever booked it, and those who run the building."""
    db.session.flush()
    thing = things.of("kit_booking", found)
    notifications.tell(found.person_id, f"kits.{news}", thing, **facts)
    keepers = {grant.person_id for grant in found.kit.managing} - {found.person_id}
    notifications.tell(keepers, f"kits.{news}_here", thing, **facts)


# --- parts of it ---


def _book_all(person: Person, kit: Kit, interval: Interval, people: int, purpose: str, message: str) -> KitBooking:
    """Make every booking and every loan by its own service; the first refusal goes on, named.

    Everything is taken hold of before the first claim: the person, the things, then all rooms and pieces at once. Who
    books or borrows one of them takes the same in the same order, so that no two wait for each other.
    """
    if not policy.is_available(kit):
        raise errors.NotAvailable
    first, last = policy.days_of(interval)
    one_at_a_time(person.id)
    for item, _quantity in kit.things:
        listings.hold_still(item)
    pieces = {unit.resource_id for item, _quantity in kit.things for unit in item.units}
    occupancy.hold_still({room.resource_id for room in kit.rooms} | pieces)
    made = KitBooking(kit=kit, person_id=person.id, first_day=first, last_day=last, parts=[])
    for room in kit.rooms:
        with _named(room.title, errors.PartRefused):
            booked = bookings.book(person, room, interval, people=people, purpose=purpose, rules_accepted=True)
        made.parts.append(KitBookingPart(booking=booked, loan=None))
    for item, quantity in kit.things:
        with _named(item.title, errors.PartRefused):
            lent = loans.request(person, item, first, last, quantity=quantity, message=message, agreed=True)
        made.parts.append(KitBookingPart(booking=None, loan=lent))
    db.session.add(made)
    db.session.flush()
    audit.record(person.id, "kits.booked", subject("kit_booking", made.id), kit=kit.id)
    return made


@contextmanager
def _named(part: str, kind: type[DomainError]) -> Iterator[None]:
    """Say of which part a refusal is, and for programs which it is."""
    try:
        yield
    except DomainError as refusal:
        field = {"field": "people"} if refusal.details.get("field") == "people" else {}
        raise kind(part=part, why=refusal.sentence, cause=refusal.code, **field) from refusal


def _end(found: KitBooking) -> None:
    if found.ended_at is not None:
        raise errors.NoLongerOpen
    found.ended_at = clock.now()
    db.session.flush()
