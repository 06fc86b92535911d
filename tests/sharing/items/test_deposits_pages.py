"""Deposits in time credits and payments of the fund on pages: what both sides read, and those who keep the fund."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.credits import queries as credit_queries
from marketplace.civic.credits import service as time_credits
from marketplace.kernel import audit, db, words
from marketplace.sharing.items.models.lending import Loan
from marketplace.sharing.items.models.listing import DepositUnit, Item
from marketplace.sharing.items.models.problems import Remedy
from marketplace.sharing.items.service import loans, problems
from tests.factories import item, loan, neighbour, sign_in, with_credits
from tests.sharing.items.test_deposits import DEPOSIT, PURSE, borrower, by_the_fund, drill, has, keeper
from tests.sharing.items.test_listing_pages import THREE, fill_in, only_item
from tests.sharing.items.test_listing_pages import owner as owner
from tests.sharing.items.test_loans import anew, at, owner_of
from tests.sharing.items.test_loans_pages import as_borrower, as_owner, path
from tests.sharing.items.test_problems import again, back, known, moderator, reported

ASKED = {"first": "2027-03-04", "last": "2027-03-06", "message": "For shelves"}


@pytest.fixture
def with_fund(app, monkeypatch):
    """The city switched the fund on."""
    monkeypatch.setitem(app.extensions, "settings", replace(app.extensions["settings"], insurance_fund=True))


# --- the thing ---


def test_an_owner_asks_for_time_instead_of_money(browser, owner):
    fill_in(browser, **THREE, deposit_hours="1", deposit_minutes="30")
    made = only_item()
    assert (made.deposit, made.deposit_unit) == (DEPOSIT, DepositUnit.TIME)
    change = browser.get(f"/items/{made.id}/change").text
    assert 'name="deposit_hours" type="text" value="1"' in change
    assert "1 hour 30 minutes of time credit as a deposit" in browser.get(f"/items/{made.id}").text
    assert "1 hour 30 minutes of time credit as a deposit" in browser.get("/items/").text
    told = browser.get(f"/api/v1/items/{made.id}").json
    assert (told["deposit"], told["deposit_unit"]) == (DEPOSIT, "time")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"deposit": "5000", "deposit_hours": "1"}, "Choose one: a deposit in money or one in time credits."),
        ({"deposit_hours": "101"}, "Enter a number from 0 to 100."),
        ({"deposit_minutes": "60"}, "Enter a number from 0 to 59."),
    ],
)
def test_a_deposit_is_of_one_unit(browser, owner, typed, sentence):
    answer = fill_in(browser, **THREE, **typed)
    assert answer.status_code == 422
    assert sentence in answer.text


# --- the loan ---


def test_a_borrower_reads_what_is_put_aside_and_when_it_comes_back(browser, monday):
    minsu, thing = borrower(), drill()
    sign_in(browser, minsu)
    page = browser.get(f"/items/{thing.id}/borrow").text
    assert "1 hour 30 minutes of time credit" in page
    assert "a day after you brought the thing back" in page
    assert "You can use 2 hours." in page
    assert "settled between the two" not in page

    assert browser.send(f"/items/{thing.id}/borrow", **ASKED).status_code == 303
    one = db.session.scalars(sa.select(Loan)).one()
    assert "put aside until the loan is over" in browser.get(path(one)).text
    as_owner(browser, one)
    for place in (path(one), path(one, "/answer")):
        assert "1 hour 30 minutes of time credit, put aside until the loan is over" in browser.get(place).text
    loans.withdraw(anew(one).borrower, anew(one))
    as_borrower(browser, one)
    assert "1 hour 30 minutes of time credit, given back" in browser.get(path(one)).text


def test_too_few_credits_are_said_beside_what_was_typed(browser, monday):
    thing = drill()
    sign_in(browser, borrower(60))
    answer = browser.send(f"/items/{thing.id}/borrow", **ASKED)
    assert answer.status_code == 409
    for said in ("you are 30 minutes short", "You can use 1 hour.", 'href="/credits/"', "For shelves", "2027-03-04"):
        assert said in answer.text
    assert db.count(sa.select(Loan.id)) == 0


def test_both_statements_name_the_loan_and_lead_to_it(browser, monday):
    minsu = borrower()
    found = reported(back(monday, thing=drill(), by=minsu))
    owner = owner_of(found.loan.item)
    offered = problems.offer(found.loan.borrower, found, Remedy.DEPOSIT, minutes=30)
    problems.accept(owner, found, offered.id)
    one = anew(found.loan)
    as_borrower(browser, one)
    shown = browser.get("/credits/").text
    assert "Your deposits" in shown
    assert shown.count(f'href="{path(one)}"') == 2  # the deposit, and its movement
    monday(at(8, 0))
    loans.run_out()
    for sign, movements in ((as_borrower, 2), (as_owner, 1)):
        sign(browser, one)
        shown = browser.get("/credits/").text
        assert shown.count(f'href="{path(one)}"') == movements
        assert "Cordless drill" in shown
        assert "Cordless drill" in browser.get("/credits/statement.csv").text
    assert "1 hour 30 minutes of time credit, of which 30 minutes was kept" in browser.get(path(one)).text


def test_a_part_of_the_deposit_is_proposed_and_decided_in_hours(browser, monday):
    found = reported(back(monday, thing=drill(), by=borrower()))
    one = found.loan
    as_borrower(browser, one)
    offer = path(one, "/problem/offer")
    assert "The deposit is 1 hour 30 minutes" in browser.send(offer, remedy="deposit", hours="2").text
    assert browser.send(offer, remedy="deposit", hours="1", minutes="10").status_code == 303
    as_owner(browser, one)
    assert (
        "Of the deposit, 1 hour 10 minutes is kept and 20 minutes returned" in browser.get(path(one, "/problem")).text
    )

    problems.ask_mediator(owner_of(anew(one).item), again(found))
    sign_in(browser, moderator())
    place = f"/items/problems/{found.id}"
    assert "time credit: at most 1 hour 30 minutes" in browser.get(place).text
    assert browser.send(place, remedy="deposit", minutes="45", reason="Half.").status_code == 303
    problems.appeal(again(found).loan.borrower, again(found), "No.")
    sign_in(browser, moderator())
    assert 'name="minutes" type="text" value="45"' in browser.get(place).text


def test_pages_cost_the_same_however_much_is_put_down(browser, monday, statements):
    minsu = with_credits(neighbour(), 100 * DEPOSIT)
    sign_in(browser, minsu)
    owner_id = owner_of(drill()).id

    def cost(page: str) -> int:
        with statements() as seen:
            assert browser.get(page).status_code == 200
        return len(seen)

    def borrow(day: int) -> Loan:
        lender = db.session.get_one(Person, owner_id)
        thing = item(owner=lender, deposit=DEPOSIT, deposit_unit=DepositUnit.TIME)
        return loan(thing, day, day, by=db.session.get_one(Person, minsu.id))

    first = borrow(4)
    pages = ("/credits/", "/items/loans", path(first))
    few = [cost(page) for page in pages]
    for _ in range(4):
        borrow(5)
    assert [cost(page) for page in pages] == few
    in_money = loan(item(owner=db.session.get_one(Person, owner_id), deposit=5_000), 9, 9, by=minsu)
    assert cost(path(first)) == cost(path(in_money)) + 1


# --- the fund ---


def test_where_there_is_no_fund_nobody_is_offered_it(browser, monday):
    found = reported(back(monday))
    problems.ask_mediator(found.loan.borrower, found)
    sign_in(browser, moderator())
    place = f"/items/problems/{found.id}"
    assert "insurance fund" not in browser.get(place).text
    answer = browser.send(place, remedy="fund", amount="1000", reason="So.")
    assert (answer.status_code, "The insurance fund cannot be chosen here." in answer.text) == (422, True)
    sign_in(browser, keeper())
    for page in ("/items/problems/fund", f"{place}/fund"):
        assert browser.get(page).status_code == 404


@pytest.mark.usefixtures("with_fund")
def test_a_mediator_decides_and_whoever_keeps_the_fund_pays_once(browser, monday):
    found = reported(back(monday))
    as_borrower(browser, found.loan)
    assert "insurance fund" not in browser.get(path(found.loan, "/problem")).text
    problems.ask_mediator(again(found).loan.borrower, again(found))
    sign_in(browser, moderator())
    place = f"/items/problems/{found.id}"
    assert "insurance fund pays a sum" in browser.get(place).text
    assert browser.send(place, remedy="fund", amount="20000", reason="Nobody is to blame.").status_code == 303
    clerk = keeper()
    sign_in(browser, clerk)
    assert browser.get(f"{place}/fund").status_code == 404  # it may still be appealed
    monday(at(20))
    problems.run_out()
    db.session.commit()

    sign_in(browser, clerk)
    assert f"{place}/fund" in browser.get("/desk").text
    assert "/items/problems/fund" in browser.get("/credits/staff/fund").text
    due = browser.get("/items/problems/fund").text
    assert "₩20,000 for Cordless drill" in due
    assert "Nobody is to blame." in due
    assert "Minsu Lee" in browser.get(f"{place}/fund").text
    refused = browser.send(f"{place}/fund")
    assert (refused.status_code, "There is only ₩0 in the fund." in refused.text) == (409, True)

    time_credits.pay_fund(known(clerk.id), 50_000, "From the budget")
    db.session.commit()
    sent = {"_key": "once"}
    assert [browser.send(f"{place}/fund", **sent).status_code for _ in range(2)] == [303, 303]
    assert browser.send(f"{place}/fund").status_code == 409
    assert credit_queries.fund_balance() == 30_000
    assert "Paid: ₩20,000" in browser.get(f"{place}/fund").text
    assert "Nothing is to be paid" in browser.get("/items/problems/fund").text
    assert f"{place}/fund" not in browser.get("/desk").text
    as_owner(browser, again(found).loan)
    assert "The fund has paid." in browser.get(path(found.loan, "/problem")).text
    assert "The city&#39;s fund pays: Cordless drill" in browser.get("/inbox").text
    looks = sa.select(audit.AuditEntry.subject).where(audit.AuditEntry.action == "items.fund_due.looked")
    assert set(db.session.scalars(looks)) == {f"person:{found.borrower_id}", f"person:{found.owner_id}"}


@pytest.mark.usefixtures("with_fund")
def test_nobody_else_finds_what_the_fund_pays_and_no_side_among_staff(browser, monday):
    found = by_the_fund(monday)
    owner = owner_of(found.loan.item)
    for other in (owner, found.loan.borrower, moderator(), neighbour()):
        sign_in(browser, other)
        for page in ("/items/problems/fund", f"/items/problems/{found.id}/fund"):
            assert browser.get(page).status_code == 404
    clerk = keeper()
    db.session.execute(sa.update(Item).values(owner_id=clerk.id))
    db.session.execute(sa.text("UPDATE loan_problems SET owner_id = :id"), {"id": clerk.id})
    db.session.commit()
    sign_in(browser, clerk)
    assert "Nothing is to be paid" in browser.get("/items/problems/fund").text
    assert browser.get(f"/items/problems/{found.id}/fund").status_code == 404
    assert browser.send(f"/items/problems/{found.id}/fund").status_code == 404


@pytest.mark.usefixtures("with_fund")
def test_the_list_of_payments_costs_the_same_however_long(browser, monday, statements):
    clerk = keeper()

    def cost() -> int:
        sign_in(browser, clerk)
        assert browser.get("/my").status_code == 200
        with statements() as seen:
            assert browser.get("/items/problems/fund").status_code == 200
        return len(seen)

    by_the_fund(monday)
    few = cost()
    for _ in range(3):
        monday(at(1, 9))
        by_the_fund(monday)
    assert cost() == few


@pytest.mark.usefixtures("with_fund")
@pytest.mark.parametrize("language", list(words.LANGUAGES))
def test_every_page_opens_in_both_languages(browser, monday, language):
    found = by_the_fund(monday)
    sign_in(browser, neighbour(roles=[Role.ADMINISTRATOR]))
    for page in ("/items/problems/fund", f"/items/problems/{found.id}/fund"):
        assert browser.get(f"{page}?language={language}").status_code == 200
    minsu = borrower()
    sign_in(browser, minsu)
    assert browser.get(f"/items/{drill().id}/borrow?language={language}").status_code == 200
    assert has(minsu) == PURSE
