"""Grants for repairs: one, those of a host, and what waits for coordinators."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import Person
from marketplace.kernel import db
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Side
from marketplace.sharing.homeshare.models.grants import Grant, GrantState

WAITING = (GrantState.ASKED, GrantState.DONE)


def _whole(query: sa.Select[Grant]) -> sa.Select[Grant]:
    return query.options(joinedload(Grant.host), joinedload(Grant.home).joinedload(Application.district))


def get_grant(reference: str) -> Grant:
    """A grant by its reference. Raises NotFound."""
    if (found := db.session.scalar(_whole(sa.select(Grant).where(Grant.reference == reference)))) is None:
        raise NotFound
    return found


def grants_by_id(ids: Collection[int]) -> dict[int, Grant]:
    """These grants by id."""
    return {one.id: one for one in db.session.scalars(_whole(sa.select(Grant).where(Grant.id.in_(ids))))}


def own_home(person: Person) -> Application | None:
    """The home that someone offers, if they applied with one and have not left."""
    sent = Application.state.not_in((ApplicationState.DRAFT, ApplicationState.CLOSED))
    query = sa.select(Application).where(Application.person_id == person.id, Application.side == Side.HOST, sent)
    return db.session.scalar(query)


def of_host(person: Person) -> list[Grant]:
    """What someone asked for, the latest first."""
    return list(db.session.scalars(_whole(sa.select(Grant).where(Grant.host_id == person.id)).order_by(-Grant.id)))


def spent_on(home: Application, room: int) -> int:
    """What was asked for or granted for a room so far."""
    query = sa.select(sa.func.coalesce(sa.func.sum(Grant.amount), 0))
    of_room = (Grant.home_id == home.id, Grant.room == room, Grant.state != GrantState.DECLINED)
    return int(db.session.scalar(query.where(*of_room)) or 0)


def to_judge(person: Person) -> sa.Select[Grant]:
    """What this coordinator can decide or pay, the oldest first: nothing of their own, nothing that they granted."""
    may_pay = sa.or_(Grant.decided_by_id.is_(None), Grant.decided_by_id != person.id)
    query = sa.select(Grant).where(Grant.state.in_(WAITING), Grant.host_id != person.id, may_pay)
    return _whole(query.order_by(Grant.asked_at, Grant.id))


def own_grants(person: Person) -> list[Extract]:
    """What a person asked for, and what they decided and paid."""
    told = (Grant.reference, Grant.repair, Grant.room, Grant.amount, Grant.words, Grant.state, Grant.asked_at)
    became = (Grant.reason, Grant.decided_at, Grant.done_at, Grant.invoice_seen_on, Grant.paid_on)
    asked = sa.select(*told, *became).where(Grant.host_id == person.id).order_by(Grant.id)
    judged = sa.or_(Grant.decided_by_id == person.id, Grant.paid_by_id == person.id)
    judging = sa.select(Grant.reference, Grant.state, Grant.decided_at, Grant.paid_on).where(judged).order_by(Grant.id)
    return [
        extract("homeshare_grants", _l("Grants for repairs that you asked for"), asked),
        extract("homeshare_grants_judged", _l("Grants for repairs that you decided or paid"), judging),
    ]
