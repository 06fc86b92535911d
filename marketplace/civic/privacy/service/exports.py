"""Copies of one's data: asked for, made by the worker, kept for a week."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from tempfile import TemporaryFile

import sqlalchemy as sa
from sqlalchemy.orm import Session

from marketplace.civic.accounts.models import Person
from marketplace.civic.privacy import errors, policy, queries
from marketplace.civic.privacy.models import DataExport, ExportState
from marketplace.civic.privacy.service.archive import Archive, Part
from marketplace.kernel import audit, clock, db, hooks, jobs, storage

GIVEN_UP = timedelta(days=1)
"""After so long a copy that is still not made will not be."""

ROWS_KEPT = timedelta(days=90)


def file_of(key: str) -> str:
    """What a copy is called in the storage."""
    return f"exports/{key}.zip"


def ask(person: Person) -> DataExport:
    """Have a copy made of all that is held about a person. Raises CopyUnderway or OneCopyADay."""
    wanted = DataExport(
        person_id=person.id, asked_on=clock.today(), asked_at=clock.now(), key=secrets.token_hex(32)
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(wanted)
            db.session.flush()
    except sa.exc.IntegrityError as clash:
        before = queries.latest_export(person)
        underway = before is not None and before.state in (ExportState.WAITING, ExportState.MAKING)
        raise (errors.CopyUnderway if underway else errors.OneCopyADay) from clash
    audit.record(person.id, "privacy.copy_asked", f"person:{person.id}")
    jobs.enqueue("privacy.make_copy", export_id=wanted.id)
    return wanted


def make(wanted: DataExport, person: Person, readme: Callable[[list[Part]], str]) -> None:
    """Write the file of a copy and have it announced; made again, it takes the place of what was begun."""
    with db.separate() as own:
        _mark(own, wanted, ExportState.MAKING)
    with TemporaryFile() as file:
        with Archive(file) as archive:
            for answer in hooks.personal_data.each(person):
                for extract in answer if isinstance(answer, list) else [answer]:
                    archive.add(extract)
            archive.finish(readme(archive.parts))
        size = file.tell()
        file.seek(0)
        storage.store().put(file_of(wanted.key), file)
    payload = {"export_id": wanted.id, "key": wanted.key, "size": size}
    with db.separate() as own:
        own.add(jobs.Job(name="privacy.copy_made", payload=payload, run_at=clock.now()))


def _mark(own: Session, wanted: DataExport, state: ExportState) -> None:
    own.execute(sa.update(DataExport).where(DataExport.id == wanted.id).values(state=state))


def made(export_id: int, key: str, size: int) -> DataExport | None:
    """Put down that a file is there; None if there is nothing to tell, because nobody waits for it any more."""
    wanted = db.session.get(DataExport, export_id)
    if wanted is None or wanted.key != key or wanted.state not in (ExportState.WAITING, ExportState.MAKING):
        if wanted is None or wanted.key != key:
            jobs.enqueue("privacy.discard", key=key)
        return None
    wanted.state, wanted.size = ExportState.READY, size
    wanted.ready_at, wanted.until = clock.now(), clock.now() + policy.COPY_KEPT
    return wanted


def sweep() -> None:
    """Delete copies whose week is over, give up those that were never made, and forget those of long ago."""
    now = clock.now()
    for over in queries.run_out():
        over.state = ExportState.OVER
        jobs.enqueue("privacy.discard", key=over.key)
    unfinished = DataExport.state.in_((ExportState.WAITING, ExportState.MAKING))
    stuck = sa.update(DataExport).where(unfinished, DataExport.asked_at <= now - GIVEN_UP)
    db.session.execute(stuck.values(state=ExportState.FAILED))
    db.session.flush()
    ended = DataExport.state.in_((ExportState.OVER, ExportState.FAILED))
    db.session.execute(sa.delete(DataExport).where(ended, DataExport.asked_at <= now - ROWS_KEPT))


def discard(key: str) -> None:
    """Delete the file of a copy."""
    storage.store().delete(file_of(key))


def erase(person: Person) -> None:
    """Delete every copy of a person's data."""
    for key in list(db.session.scalars(sa.select(DataExport.key).where(DataExport.person_id == person.id))):
        jobs.enqueue("privacy.discard", key=key)
    db.session.execute(sa.delete(DataExport).where(DataExport.person_id == person.id))
