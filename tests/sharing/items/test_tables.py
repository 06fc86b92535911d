"""What the database itself refuses about things and loans."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from marketplace.kernel import clock, db
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.lending import Loan, LoanPiece, LoanState
from marketplace.sharing.items.models.listing import Item
from tests.factories import item, library, neighbour, person

pytestmark = pytest.mark.usefixtures("database")


def loan(of, **facts):
    made = Loan(
        item_id=of.id, borrower_id=neighbour().id, first_day=clock.today(), last_day=clock.today(),
        **{"state": LoanState.ACCEPTED, **facts},
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def test_a_thing_has_one_owner():
    drill = item()
    with pytest.raises(IntegrityError, match="one_owner"):
        db.session.execute(sa.update(Item).where(Item.id == drill.id).values(library_id=library().id))


def test_a_piece_is_out_of_the_house_once():
    drill = item()
    (unit,) = db.session.scalars(sa.select(Item).options(sa.orm.selectinload(Item.units))).one().units
    db.session.add(LoanPiece(loan_id=loan(drill).id, unit_id=unit.id, is_out=True))
    db.session.flush()
    db.session.add(LoanPiece(loan_id=loan(drill).id, unit_id=unit.id, is_out=True))
    with pytest.raises(IntegrityError, match="loan_pieces"):
        db.session.flush()


def test_nobody_asks_twice_for_the_same_thing_and_day():
    drill, borrower = item(), person()
    asked = {"state": LoanState.REQUESTED, "due_at": clock.now(), "borrower_id": borrower.id}
    first = Loan(item_id=drill.id, first_day=clock.today(), last_day=clock.today(), **asked)
    second = Loan(item_id=drill.id, first_day=clock.today(), last_day=clock.today(), **asked)
    db.session.add_all([first, second])
    with pytest.raises(IntegrityError, match="loans"):
        db.session.flush()


def test_a_no_has_a_reason():
    with pytest.raises(IntegrityError, match="no_has_a_reason"):
        loan(item(), state=LoanState.DECLINED)


def test_every_category_has_a_code_of_its_own_and_a_name_in_both_languages():
    tree = categories.tree()
    assert len({category.code for category in tree}) == len(tree) >= 120
    assert all(category.en and category.ko and len(category.code) <= 40 for category in tree)
    assert all(categories.by_code(category.parent).parent is None for category in tree if category.parent)
