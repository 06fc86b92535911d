"""What went wrong with loans: one loan's, what waits for mediators, and who of them is apart from both sides."""

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from marketplace.civic.accounts.models import Person
from marketplace.civic.conversations.models import Conversation, Message
from marketplace.kernel import clock, db
from marketplace.kernel.errors import NotFound
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import Loan
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.models.problems import MEDIATED, Problem, ProblemState, Remedy
from marketplace.sharing.items.queries import loans

# --- one ---


def _whole(query: sa.Select[Problem]) -> sa.Select[Problem]:
    return query.options(joinedload(Problem.by), joinedload(Problem.answer_by), selectinload(Problem.offers))


def latest(loan: Loan) -> Problem | None:
    """What last went wrong with a loan, if anything did."""
    query = _whole(sa.select(Problem).where(Problem.loan_id == loan.id))
    found = db.session.scalar(query.order_by(Problem.id.desc()).limit(1))
    if found is not None:
        set_committed_value(found, "loan", loan)
    return found


def problems_by_id(ids: Collection[int]) -> dict[int, Problem]:
    """These problems by id, each with its loan."""
    return {one.id: one for one in with_loans(_whole(sa.select(Problem).where(Problem.id.in_(ids))))}


def get_problem(problem_id: int) -> Problem:
    """A problem. Raises NotFound."""
    if (found := problems_by_id([problem_id]).get(problem_id)) is None:
        raise NotFound
    return found


def with_loans(query: sa.Select[Problem]) -> list[Problem]:
    """Problems with their loans, in a constant number of statements."""
    found = list(db.session.scalars(query))
    whole = loans.loans_by_id({one.loan_id for one in found})
    for one in found:
        set_committed_value(one, "loan", whole[one.loan_id])
    return found


def kept_minutes(loan: Loan) -> int:
    """How much of a loan's deposit in time credits its problems, as they were settled and decided, say is kept."""
    settled = sa.select(Problem).where(
        Problem.loan_id == loan.id, Problem.state.in_((ProblemState.SETTLED, ProblemState.FINAL))
    )
    return sum(one.due.minutes for one in db.session.scalars(settled) if one.due is not None)


def troubled(loan_ids: Iterable[int]) -> set[int]:
    """Which of these loans something went wrong with."""
    return set(db.session.scalars(sa.select(Problem.loan_id).where(Problem.loan_id.in_(loan_ids))))


def being_settled(loan_ids: Iterable[int]) -> set[int]:
    """Which of these loans have a problem that is open."""
    of_them = sa.select(Problem.loan_id).where(Problem.loan_id.in_(loan_ids), Problem.closed_at.is_(None))
    return set(db.session.scalars(of_them))


# --- mediators ---


def is_apart(person: Person, problem: Problem) -> bool:
    """Whether someone has nothing to do with either side."""
    return db.session.scalar(sa.select(Problem.id).where(Problem.id == problem.id, _apart(person))) is not None


def may_look(person: Person | None, loan: Loan) -> bool:
    """Whether someone may read, as a mediator, of what a loan's sides said and showed each other."""
    if person is None or not policy.is_mediator(person):
        return False
    query = sa.select(Problem.id).where(Problem.loan_id == loan.id, _went_to_mediator(), _apart(person))
    return db.session.scalar(query.limit(1)) is not None


def to_mediate(person: Person) -> sa.Select[Problem]:
    """What waits for this mediator, the most urgent first."""
    waiting = sa.or_(Problem.state == ProblemState.WAITING, Problem.mediator_id != person.id)
    query = sa.select(Problem).where(Problem.state.in_(MEDIATED), waiting, _apart(person))
    return _whole(query.order_by(Problem.due_at, Problem.id))


def reported_as(subject: str) -> str | None:
    """Why a mediator reads a message: a problem of the loan that it is about went to mediators."""
    kind, _, number = subject.partition(":")
    if kind != "message" or (message_id := db.row_number(number)) is None:
        return None
    about = sa.select(Conversation.subject).join(Message, Message.conversation_id == Conversation.id)
    loan = db.session.scalar(about.where(Message.id == message_id)) or ""
    if not loan.startswith("loan:"):
        return None
    query = sa.select(Problem.trouble).where(Problem.loan_id == int(loan.partition(":")[2]), _went_to_mediator())
    found = db.session.scalar(query.order_by(Problem.id.desc()).limit(1))
    return found.value if found else None


def last_message(loan: Loan) -> tuple[int, int] | None:
    """The conversation of a loan and its last message, by which a mediator comes to it."""
    query = sa.select(Message.conversation_id, Message.id).join(Message.conversation)
    query = query.where(Conversation.subject == f"loan:{loan.id}").order_by(Message.id.desc()).limit(1)
    row = db.session.execute(query).first()
    return (row[0], row[1]) if row else None


def _went_to_mediator() -> sa.ColumnElement[bool]:
    return sa.or_(Problem.state.in_(MEDIATED), Problem.mediator_id.is_not(None))


def _of_others(person: Person) -> sa.ColumnElement[bool]:
    """Of which problems neither side is theirs."""
    named = (Problem.borrower_id, Problem.owner_id, Problem.by_id, Problem.answer_by_id, Problem.appealed_by_id)
    not_named = sa.and_(*(sa.func.coalesce(column, 0) != person.id for column in named))
    own = sa.select(Loan.id).where(sa.or_(loans.borrowed_by(person), loans.lent_by(person)))
    return sa.and_(not_named, Problem.loan_id.not_in(own))


def _apart(person: Person) -> sa.ColumnElement[bool]:
    """Of which problems neither side is theirs, and with whose sides they never shared a loan."""
    shared, item, library = aliased(Loan), aliased(Item), aliased(Item)
    sides = (Problem.borrower_id, Problem.owner_id)
    lent = sa.select(library.library_id).join(Loan, Loan.item_id == library.id).where(Loan.id == Problem.loan_id)
    its_library = lent.correlate(Problem).scalar_subquery()
    with_them = (
        sa.exists()
        .where(shared.item_id == item.id, shared.accepted_at.is_not(None))
        .where(
            sa.or_(
                sa.and_(shared.borrower_id == person.id, item.owner_id.in_(sides)),
                sa.and_(shared.borrower_id == person.id, item.library_id == its_library),
                sa.and_(item.owner_id == person.id, shared.borrower_id.in_(sides)),
            )
        )
    )
    return sa.and_(_of_others(person), ~with_them)


# --- the fund ---


def to_pay(person: Person) -> sa.Select[Problem]:
    """What mediators decided for good that the fund pays, and it has not, but to this person; the oldest first."""
    by_fund = sa.func.coalesce(Problem.last_remedy, Problem.remedy) == Remedy.FUND
    waiting = sa.and_(Problem.state == ProblemState.FINAL, by_fund, Problem.paid_at.is_(None))
    query = sa.select(Problem).where(waiting, _of_others(person))
    return _whole(query.order_by(Problem.closed_at, Problem.id))


# --- something is due ---


def run_out(limit: int) -> list[Problem]:
    """What the two did not settle in time, and decisions that nobody appealed in time; nobody else acts on them now."""
    states = (ProblemState.OPEN, ProblemState.DECIDED)
    query = _whole(sa.select(Problem).where(Problem.state.in_(states), Problem.due_at <= clock.now()))
    query = query.order_by(Problem.due_at, Problem.id).limit(limit)
    return with_loans(query.with_for_update(of=Problem, skip_locked=True))
