"""Who is vouched for by which building."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import Building
from marketplace.civic.vouches.models import Vouch
from marketplace.kernel import db
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l


def standing() -> sa.ColumnElement[bool]:
    """That the person agreed and nobody ended it: only then is it shown to anyone else."""
    return sa.and_(Vouch.agreed_at.is_not(None), Vouch.ended_at.is_(None))


def _whole(query: sa.Select[Vouch]) -> sa.Select[Vouch]:
    return query.options(joinedload(Vouch.person), joinedload(Vouch.building))


def by_buildings(building_ids: Collection[int]) -> sa.Select[Vouch]:
    """What goes on of these buildings, the newest first."""
    going_on = sa.select(Vouch).where(Vouch.building_id.in_(building_ids), Vouch.ended_at.is_(None))
    return _whole(going_on.order_by(Vouch.id.desc()))


def buildings(building_ids: Collection[int]) -> list[Building]:
    """These buildings, by name."""
    found = db.session.scalars(sa.select(Building).where(Building.id.in_(building_ids)))
    return sorted(found, key=lambda one: one.title)


def vouches_for(person: Person) -> list[Vouch]:
    """What goes on for a person, what waits for their answer first."""
    going_on = sa.select(Vouch).where(Vouch.person_id == person.id, Vouch.ended_at.is_(None))
    return list(db.session.scalars(_whole(going_on.order_by(Vouch.agreed_at.is_not(None), Vouch.id))))


def ended_for(person: Person) -> list[Vouch]:
    """What buildings ended lately, for a person to read why; the latest first."""
    ended = sa.select(Vouch).where(Vouch.person_id == person.id, Vouch.ended_at.is_not(None), Vouch.reason != "")
    return list(db.session.scalars(_whole(ended.order_by(Vouch.ended_at.desc(), Vouch.id.desc()))))


def waiting_for(person: Person) -> list[Vouch]:
    """What a person has not answered, the oldest first."""
    return [one for one in vouches_for(person) if one.agreed_at is None]


def get_vouch(vouch_id: int, *, lock: bool = False) -> Vouch:
    """One building's word for one person; locked, nobody else answers or ends it meanwhile. Raises NotFound."""
    query = _whole(sa.select(Vouch).where(Vouch.id == vouch_id)).execution_options(populate_existing=True)
    found = db.session.scalar(query.with_for_update(of=Vouch) if lock else query)
    if found is None:
        raise NotFound
    return found


def vouches_by_id(ids: Collection[int]) -> dict[int, Vouch]:
    """These by id."""
    return {one.id: one for one in db.session.scalars(_whole(sa.select(Vouch).where(Vouch.id.in_(ids))))}


def own_data(person: Person) -> list[Extract]:
    """Which buildings vouch or vouched for a person; for whom one vouched as a manager is those people's own."""
    said = (Building.name.label("building"), Vouch.made_at, Vouch.agreed_at, Vouch.ended_at, Vouch.reason)
    own = sa.select(*said).join(Building, Building.id == Vouch.building_id).where(Vouch.person_id == person.id)
    return [extract("vouches", _l("Buildings that vouch for you"), own.order_by(Vouch.id))]
