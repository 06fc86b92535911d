"""What the counter of a library asks when something is scanned: who has a piece, who is promised it, who someone is."""

from collections.abc import Sequence

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import db
from marketplace.sharing.items.models.lending import PROMISED, Loan, LoanPiece, LoanState
from marketplace.sharing.items.models.listing import Item, ItemUnit, Library
from marketplace.sharing.items.queries.loans import whole

NEXT_SHOWN = 5


def loan_out(unit: ItemUnit) -> Loan | None:
    """The loan with which a piece is out of the house."""
    out = sa.select(LoanPiece.loan_id).where(LoanPiece.unit_id == unit.id, LoanPiece.is_out)
    return db.session.scalar(whole(sa.select(Loan).where(Loan.id.in_(out))))


def promised(item: Item) -> list[Loan]:
    """The loans of a thing that are agreed and not handed over, the next first."""
    agreed = sa.select(Loan).where(Loan.item_id == item.id, Loan.state == LoanState.ACCEPTED)
    return list(db.session.scalars(whole(agreed.order_by(Loan.first_day, Loan.id).limit(NEXT_SHOWN))))


def loans_with(person: Person, library: Library) -> Sequence[Loan]:
    """What someone has, or is promised, of a library."""
    own = sa.select(Loan).where(Loan.borrower_id == person.id, Loan.state.in_(PROMISED))
    here = own.where(Loan.item_id.in_(sa.select(Item.id).where(Item.library_id == library.id)))
    return db.session.scalars(whole(here.order_by(Loan.first_day, Loan.id))).all()


def promised_pieces(unit: ItemUnit) -> list[Loan]:
    """The loans to come that count on this very piece, the next first."""
    of_it = sa.select(LoanPiece.loan_id).where(LoanPiece.unit_id == unit.id)
    coming = sa.select(Loan).where(Loan.id.in_(of_it), Loan.state == LoanState.ACCEPTED)
    return list(db.session.scalars(whole(coming.order_by(Loan.first_day, Loan.id))))
