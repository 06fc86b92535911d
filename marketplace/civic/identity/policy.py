"""What may be done with a link to the identity provider."""

from marketplace.civic.accounts.models import Person
from marketplace.civic.identity.models import Identity


def may_unlink(person: Person, identity: Identity) -> bool:
    """One's own, as long as a password still opens the account."""
    return identity.person_id == person.id and person.has_password
