"""The coordinators' desk: how it stands, who waits, what runs out, and each case."""

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Role
from marketplace.civic.groups.models import CHANNELS
from marketplace.civic.groups.service.behalf import Behalf, for_caller
from marketplace.kernel import db, hooks
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.words import LANGUAGES, _, _l
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models.applications import LIVE, Application, ApplicationState, Side
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.queries import applications, appointments
from marketplace.sharing.homeshare.queries import checks as check_queries
from marketplace.sharing.homeshare.queries import desk as queries
from marketplace.sharing.homeshare.queries import matches as match_queries
from marketplace.sharing.homeshare.queries import references as reference_queries
from marketplace.sharing.homeshare.schemas import applications as schemas
from marketplace.sharing.homeshare.service import applications as service
from marketplace.sharing.homeshare.views._application import NOTES, OFFICE, put_down, seen
from marketplace.web.access import current_person, staff
from marketplace.web.forms import Form
from marketplace.web.pages import listed, page, tell

bp = Blueprint("homeshare_desk", __name__)

SHOWN = 5


@bp.get("/homeshare/staff")
@staff(Role.COORDINATOR)
def desk() -> Response:
    """How many stand where, who waits longest, what runs out, whom one meets, and who looks after how many."""
    return page(
        "sharing/homeshare/desk.html",
        pipeline=queries.pipeline(), matches=match_queries.going_on(), waiting=queries.waiting_longest(),
        running_out=queries.running_out(), answers=queries.answers_to_read(), calendar=appointments.coming(),
        workload=queries.workload(),
    )  # fmt: skip


@bp.get("/homeshare/staff/applications")
@staff(Role.COORDINATOR)
def stage() -> Response:
    """The applications in a state."""
    asked = request.args.get("state", ApplicationState.SENT.value)
    state = next((one for one in LIVE if one.value == asked), None)
    if state is None:
        raise NotFound
    pages, shown = listed(queries.in_stage(state))
    return page("sharing/homeshare/stage.html", state=state, states=LIVE, pages=pages, shown=shown)


@bp.route("/homeshare/staff/new", methods=["GET", "POST"])
@staff(Role.COORDINATOR)
def on_behalf() -> ResponseReturnValue:
    """Begin an application for someone who came or called."""
    with Form(schemas.OnBehalf(), language="ko") as form:
        if form.submitted:
            who = {name: form.data[name] for name in ("name", "email", "phone", "language")}
            person = for_caller(current_person(), OFFICE, **who)
            behalf = Behalf(entered_by=current_person(), channel=form.data["channel"])
            made = service.begin(person, form.data["side"], behalf)
            return redirect(url_for("homeshare.application", reference=made.reference), 303)
    return form.page("sharing/homeshare/on_behalf.html", sides=Side, channels=CHANNELS.items(), languages=LANGUAGES)


# --- a case ---


@bp.get("/homeshare/staff/applications/<reference>")
@staff(Role.COORDINATOR)
def case(reference: str) -> Response:
    """One application as coordinators see it: checks, who speaks for them, appointments."""
    found = seen(reference)
    checks = check_queries.checks_of(found)
    named = applications.references_of(found)
    return page(
        "sharing/homeshare/case.html",
        application=found, own=policy.owns(current_person(), found), checks=checks,
        standings=check_queries.standings(found, checks), phone=unlock(found, "phone"),
        friend=unlock(found, "friend"), address=unlock(found, "address"),
        named=[(one, reference_queries.reached(one)) for one in named], appointments=appointments.coming_of(found),
    )  # fmt: skip


@bp.get("/homeshare/staff/applications/<reference>/notes")
@staff(Role.COORDINATOR)
def notes(reference: str) -> Response:
    """What coordinators wrote down with their checks; each reading is on record."""
    found = applications.get_application(reference)
    if policy.owns(current_person(), found):
        raise NotFound
    put_down(found, NOTES)
    written = [(check, unlock(check, "note")) for check in check_queries.checks_of(found) if check.note]
    return page("sharing/homeshare/notes.html", application=found, notes=written)


@bp.post("/homeshare/staff/applications/<reference>/take")
@staff(Role.COORDINATOR)
def take(reference: str) -> ResponseReturnValue:
    """Look after an application from now on."""
    service.take_over(current_person(), applications.get_application(reference))
    tell(_("You look after it from now on."))
    return redirect(url_for(".case", reference=reference), 303)


# --- what other floors ask ---


@hooks.waits_at_desk.register
def waits_at_desk(person: Any) -> Queue | None:
    """Applications that wait to be checked, for the desk of coordinators."""
    if not policy.may_coordinate(person):
        return None
    query = queries.to_check()
    waiting = [_waiting(one) for one in db.session.scalars(query.limit(SHOWN))]
    return (
        Queue(_l("Home share: to check"), url_for("homeshare_desk.desk"), db.count(query), waiting) if waiting else None
    )


def _waiting(one: Application) -> Waiting:
    title = f"{one.person.name}: {_('offers a room') if one.is_host else _('looks for a room')}"
    return Waiting(title, url_for("homeshare_desk.case", reference=one.reference), harm=1)
