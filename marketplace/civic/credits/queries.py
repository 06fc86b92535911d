"""What people have, what was held and offered, and what is in the fund."""

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import Person
from marketplace.civic.credits import policy
from marketplace.civic.credits.models import CITY, TIME, Deposit, FundPayment, Grant, Kind, Overdraft
from marketplace.kernel import clock, db, ledger, money
from marketplace.kernel.errors import NotFound
from marketplace.kernel.ledger import Account, Line
from marketplace.kernel.things import subject

GRANT = "credit_grant"


def wallet(person: Person) -> Account | None:
    """Where a person's time credits are; nothing before the first of them."""
    return ledger.account(subject("person", person.id), Kind.WALLET, TIME)


def reasons(lines: Iterable[Line]) -> dict[str, str]:
    """What staff wrote to the grants among these movements, by subject; one statement."""
    ids = [number for line in lines if (number := _grant_of(line)) is not None]
    found = db.session.execute(sa.select(Grant.id, Grant.reason).where(Grant.id.in_(ids))) if ids else ()
    return {subject(GRANT, number): reason for number, reason in found}


def _grant_of(line: Line) -> int | None:
    kind, _, number = line.movement.subject.partition(":")
    return int(number) if kind == GRANT else None


# --- grants ---


def grants(by: Person | None = None) -> sa.Select[Grant]:
    """What staff gave, the newest first; of one member of staff, or of all."""
    query = sa.select(Grant).options(joinedload(Grant.person), joinedload(Grant.made_by)).order_by(Grant.id.desc())
    return query.where(Grant.made_by_id == by.id) if by else query


def get_grant(grant_id: int, *, lock: bool = False) -> Grant:
    """A grant; locked, nobody else takes it back meanwhile. Raises NotFound."""
    query = sa.select(Grant).where(Grant.id == grant_id).execution_options(populate_existing=True)
    found = db.session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound
    return found


def granted_within_a_month(person: Person) -> int:
    """How much a person was given lately, without what was taken back."""
    lately = sa.select(sa.func.coalesce(sa.func.sum(Grant.amount), 0)).where(
        Grant.person_id == person.id, Grant.made_at > clock.now() - policy.MONTH, Grant.taken_back_at.is_(None)
    )
    return int(db.session.scalar(lately) or 0)


# --- deposits ---


def deposits_of(person: Person) -> list[Deposit]:
    """What a person has put down and is not settled, the oldest first."""
    own = sa.select(Deposit).where(Deposit.person_id == person.id, Deposit.settled_at.is_(None))
    return list(db.session.scalars(own.order_by(Deposit.id)))


def deposits_for(about: str, *, lock: bool = False) -> list[Deposit]:
    """What was put down for a thing and is not settled; locked, nobody else settles it meanwhile."""
    found = sa.select(Deposit).where(Deposit.subject == about, Deposit.settled_at.is_(None)).order_by(Deposit.id)
    return list(db.session.scalars(found.with_for_update() if lock else found))


def open_deposits(abouts: Collection[str]) -> list[Deposit]:
    """What was put down for these things and is not settled."""
    return list(db.session.scalars(sa.select(Deposit).where(Deposit.subject.in_(abouts), Deposit.settled_at.is_(None))))


def last_deposit(about: str) -> Deposit | None:
    """What was put down last for a thing, settled or not."""
    return db.session.scalar(sa.select(Deposit).where(Deposit.subject == about).order_by(Deposit.id.desc()).limit(1))


# --- agreements ---


def overdraft_of(person: Person) -> Overdraft | None:
    """The agreement with a person, or the offer of one, if either goes on."""
    return db.session.scalar(sa.select(Overdraft).where(Overdraft.person_id == person.id, Overdraft.ended_at.is_(None)))


def overdrafts() -> sa.Select[Overdraft]:
    """Every offer and agreement that goes on, the newest first."""
    going_on = sa.select(Overdraft).where(Overdraft.ended_at.is_(None))
    return going_on.options(joinedload(Overdraft.person)).order_by(Overdraft.id.desc())


def get_overdraft(overdraft_id: int, *, lock: bool = False) -> Overdraft:
    """An offer or agreement; locked, nobody else changes it meanwhile. Raises NotFound."""
    query = sa.select(Overdraft).where(Overdraft.id == overdraft_id).execution_options(populate_existing=True)
    found = db.session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound
    return found


# --- the fund ---


def fund_balance() -> int:
    """What is in the insurance fund."""
    fund = ledger.account(CITY, Kind.FUND, money.currency())
    return fund.balance if fund else 0


def fund_payments() -> sa.Select[FundPayment]:
    """What was paid in and out, the newest first."""
    return sa.select(FundPayment).options(joinedload(FundPayment.made_by)).order_by(FundPayment.id.desc())


def fund_sums(since: datetime) -> tuple[int, int, int]:
    """Since a moment: how much was paid in, how much was paid out, and in how many payments out."""
    amount = FundPayment.amount
    paid_in = sa.func.coalesce(sa.func.sum(amount).filter(amount > 0), 0)
    paid_out = sa.func.coalesce(sa.func.sum(-amount).filter(amount < 0), 0)
    sums = sa.select(paid_in, paid_out, sa.func.count().filter(amount < 0)).where(FundPayment.made_at >= since)
    row = db.session.execute(sums).one()
    return int(row[0]), int(row[1]), int(row[2])
