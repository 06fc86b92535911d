"""Time credits for residents: what one has, every movement, agreements; and the fund for everyone."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.credits import policy, queries, schemas, service
from marketplace.civic.credits.models import Deposit, Why, show
from marketplace.kernel import clock, db, disclosure, hooks, ledger, tables, things
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.ledger import Line
from marketplace.kernel.things import Thing
from marketplace.kernel.words import _, _l
from marketplace.web.access import current_person, public, residents
from marketplace.web.downloads import attachment
from marketplace.web.forms import Form
from marketplace.web.pages import has_fund, page, paging, tell

bp = Blueprint("credits", __name__, url_prefix="/credits")
bp.add_app_template_filter(show, "credits")

A_YEAR = timedelta(days=365)


@bp.get("/")
@residents
def mine() -> Response:
    """How many time credits one has, what is held of them, and every movement."""
    person = current_person()
    account = queries.wallet(person)
    pages = paging(db.count(ledger.movements_of(account)) if account else 0)
    lines = list(ledger.statement(account, offset=pages.offset, limit=pages.size)) if account else []
    deposits = queries.deposits_of(person)
    return page(
        "civic/credits/mine.html",
        account=account, pages=pages, lines=lines, whys={why.value: why.words for why in Why},
        deposits=deposits, about=_about(lines, deposits), reasons=queries.reasons(lines),
        overdraft=queries.overdraft_of(person),
    )  # fmt: skip


@bp.get("/statement.csv")
@residents
def statement() -> Response:
    """Every movement of one's time credits as a table."""
    account = queries.wallet(current_person())
    lines = list(ledger.statement(account)) if account else []
    said = queries.reasons(lines) | {name: thing.title for name, thing in _about(lines).items()}
    head = [_("Date"), _("What for"), _("About"), _("Minutes"), _("Balance in minutes")]
    rows = (
        (
            clock.local(line.movement.made_at).isoformat(timespec="minutes"),
            Why(line.movement.why).words,
            said.get(line.movement.subject),
            line.change,
            line.balance,
        )
        for line in lines
    )
    return attachment(tables.csv_text(head, rows), "time-credits.csv", "text/csv; charset=utf-8")


def _about(lines: Iterable[Line], deposits: Iterable[Deposit] = ()) -> dict[str, Thing]:
    """The things that movements and deposits are about, as far as the person may see them."""
    subjects = [line.movement.subject for line in lines] + [one.subject for one in deposits]
    found = things.find_all(subjects)
    return {name: thing for name, thing in found.items() if thing.seen_by(current_person())}


@bp.route("/agreement", methods=["GET", "POST"])
@residents
def agreement() -> ResponseReturnValue:
    """The city's offer to go below zero, to agree to or not; later, the agreement, to end it."""
    person = current_person()
    overdraft = queries.overdraft_of(person)
    with Form(schemas.Answer()) as form:
        if form.submitted and overdraft is not None:
            if form.data["answer"] == "agree":
                expect_may_act(person)
                service.agree(person, overdraft)
                tell(_("You agreed. Your time credits may now go below zero."))
            else:
                service.end(person, overdraft)
                tell(_("Your time credits do not go below zero."))
            return redirect(url_for(".mine"), 303)
    account = queries.wallet(person)
    return form.page("civic/credits/agreement.html", overdraft=overdraft, account=account)


@bp.get("/fund")
@public
def fund() -> Response:
    """What is in the insurance fund, and what it paid within a year; where the city has none there is no such page."""
    if not has_fund():
        raise NotFound
    paid_in, paid_out, count = queries.fund_sums(clock.now() - A_YEAR)
    few = 0 < count < disclosure.LEAST
    return page(
        "civic/credits/fund.html",
        balance=queries.fund_balance() if not few else None, paid_in=paid_in, paid_out=paid_out if not few else None,
        count=count if not few else None, least=disclosure.LEAST,
    )  # fmt: skip


@hooks.account_links.register
def account_links(person: Any) -> tuple[object, list[tuple[object, str]]]:
    """The pages above, for my page; for those who give credits, theirs too."""
    links: list[tuple[object, str]] = [(_l("My time credits"), url_for("credits.mine"))]
    if policy.may_give(person):
        links.append((_l("Give time credits"), url_for("credits_staff.grants")))
    return _l("Time credits"), links


@hooks.waits_for_me.register
def waits_for_me(person: Any) -> Queue | None:
    """An offer of the city that is not answered."""
    overdraft = queries.overdraft_of(person)
    if overdraft is None or overdraft.agreed_at is not None:
        return None
    href = url_for("credits.agreement")
    title = _("The city offers that you may go {most} below zero", most=show(overdraft.most))
    return Queue(_l("Time credits"), href, 1, [Waiting(title, href)])
