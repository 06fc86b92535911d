"""Loans: one, a person's, those that something is due of; and which pieces are free."""

from collections.abc import Collection
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from marketplace.civic.accounts.models import Person
from marketplace.civic.groups.models import Group
from marketplace.civic.groups.queries import group_ids, officer_group_ids
from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.errors import NotFound
from marketplace.kernel.intervals import Interval
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import (
    ASKED,
    GOING_ON,
    Handover,
    Loan,
    LoanOnBehalf,
    LoanPiece,
    LoanState,
    Way,
)
from marketplace.sharing.items.models.listing import Item, ItemUnit, Library
from marketplace.sharing.items.models.problems import Problem
from marketplace.sharing.items.queries import availability, listings
from marketplace.sharing.items.queries.listings import everything

IN_CALENDAR = timedelta(days=30)
"""How long after its days a loan stays in the calendar feed: one given up is seen as cancelled at least as long."""


def whole(query: sa.Select[Loan]) -> sa.Select[Loan]:
    """Loans with all that pages and rules ask of them, in a constant number of statements."""
    return query.options(
        joinedload(Loan.item).options(*everything()),
        joinedload(Loan.borrower),
        joinedload(Loan.on_behalf).joinedload(LoanOnBehalf.group).selectinload(Group.officers),
        selectinload(Loan.pieces).options(joinedload(LoanPiece.unit), joinedload(LoanPiece.occupancy)),
    )


def get_loan(reference: str) -> Loan:
    """A loan by its reference. Raises NotFound."""
    loan = db.session.scalar(whole(sa.select(Loan).where(Loan.reference == reference.upper())))
    if loan is None:
        raise NotFound
    return loan


def loans_by_id(ids: Collection[int]) -> dict[int, Loan]:
    """These loans by id; those that are gone are left out."""
    return {loan.id: loan for loan in db.session.scalars(whole(sa.select(Loan).where(Loan.id.in_(ids))))}


# --- a person's ---


def borrowed_by(person: Person) -> sa.ColumnElement[bool]:
    """Which loans someone borrows, for themselves or a group."""
    for_groups = sa.select(LoanOnBehalf.loan_id).where(LoanOnBehalf.group_id.in_(officer_group_ids(person)))
    return sa.or_(Loan.borrower_id == person.id, Loan.id.in_(for_groups))


def lent_by(person: Person) -> sa.ColumnElement[bool]:
    """Which loans are of things that someone speaks for."""
    by_office = sa.or_(Library.building_id.in_(person.building_ids), Library.group_id.in_(officer_group_ids(person)))
    libraries = sa.select(Library.id).where(by_office)
    return Loan.item_id.in_(
        sa.select(Item.id).where(sa.or_(Item.owner_id == person.id, Item.library_id.in_(libraries)))
    )


def loans_of(person: Person, *, lent: bool, over: bool = False) -> sa.Select[Loan]:
    """What a person borrows or lends, for themselves and those they act for: going on, the next first; or over."""
    query = whole(sa.select(Loan).where(lent_by(person) if lent else borrowed_by(person)))
    if over:
        return query.where(Loan.state.not_in(GOING_ON)).order_by(Loan.first_day.desc(), Loan.id.desc())
    return query.where(Loan.state.in_(GOING_ON)).order_by(Loan.first_day, Loan.id)


def to_answer(person: Person) -> sa.Select[Loan]:
    """The requests that wait for a person's answer as the owner, the most urgent first."""
    waiting = sa.and_(Loan.state == LoanState.REQUESTED, Loan.due_at > clock.now())
    asked_longer = sa.and_(Loan.state == LoanState.OUT, Loan.longer_until.is_not(None))
    query = sa.select(Loan).where(lent_by(person), Loan.borrower_id != person.id, sa.or_(waiting, asked_longer))
    return whole(query.order_by(Loan.due_at, Loan.id))


def to_act_on(person: Person) -> sa.Select[Loan]:
    """What waits for a person as the borrower: days proposed instead, and things to bring back by tomorrow."""
    proposed = sa.and_(Loan.state == LoanState.PROPOSED, Loan.due_at > clock.now())
    due = sa.and_(Loan.state == LoanState.OUT, Loan.last_day <= clock.today() + timedelta(days=1))
    query = sa.select(Loan).where(Loan.borrower_id == person.id, sa.or_(proposed, due))
    return whole(query.order_by(Loan.last_day, Loan.id))


def unsettled(person: Person) -> list[Loan]:
    """Loans that are agreed and not over, of which the person is one side."""
    agreed = (LoanState.ACCEPTED, LoanState.OUT, LoanState.RETURNED)
    own_things = Loan.item_id.in_(sa.select(Item.id).where(Item.owner_id == person.id))
    query = sa.select(Loan).where(sa.or_(Loan.borrower_id == person.id, own_things), Loan.state.in_(agreed))
    return list(db.session.scalars(whole(query.order_by(Loan.first_day, Loan.id))))


def asked(person: Person) -> list[Loan]:
    """Requests and proposals, not answered yet, that a person made or others made of their things, kept so for now."""
    own_things = Loan.item_id.in_(sa.select(Item.id).where(Item.owner_id == person.id))
    query = sa.select(Loan).where(sa.or_(Loan.borrower_id == person.id, own_things), Loan.state.in_(ASKED))
    return list(db.session.scalars(whole(query.order_by(Loan.id)).with_for_update(of=Loan)))


def for_calendar(person: Person) -> list[Loan]:
    """What stands in a person's calendar: what was agreed and is not long over, also where nothing came of it."""
    query = whole(sa.select(Loan).where(Loan.borrower_id == person.id, Loan.accepted_at.is_not(None)))
    return list(db.session.scalars(query.where(Loan.last_day > clock.today() - IN_CALENDAR).order_by(Loan.id)))


def member_of(person: Person | None, item: Item) -> set[int]:
    """The groups of a person, where the thing is lent to a group's members only."""
    return group_ids(person) if item.group_id is not None else set()


def count_asked(person: Person) -> int:
    """How many requests of a person wait for an answer."""
    return db.count(sa.select(Loan.id).where(Loan.borrower_id == person.id, Loan.state.in_(ASKED)))


def has_asked(person: Person, item: Item, first: date) -> bool:
    """Whether a person's request for the thing from that day on waits for an answer."""
    same = sa.select(Loan.id).where(Loan.item_id == item.id, Loan.borrower_id == person.id, Loan.first_day == first)
    return db.session.scalar(same.where(Loan.state.in_(ASKED)).limit(1)) is not None


# --- changing hands ---


def address_of(loan: Loan) -> str | None:
    """Where it is fetched and brought back, for those who may read it; None if its owner says so only when asked."""
    if loan.item.library is not None:
        return f"{loan.item.library.title}, {loan.item.library.building.address}"
    place = listings.place_of(loan.item.owner) if loan.item.owner else None
    return (listings.address_of(place) or None) if place else None


def handovers_of(loan: Loan) -> dict[Way, Handover]:
    """What was said of a loan's hand-over and return, be it agreed by the other side already or not."""
    query = sa.select(Handover).where(Handover.loan_id == loan.id).order_by(Handover.id)
    return {one.way: one for one in db.session.scalars(query.options(selectinload(Handover.parts)))}


def open_handover(loan: Loan, way: Way) -> Handover | None:
    """What the giver says and the other side has not agreed to; nobody else tries its code meanwhile."""
    query = sa.select(Handover).where(Handover.loan_id == loan.id, Handover.way == way, Handover.taken_at.is_(None))
    locked = query.options(selectinload(Handover.parts)).with_for_update(of=Handover)
    return db.session.scalar(locked.execution_options(populate_existing=True))


def handovers_by_id(ids: Collection[int]) -> dict[int, Handover]:
    """These hand-overs by id, each with its loan."""
    found = list(db.session.scalars(sa.select(Handover).where(Handover.id.in_(ids))))
    loans = loans_by_id({one.loan_id for one in found})
    for one in found:
        set_committed_value(one, "loan", loans[one.loan_id])
    return {one.id: one for one in found}


# --- something is due ---


def _now(query: sa.Select[Loan]) -> list[Loan]:
    """These loans, but those that someone acts on this instant; nobody acts on the others now. Nobody is waited for."""
    return list(db.session.scalars(whole(query).with_for_update(of=Loan, skip_locked=True)))


def overdue(limit: int) -> list[Loan]:
    """Requests and proposals that nobody answered in time, the oldest first."""
    query = sa.select(Loan).where(Loan.state.in_(ASKED), Loan.due_at <= clock.now())
    return _now(query.order_by(Loan.due_at, Loan.id).limit(limit))


def never_fetched(limit: int) -> list[Loan]:
    """What was agreed and not handed over on any of its days."""
    query = sa.select(Loan).where(Loan.state == LoanState.ACCEPTED, Loan.last_day < clock.today())
    return _now(query.order_by(Loan.last_day, Loan.id).limit(limit))


def to_close(returned_for: timedelta, limit: int) -> list[Loan]:
    """What was brought back so long ago that the loan is over, and no problem of it is being settled."""
    troubled = sa.exists().where(Problem.loan_id == Loan.id, Problem.closed_at.is_(None))
    long_back = sa.and_(Loan.state == LoanState.RETURNED, Loan.returned_at <= clock.now() - returned_for)
    query = sa.select(Loan).where(long_back, ~troubled)
    return _now(query.order_by(Loan.returned_at, Loan.id).limit(limit))


def late() -> list[Loan]:
    """What should have been back before today."""
    query = sa.select(Loan).where(Loan.state == LoanState.OUT, Loan.last_day < clock.today())
    return list(db.session.scalars(whole(query.order_by(Loan.id))))


def long_late() -> sa.Select[Loan]:
    """What is so late that the city's staff look after it, the longest first."""
    since = clock.today() - policy.STAFF_AFTER
    query = sa.select(Loan).where(Loan.state == LoanState.OUT, Loan.last_day <= since)
    return whole(query.order_by(Loan.last_day, Loan.id))


def fetched_on(day: date) -> list[Loan]:
    """What is fetched on a day and was agreed before the day before."""
    agreed = sa.and_(Loan.state == LoanState.ACCEPTED, Loan.accepted_at < clock.at(day - timedelta(days=1), 0))
    return list(db.session.scalars(whole(sa.select(Loan).where(agreed, Loan.first_day == day).order_by(Loan.id))))


def out_until(day: date) -> list[Loan]:
    """What is out and to be back by a day."""
    query = sa.select(Loan).where(Loan.state == LoanState.OUT, Loan.last_day <= day)
    return list(db.session.scalars(whole(query.order_by(Loan.id))))


def waiting_for_late(first: date, last: date) -> list[Loan]:
    """What is to be fetched on one of these days and is not back from someone who is late with it."""
    theirs, other = aliased(LoanPiece), aliased(Loan)
    still_out = (
        sa.select(LoanPiece.loan_id)
        .join(theirs, sa.and_(theirs.unit_id == LoanPiece.unit_id, theirs.is_out))
        .join(other, sa.and_(other.id == theirs.loan_id, other.last_day < clock.today()))
    )
    promised = sa.and_(Loan.state == LoanState.ACCEPTED, Loan.first_day.between(first, last))
    return list(db.session.scalars(whole(sa.select(Loan).where(promised, Loan.id.in_(still_out)).order_by(Loan.id))))


# --- which pieces are free ---


def free_units(item: Item, interval: Interval) -> list[ItemUnit]:
    """The pieces that can be lent and that nothing holds in a time, always in the same order; needs `item.units`."""
    held = occupancy.held_seconds([unit.resource_id for unit in item.ready_units], interval)
    free = [unit for unit in item.ready_units if unit.resource_id not in held]
    return sorted(free, key=lambda unit: unit.resource_id)


def next_free(item: Item, length: timedelta, quantity: int, after: date) -> date | None:
    """The first day from which so many pieces are free so long and the thing's rules about days are kept.

    `length` is what lies between the first day and the last. Needs what `broken_rule` needs.
    """
    ahead = (clock.today() + timedelta(days=item.horizon_days) - after).days + 1
    return availability.next_free([item], length.days + 1, after, quantity, ahead=ahead).get(item.id)
