"""Forgetting: what owners said of their things and places, once they lend no more or leave."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.uploads import service as uploads
from marketplace.kernel import clock, db, search, things
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Accessory, Item, PickUpPlace
from marketplace.sharing.items.queries.listings import SEARCH_KIND

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
