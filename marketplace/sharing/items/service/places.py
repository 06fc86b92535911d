"""Where people fetch what a neighbour lends: an area for everyone, an address for whoever borrows."""

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.places import queries as places
from marketplace.kernel import cells, db, vault
from marketplace.kernel.geo import Point
from marketplace.kernel.writing import show_list
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.listing import Item, PickUpPlace
from marketplace.sharing.items.queries import listings

MOST_NAMED = 5


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
    """The district of the middle of the area in which a point lies. Raises OutsideTheCity."""
    here = places.district_at(cells.centre(cells.cell_of(point)))
    if here is None and places.district_at(point) is None and places.districts():
        raise errors.OutsideTheCity(field="near")
    return here or person.district_id


def take_back(person: Person) -> None:
    """Forget where a person's things are fetched. Raises StillListed while they lend any."""
    one_at_a_time(person.id)
    if listings.count_listed(person):
        raise errors.StillListed
    db.session.execute(sa.delete(PickUpPlace).where(PickUpPlace.person_id == person.id))


def point_of(near: str, latitude: float | None, longitude: float | None) -> Point | None:
    """The point that someone names: that of a public building, else where their device is.

    Raises NoSuchPlace, or SeveralPlaces for a name that is not the whole name of one.
    """
    if not near:
        return Point(latitude, longitude) if latitude is not None and longitude is not None else None
    found = [building for building in places.buildings(words=near, limit=50) if building.point]
    whole = [building for building in found if near.casefold() in (building.name.casefold(), building.title.casefold())]
    if not found:
        raise errors.NoSuchPlace(field="near")
    if len(found) > 1 and len(whole) != 1:
        names = sorted({building.title for building in found})[:MOST_NAMED]
        raise errors.SeveralPlaces(names=show_list(names), field="near")
    return (whole or found)[0].point
