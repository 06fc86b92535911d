"""A fictional city, the same for the same seed and day: places, people, and what they share."""

from dataclasses import dataclass
from random import Random

from marketplace.kernel import audit, clock
from marketplace.portal.demo import queries
from marketplace.portal.demo.errors import AlreadyInhabited
from marketplace.portal.demo.service import (
    bookings,
    clubs,
    dwellings,
    homeshare,
    houses,
    inbox,
    kits,
    land,
    living,
    loans,
    people,
    reports,
    reviews,
    rows,
    stock,
    talks,
    vouches,
)
from marketplace.portal.demo.service.watch import Watch, unwatched

BOOKINGS_OF_A_ROOM = 130
"""Roughly, over all days."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a city is wanted; a building has some four rooms."""

    districts: int
    buildings: int
    people: int
    things: int
    owners: int
    libraries: int
    loans: int
    groups: int
    conversations: int
    students: int = 400
    homes: int = 130
    campuses: int = 20
    days_back: int = 30


SIZES = {
    "small": Size(
        districts=3,
        buildings=10,
        people=30,
        things=60,
        owners=12,
        libraries=2,
        loans=240,
        groups=9,
        conversations=12,
        students=10,
        homes=5,
        campuses=3,
    ),
    "city": Size(
        districts=12,
        buildings=120,
        people=1_000,
        things=3_000,
        owners=600,
        libraries=2,
        loans=12_000,
        groups=60,
        conversations=300,
    ),
    "metropolis": Size(
        districts=25,
        buildings=1_200,
        people=20_000,
        things=30_000,
        owners=6_000,
        libraries=20,
        loans=120_000,
        groups=600,
        conversations=3_000,
        students=2_000,
        homes=700,
        campuses=24,
        days_back=7,
    ),
}


def seed(
    size: Size,
    number: int = 1,
    *,
    city: str,
    password: str = queries.PASSWORD,
    watch: Watch = unwatched,
) -> dict[str, int]:
    """Fill the database with a city; says how much there is of everything.

    city      the city's Korean name, for addresses
    password  everybody's
    watch     shows how far it is

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
    told = inbox.Inbox()
    bookings.tell(crowd, told)
    founded = clubs.found(Random(f"{number} clubs"), size.groups, crowd, districts, told)
    homes = dwellings.Dwellings(Random(f"{number} dwellings"), ground, districts, city)
    lent = stock.fill(
        Random(f"{number} things"), size.things, size.owners, size.libraries, crowd, homes, buildings, founded
    )
    reviewing = reviews.Reviewing(Random(f"{number} reviews"))
    loaned = loans.lend(Random(f"{number} loans"), size.loans, lent, crowd, founded, reviewing, told, watch)
    applied = homeshare.apply(
        Random(f"{number} home share"), size.students, size.homes, size.campuses, crowd, ground, homes
    )
    sharing = living.live(Random(f"{number} living together"), applied, told)
    known = vouches.vouch(Random(f"{number} vouches"), crowd, buildings, told)
    together, more_booked, more_lent = kits.make(Random(f"{number} kits"), rooms, lent, crowd)
    talked, insult = talks.talk(Random(f"{number} talks"), size.conversations, crowd, told)
    waiting = reports.report(Random(f"{number} reports"), crowd, founded, insult, rooms[0].id, lent[-1].item, told)
    counts = {
        "districts": len(districts),
        "buildings": len(buildings),
        "rooms": len(rooms),
        "people": len(crowd.people),
        "bookings": booked + more_booked,
        "things": len(lent),
        "loans": loaned + more_lent,
        "students": len(applied.students),
        "homes": len(applied.homes),
        "sharing": sharing,
        "vouches": known,
        "kits": together,
        "groups": len(founded.groups),
        "conversations": talked,
        "reports": waiting,
        "notices": told.write(),
    }
    audit.record(None, "demo.seed", "city", seed=number, day=str(clock.today()), **counts)
    rows.settle()
    return counts
