"""A match for its two sides: why, yes or no, the meeting, the agreement, the trial, how it goes, and its end."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Person
from marketplace.kernel import hooks, ical
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.words import _, _l
from marketplace.kernel.writing import show_moment
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.layouts import agreements as layout
from marketplace.sharing.homeshare.models.agreements import Agreement
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.checkins import Going, MatterKind
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.models.matches import (
    GOING_ON,
    OWN_END_REASONS,
    TOGETHER,
    Answer,
    Match,
    MatchState,
    NoReason,
)
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.queries import outcomes
from marketplace.sharing.homeshare.schemas import matches as schemas
from marketplace.sharing.homeshare.service import agreements, checkins, living, matches, matters
from marketplace.sharing.homeshare.views._match import card_of, contact_of, own, place_of
from marketplace.web import downloads
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.pages import tell, whole_address
from marketplace.web.security import Limit, limited, visitor

bp = Blueprint("homeshare_matches", __name__)

OFTEN = (Limit("answer in home share", 40, timedelta(hours=1), visitor),)


# --- a match ---


@bp.get("/homeshare/matches/<reference>")
@residents
def match(reference: str) -> Response:
    """Where it stands, what comes next, why they were proposed, and what one can do."""
    return _page(reference, Form(schemas.Nothing()))


def _page(reference: str, form: Form) -> Response:
    found, side = own(reference)
    agreement = queries.agreement_of(found) if found.state in policy.AFTER_MEETING else None
    brought_up = [
        (one, unlock(one, "reply"))
        for one in queries.matters_of(found)
        if one.settled_at and one.reply and (one.side is side or one.kind is MatterKind.MEDIATION)
    ]
    return form.page(
        "sharing/homeshare/matches/match.html",
        match=found, side=side, own=found.of(side), steps=_steps(found), contact=contact_of(found, side),
        place=place_of(found), agreement=agreement,
        moves_in_on=date.fromisoformat(agreement.terms["moves_in_on"]) if agreement else None,
        no_reasons=NoReason, said=found.answer_of(side),
        going_on=found.state in GOING_ON, together=found.state in TOGETHER,
        asked=queries.open_checkin(found, side) if found.state in TOGETHER else None,
        survey=outcomes.of_side(found, side),
        asks_to_go_on=policy.may_say_whether_to_go_on(found), goes_on=found.goes_on_of(side), replies=brought_up,
        **card_of(found, side),
    )  # fmt: skip


def _step(title: str, state: str, at: object = None) -> dict[str, Any]:
    return {"title": title, "at": at, "text": None, "state": state}


def _steps(found: Match) -> list[dict[str, Any]]:
    """What has happened and what comes next."""
    titles = (_("Both say yes"), _("You meet"), _("You agree"), _("Trial"), _("You live together"))
    steps = [_step(_("Proposed"), "done", show_moment(found.proposed_at))]
    if found.state not in GOING_ON:
        ended = show_moment(found.ended_at) if found.ended_at else None
        return [*steps, _step(str(found.state.words)[:1].upper() + str(found.state.words)[1:], "stopped", ended)]
    here = GOING_ON.index(found.state)
    for number, title in enumerate(titles):
        state = "done" if number < here else "current" if number == here else "todo"
        steps.append(_step(title, state))
    return steps


@bp.post("/homeshare/matches/<reference>/answer")
@residents
@limited(*OFTEN)
def answer(reference: str) -> ResponseReturnValue:
    """Yes, no, or ask a person first."""
    found, _side = own(reference)
    with Form(schemas.Answered()) as form:
        if form.submitted:
            matches.answer(current_person(), found, **form.data)
            tell(
                {
                    Answer.YES: _("You said yes. We write to you as soon as the other side has answered."),
                    Answer.NO: _("You said no. The other side does not read why. Your place in line is kept."),
                    Answer.ASK: _("A coordinator gets in touch with you. You have more time to answer."),
                }[form.data["said"]]
            )
            return redirect(url_for(".match", reference=reference), 303)
    return _page(reference, form)


@bp.get("/homeshare/matches/<reference>/meeting.ics")
@residents
def ics(reference: str) -> Response:
    """The meeting for a calendar."""
    found, _side = own(reference)
    if found.meeting is None:
        raise NotFound
    link = whole_address(url_for(".match", reference=found.reference))
    return downloads.calendar(ical.calendar([schemas.calendar_entry(found, link)]), f"{found.reference}.ics")


# --- the agreement ---


@bp.route("/homeshare/matches/<reference>/agreement", methods=["GET", "POST"])
@residents
def agreement(reference: str) -> ResponseReturnValue:
    """Read the agreement, and sign it."""
    found, side = own(reference)
    with Form(schemas.Signing()) as form:
        if form.submitted:
            agreements.sign(current_person(), found, form.data["digest"])
            tell(_("Signed. Keep the agreement: you can download it here."))
            return redirect(url_for(".agreement", reference=reference), 303)
    if form.refusal:
        found, side = own(reference)
    current = queries.get_agreement(found)
    return form.page(
        "sharing/homeshare/matches/agreement.html",
        match=found, side=side, agreement=current, mine=current.signature_of(side),
        theirs=current.signature_of(matches.other(side)), signing=found.state is MatchState.AGREEING,
    )  # fmt: skip


@bp.get("/homeshare/matches/<reference>/agreement.pdf")
@residents
def agreement_pdf(reference: str) -> Response:
    """The agreement on paper, in both languages."""
    found, _side = own(reference)
    return pdf_of(found, queries.get_agreement(found))


def pdf_of(found: Match, current: Agreement) -> Response:
    """The agreement of a match as a file."""

    def signed() -> list[layout.Signed]:
        told = []
        for side, title in ((Side.HOST, _("Host")), (Side.STUDENT, _("Student"))):
            one = current.signature_of(side)
            at = _("signed on {moment}", moment=show_moment(one.signed_at)) if one else _("not signed yet")
            told.append(layout.Signed(title, found.of(side).person.name, at))
        return told

    body = layout.pdf(current.text, current.number, current.digest, signed)
    return downloads.attachment(body, f"agreement-{found.reference}.pdf", "application/pdf")


# --- living together ---


@bp.route("/homeshare/matches/<reference>/check-in", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def check_in(reference: str) -> ResponseReturnValue:
    """Four short questions on how it goes."""
    found, side = own(reference)
    with Form(schemas.CheckedIn()) as form:
        if form.submitted:
            checkins.answer(current_person(), found, **form.data)
            tell(_("Thank you. Only coordinators read it, and they call you if something is wrong."))
            return redirect(url_for(".match", reference=reference), 303)
    if form.refusal:
        found, side = own(reference)
    return form.page(
        "sharing/homeshare/matches/check_in.html",
        match=found, asked=queries.open_checkin(found, side) if found.state in TOGETHER else None, goings=Going,
    )  # fmt: skip


@bp.post("/homeshare/matches/<reference>/go-on")
@residents
def go_on(reference: str) -> ResponseReturnValue:
    """Whether to go on after the trial."""
    return _done(reference, schemas.GoesOn(), living.say, _("Thank you. We tell you as soon as both have said it."))


@bp.route("/homeshare/matches/<reference>/help", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def mediation(reference: str) -> ResponseReturnValue:
    """Ask for a conversation of all three."""
    found, _side = own(reference)
    with Form(schemas.Words()) as form:
        if form.submitted:
            matters.ask_mediation(current_person(), found, form.data["words"])
            tell(_("A coordinator gets in touch with both of you."))
            return redirect(url_for(".match", reference=reference), 303)
    if form.refusal:
        found, _side = own(reference)
    return form.page("sharing/homeshare/matches/help.html", match=found)


@bp.route("/homeshare/matches/<reference>/end", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def end(reference: str) -> ResponseReturnValue:
    """Step back, or give notice."""
    found, side = own(reference)
    together = found.state in TOGETHER
    with Form(schemas.Ending()) as form:
        if form.submitted:
            act = living.give_notice if together else matches.step_back
            act(current_person(), found, **form.data)
            tell(_("It is done. The other side does not read the reason."))
            return redirect(url_for(".match", reference=reference), 303)
    if form.refusal:
        found, side = own(reference)
    return form.page(
        "sharing/homeshare/matches/end.html",
        match=found, side=side, reasons=OWN_END_REASONS, together=together,
        last_day=living.last_day(found, queries.agreement_of(found)) if together else None,
        possible=found.ends_on is None and (together or found.state in (MatchState.MEETING, MatchState.AGREEING)),
    )  # fmt: skip


@bp.post("/homeshare/matches/<reference>/end-now")
@residents
@limited(*OFTEN)
def end_now(reference: str) -> ResponseReturnValue:
    """End it at once, because one does not feel safe."""
    said = _("It has ended. Officers of the city have been told and get in touch with you.")
    return _done(reference, schemas.Words(), living.end_at_once, said)


def _done(reference: str, schema: Any, act: Callable[..., Any], said: str) -> ResponseReturnValue:
    found, _side = own(reference)
    with Form(schema) as form:
        if form.submitted:
            act(current_person(), found, **form.data)
            tell(said)
            return redirect(url_for(".match", reference=reference), 303)
    return _page(reference, form)


# --- what other floors ask ---


@hooks.waits_for_me.register
def waits_for_me(person: Person) -> Queue | None:
    """Proposals to answer, agreements to sign, and check-ins, for my page."""
    waiting = []
    for one in queries.of_person(person, MatchState.PROPOSED, MatchState.AGREEING):
        side = policy.side_of(person, one)
        link = url_for("homeshare_matches.match", reference=one.reference)
        if one.state is MatchState.PROPOSED and side and one.answer_of(side) in (None, Answer.ASK):
            waiting.append(Waiting(_("Home share: yes or no?"), link, one.answer_by, 1))
        elif one.state is MatchState.AGREEING and side:
            current = queries.agreement_of(one)
            if current is not None and current.signature_of(side) is None:
                href = url_for("homeshare_matches.agreement", reference=one.reference)
                waiting.append(Waiting(_("Home share: read and sign your agreement"), href, harm=1))
    for asked in queries.due_checkins(person):
        href = url_for("homeshare_matches.check_in", reference=asked.match.reference)
        waiting.append(Waiting(_("Home share: how does it go?"), href, harm=1))
    return Queue(_l("Home share"), waiting[0].href, len(waiting), waiting) if waiting else None


@hooks.coming_up.register
def coming_up(person: Person) -> Any:
    """Meetings, and where one lives together, for the account page."""
    links = []
    for one in queries.of_person(person, *GOING_ON[1:]):
        meeting = one.meeting if one.state is MatchState.MEETING else None
        said = f"{_('You meet')}, {show_moment(meeting.starts_at)}" if meeting else str(one.state.words)
        links.append((said[:1].upper() + said[1:], url_for("homeshare_matches.match", reference=one.reference)))
    return (_("Home share"), links) if links else None
