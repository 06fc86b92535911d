"""The audit record: everything written is there, and nothing can be changed unnoticed."""

import multiprocessing
from multiprocessing.synchronize import Barrier

import pytest
import sqlalchemy as sa

from marketplace.kernel import audit, clock, db
from marketplace.kernel.audit import AuditEntry, Problem, record, verify

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def entries() -> None:
    """Five entries in two transactions."""
    for n in (1, 2, 3):
        record(n, "booking.made", f"booking:{n}", people=20 + n, purpose="세미나 \0 \ud800 é", until=clock.today())
    db.session.commit()
    record(None, "booking.expired", "booking:1")
    record(7, "role.granted", "person:9", role="manager", share=0.1)
    db.session.commit()


def unguarded() -> None:
    """Take the triggers away, as someone with the database in their hands could."""
    if db.is_sqlite():
        for trigger in ("no_update", "no_delete", "no_replace"):
            db.session.execute(sa.text(f"DROP TRIGGER audit_entries_{trigger}"))
    else:
        db.session.execute(sa.text("DROP TRIGGER audit_entries_append_only ON audit_entries"))


def forge(statement: str) -> None:
    unguarded()
    db.session.execute(sa.text(statement))
    db.session.commit()


def count() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)) or 0


@pytest.mark.usefixtures("entries")
def test_what_was_done_is_on_record_in_order() -> None:
    rows = list(db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)))

    assert [row.subject for row in rows] == ["booking:1", "booking:2", "booking:3", "booking:1", "person:9"]
    assert [row.id for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0].previous == audit.BEGINNING
    assert rows[0].at == clock.now()
    assert rows[0].detail["until"] == str(clock.today())
    assert rows[4].hash == audit.head()
    assert verify() == []


def test_an_empty_record_is_in_order() -> None:
    assert verify() == []
    assert audit.head() == audit.BEGINNING
    assert verify(audit.BEGINNING) == []


def test_what_was_rolled_back_is_not_on_record() -> None:
    record(1, "booking.made", "booking:1")
    db.session.rollback()
    record(1, "booking.made", "booking:2")
    db.session.close()
    record(1, "booking.made", "booking:3")
    db.session.commit()

    assert [row.subject for row in db.session.scalars(sa.select(AuditEntry))] == ["booking:3"]


def test_a_savepoint_takes_its_own_entries_along_and_no_others() -> None:
    record(1, "done", "before")
    savepoint = db.session.begin_nested()
    record(1, "done", "undone")
    with db.session.begin_nested():
        record(1, "done", "undone too")
    savepoint.rollback()
    with db.session.begin_nested():
        record(1, "done", "within")
        assert count() == 0  # the chain is not held before the end
    record(1, "done", "after")
    db.session.commit()

    assert [row.subject for row in db.session.scalars(sa.select(AuditEntry))] == ["before", "within", "after"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor_id = 2",
        "DELETE FROM audit_entries",
        "DELETE FROM audit_entries WHERE id = 5",
        "TRUNCATE audit_entries",
        "INSERT OR REPLACE INTO audit_entries SELECT id, at, 2, action, subject, detail, previous, hash"
        " FROM audit_entries WHERE id = 2",
        "INSERT INTO audit_entries SELECT 6, at, 2, action, subject, detail, previous, hash"
        " FROM audit_entries WHERE id = 2",
    ],
)
@pytest.mark.usefixtures("entries")
def test_the_database_refuses_to_change_the_record(statement: str) -> None:
    if ("TRUNCATE" in statement and db.is_sqlite()) or ("REPLACE" in statement and not db.is_sqlite()):
        return  # the statement does not exist there
    with pytest.raises(sa.exc.IntegrityError) as refusal, db.session.begin_nested():
        db.session.execute(sa.text(statement))

    assert "audit_entries" in str(refusal.value.orig)
    assert verify() == []


@pytest.mark.parametrize(
    "change",
    [
        "at = '2020-01-01 00:00:00'",
        "actor_id = 9",
        "actor_id = NULL",
        "action = 'booking.cancelled'",
        "subject = 'booking:9'",
        """detail = '{"people": 1}'""",
        "detail = 'null'",
    ],
)
@pytest.mark.usefixtures("entries")
def test_a_changed_entry_is_found(change: str) -> None:
    forge(f"UPDATE audit_entries SET {change} WHERE id = 2")

    assert verify() == [Problem(2, "changed")]


@pytest.mark.parametrize("change", ["at = 'yesterday'", "detail = '{'", "actor_id = x'00ff'"])
@pytest.mark.usefixtures("entries")
def test_an_entry_made_unreadable_is_found(change: str) -> None:
    if not db.is_sqlite():
        return  # PostgreSQL does not store what it cannot read
    forge(f"UPDATE audit_entries SET {change} WHERE id = 2")

    assert verify() == [Problem(2, "changed")]


@pytest.mark.usefixtures("entries")
def test_a_forged_chain_is_found() -> None:
    forge(f"UPDATE audit_entries SET previous = '{'1' * 64}' WHERE id = 2")
    assert verify() == [Problem(2, "does not follow the entry before it"), Problem(2, "changed")]


@pytest.mark.usefixtures("entries")
def test_a_forged_hash_is_found() -> None:
    forge(f"UPDATE audit_entries SET hash = '{'1' * 64}' WHERE id = 2")
    assert verify() == [Problem(2, "changed"), Problem(3, "does not follow the entry before it")]


@pytest.mark.usefixtures("entries")
def test_an_entry_rehashed_after_a_change_no_longer_leads_to_the_next() -> None:
    unguarded()
    second = db.session.get(AuditEntry, 2)
    assert second
    fields = {column.key: getattr(second, column.key) for column in sa.inspect(AuditEntry).columns}
    del fields["hash"]
    second.actor_id = fields["actor_id"] = 99
    second.hash = audit._digest(fields)
    db.session.commit()

    assert verify() == [Problem(3, "does not follow the entry before it")]


@pytest.mark.parametrize(("number", "what"), [(1, "missing"), (3, "missing")])
@pytest.mark.usefixtures("entries")
def test_a_missing_entry_is_found(number: int, what: str) -> None:
    forge(f"DELETE FROM audit_entries WHERE id = {number}")
    assert verify() == [Problem(number, what), Problem(number + 1, "does not follow the entry before it")]


@pytest.mark.usefixtures("entries")
def test_several_missing_entries_are_found() -> None:
    forge("DELETE FROM audit_entries WHERE id in (2, 3)")
    assert verify()[0] == Problem(2, "missing, up to 3")


@pytest.mark.usefixtures("entries")
def test_entries_in_another_order_are_found() -> None:
    unguarded()
    for old, new in ((2, 99), (3, 2), (99, 3)):
        db.session.execute(sa.text(f"UPDATE audit_entries SET id = {new} WHERE id = {old}"))
    db.session.commit()

    assert {problem.entry_id for problem in verify()} == {2, 3, 4}


@pytest.mark.parametrize("cut", ["DELETE FROM audit_entries WHERE id > 3", "DELETE FROM audit_entries"])
@pytest.mark.usefixtures("entries")
def test_a_record_cut_short_is_found_by_the_head_noted_earlier(cut: str) -> None:
    noted = audit.head()
    assert verify(noted) == []
    forge(cut)

    assert verify() == []
    (problem,) = verify(noted)
    assert "head noted earlier" in problem.what


@pytest.mark.usefixtures("entries")
def test_a_head_noted_earlier_stays_good_while_the_record_grows() -> None:
    noted = audit.head()
    record(1, "booking.made", "booking:9")
    db.session.commit()

    assert verify(noted) == []


def _record_many(url: str, writer: int, start: Barrier) -> None:
    db.connect(url)
    start.wait()
    for n in range(15):
        with db.transaction():
            record(writer, "test.done", f"thing:{n}")
            record(writer, "test.done", f"thing:{n}", again=True)


def test_writers_released_together_keep_one_chain(live_database: str) -> None:
    start = SPAWN.Barrier(5)
    writers = [SPAWN.Process(target=_record_many, args=(live_database, n, start)) for n in range(5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0] * 5
    assert count() == 5 * 15 * 2
    assert verify() == []
