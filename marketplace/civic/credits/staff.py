"""For staff: giving time credits for a reason, offering agreements, and keeping the insurance fund."""

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.queries import somebody
from marketplace.civic.accounts.views import HOUR, own_session
from marketplace.civic.credits import policy, queries, schemas, service
from marketplace.civic.credits.models import show
from marketplace.kernel import hooks
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _
from marketplace.web.access import current_person, staff, stepped_up
from marketplace.web.forms import Form
from marketplace.web.pages import has_fund, listed, page, tell
from marketplace.web.security import Limit, limited

bp = Blueprint("credits_staff", __name__, url_prefix="/credits/staff")

GIFTS = Limit("time credits given", 60, HOUR, own_session)


@bp.get("/")
@staff(*policy.STAFF)
def grants() -> Response:
    """What one gave oneself, or what all staff gave."""
    everyone = request.args.get("show") == "all"
    pages, shown = listed(queries.grants(None if everyone else current_person()))
    return page(
        "civic/credits/grants.html", shown=shown, pages=pages, everyone=everyone, fund=has_fund()
    )  # fmt: skip


@bp.route("/give", methods=["GET", "POST"])
@staff(*policy.STAFF)
@limited(GIFTS)
def give() -> ResponseReturnValue:
    """Give someone time credits, for a reason that they read."""
    with Form(schemas.GrantDetails()) as form:
        if form.submitted:
            person = somebody(form.data["email"])
            grant = service.give(current_person(), person, _minutes(form), form.data["reason"])
            tell(_("{amount} given to {name}, who is told.", amount=show(grant.amount), name=person.name))
            return redirect(url_for(".grants"), 303)
    return form.page("civic/credits/give.html", most=show(policy.MOST_AT_ONCE))


@bp.post("/<int:grant_id>/take-back")
@staff(*policy.STAFF)
def take_back(grant_id: int) -> ResponseReturnValue:
    """Undo a grant made by mistake."""
    service.take_back(current_person(), queries.get_grant(grant_id))
    tell(_("Taken back. The person is told."))
    return redirect(url_for(".grants"), 303)


@bp.get("/agreements")
@staff(*policy.STAFF)
def agreements() -> Response:
    """Who may go below zero, and whom it was offered."""
    pages, shown = listed(queries.overdrafts())
    return page("civic/credits/agreements.html", shown=shown, pages=pages, fund=has_fund())


@bp.route("/agreements/offer", methods=["GET", "POST"])
@staff(*policy.STAFF)
@limited(GIFTS)
def offer() -> ResponseReturnValue:
    """Offer someone to go below zero."""
    with Form(schemas.Amount()) as form:
        if form.submitted:
            person = somebody(form.data["email"])
            service.offer(current_person(), person, _minutes(form))
            tell(_("Offered to {name}, who is told and has to agree.", name=person.name))
            return redirect(url_for(".agreements"), 303)
    return form.page("civic/credits/offer.html", most=show(policy.MOST_BELOW))


@bp.post("/agreements/<int:overdraft_id>/end")
@staff(*policy.STAFF)
def end(overdraft_id: int) -> ResponseReturnValue:
    """Take an offer back, or end an agreement."""
    service.end(current_person(), queries.get_overdraft(overdraft_id))
    tell(_("Ended. The person is told."))
    return redirect(url_for(".agreements"), 303)


@bp.route("/fund", methods=["GET", "POST"])
@staff(*policy.STAFF)
@stepped_up
def fund() -> ResponseReturnValue:
    """Put down what was paid into the insurance fund or out of it."""
    if not has_fund():
        raise NotFound
    with Form(schemas.FundPaymentDetails()) as form:
        if form.submitted:
            sign = 1 if form.data["way"] == "in" else -1
            service.pay_fund(current_person(), sign * form.data["amount"], form.data["reason"])
            tell(_("The payment is put down."))
            return redirect(url_for(".fund"), 303)
    pages, shown = listed(queries.fund_payments())
    return form.page(
        "civic/credits/fund_payments.html",
        shown=shown, pages=pages, balance=queries.fund_balance(), links=hooks.fund_links.ask(),
    )  # fmt: skip


def _minutes(form: Form) -> int:
    return int(form.data["hours"]) * policy.HOUR + int(form.data["minutes"])
