"""Bookings and closures: one, a person's, a building's."""

from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.civic.groups.models import Group
from marketplace.civic.groups.queries import officer_group_ids
from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.errors import NotFound
from marketplace.kernel.intervals import Interval
from marketplace.sharing.spaces.models import AGREED, LIVE, Booking, BookingOnBehalf, BookingState, Closure, Space

IN_CALENDAR = timedelta(days=30)
"""How long after its time a booking stays in the calendar feed: one given up is seen as cancelled at least as long."""


def _named(query: sa.Select[Booking]) -> sa.Select[Booking]:
    """With all that is said of a booking: which room, and whose it is."""
    return query.options(
        joinedload(Booking.space).joinedload(Space.building),
        joinedload(Booking.person),
        joinedload(Booking.on_behalf).joinedload(BookingOnBehalf.group).selectinload(Group.officers),
    )


def _booking(query: sa.Select[Booking]) -> sa.Select[Booking]:
    """With that and the rules of the room, so that it may be changed."""
    return _named(query).options(
        joinedload(Booking.space).selectinload(Space.hours),
        joinedload(Booking.space).selectinload(Space.closed_days),
        joinedload(Booking.occupancy),
    )


def get_booking(reference: str) -> Booking:
    """A booking by its reference. Raises NotFound."""
    booking = db.session.scalar(_booking(sa.select(Booking).where(Booking.reference == reference.upper())))
    if booking is None:
        raise NotFound
    return booking


def bookings_by_id(booking_ids: Collection[int]) -> dict[int, Booking]:
    """Bookings by their ids, to be told of, with those who run their buildings; those that are gone are left out."""
    query = _named(sa.select(Booking).where(Booking.id.in_(booking_ids)))
    found = db.session.scalars(query.options(joinedload(Booking.space).selectinload(Space.managing)))
    return {booking.id: booking for booking in found}


def for_calendar(person: Person) -> list[Booking]:
    """What stands in a person's calendar: what was sent and is not long over, also where nothing came of it."""
    sent = sa.and_(Booking.state != BookingState.HELD, Booking.people.is_not(None))
    query = _booking(sa.select(Booking).where(Booking.person_id == person.id, sent))
    return list(db.session.scalars(query.where(Booking.ends_at > clock.now() - IN_CALENDAR).order_by(Booking.id)))


def bookings_of(person: Person, *, upcoming: bool) -> sa.Select[Booking]:
    """The bookings of a person and of groups the person acts for: to come, soonest first, or over, latest first."""
    ahead = sa.and_(Booking.ends_at > clock.now(), Booking.state.in_(LIVE), Booking.occupancy_id.is_not(None))
    sent = sa.or_(Booking.state != BookingState.LAPSED, Booking.people.is_not(None))
    for_groups = sa.select(BookingOnBehalf.booking_id).where(BookingOnBehalf.group_id.in_(officer_group_ids(person)))
    query = _booking(sa.select(Booking).where(sa.or_(Booking.person_id == person.id, Booking.id.in_(for_groups))))
    if upcoming:
        not_run_out = sa.or_(Booking.held_until.is_(None), Booking.held_until > clock.now())
        return query.where(ahead, not_run_out).order_by(Booking.starts_at, Booking.id)
    past = sa.and_(sa.not_(ahead), sent, Booking.state != BookingState.HELD)
    return query.where(past).order_by(Booking.starts_at.desc(), Booking.id.desc())


def count_holds(person: Person) -> int:
    """How many bookings a person is filling in."""
    query = sa.select(sa.func.count(Booking.id)).where(
        Booking.person_id == person.id, Booking.state == BookingState.HELD, Booking.held_until > clock.now()
    )
    return db.session.scalar(query) or 0


def count_made(person: Person) -> int:
    """How many times a person has held a room, whatever became of it."""
    return db.session.scalar(sa.select(sa.func.count(Booking.id)).where(Booking.person_id == person.id)) or 0


def count_coming(person: Person) -> int:
    """How many bookings a person has sent that are not over."""
    query = sa.select(sa.func.count(Booking.id)).where(
        Booking.person_id == person.id, Booking.state.in_(AGREED), Booking.ends_at > clock.now()
    )
    return db.session.scalar(query) or 0


def bookings_in_the_way(space: Space, interval: Interval) -> list[Booking]:
    """Agreed bookings, not yet over, of the room or one that holds it or is part of it, that a closure would hit."""
    held = [claim.id for claim in occupancy.holding([space.resource_id], interval)]
    query = _booking(sa.select(Booking).where(Booking.occupancy_id.in_(held), Booking.state.in_(AGREED)))
    ahead = query.where(Booking.ends_at > clock.now()).order_by(Booking.starts_at, Booking.id)
    return list(db.session.scalars(ahead))


def managers_of(space: Space) -> sa.Select[int]:
    """The ids of those who run the building of a room."""
    return sa.select(RoleGrant.person_id).where(
        RoleGrant.role == Role.MANAGER, RoleGrant.building_id == space.building_id
    )


def overdue_requests() -> sa.Select[Booking]:
    """Requests whose time has come without an answer."""
    return _booking(sa.select(Booking).where(Booking.state == BookingState.REQUESTED, Booking.starts_at <= clock.now()))


def bookings_at(building_ids: sa.Select[int], *, requests: bool) -> sa.Select[Booking]:
    """Coming bookings of buildings: requests by the date an answer is due, or all agreed ones by their time."""
    query = _booking(
        sa.select(Booking)
        .join(Space, Space.id == Booking.space_id)
        .where(Space.building_id.in_(building_ids), Booking.ends_at > clock.now())
    )
    if requests:
        return query.where(Booking.state == BookingState.REQUESTED).order_by(Booking.due_at, Booking.id)
    return query.where(Booking.state.in_(AGREED)).order_by(Booking.starts_at, Booking.id)


def closures_of(space: Space) -> list[Closure]:
    """A room's closures that are not over yet."""
    query = sa.select(Closure).where(Closure.space_id == space.id, Closure.ends_at > clock.now())
    return list(db.session.scalars(query.order_by(Closure.starts_at)))


def get_closure(closure_id: int) -> Closure:
    """A closure with its room. Raises NotFound."""
    query = sa.select(Closure).where(Closure.id == closure_id)
    closure = db.session.scalar(query.options(joinedload(Closure.space), joinedload(Closure.occupancy)))
    if closure is None:
        raise NotFound
    return closure
