"""Applying for home share: what it is, the task list, one question a page, sending, pausing and ending."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.places.queries import point_of
from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel import hooks
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.words import _, _l
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models import questions
from marketplace.sharing.homeshare.models.applications import OWN_REASONS, Application, ApplicationState, Closed, Side
from marketplace.sharing.homeshare.models.checks import REFERENCES, needed
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.questions import Kind, Page
from marketplace.sharing.homeshare.queries import applications as queries
from marketplace.sharing.homeshare.queries import appointments as appointment_queries
from marketplace.sharing.homeshare.queries import checks as check_queries
from marketplace.sharing.homeshare.queries import matches as match_queries
from marketplace.sharing.homeshare.queries import runs as run_queries
from marketplace.sharing.homeshare.schemas import applications as schemas
from marketplace.sharing.homeshare.service import applications as service
from marketplace.sharing.homeshare.service.telling import subject
from marketplace.sharing.homeshare.views._application import acting, seen
from marketplace.web.access import current_person, public, residents
from marketplace.web.forms import Form
from marketplace.web.pages import page, tell
from marketplace.web.security import Limit, limited, takes_files, visitor

bp = Blueprint("homeshare", __name__)

OFTEN = (Limit("application for home share", 200, timedelta(hours=1), visitor),)


# --- what it is ---


@bp.get("/homeshare")
@public
def start() -> Response:
    """What home share is, for both sides, and on which terms."""
    person = current_person()
    mine = queries.live_of(person.id) if person else []
    return page("sharing/homeshare/start.html", programme=programme(), mine=mine)


@bp.route("/homeshare/apply/<side>", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def apply(side: str) -> ResponseReturnValue:
    """What one needs at hand, and the button that begins."""
    chosen, person = _side(side), current_person()
    if known := queries.live_of(person.id, chosen):
        return redirect(url_for(".application", reference=known[0].reference), 303)
    with Form(schemas.Nothing()) as form:
        if form.submitted:
            made = service.begin(person, chosen)
            return redirect(url_for(".application", reference=made.reference), 303)
    return form.page(
        "sharing/homeshare/apply.html", side=chosen, programme=programme(), needed=needed(chosen), references=REFERENCES
    )


def _side(name: str) -> Side:
    if name not in (one.value for one in Side):
        raise NotFound
    return Side(name)


# --- the task list ---


@bp.get("/homeshare/applications/<reference>")
@residents
def application(reference: str) -> Response:
    """Where an application stands, what comes next, and its parts."""
    found = seen(reference)
    checks = check_queries.checks_of(found)
    return page(
        "sharing/homeshare/application.html",
        **acting(found),
        sections=queries.sections(found),
        references=queries.references_of(found),
        suffice=queries.references_suffice(found, queries.references_of(found)),
        standings=check_queries.standings(found, checks),
        appointments=appointment_queries.coming_of(found),
        pictures=of_subjects([subject(found)])[subject(found)],
        reasons=_reasons(found),
        waits=found.state is ApplicationState.OPEN and not run_queries.is_kept(found),
        matches=[match for match in match_queries.of_application(found.id) if match.ended_at is None],
    )


def _reasons(found: Application) -> list[Closed]:
    through = policy.may_speak_through(current_person(), found)
    return [*OWN_REASONS, *([Closed.NOT_ADMITTED] if through else [])]


@bp.route("/homeshare/applications/<reference>/questions/<name>", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def question(reference: str, name: str) -> ResponseReturnValue:
    """Answer one question, or a few that belong together; it is saved at once."""
    found = seen(reference)
    asked = questions.page(found.side, name)
    if asked is None or found.state is ApplicationState.CLOSED:
        raise NotFound
    of_place = asked.questions[0].kind is Kind.PLACE
    known = {"address": unlock(found, "address")} if of_place else schemas.as_typed(asked, queries.answers_of(found))
    with Form(schemas.Place() if of_place else schemas.of_page(asked), **known) as form:
        if form.submitted:
            again = _keep(found, asked, form.data) if not of_place else _keep_place(found, asked, form.data)
            if again:
                tell(_("Saved. What was checked before has to be checked again; the coordinators know."))
            return redirect(_onward(found, asked), 303)
    found = queries.get_application(reference)
    return form.page(
        "sharing/homeshare/question.html",
        **acting(found), asked=asked, of_place=of_place, campuses=queries.campuses() if _of_campus(asked) else [],
    )  # fmt: skip


def _of_campus(asked: Page) -> bool:
    return any(one.kind is Kind.CAMPUS for one in asked.questions)


def _keep(found: Application, asked: Page, given: dict[str, Any]) -> bool:
    return service.answer(current_person(), found, asked, given)


def _keep_place(found: Application, asked: Page, given: dict[str, Any]) -> bool:
    point = point_of(given["near"], given["latitude"], given["longitude"])
    return service.place(current_person(), found, asked, point, given["address"])


def _onward(found: Application, asked: Page) -> str:
    """To the next question that is open; to the task list once all are answered, or after a change."""
    found = queries.get_application(found.reference)
    following = queries.next_page(found, asked) if found.state is ApplicationState.DRAFT else None
    if following is not None and following.section == asked.section:
        return url_for(".question", reference=found.reference, name=following.name)
    return url_for(".application", reference=found.reference)


@bp.route("/homeshare/applications/<reference>/pictures", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
@takes_files
def pictures(reference: str) -> ResponseReturnValue:
    """Add pictures of the room, or take some off."""
    found = seen(reference)
    if not found.is_host:
        raise NotFound
    with Form(schemas.Pictures()) as form:
        if form.submitted:
            service.pictures(current_person(), found, form.data["pictures"], form.data["drop"])
            return redirect(url_for(".application", reference=reference), 303)
    found = queries.get_application(reference)
    kept = of_subjects([subject(found)])[subject(found)]
    return form.page("sharing/homeshare/pictures.html", **acting(found), kept=kept)


# --- sending, pausing, ending ---


@bp.route("/homeshare/applications/<reference>/send", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def send(reference: str) -> ResponseReturnValue:
    """Check all answers, and send them."""
    found = seen(reference)
    if found.state is ApplicationState.CLOSED:
        raise NotFound
    with Form(schemas.Nothing()) as form:
        if form.submitted:
            service.send(current_person(), found)
            tell(_("Sent. A coordinator reads it and gets in touch."))
            return redirect(url_for(".application", reference=reference), 303)
    found = queries.get_application(reference)
    return form.page(
        "sharing/homeshare/send.html",
        **acting(found), sections=queries.sections(found), told=queries.told(found), named=queries.references_of(found),
    )  # fmt: skip


@bp.post("/homeshare/applications/<reference>/pause")
@residents
def pause(reference: str) -> ResponseReturnValue:
    """Be proposed to nobody new for a while."""
    service.pause(current_person(), seen(reference))
    tell(_("Paused. Nobody new is proposed to you until you go on."))
    return redirect(url_for(".application", reference=reference), 303)


@bp.post("/homeshare/applications/<reference>/resume")
@residents
def resume(reference: str) -> ResponseReturnValue:
    """Take part again."""
    service.resume(current_person(), seen(reference))
    tell(_("You take part again, with your place in line, as long as all checks hold."))
    return redirect(url_for(".application", reference=reference), 303)


@bp.route("/homeshare/applications/<reference>/close", methods=["GET", "POST"])
@residents
def close(reference: str) -> ResponseReturnValue:
    """End an application, with a reason."""
    found = seen(reference)
    with Form(schemas.Ending()) as form:
        if form.submitted:
            service.close(current_person(), found, form.data["because"])
            tell(_("The application has ended. You can apply again at any time."))
            return redirect(url_for(".application", reference=reference), 303)
    found = queries.get_application(reference)
    return form.page("sharing/homeshare/close.html", **acting(found), reasons=_reasons(found))


# --- what other floors ask ---


@hooks.account_links.register
def account_links(person: Any) -> tuple[object, list[tuple[str, str]]]:
    """A person's applications, for my page."""
    own = [(str(_title(one)), url_for("homeshare.application", reference=one.reference)) for one in _live(person)]
    return _l("Home share"), own or [(_("Offer a room, or look for one"), url_for("homeshare.start"))]


@hooks.waits_for_me.register
def waits_for_me(person: Any) -> Queue | None:
    """Applications that are begun and not sent, for my page."""
    drafts = [one for one in _live(person) if one.state is ApplicationState.DRAFT]
    waiting = [
        Waiting(_("Finish and send your application"), url_for("homeshare.application", reference=one.reference))
        for one in drafts
    ]
    return Queue(_l("Home share"), url_for("homeshare.start"), len(waiting), waiting) if waiting else None


def _live(person: Any) -> list[Application]:
    return queries.live_of(person.id)


def _title(one: Application) -> object:
    return _l("My room for a student") if one.is_host else _l("My search for a room")
