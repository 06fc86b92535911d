"""Kits for residents: which there are, when all of one is free, booking it, and what was booked."""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from marketplace.kernel import db, hooks
from marketplace.kernel.access import permit, reveal
from marketplace.kernel.intervals import Interval
from marketplace.kernel.words import _, _l
from marketplace.portal.kits import policy
from marketplace.portal.kits.models import Kit, KitBooking
from marketplace.portal.kits.queries import bookings as booking_queries
from marketplace.portal.kits.queries import kits as queries
from marketplace.portal.kits.queries import times
from marketplace.portal.kits.schemas import Chosen, Reason, Sent, Week
from marketplace.portal.kits.service import booking as service
from marketplace.sharing.spaces.schemas import COARSE_MINUTES, coarsened, columns
from marketplace.web.access import current_person, public, residents
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, tell
from marketplace.web.security import Limit, limited

bp = Blueprint("kits", __name__)

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
MOST_LENGTHS = 12
USUAL_MINUTES = 120
NEXT_SHOWN = 5
OFTEN = (Limit("kit booked", 40, timedelta(hours=1), lambda: str(session.get("_user_id"))),)
"""How often someone may try to book one."""


# --- finding ---


@bp.get("/kits/")
@public
def kits() -> Response:
    """The kits of the city, or of one building."""
    asked = request.args.get("building", type=int)
    pages, shown = listed(queries.offered(asked))
    person = current_person()
    runs = queries.run_buildings(person) if person else []
    return page("portal/kits/kits.html", shown=shown, pages=pages, asked=asked, runs=bool(runs))


@bp.get("/kits/<int:kit_id>")
@public
def kit(kit_id: int) -> Response:
    """A kit: what belongs to it, and a week of times at which everything is free."""
    found = _found(kit_id)
    form = Form(Week(), method="GET")
    return form.page("portal/kits/kit.html", **_about(found, form.data))


def _found(kit_id: int) -> Kit:
    found = queries.get_kit(kit_id)
    reveal(policy.may_find, current_person(), found)
    return found


def _about(found: Kit, asked: dict[str, Any]) -> dict[str, Any]:
    """What the page of a kit shows, with the week of times asked for if it can be booked at all."""
    manages = policy.may_manage(current_person(), found)
    about = {"kit": found, "may_manage": manages, "lacks": policy.lacks(found), "available": policy.is_available(found)}
    return about | (_week(found, asked) if policy.is_together(found) and not about["lacks"] else {"days": None})


def _week(found: Kit, asked: dict[str, Any]) -> dict[str, Any]:
    lengths = policy.lengths(found)[:MOST_LENGTHS]
    usual = next((minutes for minutes in lengths if minutes >= USUAL_MINUTES), lengths[-1] if lengths else 0)
    minutes = asked["minutes"] if asked.get("minutes") in lengths else usual
    opens, closes = policy.bookable_days(found)
    first: date = min(max(asked.get("date") or opens, opens), closes)
    last = first + WEEK - DAY
    table = times.free_times(found, first, last, timedelta(minutes=minutes))
    coarse = any(room.raster_minutes < COARSE_MINUTES for room in found.rooms)
    shown = columns(coarsened(table) if coarse else table)
    return {
        "lengths": lengths, "minutes": minutes, "first": first, "last": last, "days": shown,
        "previous": first - WEEK if first > opens else None, "next": last + DAY if last < closes else None,
        "free": any(slot.state == "free" for slots in table.values() for slot in slots),
    }  # fmt: skip


# --- booking ---


@bp.route("/kits/<int:kit_id>/book", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def book(kit_id: int) -> ResponseReturnValue:
    """Check and send: who comes, what for, and the rules."""
    person, found = current_person(), _found(kit_id)
    chosen = Form(Chosen(), method="GET") if request.method == "GET" else None
    if chosen is not None and not chosen.submitted:
        chosen.refuse("start", _("Choose one of the free times.")) if not chosen.errors else None
        return chosen.page("portal/kits/kit.html", **_about(found, {}))
    asked: dict[str, Any] = {name: request.args.get(name) for name in ("start", "minutes")}
    with Form(Sent(), **asked) as form:
        if form.submitted:
            time = _interval(form.data)
            told = {name: form.data[name] for name in ("people", "purpose", "message", "rules_accepted")}
            made = service.book(person, found, time, **told)
            return redirect(url_for(".booking", reference=made.reference, sent=1), 303)
    if form.refusal:
        found = queries.get_kit(kit_id)  # anew: what was undone is forgotten
    data = chosen.data if chosen is not None else form.data
    return form.page(
        "portal/kits/book.html",
        kit=found, time=_interval(data) if "start" in data and "minutes" in data else None,
        barred=policy.barred(person, found, queries.member_of(person, found)), available=policy.is_available(found),
        next=form.refusal.details.get("next") if form.refusal else None, capacity=policy.capacity(found),
    )  # fmt: skip


def _interval(data: dict[str, Any]) -> Interval:
    return Interval(data["start"], data["start"] + timedelta(minutes=data["minutes"]))


# --- what was booked ---


@bp.get("/kits/bookings")
@residents
def bookings() -> Response:
    """The kits that one booked."""
    pages, shown = listed(booking_queries.booked_by(current_person()))
    return page("portal/kits/bookings.html", shown=shown, pages=pages)


@bp.get("/kits/bookings/<reference>")
@residents
def booking(reference: str) -> Response:
    """A kit that was booked: where each part of it stands, and what can be done."""
    found = _seen(reference)
    return page(
        "portal/kits/booking.html",
        found=found, own=policy.is_own(current_person(), found), may_cancel=policy.may_still_cancel(found),
        just_sent="sent" in request.args,
    )  # fmt: skip


@bp.route("/kits/bookings/<reference>/cancel", methods=["GET", "POST"])
@residents
def cancel(reference: str) -> ResponseReturnValue:
    """Give up everything that is not handed over."""
    found = _seen(reference)
    permit(policy.is_own, current_person(), found)
    with Form(Reason()) as form:
        if form.submitted:
            service.cancel(current_person(), found, form.data["reason"])
            tell(_("The whole kit is cancelled. Thank you for making room for others."))
            return redirect(url_for(".booking", reference=found.reference), 303)
    if form.refusal:
        found = _seen(reference)
    return form.page("portal/kits/cancel.html", found=found, may_cancel=policy.may_still_cancel(found))


def _seen(reference: str) -> KitBooking:
    found, person = booking_queries.get_booking(reference), current_person()
    reveal(policy.may_see, person, found)
    if not policy.is_own(person, found):
        looked("kits.booking", {found.person_id: policy.office(person, found.kit.building_id)})
    return found


# --- what other floors ask ---


@hooks.building_contents.register
def kits_of(building: Any) -> tuple[object, list[tuple[str, str]]] | None:
    """The kits that a building offers, for its page."""
    offered = db.session.scalars(queries.offered(building.id)).all()
    links = [(one.title, url_for("kits.kit", kit_id=one.id)) for one in offered]
    return (_l("Kits: rooms and things together"), links) if links else None


@hooks.offered_beside.register
def beside(_what: str) -> tuple[object, str] | None:
    """The way to the kits, beside a search for rooms or libraries, if there are any."""
    return (_l("Rooms and things together: see the kits"), url_for("kits.kits")) if queries.is_any_offered() else None


@hooks.belongs_to.register
def kit_of(subject: str, person: Any) -> tuple[object, str] | None:
    """The booked kit that a booking or a loan belongs to, for those who may see it."""
    found = booking_queries.of_part(subject)
    if found is None or found.ended_at is not None or not policy.may_see(person, found):
        return None
    return found.kit.title, url_for("kits.booking", reference=found.reference)


@hooks.coming_up.register
def coming_up(person: Any) -> tuple[object, list[tuple[str, str]]] | None:
    """The next kits of a person, for the account page."""
    coming = db.session.scalars(booking_queries.coming(person).limit(NEXT_SHOWN)).all()
    links = [(f"{one.when} · {one.kit.title}", url_for("kits.booking", reference=one.reference)) for one in coming]
    return (_l("Kits booked"), links) if links else None
