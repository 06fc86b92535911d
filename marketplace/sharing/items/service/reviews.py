"""Telling how a loan went: each side once, sealed until both have or a week has passed; and one reply to it."""

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.kernel import clock, db
from marketplace.kernel.access import permit
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import Loan, LoanState
from marketplace.sharing.items.models.reviews import REMOVED, Review
from marketplace.sharing.items.queries import reviews as queries
from marketplace.sharing.items.service import loans
from marketplace.sharing.items.service.forgetting import AT_ONCE, WORDS_KEPT
from marketplace.sharing.items.service.telling import record, tell_borrower, tell_both, tell_lender

# --- writing ---


def write(person: Person, loan: Loan, good: str, bad: str) -> Review:
    """Tell what went well and what did not, for one's side; as long as it is sealed, the last time counts.

    With the other side's already there, both open this instant. The loan is held still, so that of two who write at
    once the second finds what the first wrote. Raises ReviewTooSoon, ReviewOver, ReviewOpen, NothingSaid, or
    ReviewedAlready if someone else wrote for the same side.
    """
    permit(policy.may_review, person, loan)
    expect_may_act(person)
    loans.expect(loan, *LoanState)
    until = policy.reviewed_until(loan)
    if until is None:
        raise errors.ReviewTooSoon
    if clock.now() >= until:
        raise errors.ReviewOver(until=until)
    if not (good.strip() or bad.strip()):
        raise errors.NothingSaid(field="good")
    by_borrower = policy.borrows(person, loan)
    there = queries.written(loan)
    review, other = there.get(by_borrower), there.get(not by_borrower)
    if review is None:
        review = Review(
            loan=loan, by_borrower=by_borrower, author_id=person.id, borrower_id=loan.borrower_id,
            owner_id=loan.item.owner_id, for_group=loan.group is not None, closes_at=until, opens_at=until,
        )  # fmt: skip
    elif review.author_id != person.id:
        raise errors.ReviewedAlready
    elif not policy.may_change(person, review):
        raise errors.ReviewOpen
    review.good, review.bad, review.written_at = good.strip(), bad.strip(), clock.now()
    _keep(review)
    record(person, loan, "reviewed", review=review.id)
    if other is not None:
        review.opens_at = other.opens_at = clock.now()
        _tell_open(loan, [review, other], but=person)
    return review


def _keep(review: Review) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(review)
    except IntegrityError as error:
        if db.violates(error, "loan_reviews"):
            raise errors.ReviewedAlready from error
        raise


def reply(person: Person, review: Review, words: str) -> Review:
    """Answer what the other side wrote, once. Raises StillSealed or RepliedAlready."""
    permit(policy.may_reply, person, review)
    expect_may_act(person)
    loans.expect(review.loan, *LoanState)
    db.session.refresh(review, ["opens_at", "replied_at"])
    if not review.is_open:
        raise errors.StillSealed
    if review.replied_at is not None:
        raise errors.RepliedAlready
    review.reply, review.reply_by_id, review.replied_at = words.strip(), person.id, clock.now()
    db.session.flush()
    record(person, review.loan, "replied", review=review.id)
    (tell_borrower if review.by_borrower else tell_lender)(review.loan, "review_replied")
    return review


# --- time ---


def open_up() -> None:
    """Tell both sides of what opened because its time was over."""
    by_loan: dict[int, list[Review]] = {}
    for review in queries.just_opened(AT_ONCE):
        by_loan.setdefault(review.loan_id, []).append(review)
    for opened in by_loan.values():
        _tell_open(opened[0].loan, opened)


def _tell_open(loan: Loan, opened: list[Review], but: Person | None = None) -> None:
    for review in opened:
        review.told_at = clock.now()
    tell_both(loan, "reviews_open", but)


def remind() -> None:
    """The day before nobody can write any more, tell whoever has not. What the other side did is not told."""
    for loan, borrower_wrote, lender_wrote in queries.closing_on(clock.today() + policy.DAY):
        if borrower_wrote and lender_wrote:
            continue
        if not borrower_wrote:
            tell_borrower(loan, "review_tomorrow")
        if not lender_wrote and loan.item.owner_id is not None:
            tell_lender(loan, "review_tomorrow")


# --- moderation, leaving, forgetting ---


def keep_out_of_sight(review: Review, hidden: bool) -> None:
    """Hide a review from all but its author, or show it again, because moderators say so."""
    review.hidden_at = (review.hidden_at or clock.now()) if hidden else None
    db.session.flush()


def remove(review: Review) -> None:
    """Delete its words for good. The row stays out of sight: nobody writes anew what the other side has answered."""
    review.good, review.bad, review.hidden_at = REMOVED, "", review.hidden_at or clock.now()
    db.session.flush()


def keep_reply_out_of_sight(review: Review, hidden: bool) -> None:
    """Hide a reply from all but its author, or show it again, because moderators say so."""
    review.reply_hidden_at = (review.reply_hidden_at or clock.now()) if hidden else None
    db.session.flush()


def remove_reply(review: Review) -> None:
    """Delete its words for good."""
    review.reply, review.reply_hidden_at = REMOVED, review.reply_hidden_at or clock.now()
    db.session.flush()


def erase(person: Person) -> None:
    """Delete what a person wrote, and what was written about their loans; of their replies to others, the words."""
    columns = (Review.author_id, Review.borrower_id, Review.owner_id)
    _delete(sa.or_(*(column == person.id for column in columns)))
    gone = sa.update(Review).where(Review.reply_by_id == person.id)
    db.session.execute(gone.values(reply=REMOVED, reply_hidden_at=clock.now()), execution_options=_AS_IT_STANDS)


def thin() -> None:
    """Delete what closed a year ago, some at a time."""
    _delete(Review.id.in_(list(db.session.scalars(queries.over_since(WORDS_KEPT, AT_ONCE)))))


_AS_IT_STANDS = {"synchronize_session": False}


def _delete(which: sa.ColumnElement[bool]) -> None:
    db.session.execute(sa.delete(Review).where(which), execution_options=_AS_IT_STANDS)
