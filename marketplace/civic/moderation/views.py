"""Reporting something, reading what became of it, appealing; and the public figures."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.moderation import policy, schemas
from marketplace.civic.moderation.models import (
    ANSWERS,
    COMMON,
    NEED_TO_KNOW,
    REASONS,
    STATES,
    Act,
    Case,
    Report,
    new_reference,
)
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.moderation.queries.figures import MONTHS, figures
from marketplace.civic.moderation.service import appeals, reports, safeguarding
from marketplace.kernel import db, hooks, tables, things
from marketplace.kernel.access import reveal
from marketplace.kernel.disclosure import LEAST
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import Text, _, _l
from marketplace.kernel.writing import show_moment
from marketplace.web import downloads
from marketplace.web.access import current_person, public, residents
from marketplace.web.forms import Form
from marketplace.web.pages import listed, page, tell
from marketplace.web.security import Limit, address, everyone, limited

bp = Blueprint("moderation", __name__)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SHOWN_AT_ONCE = 5


# --- reporting ---


def reporter() -> str:
    """Who reports: a sign-in, or for visitors where they come from."""
    return str(session.get("_user_id") or address())


def reporter_and_thing() -> str:
    """Who reports what."""
    return f"{reporter()} {request.path}"


REPORTS = (
    Limit("report one thing", 5, DAY, reporter_and_thing),
    Limit("report", 10, HOUR, reporter),
    Limit("report address", 60, HOUR, address),
    Limit("report all", 2000, HOUR, everyone),
)


@bp.route("/report/<subject>", methods=["GET", "POST"])
@public
@limited(*REPORTS)
def report(subject: str) -> ResponseReturnValue:
    """Say what is wrong with something, with or without an account."""
    person = current_person()
    thing = things.seen(person, subject)
    reveal(policy.may_report, person, thing)
    with Form(schemas.ReportForm()) as form:
        if form.submitted:
            return redirect(url_for(".sent", reference=_send(person, thing, **form.data)), 303)
    return form.page("civic/moderation/report.html", thing=thing, reasons=list(REASONS.items()))


def _send(person: Any, thing: things.Thing, reason: Any, note: str, homepage: str) -> str:
    """Send the report where it belongs; the reference of it. What fills in the hidden field is a program: no report."""
    if homepage and person is None:
        return new_reference()
    if reason in NEED_TO_KNOW:
        return safeguarding.raise_concern(person, thing, reason, note).reference
    most = current_app.extensions["settings"].auto_hide_reports
    return reports.report(person, thing, reason, note, auto_hide=most).reference


@bp.get("/report/sent/<reference>")
@public
def sent(reference: str) -> Response:
    """What happens next. Whoever reported without an account keeps this address, and reads the outcome here."""
    found = _own_report(reference)
    told = outcome(found)
    look = {"title": _("Someone looks at it"), "text": None, "at": None, "state": "done" if told else "current"}
    if found is not None and told is None and found.case.state.value == "open":
        look["at"] = _("by {moment}", moment=show_moment(found.case.due_at))
    steps = [
        {"title": _("Your report has arrived"), "at": None, "text": None, "state": "done"},
        look,
        {"title": _("You are told what became of it"), "at": None, "text": told, "state": "done" if told else "todo"},
    ]
    return page("civic/moderation/sent.html", reference=reference.upper(), steps=steps)


def _own_report(reference: str) -> Report | None:
    """A report common to all moderators; None if the page says no more than that it arrived."""
    try:
        found = queries.report(reference)
    except NotFound:
        return None  # a concern, of which a page tells nothing, or nothing at all
    if found.person_id is not None and (current_person() is None or current_person().id != found.person_id):
        return None
    return found


def outcome(report: Report | None) -> Text | None:
    """What a reporter is told, in words that say nothing about the author."""
    if report is None or report.case.settled_at is None or report.case.decision is None:
        return None
    acted = report.case.decision.act is not Act.KEEP and report.case.state.value != "overturned"
    return (
        _l("A moderator agreed with you, and something was done.")
        if acted
        else _l("A moderator looked at it. It keeps to the rules, so it stays.")
    )


# --- one's own ---


@bp.get("/moderation/mine")
@residents
def mine() -> Response:
    """What one has reported, and what was decided about what one wrote."""
    person = current_person()
    pages, shown = listed(queries.reports_by(person))
    return page(
        "civic/moderation/mine.html",
        reports=[(one, outcome(one)) for one in shown], pages=pages, about=queries.about(person), person=person,
        reasons=REASONS, states=STATES,
    )  # fmt: skip


@bp.route("/moderation/decisions/<reference>", methods=["GET", "POST"])
@residents
def decision(reference: str) -> ResponseReturnValue:
    """What was decided about something one wrote; explain, or appeal."""
    person, case = current_person(), queries.get_case(reference)
    reveal(policy.is_party, person, case)
    with Form(schemas.Word()) as form:
        if form.submitted:
            if policy.may_state(person, case):
                appeals.state(person, case, form.data["text"])
                tell(_("We have put your words beside the reports."))
            else:
                appeals.appeal(person, case, form.data["text"])
                tell(_("Your appeal is sent. Another moderator looks at it within three days."))
            return redirect(url_for(".decision", reference=case.reference), 303)
    told = case.decision if case.decision and (case.settled_at or case.decision.act is Act.SUSPEND) else None
    return form.page(
        "civic/moderation/decision.html",
        case=case, decision=told, appeal=told.appeal if told else None, answers=ANSWERS,
        words=queries.told(told.reason if told else None, person.language), reasons=REASONS,
        may_state=policy.may_state(person, case), may_appeal=policy.may_appeal(person, case),
        appeal_until=case.settled_at + policy.APPEAL if case.settled_at else None,
    )  # fmt: skip


# --- figures ---


@bp.get("/moderation/figures")
@public
def public_figures() -> Response:
    """How many reports and cases, how fast, how often overturned; small counts are not shown."""
    return page(
        "civic/moderation/figures.html",
        months=[_parts(row) for row in schemas.table(figures())], reasons=[REASONS[reason] for reason in COMMON],
        least=LEAST, count=MONTHS,
    )  # fmt: skip


def _parts(row: list[str]) -> dict[str, Any]:
    """A row of the file as the parts of three tables."""
    wide = len(COMMON) + 1
    return {
        "name": row[0],
        "reports": row[1 : wide + 1],
        "cases": row[wide + 1 : 2 * wide + 1],
        "work": row[2 * wide + 1 :],
    }


@bp.get("/moderation/figures.csv")
@public
def figures_csv() -> Response:
    """The same figures for programs."""
    rows = list(schemas.table(figures()))
    return downloads.attachment(tables.csv_text(schemas.HEAD, rows), "moderation.csv", "text/csv; charset=utf-8")


# --- what other floors ask ---


def link_of(case: Case) -> str:
    """The page on which its author reads of a case."""
    return url_for("moderation.decision", reference=case.reference)


things.register(
    things.Kind(
        name="case",
        label=_l("Decision"),
        find=queries.cases_by_id,
        title=lambda case: str(case.title),
        link=link_of,
        may_see=policy.is_party,
        author_id=lambda _case: None,
    )
)

hooks.reported.register(queries.reported_as)


@hooks.barred.register
def why_suspended(person: Any) -> Text | None:
    """Why the person is suspended, and where to appeal."""
    longest = db.session.scalars(queries.suspensions(person.id).limit(1)).first()
    if longest is None:
        return None
    link = f"/moderation/decisions/{longest.case.reference}"  # jobs are refused too, where addresses cannot be made
    return _l("The reason: {words} Read more and appeal at {link}.",
              words=queries.told(longest.reason, person.language), link=link)  # fmt: skip


@hooks.own_words.register
def reported_lately(person: Any) -> tuple[object, list[tuple[str, str]]] | None:
    """The last things the person reported, for my page."""
    latest = db.session.scalars(queries.reports_by(person).limit(SHOWN_AT_ONCE)).all()
    if not latest:
        return None
    return _l("Reported"), [
        (f"{one.case.title} · {outcome(one) or _('waits for a decision')}", url_for("moderation.mine"))
        for one in latest
    ]


@hooks.account_links.register
def own_pages(_person: Any) -> tuple[object, list[tuple[str, str]]]:
    """Where the person reads what became of reports."""
    return _l("Reports and decisions"), [(_("What I reported, and decisions about what I wrote"), "/moderation/mine")]
