"""The database: moments, transactions, locks, and what each of the two does alike."""

import itertools
import threading
import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import aliased

from marketplace.kernel import clock, db
from marketplace.kernel.jobs import Job
from marketplace.kernel.limits import RateCounter
from marketplace.kernel.occupancy import Occupancy, Resource
from tests.conftest import KIND

WRITERS = 30
SEOUL = timezone(timedelta(hours=9))


def counter(key: str, moment: datetime | None = None) -> RateCounter:
    """Any row that stands on nothing else."""
    return RateCounter(key=key, window_start=moment or clock.now(), count=1)


def counters() -> list[str]:
    """What was committed."""
    with db.transaction(read_only=True) as session:
        return sorted(session.scalars(sa.select(RateCounter.key)))


def test_a_moment_comes_back_in_utc_to_the_microsecond():
    moment = datetime(2027, 3, 28, 2, 30, 0, 123456, tzinfo=SEOUL)
    db.session.add(counter("a", moment))
    db.session.flush()
    db.session.expire_all()

    found = db.session.scalars(sa.select(RateCounter.window_start)).one()

    assert found == moment
    assert found.tzinfo is UTC


def test_moments_sort_and_compare_in_the_database_whatever_zone_they_came_from():
    early, late = datetime(2027, 3, 1, 9, tzinfo=SEOUL), datetime(2027, 3, 1, 1, tzinfo=UTC)
    db.session.add_all([counter("late", late), counter("early", early)])
    db.session.flush()

    ordered = list(db.session.scalars(sa.select(RateCounter.key).order_by(RateCounter.window_start)))
    before = list(db.session.scalars(sa.select(RateCounter.key).where(RateCounter.window_start < late)))

    assert (ordered, before) == (["early", "late"], ["early"])


def test_a_moment_without_a_time_zone_is_refused():
    db.session.add(counter("a", datetime(2027, 3, 1)))  # noqa: DTZ001 - that is what is tried

    with pytest.raises(sa.exc.StatementError, match="a moment needs a time zone"):
        db.session.flush()


def test_no_moment_stays_none():
    job = Job(name="x", payload={"words": "회의"}, run_at=clock.now())
    db.session.add(job)
    db.session.flush()
    db.session.expire_all()

    assert (job.dead_at, job.payload) == (None, {"words": "회의"})


def test_the_database_counts_seconds_since_1970():
    moment = datetime(2027, 3, 1, 9, 0, 59, tzinfo=UTC)
    db.session.add(counter("a", moment))
    db.session.flush()

    assert db.session.scalar(sa.select(db.epoch(RateCounter.window_start))) == int(moment.timestamp())


def test_a_row_cannot_name_one_that_is_not_there():
    db.session.add(Occupancy(resource_id=987, starts_at=clock.now(), ends_at=clock.now() + timedelta(1), kind="loan"))

    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)foreign key"):
        db.session.flush()


def test_a_broken_constraint_is_known_by_its_name():
    parent = Resource()
    db.session.add(parent)
    db.session.flush()
    parent.parent_id = parent.id

    with pytest.raises(sa.exc.IntegrityError) as clash:
        db.session.flush()

    assert db.violates(clash.value, "ck_resources_not_own_parent")
    assert not db.violates(clash.value, "ck_resources_other")


def test_a_failed_statement_does_not_tell_what_was_written():
    db.session.add_all([counter("CANARY"), counter("CANARY")])

    with pytest.raises(sa.exc.IntegrityError) as clash:
        db.session.flush()

    assert "CANARY" not in str(clash.value).replace(str(clash.value.orig), "")


def test_what_a_block_writes_is_kept_whole_or_not_at_all(live_database):
    with db.transaction() as session:
        session.add(counter("kept"))
    with pytest.raises(sa.exc.IntegrityError), db.transaction() as session:
        session.add_all([counter("lost"), counter("kept")])

    assert counters() == ["kept"]


def test_a_short_transaction_of_its_own_outlives_the_request(live_database):
    with db.separate() as own:
        own.add(counter("kept"))
    db.begin(read_only=False)
    db.session.add(counter("lost"))
    db.session.flush()
    db.session.rollback()

    assert counters() == ["kept"]


def test_a_short_transaction_that_fails_keeps_nothing(live_database):
    with pytest.raises(sa.exc.IntegrityError), db.separate() as own:
        own.add_all([counter("lost"), counter("lost")])

    assert counters() == []


def test_many_read_while_one_writes(live_database):
    with db.transaction() as session:
        session.add(counter("before"))
        session.flush()
        seen = []
        reader = threading.Thread(target=lambda: seen.append(counters()))
        reader.start()
        reader.join(5)

    assert seen == [[]]


def test_a_reader_takes_no_write_lock(live_database):
    with db.transaction(read_only=True) as session:
        session.scalar(sa.select(sa.func.count()).select_from(RateCounter))
        writer = threading.Thread(target=_write, args=("while reading",))
        writer.start()
        writer.join(5)
        assert not writer.is_alive()

    assert counters() == ["while reading"]


def test_a_writer_has_the_lock_before_it_first_reads(live_database):
    statements = []
    engine = db.session.get_bind()
    sa.event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    for read_only in (True, False):
        with db.transaction(read_only=read_only) as session:
            session.scalar(sa.select(sa.func.count()).select_from(RateCounter))

    begun = [said for said in statements if said.startswith("BEGIN")]
    assert begun == (["BEGIN", "BEGIN IMMEDIATE"] if KIND == "sqlite" else [])


def _write(key: str) -> None:
    with db.transaction() as session:
        session.add(counter(key))


def test_a_writer_waits_for_another_in_place_of_failing(live_database):
    first_holds, failures = threading.Event(), []

    def second():
        first_holds.wait(5)
        try:
            with db.transaction() as session:
                session.execute(sa.update(RateCounter).values(count=RateCounter.count + 1))
        except Exception as failure:  # noqa: BLE001 - any failure is what the test looks for
            failures.append(failure)

    _write("one")
    other = threading.Thread(target=second)
    other.start()
    with db.transaction() as session:
        session.execute(sa.update(RateCounter).values(count=RateCounter.count + 1))
        first_holds.set()
        time.sleep(0.3)
    other.join(10)

    with db.transaction(read_only=True) as session:
        assert (failures, session.scalar(sa.select(RateCounter.count))) == ([], 3)


@pytest.fixture
def one_for_all_writers(tmp_path):
    """An SQLite file, whatever database is under test: only there all writers wait for one lock."""
    engine = db.connect(f"sqlite:///{tmp_path / 'writers.db'}")
    with engine.begin() as connection:
        db.Base.metadata.tables[RateCounter.__tablename__].create(connection)
    yield str(engine.url)
    db.session.remove()
    engine.dispose()


@pytest.mark.no_database
def test_a_writer_that_waits_in_vain_is_told_and_waits_again_with_patience(one_for_all_writers, monkeypatch):
    """It looks again soon, and not when others do who began to wait with it."""
    pauses: list[float] = []

    def pause(seconds: float, sleep=time.sleep) -> None:
        pauses.append(seconds)
        sleep(seconds)

    monkeypatch.setattr(db, "BUSY_SECONDS", 0.2)
    monkeypatch.setattr(time, "sleep", pause)
    engine = db.make_engine(one_for_all_writers)
    _write("one")
    with engine.connect() as other, other.begin():
        begun = time.monotonic()
        with pytest.raises(sa.exc.OperationalError) as busy, db.transaction():
            pass
        assert time.monotonic() - begun >= 0.2
    monkeypatch.undo()
    engine.dispose()

    assert db.is_busy(busy.value)
    assert len(pauses) == len(set(pauses)) >= 4
    assert max(pauses) < 0.05
    _write("two")
    assert counters() == ["one", "two"]
    with db.transaction():
        assert db.session.scalar(sa.text("PRAGMA busy_timeout")) == db.BUSY_SECONDS * 1000


@pytest.mark.no_database
def test_writers_who_wait_together_follow_one_another(one_for_all_writers):
    barrier, held = threading.Barrier(WRITERS), []

    def write(number: int) -> None:
        with db.transaction(read_only=True) as session:
            session.scalar(sa.text("SELECT 1"))
        barrier.wait(60)
        with db.transaction() as session:
            began = time.monotonic()
            session.add(counter(f"writer {number}"))
            session.flush()
            time.sleep(0.01)
            held.append((began, time.monotonic()))

    _write("before")
    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    spans = sorted(held)
    assert len(counters()) == len(held) + 1 == WRITERS + 1
    assert all(later[0] >= earlier[1] for earlier, later in itertools.pairwise(spans))


def test_being_refused_for_others_at_work_is_known_from_a_broken_statement(live_database):
    impatient = "PRAGMA busy_timeout = 50" if KIND == "sqlite" else "SET lock_timeout = 50"
    _write("one")
    engine = db.make_engine(live_database)
    change = sa.update(RateCounter).values(count=9)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
        other.execution_options(read_only=True).exec_driver_sql(impatient)
        with db.transaction() as session:
            session.execute(change)
            with pytest.raises(sa.exc.OperationalError) as busy:
                other.execute(change) if KIND != "sqlite" else other.exec_driver_sql("BEGIN IMMEDIATE")
    with engine.connect() as other, pytest.raises(sa.exc.DBAPIError) as broken:
        other.exec_driver_sql("SELECT nothing FROM nowhere")
    engine.dispose()

    assert db.is_busy(busy.value)
    assert not db.is_busy(broken.value)  # type: ignore[arg-type]


def test_a_deadlock_counts_as_busy():
    class Deadlock(Exception):
        sqlstate = "40P01"

    assert db.is_busy(sa.exc.OperationalError("UPDATE", {}, Deadlock()))


@pytest.mark.no_database
def test_a_server_that_is_away_is_away_for_the_moment():
    engine = db.make_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")

    with pytest.raises(sa.exc.OperationalError) as away:
        engine.connect()

    assert db.is_busy(away.value)


def test_keys_are_asked_for_one_by_one_or_by_a_query():
    db.session.add_all([counter("a"), counter("b")])
    db.session.flush()
    columns = RateCounter.__table__.c
    everything = sa.select(RateCounter.key)

    assert set(db.session.scalars(everything.where(db.any_of(columns.key, everything)))) == {"a", "b"}
    assert set(db.session.scalars(everything.where(db.any_of(columns.count, [1, 2])))) == {"a", "b"}
    assert set(db.session.scalars(everything.where(db.any_of(columns.count, [])))) == set()


def test_a_list_is_counted_whatever_is_read_along_and_in_whatever_order():
    one, two = Resource(), Resource()
    db.session.add_all([one, two])
    db.session.flush()
    two.parent_id = one.id
    db.session.add_all([counter("a"), counter("b"), counter("c")])
    db.session.flush()
    part, keys = aliased(Resource), sa.select(RateCounter.key)
    pairs = sa.select(Resource, part).join(part, part.parent_id == Resource.id).order_by(Resource.id)

    assert db.count(sa.select(RateCounter).order_by(RateCounter.key.desc())) == 3
    assert db.count(sa.select(RateCounter).where(RateCounter.key.in_(keys.where(RateCounter.key != "b")))) == 2
    assert db.count(pairs) == 1
    assert db.count(pairs.where(part.id == one.id)) == 0


def test_how_many_rows_a_statement_changed():
    db.session.add_all([counter("a"), counter("b"), counter("c")])
    db.session.flush()
    columns = RateCounter.__table__.c

    assert db.changed(sa.update(RateCounter).where(RateCounter.key != "a").values(count=2)) == 2
    assert db.changed(sa.delete(RateCounter).where(columns.count == 2), synchronize_session=False) == 2
    assert db.changed(sa.delete(RateCounter).where(columns.count == 2)) == 0


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), ("007", 7), ("999999999", 999_999_999)])
def test_a_number_that_a_row_may_have(text, number):
    assert db.row_number(text) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1.5", "x", "1000000000", "²", "１０", "1_0", "1\n"])
def test_what_is_no_number_of_a_row(text):
    assert db.row_number(text) is None


def test_preparing_a_database_twice_does_no_harm(live_database):
    engine = db.make_engine(live_database)
    with engine.begin() as connection:
        db.prepare(connection)
        db.create_all(connection)
    engine.dispose()

    assert counters() == []


def test_a_day_is_no_moment():
    with pytest.raises((sa.exc.StatementError, AttributeError)):
        db.session.execute(sa.select(RateCounter).where(RateCounter.window_start == date(2027, 3, 1)))
