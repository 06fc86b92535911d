"""Things with all that pages and rules ask of them."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.strategy_options import _AbstractLoad as Load

from marketplace.civic.accounts.models import Person
from marketplace.civic.groups.models import Group, GroupMember
from marketplace.civic.places.models import Building
from marketplace.kernel import db
from marketplace.kernel.errors import NotFound
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Item, Library, PickUpPlace

SEARCH_KIND = "item"


def everything() -> tuple[Load, ...]:
    """What is read along with a thing, also where it is part of a loan."""
    library = joinedload(Item.library).options(
        joinedload(Library.building).options(joinedload(Building.district), joinedload(Building.location)),
        joinedload(Library.group).options(selectinload(Group.officers).joinedload(GroupMember.person)),
        selectinload(Library.hours),
        selectinload(Library.managing),
    )
    own = (joinedload(Item.owner), joinedload(Item.group), joinedload(Item.district))
    return *own, library, selectinload(Item.units), selectinload(Item.accessories)


def whole(query: sa.Select[Item]) -> sa.Select[Item]:
    """Things with everything that pages and rules ask of them, in a constant number of statements."""
    return query.options(*everything())


def get_item(item_id: int, *, lock: bool = False) -> Item:
    """A thing; locked, its pieces and what is promised of it stay what they are for others. Raises NotFound."""
    if lock:
        db.session.flush()
        db.session.execute(sa.select(Item.id).where(Item.id == item_id).with_for_update())
    query = whole(sa.select(Item).where(Item.id == item_id))
    item = db.session.scalar(query.execution_options(populate_existing=lock))
    if item is None:
        raise NotFound
    return item


def items(ids: Sequence[int]) -> list[Item]:
    """These things, in this order; what is gone is left out."""
    found = by_id(ids)
    return [found[item_id] for item_id in ids if item_id in found]


def by_id(ids: Collection[int]) -> dict[int, Item]:
    """These things by id."""
    return {item.id: item for item in db.session.scalars(whole(sa.select(Item).where(Item.id.in_(ids))))}


def listed_by(person: Person) -> sa.Select[Item]:
    """What a person lends and has not withdrawn, latest first."""
    own = sa.select(Item).where(Item.owner_id == person.id, Item.withdrawn_at.is_(None))
    return whole(own.order_by(Item.listed_at.desc(), Item.id.desc()))


def place_of(person: Person) -> PickUpPlace | None:
    """Where a person's things are fetched, if they said so."""
    own = sa.select(PickUpPlace).where(PickUpPlace.person_id == person.id)
    return db.session.scalar(own.options(joinedload(PickUpPlace.district)))


def words_of(item: Item) -> str:
    """What a thing is found by."""
    return " ".join((item.title, item.description, categories.words_of(item.category)))


def text_of(item: Item) -> str:
    """What its page says in its owner's words; needs `accessories`."""
    parts = [part.name for part in item.accessories]
    return "\n".join(filter(None, (item.title, item.description, item.rules, item.pick_up_note, *parts)))
