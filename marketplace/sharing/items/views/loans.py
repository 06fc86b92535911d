"""Borrowing for residents: asking, answering, and what is going on with a loan."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema

from marketplace.civic.accounts.models import Person
from marketplace.civic.credits import queries as time_credits
from marketplace.civic.groups.queries import acting_for
from marketplace.civic.groups.service.behalf import for_group
from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel import db, hooks, ical
from marketplace.kernel.access import permit, reveal
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.things import subject
from marketplace.kernel.words import _, _l
from marketplace.kernel.writing import show_date, show_moment
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import Loan, LoanState, Refusal
from marketplace.sharing.items.models.listing import DepositUnit
from marketplace.sharing.items.queries import impact, listings, problems, reviews
from marketplace.sharing.items.queries import line as lines
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.queries.trust import Trust, trust_in
from marketplace.sharing.items.schemas import loans as schemas
from marketplace.sharing.items.schemas.impact import line as impact_line
from marketplace.sharing.items.service import loans, longer
from marketplace.sharing.items.views._loan import OFTEN, seen
from marketplace.web import downloads
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.pages import listed, page, tell, whole_address
from marketplace.web.security import limited

bp = Blueprint("loans", __name__)

SHOWN = 5


# --- asking ---


@bp.route("/items/<int:item_id>/borrow", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def borrow(item_id: int) -> ResponseReturnValue:
    """Check and send: the days, how many, and a word to the owner."""
    person, item = current_person(), listings.get_item(item_id)
    reveal(policy.may_know, person, item, queries.member_of(person, item))
    asked: dict[str, Any] = {name: request.args.get(name) for name in ("first", "last")}
    with Form(schemas.LoanRequest(), **asked, quantity=request.args.get("quantity", 1), group=0) as form:
        if form.submitted:
            behalf = for_group(person, form.data.pop("group"))
            made = loans.request(person, item, **form.data, behalf=behalf)
            return redirect(url_for(".loan", reference=made.reference, sent=1), 303)
    if form.refusal:
        item = listings.get_item(item_id)  # anew: what was undone is forgotten
    return form.page(
        "sharing/items/loans/borrow.html",
        item=item, groups=acting_for(person), earliest=_earliest(form),
        barred=policy.person_rule(item, person, queries.member_of(person, item)),
        usable=_usable(person) if item.deposit_unit is DepositUnit.TIME else 0,
        promised=isinstance(form.refusal, errors.AlreadyPromised), first_day=policy.first_possible_day(item),
    )  # fmt: skip


def _usable(person: Person) -> int:
    """How many minutes of time credit a person can put down."""
    account = time_credits.wallet(person)
    return (account.available or 0) if account else 0


def _earliest(form: Form) -> Any:
    """The days as long as those asked for that would be possible, if the refusal knows some."""
    earliest = form.refusal.details.get("earliest") if form.refusal else None
    return (earliest, earliest + (form.data["last"] - form.data["first"])) if earliest else None


# --- a loan ---


@bp.get("/items/loans")
@residents
def mine() -> Response:
    """What one borrows and lends, now and in the past."""
    lent, over = request.args.get("show") == "lent", request.args.get("when") == "past"
    pages, shown = listed(queries.loans_of(current_person(), lent=lent, over=over))
    places = [] if lent or over else lines.places_of(current_person())
    return page(
        "sharing/items/loans/mine.html",
        shown=shown, pages=pages, lent=lent, over=over, places=places,
        spared_line=impact_line(impact.borrowed_by(current_person()), 1),
    )  # fmt: skip


@bp.get("/items/loans/<reference>")
@residents
def loan(reference: str) -> Response:
    """Where a loan stands, what happens next, and what one can do."""
    found, person = seen(reference), current_person()
    borrows, lends = policy.borrows(person, found), policy.lends(person, found)
    handovers = queries.handovers_of(found)
    return page(
        "sharing/items/loans/loan.html",
        loan=found, item=found.item, borrows=borrows, lends=lends, steps=_steps(found), form=Form(schemas.Nothing()),
        just_sent="sent" in request.args, overdue=policy.is_overdue(found), handovers=handovers,
        pictures=of_subjects(subject("handover", one.id) for one in handovers.values()),
        may_cancel=policy.may_still_cancel(found, borrower=borrows),
        put_down=time_credits.last_deposit(subject("loan", found.id)) if found.held else None,
        address=(queries.address_of(found) or _("Ask the owner.")) if policy.shows_address(person, found) else None,
        problem=problems.latest(found), may_report=bool(policy.troubles(found)),
        trust=_lender(found) if borrows else None,
        told=reviews.of_loan(found, person), told_until=policy.reviewed_until(found),
        may_tell=policy.may_tell(person, found, reviews.written(found).get(borrows)),
        wholes=hooks.belongs_to.ask(subject("loan", found.id), person),
    )  # fmt: skip


def _lender(found: Loan) -> Trust | None:
    """What can be said of the neighbour who lends it."""
    owner_id = found.item.owner_id
    return trust_in([owner_id])[owner_id] if owner_id is not None else None


@bp.get("/items/loans/<reference>/loan.ics")
@residents
def ics(reference: str) -> Response:
    """The loan for a calendar."""
    found = seen(reference)
    link = whole_address(url_for(".loan", reference=found.reference))
    return downloads.calendar(ical.calendar([schemas.calendar_entry(found, link)]), f"{found.reference}.ics")


def _step(title: str, state: str, at: object = None, text: str | None = None) -> dict[str, Any]:
    return {"title": title, "at": at, "text": text, "state": state}


ENDS = (LoanState.DECLINED, LoanState.WITHDRAWN, LoanState.CANCELLED, LoanState.EXPIRED)


def _steps(found: Loan) -> list[dict[str, Any]]:
    """What has happened to a loan and what comes next."""
    steps = [_step(_("Asked"), "done", show_moment(found.asked_at))]
    due = _("by {moment}", moment=show_moment(found.due_at)) if found.due_at else None
    if found.state is LoanState.REQUESTED:
        steps.append(_step(_("The owner answers"), "current", due))
    elif found.state is LoanState.PROPOSED:
        steps.append(_step(_("The owner proposes other days"), "current", str(found.proposed), due))
    elif found.accepted_at:
        steps.append(_step(_("Agreed"), "done", show_moment(found.accepted_at)))
    if found.state in ENDS:
        ended = show_moment(found.ended_at) if found.ended_at else None
        why = " · ".join(filter(None, (str(found.refusal.words) if found.refusal else "", found.reason)))
        return [*steps, _step(_capital(str(found.state.words)), "stopped", ended, why or None)]
    for title, since, day, here in (
        (_("Handed over"), found.out_at, found.first_day, LoanState.ACCEPTED),
        (_("Brought back"), found.returned_at, found.last_day, LoanState.OUT),
    ):
        state = "done" if since else "current" if found.state is here else "todo"
        steps.append(_step(title, state, show_moment(since) if since else show_date(day)))
    over = {LoanState.CLOSED: "done", LoanState.RETURNED: "current"}.get(found.state, "todo")
    return [*steps, _step(_("Over"), over, None, _("A day after it was brought back.") if over != "done" else None)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- answering ---


@bp.get("/items/loans/<reference>/answer")
@residents
def answer(reference: str) -> ResponseReturnValue:
    """A request, with the owner's three answers."""
    found = seen(reference)
    permit(policy.may_answer, current_person(), found)
    if found.state is not LoanState.REQUESTED:
        return redirect(url_for(".loan", reference=found.reference), 303)
    return _answer_page(found, Form(schemas.Nothing()))


@bp.post("/items/loans/<reference>/accept")
@residents
def accept(reference: str) -> ResponseReturnValue:
    """Yes."""
    return _answered(reference, schemas.Nothing(), loans.accept, _("Promised. The borrower has been told."))


@bp.post("/items/loans/<reference>/propose")
@residents
def propose(reference: str) -> ResponseReturnValue:
    """Other days."""
    return _answered(reference, schemas.Days(), loans.propose, _("Proposed. The borrower has been told."))


@bp.post("/items/loans/<reference>/decline")
@residents
def decline(reference: str) -> ResponseReturnValue:
    """No."""
    return _answered(reference, schemas.Decline(), loans.decline, _("Declined. The borrower reads your reason."))


def _answered(reference: str, schema: Schema, act: Callable[..., Loan], said: str) -> ResponseReturnValue:
    found = seen(reference)
    with Form(schema) as form:
        if form.submitted:
            act(current_person(), found, **form.data)
            tell(said)
            return redirect(url_for(".loan", reference=found.reference), 303)
    found = seen(reference)
    permit(policy.may_answer, current_person(), found)
    return _answer_page(found, form)


def _answer_page(found: Loan, form: Form) -> Response:
    about = reviews.of_borrower(found.borrower, current_person())
    return form.page(
        "sharing/items/loans/answer.html",
        loan=found, item=found.item, refusals=list(Refusal), first_day=policy.first_possible_day(found.item),
        trust=trust_in([found.borrower_id])[found.borrower_id], reviews=db.session.scalars(about.limit(SHOWN)).all(),
        waiting=found.state is LoanState.REQUESTED and not policy.is_overdue(found), endpoint=request.endpoint,
    )  # fmt: skip


@bp.post("/items/loans/<reference>/take-proposal")
@residents
def take_proposal(reference: str) -> ResponseReturnValue:
    """Agree to the days that the owner proposed."""
    found = seen(reference)
    loans.take_proposal(current_person(), found)
    return redirect(url_for(".loan", reference=found.reference, sent=1), 303)


@bp.post("/items/loans/<reference>/withdraw")
@residents
def withdraw(reference: str) -> ResponseReturnValue:
    """Take back a request."""
    found = seen(reference)
    loans.withdraw(current_person(), found)
    tell(_("Your request is withdrawn."))
    return redirect(url_for(".loan", reference=found.reference), 303)


@bp.route("/items/loans/<reference>/cancel", methods=["GET", "POST"])
@residents
def cancel(reference: str) -> ResponseReturnValue:
    """Give up what was agreed, and say why."""
    found, person = seen(reference), current_person()
    permit(policy.may_cancel, person, found)
    with Form(schemas.Why()) as form:
        if form.submitted:
            loans.cancel(person, found, form.data["reason"])
            tell(_("The loan is cancelled; the other side reads your reason."))
            return redirect(url_for(".loan", reference=found.reference), 303)
    if form.refusal:
        found = seen(reference)
    still = policy.may_still_cancel(found, borrower=policy.borrows(person, found))
    return form.page("sharing/items/loans/cancel.html", loan=found, item=found.item, may_cancel=still)


# --- longer ---


@bp.route("/items/loans/<reference>/longer", methods=["GET", "POST"])
@residents
def ask_longer(reference: str) -> ResponseReturnValue:
    """Ask to keep it for longer."""
    found, person = seen(reference), current_person()
    permit(policy.borrows, person, found)
    with Form(schemas.Until()) as form:
        if form.submitted:
            longer.ask_longer(person, found, form.data["until"])
            tell(_("The owner is asked.") if found.longer_until else _("It is yours until the new last day."))
            return redirect(url_for(".loan", reference=found.reference), 303)
    if form.refusal:
        found = seen(reference)
    return form.page("sharing/items/loans/longer.html", loan=found, item=found.item)


@bp.post("/items/loans/<reference>/longer/answer")
@residents
def answer_longer(reference: str) -> ResponseReturnValue:
    """Say whether it may be kept for longer."""
    found = seen(reference)
    longer.allow_longer(current_person(), found, yes=request.form.get("answer") == "yes")
    tell(_("The borrower has been told."))
    return redirect(url_for(".loan", reference=found.reference), 303)


# --- what other floors ask ---


@hooks.coming_up.register
def coming_up(person: Any) -> tuple[object, list[tuple[str, str]]] | None:
    """What a person borrows next, for the account page."""
    query = queries.loans_of(person, lent=False).where(Loan.state.in_((LoanState.ACCEPTED, LoanState.OUT)))
    found = db.session.scalars(query.limit(SHOWN)).unique().all()
    links = [(f"{one.when} · {one.item.title}", url_for("loans.loan", reference=one.reference)) for one in found]
    return (_l("Things borrowed"), links) if links else None


@hooks.waits_for_me.register
def waits_for_me(person: Any) -> Queue | None:
    """Requests to answer; days proposed, and what is to be brought back."""
    to_answer = db.session.scalars(queries.to_answer(person).limit(SHOWN)).unique().all()
    to_act_on = db.session.scalars(queries.to_act_on(person).limit(SHOWN)).unique().all()
    waiting = [
        *(Waiting(_("Asked for: {item}, {when}", item=one.item.title, when=one.when), _answer_at(one), one.due_at)
          for one in to_answer),
        *(Waiting(_act_on(one), url_for("loans.loan", reference=one.reference), one.due_at) for one in to_act_on),
    ]  # fmt: skip
    return Queue(_l("Borrowing and lending"), url_for("loans.mine"), len(waiting), waiting) if waiting else None


def _answer_at(one: Loan) -> str:
    return url_for("loans.answer" if one.state is LoanState.REQUESTED else "loans.loan", reference=one.reference)


def _act_on(one: Loan) -> str:
    if one.state is LoanState.PROPOSED:
        return _("Other days are proposed: {item}", item=one.item.title)
    return _("Bring back by {day}: {item}", day=show_date(one.last_day), item=one.item.title)


@hooks.account_links.register
def account_links(_person: Any) -> tuple[object, list[tuple[str, str]]]:
    """The ways to one's loans, for my page."""
    return _l("Borrowing and lending"), [
        (_("What I borrow"), url_for("loans.mine")),
        (_("What I lend to others now"), url_for("loans.mine", show="lent")),
    ]
