"""Concerns for people's safety, for the officers who need to know."""

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.accounts.models import Person
from marketplace.civic.moderation.models import Concern, ConcernNote
from marketplace.kernel import db, vault
from marketplace.kernel.errors import NotFound


def place(row: Concern | ConcernNote, field: str) -> str:
    """Where a locked text belongs: it opens nowhere else."""
    return f"{row.__tablename__}.{field}:{row.id}"


def note(concern: Concern) -> str:
    """What the reporter wrote."""
    return vault.unlock(concern.note_locked, place(concern, "note"))


def said(concern: Concern) -> str:
    """What the thing said when it was reported."""
    return vault.unlock(concern.said_locked, place(concern, "said"))


def text(entry: ConcernNote) -> str:
    """What an officer wrote."""
    return vault.unlock(entry.text_locked, place(entry, "text"))


def get_concern(reference: str) -> Concern:
    """A concern by its reference. Raises NotFound."""
    whole = sa.select(Concern).where(Concern.reference == reference.upper())
    found = db.session.scalar(
        whole.options(
            joinedload(Concern.officer),
            joinedload(Concern.reporter),
            joinedload(Concern.about),
            selectinload(Concern.notes).joinedload(ConcernNote.by),
        )
    )
    if found is None:
        raise NotFound
    return found


def concerns(officer: Person, *, closed: bool) -> sa.Select[Concern]:
    """Open concerns by when they are due, or closed ones, the latest first; none that the officer has a part in."""
    query = sa.select(Concern).options(joinedload(Concern.officer)).where(_of_others(officer))
    if closed:
        return query.where(Concern.closed_at.is_not(None)).order_by(Concern.closed_at.desc(), Concern.id)
    return query.where(Concern.closed_at.is_(None)).order_by(Concern.due_at, Concern.id)


def _of_others(officer: Person) -> sa.ColumnElement[bool]:
    """Concerns that the officer has no part in."""
    return sa.and_(Concern.about_id.is_distinct_from(officer.id), Concern.reporter_id.is_distinct_from(officer.id))


def others_about(officer: Person, concern: Concern) -> list[Concern]:
    """Other concerns about the same thing or person, the latest first; none that the officer has a part in."""
    same = [Concern.subject == concern.subject]
    if concern.about_id is not None:
        same.append(Concern.about_id == concern.about_id)
    others = sa.select(Concern).where(sa.or_(*same), Concern.id != concern.id, _of_others(officer))
    return list(db.session.scalars(others.order_by(Concern.id.desc()).limit(20)))


def raised_by(person_id: int, subject: str) -> Concern | None:
    """What the person raised about the thing, if anything."""
    return db.session.scalar(sa.select(Concern).where(Concern.reporter_id == person_id, Concern.subject == subject))
