"""What can be said of neighbours: the figures against counting by hand, in one statement for however many."""

from datetime import date, timedelta
from random import Random

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.accounts.queries import person as person_by_id
from marketplace.civic.vouches import service as vouches
from marketplace.kernel import clock, db
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import Loan, LoanState, Refusal
from marketplace.sharing.items.queries.trust import SHARE_FROM, returns_of, trust_in
from tests import factories
from tests.factories import building, item, library, neighbour
from tests.sharing.items.test_loans import returned

TODAY = date(2027, 3, 1)
STATES = (
    LoanState.CLOSED, LoanState.CLOSED, LoanState.CLOSED, LoanState.RETURNED, LoanState.OUT, LoanState.ACCEPTED,
    LoanState.DECLINED,
)  # fmt: skip


def a_year(random: Random, people, things) -> list[Loan]:
    """Loans between these people as they come, some late, some lost."""
    made = []
    for _ in range(60):
        thing, who, state = random.choice(things), random.choice(people), random.choice(STATES)
        if thing.owner_id == who.id:
            continue
        last = TODAY - timedelta(days=random.randrange(-3, 400))
        back = None
        if state in (LoanState.CLOSED, LoanState.RETURNED) and random.random() < 0.9:
            late = timedelta(days=random.choice((0, 0, 0, 1, 9)))
            back = clock.at(min(last, TODAY) + late, random.choice((1, 700, 1439)))
        refusal = Refusal.AWAY if state is LoanState.DECLINED else None
        first = last - timedelta(days=2)
        dated = {"first_day": first, "last_day": last, "returned_at": back, "refusal": refusal}
        made.append(Loan(item_id=thing.id, borrower_id=who.id, state=state, **dated))
    db.session.add_all(made)
    db.session.commit()
    return made


@pytest.mark.parametrize("number", range(8))
def test_the_figures_are_what_counting_by_hand_gives(number):
    random = Random(number)
    people = [neighbour(f"Neighbour {n}") for n in range(5)]
    houses = [building(f"Centre {n}") for n in range(3)]
    shelf = library(building("Library", point=factories.NEAR_THE_RIVER))
    things = [item(f"Thing {n}", random.choice(people)) for n in range(6)] + [item("Saw", of=shelf)]
    manager = person_by_id(factories.person(roles=[(Role.MANAGER, one) for one in houses]).id)
    loans = a_year(random, people, things)
    known = {one.id: [house for house in houses if random.random() < 0.5] for one in people}
    for one in people:
        for house in known[one.id]:
            vouches.agree(one, vouches.vouch(manager, house.id, one))

    found = trust_in([one.id for one in people])

    assert found.keys() == {one.id for one in people}
    owner_of = {thing.id: thing.owner_id for thing in things}
    for one in people:
        mine = [loan for loan in loans if loan.borrower_id == one.id]
        back = [loan for loan in mine if loan.returned_at]
        on_time = [loan for loan in back if loan.returned_at and clock.local(loan.returned_at).date() <= loan.last_day]
        missing = [
            loan for loan in mine
            if loan.state in (LoanState.OUT, LoanState.RETURNED, LoanState.CLOSED) and not loan.returned_at
            and loan.last_day < TODAY
        ]  # fmt: skip
        due = len(back) + len(missing)
        lent = [loan for loan in loans if owner_of[loan.item_id] == one.id and loan.returned_at]
        trust = found[one.id]
        assert (trust.borrowed, trust.lent, trust.verified_at) == (len(back), len(lent), one.verified_at)
        assert trust.on_time == ((len(on_time), due) if due >= SHARE_FROM else None)
        assert [house.id for house in trust.centres] == [house.id for house in known[one.id]]
        assert policy.is_trusted(trust.returns) == policy.is_trusted(returns_of(one))


def test_one_statement_for_however_many(statements):
    people = [neighbour(f"Neighbour {n}") for n in range(12)]
    a_year(Random(1), people, [item(f"Thing {n}", one) for n, one in enumerate(people)])
    for some in (people[:1], people):
        ids = [one.id for one in some]
        with statements() as seen:
            found = trust_in(ids)
        assert (len(found), len(seen)) == (len(some), 1)


def test_of_fewer_than_three_nothing_is_said_about_time():
    drill, borrower = item(), neighbour()
    for many, told in ((1, None), (2, None), (3, (2, 3))):
        returned(drill, borrower, day=10, back=11 if many == 1 else 10)
        assert trust_in([borrower.id])[borrower.id].on_time == told


def test_only_what_the_person_agreed_to_and_nobody_ended_is_said():
    house = building("Mullae Community Centre")
    manager = factories.person(roles=[(Role.MANAGER, house)])
    borrower = neighbour()

    def centres() -> list[str]:
        return [one.title for one in trust_in([borrower.id])[borrower.id].centres]

    word = vouches.vouch(manager, house.id, borrower)
    assert centres() == []
    vouches.agree(borrower, word)
    assert centres() == ["Mullae Community Centre"]
    vouches.end(borrower, word)
    assert centres() == []


def test_nobody_known_is_nobody():
    assert trust_in([]) == {}
    assert db.session.scalar(sa.select(Loan.id)) is None
