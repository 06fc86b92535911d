"""The line for a thing: who waits, who is next, and when it may be their turn."""

from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import InLine
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.queries.listings import everything
from marketplace.sharing.items.queries.loans import next_free


def waiting(item: Item, *, lock: bool = False) -> list[InLine]:
    """Who waits for a thing and was not offered it yet, who came first first; locked, nobody else offers it to them."""
    query = sa.select(InLine).where(InLine.item_id == item.id, InLine.left_at.is_(None), InLine.offered_until.is_(None))
    query = query.order_by(InLine.joined_at, InLine.id)
    return list(db.session.scalars(query.with_for_update(skip_locked=True) if lock else query))


def place_of(person: Person, item: Item) -> InLine | None:
    """A person's place in the line for a thing."""
    own = sa.select(InLine).where(InLine.item_id == item.id, InLine.person_id == person.id, InLine.left_at.is_(None))
    return db.session.scalar(own.options(joinedload(InLine.occupancy)))


def places_of(person: Person) -> list[InLine]:
    """The lines in which a person stands, with the things waited for."""
    own = sa.select(InLine).where(InLine.person_id == person.id, InLine.left_at.is_(None))
    return list(db.session.scalars(own.options(joinedload(InLine.item).options(*everything())).order_by(InLine.id)))


def position_of(place: InLine) -> int:
    """How many stand before, and oneself."""
    before = sa.or_(
        InLine.joined_at < place.joined_at, sa.and_(InLine.joined_at == place.joined_at, InLine.id < place.id)
    )
    query = sa.select(InLine.id).where(InLine.item_id == place.item_id, InLine.left_at.is_(None), before)
    return db.count(query) + 1


def expected(item: Item, days: int) -> date | None:
    """The first day from which a piece is free for so many days, as far as is known now; needs what rules need."""
    return next_free(item, timedelta(days=days - 1), 1, policy.first_possible_day(item))


def kept(place: InLine) -> tuple[date, date] | None:
    """The first and last of the days that are kept for someone; needs `place.occupancy`."""
    if place.occupancy is None:
        return None
    first = clock.local(place.occupancy.starts_at).date()
    return first, first + timedelta(days=place.days - 1)


def ran_out() -> list[InLine]:
    """Offers that nobody took up in time, each with its thing."""
    over = sa.select(InLine).where(InLine.left_at.is_(None), InLine.offered_until <= clock.now())
    found = over.options(joinedload(InLine.item).options(*everything()), joinedload(InLine.occupancy))
    return list(db.session.scalars(found.order_by(InLine.id).limit(200)))
