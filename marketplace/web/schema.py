"""The schema of the database: which version it is at, and the way forward and back through the migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import AppGroup

from marketplace.kernel import db

MIGRATIONS = Path(__file__).parent.parent.parent / "migrations"
_LOCK = 0x6D61_6575_6C02  # any number no other advisory lock uses

db_group = AppGroup("db", help="The schema of the database.")


class WrongSchema(click.ClickException):
    """The database and this version of the program do not fit; the message says what to do."""


def head() -> str:
    """The version that this program needs: the highest number of a migration."""
    return max(numbers())


def numbers() -> list[str]:
    """The versions there are, oldest first: migrations are numbered and follow each other in one line."""
    return sorted(file.name.split("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def version(connection: sa.Connection) -> str | None:
    """The version a database is at; None if it is new."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def at_head(engine: sa.Engine) -> bool:
    """Whether a database has the schema that this program needs."""
    with engine.connect().execution_options(read_only=True) as connection:
        return version(connection) == head()


def require_head(url: str) -> None:
    """Refuse a database with any other schema than this program needs."""
    with _engine(url) as engine, engine.connect().execution_options(read_only=True) as connection:
        found = version(connection)
    _refuse_unknown(found)
    if found != head():
        state = f"at version {found}" if found else "new"
        raise WrongSchema(f"The database is {state}, not at version {head()}. Run: flask --app wsgi db upgrade")


def upgrade(url: str) -> bool:
    """Bring a database to the newest schema, in one transaction; says whether it was new. Quick if nothing is to do."""
    with _engine(url) as engine:
        if at_head(engine):
            return False
        with _alone(engine) as connection:
            found = version(connection)
            _refuse_unknown(found)
            _alembic("upgrade", connection, "head")
            return found is None


def downgrade(url: str, to: str) -> None:
    """Take a database back to an older version, in one transaction; to `base`, nothing is left of it."""
    if to not in (*numbers(), "base"):
        raise WrongSchema(f"There is no version {to}. There are: base, {', '.join(numbers())}.")
    with _engine(url) as engine, _alone(engine) as connection:
        _refuse_unknown(version(connection))
        _alembic("downgrade", connection, to)


def _refuse_unknown(found: str | None) -> None:
    if found and found not in numbers():
        raise WrongSchema(f"The database is at version {found}, made by a newer program; this one knows only {head()}.")


@contextmanager
def _engine(url: str) -> Iterator[sa.Engine]:
    """An engine that leaves no connection behind: gunicorn forks afterwards."""
    if (file := sa.make_url(url).database) and url.startswith("sqlite"):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = db.make_engine(url, poolclass=sa.NullPool)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that no second upgrade runs beside: on SQLite every writer is alone."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield connection


def _alembic(command: str, connection: sa.Connection, *arguments: Any, **options: Any) -> None:
    from alembic import command as commands  # noqa: PLC0415 - costs 0.3 s, which a database at head need not wait for
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    getattr(commands, command)(config, *arguments, **options)


# --- commands ---


def _url() -> str:
    return str(current_app.extensions["settings"].database_url)


@db_group.command("upgrade")
def upgrade_command() -> None:
    """Bring the database to the newest schema."""
    upgrade(_url())
    click.echo(f"The database is at version {head()}.")


@db_group.command("downgrade")
@click.argument("version")
@click.option("--yes", is_flag=True, help="Do not ask.")
def downgrade_command(version: str, yes: bool) -> None:
    """Take the database back to an older VERSION, or to base. What only newer versions hold is lost."""
    if not yes:
        click.confirm("What only newer versions hold is deleted. Is there a backup?", abort=True)
    downgrade(_url(), version)
    click.echo(f"The database is at version {version}.")


@db_group.command("current")
def current_command() -> None:
    """Show the version the database is at."""
    with _engine(_url()) as engine, engine.connect().execution_options(read_only=True) as connection:
        click.echo(version(connection) or "base")


@db_group.command("check")
def check_command() -> None:
    """Succeed only if the database has the schema that this program needs."""
    require_head(_url())
    click.echo(f"The database is at version {head()}, as it should be.")


@db_group.command("revision")
@click.argument("subject")
def revision_command(subject: str) -> None:
    """Write the next migration from what differs between the models and a database at head, to be completed by hand."""
    if current_app.extensions["settings"].in_production:
        raise WrongSchema("Migrations are written in development.")
    require_head(_url())
    with _engine(_url()) as engine, engine.begin() as connection:
        number = f"{int(head()) + 1:04}"
        _alembic("revision", connection, subject, autogenerate=True, rev_id=number)
