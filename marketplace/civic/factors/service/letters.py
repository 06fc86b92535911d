"""What is told and put on record whenever a second factor changes."""

from marketplace.civic.accounts.models import Person
from marketplace.kernel import audit, jobs


def tell(person: Person, what: str, *, by: Person | None = None, **facts: object) -> None:
    """Put it on record and write to the person; `what` names the letter, templates/letters/factors/<what>.txt."""
    audit.record((by or person).id, f"factors.{what}", f"person:{person.id}", **facts)
    jobs.enqueue("factors.letter", person_id=person.id, letter=what, facts=facts)
