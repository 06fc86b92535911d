"""Rooms with all that pages and rules ask of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.places.models import Building
from marketplace.kernel import db
from marketplace.kernel.errors import NotFound
from marketplace.sharing.spaces.models import Space

SEARCH_KIND = "space"


def whole(query: sa.Select[Space]) -> sa.Select[Space]:
    """Rooms with everything that pages and rules ask of them."""
    return query.options(
        joinedload(Space.building).joinedload(Building.district),
        joinedload(Space.building).joinedload(Building.location),
        joinedload(Space.part_of),
        selectinload(Space.hours),
        selectinload(Space.closed_days),
        selectinload(Space.features),
    )


def get_space(space_id: int) -> Space:
    """A room with its building, hours and features. Raises NotFound."""
    space = db.session.scalar(whole(sa.select(Space).where(Space.id == space_id)))
    if space is None:
        raise NotFound
    return space


def spaces(ids: Sequence[int]) -> list[Space]:
    """These rooms, in this order."""
    rows = {space.id: space for space in db.session.scalars(whole(sa.select(Space).where(Space.id.in_(ids))))}
    return [rows[space_id] for space_id in ids if space_id in rows]


def spaces_of(building: Building) -> list[Space]:
    """The rooms that a building offers."""
    return list(
        db.session.scalars(
            whole(sa.select(Space).where(Space.building_id == building.id, Space.offered).order_by(Space.name))
        )
    )


def managed_building_ids(person: Person) -> sa.Select[int]:
    """The buildings a person runs; all of them for an administrator."""
    query = sa.select(Building.id)
    return query if person.is_a(Role.ADMINISTRATOR) else query.where(Building.id.in_(person.building_ids))


def managed_spaces(person: Person) -> sa.Select[Space]:
    """The rooms a person runs, offered or not."""
    return whole(
        sa.select(Space)
        .where(Space.building_id.in_(managed_building_ids(person)))
        .order_by(Space.building_id, Space.name, Space.id)
    )


def count_open() -> int:
    """How many rooms the city offers."""
    return db.session.scalar(sa.select(sa.func.count(Space.id)).where(Space.offered)) or 0


def text_of(space: Space) -> str:
    """What a room's page says in words of the building."""
    said = (space.about, space.house_rules, space.fee_note, space.closed_note, space.apply_note)
    return "\n".join(filter(None, said))


def words_of(space: Space) -> str:
    """What a room is found by."""
    building = space.building
    return " ".join(
        filter(None, (space.name, space.name_en, building.name, building.name_en, building.road_address,
                      space.official_kind, *space.equipment))
    )  # fmt: skip
