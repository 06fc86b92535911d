"""What happens to bookings afterwards: letters, and time running out."""

from datetime import timedelta
from typing import Any

from flask import url_for

from marketplace.civic.accounts.models import Person
from marketplace.kernel import db, events, hooks, ical, jobs, words
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _l
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.models import Booking
from marketplace.sharing.spaces.queries import personal
from marketplace.sharing.spaces.queries.bookings import get_booking_by_id
from marketplace.sharing.spaces.schemas import calendar_entry
from marketplace.sharing.spaces.service import forgetting
from marketplace.sharing.spaces.service.bookings import lapse
from marketplace.web import letters

events.register(
    events.Kind("booking.requested", _l("A room was asked for")),
    events.Kind("booking.confirmed", _l("A room was booked, or a request granted")),
    events.Kind("booking.moved", _l("A booking was moved to another time")),
    events.Kind("booking.cancelled", _l("A booking was cancelled")),
    events.Kind("booking.declined", _l("A request was declined")),
    events.Kind("booking.lapsed", _l("A request ran out without an answer")),
)

WITH_CALENDAR = ("confirmed", "moved", "cancelled", "closed", "declined")


@jobs.task("spaces.letter", outside=True)
def letter(booking_id: int, news: str) -> None:
    """Tell a resident what happened to a booking; a calendar entry comes along."""
    booking = get_booking_by_id(booking_id)
    if booking is None:
        return
    context = _context(booking)
    with words.speaking(booking.person.language):
        entry = ical.calendar([calendar_entry(booking, context["link"])])
    enclosed = {f"{booking.reference}.ics": (entry, "text/calendar")}
    letters.send(
        booking.person.email,
        booking.person.language,
        f"letters/spaces/{news}",
        attachments=enclosed if news in WITH_CALENDAR else None,
        **context,
    )


@jobs.task("spaces.letter_to_manager", outside=True)
def letter_to_manager(booking_id: int, manager_id: int) -> None:
    """Tell someone who runs the building that a request waits for an answer."""
    booking = get_booking_by_id(booking_id)
    manager = db.session.get(Person, manager_id)
    if booking is not None and booking.answer_pending and manager is not None:
        letters.send(manager.email, manager.language, "letters/spaces/to_manager", **_context(booking))


def _context(booking: Booking) -> dict[str, Any]:
    return {
        "booking": booking,
        "space": booking.space,
        "cancel_until": policy.cancel_until(booking) if policy.may_still_cancel(booking) else None,
        "link": url_for("spaces.booking", reference=booking.reference, _external=True),
        "space_link": url_for("spaces.space", space_id=booking.space_id, _external=True),
        "answer_link": url_for("spaces_staff.answer", reference=booking.reference, _external=True),
    }


@jobs.timed("spaces.lapse", every=timedelta(minutes=1))
def let_lapse() -> None:
    """Let go of holds and requests that ran out."""
    lapse()


# --- what is held about people ---

hooks.personal_data.register(personal.own_data)
hooks.leaving.register(forgetting.give_back)
hooks.erasing.register(forgetting.erase)
jobs.timed("spaces.thin", every=timedelta(hours=1))(forgetting.thin)

register(
    Kept(
        "bookings",
        _l("Your bookings: room, time, number of people, purpose, fee, and the building's answer"),
        _l("so that the room is yours then, and the building knows who comes and what for."),
        _l("Purpose and answer for a year, the booking for five, as long as the city has to account for fees."),
        Erased.NAMELESS,
        job="spaces.thin",
    ),
    Kept(
        "space_closures",
        _l("Closures of rooms, and which manager made them"),
        _l("so that people read why a room is closed."),
        _l("Five years."),
        Erased.NAMELESS,
        job="spaces.thin",
        stays=frozenset({"reason"}),
    ),
)
