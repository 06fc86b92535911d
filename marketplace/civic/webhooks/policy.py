"""Who looks after webhooks."""

from marketplace.civic.accounts.models import Person, Role


def may_look_after_webhooks(person: Person | None) -> bool:
    """Only an administrator decides which systems are told what happens."""
    return person is not None and person.is_a(Role.ADMINISTRATOR)
