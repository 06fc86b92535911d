"""Who may do what with accounts, and how long a sign-in lasts."""

from datetime import datetime, timedelta

from marketplace.civic.accounts.models import Person, PersonSession, Role

TOUCH_EVERY = timedelta(minutes=1)
RESIDENT_IDLE, RESIDENT_LONGEST = timedelta(days=14), timedelta(days=30)
STAFF_IDLE, STAFF_LONGEST = timedelta(minutes=30), timedelta(hours=12)


def may_act(person: Person | None) -> bool:
    """Only someone whose address is confirmed may book, post or make anything."""
    return person is not None and person.is_confirmed


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
