"""Jobs: nothing lost, nothing done twice, whatever dies in between."""

import multiprocessing
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier, Event

import pytest
import sqlalchemy as sa

from marketplace.kernel import clock, db, jobs
from marketplace.kernel.limits import RateCounter

SPAWN = multiprocessing.get_context("spawn")
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def own_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks registered by a test are gone after it, and only its own timed jobs come round."""
    monkeypatch.setattr(jobs, "_tasks", dict(jobs._tasks))
    monkeypatch.setattr(jobs, "_rhythms", {})


def waiting() -> list[jobs.Job]:
    return list(db.session.scalars(sa.select(jobs.Job).order_by(jobs.Job.id)))


def test_a_job_is_done_with_its_payload_and_leaves_no_row() -> None:
    said = []
    jobs.task("test.say")(lambda word, times: said.append(word * times))

    jobs.enqueue("test.say", word="ha", times=2)

    assert jobs.run_pending() == 1
    assert said == ["haha"]
    assert waiting() == []


def test_a_task_nobody_knows_is_refused_at_once() -> None:
    with pytest.raises(LookupError):
        jobs.enqueue("test.misspelt")


def test_a_job_for_later_waits_for_its_time(monday) -> None:
    jobs.task("test.later")(lambda: None)
    jobs.enqueue("test.later", run_at=clock.now() + timedelta(hours=1))

    assert jobs.run_pending() == 0
    monday(clock.now() + timedelta(hours=1))
    assert jobs.run_pending() == 1


def test_a_job_may_queue_another() -> None:
    said = []
    jobs.task("test.second")(lambda: said.append("second"))
    jobs.task("test.first")(lambda: jobs.enqueue("test.second"))
    jobs.enqueue("test.first")

    assert jobs.run_pending() == 2
    assert said == ["second"]


def test_many_jobs_queued_together_let_others_pass(monday) -> None:
    done: list[str] = []
    jobs.task("test.circular")(lambda number: done.append("circular"))
    jobs.task("test.password")(lambda: done.append("password"))

    jobs.enqueue_many("test.circular", [{"number": n} for n in range(jobs.MANY + 1)])
    monday(clock.now() + timedelta(minutes=1))
    jobs.enqueue("test.password")
    jobs.run_pending()

    assert done == ["password"] + ["circular"] * (jobs.MANY + 1)


def test_a_few_jobs_queued_together_keep_their_turn(monday) -> None:
    done: list[str] = []
    jobs.task("test.circular")(lambda number: done.append("circular"))
    jobs.task("test.password")(lambda: done.append("password"))

    jobs.enqueue_many("test.circular", [{"number": n} for n in range(jobs.MANY)])
    monday(clock.now() + timedelta(minutes=1))
    jobs.enqueue("test.password")
    jobs.run_pending()

    assert done[-1] == "password"


def test_a_failed_job_leaves_no_effect_and_waits_longer_each_time(monday) -> None:
    @jobs.task("test.fail", attempts=4)
    def fail() -> None:
        db.session.add(RateCounter(key="half-done", window_start=clock.now(), count=1))
        db.session.flush()
        raise RuntimeError("the printer is on fire")

    jobs.enqueue("test.fail")
    waits = []
    for attempt in range(1, 4):
        assert jobs.run_pending() == 1
        (job,) = waiting()
        assert job.attempts == attempt
        assert job.last_error == "RuntimeError: the printer is on fire"
        assert (job.worker, job.lease_until) == (None, None)
        waits.append(job.run_at - clock.now())
        monday(job.run_at)

    assert db.session.scalar(sa.select(sa.func.count()).select_from(RateCounter)) == 0
    assert waits[0] < waits[1] < waits[2]
    assert all(wait == jobs.wait_after(job.id, n) for n, wait in enumerate(waits, 1))
    assert timedelta(seconds=11) < waits[0] < timedelta(seconds=19)


def test_no_wait_is_longer_than_the_longest() -> None:
    assert jobs.wait_after(1, 50) <= timedelta(seconds=jobs.LONGEST_WAIT * 1.25)


def test_after_the_last_attempt_a_job_is_dead_until_requeued() -> None:
    patience: list[str] = []

    @jobs.task("test.stubborn", attempts=1)
    def stubborn() -> None:
        if not patience:
            raise RuntimeError

    jobs.enqueue("test.stubborn")
    jobs.run_pending()

    (dead,) = jobs.dead()
    assert jobs.run_pending() == 0
    assert jobs.figures() == jobs.Figures(waiting=0, running=0, dead=1, oldest=None)

    patience.append("now")
    assert jobs.requeue(dead.id + 1) == 0
    assert jobs.requeue(dead.id) == 1
    assert jobs.figures() == jobs.Figures(waiting=1, running=0, dead=0, oldest=clock.now())
    jobs.run_pending()
    assert waiting() == []


def test_all_dead_jobs_are_requeued_together() -> None:
    jobs.task("test.hopeless", attempts=1)(lambda: 1 / 0)
    for _ in range(3):
        jobs.enqueue("test.hopeless")
    jobs.run_pending()

    assert jobs.requeue() == 3


def test_a_job_of_a_task_this_version_does_not_know_is_put_off() -> None:
    db.session.add(jobs.Job(name="test.gone", payload={}, run_at=clock.now()))

    jobs.run_pending()

    (job,) = waiting()
    assert job.dead_at is None
    assert "no such task" in (job.last_error or "")


def test_a_job_whose_worker_vanished_is_taken_up_when_its_lease_is_over(monday) -> None:
    said = []
    jobs.task("test.say")(lambda: said.append("done"))
    jobs.enqueue("test.say")
    with jobs._set_aside():
        assert jobs._claim("vanished")

    assert jobs.run_pending() == 0
    monday(clock.now() + jobs.LEASE)
    assert jobs.run_pending() == 1
    assert said == ["done"]


def test_a_job_that_kills_its_workers_ends_dead(monday) -> None:
    jobs.task("test.deadly", attempts=2)(lambda: pytest.fail("never to be run here"))
    jobs.enqueue("test.deadly")
    for worker in ("first", "second"):
        with jobs._set_aside():
            assert jobs._claim(worker)
        monday(clock.now() + jobs.LEASE)

    jobs.run_pending()

    (dead,) = jobs.dead()
    assert dead.last_error == "WorkerLost: "


@pytest.mark.parametrize("outside", [False, True])
def test_a_worker_whose_job_was_taken_over_leaves_it_alone(monday, outside: bool) -> None:
    done = []
    jobs.task("test.slow", outside=outside)(lambda: done.append(1))
    jobs.enqueue("test.slow")
    with jobs._set_aside():
        slow = jobs._claim("slow")
    assert slow
    monday(clock.now() + jobs.LEASE)
    with jobs._set_aside():
        quick = jobs._claim("quick")
    assert quick

    with jobs._set_aside(), pytest.raises(jobs.LeaseLost):
        jobs._perform(slow, jobs._task_of(slow))

    (job,) = waiting()
    assert (job.worker, job.attempts) == ("quick", 2)
    assert done == ([1] if outside else [])


def test_handlers_run_within_the_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    @contextmanager
    def surroundings() -> Iterator[None]:
        seen.append("in")
        yield
        seen.append("out")

    monkeypatch.setattr(jobs, "_surroundings", surroundings)
    jobs.task("test.say")(lambda: seen.append("job"))
    jobs.enqueue("test.say")
    jobs.run_pending()

    assert seen == ["in", "job", "out"]


def test_records_at_hand_are_fresh_after_running_jobs() -> None:
    counter = RateCounter(key="at hand", window_start=clock.now(), count=1)
    db.session.add(counter)
    jobs.task("test.count")(lambda: db.session.execute(sa.update(RateCounter).values(count=2)))
    jobs.enqueue("test.count")

    jobs.run_pending()
    assert counter.count == 2
    counter.count = 3
    db.session.flush()
    assert db.session.scalar(sa.select(RateCounter.count)) == 3


def test_a_timed_job_is_queued_once_a_slot(monday) -> None:
    rounds = []
    jobs.timed("test.hourly", every=timedelta(hours=1))(lambda: rounds.append(clock.now()))
    start = clock.now()
    for minutes in (0, 10, 59, 60, 61, 300):
        monday(start + timedelta(minutes=minutes))
        for _worker in range(2):
            jobs.queue_timed({})
        jobs.run_pending()

    assert [(at - start) // timedelta(minutes=1) for at in rounds] == [0, 60, 300]


def test_days_of_timed_jobs_begin_by_the_citys_clocks() -> None:
    nightly = jobs.Rhythm(timedelta(days=1), timedelta(hours=3))
    three = datetime(2027, 3, 1, 18, 0, tzinfo=UTC)  # 03:00 on 2 March in Seoul

    assert nightly.slot(three) == nightly.slot(three - SECOND) + 1
    assert nightly.slot(three + timedelta(hours=24) - SECOND) == nightly.slot(three)


@pytest.mark.parametrize("quick", [False, True])
def test_claiming_reads_the_index_of_due_jobs(quick: bool) -> None:
    now = clock.now()
    row = {"name": "test.any", "payload": {}, "attempts": 0, "created_at": now}
    db.session.execute(
        sa.insert(jobs.Job), [{**row, "run_at": now + timedelta(seconds=i), "dead_at": None} for i in range(3000)]
    )
    db.session.execute(sa.text("ANALYZE jobs"))
    query = jobs._next_due(now + SECOND, quick=quick).compile(
        db.session.get_bind(), compile_kwargs={"literal_binds": True}
    )
    explain = "EXPLAIN QUERY PLAN" if db.is_sqlite() else "EXPLAIN"
    plan = db.session.execute(sa.text(f"{explain} {query}".replace(":", "\\:"))).all()

    assert "ix_jobs_due" in str(plan), plan


def test_a_quick_worker_leaves_slow_jobs_to_others() -> None:
    done = []
    jobs.task("test.video", lease=jobs.LEASE + SECOND)(lambda: done.append("video"))
    jobs.task("test.letter")(lambda: done.append("letter"))
    for name in ("test.video", "test.letter", "test.video"):
        jobs.enqueue(name)

    assert jobs.run_pending(quick=True) == 1
    assert done == ["letter"]
    assert jobs.run_pending() == 2


# --- with real processes ---

_COUNT = sa.text(
    "INSERT INTO rate_counters (key, window_start, count) VALUES (:key, '2027-01-01 00:00:00', 1)"
    " ON CONFLICT (key, window_start) DO UPDATE SET count = rate_counters.count + 1"
)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)  # the other processes' clocks are not stopped


def _work(url: str, worker: str, begun: Event, seconds: float) -> None:
    """Be a worker whose jobs leave a mark that counts, and then take some time before the transaction ends."""
    db.connect(url)

    @jobs.task("test.mark", lease=timedelta(seconds=1))
    def mark(key: str) -> None:
        db.session.execute(_COUNT, {"key": key})
        begun.set()
        time.sleep(seconds)

    jobs._rhythms.clear()
    jobs.work(lambda: False, worker, idle=0.02)


def _hire(url: str, worker: str, seconds: float) -> tuple[BaseProcess, Event]:
    begun = SPAWN.Event()
    process = SPAWN.Process(target=_work, args=(url, worker, begun, seconds), daemon=True)
    process.start()
    return process, begun


def _queue_marks(keys: list[str]) -> None:
    jobs.task("test.mark")(lambda key: None)
    with db.transaction():
        for key in keys:
            jobs.enqueue("test.mark", run_at=LONG_AGO, key=key)


def _marks_when_done() -> dict[str, int]:
    """How often each mark was made, once no job is left."""
    for _ in range(600):
        time.sleep(0.05)
        with db.transaction(read_only=True) as session:
            if not waiting():
                return {row.key: row.count for row in session.scalars(sa.select(RateCounter))}
    raise AssertionError("the jobs were not done within 30 seconds")


def test_kill_9_in_the_middle_of_a_job_loses_nothing_and_does_nothing_twice(live_database: str) -> None:
    _queue_marks(["one"])
    doomed, begun = _hire(live_database, "doomed", seconds=60)
    assert begun.wait(30)
    doomed.kill()
    doomed.join()

    heir, _ = _hire(live_database, "heir", seconds=0)
    marks = _marks_when_done()
    heir.kill()
    heir.join()

    assert doomed.exitcode == -signal.SIGKILL
    assert marks == {"one": 1}


def test_workers_killed_again_and_again_do_every_job_exactly_once(live_database: str) -> None:
    keys = [f"job {n}" for n in range(100)]
    _queue_marks(keys)
    for n in range(2):
        pair = [_hire(live_database, f"doomed {n}{side}", seconds=0.03) for side in "ab"]
        for doomed, begun in pair:
            assert begun.wait(30)
            time.sleep(0.01)
            doomed.kill()
            doomed.join()

    heir, _ = _hire(live_database, "heir", seconds=0)
    marks = _marks_when_done()
    heir.kill()
    heir.join()

    assert marks == dict.fromkeys(keys, 1)


def _come_round(url: str, start: Barrier) -> None:
    """Be a worker through twenty slots of a timed job."""
    db.connect(url)
    jobs._rhythms.clear()
    jobs.timed("test.hourly", every=timedelta(hours=1))(lambda: None)
    start.wait()
    for hour in range(20):
        with clock.frozen(LONG_AGO + timedelta(hours=hour)):
            jobs.queue_timed({})


def test_a_timed_job_is_queued_once_a_slot_however_many_workers_there_are(live_database: str) -> None:
    start = SPAWN.Barrier(3)
    workers = [SPAWN.Process(target=_come_round, args=(live_database, start)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    with db.transaction(read_only=True):
        assert sorted(job.created_at for job in waiting()) == [LONG_AGO + timedelta(hours=n) for n in range(20)]
    assert [worker.exitcode for worker in workers] == [0] * 3
