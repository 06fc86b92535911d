"""The database: engine, session, base class. The only place that knows SQLite from PostgreSQL."""

import enum
import random
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, ClassVar, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session, sessionmaker
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

BUSY_SECONDS = 20
FIRST_PAUSE, LEAST_PAUSE = 0.025, 0.005
"""Seconds after which whoever waits for SQLite's write lock looks again: at first, and after some seconds."""

LOCKED = "database is locked"
POSTGRESQL_OPTIONS = (
    "-c timezone=utc -c jit=off -c plan_cache_mode=force_custom_plan -c random_page_cost=1.1 -c work_mem=16MB"
)
"""Compiling a query takes longer than the short queries of a page themselves; one plan for all words and days suits
none of them; what is on a disk without moving parts, or in memory, is as quickly read here as there; and what a search
puts together fits into memory."""

BUSY_STATES = {None, "40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03"}
"""PostgreSQL's codes for: no connection (no code), serialization failure, deadlock, lock not available, too many
connections, shutting down, crashed, starting up."""

SPATIALITE = ("mod_spatialite", "/opt/homebrew/lib/mod_spatialite.dylib", "/usr/local/lib/mod_spatialite.dylib")


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A moment, stored in UTC. A datetime without a time zone is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse naive moments; SQLite keeps UTC wall time as text that sorts."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give every moment back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The tables of the platform."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: sa.JSON,
        list[str]: sa.JSON,
        enum.Enum: sa.Enum(
            enum.Enum, native_enum=False, length=30, values_callable=lambda kind: [member.value for member in kind]
        ),
    }


class epoch(FunctionElement[int]):
    """A moment as whole seconds since 1970, computed by the database: cheaper to read by the thousand."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(epoch, "sqlite")
def _epoch_sqlite(element: epoch, compiler: Any, **options: Any) -> str:
    return f"unixepoch({compiler.process(element.clauses, **options)})"


@compiles(epoch, "postgresql")
def _epoch_postgresql(element: epoch, compiler: Any, **options: Any) -> str:
    return f"extract(epoch from {compiler.process(element.clauses, **options)})::bigint"


class unindexed(FunctionElement[int]):
    """A column that SQLite shall not look up by index, where that would lead its planner astray (a unary plus)."""

    type = sa.Integer()
    inherit_cache = True


@compiles(unindexed)
def _unindexed(element: unindexed, compiler: Any, **options: Any) -> str:
    plus = "+" if compiler.dialect.name == "sqlite" else ""
    return f"{plus}{compiler.process(element.clauses, **options)}"


_factory = sessionmaker(expire_on_commit=False)
session: scoped_session[Session] = scoped_session(_factory)
"""The transaction of this request, job or command: one for each thread."""


def _sqlite_driver() -> ModuleType:
    try:
        from pysqlite3 import dbapi2  # noqa: PLC0415 - absent on machines without a wheel
    except ImportError:
        if hasattr(sqlite3.Connection, "enable_load_extension"):
            return sqlite3
        raise RuntimeError(
            "This Python cannot load SQLite extensions: install pysqlite3, or use PostgreSQL through DATABASE_URL."
        ) from None
    return dbapi2


def _load_spatialite(connection: Any) -> None:
    connection.enable_load_extension(True)
    for name in SPATIALITE:
        try:
            connection.load_extension(name)
            break
        except Exception as failure:  # noqa: BLE001 - each driver has its own OperationalError
            last = failure
    else:
        raise RuntimeError("SpatiaLite is missing: install libsqlite3-mod-spatialite.") from last
    connection.enable_load_extension(False)


def _set_up_sqlite(connection: Any, _record: object) -> None:
    _load_spatialite(connection)
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "secure_delete = ON",  # what is deleted is gone from the file too
        "trusted_schema = ON",  # spatial indexes are triggers that call SpatiaLite's functions
        "cache_size = -65536",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if not _done_in_time(connection, "PRAGMA journal_mode = WAL"):  # of a new database, SQLite does not wait for it
        connection.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(connection: sa.Connection) -> None:
    """Readers begin at once; a writer waits for the write lock, no longer than BUSY_SECONDS."""
    if connection.get_execution_options().get("read_only", False):
        connection.exec_driver_sql("BEGIN")
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except sa.exc.OperationalError as failure:
        if not is_busy(failure) or not _done_in_time(driver, "BEGIN IMMEDIATE"):
            raise
    finally:
        driver.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def _done_in_time(driver: Any, statement: str) -> bool:
    """Carry out what needs a lock of SQLite, waiting for it; False if it is not to be had within BUSY_SECONDS.

    SQLite's own waiting soon looks only ten times a second, and all who began to wait together look together: one of
    them gets the lock, and until they look again it lies idle. Here each looks at moments of its own, and the more
    often the longer it has waited: the lock goes on at once, and nobody is passed by for long.
    """
    begun, waited = time.monotonic(), 0.0
    while waited < BUSY_SECONDS:
        try:
            driver.execute(statement)
        except driver.OperationalError as failure:
            if LOCKED not in str(failure):
                raise
        else:
            return True
        pause = max(LEAST_PAUSE, FIRST_PAUSE / (1 + waited))
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        waited = time.monotonic() - begun
    return False


def make_engine(url: str, **options: Any) -> sa.Engine:
    """An engine for either database, its connections set up as docs/decisions describe; errors hold no one's data."""
    if sa.make_url(url).get_backend_name() == "sqlite":
        engine = sa.create_engine(
            url,
            module=_sqlite_driver(),
            connect_args={"isolation_level": None, "check_same_thread": False, "timeout": BUSY_SECONDS},
            hide_parameters=True,
            **options,
        )
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return sa.create_engine(
        url, connect_args={"options": POSTGRESQL_OPTIONS}, pool_pre_ping=True, hide_parameters=True, **options
    )


def connect(url: str) -> sa.Engine:
    """Bind the sessions of this process to a database; connections open when first used."""
    engine = make_engine(url)
    bind(engine)
    return engine


def bind(to: sa.Engine | sa.Connection) -> None:
    """Use this engine, or in a test this one connection, whose transaction then stays the test's."""
    session.remove()
    _factory.configure(bind=to, join_transaction_mode="create_savepoint")


def begin(*, read_only: bool) -> None:
    """Open the transaction; a writer on SQLite takes the write lock now, so that what it reads stays true."""
    session.connection(execution_options={"read_only": read_only})


@contextmanager
def transaction(*, read_only: bool = False) -> Iterator[Session]:
    """One whole transaction for a job or a command: committed at the end, rolled back by any error."""
    try:
        begin(read_only=read_only)
        yield session()
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.remove()


@contextmanager
def separate() -> Iterator[Session]:
    """A short transaction of its own, kept even if the request fails. Not within a transaction that writes."""
    with _factory() as own, own.begin():
        yield own


def prepare(connection: sa.Connection) -> None:
    """Give a new database what the tables need: spatial metadata, or the PostgreSQL extensions."""
    if connection.dialect.name == "sqlite":
        if not sa.inspect(connection).has_table("spatial_ref_sys"):
            connection.execute(sa.text("SELECT InitSpatialMetaData(0, 'WGS84')"))
        return
    for extension in ("postgis", "btree_gist"):
        connection.execute(sa.text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))


def create_all(connection: sa.Connection) -> None:
    """Every table of the models, for tests; a city's database is made by the migrations."""
    prepare(connection)
    Base.metadata.create_all(connection)


def count(query: sa.Select[*tuple[Any, ...]]) -> int:
    """How many rows a list has, in whatever order and with whatever is read along."""
    bare = query.with_only_columns(sa.func.count(), maintain_column_froms=True).order_by(None)
    return session.scalar(bare) or 0


def changed(statement: sa.Update | sa.Delete, **options: Any) -> int:
    """Carry out an update or delete, with execution options; how many rows it changed."""
    done = session.execute(statement, execution_options=options)
    return cast("sa.CursorResult[Any]", done).rowcount


def row_number(text: str) -> int | None:
    """A number that someone sent and that a row may have; None if it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None


def rows(
    query: sa.Select[*tuple[Any, ...]] | sa.CompoundSelect[*tuple[Any, ...]],
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """All rows of plain columns, past the session's bookkeeping: by the thousand, that costs as much as the query."""
    session.flush()
    return session.connection().execute(query).all()


def is_sqlite() -> bool:
    """Whether this process speaks to SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def guard(table: sa.FromClause, name: str, ddl: Mapping[str, Sequence[str]]) -> None:
    """Have a trigger of this name made with a table, by dialect; PostgreSQL's function of that name goes with it."""
    for dialect, statements in ddl.items():
        for statement in statements:
            event.listen(table, "after_create", sa.DDL(statement).execute_if(dialect=dialect))
    event.listen(table, "after_drop", sa.DDL(f"DROP FUNCTION IF EXISTS {name}()").execute_if(dialect="postgresql"))


def violates(error: sa.exc.IntegrityError, constraint: str) -> bool:
    """Whether a failed write broke the constraint of this name, on either database."""
    return constraint in str(error.orig)


def is_busy(error: sa.exc.OperationalError) -> bool:
    """Whether a statement failed only for the moment: others were at work, or the server was away."""
    locked = any(word in str(error.orig) for word in (LOCKED, "database table is locked"))
    return locked or getattr(error.orig, "sqlstate", "") in BUSY_STATES


def rows_of(values: Sequence[Any]) -> sa.TableValuedAlias:
    """JSON values as the rows of a table with the one column `value`: however many, in one parameter."""
    each = sa.func.json_each if is_sqlite() else sa.func.json_array_elements
    return each(sa.literal(values, sa.JSON)).table_valued(sa.column("value", sa.JSON))


def any_of(column: ColumnElement[Any], values: sa.Select[Any] | list[int] | tuple[int, ...] | set[int]) -> Any:
    """`column in values`, whether the values are a query or a handful of keys."""
    return column.in_(values if isinstance(values, sa.Select) else sorted(values))
