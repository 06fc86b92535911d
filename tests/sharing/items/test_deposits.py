"""Deposits in time credits: held with the request, given back at every end, kept as problems were settled."""

from contextlib import nullcontext

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.credits import errors as credit_errors
from marketplace.civic.credits import queries as credit_queries
from marketplace.civic.credits import service as time_credits
from marketplace.civic.credits.models import CITY, Deposit
from marketplace.civic.groups.models import Channel
from marketplace.civic.groups.service.behalf import Behalf, for_group
from marketplace.civic.privacy import queries as privacy
from marketplace.civic.privacy.service import erasure
from marketplace.kernel import clock, db, ledger
from marketplace.kernel.errors import Forbidden
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.lending import Loan, LoanState, Refusal
from marketplace.sharing.items.models.listing import DepositUnit, Item
from marketplace.sharing.items.models.problems import Due, ProblemState, Remedy, Trouble
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.service import listing, loans, problems
from tests.factories import building, group, item, library, loan, neighbour, officer, person, with_credits
from tests.sharing.items.test_loans import anew, at, owner_of
from tests.sharing.items.test_problems import again, back, known, moderator, news, out, reported

DEPOSIT, PURSE = 90, 120


def drill(**facts) -> Item:
    """A drill worth 80,000, for which an hour and a half is put down."""
    return item(value=80_000, deposit=DEPOSIT, deposit_unit=DepositUnit.TIME, **facts)


def borrower(minutes: int = PURSE) -> Person:
    """A resident with two hours of time credit."""
    return with_credits(neighbour(), minutes)


def has(who: Person | int) -> int:
    """How many minutes someone has in their wallet now."""
    number = who if isinstance(who, int) else who.id
    return db.session.scalar(sa.select(ledger.Account.balance).where(ledger.Account.owner == f"person:{number}")) or 0


def open_deposits() -> list[str]:
    return list(db.session.scalars(sa.select(Deposit.subject).where(Deposit.settled_at.is_(None))))


@pytest.fixture(autouse=True)
def nothing_is_lost():
    yield
    assert ledger.verify() == []


@pytest.fixture
def at_a_door(app):
    """Where addresses can be made, as in a job or a page."""
    with app.test_request_context():
        yield


# --- held at once ---


def test_what_is_put_down_is_held_with_the_request_once_however_many_pieces(monday):
    minsu = borrower()
    asked = loan(drill(units=2), 4, 6, by=minsu, quantity=2)

    assert (asked.held, asked.promised, has(minsu)) == (DEPOSIT, 0, PURSE - DEPOSIT)
    assert open_deposits() == [f"loan:{asked.id}"]


def test_too_few_credits_are_refused_with_what_is_missing_and_nothing_is_asked(monday):
    minsu = borrower(60)
    with pytest.raises(errors.DepositMissing) as refusal:
        loan(drill(), 4, 6, by=minsu)

    assert str(refusal.value.sentence) == "The deposit is 1 hour 30 minutes of time credit; you are 30 minutes short."
    assert db.count(sa.select(Loan.id)) == 0
    assert has(minsu) == 60


def test_who_may_go_below_zero_may_put_down_what_is_not_there(monday):
    minsu, clerk = borrower(60), person(roles=[Role.ADMINISTRATOR])
    time_credits.agree(minsu, time_credits.offer(clerk, minsu, 30))
    loan(drill(), 4, 6, by=minsu)
    assert has(minsu) == -30


def test_the_owners_yes_needs_nothing_more(monday):
    minsu = borrower(DEPOSIT)
    asked = loan(drill(), 4, 6, by=minsu)
    loans.accept(owner_of(asked.item), asked)
    assert (asked.state, has(minsu)) == (LoanState.ACCEPTED, 0)


def test_a_loan_keeps_the_deposit_that_was_agreed(monday):
    minsu = borrower()
    asked = loan(drill(), 4, 6, by=minsu)
    thing = listings.get_item(asked.item_id)
    assert thing.owner
    listing.change(thing.owner, thing, version=thing.version, quantity=1, deposit=5_000, deposit_unit=DepositUnit.MONEY)
    asked = anew(asked)
    assert (asked.held, asked.shown_deposit) == (DEPOSIT, "1 hour 30 minutes of time credit")
    loans.withdraw(asked.borrower, asked)
    assert has(minsu) == PURSE


def test_for_a_group_the_officer_who_asks_puts_it_down_and_gets_it_back(monday):
    minsu = borrower()
    club = group(by=minsu)
    other = officer(club)
    asked = loan(drill(), 4, 6, by=minsu, behalf=for_group(minsu, club.id))
    assert has(minsu) == PURSE - DEPOSIT

    loans.withdraw(known(other.id), anew(asked))

    assert (has(minsu), has(other)) == (PURSE, 0)


def test_staff_who_ask_for_a_caller_learn_nothing_of_the_balance(monday):
    manager_of = building("Library")
    staff = neighbour("The manager", roles=[(Role.MANAGER, manager_of)])
    thing = drill(of=library(manager_of))
    poor, rich = borrower(60), borrower()
    with pytest.raises(errors.CallerDepositMissing) as refusal:
        loan(thing, 4, 6, by=poor, behalf=Behalf(entered_by=staff, channel=Channel.COUNTER))
    assert not any(letter.isdigit() for letter in str(refusal.value.sentence))

    loan(thing, 4, 6, by=rich, behalf=Behalf(entered_by=staff, channel=Channel.COUNTER))
    assert has(rich) == PURSE - DEPOSIT


def test_a_deposit_in_money_moves_nothing(monday):
    asked = loan(item(deposit=5_000), 4, 6)
    assert (asked.held, asked.promised, open_deposits()) == (0, 5_000, [])
    assert db.count(sa.select(ledger.Movement.id)) == 0


# --- given back ---


@pytest.mark.usefixtures("at_a_door")
@pytest.mark.parametrize("end", ["decline", "withdraw", "expire", "cancel", "never_fetched", "leave"])
def test_whatever_a_loan_ends_by_before_it_is_lent_gives_it_back_whole(monday, end):
    minsu = borrower()
    asked = loan(drill(), 4, 6, by=minsu)
    owner = owner_of(asked.item)
    if end in ("cancel", "never_fetched"):
        loans.accept(owner, asked)
        db.session.commit()
    if end == "decline":
        loans.decline(owner, asked, Refusal.NEEDED)
    elif end == "withdraw":
        loans.withdraw(minsu, asked)
    elif end == "cancel":
        loans.cancel(owner, asked, "It broke.")
    elif end == "leave":
        erasure.ask(known(owner.id), understood=True)
    else:
        monday(at(7, 0))
        loans.run_out()

    assert (has(minsu), open_deposits()) == (PURSE, [])


def test_a_day_after_the_return_it_comes_back(monday):
    minsu = borrower()
    one = back(monday, thing=drill(), by=minsu)
    loans.run_out()
    assert has(minsu) == PURSE - DEPOSIT
    monday(at(7, 12))
    loans.run_out()
    assert (anew(one).state, has(minsu), has(owner_of(one.item))) == (LoanState.CLOSED, PURSE, 0)


def test_it_is_held_while_a_problem_is_open_and_then_kept_in_part(monday):
    minsu = borrower()
    found = reported(back(monday, thing=drill(), by=minsu))
    assert (found.deposit, found.held, found.most) == (0, DEPOSIT, 80_000)
    monday(at(8, 0))
    loans.run_out()
    assert has(minsu) == PURSE - DEPOSIT

    found = again(found)
    owner = owner_of(found.loan.item)
    offered = problems.offer(found.loan.borrower, found, Remedy.DEPOSIT, minutes=30)
    problems.accept(owner, found, offered.id)
    loans.run_out()

    assert (anew(found.loan).state, has(minsu), has(owner)) == (LoanState.CLOSED, PURSE - 30, 30)


@pytest.mark.parametrize("remedy", [Remedy.NOTHING, Remedy.REPAIR, Remedy.SUM])
def test_no_sum_of_money_touches_it(monday, remedy):
    minsu = borrower()
    found = reported(back(monday, thing=drill(), by=minsu))
    problems.ask_mediator(found.loan.borrower, found)
    problems.decide(moderator(), found, remedy, 80_000 if remedy.has_sum else 0, "So.", minutes=20)
    assert (found.minutes, found.due and found.due.kept) == (0, 0)
    monday(at(20))
    problems.run_out()
    loans.run_out()
    assert has(minsu) == PURSE


@pytest.mark.parametrize(
    ("minutes", "refusal"), [(0, errors.SumMissing), (DEPOSIT + 1, errors.MoreThanDeposit), (DEPOSIT, None)]
)
def test_no_more_than_it_is_kept(monday, minutes, refusal):
    found = reported(back(monday, thing=drill(), by=borrower()))
    with pytest.raises(refusal) if refusal else nullcontext():
        problems.offer(owner_of(found.loan.item), found, Remedy.DEPOSIT, 50_000, minutes=minutes)


def test_the_second_mediators_word_counts(monday):
    minsu = borrower()
    found = reported(back(monday, thing=drill(), by=minsu))
    problems.ask_mediator(found.loan.borrower, found)
    problems.decide(moderator("First"), found, Remedy.DEPOSIT, 0, "So.", minutes=80)
    problems.appeal(found.loan.borrower, found, "No.")
    problems.decide(moderator("Second"), found, Remedy.DEPOSIT, 0, "Half of it.", minutes=40)
    owner = owner_of(found.loan.item)
    monday(at(20))
    loans.run_out()
    assert (has(minsu), has(owner)) == (PURSE - 40, 40)


def test_of_a_second_problem_only_the_rest_is_at_stake(monday):
    minsu = borrower()
    one = back(monday, thing=drill(), by=minsu)
    for kept, held in ((50, DEPOSIT), (40, DEPOSIT - 50)):
        found = reported(one)
        assert found.held == held
        offered = problems.offer(found.loan.borrower, found, Remedy.DEPOSIT, minutes=kept)
        problems.accept(owner_of(found.loan.item), found, offered.id)
        db.session.commit()
    monday(at(8, 0))
    loans.run_out()
    assert (has(minsu), has(owner_of(one.item))) == (PURSE - DEPOSIT, DEPOSIT)


@pytest.mark.parametrize("final", [True, False])
def test_what_is_lost_ends_its_loan_and_its_deposit(monday, final):
    minsu = borrower()
    one = out(monday, thing=drill(), by=minsu)
    monday(at(10, 9))
    found = reported(anew(one), Trouble.NOT_BACK)
    owner = owner_of(found.loan.item)
    if final:
        problems.ask_mediator(found.loan.borrower, found)
        problems.decide(moderator(), found, Remedy.DEPOSIT, 0, "It is gone.", minutes=60)
        monday(at(20))
        problems.run_out()
    else:
        offered = problems.offer(found.loan.borrower, found, Remedy.DEPOSIT, minutes=60)
        problems.accept(owner, found, offered.id)
    assert (anew(one).state, open_deposits()) == (LoanState.CLOSED, [])
    assert (has(minsu), has(owner)) == (PURSE - 60, 60)


def test_what_a_library_keeps_goes_back_to_the_city(monday):
    minsu = borrower()
    manager_of = building("Library")
    staff = neighbour("The manager", roles=[(Role.MANAGER, manager_of)])
    one = loan(drill(of=library(manager_of)), 4, 6, by=minsu, behalf=Behalf(entered_by=staff, channel=Channel.COUNTER))
    db.session.execute(sa.update(Loan).values(state=LoanState.RETURNED, returned_at=clock.now()))
    one = anew(one)
    found = problems.report(known(staff.id), one, Trouble.DAMAGED, "Bent.")
    offered = problems.offer(one.borrower, found, Remedy.DEPOSIT, minutes=30)
    problems.accept(known(staff.id), found, offered.id)
    monday(at(20))
    loans.run_out()

    issue = ledger.account(CITY, "issue", "time")
    assert issue
    db.session.refresh(issue)
    assert (has(minsu), issue.balance) == (PURSE - 30, -(PURSE - 30))


@pytest.mark.usefixtures("at_a_door")
def test_nobody_is_erased_while_a_loan_holds_their_deposit(monday):
    minsu = borrower()
    one = out(monday, thing=drill(), by=minsu)
    minsu = known(minsu.id)
    said = " ".join(str(each.sentence) for each in privacy.obstacles(minsu))
    assert "A deposit of 1 hour 30 minutes is not settled yet." in said

    minsu.erase_at = clock.now()
    db.session.commit()
    erasure.erase(minsu.id)
    assert open_deposits() == [f"loan:{one.id}"]


@pytest.mark.usefixtures("at_a_door")
def test_whoever_is_erased_with_a_request_open_leaves_nothing_held(monday):
    minsu = borrower()
    loan(drill(), 4, 6, by=minsu)
    minsu = known(minsu.id)
    minsu.erase_at = clock.now()
    db.session.commit()
    loans.withdraw(minsu, anew(db.session.scalars(sa.select(Loan)).one()))
    erasure.erase(minsu.id)
    assert (open_deposits(), has(minsu)) == ([], 0)


# --- the database ---


@pytest.mark.parametrize("state", ["closed", "declined", "withdrawn", "cancelled", "expired"])
def test_the_database_ends_no_loan_whose_deposit_is_held(monday, state):
    asked = loan(drill(), 4, 6, by=borrower())
    with pytest.raises(IntegrityError, match="loans_deposit_held"), db.session.begin_nested():
        db.session.execute(sa.text("UPDATE loans SET state = :state, refusal = 'needed'"), {"state": state})
    time_credits.release_deposit(f"loan:{asked.id}")
    db.session.execute(sa.text("UPDATE loans SET state = :state, refusal = 'needed'"), {"state": state})


@pytest.mark.parametrize("change", ["state = 'accepted'", "state = 'out'", "state = 'accepted', deposit = 91"])
def test_the_database_lends_nothing_without_its_deposit(monday, change):
    asked = loan(drill(), 4, 6, by=borrower())
    if "91" not in change:
        time_credits.release_deposit(f"loan:{asked.id}")
    with pytest.raises(IntegrityError, match="loans_deposit_held"), db.session.begin_nested():
        db.session.execute(sa.text(f"UPDATE loans SET {change}"))


@pytest.mark.parametrize(
    "change",
    [
        "minutes = held + 1", "minutes = -1", "remedy = 'sum'", "last_minutes = 1", "held = -1",
        "paid_at = opened_at", "state = 'final', closed_at = opened_at, due_at = NULL, paid_at = opened_at",
    ],
)  # fmt: skip
def test_the_database_keeps_no_more_than_was_held_and_pays_only_what_was_decided(monday, change):
    found = reported(back(monday, thing=drill(), by=borrower()))
    problems.ask_mediator(found.loan.borrower, found)
    problems.decide(moderator(), found, Remedy.DEPOSIT, 0, "So.", minutes=DEPOSIT)
    assert found.state is ProblemState.DECIDED
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.execute(sa.text(f"UPDATE loan_problems SET {change}"))


@pytest.mark.parametrize("change", ["remedy = 'fund'", "minutes = 5, amount = 5", "remedy = 'sum', minutes = 5"])
def test_the_database_takes_no_offer_of_the_fund_or_of_both_units(monday, change):
    found = reported(back(monday, thing=drill(), by=borrower()))
    problems.offer(found.loan.borrower, found, Remedy.DEPOSIT, minutes=30)
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.execute(sa.text(f"UPDATE loan_problem_offers SET {change}"))


# --- what is due ---


def test_what_is_due_in_sentences():
    in_time = Due(Remedy.DEPOSIT, 0, 0, 30, 90)
    assert [str(line) for line in in_time.lines] == [
        "A part of the deposit is kept", "Of the deposit, 30 minutes is kept and 1 hour returned",
    ]  # fmt: skip
    beside = Due(Remedy.SUM, 5_000, 0, 0, 90)
    assert [str(line) for line in beside.lines] == [
        "The borrower owes ₩5,000", "Of the deposit, 0 minutes is kept and 1 hour 30 minutes returned",
    ]  # fmt: skip
    by_fund = Due(Remedy.FUND, 5_000, 3_000)
    assert (by_fund.kept, by_fund.returned, by_fund.beyond, by_fund.from_fund) == (0, 3_000, 0, 5_000)
    assert [str(line) for line in by_fund.lines] == [
        "The city's insurance fund pays the owner ₩5,000", "Of the deposit, ₩0 is kept and ₩3,000 returned",
    ]  # fmt: skip


# --- the fund ---


def by_the_fund(monday, amount: int = 20_000):
    """What mediators decided for good that the fund pays."""
    found = reported(back(monday))
    problems.ask_mediator(found.loan.borrower, found)
    problems.decide(moderator(), found, Remedy.FUND, amount, "Nobody is to blame.", fund=True)
    monday(at(20))
    problems.run_out()
    return again(found)


def keeper() -> Person:
    return neighbour("Keeper of the fund", roles=[Role.ADMINISTRATOR])


def test_without_a_fund_nobody_decides_that_it_pays_and_no_side_proposes_it(monday):
    found = reported(back(monday))
    with pytest.raises(errors.NoFund):
        problems.offer(found.loan.borrower, found, Remedy.FUND, 10_000)
    problems.ask_mediator(found.loan.borrower, found)
    with pytest.raises(errors.NoFund):
        problems.decide(moderator(), found, Remedy.FUND, 10_000, "So.")
    with pytest.raises(errors.SumTooLarge):
        problems.decide(moderator(), found, Remedy.FUND, 80_001, "So.", fund=True)


def test_the_fund_pays_once_and_the_owner_is_told(monday):
    found, clerk = by_the_fund(monday), keeper()
    owner_id, side_id = found.owner_id, found.borrower_id
    assert owner_id
    with pytest.raises(credit_errors.FundTooLow), db.session.begin_nested():
        problems.pay(clerk, found)
    found = again(found)
    assert found.paid_at is None, "it waits on"

    time_credits.pay_fund(clerk, 50_000, "From the budget")
    problems.pay(clerk, found)

    assert credit_queries.fund_balance() == 30_000
    assert again(found).paid_at == clock.now()
    assert (news(owner_id)[-1], news(side_id)[-1]) == ("paid", "final")
    with pytest.raises(credit_errors.PaidAlready):
        problems.pay(clerk, again(found))
    with pytest.raises(credit_errors.PaidAlready):
        time_credits.pay_fund(clerk, -1, "Again", about=f"problem:{found.id}")


def test_neither_side_pays_itself_and_nobody_before_it_is_final(monday):
    owner = neighbour("Owner", roles=[Role.ADMINISTRATOR])
    found = reported(back(monday, owner=owner))
    problems.ask_mediator(found.loan.borrower, found)
    problems.decide(moderator(), found, Remedy.FUND, 10_000, "So.", fund=True)
    clerk = keeper()
    time_credits.pay_fund(clerk, 50_000, "From the budget")
    with pytest.raises(errors.ProblemWentOn):
        problems.pay(clerk, found)
    monday(at(20))
    problems.run_out()
    found = again(found)
    for other_id in (owner.id, found.borrower_id, moderator().id):
        with pytest.raises(Forbidden):
            problems.pay(known(other_id), found)
