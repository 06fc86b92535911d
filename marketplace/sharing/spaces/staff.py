"""Rooms for those who run the building: coming bookings, requests, closures, rules."""

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Role
from marketplace.kernel import clock, db, hooks, looking
from marketplace.kernel.access import reveal
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.words import _, _l, ngettext
from marketplace.kernel.writing import show_interval
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.errors import ChangedMeanwhile
from marketplace.sharing.spaces.models import BookingState, Space
from marketplace.sharing.spaces.queries import bookings as booking_queries
from marketplace.sharing.spaces.queries import rooms
from marketplace.sharing.spaces.schemas import Answer, ClosureRequest, Confirmation, Rules
from marketplace.sharing.spaces.service import bookings
from marketplace.sharing.spaces.service import rooms as running
from marketplace.web.access import current_person, staff
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, tell

bp = Blueprint("spaces_staff", __name__)
MANAGERS = (Role.MANAGER, Role.ADMINISTRATOR)
ON_THE_DESK = 50

looking.page("spaces.bookings", _l("The list of a building's bookings"))
looking.page("spaces.booking", _l("A booking of yours"))


@bp.get("/spaces/staff/")
@staff(*MANAGERS)
def desk() -> Response:
    """Requests waiting for an answer, then everything that is coming, in the buildings one runs."""
    requests = request.args.get("show") != "coming"
    query = booking_queries.bookings_at(rooms.managed_building_ids(current_person()), requests=requests)
    pages, shown = listed(query)
    looked("spaces.bookings", {one.person_id: policy.office(current_person(), one.space) for one in shown})
    return page("sharing/spaces/desk.html", shown=shown, pages=pages, requests=requests)


@bp.get("/spaces/staff/rooms")
@staff(*MANAGERS)
def managed_rooms() -> Response:
    """The rooms one runs."""
    pages, shown = listed(rooms.managed_spaces(current_person()))
    return page("sharing/spaces/managed.html", shown=shown, pages=pages)


@bp.route("/spaces/staff/bookings/<reference>", methods=["GET", "POST"])
@staff(*MANAGERS)
def answer(reference: str) -> ResponseReturnValue:
    """Say yes or no to a request."""
    booking = booking_queries.get_booking(reference)
    reveal(policy.may_manage, current_person(), booking.space)
    looked("spaces.booking", policy.offices(current_person(), booking))
    with Form(Answer()) as form:
        if form.submitted:
            if form.data["answer"] == "accept":
                bookings.accept(current_person(), booking)
                tell(_("The booking is confirmed; the resident has been told."))
            else:
                bookings.decline(current_person(), booking, form.data["reason"])
                tell(_("The request is declined; the resident reads your reason."))
            return redirect(url_for(".desk"), 303)
    return form.page(
        "sharing/spaces/answer.html",
        booking=booking, space=booking.space, may_answer=policy.may_answer(current_person(), booking),
        waiting=booking.state is BookingState.REQUESTED, may_talk=policy.may_talk(current_person(), booking),
    )  # fmt: skip


@bp.route("/spaces/<int:space_id>/closures", methods=["GET", "POST"])
@staff(*MANAGERS)
def closures(space_id: int) -> ResponseReturnValue:
    """Close a room for a time; bookings in the way are shown first."""
    room = _managed(space_id)
    day = clock.today().isoformat()
    defaults = {"from_date": day, "from_time": "09:00", "to_date": day, "to_time": "18:00"}
    with Form(ClosureRequest(), **defaults) as form:
        if form.submitted:
            wanted = form.data
            cancelling = wanted["cancelling"]
            running.close(current_person(), room, wanted["interval"], wanted["reason"], cancelling=cancelling)
            told = ngettext("{n} booking was cancelled and its resident told.",
                            "{n} bookings were cancelled and their residents told.", len(cancelling))  # fmt: skip
            tell(_("The room is closed then.") + (f" {told}" if cancelling else ""))
            return redirect(url_for(".closures", space_id=room.id), 303)
    affected = booking_queries.bookings_in_the_way(room, form.data["interval"]) if "interval" in form.data else []
    looked("spaces.bookings", {one.person_id: policy.office(current_person(), one.space) for one in affected})
    return form.page(
        "sharing/spaces/closures.html",
        space=room, affected=affected, closures=booking_queries.closures_of(room),
    )  # fmt: skip


@bp.post("/spaces/closures/<int:closure_id>/reopen")
@staff(*MANAGERS)
def reopen(closure_id: int) -> ResponseReturnValue:
    """Take a closure back."""
    closure = booking_queries.get_closure(closure_id)
    reveal(policy.may_manage, current_person(), closure.space)
    with Form(Confirmation()):
        running.reopen(current_person(), closure)
        tell(_("The room is open again at that time."))
    return redirect(url_for(".closures", space_id=closure.space_id), 303)


@bp.route("/spaces/<int:space_id>/rules", methods=["GET", "POST"])
@staff(*MANAGERS)
def rules(space_id: int) -> ResponseReturnValue:
    """How a room is offered."""
    room = _managed(space_id)
    schema = Rules()
    now = {name: getattr(room, name) for name in schema.fields}
    with Form(schema, **now) as form:
        if form.submitted:
            running.save_rules(current_person(), room, **form.data)
            tell(_("The rules of the room are saved."))
            return redirect(url_for("spaces.space", space_id=room.id), 303)
    changed_meanwhile = isinstance(form.refusal, ChangedMeanwhile)
    return form.page("sharing/spaces/rules.html", space=room, changed_meanwhile=changed_meanwhile)


def _managed(space_id: int) -> Space:
    room = rooms.get_space(space_id)
    reveal(policy.may_manage, current_person(), room)
    return room


# --- what other floors ask ---


@hooks.waits_at_desk.register
def waits_at_desk(person: Any) -> Queue | None:
    """Requests for rooms that wait for an answer, for those who manage the building."""
    if not any(person.is_a(role) for role in MANAGERS):
        return None
    query = booking_queries.bookings_at(rooms.managed_building_ids(person), requests=True)
    waiting = [
        Waiting(
            f"{booking.space.title} · {show_interval(booking.interval)} · {booking.person.name}",
            url_for("spaces_staff.answer", reference=booking.reference),
            booking.due_at,
        )
        for booking in db.session.scalars(query.limit(ON_THE_DESK))
        if not policy.is_own(person, booking)
    ]
    return Queue(_l("Requests for rooms"), url_for("spaces_staff.desk"), db.count(query), waiting)
