"""What every benchmark prints: how it was run, on what, and tables; and the few ways of measuring."""

import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from tqdm import tqdm

from marketplace.kernel import clock, db


def say(text: str = "") -> None:
    """A line of the report, at once."""
    print(text, flush=True)


def heading(module: str) -> None:
    """How this run was called, and on what machine."""
    say(f"    python -m {module} {' '.join(sys.argv[1:])}".rstrip())
    say()
    say(f"- {clock.now():%Y-%m-%d}, {os.cpu_count()} CPUs ({_processor()}), load at the start {_load()}")
    say(f"- Python {platform.python_version()}, SQLAlchemy {sa.__version__}")


def ending() -> None:
    """How busy the machine was, this run included."""
    say(f"Load at the end: {_load()} (over 1, 5 and 15 minutes).")


def _load() -> str:
    return ", ".join(f"{share:.1f}" for share in os.getloadavg())


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def database_line() -> str:
    """Name, versions and promise of the database that the sessions are bound to."""
    with db.transaction(read_only=True) as session:
        if db.is_sqlite():
            sqlite, spatialite = session.execute(sa.text("SELECT sqlite_version(), spatialite_version()")).one()
            return f"SQLite {sqlite}, SpatiaLite {spatialite}; write-ahead log, synchronous = NORMAL"
        postgresql, postgis, fsync, commit = session.execute(
            sa.text(
                "SELECT current_setting('server_version'), postgis_lib_version(), current_setting('fsync'),"
                " current_setting('synchronous_commit')"
            )
        ).one()
        return f"PostgreSQL {postgresql}, PostGIS {postgis}; fsync = {fsync}, synchronous_commit = {commit}"


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows of figures in Markdown; what is to the right of the first column stands on the right."""
    say("| " + " | ".join(columns) + " |")
    say("|---|" + "---:|" * (len(columns) - 1))
    for row in rows:
        say("| " + " | ".join(_shown(cell) for cell in row) + " |")
    say()


def _shown(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:.1f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def milliseconds(work: Callable[[Any], object], things: Sequence[Any], what: str, warm: int = 5) -> list[float]:
    """How long it takes to do the work with each thing; a few times before without measuring."""
    for thing in things[:warm]:
        work(thing)
    taken = []
    for thing in tqdm(things, desc=what, file=sys.stderr, disable=None, leave=False):
        start = perf_counter()
        work(thing)
        taken.append((perf_counter() - start) * 1000)
    return taken


@contextmanager
def statements(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements sent to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
