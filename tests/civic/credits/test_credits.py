"""Time credits: given for a reason, moved by agreement, held for a deposit, never below what was agreed."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.credits import errors, policy, queries, service
from marketplace.civic.credits.models import CITY, Deposit, Grant, Overdraft, show
from marketplace.civic.notifications.models import Notice
from marketplace.civic.privacy.service import erasure
from marketplace.kernel import clock, db, hooks, ledger, words
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.errors import Forbidden
from tests.conftest import MONDAY
from tests.factories import person, with_credits

HOUR = 60


def has(who) -> int:
    account = queries.wallet(who)
    if account is None:
        return 0
    db.session.refresh(account)
    return account.balance


def told(who) -> list[str]:
    return list(db.session.scalars(sa.select(Notice.title).where(Notice.person_id == who.id).order_by(Notice.id)))


@pytest.fixture(autouse=True)
def nothing_is_lost():
    yield
    assert ledger.verify() == []


@pytest.fixture
def clerk():
    return person("A clerk", roles=[Role.ADMINISTRATOR])


# --- given by staff ---


def test_staff_give_for_a_reason_on_record_and_the_person_is_told(clerk):
    minsu = person("Minsu")

    grant = service.give(clerk, minsu, 90, "Helped in the library")
    db.session.commit()

    assert has(minsu) == 90
    assert told(minsu) == ["1 hour 30 minutes came to your time credits: Given by the city"]
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "credits.given")).one()
    assert (entry.actor_id, entry.subject) == (clerk.id, f"person:{minsu.id}")
    assert entry.detail == {"amount": 90, "grant": grant.id}


def test_the_letter_holds_the_reason(clerk, letters):
    service.give(clerk, person("Minsu"), 90, "Helped in the library")
    db.session.commit()

    (letter,) = letters()
    assert "1 hour 30 minutes came to your time credits" in letter
    assert "Reason: Helped in the library" in letter
    assert "http://localhost/credits/" in letter


def test_nobody_is_told_in_another_language_than_their_own(clerk):
    minsu = person("Minsu", language="ko")

    service.give(clerk, minsu, 90, "Helped")

    with words.speaking("ko"):
        assert "1시간 30분" in told(minsu)[0]


def test_residents_give_nothing_and_staff_nothing_to_themselves(clerk):
    with pytest.raises(Forbidden):
        service.give(person(), person(), 60, "Helped")
    with pytest.raises(errors.ToYourself):
        service.give(clerk, clerk, 60, "Helped")
    with pytest.raises(errors.ToYourself):
        service.offer(clerk, clerk, 60)


@pytest.mark.parametrize(
    ("amount", "refusal"),
    [(0, errors.NothingGiven), (-60, errors.NothingGiven), (policy.MOST_AT_ONCE + 1, errors.MuchAtOnce)],
)
def test_no_amount_that_cannot_be_meant_is_given(clerk, amount, refusal):
    with pytest.raises(refusal):
        service.give(clerk, person(), amount, "Helped")


def test_within_a_month_nobody_is_given_more_than_anyone_helps(clerk, monday):
    minsu = person()
    for _ in range(3):
        service.give(clerk, minsu, policy.MOST_AT_ONCE, "Helped")
    with pytest.raises(errors.MuchInAMonth) as refusal:
        service.give(person(roles=[Role.ADMINISTRATOR]), minsu, policy.MOST_AT_ONCE, "Helped")
    assert "What is left: 8 hours." in str(refusal.value.sentence)

    monday(MONDAY + policy.MONTH + timedelta(minutes=1))
    service.give(clerk, minsu, policy.MOST_AT_ONCE, "Helped")


def test_a_grant_made_by_mistake_is_taken_back_once(clerk):
    minsu = person()
    grant = service.give(clerk, minsu, 60, "Helped")

    service.take_back(clerk, grant)

    assert has(minsu) == 0
    assert told(minsu)[-1] == "1 hour went from your time credits: Taken back by the city, given by mistake"
    with pytest.raises(errors.TakenBack):
        service.take_back(clerk, grant)
    service.give(clerk, minsu, policy.MOST_AT_ONCE, "Helped")
    assert queries.granted_within_a_month(minsu) == policy.MOST_AT_ONCE


def test_what_was_spent_is_not_taken_back(clerk):
    minsu = person()
    grant = service.give(clerk, minsu, 60, "Helped")
    service.pay(minsu, person(), 30, "loan:1")

    with pytest.raises(errors.SpentAlready), db.session.begin_nested():
        service.take_back(clerk, grant)
    assert has(minsu) == 30
    assert db.session.get_one(Grant, grant.id).taken_back_at is None


# --- moved by agreement ---


def test_what_was_agreed_for_a_thing_moves_once(clerk):
    minsu, sora = person("Minsu"), person("Sora")
    with_credits(minsu, 100)

    for _ in range(2):
        service.pay(minsu, sora, 40, "loan:1", by=minsu.id)

    assert (has(minsu), has(sora)) == (60, 40)
    assert told(sora) == ["40 minutes came to your time credits: Agreed between the two"]
    assert not [title for title in told(minsu) if "went from" in title]  # it was their own doing
    with pytest.raises(ledger.AlreadyMoved):
        service.pay(minsu, sora, 41, "loan:1")


def test_a_refusal_says_what_is_needed_and_what_is_there():
    minsu = with_credits(person(), 100)

    with pytest.raises(errors.TooFewCredits) as refusal:
        service.pay(minsu, person(), 101, "loan:1")

    assert str(refusal.value.sentence) == "That needs 1 hour 41 minutes of time credit; there is 1 hour 40 minutes."


# --- deposits ---


def test_a_deposit_is_held_and_comes_back(clerk):
    minsu = with_credits(person(), 100)

    service.hold_deposit(minsu, 60, "loan:1", by=minsu.id)

    assert has(minsu) == 40
    assert [one.amount for one in queries.deposits_of(minsu)] == [60]
    (settled,) = service.release_deposit("loan:1", by=clerk.id)
    assert (has(minsu), settled.kept, settled.settled_at) == (100, 0, clock.now())
    assert told(minsu)[-1] == "1 hour came to your time credits: Deposit returned"
    assert queries.deposits_of(minsu) == []


def test_what_nobody_in_particular_keeps_goes_back_to_the_city():
    minsu = with_credits(person(), 100)
    service.hold_deposit(minsu, 60, "loan:1")

    service.release_deposit("loan:1", keep=25)

    issue = ledger.account(CITY, "issue", "time")
    assert issue
    db.session.refresh(issue)
    assert (has(minsu), issue.balance) == (75, -75)


@pytest.mark.parametrize("keep", [1, 25, 60])
def test_some_of_a_deposit_or_all_is_kept(keep):
    minsu, owner = with_credits(person(), 100), person()
    service.hold_deposit(minsu, 60, "loan:1")

    service.release_deposit("loan:1", keep=keep, to=owner)

    assert (has(minsu), has(owner)) == (100 - keep, keep)


def test_of_several_deposits_each_bears_its_share_and_no_minute_is_lost():
    minsu, sora, owner = with_credits(person(), 100), with_credits(person(), 100), person()
    service.hold_deposit(minsu, 20, "loan:1")
    service.hold_deposit(sora, 10, "loan:1")

    service.release_deposit("loan:1", keep=10, to=owner)

    assert (has(minsu), has(sora), has(owner)) == (93, 97, 10)


def test_what_is_held_for_one_thing_is_not_touched_by_another():
    minsu, owner = with_credits(person(), 100), person()
    service.hold_deposit(minsu, 60, "loan:1")
    service.hold_deposit(minsu, 40, "loan:2")

    service.release_deposit("loan:2", keep=40, to=owner)

    assert [(one.subject, one.amount) for one in queries.deposits_of(minsu)] == [("loan:1", 60)]
    service.release_deposit("loan:1")
    assert has(minsu) == 60


def test_a_deposit_is_refused_where_it_cannot_be():
    minsu = with_credits(person(), 100)
    with pytest.raises(errors.TooFewCredits), db.session.begin_nested():
        service.hold_deposit(minsu, 101, "loan:1")
    service.hold_deposit(minsu, 60, "loan:1")
    with pytest.raises(errors.DepositOpen):
        service.hold_deposit(minsu, 10, "loan:1")
    for keep in (-1, 61):
        with pytest.raises(errors.KeptTooMuch):
            service.release_deposit("loan:1", keep=keep, to=person())
    service.release_deposit("loan:1")
    with pytest.raises(errors.NoDeposit):
        service.release_deposit("loan:1")


def test_the_database_itself_refuses_a_second_deposit_of_one_person_for_one_thing():
    minsu = with_credits(person(), 100)
    service.hold_deposit(minsu, 10, "loan:1")

    db.session.add(Deposit(subject="loan:1", person_id=minsu.id, unit="time", amount=1))
    with pytest.raises(sa.exc.IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_a_deposit_in_money_is_a_promise_and_moves_nothing():
    minsu = person()

    service.hold_deposit(minsu, 30_000, "loan:1", unit="KRW")

    (promised,) = queries.deposits_of(minsu)
    assert not promised.is_held
    assert show(promised.amount, promised.unit) == "₩30,000"
    (settled,) = service.release_deposit("loan:1", keep=5_000, to=person())
    assert settled.kept == 5_000
    assert db.count(sa.select(ledger.Movement)) == 0


# --- below zero, by agreement ---


def test_nobody_goes_below_nothing_before_they_agreed(clerk):
    minsu, sora = person(), person()
    offered = service.offer(clerk, minsu, 2 * HOUR)
    assert told(minsu) == ["The city offers that your time credits may go 2 hours below zero"]
    with pytest.raises(errors.TooFewCredits), db.session.begin_nested():
        service.pay(minsu, sora, 1, "loan:1")

    service.agree(minsu, offered)
    service.pay(minsu, sora, 2 * HOUR, "loan:1")

    assert has(minsu) == -2 * HOUR
    assert show(has(minsu)) == "−2 hours"
    with pytest.raises(errors.TooFewCredits):
        service.pay(minsu, sora, 1, "loan:2")


def test_only_the_person_agrees_and_only_once(clerk):
    minsu = person()
    offered = service.offer(clerk, minsu, HOUR)
    for other in (person(), clerk):
        with pytest.raises(Forbidden):
            service.agree(other, offered)
    with pytest.raises(errors.OfferedAlready):
        service.offer(clerk, minsu, HOUR)
    service.agree(minsu, offered)
    with pytest.raises(errors.OfferOver):
        service.agree(minsu, offered)


def test_an_offer_said_no_to_is_over(clerk):
    minsu = person()
    offered = service.offer(clerk, minsu, HOUR)
    with pytest.raises(Forbidden):
        service.end(person(), offered)

    service.end(minsu, offered)

    for verb in (service.agree, service.end):
        with pytest.raises(errors.OfferOver):
            verb(minsu, offered)
    service.offer(clerk, minsu, HOUR)


def test_an_agreement_ends_when_nothing_is_owed(clerk):
    minsu = person()
    offered = service.offer(clerk, minsu, 2 * HOUR)
    service.agree(minsu, offered)
    service.pay(minsu, person(), HOUR, "loan:1")
    with pytest.raises(errors.StillOwed) as refusal, db.session.begin_nested():
        service.end(clerk, offered)
    assert "given back: 1 hour." in str(refusal.value.sentence)

    service.give(clerk, minsu, HOUR, "Helped")
    service.end(clerk, offered)

    assert told(minsu)[-1] == "Your time credits may no longer go below zero"
    with pytest.raises(errors.TooFewCredits):
        service.pay(minsu, person(), 1, "loan:2")


@pytest.mark.parametrize("most", [0, policy.MOST_BELOW + 1])
def test_the_city_offers_only_so_much(clerk, most):
    with pytest.raises((errors.NothingGiven, errors.MuchAtOnce)):
        service.offer(clerk, person(), most)


# --- the fund ---


def test_what_went_into_the_fund_may_go_out_and_no_more(clerk):
    service.pay_fund(clerk, 100_000, "From the budget")
    service.pay_fund(clerk, -30_000, "A drill")

    assert queries.fund_balance() == 70_000
    assert queries.fund_sums(clock.now()) == (100_000, 30_000, 1)
    with pytest.raises(errors.FundTooLow) as refusal:
        service.pay_fund(clerk, -70_001, "A car")
    assert "₩70,000" in str(refusal.value.sentence)
    with pytest.raises(Forbidden):
        service.pay_fund(person(), 1, "Mine")


# --- what is held about people ---


@pytest.fixture
def at_a_door(app):
    """Where addresses can be made, as in a job or a page."""
    with app.test_request_context():
        yield


def erased(who):
    who.erase_at = clock.now()
    db.session.commit()
    erasure.erase(who.id)
    db.session.commit()


@pytest.mark.usefixtures("at_a_door")
def test_whoever_is_erased_gives_the_balance_back_and_the_movements_stay(clerk):
    minsu, sora = person("Minsu"), with_credits(person("Sora"), 200)
    service.give(clerk, minsu, 60, "Drove Minsu's neighbour")
    service.pay(sora, minsu, 30, "loan:1")

    erased(minsu)

    assert has(minsu) == 0
    account = queries.wallet(minsu)
    assert account
    assert [line.movement.why for line in ledger.statement(account)] == ["left", "paid", "granted"]
    assert db.session.scalars(sa.select(Grant.reason).where(Grant.person_id == minsu.id)).all() == [""]


@pytest.mark.usefixtures("at_a_door")
def test_what_is_owed_the_city_bears_and_the_agreement_is_forgotten(clerk):
    minsu, sora = person(), person()
    service.agree(minsu, service.offer(clerk, minsu, HOUR))
    service.pay(minsu, sora, HOUR, "loan:1")

    erased(minsu)

    account = queries.wallet(minsu)
    assert account
    assert (account.balance, account.floor) == (0, 0)
    assert has(sora) == HOUR
    assert db.count(sa.select(Overdraft)) == 0


@pytest.mark.usefixtures("at_a_door")
def test_an_open_deposit_stands_in_the_way_of_being_erased():
    minsu = with_credits(person(), 100)
    service.hold_deposit(minsu, 60, "loan:1")
    (obstacle,) = (one for found in hooks.erasure_obstacles.ask(minsu) for one in found)
    assert str(obstacle.sentence) == "A deposit of 1 hour is not settled yet."

    erased(minsu)

    assert has(minsu) == 40
    assert minsu.erased_at is None


def test_the_copy_of_one_s_data_holds_every_movement_grant_deposit_and_agreement(clerk):
    minsu = person()
    service.give(clerk, minsu, 90, "Helped")
    service.hold_deposit(minsu, 60, "loan:1")
    service.offer(clerk, minsu, HOUR)

    found: dict[str, list[Any]] = {}
    for held in hooks.personal_data.ask(minsu):
        found |= {one.name: list(one.rows) for one in (held if isinstance(held, list) else [held])}

    assert [row["minutes"] for row in found["time_credits"]] == [-60, 90]
    assert [row["reason"] for row in found["credit_grants"]] == ["Helped"]
    assert [row["subject"] for row in found["deposits"]] == ["loan:1"]
    assert [row["most"] for row in found["overdrafts"]] == [HOUR]


def test_all_that_was_given_is_the_other_side_of_the_city_s_account(clerk):
    for who in (person(), person()):
        service.give(clerk, who, HOUR, "Helped")

    issue = ledger.account(CITY, "issue", "time")
    assert issue
    assert issue.balance == -2 * HOUR
