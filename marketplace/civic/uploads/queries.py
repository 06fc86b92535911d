"""Finding files, and how much a person added."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.uploads.models import State, Upload, UploadDay
from marketplace.kernel import clock, db
from marketplace.kernel.errors import NotFound


class Added(NamedTuple):
    """How much was added today."""

    files: int
    bytes: int


def by_key(key: str) -> Upload:
    """The file of this key. Raises NotFound."""
    if (found := db.session.scalars(sa.select(Upload).where(Upload.key == key)).first()) is None:
        raise NotFound
    return found


def own(person: Person, key: str) -> Upload:
    """The person's file of this key. Raises NotFound."""
    found = by_key(key)
    if found.person_id != person.id:
        raise NotFound
    return found


def unattached(person: Person, ids: Collection[int]) -> list[Upload]:
    """Those of these files that are the person's own and attached to nothing, in the order they came."""
    mine = sa.select(Upload).where(Upload.person_id == person.id, Upload.subject.is_(None), Upload.id.in_(list(ids)))
    return list(db.session.scalars(mine.order_by(Upload.id)))


def of_subjects(subjects: Iterable[str]) -> dict[str, list[Upload]]:
    """The files attached to each of these, in the order they came; one statement."""
    found: dict[str, list[Upload]] = {subject: [] for subject in subjects}
    for upload in db.session.scalars(sa.select(Upload).where(Upload.subject.in_(list(found))).order_by(Upload.id)):
        found[str(upload.subject)].append(upload)
    return found


def of_person(person: Person) -> sa.Select[Upload]:
    """A person's files, newest first."""
    return sa.select(Upload).where(Upload.person_id == person.id).order_by(Upload.id.desc())


def added_today(person: Person) -> Added:
    """How much the person added today."""
    today = sa.select(UploadDay).where(UploadDay.person_id == person.id, UploadDay.day == clock.today())
    row = db.session.scalars(today).first()
    return Added(row.files, row.bytes) if row else Added(0, 0)


def wanted(keys: Collection[str]) -> dict[str, State]:
    """Which of these keys belong to a file, and how far it is."""
    found = db.session.execute(sa.select(Upload.key, Upload.state).where(Upload.key.in_(list(keys))))
    return {row.key: row.state for row in found}
