"""Telling applicants what became of their application, and putting acts on record."""

from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications import service as notifications
from marketplace.kernel import audit, clock, db, things
from marketplace.sharing.homeshare.models.applications import Application, Side
from marketplace.sharing.homeshare.models.matches import Match


def subject(application: Application) -> str:
    """What its pictures are attached to, and the record keeps."""
    return things.subject("homeshare", application.id)


def tell(application: Application, news: str, **facts: object) -> None:
    """Tell whoever applied."""
    db.session.flush()
    notifications.tell(application.person_id, f"homeshare.{news}", things.of("homeshare", application), **facts)


def record(person: Person | None, application: Application, what: str, **detail: int | str) -> None:
    """Put it on record, without what anyone wrote."""
    audit.record(person.id if person else None, f"homeshare.{what}", subject(application), **detail)


def touch(application: Application) -> None:
    """Somebody did something about it."""
    application.touched_at = clock.now()


# --- matches ---


def tell_side(match: Match, side: Side, news: str, **facts: object) -> None:
    """Tell one side of a match."""
    db.session.flush()
    person_id = match.of(side).person_id
    notifications.tell(person_id, f"homeshare.{news}", things.of("homeshare_match", match), **facts)


def tell_both(match: Match, news: str, **facts: object) -> None:
    """Tell both sides of a match."""
    for side in Side:
        tell_side(match, side, news, **facts)


def record_match(person: Person | None, match: Match, what: str, **detail: int | str) -> None:
    """Put it on record, without what anyone wrote."""
    audit.record(person.id if person else None, f"homeshare.match_{what}", f"homeshare_match:{match.id}", **detail)
