"""What is told and put on record whenever a second factor changes."""

from marketplace.civic.accounts.models import Person
from marketplace.kernel import audit, jobs


def tell(person: Person, what: str, **facts: object) -> None:
    """Write to the person what they did; `what` names the letter, templates/letters/factors/<what>.txt.

    It goes on record without the facts: the record is never erased, what someone calls their passkey is.
    """
    audit.record(person.id, f"factors.{what}", f"person:{person.id}")
    _write(person, what, facts)


def tell_done_by(actor_id: int | None, person: Person, what: str, **facts: object) -> None:
    """Put on record what someone, or the command line, did to the person's second factors, and write to them."""
    audit.record(actor_id, f"factors.{what}", f"person:{person.id}", **facts)
    _write(person, what, facts)


def _write(person: Person, what: str, facts: dict[str, object]) -> None:
    jobs.enqueue("factors.letter", person_id=person.id, letter=what, facts=facts)
