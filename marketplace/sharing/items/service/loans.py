"""Asking for a thing, answering, and giving up what was agreed. What changes hands is told in handing.py."""

from datetime import date

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act, expect_not_suspended
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.groups.service.behalf import Behalf
from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.access import permit
from marketplace.kernel.occupancy import Claim
from marketplace.kernel.occupancy import Kind as Holding
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import (
    ASKED,
    Loan,
    LoanOnBehalf,
    LoanPiece,
    LoanState,
    Refusal,
    days,
)
from marketplace.sharing.items.models.listing import Item, UnitState
from marketplace.sharing.items.queries import listings, problems
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.queries.trust import returns_of
from marketplace.sharing.items.service import deposits, line
from marketplace.sharing.items.service.telling import announce, record, tell_borrower, tell_lender

CLOSED_AFTER = policy.REPORTED_WITHIN

AT_ONCE = 200

# --- asking and answering ---


def request(
    borrower: Person,
    item: Item,
    first: date,
    last: date,
    *,
    quantity: int = 1,
    message: str = "",
    behalf: Behalf | None = None,
    agreed: bool = False,
) -> Loan:
    """Ask the owner for a thing for some days; it is agreed at once where the owner trusts and the borrower is trusted.

    A library that enters a request for a caller has agreed to it; `agreed` says that its owner has in another way. A
    deposit in time credits is put aside at once, so that no yes fails for want of it. Raises the thing's broken rule,
    AlreadyPromised if too few pieces are free, TooManyRequests, AskedAlready, DepositMissing or CallerDepositMissing.
    """
    staff = behalf.entered_by if behalf else None
    _may_ask(borrower, item, staff)
    member_of = queries.member_of(borrower, item)
    if refusal := policy.broken_rule(item, None if staff else borrower, member_of, first, last, quantity):
        raise refusal
    one_at_a_time(borrower.id)
    if queries.count_asked(borrower) >= policy.MOST_ASKED:
        raise errors.TooManyRequests(most=policy.MOST_ASKED)
    if queries.has_asked(borrower, item, first):
        raise errors.AskedAlready
    deposits.expect_enough(borrower, item, by_staff=staff is not None)
    kept = line.use_offer(borrower, item)
    _expect_free(item, first, last, quantity - (kept is not None))
    loan = Loan(
        item=item, borrower=borrower, first_day=first, last_day=last, quantity=quantity, message=message.strip(),
        due_at=policy.answer_by(item, first), fee=item.fee, deposit=item.deposit,
        deposit_unit=item.deposit_unit, asked_at=clock.now(), state=LoanState.REQUESTED, pieces=[],
        on_behalf=LoanOnBehalf(**behalf.columns) if behalf else None,
    )  # fmt: skip
    db.session.add(loan)
    db.session.flush()
    deposits.hold(loan, staff or borrower)
    if kept is not None:
        _keep(loan, kept)
    record(staff or borrower, loan, "asked", **(behalf.detail(borrower) if behalf else {}))
    announce(loan, "requested")
    if staff or agreed or (item.trusts and policy.is_trusted(returns_of(borrower))):
        _agree(loan)
        tell_lender(loan, "agreed")
    else:
        tell_lender(loan, "asked")
    return loan


def accept(owner: Person, loan: Loan) -> Loan:
    """Promise the thing for the days requested.

    Raises AlreadyPromised if too few pieces are left on one of those days, even since this instant.
    """
    _answers(owner, loan)
    loan.decided_by_id = owner.id
    _agree(loan)
    record(owner, loan, "accepted")
    return loan


def propose(owner: Person, loan: Loan, first: date, last: date) -> Loan:
    """Name other days instead, which the borrower may take. Nothing is held meanwhile."""
    _answers(owner, loan)
    if policy.hours_end(loan.item, first) <= clock.now():
        raise errors.InThePast(field="first")
    if (last - first).days >= MOST_DAYS:
        raise errors.TooMuchLonger(days=MOST_DAYS, field="last")
    _expect_free(loan.item, first, last, loan.quantity)
    loan.state, loan.other_first, loan.other_last = LoanState.PROPOSED, first, last
    loan.decided_by_id, loan.due_at = owner.id, policy.answer_by(loan.item, first)
    loan.changed += 1
    record(owner, loan, "proposed")
    announce(loan, "proposed")
    tell_borrower(loan, "proposed")
    return loan


def take_proposal(borrower: Person, loan: Loan) -> Loan:
    """Agree to the days that the owner proposed. Raises AlreadyPromised."""
    permit(policy.borrows, borrower, loan)
    expect_not_suspended(borrower)
    expect(loan, LoanState.PROPOSED)
    assert loan.other_first is not None  # noqa: S101 - the database keeps it so: ck_loans_proposal_has_days
    assert loan.other_last is not None  # noqa: S101
    loan.first_day, loan.last_day = loan.other_first, loan.other_last
    _agree(loan)
    record(borrower, loan, "took_proposal")
    tell_lender(loan, "agreed")
    return loan


def decline(owner: Person, loan: Loan, refusal: Refusal, words: str = "") -> Loan:
    """Say no, with a reason of the short list; another reason needs words."""
    _answers(owner, loan)
    if refusal is Refusal.OTHER and not words.strip():
        raise errors.ReasonMissing(field="words")
    loan.refusal, loan.reason, loan.decided_by_id = refusal, words.strip(), owner.id
    _end(loan, LoanState.DECLINED)
    record(owner, loan, "declined", reason=refusal.value)
    tell_borrower(loan, "declined")
    return loan


def withdraw(borrower: Person, loan: Loan) -> Loan:
    """Take back a request, or turn down the days proposed instead."""
    permit(policy.borrows, borrower, loan)
    expect(loan, *ASKED)
    _end(loan, LoanState.WITHDRAWN)
    record(borrower, loan, "withdrawn")
    tell_lender(loan, "withdrawn")
    return loan


def cancel(person: Person, loan: Loan, reason: str) -> Loan:
    """Give up what was agreed, with the reason that the other side reads.

    The borrower may until the first day is over, the owner as long as it is not handed over.
    """
    permit(policy.may_cancel, person, loan)
    expect(loan, LoanState.ACCEPTED)
    borrower = policy.borrows(person, loan)
    if not policy.may_still_cancel(loan, borrower=borrower):
        raise errors.TooLateToCancel(until=loan.first_day)
    if not reason.strip():
        raise errors.ReasonMissing(field="reason")
    loan.reason, loan.decided_by_id = reason.strip(), person.id
    _end(loan, LoanState.CANCELLED)
    record(person, loan, "cancelled")
    (tell_lender if borrower else tell_borrower)(loan, "given_up" if borrower else "cancelled")
    return loan


def call_off(loan: Loan) -> None:
    """Give up an agreed loan because the rest of what it belongs to is given up; whoever does that tells why."""
    expect(loan, LoanState.ACCEPTED)
    _end(loan, LoanState.CANCELLED)
    record(None, loan, "called_off")


# --- time ---


def run_out() -> None:
    """End what nobody answered in time, what was never fetched, and what was brought back a day ago."""
    unanswered, not_fetched = queries.overdue(AT_ONCE), queries.never_fetched(AT_ONCE)
    long_back = queries.to_close(CLOSED_AFTER, AT_ONCE)
    deposits.lock([*unanswered, *not_fetched, *long_back])
    for loan in unanswered:
        expire(loan)
    for loan in not_fetched:
        _end(loan, LoanState.CANCELLED)
        tell_borrower(loan, "never_fetched")
        tell_lender(loan, "never_given")
    troubled = problems.being_settled(loan.id for loan in long_back)  # reported in the instant before they were locked
    for loan in (one for one in long_back if one.id not in troubled):
        _end(loan, LoanState.CLOSED)


def expire(loan: Loan) -> None:
    """End what was not answered, or will not be any more."""
    answered = loan.state is LoanState.PROPOSED
    _end(loan, LoanState.EXPIRED)
    (tell_lender if answered else tell_borrower)(loan, "not_taken" if answered else "unanswered")


def lose(loan: Loan) -> None:
    """End a loan whose thing does not come back and is made good; its pieces are gone."""
    deposits.lock([loan])
    for piece in loan.pieces:
        piece.unit.state = UnitState.GONE
    _end(loan, LoanState.CLOSED)


# --- parts ---

MOST_DAYS = 90
"""No loan is longer, whatever its owner allows."""


def _may_ask(borrower: Person, item: Item, staff: Person | None) -> None:
    if staff is None:
        expect_may_act(borrower)
        return
    expect_not_suspended(staff)
    permit(policy.may_edit, staff, item)
    if borrower.is_suspended:
        raise errors.CallerSuspended


def _answers(owner: Person, loan: Loan) -> None:
    permit(policy.may_answer, owner, loan)
    expect_not_suspended(owner)
    expect(loan, LoanState.REQUESTED)


def expect(loan: Loan, *states: LoanState) -> None:
    """Go on only in one of these states, which the loan then keeps for others until the transaction ends."""
    db.session.flush()
    db.session.refresh(loan, [column.key for column in Loan.__table__.columns], with_for_update=True)
    if policy.is_overdue(loan):
        raise errors.NoLongerOpen(state=LoanState.EXPIRED.words)
    if loan.state not in states:
        raise errors.NoLongerOpen(state=loan.state.words)


def _expect_free(item: Item, first: date, last: date, quantity: int) -> None:
    if len(queries.free_units(item, days(first, last))) < quantity:
        raise _promised(item, first, last, quantity)


def _promised(item: Item, first: date, last: date, quantity: int) -> errors.AlreadyPromised:
    earliest = queries.next_free(item, last - first, quantity, first)
    return errors.PromisedUntil(earliest=earliest, field="first") if earliest else errors.AlreadyPromised(field="first")


def _agree(loan: Loan) -> None:
    """Claim the pieces, and tell the borrower that it is theirs."""
    _claim(loan)
    loan.state, loan.due_at, loan.accepted_at = LoanState.ACCEPTED, None, clock.now()
    loan.changed += 1
    announce(loan, "accepted")
    tell_borrower(loan, "accepted")


def _keep(loan: Loan, kept: occupancy.Occupancy) -> None:
    """What was kept for whoever was first in line is kept, for the days asked for, until the owner answers."""
    listings.hold_still(loan.item)  # before its piece, as whoever promises it does
    kept.expires_at = loan.due_at
    try:
        occupancy.extend(kept, loan.interval)
    except (occupancy.Taken, occupancy.Expired) as clash:
        raise _promised(loan.item, loan.first_day, loan.last_day, loan.quantity) from clash
    unit = next(unit for unit in loan.item.units if unit.resource_id == kept.resource_id)
    loan.pieces.append(LoanPiece(unit=unit, occupancy=kept))
    db.session.flush()


def _claim(loan: Loan) -> None:
    """Take as many free pieces as were asked for, all or none; where one is taken this instant, another instead.

    Whoever turns to another piece turns to the next, never back, so that no two wait for each other.
    """
    listings.hold_still(loan.item)
    let_go(loan)
    loan.pieces.clear()
    free = queries.free_units(loan.item, loan.interval)
    while len(free) >= loan.quantity:
        chosen = free[: loan.quantity]
        try:
            claims = occupancy.claim_all([Claim(unit.resource_id, loan.interval, Holding.LOAN) for unit in chosen])
        except occupancy.Taken as clash:
            free = [unit for unit in free if unit.resource_id != clash.resource_id]
            continue
        for unit, claim in zip(chosen, claims, strict=True):
            loan.pieces.append(LoanPiece(unit=unit, occupancy=claim))
        db.session.flush()
        return
    raise _promised(loan.item, loan.first_day, loan.last_day, loan.quantity)


def _end(loan: Loan, state: LoanState) -> None:
    """Give its deposit back, and let go of its pieces."""
    deposits.settle(loan)
    loan.state, loan.due_at, loan.ended_at = state, None, clock.now()
    loan.changed += 1
    let_go(loan)
    announce(loan, state.value)
    line.offer(loan.item, loan.last_day)


def let_go(loan: Loan) -> None:
    """Free the pieces for others."""
    held = [piece.occupancy for piece in loan.pieces if piece.occupancy is not None]
    for piece in loan.pieces:
        piece.occupancy, piece.is_out = None, False
    db.session.flush()
    for claim in sorted(held, key=lambda one: one.resource_id):
        occupancy.release(claim)
