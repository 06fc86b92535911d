"""Kits with their parts, and what could be a part."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.civic.groups.queries import group_ids
from marketplace.civic.places.models import Building
from marketplace.kernel import db, occupancy
from marketplace.kernel.errors import NotFound
from marketplace.portal.kits.models import Kit, KitPart
from marketplace.sharing.items.models.listing import Item, Library
from marketplace.sharing.items.queries.listings import everything
from marketplace.sharing.spaces.models import Space
from marketplace.sharing.spaces.queries.rooms import managed_building_ids


def whole(query: sa.Select[Kit]) -> sa.Select[Kit]:
    """Kits with everything that pages and the rules of their parts ask of them, in a constant number of statements."""
    room = selectinload(Kit.parts).joinedload(KitPart.space)
    return query.options(
        joinedload(Kit.building).joinedload(Building.district),
        selectinload(Kit.managing),
        room.options(joinedload(Space.building), selectinload(Space.hours), selectinload(Space.closed_days)),
        selectinload(Kit.parts).joinedload(KitPart.item).options(*everything()),
    )


def get_kit(kit_id: int) -> Kit:
    """A kit with its parts. Raises NotFound."""
    kit = db.session.scalar(whole(sa.select(Kit).where(Kit.id == kit_id)))
    if kit is None:
        raise NotFound
    return kit


def by_id(ids: Collection[int]) -> dict[int, Kit]:
    """These kits by id."""
    return {kit.id: kit for kit in db.session.scalars(whole(sa.select(Kit).where(Kit.id.in_(ids))))}


def offered(building_id: int | None = None) -> sa.Select[Kit]:
    """The kits that everyone finds, of one building or of all, by name."""
    query = sa.select(Kit).where(Kit.published, Kit.hidden_at.is_(None))
    if building_id is not None:
        query = query.where(Kit.building_id == building_id)
    return whole(query.order_by(Kit.name, Kit.id))


def is_any_offered() -> bool:
    """Whether there is a kit to find at all."""
    return bool(db.session.scalar(sa.select(sa.exists().where(Kit.published, Kit.hidden_at.is_(None)))))


def run_by(person: Person) -> sa.Select[Kit]:
    """The kits that a person manages, offered or not, by name."""
    managed = sa.select(Kit).where(Kit.building_id.in_(managed_building_ids(person)))
    return whole(managed.order_by(Kit.name, Kit.id))


def run_buildings(person: Person) -> list[Building]:
    """The buildings with rooms in which a person may make kits, by name."""
    with_rooms = sa.select(Space.building_id)
    query = sa.select(Building).where(Building.id.in_(managed_building_ids(person)), Building.id.in_(with_rooms))
    return list(db.session.scalars(query.order_by(Building.name, Building.id)))


def managers_of(kit: Kit) -> list[int]:
    """The ids of those who run the building of a kit."""
    own = RoleGrant.role == Role.MANAGER, RoleGrant.building_id == kit.building_id
    return list(db.session.scalars(sa.select(RoleGrant.person_id).where(*own)))


def rooms_in(building_id: int) -> list[Space]:
    """The rooms of a building that may be parts, by name."""
    query = sa.select(Space).where(Space.building_id == building_id, Space.offered)
    return list(db.session.scalars(query.order_by(Space.name, Space.id)))


def things_in(building_id: int) -> list[Item]:
    """The things of a building's libraries that may be parts, by title."""
    query = sa.select(Item).join(Library, Library.id == Item.library_id)
    own = query.where(Library.building_id == building_id, Item.offered)
    return list(db.session.scalars(own.options(selectinload(Item.units)).order_by(Item.title, Item.id)))


def are_apart(rooms: Sequence[Space]) -> bool:
    """Whether none of these rooms holds another one, or a part of it."""
    part = occupancy.resource_parts.c
    held = sa.select(part.part_id).where(part.resource_id.in_([room.resource_id for room in rooms]))
    return db.session.scalar(held.group_by(part.part_id).having(sa.func.count() > 1).limit(1)) is None


def member_of(person: Person, kit: Kit) -> set[int]:
    """The groups of a person, where a thing of the kit is lent to a group's members only."""
    return group_ids(person) if any(item.group_id is not None for item, _quantity in kit.things) else set()


def text_of(kit: Kit) -> str:
    """What the building says of it."""
    return "\n".join(filter(None, (kit.name, kit.name_en, kit.about)))
