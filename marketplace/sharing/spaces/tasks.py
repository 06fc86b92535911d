"""What happens to bookings afterwards: what people are told, and time running out."""

from datetime import timedelta
from typing import Any

from flask import url_for

from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications import models
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel import clock, db, events, hooks, ical, jobs, things
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.things import Sides
from marketplace.kernel.words import Text, _l
from marketplace.kernel.writing import show_interval
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.models import Booking, BookingState
from marketplace.sharing.spaces.queries import personal, rooms
from marketplace.sharing.spaces.queries.bookings import bookings_by_id, for_calendar, managers_of
from marketplace.sharing.spaces.schemas import calendar_entry
from marketplace.sharing.spaces.service import forgetting
from marketplace.sharing.spaces.service.bookings import lapse
from marketplace.sharing.spaces.service.rooms import keep_out_of_sight
from marketplace.web.pages import whole_address

events.register(
    events.Kind("booking.requested", _l("A room was asked for")),
    events.Kind("booking.confirmed", _l("A room was booked, or a request granted")),
    events.Kind("booking.moved", _l("A booking was moved to another time")),
    events.Kind("booking.cancelled", _l("A booking was cancelled")),
    events.Kind("booking.declined", _l("A request was declined")),
    events.Kind("booking.lapsed", _l("A request ran out without an answer")),
)

# --- what people are told of bookings ---

WITH_CALENDAR = ("confirmed", "moved", "cancelled", "closed", "declined")
TALKED_ABOUT = timedelta(days=7)
"""How long after its time people may still talk about a booking."""

OWN = Topic("spaces", _l("Rooms you book"), _l("Confirmed, moved, declined or cancelled."))
ASKED = Topic(
    "spaces_requests", _l("Requests for rooms you run"), _l("Someone waits for your building's answer."), staff=True
)


def sides(booking: Booking) -> Sides:
    """The resident, or those who act for the group, and those who run the building; needs `space.managing`."""
    group = booking.group
    return Sides(
        one=frozenset(policy.whose(booking)),
        other=frozenset(grant.person_id for grant in booking.space.managing),
        agreed=booking.state is BookingState.CONFIRMED,
        open=booking.people is not None and clock.now() < booking.ends_at + TALKED_ABOUT,
        one_for=group.title if group else None,
        other_for=booking.space.building.title,
        by_role=True,
    )


things.register(
    things.Kind(
        name="booking",
        label=_l("Room booking"),
        find=bookings_by_id,
        title=lambda booking: f"{booking.space.title}, {show_interval(booking.interval)}",
        link=lambda booking: url_for("spaces.booking", reference=booking.reference),
        may_see=policy.may_see,
        author_id=lambda booking: int(booking.person_id),
        text=lambda booking: str(booking.purpose),
        sides=sides,
    )
)
things.register(
    things.Kind(
        name="space",
        label=_l("Room"),
        find=lambda ids: {room.id: room for room in rooms.spaces(sorted(ids))},
        title=lambda room: f"{room.title}, {room.building.title}",
        link=lambda room: url_for("spaces.space", space_id=room.id),
        may_see=policy.may_find,
        author_id=lambda _room: None,  # the city's own words: nobody in particular answers for them
        kept_by=lambda room: db.session.scalars(managers_of(room)).all(),
        text=rooms.text_of,
        hide=keep_out_of_sight,
    )
)


def _entry(thing: things.Thing, _person: Person, _facts: models.Facts) -> dict[str, tuple[bytes, str]]:
    booking = thing.record
    entry = calendar_entry(booking, whole_address(url_for("spaces.booking", reference=booking.reference)))
    return {f"{booking.reference}.ics": (ical.calendar([entry]), "text/calendar")}


def _context(booking: Booking) -> dict[str, Any]:
    return {
        "booking": booking,
        "space": booking.space,
        "claim": None if booking.person.is_confirmed else whole_address(url_for("accounts.forgot")),
        "cancel_until": policy.cancel_until(booking) if policy.may_still_cancel(booking) else None,
        "link": whole_address(url_for("spaces.booking", reference=booking.reference)),
        "space_link": whole_address(url_for("spaces.space", space_id=booking.space_id)),
        "answer_link": whole_address(url_for("spaces_staff.answer", reference=booking.reference)),
    }


def _told(name: str, title: Text) -> None:
    """Register what its resident is told of a booking; a calendar entry comes along where there is one."""
    models.register(
        News(
            f"spaces.{name}",
            OWN,
            lambda thing, _facts: title.filled(time=thing.record.interval),
            letter=f"letters/spaces/{name}",
            context=lambda thing, _person, _facts: _context(thing.record),
            attachments=_entry if name in WITH_CALENDAR else None,
        )
    )


_told("confirmed", _l("Your room is booked: {time}"))
_told("requested", _l("Your request is sent: {time}"))
_told("moved", _l("Your booking has a new time: {time}"))
_told("cancelled", _l("Cancelled: {time}"))
_told("closed", _l("Your booking is cancelled by the building: {time}"))
_told("declined", _l("Your request was declined: {time}"))
_told("unanswered", _l("Your request was not answered in time: {time}"))

models.register(
    News(
        "spaces.asked",
        ASKED,
        lambda thing, _facts: _l("A request waits for your answer: {time}", time=thing.record.interval),
        letter="letters/spaces/to_manager",
        context=lambda thing, _person, _facts: _context(thing.record) if thing.record.answer_pending else None,
        link=lambda thing, _facts: url_for("spaces_staff.answer", reference=thing.record.reference),
    )
)


@hooks.calendar_entries.register
def calendar_entries(person: Any) -> list[ical.Entry]:
    """A person's bookings for the calendar feed."""
    return [
        calendar_entry(booking, whole_address(url_for("spaces.booking", reference=booking.reference)))
        for booking in for_calendar(person)
    ]


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
        "bookings_on_behalf",
        _l("In whose name a booking was made: for a group, or by the building for someone at its counter"),
        _l("so that the building knows whom it deals with, and you know who acted for you."),
        _l("Five years, as the booking."),
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
