"""Bookings of kits: one, a person's, and that of which a booking or a loan is a part."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.accounts.models import Person
from marketplace.civic.groups.models import Group
from marketplace.civic.places.models import Building
from marketplace.kernel import clock, db
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l
from marketplace.portal.kits.models import Kit, KitBooking, KitBookingPart
from marketplace.sharing.items.models.lending import Loan, LoanOnBehalf, LoanPiece
from marketplace.sharing.items.queries.listings import everything
from marketplace.sharing.spaces.models import Booking, BookingOnBehalf, Space


def whole(query: sa.Select[KitBooking]) -> sa.Select[KitBooking]:
    """Bookings of kits with their bookings and loans, as their own rules ask for them."""
    part = selectinload(KitBooking.parts)
    room = joinedload(Booking.space).options(
        joinedload(Space.building), selectinload(Space.hours), selectinload(Space.closed_days)
    )
    return query.options(
        joinedload(KitBooking.kit).options(joinedload(Kit.building), selectinload(Kit.managing)),
        joinedload(KitBooking.person),
        part.joinedload(KitBookingPart.booking).options(
            room,
            joinedload(Booking.occupancy),
            joinedload(Booking.on_behalf).joinedload(BookingOnBehalf.group).selectinload(Group.officers),
        ),
        part.joinedload(KitBookingPart.loan).options(
            joinedload(Loan.item).options(*everything()),
            joinedload(Loan.borrower),
            joinedload(Loan.on_behalf).joinedload(LoanOnBehalf.group).selectinload(Group.officers),
            selectinload(Loan.pieces).options(joinedload(LoanPiece.unit), joinedload(LoanPiece.occupancy)),
        ),
    )


def get_booking(reference: str) -> KitBooking:
    """The booking of a kit by its reference. Raises NotFound."""
    found = db.session.scalar(whole(sa.select(KitBooking).where(KitBooking.reference == reference.upper())))
    if found is None:
        raise NotFound
    return found


def by_id(ids: Collection[int]) -> dict[int, KitBooking]:
    """These bookings of kits by id."""
    return {one.id: one for one in db.session.scalars(whole(sa.select(KitBooking).where(KitBooking.id.in_(ids))))}


def booked_by(person: Person) -> sa.Select[KitBooking]:
    """The bookings of kits of a person, the latest first."""
    own = sa.select(KitBooking).where(KitBooking.person_id == person.id)
    return whole(own.order_by(KitBooking.first_day.desc(), KitBooking.id.desc()))


def coming(person: Person) -> sa.Select[KitBooking]:
    """The bookings of kits that a person has ahead, the next first."""
    own = sa.select(KitBooking).where(
        KitBooking.person_id == person.id, KitBooking.last_day >= clock.today(), KitBooking.ended_at.is_(None)
    )
    return whole(own.order_by(KitBooking.first_day, KitBooking.id))


def booked_at(building_ids: sa.Select[int]) -> sa.Select[KitBooking]:
    """The coming bookings of the kits of some buildings, the next first."""
    ahead = sa.select(KitBooking).join(Kit, Kit.id == KitBooking.kit_id).where(KitBooking.last_day >= clock.today())
    return whole(ahead.where(Kit.building_id.in_(building_ids)).order_by(KitBooking.first_day, KitBooking.id))


def of_part(part: str, *, lock: bool = False) -> KitBooking | None:
    """The booking of a kit to which a record belongs, by its subject, such as booking:17; None if it is of no kit.

    lock   nobody else changes whether it is given up until the transaction ends
    """
    kind, _, number = part.partition(":")
    column = KitBookingPart.booking_id if kind == "booking" else KitBookingPart.loan_id
    found = db.session.scalar(whole(sa.select(KitBooking).join(KitBookingPart).where(column == int(number))))
    if found is not None and lock:
        db.session.refresh(found, ["ended_at", "version"], with_for_update=True)
    return found


def hold_still(found: KitBooking) -> None:
    """Have nobody else change a booking of a kit, its bookings or its loans until the transaction ends.

    First the bookings, then the whole, then the loans: whoever gives up a room goes on to the whole in the same order.
    """
    _lock(Booking, [one.id for one in found.bookings])
    _lock(KitBooking, [found.id])
    _lock(Loan, [one.id for one in found.loans])


def _lock(table: Any, ids: list[int]) -> None:
    db.session.execute(sa.select(table.id).where(table.id.in_(ids)).order_by(table.id).with_for_update()).all()


def resources_of(found: KitBooking) -> set[int]:
    """The resources that its bookings and loans hold."""
    rooms = {one.space.resource_id for one in found.bookings}
    return rooms | {piece.unit.resource_id for loan in found.loans for piece in loan.pieces}


# --- what is held about people ---


def own_data(person: Person) -> list[Extract]:
    """The kits that a person booked; their rooms and things are among their bookings and loans."""
    where = (Kit.name.label("kit"), Building.name.label("building"))
    when = (KitBooking.reference, KitBooking.first_day, KitBooking.last_day, KitBooking.created_at, KitBooking.ended_at)
    query = sa.select(*when, *where).join(Kit, Kit.id == KitBooking.kit_id).join(Building)
    own = query.where(KitBooking.person_id == person.id).order_by(KitBooking.id)
    return [extract("kits", _l("Kits you booked"), own)]
