"""Kits, when they are free, and their bookings, for programs."""

from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, url_for

from marketplace.civic.accounts.errors import NotConfirmed
from marketplace.kernel import calendar, clock, db
from marketplace.kernel.access import reveal
from marketplace.kernel.intervals import Interval
from marketplace.kernel.words import _l
from marketplace.portal.kits import errors, policy
from marketplace.portal.kits.models import Kit, KitBooking
from marketplace.portal.kits.queries import bookings as booking_queries
from marketplace.portal.kits.queries import kits as queries
from marketplace.portal.kits.queries import times
from marketplace.portal.kits.schemas import (
    KitBookingRecord,
    KitBookingRequest,
    KitRecord,
    KitSearch,
    KitTimesQuestions,
    KitTimesRecord,
)
from marketplace.portal.kits.service import booking
from marketplace.web.access import current_person, public, residents
from marketplace.web.api import Created, Page, cut, endpoint
from marketplace.web.looking import looked

bp = Blueprint("kits_api", __name__, url_prefix="/api/v1")

KITS = _l("Kits")


@bp.get("/kits")
@public
@endpoint(
    summary=_l("Kits: rooms and things of a building that are booked together."),
    tag=KITS,
    query=KitSearch,
    answer=KitRecord,
    paged=(str, int),
)
def list_kits(limit: int, after: tuple[str, int] | None, building: int | None = None) -> Page:
    """The kits that are offered."""
    query = queries.offered(building)
    if after is not None:
        name, last = after
        query = query.where(sa.or_(Kit.name > name, sa.and_(Kit.name == name, Kit.id > last)))
    rows = db.session.scalars(query.limit(limit + 1)).all()
    return cut(rows, limit, lambda kit: (kit.name, kit.id))


@bp.get("/kits/<int:kit_id>")
@public
@endpoint(summary=_l("One kit."), tag=KITS, answer=KitRecord)
def get_kit(kit_id: int) -> Kit:
    """A kit."""
    return _kit(kit_id)


@bp.get("/kits/<int:kit_id>/free-times")
@public
@endpoint(
    summary=_l("When everything of a kit is free, day by day."),
    tag=KITS,
    query=KitTimesQuestions,
    answer=KitTimesRecord,
    refuses=(errors.NotAvailable,),
)
def list_kit_times(kit_id: int, days: int, first: date | None = None, minutes: int | None = None) -> dict[str, Any]:
    """The times at which a kit may be booked."""
    kit = _kit(kit_id)
    if not policy.is_available(kit):
        raise errors.NotAvailable
    minutes = minutes or next(iter(policy.lengths(kit)), kit.rooms[0].min_minutes)
    first = first or clock.today()
    possible = policy.takes(kit, minutes)
    table = times.free_times(kit, first, first + timedelta(days=days - 1), timedelta(minutes=minutes))
    return {
        "kit": kit.id,
        "minutes": minutes,
        "days": [
            {
                "date": day,
                "holiday": calendar.is_holiday(day),
                "times": [slot.interval for slot in slots if possible and slot.state == "free"],
            }
            for day, slots in table.items()
        ],
    }


@bp.post("/kit-bookings")
@residents
@endpoint(
    summary=_l("Book a kit: every room and every thing of it, or nothing."),
    tag=KITS,
    body=KitBookingRequest,
    answer=KitBookingRecord,
    status=201,
    refuses=(errors.NotAvailable, errors.PartRefused, errors.PartRefusedUntil, NotConfirmed),
)
def book_kit(kit: int, start: datetime, minutes: int, **details: Any) -> Created:
    """Book in one step."""
    interval = Interval(start, start + timedelta(minutes=minutes))
    made = booking.book(current_person(), _kit(kit), interval, **details)
    return Created(made, url_for(".get_kit_booking", reference=made.reference))


@bp.get("/kit-bookings/<reference>")
@residents
@endpoint(summary=_l("One booking of a kit, with where each part of it stands."), tag=KITS, answer=KitBookingRecord)
def get_kit_booking(reference: str) -> KitBooking:
    """A booking of the person, or in a building that the person manages."""
    found, person = booking_queries.get_booking(reference), current_person()
    reveal(policy.may_see, person, found)
    if not policy.is_own(person, found):
        looked("kits.booking", {found.person_id: policy.office(person, found.kit.building_id)})
    return found


def _kit(kit_id: int) -> Kit:
    kit = queries.get_kit(kit_id)
    reveal(policy.may_find, current_person(), kit)
    return kit
