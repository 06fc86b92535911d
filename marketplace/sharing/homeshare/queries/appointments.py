"""Finding appointments."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.kernel import clock, db
from marketplace.kernel.errors import NotFound
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.appointments import Appointment

SHOWN_AHEAD = timedelta(days=14)
FED_BACK = timedelta(days=30)
"""How long a calendar still hears of what is over or was cancelled."""

_WITH_ALL = (
    joinedload(Appointment.application).joinedload(Application.person),
    joinedload(Appointment.coordinator),
)


def get_appointment(appointment_id: int) -> Appointment:
    """An appointment with the application and both people. Raises NotFound."""
    found = db.session.scalar(sa.select(Appointment).where(Appointment.id == appointment_id).options(*_WITH_ALL))
    if found is None:
        raise NotFound
    return found


def coming_of(application: Application) -> list[Appointment]:
    """The appointments of an application that are still to come, the next first."""
    mine = _coming().where(Appointment.application_id == application.id)
    return list(db.session.scalars(mine))


def coming() -> list[Appointment]:
    """All appointments of the next days, the next first."""
    return list(db.session.scalars(_coming().where(Appointment.starts_at < clock.now() + SHOWN_AHEAD)))


def for_calendar(person_id: int) -> list[Appointment]:
    """What stands in a person's calendar, as applicant or as coordinator."""
    theirs = sa.or_(Application.person_id == person_id, Appointment.coordinator_id == person_id)
    lately = Appointment.ends_at > clock.now() - FED_BACK
    found = sa.select(Appointment).join(Appointment.application).where(theirs, lately).options(*_WITH_ALL)
    return list(db.session.scalars(found.order_by(Appointment.starts_at)))


def _coming() -> sa.Select[Appointment]:
    ahead = sa.select(Appointment).where(Appointment.cancelled_at.is_(None), Appointment.ends_at > clock.now())
    return ahead.options(*_WITH_ALL).order_by(Appointment.starts_at, Appointment.id)
