"""Something to talk about: stones, which two sides share."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest

from marketplace.civic.accounts.models import Person
from marketplace.kernel import things
from marketplace.kernel.things import Sides
from marketplace.kernel.words import _l


@dataclass
class Stone:
    """A thing between two sides."""

    id: int
    one: list[Person]
    other: list[Person]
    agreed: bool = False
    open: bool = True
    other_for: object | None = None

    @property
    def subject(self) -> str:
        return f"stone:{self.id}"

    @property
    def sides(self) -> Sides:
        one, other = (frozenset(person.id for person in side) for side in (self.one, self.other))
        return Sides(one, other, self.agreed, self.open, None, self.other_for)


@pytest.fixture
def stone(monkeypatch) -> Callable[..., Stone]:
    """Makes a stone between one side and the other: a person or several."""
    stones: dict[int, Stone] = {}
    numbers = count(1)
    monkeypatch.setattr(things, "_kinds", dict(things._kinds))
    things.register(
        things.Kind(
            name="stone",
            label=_l("Stone"),
            find=lambda ids: {number: stones[number] for number in ids if number in stones},
            title=lambda stone: f"Stone {stone.id}",
            link=lambda stone: f"/stones/{stone.id}",
            may_see=lambda person, stone: person is not None and person.id in stone.sides.people,
            author_id=lambda stone: int(stone.one[0].id),
            sides=lambda stone: stone.sides,
        )
    )

    def make(one: Person | list[Person], other: Person | list[Person], **more: object) -> Stone:
        sides = [side if isinstance(side, list) else [side] for side in (one, other)]
        made = Stone(next(numbers), *sides, **more)  # type: ignore[arg-type]
        stones[made.id] = made
        return made

    return make
