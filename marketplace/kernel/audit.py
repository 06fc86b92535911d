"""Who did what to which record: written once, never changed, each entry chained to the one before by its hash."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from marketplace.kernel import clock, db

BEGINNING = "0" * 64
"""What the first entry follows."""

_LOCK = 0x6D61_6575_6C01  # any number no other advisory lock uses
_PENDING = "audit_pending"
_MARKS = "audit_marks"


class AuditEntry(db.Base):
    """One act. `subject` names the record, such as booking:17; `previous` is the hash of the entry before."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(sa.String(100))
    subject: Mapped[str] = mapped_column(sa.String(100), index=True)
    detail: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(sa.String(64), unique=True)  # nothing follows the same entry twice
    hash: Mapped[str] = mapped_column(sa.String(64))


APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries"
        " BEGIN SELECT RAISE(ABORT, 'audit_entries_append_only'); END",
        "CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries"
        " BEGIN SELECT RAISE(ABORT, 'audit_entries_append_only'); END",
        # INSERT OR REPLACE deletes without the delete trigger
        "CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries"
        " WHEN EXISTS (SELECT 1 FROM audit_entries WHERE id = NEW.id OR previous = NEW.previous)"
        " BEGIN SELECT RAISE(ABORT, 'audit_entries_append_only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_entries_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'audit_entries_append_only' USING ERRCODE = 'integrity_constraint_violation';"
        " END $$",
        "CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_append_only()",
    ),
}
"""What makes the table append-only, by dialect: run after it is created."""

AFTER_DROP = {"sqlite": (), "postgresql": ("DROP FUNCTION IF EXISTS audit_entries_append_only()",)}
"""What is left to remove once the table is dropped, by dialect."""

for _moment, _statements in (("after_create", APPEND_ONLY), ("after_drop", AFTER_DROP)):
    for _dialect, _ddl in _statements.items():
        for _statement in _ddl:
            event.listen(AuditEntry.__table__, _moment, sa.DDL(_statement).execute_if(dialect=_dialect))


# --- writing ---


def record(actor_id: int | None, action: str, subject: str, **detail: Any) -> None:
    """Put on record, if and when the present transaction is committed, that someone (or no one: None) did something."""
    entry = {
        "at": clock.now(),
        "actor_id": actor_id,
        "action": action,
        "subject": subject,
        "detail": json.loads(_canonical(detail)),
    }
    session = db.session()
    if not session.in_transaction():
        session.begin()  # so that a rollback is heard of even if nothing else was done
    session.info.setdefault(_PENDING, []).append(entry)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str, allow_nan=False)


def _digest(entry: dict[str, Any]) -> str:
    """The hash of an entry, from all its other fields."""
    at = entry["at"].astimezone(UTC).isoformat()
    return hashlib.sha256(_canonical({**entry, "at": at}).encode("utf-8", "surrogatepass")).hexdigest()


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    """Write the pending entries as the last thing of the transaction, so that the chain is locked only briefly."""
    if not session.info.get(_PENDING) or session.in_nested_transaction():
        return
    session.flush()  # first: nobody waits for another row's lock while holding the chain's
    pending = session.info.pop(_PENDING)
    if session.get_bind().dialect.name == "postgresql":  # on SQLite whoever writes is alone
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    session.execute(sa.insert(AuditEntry), list(_chained(pending, *_last(session))))


def _last(session: Session) -> tuple[int, str]:
    newest = sa.select(AuditEntry.id, AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)
    row = session.execute(newest).first()
    return (row.id, row.hash) if row else (0, BEGINNING)


def _chained(entries: Iterable[dict[str, Any]], last: int, previous: str) -> Iterator[dict[str, Any]]:
    for number, entry in enumerate(entries, last + 1):
        linked = {"id": number, **entry, "previous": previous}
        previous = _digest(linked)
        yield {**linked, "hash": previous}


@event.listens_for(Session, "after_transaction_create")
def _remember_savepoint(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        session.info.setdefault(_MARKS, {})[transaction] = len(session.info.get(_PENDING, ()))


@event.listens_for(Session, "after_soft_rollback")
def _forget_undone(session: Session, transaction: SessionTransaction) -> None:
    """Drop the entries recorded since the savepoint that is rolled back."""
    mark = session.info.get(_MARKS, {}).get(transaction)
    if mark is not None:
        del session.info.get(_PENDING, [])[mark:]


@event.listens_for(Session, "after_transaction_end")
def _forget_all(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_PENDING, None)
        session.info.pop(_MARKS, None)


# --- checking ---


@dataclass(frozen=True, slots=True)
class Problem:
    """Where the record is not what was written, and how one can tell."""

    entry_id: int
    what: str


def head() -> str:
    """The hash of the newest entry. Kept elsewhere, it proves later that nothing was cut off the end."""
    return _last(db.session())[1]


def verify(expected_head: str | None = None) -> list[Problem]:
    """Read the whole record in order and find every changed, missing or moved entry, in constant memory.

    With a head noted earlier it also finds whether entries were cut off since.
    """
    problems: list[Problem] = []
    number, previous, known = 0, BEGINNING, expected_head in (None, BEGINNING)
    for row in db.session.execute(_raw_rows(), execution_options={"yield_per": 1000}):
        if row.id != number + 1:
            problems.append(Problem(number + 1, "missing" if row.id == number + 2 else f"missing, up to {row.id - 1}"))
        if row.previous != previous:
            problems.append(Problem(row.id, "does not follow the entry before it"))
        if row.hash != _digest_of_row(row):
            problems.append(Problem(row.id, "changed"))
        number, previous = row.id, row.hash
        known = known or row.hash == expected_head
    if not known:
        problems.append(Problem(number + 1, "missing: the head noted earlier is not in the record"))
    return problems


def _raw_rows() -> sa.Select[*tuple[Any, ...]]:
    """The entries as text where a forged value might not even be readable."""
    at, detail = sa.cast(AuditEntry.at, sa.Text).label("at"), sa.cast(AuditEntry.detail, sa.Text).label("detail")
    plain = (AuditEntry.actor_id, AuditEntry.action, AuditEntry.subject, AuditEntry.previous, AuditEntry.hash)
    return sa.select(AuditEntry.id, at, detail, *plain).order_by(AuditEntry.id)


def _digest_of_row(row: sa.Row[Any]) -> str | None:
    fields = dict(row._mapping)
    del fields["hash"]
    try:
        at = datetime.fromisoformat(fields["at"])
        fields["at"] = at if at.tzinfo else at.replace(tzinfo=UTC)
        fields["detail"] = json.loads(fields["detail"])
        return _digest(fields)
    except (TypeError, ValueError):
        return None
