"""Processes that a barrier releases together onto one thing: it is promised to exactly one of them."""

import multiprocessing
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.queries import person
from marketplace.civic.credits.models import Deposit
from marketplace.kernel import clock, db, ledger
from marketplace.kernel.occupancy import Occupancy
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import InLine, Loan, LoanPiece, LoanState, Refusal
from marketplace.sharing.items.models.listing import DepositUnit
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.service import line, loans
from tests.conftest import MONDAY
from tests.factories import item, loan, neighbour, with_credits
from tests.kernel.test_occupancy_race import disconnect
from tests.kernel.test_occupancy_race import race as processes
from tests.sharing.items.test_loans import returned

pytestmark = pytest.mark.usefixtures("app")
PROCESSES = 16
ROUNDS = 3


def _accept(url: str, references: list[str], barrier: Any, outcomes: Any) -> None:
    engine = db.connect(url)
    with clock.frozen(MONDAY):
        for reference in references:
            barrier.wait(60)
            try:
                with db.transaction():
                    loan = queries.get_loan(reference)
                    owner = db.session.get_one(Person, loan.item.owner_id, options=[selectinload(Person.grants)])
                    loans.accept(owner, loan)
                outcome = "accepted"
            except (errors.AlreadyPromised, errors.NoLongerOpen) as refusal:
                outcome = type(refusal).__name__
            except Exception as error:  # noqa: BLE001 - any other error is what the test looks for
                outcome = repr(error)
            outcomes.put(outcome)
    db.session.remove()
    engine.dispose()


def race(url: str, references: list[list[str]]) -> Counter[str]:
    """What became of it when so many processes each accepted their requests, one a round."""
    fork = multiprocessing.get_context("fork")
    barrier, outcomes = fork.Barrier(len(references)), fork.SimpleQueue()
    engine = db.session.get_bind()
    assert isinstance(engine, sa.Engine)
    db.session.remove()
    engine.dispose()  # a forked process may not share connections
    runners = [fork.Process(target=_accept, args=(url, mine, barrier, outcomes)) for mine in references]
    for runner in runners:
        runner.start()
    found = Counter(outcomes.get() for _ in range(sum(map(len, references))))
    for runner in runners:
        runner.join(60)
        assert runner.exitcode == 0
    return found


def asked(units: int, *, same: bool = False) -> list[list[str]]:
    """References of requests by process: for each round a thing with so many pieces, all over the same Wednesday."""
    owner = neighbour("Minsu Lee")
    borrowers = [neighbour() for _ in range(PROCESSES)]
    made: list[list[str]] = [[] for _ in borrowers]
    for turn in range(ROUNDS):
        thing = item(f"Drill {turn}", owner, units=units)
        first = None
        for number, borrower in enumerate(borrowers):
            if same and first:
                made[number].append(first)
                continue
            one = Loan(
                item_id=thing.id, borrower_id=borrower.id, due_at=MONDAY.replace(day=3),
                first_day=date(2027, 3, 10 - number % 3), last_day=date(2027, 3, 10 + number % 2),
            )  # fmt: skip
            db.session.add(one)
            db.session.flush()
            made[number].append(one.reference)
            first = one.reference
    db.session.commit()
    return made


def test_of_many_overlapping_requests_exactly_one_is_accepted(live_database):
    found = race(live_database, asked(units=1))

    assert found == {"accepted": ROUNDS, "PromisedUntil": ROUNDS * (PROCESSES - 1)}
    with db.transaction(read_only=True):
        assert db.count(sa.select(Occupancy.id)) == ROUNDS
        assert db.count(sa.select(Loan.id).where(Loan.state == LoanState.ACCEPTED)) == ROUNDS


def test_each_of_several_pieces_is_promised_once(live_database):
    found = race(live_database, asked(units=5))

    assert found == {"accepted": 5 * ROUNDS, "PromisedUntil": ROUNDS * (PROCESSES - 5)}
    with db.transaction(read_only=True):
        units = list(db.session.scalars(sa.select(LoanPiece.unit_id)))
        assert len(units) == len(set(units)) == 5 * ROUNDS


def test_a_request_answered_by_many_at_once_is_accepted_once(live_database):
    found = race(live_database, asked(units=5, same=True))

    assert found == {"accepted": ROUNDS, "NoLongerOpen": ROUNDS * (PROCESSES - 1)}
    with db.transaction(read_only=True):
        assert db.count(sa.select(Occupancy.id)) == ROUNDS


def test_credits_for_one_deposit_put_down_one_and_no_two_requests_wait_for_each_other(live_database):
    with db.transaction():
        things = [item(f"Drill {n}", deposit=60, deposit_unit=DepositUnit.TIME).id for n in range(8)]
        owing = [with_credits(neighbour(), 100).id for _turn in range(ROUNDS)]
    disconnect()

    def attempt(number: int, turn: int) -> None:
        with clock.frozen(MONDAY):
            borrower = db.session.get_one(Person, owing[turn], options=[selectinload(Person.grants)])
            day = date(2027, 3, 10 + turn)
            loans.request(borrower, listings.get_item(things[number]), day, day)

    rounds = processes(live_database, attempt, len(things), ROUNDS)

    assert Counter(outcome for one in rounds for outcome in one.values()) == {
        "done": ROUNDS, "deposit_missing": ROUNDS * (len(things) - 1),
    }  # fmt: skip
    with db.transaction(read_only=True):
        held = sa.select(Deposit.person_id).where(Deposit.settled_at.is_(None))
        assert sorted(db.session.scalars(held)) == sorted(owing)
        assert ledger.verify() == []


def test_taking_up_an_offer_and_answers_about_the_same_piece_do_not_wait_for_each_other(live_database):
    answers = 8
    with db.transaction():
        owner, trusted = neighbour("Minsu Lee"), neighbour()
        for _ in range(policy.TRUSTED_AFTER):
            returned(item("Tent", owner), trusted, day=10, back=10)
        borrowers = [neighbour() for _ in range(answers)]
        things, asked = [], []
        for turn in range(ROUNDS):
            thing = item(f"Drill {turn}", owner, trusts=True)
            db.session.add(InLine(item_id=thing.id, person_id=trusted.id, days=1))
            db.session.flush()
            line.offer(listings.get_item(thing.id), MONDAY.date())
            things.append(thing.id)
            asked.append([loan(thing, 8 + n, 8 + n, by=one).reference for n, one in enumerate(borrowers)])
        owner_id, trusted_id = owner.id, trusted.id
    disconnect()

    def attempt(number: int, turn: int) -> None:
        with clock.frozen(MONDAY):
            if number < answers:
                loans.accept(person(owner_id), queries.get_loan(asked[turn][number]))
                return
            thing = listings.get_item(things[turn])
            day = policy.first_possible_day(thing)
            loans.request(person(trusted_id), thing, day, day)

    rounds = processes(live_database, attempt, answers + 1, ROUNDS)

    assert Counter(outcome for one in rounds for outcome in one.values()) == {"done": ROUNDS * (answers + 1)}
    with db.transaction(read_only=True):
        assert db.count(sa.select(Loan.id).where(Loan.state == LoanState.ACCEPTED)) == ROUNDS * (answers + 1)


def test_loans_that_end_at_once_by_hand_and_by_the_clock_give_back_each_deposit_once(live_database):
    with db.transaction():
        owner, made = neighbour("Minsu Lee"), []
        people = [with_credits(neighbour(), 100) for _ in range(4)]
        for number, borrower in enumerate(people * 2):
            thing = item(f"Drill {number}", owner, deposit=40, deposit_unit=DepositUnit.TIME)
            made.append(loan(thing, 4, 5, by=borrower).reference)
        owner_id, borrowers = owner.id, [one.id for one in people]
    disconnect()

    def attempt(number: int, turn: int) -> None:
        with clock.frozen(MONDAY + timedelta(hours=47 if turn == 0 and number else 49)):
            if number == 0:
                loans.run_out()
                return
            mine = queries.get_loan(made[number])
            if number % 2:
                loans.withdraw(mine.borrower, mine)
            else:
                asked = db.session.get_one(Person, owner_id, options=[selectinload(Person.grants)])
                loans.decline(asked, mine, Refusal.NEEDED)

    rounds = processes(live_database, attempt, len(made), 2)

    outcomes = Counter(outcome for one in rounds for outcome in one.values())
    assert outcomes.keys() <= {"done", "no_longer_open"}, outcomes
    with db.transaction(read_only=True):
        assert db.count(sa.select(Deposit.id).where(Deposit.settled_at.is_(None))) == 0
        balances = sa.select(ledger.Account.balance).where(
            ledger.Account.owner.in_([f"person:{one}" for one in borrowers])
        )
        assert set(db.session.scalars(balances)) == {100}
        assert ledger.verify() == []
