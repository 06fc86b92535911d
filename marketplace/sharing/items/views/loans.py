"""Borrowing for residents: asking, answering, what is going on with a loan, and handing things over."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import segno
from flask import Blueprint, Response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from marshmallow import Schema

from marketplace.civic.accounts.models import Role
from marketplace.civic.groups.queries import acting_for
from marketplace.civic.groups.service.behalf import for_group
from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel import clock, db, hooks, ical, looking, vault
from marketplace.kernel.access import permit, reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.things import subject
from marketplace.kernel.words import _, _l
from marketplace.kernel.writing import show_date, show_moment
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import InLine, Loan, LoanState, Refusal, Way
from marketplace.sharing.items.models.listing import Condition
from marketplace.sharing.items.queries import impact, listings, problems
from marketplace.sharing.items.queries import line as lines
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.schemas import loans as schemas
from marketplace.sharing.items.schemas.impact import line as impact_line
from marketplace.sharing.items.service import handing, line, loans, longer
from marketplace.web import downloads, security
from marketplace.web.access import current_person, residents, staff
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, tell, whole_address
from marketplace.web.security import Limit, limited, takes_files

bp = Blueprint("loans", __name__)

SHOWN = 5
OFTEN = (Limit("thing asked for", 40, timedelta(hours=1), lambda: str(session.get("_user_id"))),)
GUESSES = (Limit("code of a hand-over", 30, timedelta(hours=1), lambda: str(session.get("_user_id"))),)

STAFF = (Role.MODERATOR, Role.ADMINISTRATOR)
"""Who helps where something was not brought back for long."""

looking.page("items.loan", _l("A loan of yours"))
looking.page("items.late_loans", _l("The list of things not brought back"))


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
        promised=isinstance(form.refusal, errors.AlreadyPromised), first_day=policy.first_possible_day(item),
    )  # fmt: skip


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
    found, person = _seen(reference), current_person()
    borrows, lends = policy.borrows(person, found), policy.lends(person, found)
    handovers = queries.handovers_of(found)
    return page(
        "sharing/items/loans/loan.html",
        loan=found, item=found.item, borrows=borrows, lends=lends, steps=_steps(found), form=Form(schemas.Nothing()),
        just_sent="sent" in request.args, overdue=policy.is_overdue(found), handovers=handovers,
        pictures=of_subjects(subject("handover", one.id) for one in handovers.values()),
        may_cancel=policy.may_still_cancel(found, borrower=borrows),
        address=_address(found) if policy.shows_address(person, found) else None,
        problem=problems.latest(found), may_report=bool(policy.troubles(found)),
    )  # fmt: skip


def _address(found: Loan) -> str:
    """Where it is fetched and brought back."""
    if found.item.library is not None:
        return f"{found.item.library.title}, {found.item.library.building.address}"
    place = listings.place_of(found.item.owner) if found.item.owner else None
    if place is None or not place.address:
        return _("Ask the owner.")
    return vault.unlock(place.address, f"pick_up_places:{place.person_id}")


@bp.get("/items/loans/<reference>/loan.ics")
@residents
def ics(reference: str) -> Response:
    """The loan for a calendar."""
    found = _seen(reference)
    link = whole_address(url_for(".loan", reference=found.reference))
    return downloads.calendar(ical.calendar([schemas.calendar_entry(found, link)]), f"{found.reference}.ics")


# --- answering ---


@bp.get("/items/loans/<reference>/answer")
@residents
def answer(reference: str) -> ResponseReturnValue:
    """A request, with the owner's three answers."""
    found = _seen(reference)
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
    found = _seen(reference)
    with Form(schema) as form:
        if form.submitted:
            act(current_person(), found, **form.data)
            tell(said)
            return redirect(url_for(".loan", reference=found.reference), 303)
    found = _seen(reference)
    permit(policy.may_answer, current_person(), found)
    return _answer_page(found, form)


def _answer_page(found: Loan, form: Form) -> Response:
    returns = queries.returns_of(found.borrower)
    return form.page(
        "sharing/items/loans/answer.html",
        loan=found, item=found.item, refusals=list(Refusal), first_day=policy.first_possible_day(found.item),
        on_time=sum(not one.late for one in returns if one.back), late=sum(one.late for one in returns),
        waiting=found.state is LoanState.REQUESTED and not policy.is_overdue(found), endpoint=request.endpoint,
    )  # fmt: skip


@bp.post("/items/loans/<reference>/take-proposal")
@residents
def take_proposal(reference: str) -> ResponseReturnValue:
    """Agree to the days that the owner proposed."""
    found = _seen(reference)
    loans.take_proposal(current_person(), found)
    return redirect(url_for(".loan", reference=found.reference, sent=1), 303)


@bp.post("/items/loans/<reference>/withdraw")
@residents
def withdraw(reference: str) -> ResponseReturnValue:
    """Take back a request."""
    found = _seen(reference)
    loans.withdraw(current_person(), found)
    tell(_("Your request is withdrawn."))
    return redirect(url_for(".loan", reference=found.reference), 303)


@bp.route("/items/loans/<reference>/cancel", methods=["GET", "POST"])
@residents
def cancel(reference: str) -> ResponseReturnValue:
    """Give up what was agreed, and say why."""
    found, person = _seen(reference), current_person()
    permit(policy.may_cancel, person, found)
    with Form(schemas.Why()) as form:
        if form.submitted:
            loans.cancel(person, found, form.data["reason"])
            tell(_("The loan is cancelled; the other side reads your reason."))
            return redirect(url_for(".loan", reference=found.reference), 303)
    if form.refusal:
        found = _seen(reference)
    still = policy.may_still_cancel(found, borrower=policy.borrows(person, found))
    return form.page("sharing/items/loans/cancel.html", loan=found, item=found.item, may_cancel=still)


# --- longer, and waiting ---


@bp.route("/items/loans/<reference>/longer", methods=["GET", "POST"])
@residents
def ask_longer(reference: str) -> ResponseReturnValue:
    """Ask to keep it for longer."""
    found, person = _seen(reference), current_person()
    permit(policy.borrows, person, found)
    with Form(schemas.Until()) as form:
        if form.submitted:
            longer.ask_longer(person, found, form.data["until"])
            tell(_("The owner is asked.") if found.longer_until else _("It is yours until the new last day."))
            return redirect(url_for(".loan", reference=found.reference), 303)
    if form.refusal:
        found = _seen(reference)
    return form.page("sharing/items/loans/longer.html", loan=found, item=found.item)


@bp.post("/items/loans/<reference>/longer/answer")
@residents
def answer_longer(reference: str) -> ResponseReturnValue:
    """Say whether it may be kept for longer."""
    found = _seen(reference)
    longer.allow_longer(current_person(), found, yes=request.form.get("answer") == "yes")
    tell(_("The borrower has been told."))
    return redirect(url_for(".loan", reference=found.reference), 303)


@bp.route("/items/<int:item_id>/wait", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def wait(item_id: int) -> ResponseReturnValue:
    """The line for a thing that others have: join it, see one's place, or leave."""
    person, item = current_person(), listings.get_item(item_id)
    reveal(policy.may_know, person, item, queries.member_of(person, item))
    with Form(schemas.Wait(), days=request.args.get("days", 1)) as form:
        if form.submitted:
            line.join(person, item, form.data["days"])
            tell(_("You are in line. We write to you when it is your turn."))
            return redirect(url_for(".wait", item_id=item_id), 303)
    if form.refusal:
        item = listings.get_item(item_id)
    place = lines.place_of(person, item)
    return form.page(
        "sharing/items/loans/wait.html",
        item=item, place=place, position=lines.position_of(place) if place else None,
        expected=lines.expected(item, place.days) if place else None, waiting=len(lines.waiting(item)),
        offered=_kept(place) if place else None,
        barred=policy.person_rule(item, person, queries.member_of(person, item)),
    )  # fmt: skip


def _kept(place: InLine) -> tuple[date, date] | None:
    """The days that are kept for someone."""
    if place.occupancy is None:
        return None
    first = clock.local(place.occupancy.starts_at).date()
    return first, first + timedelta(days=place.days - 1)


@bp.post("/items/<int:item_id>/wait/leave")
@residents
def leave_line(item_id: int) -> ResponseReturnValue:
    """Wait no longer."""
    item = listings.get_item(item_id)
    place = lines.place_of(current_person(), item)
    if place is not None:
        line.leave(place)
        if place.offered_until is not None:
            line.offer(item, clock.today() + timedelta(days=place.days))
        tell(_("You are no longer in line."))
    return redirect(url_for(".wait", item_id=item_id), 303)


# --- handing over ---


@bp.route("/items/loans/<reference>/give/<way>", methods=["GET", "POST"])
@residents
@takes_files
def give(reference: str, way: str) -> ResponseReturnValue:
    """Say how it is that one hands over."""
    direction = _way(way)
    found, person = _seen(reference), current_person()
    permit(policy.may_give, person, found, direction)
    before = queries.handovers_of(found).get(Way.OUT)
    usual = before.condition if before else found.item.condition
    counts = [part.count * found.quantity for part in found.item.accessories]
    with Form(schemas.Giving(), condition=usual.value, count=[str(count) for count in counts]) as form:
        if form.submitted:
            handing.offer(person, found, direction, **form.data)
            return redirect(url_for(".code", reference=found.reference, way=way), 303)
    if form.refusal:
        found = _seen(reference)
    return form.page(
        "sharing/items/loans/give.html",
        loan=found, item=found.item, way=way, conditions=list(Condition),
        expected=[(part.name, part.count * found.quantity) for part in found.item.accessories],
    )  # fmt: skip


@bp.get("/items/loans/<reference>/code/<way>")
@residents
def code(reference: str, way: str) -> ResponseReturnValue:
    """The six digits to show to the other side, and the same as a picture for their telephone."""
    direction = _way(way)
    found = _seen(reference)
    permit(policy.may_give, current_person(), found, direction)
    handover = queries.handovers_of(found).get(direction)
    if handover is None or handover.taken_at or found.state is not handing.BEFORE[direction]:
        return redirect(url_for(".loan", reference=found.reference), 303)
    digits = handing.code_of(handover)
    link = whole_address(url_for(".take", reference=found.reference, way=way, code=digits))
    picture = segno.make(link, error="m", micro=False).svg_inline(omitsize=True, light="white", lineclass=None)
    response = page(
        "sharing/items/loans/code.html",
        loan=found, item=found.item, way=way, digits=digits, used_up=handover.tries >= handing.TRIES,
        picture=Markup(picture),  # noqa: S704 - drawn here
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.route("/items/loans/<reference>/take/<way>", methods=["GET", "POST"])
@residents
@limited(*GUESSES)
@takes_files
def take(reference: str, way: str) -> ResponseReturnValue:
    """Enter the code, read what the giver says of the thing, and agree or say what is different."""
    direction = _way(way)
    found, person = _seen(reference), current_person()
    permit(policy.may_take, person, found, direction)
    form = Form(schemas.Taking(), code=request.args.get("code"))
    wrong = handing.try_code(found, direction, form.data["code"]) if form.submitted else None
    with form:
        if form.submitted:
            if wrong:
                raise wrong
            if form.data["answer"]:
                told = {"remark": form.data["remark"], "pictures": form.data["pictures"]}
                handing.take(person, found, direction, form.data["code"], agreed=form.data["answer"] == "yes", **told)
                tell(_("Both of you have confirmed it."))
                return redirect(url_for(".loan", reference=found.reference), 303)
            if form.data["seen"]:
                form.refuse("answer", _("Choose whether it is so."))
    if wrong:
        security.keep()  # the try counts
    if form.refusal:
        found = _seen(reference)
    handover = queries.handovers_of(found).get(direction) if form.sent and not wrong and form.data.get("code") else None
    return form.page(
        "sharing/items/loans/take.html",
        loan=found, item=found.item, way=way, handover=handover,
        pictures=of_subjects([subject("handover", handover.id)]) if handover else {},
    )  # fmt: skip


def _way(text: str) -> Way:
    """Out of the house, or back."""
    found = next((way for way in Way if way.value == text), None)
    if found is None:
        raise NotFound
    return found


# --- for staff ---


@bp.get("/items/loans/late")
@staff(*STAFF)
def late() -> Response:
    """What should have been back two weeks ago."""
    pages, shown = listed(queries.long_late())
    office = {"role": next(role for role in STAFF if current_person().is_a(role))}
    people = {side: office for one in shown for side in (one.borrower_id, one.item.owner_id) if side is not None}
    looked("items.late_loans", people)
    return page("sharing/items/loans/late.html", shown=shown, pages=pages)


@hooks.waits_at_desk.register
def waits_at_desk(person: Any) -> Queue | None:
    """What is two weeks late, for those who help between neighbours."""
    if not any(person.is_a(role) for role in STAFF):
        return None
    query = queries.long_late()
    count = db.count(query)
    waiting = [
        Waiting(
            f"{one.item.title} · {one.when}", url_for("loans.late"), clock.at(one.last_day + policy.STAFF_AFTER, 0), 1
        )
        for one in db.session.scalars(query.limit(SHOWN)).unique()
    ]
    return Queue(_l("Things not brought back"), url_for("loans.late"), count, waiting) if count else None


# --- parts ---


def _seen(reference: str) -> Loan:
    found, person = queries.get_loan(reference), current_person()
    reveal(policy.may_see, person, found)
    if found.item.library is not None and not policy.borrows(person, found):
        looked("items.loan", {found.borrower_id: policy.office(person, found.item.library)})
    return found


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
