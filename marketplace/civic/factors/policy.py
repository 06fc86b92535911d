"""Who may do what with second factors."""

from marketplace.civic.accounts import policy as accounts
from marketplace.civic.accounts.models import Person


def may_set_up(person: Person) -> bool:
    """Whoever confirmed their address; else an account opened with someone's address could lock its owner out."""
    return person.is_confirmed


def may_reset(administrator: Person, person: Person) -> bool:
    """An administrator helps others who lost everything, never themselves."""
    return accounts.may_look_after_people(administrator) and administrator.id != person.id
