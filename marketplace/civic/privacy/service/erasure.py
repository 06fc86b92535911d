"""Leaving: asked for, open to a change of mind for a week, then done in one transaction."""

from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications.service import tell
from marketplace.civic.privacy import errors, policy, queries
from marketplace.kernel import audit, clock, db, hooks, jobs, things

LATER = timedelta(days=1)
"""When it is tried again to erase someone whom something new stands in the way of."""


def ask(person: Person, *, understood: bool) -> None:
    """Give up what is agreed for days to come, sign the person out everywhere, and erase them in a week.

    Raises NotUnderstood, or SomethingOpen if others still wait for something.
    """
    if not understood:
        raise errors.NotUnderstood(field="understood")
    if policy.is_leaving(person):
        return
    if open_matters := queries.obstacles(person):
        raise errors.SomethingOpen(what=" ".join(str(one.sentence) for one in open_matters))
    hooks.leaving.ask(person)
    person.erase_at = clock.now() + policy.CHANGE_OF_MIND
    last_day = clock.local(person.erase_at).date()
    tell(person.id, "privacy.leaving", things.of("account", person), day=last_day.isoformat())
    accounts.shut_out(person)
    audit.record(person.id, "privacy.erasure_asked", f"person:{person.id}")
    db.session.flush()


def stay(person: Person) -> None:
    """Keep the account after all; what was given up stays given up."""
    if policy.is_leaving(person):
        person.erase_at = None
        audit.record(person.id, "privacy.erasure_stopped", f"person:{person.id}")


def queue_due() -> None:
    """Have everyone erased whose week is over, each in a job of their own."""
    for person_id in queries.due_to_be_erased():
        jobs.enqueue("privacy.erase", person_id=person_id)


def erase_now(person_ids: Collection[int]) -> int:
    """Have people erased without a week's wait, because they were erased before; says how many are here again."""
    again = sa.update(Person).where(Person.id.in_(person_ids), Person.erased_at.is_(None)).returning(Person.id)
    back = list(db.session.scalars(again.values(erase_at=clock.now())))
    for person_id in back:
        jobs.enqueue("privacy.erase", person_id=person_id)
    return len(back)


def erase(person_id: int) -> None:
    """Erase a person, unless they changed their mind; if something new stands in the way, try again tomorrow."""
    person = queries.person(person_id)
    if person is None or person.erase_at is None or person.erase_at > clock.now():
        return
    if queries.obstacles(person):
        person.erase_at = clock.now() + LATER
        return
    hooks.erasing.tell_from_above(person)
    accounts.make_nameless(person)
    audit.record(None, "privacy.erased", f"person:{person_id}")
