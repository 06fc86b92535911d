"""What can be said of neighbours who lend or borrow: figures made of what happened, and who vouches. No ranking."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import Building
from marketplace.civic.vouches.models import Vouch
from marketplace.civic.vouches.queries import standing
from marketplace.kernel import clock, db
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import BROUGHT_BACK, Loan, LoanState
from marketplace.sharing.items.models.listing import Item

SHARE_FROM = 3
"""From how many returns on it is told how many were on time."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What can be said of someone to a neighbour who lends to them or borrows of them.

    verified_at   since when the city knows that they live here
    returns       how they brought back what they borrowed, and what is out still
    lent          how many loans of their things were brought back
    centres       the public buildings that say they know them, in the order in which the person agreed
    """

    verified_at: datetime | None
    returns: Sequence[policy.Return]
    lent: int
    centres: Sequence[Building]

    @property
    def borrowed(self) -> int:
        """How many loans they brought back."""
        return sum(one.back is not None for one in self.returns)

    @property
    def on_time(self) -> tuple[int, int] | None:
        """How many were on time of those that were brought back or are late; of a few nothing is told."""
        due = [one for one in self.returns if one.back is not None or one.late]
        return (sum(not one.late for one in due), len(due)) if len(due) >= SHARE_FROM else None


def trust_in(person_ids: Collection[int]) -> dict[int, Trust]:
    """What can be said of each of these people, in one statement.

    Each loan comes once for every building that vouches for its borrower: those are few.
    """
    taken = sa.and_(Loan.borrower_id == Person.id, Loan.state.in_((*BROUGHT_BACK, LoanState.OUT)))
    lent = _lent(person_ids)
    query = (
        sa.select(Person.id, Person.verified_at, lent.c.many, Loan.id, Loan.last_day, Loan.returned_at, Building)
        .outerjoin(lent, lent.c.owner_id == Person.id)
        .outerjoin(Loan, taken)
        .outerjoin(Vouch, sa.and_(Vouch.person_id == Person.id, standing()))
        .outerjoin(Building, Building.id == Vouch.building_id)
        .where(Person.id.in_(person_ids))
        .order_by(Person.id, Loan.last_day, Loan.id, Vouch.agreed_at, Vouch.id)
    )
    verified: dict[int, tuple[datetime | None, int]] = {}
    returns: dict[int, dict[int, policy.Return]] = {}
    centres: dict[int, dict[int, Building]] = {}
    for person_id, since, many, loan_id, due, back, building in db.session.execute(query):
        verified[person_id] = since, many or 0
        if loan_id is not None:
            day = clock.local(back).date() if back else None
            returns.setdefault(person_id, {})[loan_id] = policy.Return(due, day)
        if building is not None:
            centres.setdefault(person_id, {})[building.id] = building
    return {
        one: Trust(since, [*returns.get(one, {}).values()], many, [*centres.get(one, {}).values()])
        for one, (since, many) in verified.items()
    }


def returns_of(person: Person) -> Sequence[policy.Return]:
    """How a person brought back what they borrowed, and what is out still."""
    return trust_in([person.id])[person.id].returns


def _lent(person_ids: Collection[int]) -> sa.Subquery:
    """How many loans of each one's own things were brought back."""
    theirs = sa.and_(Item.owner_id.in_(person_ids), Loan.state.in_(BROUGHT_BACK), Loan.returned_at.is_not(None))
    loans = sa.select(Item.owner_id, sa.func.count().label("many")).join(Loan, Loan.item_id == Item.id)
    return loans.where(theirs).group_by(Item.owner_id).subquery()
