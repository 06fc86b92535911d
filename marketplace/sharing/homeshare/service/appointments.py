"""Appointments of coordinators with applicants."""

from datetime import datetime

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.intervals import Interval
from marketplace.sharing.homeshare import errors
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState
from marketplace.sharing.homeshare.models.appointments import ONE_AT_A_TIME, Appointment, AppointmentKind
from marketplace.sharing.homeshare.queries import applications as queries
from marketplace.sharing.homeshare.service.checks import expect_looks_after
from marketplace.sharing.homeshare.service.telling import record, tell, touch


def make(
    coordinator: Person,
    application: Application,
    kind: AppointmentKind,
    starts_at: datetime,
    ends_at: datetime,
    place: str = "",
) -> Appointment:
    """Agree on when to meet; the applicant is told. Raises BusyThen, NoTimeLeft, OwnCase or NoLongerPossible."""
    expect_looks_after(coordinator, application)
    application = queries.held(application)
    if application.state in (ApplicationState.DRAFT, ApplicationState.CLOSED):
        raise errors.NoLongerPossible(state=application.state.words)
    if starts_at <= clock.now() or ends_at <= starts_at:
        raise errors.NoTimeLeft(field="starts")
    made = Appointment(
        application_id=application.id, coordinator_id=coordinator.id, kind=kind, starts_at=starts_at, ends_at=ends_at,
        place=place.strip(),
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except sa.exc.IntegrityError as clash:
        if not db.violates(clash, ONE_AT_A_TIME):
            raise
        raise errors.BusyThen(when=Interval(starts_at, ends_at), field="starts") from clash
    touch(application)
    tell(application, "appointment", kind=kind.value, starts_at=starts_at.isoformat(), place=made.place)
    record(coordinator, application, "appointment", kind=kind.value)
    return made


def cancel(coordinator: Person, appointment: Appointment) -> None:
    """Call an appointment off; the applicant is told, once."""
    expect_looks_after(coordinator, appointment.application)
    if appointment.cancelled_at is None:
        appointment.cancelled_at = clock.now()
        starts_at = appointment.starts_at.isoformat()
        tell(appointment.application, "appointment_off", kind=appointment.kind.value, starts_at=starts_at)
        record(coordinator, appointment.application, "appointment_off", kind=appointment.kind.value)
