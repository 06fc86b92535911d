"""How loans went: one loan's, what was written of a thing and about a borrower, and what is still to be written."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import BROUGHT_BACK, Loan, LoanState
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.models.reviews import Review
from marketplace.sharing.items.queries import loans

# --- who reads what ---


def is_open() -> sa.ColumnElement[bool]:
    """That others than the author may read it."""
    return Review.opens_at <= clock.now()


def _shown_to(person: Person | None) -> sa.ColumnElement[bool]:
    """What is open and not hidden; its author reads it all the same."""
    own = Review.author_id == (person.id if person else 0)
    return sa.and_(is_open(), sa.or_(own, Review.hidden_at.is_(None)))


def of_thing(item: Item, person: Person | None) -> sa.Select[Review]:
    """What borrowers wrote of a thing, the latest first."""
    query = sa.select(Review).join(Review.loan).where(Loan.item_id == item.id, Review.by_borrower, _shown_to(person))
    return query.options(joinedload(Review.loan)).order_by(Loan.returned_at.desc(), Review.id.desc())


def of_borrower(borrower: Person, person: Person) -> sa.Select[Review]:
    """What owners wrote about loans of a borrower, the latest first."""
    about = sa.and_(Review.borrower_id == borrower.id, ~Review.by_borrower, _shown_to(person))
    query = sa.select(Review).join(Review.loan).where(about)
    return query.options(joinedload(Review.loan)).order_by(Loan.returned_at.desc(), Review.id.desc())


def of_loan(loan: Loan, person: Person) -> dict[bool, Review]:
    """What both sides wrote of a loan, as far as the person may read it, by whether the borrower wrote it."""
    own = Review.author_id == person.id
    query = sa.select(Review).where(Review.loan_id == loan.id, sa.or_(own, _shown_to(person)))
    return {one.by_borrower: one for one in _with(loan, db.session.scalars(query))}


def may_read(person: Person | None, review: Review) -> bool:
    """Whether someone comes to read it anywhere; needs `review.loan` whole.

    Its author always. Others once it is open and not hidden: what was said of a thing, everyone who finds the thing;
    what was said of a borrower, both sides, and owners of whom the borrower asks for something.
    """
    if person is not None and review.author_id == person.id:
        return True
    if not review.is_open or review.hidden_at is not None:
        return False
    if policy.may_see(person, review.loan):
        return True
    item = review.loan.item
    if review.by_borrower:
        return policy.may_know(person, item, loans.member_of(person, item))
    return person is not None and _asks(review.borrower_id, person)


def may_read_reply(person: Person | None, review: Review) -> bool:
    """The same of the reply to it."""
    if person is not None and review.reply_by_id == person.id:
        return True
    return review.reply_by_id is not None and review.reply_hidden_at is None and may_read(person, review)


def _asks(borrower_id: int, owner: Person) -> bool:
    waiting = sa.select(Loan.id).where(Loan.borrower_id == borrower_id, loans.lent_by(owner))
    return db.session.scalar(waiting.where(Loan.state == LoanState.REQUESTED).limit(1)) is not None


# --- one ---


def written(loan: Loan) -> dict[bool, Review]:
    """What both sides wrote of a loan, sealed or not, by whether the borrower wrote it; for the rules, not to show."""
    query = sa.select(Review).where(Review.loan_id == loan.id).execution_options(populate_existing=True)
    return {one.by_borrower: one for one in _with(loan, db.session.scalars(query))}


def _with(loan: Loan, found: sa.ScalarResult[Review]) -> Sequence[Review]:
    reviews = found.all()
    for one in reviews:
        set_committed_value(one, "loan", loan)
    return reviews


def reviews_by_id(ids: Collection[int]) -> dict[int, Review]:
    """These reviews by id, each with its loan."""
    return {one.id: one for one in with_loans(sa.select(Review).where(Review.id.in_(ids)))}


def replies_by_id(ids: Collection[int]) -> dict[int, Review]:
    """Those of these reviews to which someone replied."""
    return {number: one for number, one in reviews_by_id(ids).items() if one.replied_at is not None}


def get_other(loan: Loan, person: Person) -> Review:
    """What the other side wrote. Raises NotFound if the person may not read it, or nobody wrote anything."""
    found = of_loan(loan, person).get(not policy.borrows(person, loan))
    if found is None:
        raise NotFound
    return found


def with_loans(query: sa.Select[Review]) -> list[Review]:
    """Reviews with their loans, in a constant number of statements."""
    found = list(db.session.scalars(query))
    whole = loans.loans_by_id({one.loan_id for one in found})
    for one in found:
        set_committed_value(one, "loan", whole[one.loan_id])
    return found


# --- something is due ---


def to_write(person: Person) -> sa.Select[Loan]:
    """Loans of which a person may still tell how they went, the first to close first.

    Those who run a library are not asked after each of its loans; they may write all the same.
    """
    borrows = loans.borrowed_by(person)
    owns = Loan.item_id.in_(sa.select(Item.id).where(Item.owner_id == person.id))
    since = clock.now() - policy.REVIEWED_WITHIN
    lately = sa.and_(Loan.returned_at > since, Loan.state.in_(BROUGHT_BACK))
    mine = sa.or_(sa.and_(borrows, ~_wrote(by_borrower=True)), sa.and_(owns, ~_wrote(by_borrower=False)))
    return loans.whole(sa.select(Loan).where(lately, mine).order_by(Loan.returned_at, Loan.id))


def _wrote(*, by_borrower: bool) -> sa.ColumnElement[bool]:
    return sa.exists().where(Review.loan_id == Loan.id, Review.by_borrower == by_borrower)


def closing_on(day: date) -> list[tuple[Loan, bool, bool]]:
    """Loans of which nobody can tell any more after a day: with whether the borrower, and whether the owner, wrote."""
    since, until = (clock.at(day, minute) - policy.REVIEWED_WITHIN for minute in (0, 24 * 60))
    ending = sa.and_(Loan.returned_at >= since, Loan.returned_at < until, Loan.state.in_(BROUGHT_BACK))
    found = loans.whole(sa.select(Loan).where(ending).order_by(Loan.id))
    query = found.add_columns(_wrote(by_borrower=True), _wrote(by_borrower=False))
    return [(loan, borrower, owner) for loan, borrower, owner in db.session.execute(query).unique()]


def just_opened(limit: int) -> list[Review]:
    """What is open, and nobody was told so yet."""
    query = sa.select(Review).where(is_open(), Review.told_at.is_(None)).order_by(Review.opens_at, Review.id)
    return with_loans(query.limit(limit))


def over_since(age: timedelta, limit: int) -> sa.Select[int]:
    """What closed so long ago."""
    old = sa.select(Review.id).where(Review.closes_at <= clock.now() - age)
    return old.order_by(Review.closes_at, Review.id).limit(limit)


# --- what is held about one person ---


def own_data(person: Person) -> list[Extract]:
    """What a person wrote and replied, and what others wrote about their loans, once it is open."""
    said = (Loan.reference, Item.title.label("thing"), Review.good, Review.bad, Review.written_at)
    reviews = sa.select(*said).select_from(Review).join(Review.loan).join(Item, Item.id == Loan.item_id)
    reviews = reviews.order_by(Review.id)
    own = reviews.add_columns(Review.opens_at, Review.hidden_at).where(Review.author_id == person.id)
    other_side = sa.or_(Review.borrower_id == person.id, Review.owner_id == person.id)
    others = reviews.where(other_side, Review.author_id != person.id, is_open(), Review.hidden_at.is_(None))
    replies = sa.select(Loan.reference, Review.reply, Review.replied_at).join(Review.loan).order_by(Review.id)
    return [
        extract("reviews", _l("What you wrote about how loans went"), own),
        extract("reviews_of_others", _l("What the other side wrote about your loans"), others),
        extract("replies", _l("What you replied to it"), replies.where(Review.reply_by_id == person.id)),
    ]
