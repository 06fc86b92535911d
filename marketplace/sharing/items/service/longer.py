"""Keeping a thing longer than agreed, by leave and without: later last days, reminders, and things not brought back."""

from datetime import date, timedelta

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_not_suspended
from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.access import permit
from marketplace.kernel.intervals import Interval
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import Loan, LoanState, days
from marketplace.sharing.items.queries import line
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.service.loans import MOST_DAYS, expect
from marketplace.sharing.items.service.telling import announce, record, tell_borrower, tell_lender

DAY = timedelta(days=1)
STAGES = (-1, *policy.LATE_DAYS)
"""On which days after the last one a borrower is reminded."""


# --- by leave ---


def ask_longer(borrower: Person, loan: Loan, until: date) -> Loan:
    """Ask for a later last day while it is out.

    It is agreed at once where the owner trusts, nobody waits in line and it is no longer than the owner usually lends;
    else the owner answers. Raises AlreadyPromised if someone else was promised one of those days.
    """
    permit(policy.borrows, borrower, loan)
    expect_not_suspended(borrower)
    expect(loan, LoanState.OUT)
    if until <= loan.last_day or until < clock.today():
        raise errors.NotLonger(last=max(loan.last_day, clock.today() - DAY), field="until")
    if (until - loan.first_day).days >= MOST_DAYS:
        raise errors.TooMuchLonger(days=MOST_DAYS, field="until")
    if _others(loan, days(loan.last_day + DAY, until)):
        raise errors.AlreadyPromised(field="until")
    usual = (until - loan.first_day).days < loan.item.longest_days
    record(borrower, loan, "asked_longer")
    if loan.item.trusts and usual and not line.waiting(loan.item):
        _lengthen(loan, until)
        tell_lender(loan, "kept_longer")
    else:
        loan.longer_until = until
        tell_lender(loan, "asked_longer")
    return loan


def allow_longer(owner: Person, loan: Loan, *, yes: bool) -> Loan:
    """Answer whoever wants to keep it longer. Raises AlreadyPromised, NoLongerOpen if nothing is asked any more."""
    permit(policy.may_answer, owner, loan)
    expect(loan, LoanState.OUT)
    if loan.longer_until is None:
        raise errors.NoLongerOpen(state=loan.state.words)
    if yes:
        _lengthen(loan, loan.longer_until)
    else:
        loan.longer_until = None
        tell_borrower(loan, "not_longer")
    record(owner, loan, "answered_longer", yes=int(yes))
    return loan


def _lengthen(loan: Loan, until: date) -> None:
    """All pieces, or none."""
    try:
        with db.session.begin_nested():
            for held in _held(loan):
                occupancy.extend(held, days(loan.first_day, until))
    except occupancy.Taken as clash:
        raise errors.AlreadyPromised(field="until") from clash
    loan.last_day, loan.longer_until, loan.reminded = until, None, 0
    loan.changed += 1
    announce(loan, "longer")
    tell_borrower(loan, "longer")


def _held(loan: Loan) -> list[occupancy.Occupancy]:
    held = [piece.occupancy for piece in loan.pieces if piece.occupancy is not None]
    return sorted(held, key=lambda one: one.resource_id)


def _others(loan: Loan, interval: Interval) -> bool:
    own = {held.id for held in _held(loan)}
    there = occupancy.holding([held.resource_id for held in _held(loan)], interval)
    return any(one.id not in own for one in there)


# --- without ---


def hold_late() -> None:
    """Nobody is promised tomorrow what is not back today: what late loans hold grows with every day."""
    for loan in queries.late():
        for held in _held(loan):
            for last in (clock.today() + DAY, clock.today()):
                wanted = days(loan.first_day, last)
                if held.ends_at >= wanted.ends_at:
                    break
                try:
                    occupancy.extend(held, wanted)
                    break
                except occupancy.Taken:  # somebody was promised it before; they are told when their day comes
                    continue


def remind() -> None:
    """The day before it is fetched, the day before it is to be back, and when it is late; once, in the morning."""
    for loan in queries.fetched_on(clock.today() + DAY):
        tell_borrower(loan, "fetch_tomorrow")
        tell_lender(loan, "give_tomorrow")
    for loan in queries.out_until(clock.today() + DAY):
        late = (clock.today() - loan.last_day).days
        stage = sum(late >= day for day in STAGES)
        if stage > loan.reminded:
            loan.reminded = stage
            tell_borrower(loan, "late" if late > 0 else "back_tomorrow")
            if late > 0:
                tell_lender(loan, "not_back")
    for loan in queries.waiting_for_late(clock.today(), clock.today() + DAY):
        tell_borrower(loan, "still_out")
