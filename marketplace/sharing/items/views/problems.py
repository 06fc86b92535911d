"""When something went wrong with a loan: the pages of both sides, and the mediators' list and page."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema

from marketplace.civic.accounts.models import Role
from marketplace.civic.uploads.models import Upload
from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel import db, hooks, looking
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.things import subject
from marketplace.kernel.words import _, _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import Loan
from marketplace.sharing.items.models.problems import Offer, Problem, ProblemState, Remedy
from marketplace.sharing.items.queries import loans as loan_queries
from marketplace.sharing.items.queries import problems as queries
from marketplace.sharing.items.schemas import problems as schemas
from marketplace.sharing.items.schemas.loans import Nothing
from marketplace.sharing.items.service import problems
from marketplace.web.access import current_person, residents, staff
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import has_fund, page, paging, tell
from marketplace.web.security import Limit, limited, takes_files, visitor

bp = Blueprint("problems", __name__)

SHOWN = 5
OFTEN = (Limit("problem of a loan", 40, timedelta(hours=1), visitor),)
looking.page("items.problem", _l("A problem of one of your loans"))


# --- the two sides ---


@bp.route("/items/loans/<reference>/problem/report", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
@takes_files
def report(reference: str) -> ResponseReturnValue:
    """Say what went wrong."""
    found = _loan(reference)
    possible = policy.troubles(found)
    only = {"trouble": possible[0].value} if len(possible) == 1 else {}
    with Form(schemas.Report(), **only) as form:
        if form.submitted:
            problems.report(current_person(), found, **form.data)
            tell(_("Reported. The other side has been told, and you have 48 hours to settle it between you."))
            return redirect(url_for(".problem", reference=reference), 303)
    if form.refusal:
        found = _loan(reference)
    standing = queries.latest(found)
    return form.page(
        "sharing/items/problems/report.html",
        loan=found, item=found.item, possible=possible, open=standing is not None and standing.is_open,
    )  # fmt: skip


@bp.get("/items/loans/<reference>/problem")
@residents
def problem(reference: str) -> Response:
    """What went wrong, what both sides say to it, and what comes next."""
    return _page(_problem(reference), Form(Nothing()), None)


@bp.post("/items/loans/<reference>/problem/answer")
@residents
@limited(*OFTEN)
@takes_files
def answer(reference: str) -> ResponseReturnValue:
    """Say how the other side sees it."""
    return _done(reference, schemas.Answer(), problems.answer, _("Sent. The other side reads it."))


@bp.post("/items/loans/<reference>/problem/offer")
@residents
@limited(*OFTEN)
def offer(reference: str) -> ResponseReturnValue:
    """Propose what is due."""
    return _done(reference, schemas.NewOffer(), problems.offer, _("Proposed. The other side has been told."))


@bp.post("/items/loans/<reference>/problem/accept")
@residents
def accept(reference: str) -> ResponseReturnValue:
    """Agree to what the other side proposes."""

    def agree(person: Any, found: Problem, offer: int) -> Problem:
        return problems.accept(person, found, offer)

    return _done(reference, schemas.Accepted(), agree, _("Settled. Both of you have agreed."))


@bp.post("/items/loans/<reference>/problem/mediator")
@residents
def ask_mediator(reference: str) -> ResponseReturnValue:
    """Have a mediator look at it."""
    return _done(reference, Nothing(), problems.ask_mediator, _("A mediator is asked. We write to both of you."))


@bp.post("/items/loans/<reference>/problem/withdraw")
@residents
def withdraw(reference: str) -> ResponseReturnValue:
    """Take back what was reported."""
    return _done(reference, Nothing(), problems.withdraw, _("Taken back. The other side has been told."))


@bp.post("/items/loans/<reference>/problem/appeal")
@residents
@limited(*OFTEN)
def appeal(reference: str) -> ResponseReturnValue:
    """Ask a second mediator to look again."""
    return _done(reference, schemas.Appeal(), problems.appeal, _("Sent. Another mediator looks at it."))


def _done(reference: str, schema: Schema, act: Callable[..., Any], said: str) -> ResponseReturnValue:
    found = _problem(reference)
    with Form(schema) as form:
        if form.submitted:
            act(current_person(), found, **form.data)
            tell(said)
            return redirect(url_for(".problem", reference=reference), 303)
    return _page(_problem(reference), form, act.__name__)


def _page(found: Problem, form: Form, opened: str | None) -> Response:
    person = current_person()
    borrows = policy.borrows(person, found.loan)
    reporter = policy.took_side(person, found, reporter=True)
    return form.page(
        "sharing/items/problems/problem.html",
        problem=found, loan=found.loan, item=found.loan.item, borrows=borrows, reporter=reporter, opened=opened,
        ours=_last(one for one in found.offers if one.by_borrower == borrows),
        theirs=_last(one for one in found.offers if one.by_borrower != borrows),
        pictures=_by_side(found), remedies=_remedies(found),
    )  # fmt: skip


def _last(offers: Iterable[Offer]) -> Offer | None:
    return next(reversed(list(offers)), None)


def _by_side(found: Problem) -> dict[str, list[Upload]]:
    """The pictures of whoever reported, and of the other side."""
    pictures = of_subjects([subject("problem", found.id)])[subject("problem", found.id)]
    borrowers = policy.borrowers(found.loan)
    reporting = [one for one in pictures if (one.person_id in borrowers) == found.by_borrower]
    return {"reported": reporting, "answered": [one for one in pictures if one not in reporting]}


def _remedies(found: Problem, *, for_mediator: bool = False) -> list[tuple[str, object]]:
    """What may be chosen: no part of a deposit that was not asked for, no sum where nothing can be due."""
    fund = for_mediator and has_fund() and found.most > 0
    possible = {Remedy.DEPOSIT: found.deposit + found.held > 0, Remedy.SUM: found.most > 0, Remedy.FUND: fund}
    return [(one.value, one.words) for one in Remedy if possible.get(one, True)]


# --- mediators ---


@bp.get("/items/problems")
@staff(Role.MODERATOR)
def queue() -> Response:
    """What waits for a mediator who is apart from both sides."""
    query = queries.to_mediate(current_person())
    pages = paging(db.count(query))
    shown = queries.with_loans(query.limit(pages.size).offset(pages.offset))
    _on_record(*shown)
    return page("sharing/items/problems/queue.html", shown=shown, pages=pages)


@bp.route("/items/problems/<int:problem_id>", methods=["GET", "POST"])
@staff(Role.MODERATOR)
def mediate(problem_id: int) -> ResponseReturnValue:
    """Everything that a mediator may read of a problem, on one page, and the decision."""
    person, found = current_person(), queries.get_problem(problem_id)
    reveal(queries.may_look, person, found.loan)
    with Form(schemas.Decision(), **_decided(found)) as form:
        if form.submitted:
            problems.decide(person, found, **form.data, fund=has_fund())
            tell(_("Decided. Both sides read your reason."))
            return redirect(url_for(".mediate", problem_id=problem_id), 303)
    if form.refusal:
        found = queries.get_problem(problem_id)
    _on_record(found)
    loan = found.loan
    handovers = loan_queries.handovers_of(loan)
    return form.page(
        "sharing/items/problems/mediate.html",
        problem=found, loan=loan, item=loan.item, handovers=handovers, pictures=_by_side(found),
        handover_pictures=of_subjects(subject("handover", one.id) for one in handovers.values()),
        remedies=_remedies(found, for_mediator=True), message=queries.last_message(loan),
        second=found.state is ProblemState.APPEALED,
        may_decide=policy.may_mediate(person, found, queries.is_apart(person, found)),
    )  # fmt: skip


def _decided(found: Problem) -> dict[str, Any]:
    """What the first mediator said, for the second to keep or change."""
    if found.state is not ProblemState.APPEALED or found.remedy is None:
        return {}
    hours, minutes = divmod(found.minutes, 60)
    said = {"amount": found.amount, "hours": hours, "minutes": minutes}
    return {"remedy": found.remedy.value, **{name: number or "" for name, number in said.items()}}


def _on_record(*shown: Problem) -> None:
    """Put down for the people of these problems that a mediator reads of them."""
    people = {side for one in shown for side in (one.borrower_id, one.owner_id, one.by_id, one.answer_by_id)}
    looked("items.problem", {side: {"role": Role.MODERATOR} for side in people if side is not None})


@hooks.waits_at_desk.register
def waits_at_desk(person: Any) -> Queue | None:
    """Problems of loans that this mediator may decide."""
    if not policy.is_mediator(person):
        return None
    query = queries.to_mediate(person)
    waiting = [_waiting(one) for one in queries.with_loans(query.limit(SHOWN))]
    return Queue(_l("Problems of loans"), url_for("problems.queue"), db.count(query), waiting) if waiting else None


def _waiting(one: Problem) -> Waiting:
    title = f"{one.loan.item.title}: {one.trouble.words}"
    return Waiting(title, url_for("problems.mediate", problem_id=one.id), one.due_at, one.trouble.harm)


hooks.reported.register(queries.reported_as)


# --- parts ---


def _loan(reference: str) -> Loan:
    found = loan_queries.get_loan(reference)
    person = current_person()
    reveal(policy.may_see, person, found)
    looked("items.problem", policy.offices(person, found))
    return found


def _problem(reference: str) -> Problem:
    found = queries.latest(_loan(reference))
    if found is None:
        raise NotFound
    return found
