"""The pages of time credits and of the fund: who sees what, what it costs, and every wrong way to use them."""

import csv
import io
import json
from dataclasses import replace

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.credits import queries, service
from marketplace.civic.credits.models import Grant
from marketplace.kernel import db, ledger
from tests.factories import booking, march, person, sign_in, space, with_credits


@pytest.fixture
def clerk():
    return person("A clerk", roles=[Role.ADMINISTRATOR])


@pytest.fixture
def minsu():
    return person("Minsu", "minsu@example.org")


@pytest.fixture
def with_fund(app, monkeypatch):
    """The city switched the fund on."""
    monkeypatch.setitem(app.extensions, "settings", replace(app.extensions["settings"], insurance_fund=True))


# --- one's own ---


def test_before_the_first_credit_the_page_says_so(browser, minsu):
    shown = sign_in(browser, minsu).get("/credits/").text
    assert "0 minutes" in shown
    assert "Nothing has moved yet" in shown
    assert sign_in(browser, minsu).get("/credits/statement.csv").status_code == 200


def test_everyone_sees_their_own_credits_alone(browser, clerk, minsu):
    service.give(clerk, minsu, 90, "Helped in the <library>")
    service.pay(minsu, person("Sora"), 30, "loan:1")

    shown = sign_in(browser, minsu).get("/credits/").text
    assert "Helped in the &lt;library&gt;" in shown
    assert "+1 hour 30 minutes" in shown
    assert "−30 minutes" in shown
    assert "then 1 hour" in shown
    assert "library" not in sign_in(browser, person()).get("/credits/").text
    assert browser.get("/my").text.count('href="/credits/"') == 1


def test_what_a_movement_is_about_is_named_and_linked_to_those_who_may_see_it(browser, minsu):
    reserved = booking(space("Reading room"), march(11, 10, 11), by=minsu)
    sora = person("Sora")
    with_credits(minsu, 100)
    service.pay(minsu, sora, 30, f"booking:{reserved.id}")
    service.hold_deposit(minsu, 30, f"booking:{reserved.id}")

    own = sign_in(browser, minsu).get("/credits/").text
    theirs = sign_in(browser, sora).get("/credits/").text

    assert own.count(reserved.reference) >= 2
    assert "Agreed between the two" in theirs
    assert reserved.reference not in theirs


def test_the_page_costs_as_many_statements_for_many_movements_as_for_few(browser, clerk, minsu, statements):
    def counted() -> int:
        with statements() as made:
            assert browser.get("/credits/").status_code == 200
        return len(made)

    sign_in(browser, minsu)
    for turn in range(2):
        service.give(clerk, minsu, 1, f"Helped {turn}")
        service.hold_deposit(minsu, 1, f"booking:{turn}")
    few = counted()
    for turn in range(8):
        service.give(clerk, minsu, 1, f"Helped again {turn}")
        service.hold_deposit(minsu, 1, f"booking:{turn + 10}")

    assert counted() == few


def test_long_statements_come_in_pages_whose_balances_join(browser, clerk, minsu):
    for _ in range(25):
        service.give(clerk, minsu, 10, "Helped")
    sign_in(browser, minsu)

    assert "then 1 hour\n" not in browser.get("/credits/").text
    second = browser.get("/credits/?page=2").text
    assert "then 50 minutes" in second
    assert "then 1 hour<" not in second
    assert browser.get("/credits/?page=3").status_code == 404


def test_the_file_has_every_movement_and_no_formula(browser, clerk, minsu):
    service.give(clerk, minsu, 90, "=HYPERLINK(1)")
    service.pay(minsu, person(), 30, "loan:1")

    answer = sign_in(browser, minsu).get("/credits/statement.csv")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))

    assert answer.headers["Content-Disposition"] == "attachment; filename=time-credits.csv"
    assert [row[2:] for row in rows[1:]] == [["", "-30", "60"], ["'=HYPERLINK(1)", "90", "90"]]


# --- given by staff ---


def test_staff_find_no_page_about_anyone_s_balance_and_residents_none_at_all(browser, minsu):
    for path in ("", "give", "agreements", "agreements/offer", "fund"):
        assert sign_in(browser, minsu).get(f"/credits/staff/{path}").status_code == 404


def test_staff_give_by_address_and_see_what_they_gave(browser, clerk, minsu):
    sign_in(browser, clerk)
    typed = {"email": " Minsu@example.org", "hours": "1", "minutes": "30", "reason": "Helped", "_key": "1"}
    for _ in range(2):  # sent twice, given once
        assert browser.send("/credits/staff/give", **typed).status_code == 303
    account = queries.wallet(minsu)
    assert account
    assert account.balance == 90
    shown = browser.get("/credits/staff/").text
    assert "1 hour 30 minutes for Minsu" in shown
    assert "account of" not in shown

    colleague = person("A colleague", roles=[Role.ADMINISTRATOR])
    sign_in(browser, colleague)
    assert "for Minsu" not in browser.get("/credits/staff/").text
    assert "for Minsu" in browser.get("/credits/staff/?show=all").text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"email": "nobody@example.org"}, "Nobody has confirmed this e-mail address"),
        ({"email": "unconfirmed@example.org"}, "Nobody has confirmed this e-mail address"),
        ({"hours": "", "minutes": ""}, "Enter hours or minutes."),
        ({"hours": "25"}, "Enter at most 24 hours at once."),
        ({"hours": "many"}, "Enter a whole number."),
        ({"minutes": "60"}, "Enter a number from 0 to 59."),
        ({"reason": ""}, "Enter what it is for."),
        ({"reason": "x" * 301}, "Enter 3 to 300 characters."),
    ],
)
def test_what_cannot_be_given_is_said_beside_what_was_typed(browser, clerk, minsu, changes, sentence):
    person("Not yet", "unconfirmed@example.org", confirmed=False)
    typed = {"email": minsu.email, "hours": "1", "minutes": "30", "reason": "Helped at the library"} | changes

    answer = sign_in(browser, clerk).send("/credits/staff/give", **typed)

    assert answer.status_code in (409, 422)
    assert sentence in answer.text
    assert all(value in answer.text for value in typed.values())
    assert db.count(sa.select(Grant)) == 0


def test_a_grant_is_taken_back_by_a_button(browser, clerk, minsu):
    grant = service.give(clerk, minsu, 60, "Helped")
    sign_in(browser, clerk)

    assert browser.send(f"/credits/staff/{grant.id}/take-back").status_code == 303
    assert "Taken back" in browser.get("/credits/staff/").text
    assert browser.send(f"/credits/staff/{grant.id}/take-back").status_code == 409
    assert browser.send("/credits/staff/999/take-back").status_code == 404


# --- agreements ---


def test_an_offer_waits_for_its_person_who_agrees_and_ends_it(browser, clerk, minsu):
    sign_in(browser, clerk)
    assert browser.send("/credits/staff/agreements/offer", email=minsu.email, hours="2").status_code == 303
    assert "Not answered" in browser.get("/credits/staff/agreements").text

    sign_in(browser, minsu)
    assert "The city offers that you may go 2 hours below zero" in browser.get("/my").text
    assert "I agree" in browser.get("/credits/agreement").text
    assert browser.send("/credits/agreement", answer="agree").status_code == 303
    assert "You agreed with the city" in browser.get("/credits/").text
    assert "offers" not in browser.get("/my").text
    assert browser.send("/credits/agreement", answer="agree").status_code == 409
    assert browser.send("/credits/agreement", answer="end").status_code == 303
    assert "You have no agreement" in browser.get("/credits/agreement").text
    assert browser.send("/credits/agreement", answer="end").status_code == 200


def test_who_is_suspended_agrees_to_nothing(browser, clerk, minsu, monday):
    service.offer(clerk, minsu, 60)
    minsu.suspended_until = march(20, 0, 1).ends_at
    sign_in(browser, minsu)

    assert browser.send("/credits/agreement", answer="agree").status_code == 403
    account = queries.wallet(minsu)
    assert account is None or account.floor == 0


def test_staff_take_an_offer_back(browser, clerk, minsu):
    offered = service.offer(clerk, minsu, 60)
    sign_in(browser, clerk)
    assert browser.send(f"/credits/staff/agreements/{offered.id}/end").status_code == 303
    assert browser.send(f"/credits/staff/agreements/{offered.id}/end").status_code == 409
    assert "There is no agreement" in browser.get("/credits/staff/agreements").text


# --- the fund ---


def test_without_the_setting_there_is_no_fund(browser, clerk):
    sign_in(browser, clerk)
    assert browser.get("/credits/fund").status_code == 404
    assert browser.get("/credits/staff/fund").status_code == 404
    assert "/credits/staff/fund" not in browser.get("/credits/staff/").text


@pytest.mark.usefixtures("with_fund")
def test_staff_keep_the_fund_with_reasons(browser, clerk):
    sign_in(browser, clerk)
    for way, amount, reason in (("in", "100,000", "From the budget"), ("out", "30000", "A broken drill")):
        answer = browser.send("/credits/staff/fund", way=way, amount=amount, reason=reason, _key=way)
        assert answer.status_code == 303
    shown = browser.get("/credits/staff/fund").text
    assert "₩70,000" in shown
    assert "₩30,000 paid out" in shown
    assert "A broken drill" in shown
    for amount, sentence in (
        ("70001", "There is only ₩70,000 in the fund."),
        ("0", "Enter an amount of money, such as 3000."),
        ("much", "Enter an amount of money, such as 3000."),
        ("9" * 40, "Enter an amount of money, such as 3000."),
        ("", "Enter an amount."),
    ):
        answer = browser.send("/credits/staff/fund", way="out", amount=amount, reason="A car")
        assert sentence in answer.text, amount
        assert "A car" in answer.text


@pytest.mark.usefixtures("with_fund")
def test_everyone_reads_what_the_fund_does_but_not_of_few_payments(browser, clerk):
    service.pay_fund(clerk, 100_000, "From the budget")
    for _ in range(4):
        service.pay_fund(clerk, -1_000, "A broken drill")
    few = browser.get("/credits/fund").text
    assert "₩100,000" in few
    assert "fewer than 5 times" in few
    assert "96,000" not in few
    assert "4,000" not in few

    service.pay_fund(clerk, -1_000, "A broken drill")
    many = browser.get("/credits/fund").text
    assert "₩95,000" in many
    assert "₩5,000" in many
    assert "drill" not in many


# --- for operators ---


def test_the_command_works_every_balance_out_again(app, live_database):
    with db.transaction():
        wallet = ledger.open_account("person:1", "wallet", "time")
        issue = ledger.open_account("city", "issue", "time", floor=None)
        ledger.move(issue, wallet, 5, why="granted", subject="x:1", key="x", by=None)
    verify = app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert verify.exit_code == 0
    assert json.loads(verify.output)["problems"] == 0
    with db.transaction() as session:
        trigger = "ledger_accounts_moved" if db.is_sqlite() else "ledger_accounts_only_moved ON ledger_accounts"
        session.execute(sa.text(f"DROP TRIGGER {trigger}"))
        session.execute(sa.text("UPDATE ledger_accounts SET balance = 9 WHERE kind = 'wallet'"))
    verify = app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert verify.exit_code == 1
    assert "the balance is 9, its movements make 5" in verify.output
