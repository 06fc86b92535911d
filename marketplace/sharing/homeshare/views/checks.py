"""Coordinators make sure: recording checks, visits and what was heard, and appointments."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Role
from marketplace.kernel import clock, hooks, ical
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.appointments import Appointment, AppointmentKind
from marketplace.sharing.homeshare.models.checks import MUST_BE_THERE, CheckKind, Finding
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.models.references import Reference
from marketplace.sharing.homeshare.queries import applications, appointments
from marketplace.sharing.homeshare.queries import checks as queries
from marketplace.sharing.homeshare.queries import references as reference_queries
from marketplace.sharing.homeshare.schemas import checks as schemas
from marketplace.sharing.homeshare.service import appointments as appointing
from marketplace.sharing.homeshare.service import checks as service
from marketplace.sharing.homeshare.service import references
from marketplace.sharing.homeshare.views._application import NOTES, put_down, seen
from marketplace.web.access import current_person, staff
from marketplace.web.forms import Form
from marketplace.web.pages import tell, whole_address

bp = Blueprint("homeshare_checks", __name__)


def _case(reference: str) -> str:
    return url_for("homeshare_desk.case", reference=reference)


@bp.route("/homeshare/staff/applications/<reference>/checks/<kind>", methods=["GET", "POST"])
@staff(Role.COORDINATOR)
def record(reference: str, kind: str) -> ResponseReturnValue:
    """Put down that something was made sure of."""
    found, asked = seen(reference), _kind(kind)
    about = {"second": request.args.get("second", "no")}
    with Form(_form(asked), checked_on=clock.today().isoformat(), **about) as form:
        if form.submitted:
            _keep(found, asked, form.data)
            tell(_("Put down."))
            return redirect(_case(reference), 303)
    found = applications.get_application(reference)
    template = "sharing/homeshare/visit.html" if asked is CheckKind.VISIT else "sharing/homeshare/check.html"
    return form.page(template, application=found, kind=asked, findings=Finding, must=MUST_BE_THERE)


def _kind(name: str) -> CheckKind:
    """A check that is recorded on a page of its own: what people say is heard one by one."""
    found = next((one for one in CheckKind if one.value == name and one is not CheckKind.REFERENCE), None)
    if found is None:
        raise NotFound
    return found


def _form(kind: CheckKind) -> Any:
    return schemas.Visit() if kind is CheckKind.VISIT else schemas.NewCheck()


def _keep(found: Application, kind: CheckKind, said: dict[str, Any]) -> None:
    if kind is CheckKind.VISIT:
        said["found"] = dict.fromkeys(said["found"], True)
        service.visit(current_person(), found, **said)
    else:
        of_second = said.pop("second")
        service.record(current_person(), found, kind, of_second=of_second, **said)


@bp.post("/homeshare/staff/checks/<int:check_id>/take-back")
@staff(Role.COORDINATOR)
def take_back(check_id: int) -> ResponseReturnValue:
    """Have a check count no more."""
    check = queries.get_check(check_id)
    service.take_back(current_person(), check)
    tell(_("It counts no more."))
    return redirect(_case(check.application.reference), 303)


# --- who speaks for them ---


@bp.route("/homeshare/staff/references/<int:reference_id>", methods=["GET", "POST"])
@staff(Role.COORDINATOR)
def hear(reference_id: int) -> ResponseReturnValue:
    """Read what somebody said, or put down what they said on the telephone."""
    one = _reference(reference_id)
    with Form(schemas.Heard(), checked_on=clock.today().isoformat(), way=_way(one)) as form:
        if form.submitted:
            service.hear(current_person(), one, method=form.data.pop("way"), **form.data)
            tell(_("Put down."))
            return redirect(_case(one.application.reference), 303)
    one = reference_queries.get_reference(reference_id)
    return form.page(
        "sharing/homeshare/hear.html",
        application=one.application, one=one, who=reference_queries.reached(one), words=unlock(one, "words"),
    )  # fmt: skip


@bp.post("/homeshare/staff/references/<int:reference_id>/ask")
@staff(Role.COORDINATOR)
def ask(reference_id: int) -> ResponseReturnValue:
    """Send somebody the letter with the link."""
    one = _reference(reference_id)
    references.ask(current_person(), one)
    tell(_("The letter is on its way."))
    return redirect(_case(one.application.reference), 303)


def _reference(reference_id: int) -> Reference:
    one = reference_queries.get_reference(reference_id)
    if policy.owns(current_person(), one.application):
        raise NotFound
    put_down(one.application, NOTES)
    return one


def _way(one: Reference) -> str:
    return "letter" if one.answered_at else "phone"


# --- appointments ---


@bp.route("/homeshare/staff/applications/<reference>/appointments", methods=["GET", "POST"])
@staff(Role.COORDINATOR)
def appoint(reference: str) -> ResponseReturnValue:
    """Agree on when to meet someone."""
    found = seen(reference)
    with Form(schemas.NewAppointment(), minutes=60) as form:
        if form.submitted:
            appointing.make(current_person(), found, **form.data)
            tell(_("Agreed. The applicant is told, and it stands in both calendars."))
            return redirect(_case(reference), 303)
    found = applications.get_application(reference)
    return form.page("sharing/homeshare/appointment.html", application=found, kinds=AppointmentKind)


@bp.post("/homeshare/staff/appointments/<int:appointment_id>/cancel")
@staff(Role.COORDINATOR)
def cancel(appointment_id: int) -> ResponseReturnValue:
    """Call an appointment off."""
    one = appointments.get_appointment(appointment_id)
    appointing.cancel(current_person(), one)
    tell(_("Called off. The applicant is told."))
    return redirect(_case(one.application.reference), 303)


@hooks.calendar_entries.register
def calendar_entries(person: Any) -> list[ical.Entry]:
    """Appointments, for the calendars of both."""
    return [_entry(one, person) for one in appointments.for_calendar(person.id)]


def _entry(one: Appointment, person: Any) -> ical.Entry:
    mine = one.application.person_id == person.id
    page = url_for("homeshare.application" if mine else "homeshare_desk.case", reference=one.application.reference)
    return ical.Entry(
        f"homeshare-{one.id}@maeul",
        1 if one.cancelled_at else 0,
        _("Home share: {what}", what=one.kind.words),
        one.interval,
        one.place,
        whole_address(page),
        ical.Status.CANCELLED if one.cancelled_at else ical.Status.CONFIRMED,
    )
