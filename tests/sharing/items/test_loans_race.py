"""Processes that a barrier releases together onto one thing: it is promised to exactly one of them."""

import multiprocessing
from collections import Counter
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.occupancy import Occupancy
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.lending import Loan, LoanPiece, LoanState
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.service import loans
from tests.conftest import MONDAY
from tests.factories import item, neighbour

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
