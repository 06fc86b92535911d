"""Counts of a library: what was seen, what is missing, what turned up."""

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.kernel import db
from marketplace.kernel.errors import NotFound
from marketplace.sharing.items.models.lending import LoanPiece
from marketplace.sharing.items.models.libraries import StockSeen, StockTake
from marketplace.sharing.items.models.listing import Item, ItemUnit, Library, UnitState
from marketplace.sharing.items.queries.libraries import pieces


def takes(library: Library) -> sa.Select[StockTake]:
    """A library's counts, the latest first."""
    return sa.select(StockTake).where(StockTake.library_id == library.id).order_by(StockTake.id.desc())


def get_take(take_id: int) -> StockTake:
    """A count. Raises NotFound."""
    take = db.session.get(StockTake, take_id)
    if take is None:
        raise NotFound
    return take


def seen_as(take: StockTake, code: str) -> StockSeen | None:
    """What was scanned under a code."""
    return db.session.scalar(sa.select(StockSeen).where(StockSeen.stock_take_id == take.id, StockSeen.code == code))


def seen(take: StockTake) -> sa.Select[StockSeen]:
    """What was scanned, the latest first, with its thing."""
    own = sa.select(StockSeen).where(StockSeen.stock_take_id == take.id)
    return own.options(joinedload(StockSeen.unit).joinedload(ItemUnit.item)).order_by(StockSeen.id.desc())


def strange(library: Library, take: StockTake) -> sa.Select[StockSeen]:
    """What was scanned and does not belong here: codes that nobody knows, pieces of another library, pieces gone."""
    own = seen(take).outerjoin(StockSeen.unit).outerjoin(Item, Item.id == ItemUnit.item_id)
    elsewhere = sa.or_(Item.library_id.is_(None), Item.library_id != library.id, ItemUnit.state == UnitState.GONE)
    return own.where(elsewhere)


def _of(take: StockTake) -> sa.Select[int | None]:
    return sa.select(StockSeen.unit_id).where(StockSeen.stock_take_id == take.id, StockSeen.unit_id.is_not(None))


def missing(library: Library, take: StockTake) -> sa.Select[ItemUnit]:
    """The pieces that should be there and were not seen: not on loan, and not known to be missing before."""
    out = sa.select(LoanPiece.unit_id).where(LoanPiece.is_out)
    expected = pieces(library).where(ItemUnit.state != UnitState.LOST, ItemUnit.id.not_in(out))
    return expected.where(ItemUnit.id.not_in(_of(take)))


def turned_up(library: Library, take: StockTake) -> sa.Select[ItemUnit]:
    """The pieces that counted as missing and were seen."""
    return pieces(library).where(ItemUnit.state == UnitState.LOST, ItemUnit.id.in_(_of(take)))


def expected(library: Library) -> int:
    """How many pieces should be in the house."""
    out = sa.select(LoanPiece.unit_id).where(LoanPiece.is_out)
    return db.count(pieces(library).where(ItemUnit.state != UnitState.LOST, ItemUnit.id.not_in(out)))
