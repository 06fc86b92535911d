"""What mediators decided that the city's insurance fund pays: the pages of those who keep it."""

from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Person
from marketplace.civic.credits.policy import STAFF
from marketplace.civic.credits.queries import fund_balance
from marketplace.kernel import db, hooks, looking
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.money import show
from marketplace.kernel.words import _, _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.problems import Problem
from marketplace.sharing.items.queries import problems as queries
from marketplace.sharing.items.schemas.loans import Nothing
from marketplace.sharing.items.service import problems
from marketplace.web.access import current_person, staff, stepped_up
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import has_fund, page, paging, tell

bp = Blueprint("fund", __name__)

SHOWN = 5
DUE = _l("Payments due from the insurance fund")
looking.page("items.fund_due", _l("What the insurance fund pays for one of your loans"))


@bp.get("/items/problems/fund")
@staff(*STAFF)
def due() -> Response:
    """What the fund has to pay."""
    _expect_fund()
    query = queries.to_pay(current_person())
    pages = paging(db.count(query))
    shown = queries.with_loans(query.limit(pages.size).offset(pages.offset))
    _on_record(*shown)
    return page("sharing/items/problems/fund.html", shown=shown, pages=pages, balance=fund_balance())


@bp.route("/items/problems/<int:problem_id>/fund", methods=["GET", "POST"])
@staff(*STAFF)
@stepped_up
def pay(problem_id: int) -> ResponseReturnValue:
    """See it once more, and have it paid."""
    _expect_fund()
    person, found = current_person(), queries.get_problem(problem_id)
    reveal(_sees, person, found)
    with Form(Nothing()) as form:
        if form.submitted:
            problems.pay(person, found)
            tell(_("Paid. The owner has been told."))
            return redirect(url_for(".due"), 303)
    if form.refusal:
        found = queries.get_problem(problem_id)
    _on_record(found)
    return form.page("sharing/items/problems/pay.html", problem=found, loan=found.loan, balance=fund_balance())


def _sees(person: Person, found: Problem) -> bool:
    """Who may pay sees what the fund pays or paid, and nothing else of problems."""
    return policy.may_pay(person, found) and found.is_final and found.due is not None and found.due.from_fund > 0


def _expect_fund() -> None:
    if not has_fund():
        raise NotFound


def _on_record(*shown: Problem) -> None:
    """Put down for the people of these problems who reads what was decided."""
    role = next(role for role in STAFF if current_person().is_a(role))
    people = {side for one in shown for side in (one.borrower_id, one.owner_id) if side is not None}
    looked("items.fund_due", {side: {"role": role} for side in people})


@hooks.fund_links.register
def fund_links() -> tuple[object, str]:
    """The way from the page of the fund."""
    return DUE, url_for("fund.due")


@hooks.waits_at_desk.register
def waits_at_desk(person: Any) -> Queue | None:
    """What the fund has to pay."""
    if not has_fund() or not any(person.is_a(role) for role in STAFF):
        return None
    query = queries.to_pay(person)
    waiting = [_waiting(one) for one in queries.with_loans(query.limit(SHOWN))]
    return Queue(DUE, url_for("fund.due"), db.count(query), waiting) if waiting else None


def _waiting(one: Problem) -> Waiting:
    amount = show(one.due.from_fund) if one.due else ""
    title = _("{amount} for {item}", amount=amount, item=one.loan.item.title)
    return Waiting(title, url_for("fund.pay", problem_id=one.id), None, 1)
