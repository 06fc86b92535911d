"""When something went wrong with a loan: reporting it, settling it between the two, and mediators' decisions."""

from collections.abc import Collection

from sqlalchemy.exc import IntegrityError

from marketplace.civic.accounts.models import Person
from marketplace.civic.credits import service as time_credits
from marketplace.civic.credits.errors import PaidAlready
from marketplace.civic.credits.models import show as show_time
from marketplace.civic.notifications import service as notifications
from marketplace.civic.uploads import service as uploads
from marketplace.kernel import clock, db, money, things
from marketplace.kernel.access import permit
from marketplace.kernel.things import subject
from marketplace.kernel.words import _
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import Loan, LoanState
from marketplace.sharing.items.models.problems import (
    MEDIATED,
    TALKING,
    Due,
    Offer,
    Problem,
    ProblemState,
    Remedy,
    Trouble,
)
from marketplace.sharing.items.queries import problems as queries
from marketplace.sharing.items.service import deposits, loans
from marketplace.sharing.items.service.telling import record

MOST_PICTURES = 4
"""Of each side."""

AT_ONCE = 100

# --- between the two ---


def report(person: Person, loan: Loan, trouble: Trouble, words: str, *, pictures: Collection[int] = ()) -> Problem:
    """Say what went wrong: the other side is told, and the loan is not over before it is settled.

    Raises NothingToReport outside of its time, or ReportedAlready.
    """
    permit(policy.may_see, person, loan)
    loans.expect(loan, *LoanState)
    if trouble not in policy.troubles(loan):
        raise errors.NothingToReport
    problem = Problem(
        loan=loan, borrower_id=loan.borrower_id, owner_id=loan.item.owner_id, trouble=trouble,
        state=ProblemState.OPEN, deposit=loan.promised, most=policy.most_due(loan),
        held=loan.held - queries.kept_minutes(loan), by=person, by_borrower=policy.borrows(person, loan),
        words=words.strip(), opened_at=clock.now(),
        due_at=clock.now() + policy.SETTLED_WITHIN, offers=[],
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(problem)
    except IntegrityError as error:
        if db.violates(error, "loan_problems"):
            raise errors.ReportedAlready from error
        raise
    uploads.attach(person, pictures, subject("problem", problem.id), most=MOST_PICTURES)
    _done(person, problem, "reported", trouble=trouble.value)
    return problem


def answer(person: Person, problem: Problem, words: str, *, pictures: Collection[int] = ()) -> Problem:
    """Say how the other side sees it; said again, the last time counts."""
    permit(_is_other_side, person, problem)
    _expect(problem, *TALKING)
    problem.answer, problem.answer_by_id = words.strip(), person.id
    uploads.attach(person, pictures, subject("problem", problem.id), most=2 * MOST_PICTURES)
    _done(person, problem, "answered")
    return problem


def offer(
    person: Person, problem: Problem, remedy: Remedy, amount: int = 0, words: str = "", *, minutes: int = 0
) -> Offer:
    """Propose what is due; the other side accepts it, or proposes something else. Raises as `decide`."""
    permit(policy.may_speak, person, problem)
    _expect(problem, *TALKING)
    if remedy is Remedy.FUND:
        raise errors.NoFund(field="remedy")
    amount, minutes = _sum(problem, remedy, amount, minutes)
    made = Offer(
        problem=problem, by_id=person.id, by_borrower=policy.borrows(person, problem.loan), remedy=remedy,
        amount=amount, minutes=minutes, words=words.strip(), made_at=clock.now(),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    _done(person, problem, "offered", offer=made.id)
    return made


def accept(person: Person, problem: Problem, offer_id: int) -> Problem:
    """Agree to the last word of the other side: it is settled. Raises OfferGone if there is another one since."""
    permit(policy.may_speak, person, problem)
    _expect(problem, *TALKING)
    db.session.refresh(problem, ["offers"])
    theirs = [one for one in problem.offers if one.by_borrower != policy.borrows(person, problem.loan)]
    if not theirs or theirs[-1].id != offer_id:
        raise errors.OfferGone
    made = theirs[-1]
    made.accepted_by_id, made.accepted_at = person.id, clock.now()
    problem.remedy, problem.amount, problem.minutes = made.remedy, made.amount, made.minutes
    _close(problem, ProblemState.SETTLED)
    _done(person, problem, "settled", offer=made.id)
    return problem


def ask_mediator(person: Person, problem: Problem) -> Problem:
    """Have a mediator look at it at once."""
    permit(policy.may_speak, person, problem)
    _expect(problem, ProblemState.OPEN)
    _hand_on(problem)
    _done(person, problem, "handed_on")
    return problem


def withdraw(person: Person, problem: Problem) -> Problem:
    """Take back what one's side reported: there was no problem, or there is none any more."""
    permit(_is_reporting_side, person, problem)
    _expect(problem, *TALKING)
    _close(problem, ProblemState.WITHDRAWN)
    _done(person, problem, "withdrawn")
    return problem


# --- mediators ---


def decide(
    mediator: Person,
    problem: Problem,
    remedy: Remedy,
    amount: int,
    reason: str,
    *,
    minutes: int = 0,
    fund: bool = False,
) -> Problem:
    """Say what is due and why, which both sides read; the answer to an appeal is the last word.

    minutes   what is kept of a deposit in time credits
    fund      whether the city has an insurance fund, which may pay instead of the borrower

    Raises SumMissing, SumTooLarge or MoreThanDeposit, NoFund, ReasonMissing, ProblemWentOn.
    """
    permit(policy.may_mediate, mediator, problem, queries.is_apart(mediator, problem))
    _expect(problem, *MEDIATED)
    permit(policy.may_mediate, mediator, problem, True)
    if not reason.strip():
        raise errors.ReasonMissing(field="reason")
    if remedy is Remedy.FUND and not fund:
        raise errors.NoFund(field="remedy")
    amount, minutes = _sum(problem, remedy, amount, minutes)
    if problem.state is ProblemState.WAITING:
        problem.mediator_id, problem.decided_at = mediator.id, clock.now()
        problem.remedy, problem.amount, problem.minutes, problem.reason = remedy, amount, minutes, reason.strip()
        problem.state, problem.due_at = ProblemState.DECIDED, clock.now() + policy.APPEALED_WITHIN
        _done(mediator, problem, "decided", remedy=remedy.value)
        return problem
    problem.second_id = mediator.id
    problem.last_remedy, problem.last_amount, problem.last_minutes = remedy, amount, minutes
    problem.last_reason = reason.strip()
    _close(problem, ProblemState.FINAL)
    _done(mediator, problem, "final", remedy=remedy.value)
    return problem


def appeal(person: Person, problem: Problem, words: str) -> Problem:
    """Ask a second mediator to look again, within a week. Raises AppealOver."""
    permit(policy.may_speak, person, problem)
    _expect(problem, ProblemState.DECIDED)
    if problem.due_at is None or problem.due_at <= clock.now():
        raise errors.AppealOver(until=problem.due_at)
    problem.appealed_by_id, problem.appealed_at, problem.appeal = person.id, clock.now(), words.strip()
    problem.state, problem.due_at = ProblemState.APPEALED, clock.now() + policy.MEDIATED_WITHIN
    _done(person, problem, "appealed")
    return problem


# --- the fund ---


def pay(keeper: Person, problem: Problem) -> Problem:
    """Have the city's fund pay what mediators decided for good, once, and tell the owner.

    Raises ProblemWentOn, PaidAlready, or FundTooLow, after which it waits on.
    """
    permit(policy.may_pay, keeper, problem)
    _expect(problem, ProblemState.FINAL)
    due = problem.due
    if due is None or not due.from_fund:
        raise errors.NoFund
    if problem.paid_at is not None:
        raise PaidAlready
    about = subject("problem", problem.id)
    time_credits.pay_fund(keeper, -due.from_fund, _("Loan {reference}", reference=problem.loan.reference), about=about)
    problem.paid_at = clock.now()
    db.session.flush()
    record(keeper, problem.loan, "problem_paid", problem=problem.id)
    notifications.tell(policy.lenders(problem.loan.item), "items.problem_paid", things.of("problem", problem))
    return problem


# --- time ---


def run_out() -> None:
    """Hand on what the two did not settle in two days; a decision that nobody appealed in a week is final."""
    over = queries.run_out(AT_ONCE)
    deposits.lock(problem.loan for problem in over if _loses(problem))
    for problem in over:
        if problem.state is ProblemState.OPEN:
            _hand_on(problem)
            _tell(problem, "handed_on")
        else:
            _close(problem, ProblemState.FINAL)
            _tell(problem, "final")


# --- parts ---


def _is_reporting_side(person: Person, problem: Problem) -> bool:
    return policy.took_side(person, problem, reporter=True)


def _is_other_side(person: Person, problem: Problem) -> bool:
    return policy.took_side(person, problem, reporter=False)


def _expect(problem: Problem, *states: ProblemState) -> None:
    """Go on only in one of these states, which the problem then keeps for others until the transaction ends."""
    db.session.flush()
    db.session.refresh(problem, [column.key for column in Problem.__table__.columns], with_for_update=True)
    if problem.state not in states:
        raise errors.ProblemWentOn(state=problem.state.words)


def _sum(problem: Problem, remedy: Remedy, amount: int, minutes: int) -> tuple[int, int]:
    """How much is due of money, and how much of a deposit in time credits: nothing where no sum belongs to it."""
    if not remedy.has_sum:
        return 0, 0
    if remedy is Remedy.DEPOSIT and problem.held:
        if minutes <= 0:
            raise errors.SumMissing(field="hours")
        if minutes > problem.held:
            raise errors.MoreThanDeposit(most=show_time(problem.held), field="hours")
        return 0, minutes
    if amount <= 0:
        raise errors.SumMissing(field="amount")
    if remedy is Remedy.DEPOSIT and amount > problem.deposit:
        raise errors.MoreThanDeposit(most=money.show(problem.deposit), field="amount")
    if amount > problem.most:
        raise errors.SumTooLarge(most=money.show(problem.most), field="amount")
    return amount, 0


def _hand_on(problem: Problem) -> None:
    problem.state, problem.due_at = ProblemState.WAITING, clock.now() + policy.MEDIATED_WITHIN


def _close(problem: Problem, state: ProblemState) -> None:
    """It is over; a thing that does not come back and is made good is gone, and so its loan is over, too."""
    problem.state, problem.due_at, problem.closed_at = state, None, clock.now()
    if _loses(problem):
        loans.expect(problem.loan, *LoanState)
        if problem.loan.state is LoanState.OUT:
            loans.lose(problem.loan)


def _loses(problem: Problem) -> bool:
    """Whether what is due makes good that the thing does not come back."""
    due: Due | None = problem.due
    lost = problem.trouble is Trouble.NOT_BACK and due is not None and due.made_good
    return lost and problem.loan.state is LoanState.OUT


def _done(person: Person, problem: Problem, what: str, **detail: int | str) -> None:
    """Put it on record, and tell both sides but whoever did it."""
    db.session.flush()
    record(person, problem.loan, f"problem_{what}", problem=problem.id, **detail)
    _tell(problem, what, but=person)


def _tell(problem: Problem, what: str, but: Person | None = None) -> None:
    db.session.flush()
    sides = policy.lenders(problem.loan.item) | policy.borrowers(problem.loan)
    told = sides - {but.id} if but else sides
    notifications.tell(told, f"items.problem_{what}", things.of("problem", problem))
