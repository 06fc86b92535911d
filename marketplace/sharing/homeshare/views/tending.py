"""The coordinators' pages of matches: what waits, and each match with its meeting, agreement, log and end."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Role
from marketplace.kernel import db, hooks
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.money import plain
from marketplace.kernel.words import _, _l
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.layouts.agreements import differences
from marketplace.sharing.homeshare.models import questions
from marketplace.sharing.homeshare.models.checkins import Matter, Outcome
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.models.matches import TOGETHER, EndReason, Match, MatchState
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.schemas import matches as schemas
from marketplace.sharing.homeshare.service import agreements, living, matches, matters, meetings
from marketplace.sharing.homeshare.views._application import OFFICE
from marketplace.sharing.homeshare.views._match import MATCH, place_of, tended
from marketplace.sharing.homeshare.views.matches import pdf_of
from marketplace.web.access import current_person, staff
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, tell

bp = Blueprint("homeshare_tending", __name__)

SHOWN = 5


@bp.get("/homeshare/staff/matches")
@staff(Role.COORDINATOR)
def board() -> Response:
    """What waits, by when, and the matches in a state."""
    person = current_person()
    asked = request.args.get("state", MatchState.PROPOSED.value)
    state = next((one for one in MatchState if one.value == asked), None)
    if state is None:
        raise NotFound
    pages, shown = listed(queries.in_state(state))
    waiting = db.session.scalars(queries.open_matters(person).limit(20)).all()
    to_meet = db.session.scalars(queries.to_meet(person).limit(20)).all()
    people = {side.person_id for one in (*shown, *to_meet) for side in (one.student, one.home)}
    looked(MATCH, dict.fromkeys(people, OFFICE))
    return page(
        "sharing/homeshare/matches/board.html",
        state=state, counts=queries.counts(), pages=pages, shown=shown, matters=waiting, to_meet=to_meet,
    )  # fmt: skip


@bp.get("/homeshare/staff/matches/<reference>")
@staff(Role.COORDINATOR)
def tend(reference: str) -> Response:
    """All of a match that a coordinator may read, and do."""
    return _page(reference, Form(schemas.Nothing()), None)


def _page(reference: str, form: Form, opened: str | None) -> Response:
    found = tended(reference)
    agreement = queries.agreement_of(found)
    written = ("student_words", "host_words", "end_words")
    return form.page(
        "sharing/homeshare/matches/tend.html",
        match=found, opened=opened, agreement=agreement, place=place_of(found),
        words={name: unlock(found, name) for name in written}, together=found.state in TOGETHER,
        checkins=[(one, unlock(one, "words")) for one in queries.checkins_of(found)],
        matters=[(one, _opened(one)) for one in queries.matters_of(found)], outcomes=Outcome, end_reasons=EndReason,
        going_on=found.ended_at is None, differences=differences(found.student.answers, found.home.answers),
    )  # fmt: skip


def _opened(matter: Matter) -> dict[str, str]:
    return {name: unlock(matter, name) for name in ("words", "note", "reply")}


@bp.post("/homeshare/staff/matches/<reference>/meeting")
@staff(Role.COORDINATOR)
def meeting(reference: str) -> ResponseReturnValue:
    """Say when and where they meet."""
    return _done(reference, schemas.Meeting(), meetings.arrange, _("Set. Both have been told."))


@bp.post("/homeshare/staff/matches/<reference>/goes-on")
@staff(Role.COORDINATOR)
def goes_on(reference: str) -> ResponseReturnValue:
    """They met and go on."""
    return _done(reference, schemas.Nothing(), meetings.go_on, _("Noted. The agreement is made of what both said."))


@bp.route("/homeshare/staff/matches/<reference>/agreement", methods=["GET", "POST"])
@staff(Role.COORDINATOR)
def agreement(reference: str) -> ResponseReturnValue:
    """Settle what is agreed."""
    found = tended(reference)
    current = queries.get_agreement(found)
    typed = current.terms | {
        "rent": plain(current.terms["rent"]),
        "smoking": "yes" if current.terms["smoking"] else "no",
    }
    with Form(schemas.Terms(), **typed) as form:
        if form.submitted:
            agreements.change(current_person(), found, **form.data)
            tell(_("Changed. Both read the new text before they sign it."))
            return redirect(url_for(".tend", reference=reference), 303)
    if form.refusal:
        found = tended(reference)
        current = queries.get_agreement(found)
    return form.page(
        "sharing/homeshare/matches/terms.html",
        match=found, agreement=current, words=questions, programme=programme(),
        differences=differences(found.student.answers, found.home.answers),
        editable=found.state is MatchState.AGREEING and not current.is_signed,
    )  # fmt: skip


@bp.get("/homeshare/staff/matches/<reference>/agreement.pdf")
@staff(Role.COORDINATOR)
def agreement_pdf(reference: str) -> Response:
    """The agreement on paper, in both languages."""
    found = tended(reference)
    return pdf_of(found, queries.get_agreement(found))


@bp.post("/homeshare/staff/matches/<reference>/mediation")
@staff(Role.COORDINATOR)
def mediation(reference: str) -> ResponseReturnValue:
    """Invite both to a conversation."""
    return _done(reference, schemas.Words(), matters.ask_mediation, _("Both have been told of the conversation."))


@bp.post("/homeshare/staff/matches/<reference>/note")
@staff(Role.COORDINATOR)
def note(reference: str) -> ResponseReturnValue:
    """Write something down among coordinators."""
    return _done(reference, schemas.Note(), matters.note, _("Written down."))


@bp.post("/homeshare/staff/matches/<reference>/matters/<int:matter_id>")
@staff(Role.COORDINATOR)
def settle(reference: str, matter_id: int) -> ResponseReturnValue:
    """Say what came of something."""
    matter = queries.get_matter(tended(reference), matter_id)

    def act(person: Any, found: Match, **data: Any) -> Matter:
        return matters.settle(person, found, matter, **data)

    return _done(reference, schemas.Settled(), act, _("Settled."), f"matter-{matter_id}")


@bp.post("/homeshare/staff/matches/<reference>/end")
@staff(Role.COORDINATOR)
def end(reference: str) -> ResponseReturnValue:
    """Take it back, or give notice for both."""
    together = tended(reference).state in TOGETHER
    act = living.give_notice if together else matches.withdraw
    return _done(reference, schemas.StaffEnding(), act, _("It is done. Both have been told, without the reason."))


@bp.post("/homeshare/staff/matches/<reference>/end-now")
@staff(Role.COORDINATOR)
def end_now(reference: str) -> ResponseReturnValue:
    """End it at once, because somebody is not safe."""
    said = _("It has ended, and the safeguarding officers have been told.")
    return _done(reference, schemas.Words(), living.end_at_once, said)


def _done(
    reference: str, schema: Any, act: Callable[..., Any], said: str, opened: str | None = None
) -> ResponseReturnValue:  # fmt: skip
    found = tended(reference)
    with Form(schema) as form:
        if form.submitted:
            act(current_person(), found, **form.data)
            tell(said)
            return redirect(url_for(".tend", reference=reference), 303)
    return _page(reference, form, opened or act.__name__)


# --- what other floors ask ---


@hooks.waits_at_desk.register
def waits_at_desk(person: Any) -> Queue | None:
    """What was brought up about matches, and meetings to set, for the desk of coordinators."""
    if not policy.may_coordinate(person):
        return None
    brought_up, to_meet = queries.open_matters(person), queries.to_meet(person)
    waiting = [
        Waiting(f"{one.kind.words} ({one.match.reference})", _href(one.match), one.due_at, one.kind.harm)
        for one in db.session.scalars(brought_up.limit(SHOWN))
    ]
    waiting += [
        Waiting(_("A meeting to set or to note ({reference})", reference=one.reference), _href(one), harm=1)
        for one in db.session.scalars(to_meet.limit(SHOWN))
    ]
    count = db.count(brought_up) + db.count(to_meet)
    return Queue(_l("Home share: matches"), url_for("homeshare_tending.board"), count, waiting) if waiting else None


def _href(one: Match) -> str:
    return url_for("homeshare_tending.tend", reference=one.reference)
