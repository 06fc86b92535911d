"""Forgetting who booked kits, once it is long over."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.kernel import clock, db
from marketplace.portal.kits.models import KitBooking

ROWS_KEPT = timedelta(days=5 * 365)
"""As long as the bookings and loans that belong to it."""

AT_ONCE = 500


def thin() -> None:
    """Delete what is over for five years, some at a time."""
    old = sa.select(KitBooking.id).where(KitBooking.last_day <= clock.today() - ROWS_KEPT).order_by(KitBooking.id)
    gone = list(db.session.scalars(old.limit(AT_ONCE)))
    db.session.execute(sa.delete(KitBooking).where(KitBooking.id.in_(gone)))
