"""Who may do what with accounts, and how long a sign-in lasts."""

from datetime import datetime, timedelta

from marketplace.civic.accounts import errors
from marketplace.civic.accounts.models import Person, PersonSession, Role
from marketplace.kernel import hooks

TOUCH_EVERY = timedelta(minutes=1)
RESIDENT_IDLE, RESIDENT_LONGEST = timedelta(days=14), timedelta(days=30)
STAFF_IDLE, STAFF_LONGEST = timedelta(minutes=30), timedelta(hours=12)


def may_act(person: Person | None) -> bool:
    """Only someone whose address is confirmed, and who is not suspended, may book, post or make anything."""
    return person is not None and person.is_confirmed and not person.is_suspended


def expect_not_suspended(person: Person) -> None:
    """Go on unless the person is suspended. Raises Suspended, which says until when and why."""
    if person.is_suspended:
        reasons = [str(reason) for reason in hooks.barred.ask(person)]
        raise errors.Suspended(until=person.suspended_until, reason=" ".join(reasons))


def expect_may_act(person: Person) -> None:
    """Go on only if the person may book, post or make anything. Raises Suspended or NotConfirmed."""
    expect_not_suspended(person)
    if not may_act(person):
        raise errors.NotConfirmed


def may_look_after_people(person: Person | None) -> bool:
    """Only an administrator sees people's accounts, verifies residents and takes roles away."""
    return person is not None and person.is_a(Role.ADMINISTRATOR)


def may_grant(person: Person | None, to: Person) -> bool:
    """An administrator gives roles to others, never to themselves."""
    return person is not None and may_look_after_people(person) and person.id != to.id


def may_verify(person: Person | None, resident: Person) -> bool:
    """An administrator makes sure of others' residency, never of their own."""
    return may_grant(person, resident)


def is_alive(session: PersonSession, now: datetime) -> bool:
    """Whether the sign-in still lasts: staff are signed out sooner than residents."""
    staff = session.person.is_staff
    idle, longest = (STAFF_IDLE, STAFF_LONGEST) if staff else (RESIDENT_IDLE, RESIDENT_LONGEST)
    return now - session.seen_at < idle and now - session.created_at < longest
