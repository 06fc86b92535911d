"""Work done after the answer: a table of jobs, the workers that carry them out, and jobs that come round by the clock.

A job is a row written in the transaction that asks for it, and deleted in the transaction of its own effects: it is
neither lost nor, for what it does to the database, done twice. A worker holds a job by a lease; if it dies, the lease
runs out and another worker takes the job up.
"""

import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock, db, hooks

log = structlog.get_logger()

ATTEMPTS = 8
DEAD_KEPT = timedelta(days=90)
LEASE = timedelta(seconds=60)
FIRST_WAIT = 15
LONGEST_WAIT = 6 * 60 * 60

MANY = 20
"""More jobs than these, queued together, let others pass: a letter to the whole city holds up nobody's password."""

Handler = TypeVar("Handler", bound=Callable[..., object])
Surroundings = Callable[[], AbstractContextManager[Any]]


class Job(db.Base):
    """Something still to be done, or given up on (dead)."""

    __tablename__ = "jobs"
    __table_args__ = (
        sa.Index(
            "ix_jobs_due",
            "bulk",
            "run_at",
            "id",
            sqlite_where=sa.text("dead_at IS NULL"),
            postgresql_where=sa.text("dead_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    payload: Mapped[dict[str, Any]]
    run_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None] = mapped_column(sa.String(100))
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    dead_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    bulk: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    """Whether it is one of many alike, which give way to all else that is due."""


class TimedJob(db.Base):
    """The last slot of time for which a timed job was queued."""

    __tablename__ = "timed_jobs"

    name: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    last_slot: Mapped[int] = mapped_column(sa.BigInteger)


class LeaseLost(Exception):
    """Another worker took the job over; what this one did to the database is undone."""


class WorkerLost(Exception):
    """The last worker allowed to try the job never came back."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a job of one name does."""

    handler: Callable[..., object]
    attempts: int = ATTEMPTS
    lease: timedelta = LEASE
    outside: bool = False

    @property
    def slow(self) -> bool:
        """Whether it may take longer than most: its jobs wait for a worker that has the time."""
        return self.lease > LEASE


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a timed job comes round."""

    every: timedelta
    after: timedelta

    def slot(self, moment: datetime) -> int:
        """The number of the slot a moment falls into; slots of whole days begin by the city's wall clocks."""
        if self.every % timedelta(days=1):
            return int((moment.timestamp() - self.after.total_seconds()) // self.every.total_seconds())
        return (clock.local(moment) - self.after).toordinal() // self.every.days


@dataclass(frozen=True, slots=True)
class Figures:
    """How the queue stands; `oldest` is since when the longest waiting job could have run."""

    waiting: int
    running: int
    dead: int
    oldest: datetime | None


_tasks: dict[str, Task] = {}
_rhythms: dict[str, Rhythm] = {}
_surroundings: Surroundings = nullcontext

present: ContextVar[str | None] = ContextVar("present", default=None)
"""Which job is being carried out, by a name that no other job gets: the same at every attempt."""


def task(
    name: str, *, attempts: int = ATTEMPTS, lease: timedelta = LEASE, outside: bool = False
) -> Callable[[Handler], Handler]:
    """Make a function the handler of jobs of this name; it takes their payload as keywords.

    The handler runs in the transaction that also deletes the job. One that acts on the outside world (sends a letter)
    says `outside=True`: it only reads, in a transaction nobody has to wait for, and the job is deleted afterwards;
    if the worker dies in between, the letter is sent twice rather than never. `lease` must be longer than it may take;
    a task with a longer one than usual is slow.
    """

    def register(handler: Handler) -> Handler:
        _tasks[name] = Task(handler, attempts, lease, outside)
        return handler

    return register


def timed(
    name: str, *, every: timedelta, after: timedelta = timedelta(0), attempts: int = ATTEMPTS
) -> Callable[[Handler], Handler]:
    """Make a function without arguments a job that comes round: once a slot, however many workers there are.

    `after` moves the slots: every day after three hours is 03:00 in the city.
    """

    def register(handler: Handler) -> Handler:
        _rhythms[name] = Rhythm(every, after)
        return task(name, attempts=attempts)(handler)

    return register


def set_surroundings(surroundings: Surroundings) -> None:
    """Run every handler within this context manager, made anew for each job."""
    global _surroundings
    _surroundings = surroundings


def names() -> list[str]:
    """The names of all tasks, in order."""
    return sorted(_tasks)


def timed_names() -> list[str]:
    """The names of the tasks that come round by the clock, in order."""
    return sorted(_rhythms)


def enqueue(name: str, /, *, run_at: datetime | None = None, **payload: Any) -> None:
    """Have a job done once the present transaction is committed, or later, at `run_at`.

    Raises LookupError if no task has this name. The payload must be JSON; give keys of records, not personal data.
    """
    if name not in _tasks:
        raise LookupError(f"there is no task {name}")
    db.session.add(Job(name=name, payload=payload, run_at=run_at or clock.now()))


def enqueue_many(name: str, payloads: Sequence[dict[str, Any]], *, run_at: datetime | None = None) -> None:
    """Have a job of this name done for each payload, in one statement however many there are.

    Many of them give way to whatever else is due.
    """
    if name not in _tasks:
        raise LookupError(f"there is no task {name}")
    if not payloads:
        return
    now, each = clock.now(), db.rows_of(payloads)
    common = {"name": name, "run_at": run_at or now, "attempts": 0, "created_at": now, "bulk": len(payloads) > MANY}
    columns = [sa.literal(value, Job.__table__.c[column].type) for column, value in common.items()]
    rows = sa.select(each.c.value, *columns).select_from(each)
    db.session.execute(sa.insert(Job.__table__).from_select(["payload", *common], rows))  # type: ignore[arg-type]


# --- carrying out ---


def _next_due(now: datetime, *, quick: bool = False) -> sa.Select[Job]:
    free = sa.or_(Job.lease_until.is_(None), Job.lease_until <= now)
    due = sa.select(Job).where(Job.dead_at.is_(None), Job.run_at <= now, free)
    if quick:
        due = due.where(Job.name.not_in([name for name in names() if _tasks[name].slow]))
    return due.order_by(Job.bulk, Job.run_at, Job.id).limit(1).with_for_update(skip_locked=True)


def _claim(worker: str, *, quick: bool = False) -> Job | None:
    """Take the next due job for this worker: committed before the job is begun."""
    now = clock.now()
    with db.transaction() as session:
        job = session.scalars(_next_due(now, quick=quick)).first()
        if job:
            job.attempts += 1
            job.worker = worker
            job.lease_until = now + _task_of(job).lease
        return job


def _no_such_task(**_payload: object) -> None:
    raise LookupError("this version of the program has no such task")


def _task_of(job: Job) -> Task:
    return _tasks.get(job.name) or Task(_no_such_task)


def _held(job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return Job.id == job.id, Job.worker == job.worker, Job.lease_until == job.lease_until


def _finish(job: Job) -> None:
    if not db.changed(sa.delete(Job).where(*_held(job)), synchronize_session=False):
        raise LeaseLost


def _perform(job: Job, task: Task) -> None:
    if job.attempts > task.attempts:
        raise WorkerLost
    with _surroundings(), _as_present(job):
        if task.outside:
            with db.transaction(read_only=True):
                task.handler(**job.payload)
        with db.transaction():
            _finish(job)  # first: the row stays locked, so that a lease running out meanwhile does no harm
            if not task.outside:
                task.handler(**job.payload)


@contextmanager
def _as_present(job: Job) -> Iterator[None]:
    token = present.set(f"{job.id} {job.created_at.isoformat()}")  # SQLite gives ids again
    try:
        yield
    finally:
        present.reset(token)


def wait_after(job_id: int, attempts: int) -> timedelta:
    """How long to leave a job alone after so many failures: three times longer each time, spread by a quarter."""
    longest = min(FIRST_WAIT * 3 ** (attempts - 1), LONGEST_WAIT)
    spread = zlib.crc32(f"{job_id}:{attempts}".encode()) % 1000 / 1000
    return timedelta(seconds=longest * (0.75 + spread / 2))


def _put_off(job: Job, task: Task, failure: Exception) -> None:
    """Let go of a job that failed, to be tried again later or, after the last attempt, never."""
    now = clock.now()
    dead = job.attempts >= task.attempts
    again = {"dead_at": now} if dead else {"run_at": now + wait_after(job.id, job.attempts)}
    error = f"{type(failure).__name__}: {failure}"[:1000].replace("\0", "")
    letting_go = sa.update(Job).where(*_held(job)).values(worker=None, lease_until=None, last_error=error, **again)
    with db.transaction() as session:
        session.execute(letting_go, execution_options={"synchronize_session": False})
    kind, place = type(failure).__name__, _place(failure)  # not the message, which may hold personal data
    log.error("job_failed", job=job.id, task=job.name, attempt=job.attempts, dead=dead, error=kind, place=place)


def _place(failure: Exception) -> str:
    frames = traceback.extract_tb(failure.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""


def run_one(worker: str, *, quick: bool = False) -> Task | None:
    """Take the next due job, or the next that is not slow, and try it; says its task, None if none is due."""
    job = _claim(worker, quick=quick)
    if job is None:
        return None
    task = _task_of(job)
    try:
        _perform(job, task)
    except LeaseLost:
        log.warning("job_taken_over", job=job.id, task=job.name, attempt=job.attempts)
    except Exception as failure:  # noqa: BLE001 - whatever it was, the worker goes on
        _put_off(job, task, failure)
    else:
        log.info("job_done", job=job.id, task=job.name, attempt=job.attempts)
    return task


_TAKE_SLOT = sa.text(
    "INSERT INTO timed_jobs (name, last_slot) VALUES (:name, :slot)"
    " ON CONFLICT (name) DO UPDATE SET last_slot = excluded.last_slot WHERE timed_jobs.last_slot < excluded.last_slot"
    " RETURNING name"
)


def queue_timed(seen: dict[str, int]) -> None:
    """Queue the timed jobs whose slot has begun, unless another worker did; `seen` spares asking twice for a slot."""
    now = clock.now()
    for name, rhythm in _rhythms.items():
        slot = rhythm.slot(now)
        if seen.get(name) == slot:
            continue
        with db.transaction() as session:
            if session.execute(_TAKE_SLOT, {"name": name, "slot": slot}).first():
                enqueue(name)
        seen[name] = slot


def work(stop: Callable[[], bool], worker: str, idle: float = 0.5, *, quick: bool = False) -> None:
    """Carry out jobs until told to stop; a job begun is finished first. Each worker needs a name of its own.

    A quick one leaves slow jobs to others, so that no letter has to wait behind a video.
    """
    seen: dict[str, int] = {}
    while not stop():
        begun = time.monotonic()
        try:
            queue_timed(seen)
            done = run_one(worker, quick=quick)
        except sa.exc.DBAPIError as failure:  # the database is away: it will come back, and leases run out
            log.error("database_away", error=type(failure).__name__)
            done = None
        if not done:
            hooks.idle.ask()
            time.sleep(idle)
        elif db.is_sqlite() and not done.outside:
            _give_way(time.monotonic() - begun)
    hooks.idle.ask()


def _give_way(took: float) -> None:
    """Leave the one write lock of SQLite free for as long as a job may have held it.

    Who waits for the lock only looks now and then whether it is free; job upon job would keep a booking waiting. A job
    that acts outside holds it for moments only.
    """
    time.sleep(min(took, 0.1))


def run_pending(limit: int = 1000, *, quick: bool = False) -> int:
    """Carry out here and now what is due, at most so many jobs; commits what the caller has written so far."""
    with _set_aside():
        done = 0
        while done < limit and run_one("inline", quick=quick):
            done += 1
    hooks.idle.ask()
    return done


@contextmanager
def _set_aside() -> Iterator[None]:
    """Commit the caller's session and put it aside, so that jobs find a clean one."""
    sessions = db.session.registry
    if not sessions.has():
        yield
        return
    own = db.session()
    own.commit()
    sessions.clear()
    try:
        yield
    finally:
        sessions.set(own)
        own.expire_all()


# --- looking after the queue ---


def dead() -> list[Job]:
    """The jobs given up on, oldest first."""
    return list(db.session.scalars(sa.select(Job).where(Job.dead_at.is_not(None)).order_by(Job.dead_at, Job.id)))


def requeue(job_id: int | None = None) -> int:
    """Give a dead job, or all of them, every attempt anew; says how many there were."""
    chosen = sa.update(Job).where(Job.dead_at.is_not(None))
    if job_id is not None:
        chosen = chosen.where(Job.id == job_id)
    return db.changed(chosen.values(dead_at=None, attempts=0, run_at=clock.now()))


def forget(**about: sa.Select[int] | list[int]) -> None:
    """Delete the jobs whose payload names one of these records, such as person_id=[7]."""
    for key, numbers in about.items():
        named = db.any_of(Job.payload[key].as_integer(), numbers)
        db.session.execute(sa.delete(Job).where(named), execution_options={"synchronize_session": False})


def forget_errors(text: str) -> None:
    """Take a text, such as an address that a mail server refused, out of what jobs failed with."""
    held = sa.update(Job).where(Job.last_error.contains(text, autoescape=True)).values(last_error=None)
    db.session.execute(held, execution_options={"synchronize_session": False})


def figures() -> Figures:
    """How many jobs wait, run and are dead."""
    now = clock.now()
    alive, running = Job.dead_at.is_(None), Job.lease_until > now
    waiting = sa.and_(alive, sa.or_(Job.lease_until.is_(None), Job.lease_until <= now))
    row = db.session.execute(
        sa.select(
            sa.func.count().filter(waiting),
            sa.func.count().filter(alive, running),
            sa.func.count().filter(~alive),
            sa.func.min(Job.run_at).filter(waiting, Job.run_at <= now),
        ).select_from(Job)
    ).one()
    return Figures(*row)


@timed("jobs.sweep", every=timedelta(days=1), after=timedelta(hours=3))
def sweep() -> None:
    """Delete what failed for good and nobody has tried again for long."""
    db.session.execute(sa.delete(Job).where(Job.dead_at < clock.now() - DEAD_KEPT))
