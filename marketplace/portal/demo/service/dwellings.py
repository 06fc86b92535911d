"""Where people of the fictional city live, as the services keep it: a privacy cell, its district, an address."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

import numpy as np
import shapely

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import District
from marketplace.kernel import cells
from marketplace.portal.demo.service import land, words


@dataclass(frozen=True, slots=True)
class Dwelling:
    """Somebody's home."""

    cell: int
    district_id: int | None
    address: str


@dataclass(slots=True)
class Dwellings:
    """Everyone's home, found when it is first asked for and the same ever after."""

    random: Random
    ground: land.Land
    districts: list[District]
    city: str
    _known: dict[int, Dwelling] = field(default_factory=dict)

    def of(self, people: Iterable[Person]) -> dict[int, Dwelling]:
        """The homes of people, by the ids of the people: each somewhere in their district."""
        wanted = list(people)
        at = {district.id: number for number, district in enumerate(self.districts)}
        living: dict[int, list[Person]] = {}
        for person in wanted:
            if person.id not in self._known:
                living.setdefault(at[person.district_id or self.districts[0].id], []).append(person)
        for number, there in sorted(living.items()):
            spots = self.ground.spots(self.random, number, len(there))
            found = [cells.cell_of(spot) for spot in spots]
            districts = _districts_of(found, self.ground, self.districts)
            for person, cell in zip(there, found, strict=True):
                district_id = districts.get(cell, person.district_id)
                self._known[person.id] = Dwelling(cell, district_id, self._address(self.districts[number]))
        return {person.id: self._known[person.id] for person in wanted}

    def _address(self, district: District) -> str:
        random = self.random
        return (
            f"{self.city} {district.name_ko} {random.choice(words.names()['first'])[0]}로 "
            f"{random.randrange(1, 240)}, {random.randrange(101, 120)}동 {random.randrange(101, 1904)}호"
        )


def _districts_of(known: list[int], ground: land.Land, districts: list[District]) -> dict[int, int]:
    """The district in which the centre of each cell lies."""
    cell = np.array(sorted(set(known)), np.int64)
    centres = [cells.centre(int(one)) for one in cell]
    x, y = np.array([one.longitude for one in centres]), np.array([one.latitude for one in centres])
    return {
        int(one): district.id
        for district, area in zip(districts, ground.areas(), strict=True)
        for one in cell[shapely.contains_xy(area, x, y)]
    }
