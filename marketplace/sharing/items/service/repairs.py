"""Repairs of a library's pieces: what is wrong, what was done, and what became of it; and pieces lost and found."""

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import audit, clock, db
from marketplace.kernel.access import permit
from marketplace.kernel.things import subject
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import LoanPiece
from marketplace.sharing.items.models.libraries import RepairNote, RepairTicket
from marketplace.sharing.items.models.listing import ItemUnit, UnitState


def open_ticket(staff: Person, unit: ItemUnit, problem: str) -> RepairTicket:
    """Take a piece out of lending until it is repaired; loans it is promised to stay, for staff to move.

    Raises InRepair if it is in repair already, even since this instant; OnLoan while someone has it.
    """
    permit(policy.may_edit, staff, unit.item)
    if unit.state is UnitState.GONE:
        raise errors.NotReady(state=unit.state.words)
    if db.session.scalar(sa.select(LoanPiece.loan_id).where(LoanPiece.unit_id == unit.id, LoanPiece.is_out)):
        raise errors.OnLoan
    ticket = RepairTicket(unit_id=unit.id, problem=problem.strip(), opened_by_id=staff.id)
    try:
        with db.session.begin_nested():
            db.session.add(ticket)
            db.session.flush()
    except sa.exc.IntegrityError as clash:
        raise errors.InRepair from clash
    unit.state = UnitState.REPAIR
    db.session.flush()
    audit.record(staff.id, "items.repair_opened", subject("item", unit.item_id), unit=unit.id)
    return ticket


def add_note(staff: Person, ticket: RepairTicket, text: str) -> RepairNote:
    """Say what was done or found out. Raises RepairOver once it is closed."""
    permit(policy.may_edit, staff, ticket.unit.item)
    _expect_open(ticket)
    note = RepairNote(ticket_id=ticket.id, by_id=staff.id, text=text.strip())
    db.session.add(note)
    db.session.flush()
    return note


def close(staff: Person, ticket: RepairTicket, outcome: UnitState) -> None:
    """End a repair: the piece can be lent again, or is gone for good. Raises RepairOver."""
    permit(policy.may_edit, staff, ticket.unit.item)
    _expect_open(ticket)
    ticket.outcome, ticket.closed_by_id, ticket.closed_at = outcome, staff.id, clock.now()
    ticket.unit.state = outcome
    db.session.flush()
    audit.record(
        staff.id, "items.repair_closed", subject("item", ticket.unit.item_id), unit=ticket.unit_id,
        outcome=outcome.value,
    )  # fmt: skip


def lost(staff: Person, unit: ItemUnit) -> None:
    """Nobody knows where a piece is: it is not lent until it turns up. Raises NotReady if it is no longer lent."""
    _turn(staff, unit, UnitState.LOST, "items.piece_lost", UnitState.READY, UnitState.LOST)


def found(staff: Person, unit: ItemUnit) -> None:
    """A piece that was missing is there again."""
    _turn(staff, unit, UnitState.READY, "items.piece_found", UnitState.LOST, UnitState.READY)


def _turn(staff: Person, unit: ItemUnit, state: UnitState, action: str, *before: UnitState) -> None:
    permit(policy.may_edit, staff, unit.item)
    if unit.state not in before:
        raise errors.NotReady(state=unit.state.words)
    if unit.state is not state:
        unit.state = state
        db.session.flush()
        audit.record(staff.id, action, subject("item", unit.item_id), unit=unit.id)


def _expect_open(ticket: RepairTicket) -> None:
    db.session.refresh(ticket, ["closed_at"], with_for_update=True)
    if not ticket.is_open:
        raise errors.RepairOver
