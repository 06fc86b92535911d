"""Who may do what with credits and the fund, and within which limits. No queries."""

from datetime import timedelta

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.credits.models import Overdraft

STAFF = (Role.STAFF, Role.ADMINISTRATOR)
"""Who gives credits, offers agreements and keeps the fund."""

HOUR = 60
MOST_AT_ONCE = 24 * HOUR
MOST_IN_A_MONTH = 80 * HOUR
MONTH = timedelta(days=30)
MOST_BELOW = 20 * HOUR
"""The furthest below zero that the city offers."""


def may_give(person: Person | None) -> bool:
    """Staff of departments and administrators; never to themselves, which the service refuses with a sentence."""
    return person is not None and any(person.is_a(role) for role in STAFF)


def may_answer(person: Person | None, overdraft: Overdraft) -> bool:
    """Whoever it is for."""
    return person is not None and overdraft.person_id == person.id


def may_end(person: Person | None, overdraft: Overdraft) -> bool:
    """Whoever it is for, and whoever offers such agreements."""
    return may_answer(person, overdraft) or may_give(person)
