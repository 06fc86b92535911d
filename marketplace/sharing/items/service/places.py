"""Where people fetch what a neighbour lends: an area for everyone, an address for whoever borrows."""

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.places import queries as places
from marketplace.kernel import cells, db, vault
from marketplace.kernel.geo import Point
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.listing import Item, PickUpPlace
from marketplace.sharing.items.queries import listings


def save(person: Person, point: Point | None, address: str = "") -> PickUpPlace:
    """Keep the area of 500 m in which a point lies, not the point; everything the person lends is fetched there.

    The district is that of the area's middle: of two homes in one area, nobody can tell which is across the border.
    Without a point the area stays as it is. Raises NoPlaceYet if there is none, or OutsideTheCity.
    """
    expect_may_act(person)
    one_at_a_time(person.id)
    place = listings.place_of(person)
    if place is None and point is None:
        raise errors.NoPlaceYet(field="near")
    place = place or PickUpPlace(person_id=person.id)
    if point is not None:
        place.cell = cells.cell_of(point)
        place.district_id = district_of(person, point)
    place.address = vault.lock(address, listings.vault_place(person.id)) if address else ""
    db.session.add(place)
    db.session.flush()
    lent = sa.update(Item).where(Item.owner_id == person.id, Item.withdrawn_at.is_(None), Item.cell != place.cell)
    moved = lent.values(cell=place.cell, district_id=place.district_id, version=Item.version + 1)
    db.session.execute(moved)
    db.session.refresh(place, ["district"])
    return place


def district_of(person: Person, point: Point) -> int | None:
    """The district of the area in which a point lies, else the person's own. Raises OutsideTheCity."""
    return places.district_around(point) or person.district_id


def take_back(person: Person) -> None:
    """Forget where a person's things are fetched. Raises StillListed while they lend any."""
    one_at_a_time(person.id)
    if listings.count_listed(person):
        raise errors.StillListed
    db.session.execute(sa.delete(PickUpPlace).where(PickUpPlace.person_id == person.id))
