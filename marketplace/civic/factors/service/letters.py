"""What is told and put on record whenever a second factor changes, or someone seems to try to get past it."""

from contextlib import suppress
from datetime import timedelta

from marketplace.civic.accounts.models import Person
from marketplace.kernel import audit, db, jobs, limits
from marketplace.kernel.errors import TooMany

WARNED_AT, DAY = 3, timedelta(days=1)
"""At so many wrong second steps in a day a letter warns."""


def tell(person: Person, what: str, **facts: object) -> None:
    """Write to the person what they did; `what` names the letter, templates/letters/factors/<what>.txt.

    It goes on record without the facts: the record is never erased, what someone calls their passkey is.
    """
    audit.record(person.id, f"factors.{what}", f"person:{person.id}")
    _write(person.id, what, **facts)


def tell_done_by(actor_id: int | None, person: Person, what: str, **facts: object) -> None:
    """Put on record what someone, or the command line, did to the person's second factors, and write to them."""
    audit.record(actor_id, f"factors.{what}", f"person:{person.id}", **facts)
    _write(person.id, what, **facts)


def warn_of_wrong_steps(person_id: int) -> None:
    """Count a wrong second step; the third of a day is on record and told, for whoever took it came half way."""
    with suppress(TooMany):
        if limits.spend(db.session(), f"wrong second step:{person_id}", WARNED_AT, DAY) == WARNED_AT:
            audit.record(None, "factors.wrong_steps", f"person:{person_id}")
            _write(person_id, "wrong_steps")


def warn_of_copy(person_id: int, passkey_id: int, name: str) -> None:
    """Put on record that a passkey seems to exist twice, and write so to its owner, once a day."""
    audit.record(None, "factors.passkey_copied", f"person:{person_id}", passkey_id=passkey_id)
    with suppress(TooMany):
        limits.spend(db.session(), f"copied passkey:{passkey_id}", 1, DAY)
        _write(person_id, "passkey_copied", passkey=name)


def _write(person_id: int, what: str, **facts: object) -> None:
    jobs.enqueue("factors.letter", person_id=person_id, letter=what, facts=facts)
