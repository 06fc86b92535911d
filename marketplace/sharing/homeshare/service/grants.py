"""Grants for repairs of a room: asking, granting or declining, doing the work, and paying, which is someone else's."""

from collections.abc import Collection
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications import service as notifications
from marketplace.civic.uploads import service as uploads
from marketplace.kernel import audit, clock, db, money, things
from marketplace.kernel.access import permit
from marketplace.kernel.things import subject
from marketplace.sharing.homeshare import errors, policy
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.grants import ERASED, Grant, GrantState, Repair
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.queries import grants as queries

MOST_PICTURES = 4
WORDS_KEPT = timedelta(days=365)
ROWS_KEPT = timedelta(days=5 * 365)
"""How long after it a grant is kept: as long as the city has to account for what it paid."""

AT_ONCE = 500


def ask(
    host: Person, home: Application, repair: Repair, amount: int, words: str, *, room: int = 1,
    pictures: Collection[int] = (),
) -> Grant:  # fmt: skip
    """Ask for a sum towards a repair. Raises AskedAlready, or GrantTooLarge with what is left for the room."""
    permit(policy.owns, host, home)
    db.session.refresh(home, ["rooms", "version"], with_for_update=True)
    left = programme().most_grant - queries.spent_on(home, room)
    if not 1 <= room <= home.rooms or not 0 < amount <= left:
        raise errors.GrantTooLarge(field="amount", left=money.show(max(left, 0)))
    grant = Grant(
        home_id=home.id, host_id=host.id, room=room, repair=repair, amount=amount, most=left, words=words.strip()
    )
    try:
        with db.session.begin_nested():
            db.session.add(grant)
    except IntegrityError as error:
        if any(db.violates(error, name) for name in ("uq_homeshare_grants_asked", "homeshare_grants.home_id")):
            raise errors.AskedAlready from error
        raise
    uploads.attach(host, pictures, subject("grant", grant.id), most=MOST_PICTURES)
    _record(host, grant, "asked", amount=amount)
    return grant


def grant(coordinator: Person, asked: Grant, reason: str) -> Grant:
    """Promise the sum, and say why or on what terms."""
    return _decide(coordinator, asked, GrantState.GRANTED, reason)


def decline(coordinator: Person, asked: Grant, reason: str) -> Grant:
    """Say no, and why."""
    return _decide(coordinator, asked, GrantState.DECLINED, reason)


def report_done(host: Person, granted: Grant) -> Grant:
    """Say that the work is done and the invoice can be seen."""
    permit(policy.asked_for, host, granted)
    _expect(granted, GrantState.GRANTED)
    granted.state, granted.done_at = GrantState.DONE, clock.now()
    _record(host, granted, "done")
    return granted


def pay(coordinator: Person, done: Grant, invoice_seen_on: date, paid_on: date) -> Grant:
    """Put down that the invoice was seen and the sum paid. Raises PaidBySamePerson for whoever granted it."""
    permit(policy.may_judge_grant, coordinator, done)
    _expect(done, GrantState.DONE)
    if done.decided_by_id == coordinator.id:
        raise errors.PaidBySamePerson
    done.state, done.paid_by_id, done.closed_at = GrantState.PAID, coordinator.id, clock.now()
    done.invoice_seen_on, done.paid_on = invoice_seen_on, paid_on
    _record(coordinator, done, "paid")
    _tell(done, "paid")
    return done


def _decide(coordinator: Person, asked: Grant, to: GrantState, reason: str) -> Grant:
    permit(policy.may_judge_grant, coordinator, asked)
    _expect(asked, GrantState.ASKED)
    asked.state, asked.reason = to, reason.strip()
    asked.decided_by_id, asked.decided_at = coordinator.id, clock.now()
    asked.closed_at = clock.now() if to is GrantState.DECLINED else None
    _record(coordinator, asked, to.value)
    _tell(asked, to.value)
    return asked


def _expect(grant: Grant, state: GrantState) -> None:
    """Go on only in this state, which the grant then keeps for others until the transaction ends."""
    db.session.flush()
    db.session.refresh(grant, [column.key for column in Grant.__table__.columns], with_for_update=True)
    if grant.state is not state:
        raise errors.GrantWentOn(state=grant.state.words)


def _record(person: Person, grant: Grant, what: str, **detail: int) -> None:
    db.session.flush()
    audit.record(person.id, f"homeshare.grant_{what}", subject("grant", grant.id), **detail)


def _tell(grant: Grant, what: str) -> None:
    notifications.tell([grant.host_id], f"homeshare.grant_{what}", things.of("grant", grant))


# --- forgetting ---


def erase(person: Person) -> None:
    """Take what was written out of the grants of someone who leaves; the sums stay, for the city's accounts."""
    _silence(sa.or_(Grant.host_id == person.id, Grant.decided_by_id == person.id))


def thin() -> None:
    """Empty the words of grants over for a year, and delete those over for five, some at a time."""
    now = clock.now()
    _silence(Grant.closed_at <= now - WORDS_KEPT)
    gone = sa.select(Grant.id).where(Grant.closed_at <= now - ROWS_KEPT).order_by(Grant.id).limit(AT_ONCE)
    db.session.execute(sa.delete(Grant).where(Grant.id.in_(list(db.session.scalars(gone)))))


def _silence(which: sa.ColumnElement[bool]) -> None:
    said = sa.select(Grant.id).where(which, Grant.words != "").order_by(Grant.id).limit(AT_ONCE)
    ids = list(db.session.scalars(said))
    for one in ids:
        uploads.detach(subject("grant", one))
    reason = sa.case((Grant.reason != "", ERASED), else_="")
    db.session.execute(sa.update(Grant).where(Grant.id.in_(ids)).values(words="", reason=reason))
