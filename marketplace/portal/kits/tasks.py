"""What becomes of a kit when a part of it does, what both sides are told, and what is kept."""

from datetime import timedelta

from flask import url_for

from marketplace.civic.notifications import models
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel import db, events, hooks, jobs, things
from marketplace.kernel.events import Event
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import Text, _l
from marketplace.portal.kits import policy
from marketplace.portal.kits.queries import bookings as booking_queries
from marketplace.portal.kits.queries import kits as queries
from marketplace.portal.kits.service import booking, forgetting, running
from marketplace.sharing.spaces.models import Booking
from marketplace.sharing.spaces.tasks import ASKED, OWN

ROOM_GIVEN_UP = ("booking.cancelled", "booking.declined", "booking.lapsed")

things.register(
    things.Kind(
        name="kit",
        label=_l("Kit"),
        find=queries.by_id,
        title=lambda kit: f"{kit.title}, {kit.building.title}",
        link=lambda kit: url_for("kits.kit", kit_id=kit.id),
        may_see=policy.may_find,
        author_id=lambda _kit: None,  # the city's own words: nobody in particular answers for them
        kept_by=queries.managers_of,
        text=queries.text_of,
        hide=running.keep_out_of_sight,
    )
)
things.register(
    things.Kind(
        name="kit_booking",
        label=_l("Booking of a kit"),
        find=booking_queries.by_id,
        title=lambda found: f"{found.kit.title}, {found.when}",
        link=lambda found: url_for("kits.booking", reference=found.reference),
        may_see=policy.may_see,
        author_id=lambda found: int(found.person_id),
    )
)

# --- what becomes of a part ---


@events.listening.register
def follow(event: Event) -> None:
    """A room or a thing that belongs to a kit was given up or moved: the whole follows, in the same transaction."""
    if event.kind in ROOM_GIVEN_UP:
        found = booking_queries.of_part(event.subject, lock=True)
        if found is not None:
            booking.room_given_up(found)
    elif event.kind == "booking.moved":
        found = booking_queries.of_part(event.subject)
        if found is not None:
            booking.room_moved(found, db.session.get_one(Booking, _number(event)).interval)
    elif event.kind == "loan.cancelled":
        found = booking_queries.of_part(event.subject)
        if found is not None:
            lent = next(loan for loan in found.loans if loan.id == _number(event))
            booking.loan_given_up(found, lent.item.title)


def _number(event: Event) -> int:
    return int(event.subject.partition(":")[2])


@jobs.task("kits.let_go")
def let_go(kit_booking_id: int) -> None:
    """Let go of what is left of a kit that was given up."""
    found = booking_queries.by_id([kit_booking_id]).get(kit_booking_id)
    if found is not None:
        booking.let_go(found)


# --- what people are told ---


def _told(name: str, topic: Topic, title: Text) -> None:
    """Register what one side is told of a booked kit."""
    models.register(
        News(
            f"kits.{name}",
            topic,
            lambda thing, facts: title.filled(
                kit=thing.record.kit.title, when=thing.record.when, part=facts.get("part", "")
            ),
        )
    )


_told("ended", OWN, _l("Given up, with all that belongs to it: {kit}, {when}"))
_told("ended_here", ASKED, _l("Given up, with all that belongs to it: {kit}, {when}"))
_told("part_gone", OWN, _l("Your kit {kit}, {when}, is now without: {part}"))
_told("part_gone_here", ASKED, _l("A kit booked in your building, {kit}, {when}, is now without: {part}"))

# --- what is held about people ---

hooks.personal_data.register(booking_queries.own_data)
jobs.timed("kits.thin", every=timedelta(days=1), after=timedelta(hours=5))(forgetting.thin)

register(
    Kept(
        "kit_bookings",
        _l("Kits you booked: which one, for which days, and whether it was given up"),
        _l("so that what belongs together is given up together, and you see it in one place."),
        _l("Five years, as the bookings and loans that belong to it."),
        Erased.NAMELESS,
        job="kits.thin",
    ),
)
