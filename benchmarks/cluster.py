"""A private PostgreSQL cluster for one run, reached by a socket in its own folder; safe against a loss of power."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from marketplace.web import schema


def programs() -> Path | None:
    """The folder of the newest PostgreSQL that has PostGIS, as ./test looks for it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    if there := shutil.which("initdb"):
        found.append(Path(there).parent)
    for folder in found:
        shared = subprocess.run([folder / "pg_config", "--sharedir"], capture_output=True, text=True, check=True).stdout
        if (Path(shared.strip()) / "extension" / "postgis.control").exists():
            return folder
    return None


@contextmanager
def started() -> Iterator[Callable[..., str] | None]:
    """A function that makes databases by name and says their URL; None where there is no PostgreSQL with PostGIS.

    Settings are PostgreSQL's own: fsync, full page writes and synchronous commit are on.
    """
    folder = programs()
    if folder is None:
        yield None
        return
    home = Path(tempfile.mkdtemp(prefix="maeul-benchmark."))
    if os.getuid() == 0:
        os.chown(home, *pwd.getpwnam("postgres")[2:4])
    data = ("--pgdata", str(home / "data"))
    _run(
        folder / "initdb", *data, "--username", "maeul", "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8"
    )
    options = f"-c listen_addresses='' -c unix_socket_directories='{home}' -c max_connections=200"
    _run(folder / "pg_ctl", "start", "--wait", "--silent", *data, "--log", str(home / "log"), "--options", options)
    try:
        yield lambda name, *, tables=True: _database(home, name, tables)
    finally:
        _run(folder / "pg_ctl", "stop", "--silent", "--mode", "immediate", *data)
        shutil.rmtree(home)


def _run(*command: str | Path) -> None:
    drop = ("runuser", "-u", "postgres", "--") if os.getuid() == 0 else ()
    subprocess.run([*drop, *command], cwd="/", check=True, stdout=subprocess.DEVNULL)


def _database(home: Path, name: str, tables: bool) -> str:
    server = sa.URL.create("postgresql+psycopg", "maeul", database="postgres", query={"host": str(home)})
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
    url = server.set(database=name).render_as_string()
    if tables:
        schema.upgrade(url)
    return url
