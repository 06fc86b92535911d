"""Who may change what is known about a building."""

from typing import Protocol

from marketplace.civic.places.models import Building


class Person(Protocol):
    """What is asked of a person here."""

    id: int

    def is_a(self, role: str) -> bool:
        """Whether the person holds a role."""

    def manages(self, building_id: int) -> bool:
        """Whether the person is a manager of the building."""


def may_edit(person: Person | None, building: Building) -> bool:
    """Managers of the building and administrators keep its facts."""
    return person is not None and (person.manages(building.id) or person.is_a("administrator"))
