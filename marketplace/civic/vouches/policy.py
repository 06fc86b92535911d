"""Who may vouch, agree and end it. No queries."""

from marketplace.civic.accounts.models import Person
from marketplace.civic.vouches.models import Vouch


def may_vouch_at_all(person: Person | None) -> bool:
    """Managers of buildings."""
    return person is not None and bool(person.building_ids)


def may_vouch(person: Person | None, building_id: int) -> bool:
    """Managers of the building."""
    return person is not None and person.manages(building_id)


def may_agree(person: Person | None, vouch: Vouch) -> bool:
    """Whoever it is for."""
    return person is not None and vouch.person_id == person.id


def may_end(person: Person | None, vouch: Vouch) -> bool:
    """Whoever it is for, at any time, and managers of the building."""
    return may_agree(person, vouch) or may_vouch(person, vouch.building_id)
