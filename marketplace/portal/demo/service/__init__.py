"""A fictional city, the same for the same seed and day: places, people, and a season of bookings."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from marketplace.kernel import audit, clock
from marketplace.portal.demo import queries
from marketplace.portal.demo.errors import AlreadyInhabited
from marketplace.portal.demo.service import bookings, houses, land, people, rows
from marketplace.sharing.spaces.models import Space

BOOKINGS_OF_A_ROOM = 130
"""Roughly, over all days."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a city is wanted; a building has some four rooms."""

    districts: int
    buildings: int
    people: int
    days_back: int = 30


SIZES = {
    "small": Size(districts=3, buildings=10, people=30),
    "city": Size(districts=12, buildings=120, people=1_000),
    "metropolis": Size(districts=25, buildings=1_200, people=20_000, days_back=7),
}


def seed(
    size: Size,
    number: int = 1,
    *,
    city: str,
    password: str = queries.PASSWORD,
    watch: Callable[[Sequence[Space]], Iterable[Space]] = iter,
) -> dict[str, int]:
    """Fill the database with a city; says how much there is of everything.

    city      the city's Korean name, for addresses
    password  everybody's
    watch     given all rooms, hands them on one by one as they are being booked, to show how far it is

    Raises AlreadyInhabited if there are places in it already, demo or real.
    """
    if queries.has_places() or queries.sign_ins():
        raise AlreadyInhabited
    ground = land.make(Random(f"{number} land"), size.districts)
    districts = houses.districts(Random(f"{number} districts"), ground)
    buildings = houses.buildings(Random(f"{number} buildings"), ground, districts, size.buildings, city)
    rooms = houses.rooms(Random(f"{number} rooms"), buildings)
    expected = len(rooms) * BOOKINGS_OF_A_ROOM
    crowd = people.populate(Random(f"{number} people"), size.people, districts, buildings, expected, password)
    booked = bookings.book(Random(f"{number} bookings"), rooms, crowd, size.days_back, watch)
    counts = {
        "districts": len(districts),
        "buildings": len(buildings),
        "rooms": len(rooms),
        "people": len(crowd.people),
        "bookings": booked,
    }
    audit.record(None, "demo.seed", "city", seed=number, day=str(clock.today()), **counts)
    rows.settle()
    return counts
