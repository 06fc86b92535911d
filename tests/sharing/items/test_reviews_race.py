"""Both sides of a loan write in the same instant, in processes that a barrier releases together."""

from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.queries import person
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import clock, db
from marketplace.sharing.items.models.lending import Loan, LoanState
from marketplace.sharing.items.models.reviews import Review
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.queries import reviews as review_queries
from marketplace.sharing.items.service import reviews
from tests.conftest import MONDAY
from tests.factories import item, neighbour
from tests.kernel.test_occupancy_race import disconnect, race

pytestmark = pytest.mark.usefixtures("app")
ROUNDS = 12


def write(url: str, references: list[str], sides: list[bool]) -> Counter[str]:
    """What became of it when a process for each of these sides wrote about each loan."""

    def attempt(number: int, turn: int) -> None:
        with clock.frozen(MONDAY):
            loan = queries.get_loan(references[turn])
            author = loan.borrower_id if sides[number] else loan.item.owner_id
            assert author is not None
            reviews.write(person(author), loan, "All went well.", "")

    rounds = race(url, attempt, processes=len(sides), rounds=len(references))
    return Counter(outcome for one in rounds for outcome in one.values())


def brought_back() -> list[str]:
    """References of loans that were brought back a day ago."""
    owner, borrower, made = neighbour("Minsu Lee"), neighbour(), []
    for turn in range(ROUNDS):
        one = Loan(
            item_id=item(f"Drill {turn}", owner).id, borrower_id=borrower.id, state=LoanState.CLOSED,
            first_day=MONDAY.date() - timedelta(days=3), last_day=MONDAY.date() - timedelta(days=1),
            returned_at=MONDAY - timedelta(days=1), ended_at=MONDAY,
        )  # fmt: skip
        db.session.add(one)
        db.session.flush()
        made.append(one.reference)
    db.session.commit()
    db.session.remove()
    disconnect()
    return made


def test_when_both_write_at_once_both_are_open_and_told_of_once(live_database):
    found = write(live_database, brought_back(), [True, False])

    assert found == {"done": 2 * ROUNDS}
    with db.transaction(read_only=True):
        opened = db.session.execute(sa.select(Review.loan_id, Review.opens_at, Review.told_at)).all()
        assert Counter(row.loan_id for row in opened) == dict.fromkeys({row.loan_id for row in opened}, 2)
        assert {(row.opens_at, row.told_at) for row in opened} == {(MONDAY, MONDAY)}
        assert db.count(sa.select(Notice.id).where(Notice.news == "items.reviews_open")) == ROUNDS
        with clock.frozen(MONDAY):
            assert review_queries.just_opened(10) == []


def test_whoever_writes_twice_at_once_has_written_once(live_database):
    found = write(live_database, brought_back(), [True, True, True])

    assert found == {"done": 3 * ROUNDS}, "the last time counts, as long as it is sealed"
    with db.transaction(read_only=True):
        assert db.count(sa.select(Review.id)) == ROUNDS
