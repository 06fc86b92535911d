"""Processes that a barrier releases together onto one person's things: no number twice, no limit passed."""

import multiprocessing
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.errors import DomainError
from marketplace.sharing.items.models.lending import Loan, LoanPiece, LoanState
from marketplace.sharing.items.models.listing import Condition, Item, ItemUnit, UnitState
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import loans as loan_queries
from marketplace.sharing.items.service import listing, loans
from tests import factories
from tests.conftest import MONDAY

pytestmark = pytest.mark.usefixtures("app")
PROCESSES = 6

Attempt = Callable[[int], Any]


def _run(url: str, number: int, attempt: Attempt, barrier: Any, outcomes: Any) -> None:
    engine = db.connect(url)
    with clock.frozen(MONDAY):
        barrier.wait(60)
        try:
            with db.transaction():
                attempt(number)
            outcome = "done"
        except DomainError as refusal:
            outcome = refusal.code
        except Exception as error:  # noqa: BLE001 - any other error is what the test looks for
            outcome = repr(error)
    outcomes.put(outcome)
    db.session.remove()
    engine.dispose()


def race(url: str, attempt: Attempt, processes: int = PROCESSES) -> Counter[str]:
    """What became of so many processes that all tried at once."""
    engine = db.session.get_bind()
    assert isinstance(engine, sa.Engine)
    db.session.commit()
    db.session.remove()
    engine.dispose()  # a forked process may not share connections
    fork = multiprocessing.get_context("fork")
    barrier, outcomes = fork.Barrier(processes), fork.SimpleQueue()
    runners = [fork.Process(target=_run, args=(url, number, attempt, barrier, outcomes)) for number in range(processes)]
    for runner in runners:
        runner.start()
    found = Counter(outcomes.get() for _ in runners)
    for runner in runners:
        runner.join(60)
        assert runner.exitcode == 0
    return found


def person_of(person_id: int) -> Person:
    return db.session.get_one(Person, person_id, options=[selectinload(Person.grants)])


def saved(person_id: int, item_id: int, quantity: int, version: int) -> None:
    """Save a thing as the page would, with another number of pieces."""
    item = listings.get_item(item_id)
    same = {name: getattr(item, name) for name in ("title", "category", "condition", "audience", "group_id")}
    listing.change(person_of(person_id), item, version=version, quantity=quantity, **same)


def test_of_several_who_add_pieces_at_once_one_does_and_numbers_stay_single(live_database):
    owner = factories.neighbour()
    chairs = factories.item("Chairs", owner, units=2)
    owner_id, item_id = owner.id, chairs.id

    found = race(live_database, lambda number: saved(owner_id, item_id, 3 + number, version=1))

    assert found == {"done": 1, "changed_meanwhile": PROCESSES - 1}
    numbers = list(db.session.scalars(sa.select(ItemUnit.number).where(ItemUnit.item_id == item_id)))
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 3


def test_the_limit_holds_for_several_lists_at_once(live_database, monkeypatch):
    monkeypatch.setattr(listing, "MOST_LISTED", 2)
    owner = factories.neighbour()
    factories.pick_up_place(owner)
    factories.item("Ladder", owner)
    owner_id = owner.id

    found = race(
        live_database,
        lambda number: listing.add(
            person_of(owner_id), title=f"Drill {number}", category="drills", condition=Condition.GOOD
        ),
    )

    assert found == {"done": 1, "too_many_items": PROCESSES - 1}
    assert db.session.scalar(sa.select(sa.func.count(Item.id))) == 2


def test_a_piece_is_promised_or_taken_away_never_both(live_database):
    owner = factories.neighbour()
    chairs = factories.item("Chairs", owner, units=2)
    today = clock.today()
    asked = loans.request(factories.neighbour(), listings.get_item(chairs.id), today, today, quantity=2)
    owner_id, item_id, reference = owner.id, chairs.id, asked.reference

    def attempt(number: int) -> None:
        if number % 2:
            saved(owner_id, item_id, 1, version=1)
        else:
            loans.accept(person_of(owner_id), loan_queries.get_loan(reference))

    found = race(live_database, attempt)

    promised = sa.select(sa.func.count()).select_from(LoanPiece).join(ItemUnit).join(Loan)
    both = promised.where(Loan.state == LoanState.ACCEPTED, ItemUnit.state == UnitState.GONE)
    assert db.session.scalar(both) == 0, found
    assert found["done"] == 1, found
