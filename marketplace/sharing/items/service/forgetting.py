"""Forgetting: what was said of things, places and loans, once they are long over or whoever said it leaves."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.uploads import service as uploads
from marketplace.kernel import clock, db, search, things
from marketplace.sharing.items import policy
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.lending import GOING_ON, Handover, InLine, Loan
from marketplace.sharing.items.models.listing import Accessory, Item, PickUpPlace
from marketplace.sharing.items.models.problems import ERASED, Offer, Problem
from marketplace.sharing.items.queries import loans as loan_queries
from marketplace.sharing.items.queries.listings import SEARCH_KIND
from marketplace.sharing.items.service import deposits, loans

WORDS_KEPT = timedelta(days=365)
"""How long after a thing was withdrawn its words may still be asked about."""

AT_ONCE = 500
NOWHERE = 0
"""The cell of what is no longer anywhere: the one at the south pole."""


# --- things and places ---


def pause_all(person: Person) -> None:
    """Offer nothing of a person's any more, because they leave; should they stay, they resume what they like."""
    own = sa.update(Item).where(Item.owner_id == person.id, Item.paused_at.is_(None), Item.withdrawn_at.is_(None))
    db.session.execute(own.values(paused_at=clock.now(), version=Item.version + 1))


def erase_things(person: Person) -> None:
    """Withdraw a person's things, delete what was said of them and where they are fetched; loans keep naming them."""
    _empty(sa.select(Item).where(Item.owner_id == person.id))
    db.session.execute(sa.delete(PickUpPlace).where(PickUpPlace.person_id == person.id))


def thin_things() -> None:
    """Delete what was said of things withdrawn a year ago, some at a time."""
    old = sa.and_(Item.withdrawn_at < clock.now() - WORDS_KEPT, Item.cell != NOWHERE, Item.owner_id.is_not(None))
    _empty(sa.select(Item).where(old).order_by(Item.id).limit(AT_ONCE))


def _empty(query: sa.Select[Item]) -> None:
    items = db.session.scalars(query).all()
    for item in items:
        item.withdrawn_at = item.withdrawn_at or clock.now()
        item.title = categories.words_of(item.category)[:100]
        item.description = item.rules = item.pick_up_note = ""
        item.cell = NOWHERE
        search.forget(SEARCH_KIND, item.id)
        uploads.detach(things.subject("item", item.id))
    db.session.flush()
    db.session.execute(sa.delete(Accessory).where(Accessory.item_id.in_([item.id for item in items])))


# --- loans ---

ROWS_KEPT = timedelta(days=5 * 365)
"""How long after it a loan is kept: as long as fees and deposits may have to be accounted for."""


def give_up_requests(person: Person) -> None:
    """Withdraw what a person asked for, and let run out what is asked of them, because they leave."""
    asked = loan_queries.asked(person)
    deposits.lock(asked)
    for loan in asked:
        if loan.borrower_id == person.id and not policy.is_overdue(loan):
            loans.withdraw(person, loan)
        else:
            loans.expire(loan)


def erase_loans(person: Person) -> None:
    """Take out of a person's loans what was written in them; they wait for nothing any more."""
    give_up_requests(person)
    db.session.flush()
    theirs = sa.or_(
        Loan.borrower_id == person.id, Loan.item_id.in_(sa.select(Item.id).where(Item.owner_id == person.id))
    )
    db.session.execute(sa.update(Loan).where(theirs).values(message="", reason=""))
    handed = sa.or_(Handover.given_by_id == person.id, Handover.taken_by_id == person.id)
    db.session.execute(sa.update(Handover).where(handed).values(note="", remark="", nonce=""))
    db.session.execute(sa.delete(InLine).where(InLine.person_id == person.id))
    _silence(Problem.loan_id.in_(sa.select(Loan.id).where(theirs)))
    _silence(sa.or_(*(column == person.id for column in (Problem.by_id, Problem.answer_by_id, Problem.appealed_by_id))))
    db.session.execute(sa.update(Offer).where(Offer.by_id == person.id).values(words=""))


def _silence(which: sa.ColumnElement[bool]) -> None:
    """Take what was written out of problems, which are all over; a decision keeps a sign that it had a reason."""
    said = sa.select(Problem.id).where(which, Problem.words != "")
    ids = list(db.session.scalars(said))
    for one in ids:
        uploads.detach(things.subject("problem", one))
    gone = {"words": "", "answer": "", "appeal": ""}
    reasons = {
        column.key: sa.case((column != "", ERASED), else_="") for column in (Problem.reason, Problem.last_reason)
    }
    db.session.execute(sa.update(Problem).where(Problem.id.in_(ids)).values(**gone, **reasons))
    db.session.execute(sa.update(Offer).where(Offer.problem_id.in_(ids)).values(words=""))


def thin_loans() -> None:
    """Empty the words of loans over for a year, and delete those over for five, some at a time."""
    now = clock.now()
    over = sa.and_(Loan.ended_at <= now - WORDS_KEPT, Loan.state.not_in(GOING_ON))
    worded = sa.or_(Loan.message != "", Loan.reason != "")
    old = sa.select(Loan.id).where(over, worded).order_by(Loan.id).limit(AT_ONCE)
    ids = list(db.session.scalars(old))
    db.session.execute(sa.update(Handover).where(Handover.loan_id.in_(ids)).values(note="", remark="", nonce=""))
    db.session.execute(sa.update(Loan).where(Loan.id.in_(ids)).values(message="", reason=""))
    troubled = sa.select(Problem.loan_id).join(Loan, Loan.id == Problem.loan_id).where(over, Problem.words != "")
    _silence(Problem.loan_id.in_(list(db.session.scalars(troubled.limit(AT_ONCE)))))
    gone = sa.select(Loan.id).where(Loan.ended_at <= now - ROWS_KEPT).order_by(Loan.id).limit(AT_ONCE)
    db.session.execute(sa.delete(Loan).where(Loan.id.in_(list(db.session.scalars(gone)))))
    left = sa.select(InLine.id).where(InLine.left_at <= now - WORDS_KEPT).order_by(InLine.id).limit(AT_ONCE)
    db.session.execute(sa.delete(InLine).where(InLine.id.in_(list(db.session.scalars(left)))))
