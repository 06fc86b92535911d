"""The things that neighbours and libraries of things of the fictional city lend."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from random import Random
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import Building, BuildingPoint
from marketplace.kernel import cells, clock, db, occupancy, search, vault
from marketplace.kernel.geo import Point
from marketplace.portal.demo.service import clubs, rows, words
from marketplace.portal.demo.service.dwellings import Dwelling, Dwellings
from marketplace.portal.demo.service.people import Crowd
from marketplace.sharing.items.models.libraries import LibraryMember, RepairTicket
from marketplace.sharing.items.models.listing import (
    EVERY_DAY,
    Accessory,
    Audience,
    Condition,
    DepositUnit,
    Item,
    ItemUnit,
    Library,
    LibraryHours,
    PickUpPlace,
    UnitState,
)
from marketplace.sharing.items.queries import listings

OF_THE_RESIDENT = 6
"""So many things the demo resident lends; the other accounts to look around with lend one each."""

EASY = 6
"""So many neighbours' things anyone may have on any day: the demo resident borrows them."""

PLAIN = 4
"""So many things of each library it has once, and none of them is being repaired."""

FOR_KITS = ("접이식 의자", "빔프로젝터")
"""What every library has, so that rooms of its building can be had together with it."""

CARDS = 10**9
"""More than there are pieces: no card has the code of one, as a scanner at the counter tells neither from the other."""

LISTED_DAYS = (40, 400)
CHUNK = 5_000
IN_REPAIR, PAUSED = 0.03, 0.03
CONDITIONS = (*[Condition.GOOD] * 3, Condition.NEW, *[Condition.WORN] * 2, Condition.QUIRKS)
FEES = (*[0] * 12, 1_000, 2_000, 3_000)
AUDIENCES = (*[Audience.RESIDENTS] * 12, Audience.DISTRICT, Audience.DISTRICT, Audience.GROUP)
DAYS = (EVERY_DAY, EVERY_DAY, EVERY_DAY, 0b0011111, 0b1100000, 0b0111110)
HOURS = ((9 * 60, 21 * 60), (18 * 60, 22 * 60), (10 * 60, 18 * 60), (7 * 60, 9 * 60))
LIBRARY_WEEK = {1: (600, 1140), 2: (600, 1140), 3: (600, 1140), 4: (600, 1140), 5: (600, 900)}
DEAR = 150_000
"""For what costs as much, some owners ask for a deposit."""

WORTH_AN_HOUR, IN_TIME = 40_000, 3
"""For what costs less, and at least this, some things take an hour of time credit for each time this."""


@dataclass(slots=True)
class Lent:
    """A thing, who hands it over, in which language they write, and the pieces that go out together."""

    item: Item
    keeper_id: int
    korean: bool
    lots: list[list[ItemUnit]]
    parts: list[Accessory]


def fill(
    random: Random, things: int, owners: int, libraries: int, crowd: Crowd, homes: Dwellings,
    houses: list[Building], founded: clubs.Clubs,
) -> list[Lent]:  # fmt: skip
    """Write so many things: of libraries a tenth of them, of so many neighbours the rest."""
    stock = _Stock(random, founded, crowd)
    lending = stock.owners(owners)
    places = _places(lending, homes.of(lending))
    opened = _libraries(random, libraries, crowd, houses, founded)
    of_libraries = things // 10 if things > 10 * len(words.things()["kinds"]) else things // 3
    for_kits = [kind for kind in words.things()["kinds"] if kind[1] in FOR_KITS]
    for library, point in opened:
        kinds = _kinds(random, max(0, of_libraries // len(opened) - len(for_kits)))
        for number, kind in enumerate([*kinds, *for_kits]):
            plain = number < PLAIN or kind in for_kits
            stock.shelve(library, point, kind, crowd.managers[library.building_id], plain=plain)
    own = {person.id: person for person in crowd.people}
    for number, (place, kind) in enumerate(
        zip(_shares(random, places, crowd, things - len(stock.lent)), _kinds(random, things), strict=False)
    ):
        stock.offer(own[place.person_id], place, kind, easy=number < OF_THE_RESIDENT + len(crowd.shown) - 1 + EASY)
    stock.write()
    _join(random, opened, crowd)
    return stock.lent


# --- where ---


def _places(owners: Sequence[Person], homes: dict[int, Dwelling]) -> list[PickUpPlace]:
    """Write where owners hand over what they lend: at home."""
    changed = clock.at(clock.today() - timedelta(days=LISTED_DAYS[1]), 0)
    places = [
        PickUpPlace(
            person_id=person.id, cell=homes[person.id].cell, district_id=homes[person.id].district_id,
            address=vault.lock(homes[person.id].address, listings.vault_place(person.id)), changed_at=changed,
        )
        for person in owners
    ]  # fmt: skip
    rows.write(places)
    return places


def _libraries(
    random: Random, count: int, crowd: Crowd, houses: list[Building], founded: clubs.Clubs
) -> list[tuple[Library, Point]]:
    """Write so many libraries of things: the demo manager runs the first, a group helps with the second."""
    manager = crowd.shown["manager"].id
    own = next(house for house in houses if crowd.managers[house.id] == manager)
    others = random.sample([house for house in houses if crowd.managers[house.id] != manager], count - 1)
    points: dict[int, Point] = {
        number: point for number, point in db.rows(sa.select(BuildingPoint.building_id, BuildingPoint.point)) if point
    }
    ids, hour_ids = rows.numbers(Library), rows.numbers(LibraryHours)
    made, hours = [], []
    for number, house in enumerate((own, *others)):
        korean, english, about = words.things()["libraries"][number % 2]
        helping = founded.groups[clubs.HELPED_BY_MANAGER] if number == 1 else None
        library = Library(
            id=next(ids), name=korean.format(building=house.name), name_en=english.format(building=house.name_en),
            about=about, building_id=house.id, group_id=helping.id if helping else None, open=True, version=1,
        )  # fmt: skip
        library.building = house
        library.hours = [
            LibraryHours(id=next(hour_ids), library_id=library.id, weekday=day, opens=opens, closes=closes)
            for day, (opens, closes) in LIBRARY_WEEK.items()
        ]
        hours += library.hours
        made.append(library)
    rows.write(made)
    rows.write(hours)
    return [(library, points[library.building_id]) for library in made]


def _join(random: Random, opened: Sequence[tuple[Library, Point]], crowd: Crowd) -> None:
    """Some of the verified residents are members of a library; the demo resident of the first."""
    residents = [person for person in crowd.bookers if person.verified_at]
    ids, members = rows.numbers(LibraryMember), []
    for number, (library, _point) in enumerate(opened):
        joined = random.sample(residents, len(residents) // (3 * len(opened)))
        if number == 0:
            joined = list(dict.fromkeys([crowd.shown["resident"], *joined]))
        for person in joined:
            since = clock.today() - timedelta(days=random.randrange(10, 90))
            members.append(
                LibraryMember(
                    id=(member_id := next(ids)), library_id=library.id, person_id=person.id,
                    card=rows.reference(CARDS + member_id), since=since,
                    added_by_id=crowd.managers[library.building_id],
                )
            )  # fmt: skip
    rows.write(members)


# --- what ---


def _kinds(random: Random, count: int) -> Iterator[list[Any]]:
    """So many kinds of things, each as often as every other as far as that goes."""
    known = list(words.things()["kinds"])
    for number in range(count):
        if number % len(known) == 0:
            random.shuffle(known)
        yield known[number % len(known)]


def _shares(random: Random, places: list[PickUpPlace], crowd: Crowd, count: int) -> Iterator[PickUpPlace]:
    """Whose each of so many things is: those of the accounts shown first, then one of everybody, then as it comes."""
    shown = {person.id: who for who, person in crowd.shown.items()}
    by_id = {place.person_id: place for place in places}
    first = [by_id[crowd.shown["resident"].id]] * (OF_THE_RESIDENT - 1) + [by_id[number] for number in shown]
    others = [place for place in places if place.person_id not in shown]
    weights = list(accumulate(random.paretovariate(1.5) for _ in others))
    yield from [*first, *others][:count]
    for _ in range(count - len(first) - len(others)):
        yield random.choices(others, cum_weights=weights)[0]


class _Stock:
    def __init__(self, random: Random, founded: clubs.Clubs, crowd: Crowd) -> None:
        self.random, self.crowd, self.today = random, crowd, clock.today()
        self.lent = list[Lent]()
        self.tickets = list[RepairTicket]()
        self.ids, self.unit_ids, self.part_ids = rows.numbers(Item), rows.numbers(ItemUnit), rows.numbers(Accessory)
        self.resource_ids, self.ticket_ids = rows.numbers(occupancy.Resource), rows.numbers(RepairTicket)
        self.clubs: dict[int, list[int]] = {}
        for group in founded.groups:
            for member in founded.members[group.id] if group.is_open and not group.hidden else ():
                self.clubs.setdefault(member, []).append(group.id)

    def owners(self, count: int) -> list[Person]:
        """The accounts to look around with, and so many others."""
        shown = list(self.crowd.shown.values())
        confirmed = [one for one in self.crowd.bookers if one not in shown]
        return [*shown, *self.random.sample(confirmed, min(count, len(confirmed)))]

    def offer(self, owner: Person, place: PickUpPlace, kind: list[Any], *, easy: bool) -> None:
        """A neighbour's thing; an easy one anyone may have on any day."""
        random, said, korean = self.random, words.things(), owner.language == "ko"
        category, *names, thousands, _parts = kind
        value = round(thousands * random.uniform(0.8, 1.1)) * 1_000
        opens, closes = HOURS[0] if easy else random.choice(HOURS)
        audience = Audience.RESIDENTS if easy else random.choice(AUDIENCES)
        mine = self.clubs.get(owner.id, [])
        if (audience is Audience.GROUP and not mine) or (audience is Audience.DISTRICT and not place.district_id):
            audience = Audience.RESIDENTS
        item = self._item(
            owner_id=owner.id,
            title=_title(self._say("before", korean), names[not korean], korean),
            description=self._say("states", korean) + " " + self._say("why", korean),
            category=category, condition=random.choice(CONDITIONS), value=value if random.random() < 0.9 else None,
            rules=self._say("rules", korean) if random.random() < 0.4 else "",
            fee=random.choice(FEES), deposit=value // 50_000 * 5_000 if value >= DEAR and random.random() < 0.3 else 0,
            longest_days=14 if easy else random.choice((3, 7, 7, 14, 14, 30)),
            notice_days=0 if easy else random.choice((0, 0, 0, 1, 2)), audience=audience,
            group_id=random.choice(mine) if audience is Audience.GROUP else None, trusts=random.random() < 0.3,
            pick_up_days=EVERY_DAY if easy else random.choice(DAYS), pick_up_from=opens, pick_up_to=closes,
            pick_up_note=self._say("notes", korean) if random.random() < 0.5 else "",
            cell=place.cell, district_id=place.district_id,
        )  # fmt: skip
        if WORTH_AN_HOUR <= value < DEAR and item.id % IN_TIME == 0:
            item.deposit, item.deposit_unit = value // WORTH_AN_HOUR * 60, DepositUnit.TIME
        if not easy and random.random() < PAUSED:
            item.paused_at = clock.at(self.today - timedelta(days=random.randrange(1, 20)), 12 * 60)
        count = said["sets"].get(category, 1)
        self._put(item, kind, owner.id, count, in_sets=True, korean=korean)

    def shelve(self, library: Library, point: Point, kind: list[Any], keeper_id: int, *, plain: bool) -> None:
        """A thing of a library; its pieces are labelled, some are being repaired."""
        random = self.random
        category, korean, english, thousands, _parts = kind
        item = self._item(
            library_id=library.id, title=f"{korean} ({english})", description=self._say("states", True),
            category=category, condition=random.choice(CONDITIONS), value=thousands * 1_000, rules="", fee=0, deposit=0,
            longest_days=random.choice((7, 7, 14)), notice_days=0, audience=Audience.RESIDENTS,
            trusts=random.random() < 0.5, pick_up_days=EVERY_DAY, pick_up_from=9 * 60, pick_up_to=21 * 60,
            pick_up_note="", cell=cells.cell_of(point), district_id=library.building.district_id,
        )  # fmt: skip
        item.library = library
        sets = words.things()["sets"]
        count = sets.get(category) or (1 if plain else random.choice((1, 1, 1, 2, 3)))
        lent = self._put(item, kind, keeper_id, count, in_sets=category in sets, korean=True)
        for lot in lent.lots:
            for unit in lot:
                unit.code = rows.reference(unit.id)
            if len(lot) == 1 and not plain and random.random() < IN_REPAIR:
                self._repair(lot[0], keeper_id)

    def write(self) -> None:
        """Write everything, and have it found."""
        units = [unit for lent in self.lent for lot in lent.lots for unit in lot]
        items = [lent.item for lent in self.lent]
        for some in _chunks(items):
            rows.write(some)
            search.index_many(listings.SEARCH_KIND, [(item.id, listings.words_of(item)) for item in some])
        rows.insert(occupancy.Resource, [{"id": unit.resource_id} for unit in units])
        own = [{"resource_id": unit.resource_id, "part_id": unit.resource_id} for unit in units]
        rows.insert(occupancy.resource_parts, own)
        rows.write(units)
        rows.write([part for lent in self.lent for part in lent.parts])
        rows.write(self.tickets)

    def _item(self, **terms: Any) -> Item:
        ago = self.random.randrange(*LISTED_DAYS)
        listed = clock.at(self.today - timedelta(days=ago), self.random.randrange(8 * 60, 22 * 60))
        return Item(
            id=next(self.ids), listed_at=listed, horizon_days=90, version=1, deposit_unit=DepositUnit.MONEY, **terms
        )

    def _put(self, item: Item, kind: list[Any], keeper_id: int, count: int, *, in_sets: bool, korean: bool) -> Lent:
        units = [
            ItemUnit(
                id=next(self.unit_ids), item_id=item.id, resource_id=next(self.resource_ids), number=number,
                state=UnitState.READY,
            )
            for number in range(1, count + 1)
        ]  # fmt: skip
        parts = []
        for position, part in enumerate(kind[-1], 1):
            names, _, many = part.partition("*")
            name = names.split("/")[not korean]
            parts.append(
                Accessory(id=next(self.part_ids), item_id=item.id, position=position, name=name, count=int(many))
            )
        lent = Lent(item, keeper_id, korean, [units] if in_sets else [[unit] for unit in units], parts)
        self.lent.append(lent)
        return lent

    def _repair(self, unit: ItemUnit, keeper_id: int) -> None:
        unit.state = UnitState.REPAIR
        opened = clock.at(self.today - timedelta(days=self.random.randrange(2, 20)), 11 * 60)
        problem = self.random.choice(words.things()["broken"])
        self.tickets.append(
            RepairTicket(
                id=next(self.ticket_ids), unit_id=unit.id, problem=problem, opened_by_id=keeper_id, opened_at=opened
            )
        )

    def _say(self, what: str, korean: bool) -> str:
        said: str = self.random.choice(words.things()[what])[not korean]
        return said


def _title(word: str, name: str, korean: bool) -> str:
    return word + (name if korean or not word else name[0].lower() + name[1:])


def _chunks(things: list[Item]) -> Iterator[list[Item]]:
    return (things[start : start + CHUNK] for start in range(0, len(things), CHUNK))
