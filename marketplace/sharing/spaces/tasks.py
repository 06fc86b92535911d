"""What happens to bookings afterwards: letters, and time running out."""

from datetime import timedelta
from typing import Any

from flask import url_for

from marketplace.civic.accounts.models import Person
from marketplace.kernel import db, ical, jobs, words
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.models import Booking
from marketplace.sharing.spaces.queries.bookings import get_booking_by_id
from marketplace.sharing.spaces.schemas import calendar_entry
from marketplace.sharing.spaces.service.bookings import lapse
from marketplace.web import letters

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
