"""Lending across the counter of a library: whoever borrows stands there, so no code goes from hand to hand.

Staff say how the thing is; the borrower agrees by being there. It is on record who said so, and the borrower is told.
"""

from collections.abc import Sequence
from datetime import date

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_not_suspended
from marketplace.civic.groups.service.behalf import Behalf
from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.access import permit
from marketplace.kernel.errors import NotFound
from marketplace.kernel.occupancy import Kind as Holding
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import Handover, Loan, LoanPiece, Way
from marketplace.sharing.items.models.listing import Condition, ItemUnit, UnitState
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.service import handing, loans
from marketplace.sharing.items.service.telling import record


def lend(
    staff: Person,
    unit: ItemUnit,
    borrower: Person,
    behalf: Behalf,
    last: date,
    *,
    condition: Condition,
    counts: Sequence[int] = (),
    note: str = "",
) -> Loan:
    """Hand a piece to someone at the counter at once, until a day; by the same rules of the thing as for everyone.

    Raises what `loans.request` raises, NotReady, or PiecePromised if this very piece is not free so long.
    """
    loan = loans.request(borrower, listings.get_item(unit.item_id), clock.today(), last, behalf=behalf)
    over_counter(staff, loan, Way.OUT, unit=unit, condition=condition, counts=counts, note=note)
    return loan


def over_counter(
    staff: Person,
    loan: Loan,
    way: Way,
    *,
    condition: Condition,
    counts: Sequence[int] = (),
    note: str = "",
    unit: ItemUnit | None = None,
) -> Handover:
    """Hand a library's thing out, or take it back, from hand to hand.

    unit   the piece in hand: where another of the identical ones was set aside, this one goes instead.
    Raises TooEarly before the first day, StillOut, NotReady, PiecePromised or NoLongerOpen.
    """
    permit(policy.lends, staff, loan)
    expect_not_suspended(staff)
    if loan.item.library is None:
        raise NotFound
    if way is Way.OUT and clock.today() < loan.first_day:
        raise errors.TooEarly(first=loan.first_day)
    loans.expect(loan, handing.BEFORE[way])
    if way is Way.OUT and unit is not None:
        _take_this(loan, unit)
    giver, taker = (staff.id, loan.borrower_id) if way is Way.OUT else (loan.borrower_id, staff.id)
    handover = queries.open_handover(loan, way) or Handover(loan_id=loan.id, way=way, parts=[])
    db.session.add(handover)
    handover.given_by_id, handover.taken_by_id, handover.taken_at = giver, taker, clock.now()
    handover.condition, handover.note, handover.nonce, handover.agreed = condition, note.strip(), "", True
    handover.parts = handing.parts(loan, counts)
    db.session.flush()
    (handing.go_out if way is Way.OUT else handing.come_back)(loan)
    record(staff, loan, "over_counter", way=way.value, for_person=loan.borrower_id)
    return handover


def _take_this(loan: Loan, unit: ItemUnit) -> None:
    """Have the loan take this piece in place of one that was set aside."""
    if unit.item_id != loan.item_id or unit.state is not UnitState.READY:
        raise errors.NotReady(state=unit.state.words)
    if any(piece.unit_id == unit.id for piece in loan.pieces):
        return
    other = loan.pieces[0]
    try:
        claim = occupancy.claim(unit.resource_id, loan.interval, kind=Holding.LOAN)
    except occupancy.Taken as clash:
        raise errors.PiecePromised from clash
    loan.pieces.remove(other)
    held = other.occupancy
    db.session.delete(other)
    db.session.flush()
    if held is not None:
        occupancy.release(held)
    loan.pieces.append(LoanPiece(unit=unit, occupancy=claim))
    db.session.flush()
