"""Receiving files, attaching them to what they belong to, and deleting them."""

import secrets
from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import BinaryIO, TypeVar

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_not_suspended, may_act
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.uploads import errors, queries
from marketplace.civic.uploads.models import KINDS, Kind, State, Upload, UploadDay
from marketplace.civic.uploads.service import magic, recording
from marketplace.kernel import clock, db, jobs, storage, things
from marketplace.kernel.errors import DomainError
from marketplace.kernel.files import Arriving, Files, Received
from marketplace.kernel.writing import show_list

Item = TypeVar("Item")

MEGABYTE = 1024 * 1024
MOST_MEGABYTES = {Kind.PICTURE: 20, Kind.DOCUMENT: 20, Kind.RECORDING: 50}
MOST_FILES_A_DAY, MOST_BYTES_A_DAY = 100, 500 * MEGABYTE
KEPT_UNATTACHED = timedelta(hours=24)
EVERY_KIND = frozenset(Kind)


# --- receiving ---


def receive(person: Person, stream: BinaryIO, filename: str, kinds: Collection[str] = EVERY_KIND) -> Upload:
    """Take in a file, whose stream must be one that can be read again; a job then makes what is shown of it.

    Raises UnknownKind, EmptyFile, TooLarge, TooManyPixels, Unreadable, DayFull, NoRecordings or AddressNotConfirmed.
    """
    expect_not_suspended(person)
    if not may_act(person):
        raise errors.AddressNotConfirmed
    name = magic.harmless_name(filename)
    kind, size = _checked(stream, name, kinds)
    _spend(person, size)
    upload = Upload(person_id=person.id, key=secrets.token_hex(16), kind=kind, name=name, size=size)
    db.session.add(upload)
    db.session.flush()
    storage.store().put(upload.stored("original"), stream)
    jobs.enqueue("uploads.prepare", upload_id=upload.id)
    return upload


def _checked(stream: BinaryIO, name: str, kinds: Collection[str]) -> tuple[Kind, int]:
    size = magic.size_of(stream)
    if not size:
        raise errors.EmptyFile(name=name)
    kind = magic.kind_of(stream.read(magic.HEAD))
    stream.seek(0)
    if kind is None or kind not in kinds:
        raise errors.UnknownKind(name=name, kinds=show_list(words for kind, words in KINDS.items() if kind in kinds))
    if size > MOST_MEGABYTES[kind] * MEGABYTE:
        raise errors.TooLarge(name=name, most=MOST_MEGABYTES[kind])
    if kind is Kind.PICTURE:
        magic.check_pixels(stream)
    if kind is Kind.RECORDING and not recording.can_be_made():
        raise errors.NoRecordings
    return kind, size


_SPEND = sa.text(
    "INSERT INTO upload_days (person_id, day, files, bytes) VALUES (:person, :day, 1, :size)"
    " ON CONFLICT (person_id, day) DO UPDATE SET files = upload_days.files + 1, bytes = upload_days.bytes + :size"
    " WHERE upload_days.files < :most_files AND upload_days.bytes + :size <= :most_bytes RETURNING files"
).bindparams(sa.bindparam("day", type_=sa.Date))


def _spend(person: Person, size: int) -> None:
    """Count a file against the person's day, in one statement: two at the same instant cannot both be the last."""
    share = {"most_files": MOST_FILES_A_DAY, "most_bytes": MOST_BYTES_A_DAY}
    today = {"person": person.id, "day": clock.today(), "size": size}
    if db.session.execute(_SPEND, {**today, **share}).first() is None:
        raise errors.DayFull


def receive_all(person: Person, field: Files, kept: list[int], arriving: list[Arriving]) -> Received:
    """Take in the files of a form's field beside those received when the form was sent before."""
    received = Received(queries.unattached(person, kept) if kept else [])
    for number, file in enumerate(arriving, len(received.records) + 1):
        if number > field.most:
            received.refusals.append(errors.TooManyFiles(most=field.most).sentence)
            break
        try:
            with db.session.begin_nested():
                received.records.append(receive(person, file.stream, file.name, field.kinds))
        except DomainError as refusal:
            received.refusals.append(refusal.sentence)
    return received


# --- attaching ---


def attach(person: Person, ids: Collection[int], subject: str, *, most: int = 5) -> list[Upload]:
    """Make the person's files part of a thing: whoever may see it sees them, and they last as long as it.

    Raises FileGone if one is not theirs or belongs to something else, its own refusal if one was refused meanwhile,
    TooManyFiles if the thing would have more than `most`.
    """
    if not ids:
        return []
    one_at_a_time(person.id)
    uploads = queries.unattached(person, ids)
    if len(uploads) < len(set(ids)):
        raise errors.FileGone
    if refused := next((upload for upload in uploads if upload.state is State.REFUSED), None):
        raise errors.WasRefused(name=refused.name, reason=refused.problem)
    if len(uploads) + len(queries.of_subjects([subject])[subject]) > most:
        raise errors.TooManyFiles(most=most)
    for upload in uploads:
        upload.subject, upload.loose_since = subject, None
    db.session.flush()
    return uploads


def detach(subject: str, ids: Collection[int] | None = None) -> None:
    """Take a thing's files off it, or these of them; who added them may use them again for a day, then they go."""
    off = sa.update(Upload).where(Upload.subject == subject).values(subject=None, loose_since=clock.now())
    db.session.execute(off if ids is None else off.where(Upload.id.in_(ids)))


# --- deleting ---


def delete_of(subject: str) -> None:
    """Delete a thing's files for good."""
    _delete(queries.of_subjects([subject])[subject])


def remove(person: Person, key: str) -> None:
    """Delete one of the person's own files. Raises NotFound, or StillUsed if it belongs to something."""
    upload = queries.own(person, key)
    if upload.subject is not None:
        raise errors.StillUsed
    _delete([upload])


def erase(person: Person) -> None:
    """Delete everything a person added, and how much it was."""
    _delete(db.session.scalars(queries.of_person(person)).all())
    db.session.execute(sa.delete(UploadDay).where(UploadDay.person_id == person.id))


def _delete(uploads: Iterable[Upload]) -> None:
    """The rows now, the files once that is settled."""
    for part in _parts(uploads):
        names = [upload.stored(made) for upload in part for made in ("original", *upload.shown_as)]
        db.session.execute(sa.delete(Upload).where(Upload.id.in_([upload.id for upload in part])))
        jobs.enqueue("uploads.discard", names=names)


def _parts(items: Iterable[Item], size: int = 500) -> Iterator[list[Item]]:
    """So many at a time."""
    left = iter(items)
    while part := list(islice(left, size)):
        yield part


def discard(names: Iterable[str]) -> None:
    """Delete files from the storage."""
    for name in names:
        storage.store().delete(name)


def sweep() -> None:
    """Delete what was attached to nothing for a day, and count no days but the last."""
    old = clock.now() - KEPT_UNATTACHED
    _delete(db.session.scalars(sa.select(Upload).where(Upload.loose_since < old)).all())
    db.session.execute(sa.delete(UploadDay).where(UploadDay.day < clock.today() - timedelta(days=1)))


def sweep_gone() -> None:
    """Delete the files of things that are gone."""
    known = tuple(f"{kind.name}:" for kind in things.kinds())
    used = db.session.scalars(sa.select(Upload.subject).where(Upload.subject.is_not(None)).distinct()).all()
    for part in _parts(str(subject) for subject in used):
        there = things.find_all(part)
        gone = [subject for subject in part if subject.startswith(known) and subject not in there]
        _delete(db.session.scalars(sa.select(Upload).where(Upload.subject.in_(gone))).all())


def forgotten_files() -> Iterator[str]:
    """Names of files that no row names any more, such as what a refused request left behind; only reads."""
    old = clock.now() - KEPT_UNATTACHED
    names = (name for name, written in storage.store().written("uploads/") if written < old)
    for part in _parts(names):
        keys = {name: name.rpartition("/")[2].split(".")[0] for name in part}
        wanted = queries.wanted(set(keys.values()))
        for name, key in keys.items():
            waits = wanted.get(key) is State.WAITING
            if key not in wanted or name.endswith(".part") or (name.endswith(".original") and not waits):
                yield name
