"""Rooms for residents: search, a room and its free times, booking, my bookings."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Role
from marketplace.civic.groups.models import CHANNELS, Channel
from marketplace.civic.groups.queries import acting_for
from marketplace.civic.groups.service.behalf import Behalf, for_caller, for_group
from marketplace.civic.places import queries as places
from marketplace.kernel import clock, db, hooks, ical, words
from marketplace.kernel.access import permit, reveal
from marketplace.kernel.geo import Point
from marketplace.kernel.intervals import Interval
from marketplace.kernel.things import subject
from marketplace.kernel.words import _, _l
from marketplace.kernel.writing import show_date, show_interval
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.errors import HoldRanOut
from marketplace.sharing.spaces.models import Booking, BookingState, Feature, Kind, Space
from marketplace.sharing.spaces.queries import bookings as booking_queries
from marketplace.sharing.spaces.queries import rooms, times
from marketplace.sharing.spaces.queries.search import Found, Wanted, When, find
from marketplace.sharing.spaces.schemas import (
    COARSE_MINUTES,
    LENGTHS,
    Confirmation,
    CounterBooking,
    HoldRequest,
    Move,
    SentDetails,
    SpaceSearch,
    Week,
    calendar_entry,
    coarsened,
    columns,
)
from marketplace.sharing.spaces.service import bookings
from marketplace.web import downloads, maps
from marketplace.web.access import current_person, public, residents, staff
from marketplace.web.forms import Form
from marketplace.web.linked import linked, opening_hours, part, quantity, where
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, paging, tell, whole_address

bp = Blueprint("spaces", __name__)

WEEK = 7
OTHERS_SHOWN = 6
MOST_LENGTHS = 12


# --- search ---


@bp.get("/spaces/")
@public
def search() -> Response:
    """Rooms free when they are needed; the others with their next free time."""
    form = Form(SpaceSearch(), method="GET")
    when: When | None = form.data.get("when")
    near = _near(form)
    found = Found() if form.errors else find(_wanted(form.data, near), when)
    shown_others = request.args.get("show") == "others"
    listed = found.others if shown_others else [space_id for space_id, _time in found.free]
    pages = paging(len(listed))
    shown = rooms.spaces(list(pages.cut(listed)))
    others = [] if shown_others else rooms.spaces(found.others[:OTHERS_SHOWN])
    waiting = shown if shown_others or when is None else others
    next_free = times.next_free(waiting, when.length if when else timedelta(hours=1), _from(when)) if waiting else {}
    return form.page(
        "sharing/spaces/search.html",
        found=found, when=when, pages=pages, shown=shown, others=others, shown_others=shown_others,
        times=dict(found.free), next_free=next_free, picture=_picture(shown, pages.offset),
        beside=hooks.offered_beside.ask("rooms"),
        districts=places.districts(), kinds=Kind, features=Feature, lengths=LENGTHS, first_day=clock.today(),
    )  # fmt: skip


def _wanted(data: dict[str, Any], near: Point | None) -> Wanted:
    return Wanted(
        words=data.get("q", ""), people=data.get("people"), features=tuple(data.get("needs", ())),
        access=tuple(data.get("access", ())), kind=data.get("kind"), district_id=data.get("district"),
        building_id=data.get("building"), free_of_charge=data.get("free", False), near=near,
    )  # fmt: skip


def _near(form: Form) -> Point | None:
    """The point to measure from: that of the building named, or where the device is."""
    named = form.data.get("near", "")
    if not named:
        return Point(form.data["latitude"], form.data["longitude"]) if "latitude" in form.data else None
    found = [building for building in places.buildings(words=named, limit=10) if building.point]
    if not found:
        form.refuse("near", _("No public building of that name is known. Try another, or leave it empty."))
        return None
    return found[0].point


def _from(when: When | None) -> Any:
    return clock.at(when.day, when.from_minute) if when else clock.now()


def _picture(shown: Sequence[Space], offset: int) -> maps.Picture | None:
    outlines = places.district_outlines()
    pins = [
        (number, space.title, f"#room-{space.id}", space.building.point.longitude, space.building.point.latitude)
        for number, space in enumerate(shown, offset + 1)
        if space.building.point
    ]
    return maps.draw(outlines, pins) if outlines or pins else None


# --- a room ---


@bp.get("/spaces/<int:space_id>")
@public
def space(space_id: int) -> Response:
    """A room: facts, rules, and a week of free times to choose from."""
    room = rooms.get_space(space_id)
    reveal(policy.may_find, current_person(), room)
    form = Form(Week(), method="GET")
    return _room_page(room, form, form.data)


@bp.post("/spaces/<int:space_id>/hold")
@residents
def hold(space_id: int) -> ResponseReturnValue:
    """Keep the chosen time for ten minutes and go on to fill in the booking."""
    room = rooms.get_space(space_id)
    reveal(policy.may_find, current_person(), room)
    with Form(HoldRequest()) as form:
        if form.submitted:
            chosen = _interval(form.data)
            booking = bookings.hold(current_person(), room, chosen)
            people = form.data.get("people")
            return redirect(url_for(".details", reference=booking.reference, people=people), 303)
    return _room_page(room, form, form.data)


def _interval(data: dict[str, Any]) -> Interval:
    return Interval(data["start"], data["start"] + timedelta(minutes=data["minutes"]))


def _room_page(room: Space, form: Form, data: dict[str, Any]) -> Response:
    chosen = _interval(data) if "start" in data and "minutes" in data else None
    return form.page(
        "sharing/spaces/space.html",
        space=room, **_week(room, data, chosen), people=data.get("people"),
        alternatives=times.alternatives(room, chosen, data.get("people")) if chosen and form.refusal else None,
        closures=booking_queries.closures_of(room),
        may_manage=policy.may_manage(current_person(), room),
        picture=_picture([room], 0), linked=_linked(room) if room.open and not room.hidden_at else None,
    )  # fmt: skip


def _linked(room: Space) -> dict[str, Any]:
    """The room, in its public building."""
    return linked(
        "MeetingRoom" if room.kind is Kind.MEETING else "Room",
        name=room.title,
        description=room.about,
        url=whole_address(url_for(".space", space_id=room.id)),
        maximumAttendeeCapacity=room.capacity,
        floorSize=quantity(room.area_m2, "MTK") if room.area_m2 else None,
        amenityFeature=[part("LocationFeatureSpecification", name=name, value=True) for name in room.equipment],
        isAccessibleForFree=None if room.base_fee is None else room.base_fee == 0,
        openingHoursSpecification=opening_hours(room.hours),
        telephone=room.building.phone,
        containedInPlace=part(
            "CivicStructure",
            name=room.building.title,
            url=whole_address(url_for("places.building", building_id=room.building_id)),
            **where(room.building.address, room.building.point),
        ),
    )


def _week(
    room: Space, asked: dict[str, Any], chosen: Interval | None = None, moving: Booking | None = None
) -> dict[str, Any]:
    """A week of a room's times to choose from, with the time that is chosen or the booking that is moved."""
    lengths, usual = _lengths(room, asked.get("minutes")), None
    if moving is not None:
        lengths, usual, chosen = sorted({*lengths, moving.minutes}), moving.minutes, moving.interval
    minutes = _chosen_length(asked, lengths, usual or _usual(room, lengths))
    first = _first_day(room, asked.get("date") or (clock.local(chosen.starts_at).date() if chosen else None))
    last = first + timedelta(days=WEEK - 1)
    from_day, to_day = policy.bookable_days(room)
    table = times.free_times(
        room, first, last, timedelta(minutes=minutes), instead_of=moving.occupancy if moving else None
    )
    coarse = room.raster_minutes < COARSE_MINUTES and request.args.get("times") != "all"
    return {
        "lengths": lengths, "minutes": minutes, "first": first, "last": last,
        "days": columns(coarsened(table, chosen) if coarse else table),
        "step": room.raster_minutes if coarse else None,
        "previous": first - timedelta(days=WEEK) if first > from_day else None,
        "next": last + timedelta(days=1) if last < to_day else None,
        "chosen": chosen.starts_at.isoformat() if chosen else None,
    }  # fmt: skip


def _lengths(room: Space, asked: int | None = None) -> list[int]:
    """Lengths to choose from: the shorter ones, and what was asked for if the room allows it."""
    usual = room.lengths[:MOST_LENGTHS] or [room.min_minutes]
    return sorted({*usual, asked}) if asked and room.min_minutes <= asked <= room.max_minutes else usual


def _chosen_length(data: dict[str, Any], lengths: Sequence[int], usual: int) -> int:
    return next((minutes for minutes in lengths if minutes == data.get("minutes")), usual)


def _usual(room: Space, lengths: Sequence[int]) -> int:
    return next((minutes for minutes in lengths if minutes >= room.base_minutes), lengths[0])


def _first_day(room: Space, wanted: date | None) -> date:
    first, last = policy.bookable_days(room)
    return min(max(wanted or first, first), last)


# --- booking ---


@bp.route("/spaces/bookings/<reference>/details", methods=["GET", "POST"])
@residents
def details(reference: str) -> ResponseReturnValue:
    """Purpose, people and rules, while the time is held."""
    booking = _own(reference)
    if booking.state is not BookingState.HELD:
        return redirect(url_for(".booking", reference=booking.reference), 303)
    with Form(SentDetails(), people=request.args.get("people"), group=0) as form:
        if form.submitted:
            behalf = for_group(current_person(), form.data.pop("group"))
            bookings.send(current_person(), booking, **form.data, behalf=behalf)
            return redirect(url_for(".booking", reference=booking.reference, sent=1), 303)
    room = rooms.get_space(booking.space_id)
    lost = isinstance(form.refusal, HoldRanOut)
    other = times.alternatives(room, booking.interval, form.data.get("people")) if lost else None
    if form.refusal:
        booking = _own(reference)  # anew: what was undone is forgotten
    return form.page(
        "sharing/spaces/details.html",
        booking=booking, space=room, alternatives=other, groups=acting_for(current_person()),
    )  # fmt: skip


@bp.post("/spaces/bookings/<reference>/leave")
@residents
def leave(reference: str) -> ResponseReturnValue:
    """Let a held time go."""
    booking = _own(reference)
    bookings.leave(current_person(), booking)
    tell(_("The time is free again for others."))
    return redirect(url_for(".space", space_id=booking.space_id), 303)


@bp.get("/spaces/bookings")
@residents
def my_bookings() -> Response:
    """Upcoming and past bookings of the person."""
    upcoming = request.args.get("show") != "past"
    pages, shown = listed(booking_queries.bookings_of(current_person(), upcoming=upcoming))
    return page("sharing/spaces/bookings.html", shown=shown, pages=pages, upcoming=upcoming)


@bp.get("/spaces/bookings/<reference>")
@residents
def booking(reference: str) -> Response:
    """A booking: where it stands, what happens next, what can be done."""
    found = _seen(reference)
    person = current_person()
    return page(
        "sharing/spaces/booking.html",
        booking=found, space=found.space, steps=_steps(found), just_sent="sent" in request.args,
        own=policy.is_own(person, found), may_change=policy.may_change(person, found),
        may_answer=policy.may_answer(person, found), may_talk=policy.may_talk(person, found),
        may_cancel=policy.may_still_cancel(found), cancel_until=policy.cancel_until(found), wholes=_wholes(found),
    )  # fmt: skip


@bp.get("/spaces/bookings/<reference>/booking.ics")
@residents
def ics(reference: str) -> Response:
    """The booking for a calendar."""
    found = _seen(reference)
    link = whole_address(url_for(".booking", reference=found.reference))
    return downloads.calendar(ical.calendar([calendar_entry(found, link)]), f"{found.reference}.ics")


@bp.route("/spaces/bookings/<reference>/change", methods=["GET", "POST"])
@residents
def change(reference: str) -> ResponseReturnValue:
    """Move a booking to another time."""
    found = _own(reference)
    room = rooms.get_space(found.space_id)
    with Form(Move(), version=found.version) as form:
        if form.submitted:
            version = form.data.pop("version")
            bookings.move(current_person(), found, _interval(form.data), version=version)
            tell(_("Your booking has been moved."))
            return redirect(url_for(".booking", reference=found.reference), 303)
    return form.page(
        "sharing/spaces/change.html",
        booking=found, space=room, **_week(room, Form(Week(), method="GET").data, moving=found),
        may_cancel=policy.may_still_cancel(found), cancel_until=policy.cancel_until(found),
    )  # fmt: skip


@bp.route("/spaces/bookings/<reference>/cancel", methods=["GET", "POST"])
@residents
def cancel(reference: str) -> ResponseReturnValue:
    """Give a booking back, after reading the rules."""
    found = _own(reference)
    with Form(Confirmation()) as form:
        if form.submitted:
            bookings.cancel(current_person(), found)
            tell(_("Your booking is cancelled. Thank you for making room for others."))
            return redirect(url_for(".booking", reference=found.reference), 303)
    return form.page(
        "sharing/spaces/cancel.html",
        booking=found, space=found.space, may_cancel=policy.may_still_cancel(found),
        cancel_until=policy.cancel_until(found), wholes=_wholes(found),
    )  # fmt: skip


@bp.route("/spaces/<int:space_id>/counter", methods=["GET", "POST"])
@staff(Role.MANAGER, Role.ADMINISTRATOR)
def counter(space_id: int) -> ResponseReturnValue:
    """Book the room for someone who came to the building or called it."""
    room, person = rooms.get_space(space_id), current_person()
    reveal(policy.may_manage, person, room)
    with Form(CounterBooking(), language=words.language.get(), channel=Channel.COUNTER.value) as form:
        if form.submitted:
            told = {name: form.data[name] for name in ("people", "purpose", "rules_accepted")}
            who = {name: form.data[name] for name in ("name", "email", "phone", "language")}
            caller = for_caller(person, policy.office(person, room), **who)
            behalf = Behalf(entered_by=person, channel=form.data["channel"])
            made = bookings.book(caller, room, _interval(form.data), **told, behalf=behalf)
            tell(_("Booked. Tell the person the reference: {reference}", reference=made.reference))
            return redirect(url_for(".booking", reference=made.reference), 303)
    chosen = _interval(form.data) if "start" in form.data and "minutes" in form.data else None
    week = _week(room, Form(Week(), method="GET").data, chosen)
    return form.page("sharing/spaces/counter.html", space=room, channels=list(CHANNELS.items()), **week)


def _wholes(found: Booking) -> list[tuple[object, str]]:
    """What it is a part of and is given up with."""
    return hooks.belongs_to.ask(subject("booking", found.id), current_person())


def _seen(reference: str) -> Booking:
    found = booking_queries.get_booking(reference)
    reveal(policy.may_see, current_person(), found)
    looked("spaces.booking", policy.offices(current_person(), found))
    return found


def _own(reference: str) -> Booking:
    found = _seen(reference)
    permit(policy.may_change, current_person(), found)
    return found


def _steps(found: Booking) -> list[dict[str, Any]]:
    """What has happened to a booking and what comes next."""
    over = found.ends_at <= clock.now()
    steps: list[dict[str, Any]] = [
        {"title": _("Sent"), "at": show_date(clock.local(found.created_at).date()), "text": None, "state": "done"}
    ]
    if found.state is BookingState.REQUESTED:
        due = show_date(clock.local(found.due_at).date()) if found.due_at else None
        steps.append(
            {"title": _("The building answers"), "at": _("by {date}", date=due), "text": None, "state": "current"}
        )
    if found.state in (BookingState.DECLINED, BookingState.CANCELLED, BookingState.LAPSED):
        title = {"declined": _("Declined"), "cancelled": _("Cancelled"), "lapsed": _("Lapsed")}[found.state.value]
        return [*steps, {"title": title, "at": None, "text": found.reason or None, "state": "stopped"}]
    if found.state is BookingState.CONFIRMED:
        steps.append({"title": _("Confirmed"), "at": None, "text": None, "state": "done"})
    here = "done" if over else "current" if found.state is BookingState.CONFIRMED else "todo"
    return [
        *steps,
        {"title": _("Your time in the room"), "at": show_interval(found.interval), "text": None, "state": here},
    ]


# --- what other floors ask ---


@hooks.building_contents.register
def rooms_of(building: Any) -> tuple[object, list[tuple[str, str]]] | None:
    """The rooms that a building offers, for its page."""
    offered = rooms.spaces_of(building)
    if not offered:
        return None
    links = [(f"{room.title} · {room.kind.words}", url_for("spaces.space", space_id=room.id)) for room in offered]
    return _l("Rooms to book"), links


@hooks.coming_up.register
def coming_up(person: Any) -> tuple[object, list[tuple[str, str]]] | None:
    """The next bookings of a person, for the account page."""
    upcoming = db.session.scalars(booking_queries.bookings_of(person, upcoming=True).limit(5)).all()
    if not upcoming:
        return None
    return _l("Rooms booked"), [
        (f"{show_interval(found.interval)} · {found.space.title}", url_for("spaces.booking", reference=found.reference))
        for found in upcoming
    ]
