"""Long work on a file that someone sent: kept, carried out by the worker part by part, and how far it has come.

A step carries out one part in the transaction of its job, which also puts down how far it came and queues the next: of
a worker that is killed, the part begun is undone and done anew, those before stay as they are, so each is done once.
A look reads the whole file and changes nothing; if its worker is killed it begins again.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock, db, jobs, storage
from marketplace.kernel.errors import Conflict, DomainError
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import Text, _l

KEPT = timedelta(days=30)
"""How long one may read what became of it."""

GIVEN_UP = timedelta(days=1)
"""After so long without a step there will be none."""

_UNFINISHED = sa.text("ended_at IS NULL")
Step = Callable[["LongWork", bytes], None]
Look = Callable[["LongWork", bytes], dict[str, Any]]


class LongWork(db.Base):
    """Work that someone waits for; of one subject there is one at a time."""

    __tablename__ = "long_works"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(60))
    subject: Mapped[str] = mapped_column(sa.String(60), index=True)
    """What it is about, such as library:7."""
    person_id: Mapped[int | None] = mapped_column(index=True)
    key: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """Where the file lies: a name that nobody guesses."""
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    moved_at: Mapped[datetime] = mapped_column(default=clock.now)
    done: Mapped[int] = mapped_column(default=0)
    whole: Mapped[int]
    told: Mapped[dict[str, Any]]
    """What the feature needs to go on, and tells in the end."""
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    failure: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))

    __table_args__ = (
        sa.CheckConstraint("done >= 0 AND done <= whole", name="part_of_whole"),
        sa.CheckConstraint("failure IS NULL OR ended_at IS NOT NULL", name="failed_and_over"),
        sa.Index(
            "uq_long_works_unfinished", "subject", unique=True, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED
        ),
    )

    @property
    def refusal(self) -> Text | None:
        """Why it could not be finished."""
        return read_text(self.failure) if self.failure else None


class GoesOn(Conflict):
    """Two at once would come into each other's way."""

    message = _l("Another file is being taken in. Wait until that is done.")


NEVER_DONE = _l("This could not be finished. Send the file again; what was taken in already stays as it is.")


@dataclass(frozen=True, slots=True)
class _Kinds:
    """What carries out the work of each name."""

    steps: dict[str, Step] = field(default_factory=dict)
    looks: dict[str, Look] = field(default_factory=dict)


_kinds = _Kinds()


def step(name: str) -> Callable[[Step], Step]:
    """Make a function carry out the next part of work of this name: it changes `done` and `told`."""

    def register(carry_out: Step) -> Step:
        _kinds.steps[name] = carry_out
        return carry_out

    return register


def look(name: str) -> Callable[[Look], Look]:
    """Make a function read through all of a file for work of this name: it calls `come_to`, and gives what to tell."""

    def register(carry_out: Look) -> Look:
        _kinds.looks[name] = carry_out
        return carry_out

    return register


def begin(name: str, subject: str, person_id: int, file: BinaryIO, whole: int, **told: Any) -> LongWork:
    """Keep a file and have it worked on. Raises GoesOn, or LookupError if no work has this name."""
    if name not in _kinds.steps and name not in _kinds.looks:
        raise LookupError(f"there is no work {name}")
    work = LongWork(
        name=name, subject=subject, person_id=person_id, key=secrets.token_hex(32), whole=whole, told=told
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(work)
            db.session.flush()
    except sa.exc.IntegrityError as clash:
        raise GoesOn from clash
    storage.store().put(_file_of(work.key), file)
    jobs.enqueue("progress.look" if name in _kinds.looks else "progress.step", work_id=work.id)
    return work


def of_subject(subject: str, limit: int = 5) -> list[LongWork]:
    """The last work about something, the latest first."""
    query = sa.select(LongWork).where(LongWork.subject == subject).order_by(LongWork.id.desc())
    return list(db.session.scalars(query.limit(limit)))


def get(work_id: int, subject: str) -> LongWork | None:
    """Work about something; None if there is none of this number about it."""
    return db.session.scalar(sa.select(LongWork).where(LongWork.id == work_id, LongWork.subject == subject))


def _file_of(key: str) -> str:
    return f"long/{key}"


def _data(work: LongWork) -> bytes:
    with storage.store().open(_file_of(work.key)) as file:
        return file.read()


# --- carrying out ---


@jobs.task("progress.step")
def _step(work_id: int) -> None:
    work = _unfinished(work_id)
    if work is None:
        return
    try:
        with db.session.begin_nested():
            _kinds.steps[work.name](work, _data(work))
    except DomainError as refusal:
        db.session.refresh(work)
        work.failure = written_text(refusal.sentence)
    work.moved_at = clock.now()
    if work.failure or work.done >= work.whole:
        _end(work)
    else:
        jobs.enqueue("progress.step", work_id=work.id)


@jobs.task("progress.look", outside=True, lease=timedelta(minutes=30), attempts=3)
def _look(work_id: int) -> None:
    work = db.session.get(LongWork, work_id)
    if work is None or work.ended_at is not None:
        return
    told, failure = work.told, None
    try:
        told = _kinds.looks[work.name](work, _data(work))
    except DomainError as refusal:
        failure = written_text(refusal.sentence)
    with db.separate() as own:
        found = own.get(LongWork, work_id, with_for_update=True)
        if found is not None and found.ended_at is None:
            found.told, found.failure = told, failure
            found.done = found.done if failure else found.whole
            found.moved_at = found.ended_at = clock.now()
            own.add(_discarding(found))


def come_to(work: LongWork, done: int) -> None:
    """Put down at once how far a look has come."""
    with db.separate() as own:
        own.execute(sa.update(LongWork).where(LongWork.id == work.id).values(done=done, moved_at=clock.now()))


def _unfinished(work_id: int) -> LongWork | None:
    query = sa.select(LongWork).where(LongWork.id == work_id, LongWork.ended_at.is_(None)).with_for_update()
    return db.session.scalar(query)


def _end(work: LongWork) -> None:
    work.ended_at = clock.now()
    db.session.add(_discarding(work))
    db.session.flush()


def _discarding(work: LongWork) -> jobs.Job:
    return jobs.Job(name="progress.discard", payload={"key": work.key}, run_at=clock.now())


@jobs.task("progress.discard", outside=True)
def _discard(key: str) -> None:
    storage.store().delete(_file_of(key))


# --- clearing away ---


@jobs.timed("progress.sweep", every=timedelta(hours=1))
def sweep() -> None:
    """Give up what has not moved for long, and forget what is long over."""
    stuck = sa.select(LongWork).where(LongWork.ended_at.is_(None), LongWork.moved_at <= clock.now() - GIVEN_UP)
    for work in db.session.scalars(stuck.with_for_update(skip_locked=True)):
        work.failure = written_text(NEVER_DONE)
        _end(work)
    db.session.execute(sa.delete(LongWork).where(LongWork.ended_at <= clock.now() - KEPT))
    _clear_files()


def _clear_files() -> None:
    """Delete files of requests that came to nothing."""
    going_on = {_file_of(key) for key in db.session.scalars(sa.select(LongWork.key).where(LongWork.ended_at.is_(None)))}
    for name, written_at in list(storage.store().written("long/")):
        if written_at <= clock.now() - GIVEN_UP and name.removesuffix(".part") not in going_on:
            storage.store().delete(name)


def forget(person: Any) -> None:
    """Keep what was taken in for the city, and not who sent it."""
    db.session.execute(sa.update(LongWork).where(LongWork.person_id == person.id).values(person_id=None))


def own_data(person: Any) -> Extract:
    """What a person sent, and how far it came."""
    columns = (LongWork.name, LongWork.subject, LongWork.asked_at, LongWork.done, LongWork.whole, LongWork.ended_at)
    query = sa.select(*columns).where(LongWork.person_id == person.id).order_by(LongWork.id)
    return extract("long_works", _l("Files that you sent to be taken in"), query)


# --- sentences that are kept ---


def written_text(text: Text) -> dict[str, Any]:
    """A sentence to be kept, in no language yet."""
    return {"message": text.message, "parts": {name: _plain(part) for name, part in text.parts}}


def read_text(kept: dict[str, Any]) -> Text:
    """A sentence that was kept, for the language of whoever reads it."""
    parts = ((name, read_text(part) if isinstance(part, dict) else part) for name, part in kept["parts"].items())
    return Text(kept["message"], tuple(parts))


def _plain(part: object) -> object:
    if isinstance(part, Text):
        return written_text(part)
    return part if isinstance(part, int | float) else str(part)
