"""Forgetting: what residents wrote, once it is long over or they leave."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db, jobs
from marketplace.kernel.occupancy import Occupancy
from marketplace.sharing.spaces.models import AGREED, Booking, Closure
from marketplace.sharing.spaces.queries.bookings import bookings_of
from marketplace.sharing.spaces.service import bookings

WORDS_KEPT = timedelta(days=365)
"""How long after a booking its purpose and the building's reason may still be asked about."""

ROWS_KEPT = timedelta(days=5 * 365)
"""How long after it a booking is kept: as long as the city has to keep what it charged for."""

AT_ONCE = 1000


def give_back(person: Person) -> None:
    """Give back every room a person has ahead, because they leave: whatever the deadline, others can use it.

    What others booked for a group that the person looks after stays the group's.
    """
    own = bookings_of(person, upcoming=True).where(Booking.person_id == person.id)
    for booking in db.session.scalars(own).all():
        if booking.state in AGREED:
            bookings.withdraw(person, booking)
        else:
            bookings.leave(person, booking)


def erase(person: Person) -> None:
    """Take out of a person's bookings what was written in them, and write no more letters about them."""
    give_back(person)
    db.session.flush()
    own = Booking.person_id == person.id
    jobs.forget(booking_id=sa.select(Booking.id).where(own), manager_id=[person.id])
    db.session.execute(sa.update(Booking).where(own).values(purpose="", reason=""))


def thin() -> None:
    """Empty the words of bookings over for a year, and delete those over for five, some at a time."""
    now = clock.now()
    worded = sa.or_(Booking.purpose != "", Booking.reason != "")
    old = sa.select(Booking.id).where(Booking.ends_at <= now - WORDS_KEPT, worded).order_by(Booking.id).limit(AT_ONCE)
    db.session.execute(sa.update(Booking).where(Booking.id.in_(old)).values(purpose="", reason=""))
    for table in (Booking, Closure):
        ended = sa.select(table.id).where(table.ends_at <= now - ROWS_KEPT).order_by(table.id).limit(AT_ONCE)
        _delete(table, list(db.session.scalars(ended)))


def _delete(table: type[Booking] | type[Closure], ids: list[int]) -> None:
    gone = table.id.in_(ids)
    held = [one for one in db.session.scalars(sa.select(table.occupancy_id).where(gone)) if one is not None]
    db.session.execute(sa.delete(table).where(gone))
    db.session.execute(sa.delete(Occupancy).where(Occupancy.id.in_(held)))
