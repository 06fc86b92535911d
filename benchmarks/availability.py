"""How long it takes to find a free room and to book it, in cities of several sizes, beside libres.

    .venv/bin/python -m benchmarks.availability           about eight minutes
    .venv/bin/python -m benchmarks.availability --quick   a trial of the script itself

The question: which rooms for at least 20 people are free for any two hours between 18:00 and 22:00 on a day?
"""

import argparse
import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from flask import Flask

from benchmarks import cluster, figures, peer, server
from benchmarks.city import DAYS, City, build, evenings
from benchmarks.figures import milliseconds, percentile, say
from marketplace.civic.accounts import queries as accounts
from marketplace.kernel import db, occupancy
from marketplace.kernel.intervals import Interval
from marketplace.sharing.spaces.queries import rooms
from marketplace.sharing.spaces.queries.search import Found, Wanted, When, find
from marketplace.sharing.spaces.service import bookings
from marketplace.web import schema

PEOPLE, FROM, TO, MINUTES = 20, 18 * 60, 22 * 60, 120


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    sizes: tuple[int, ...]
    peer_sizes: tuple[int, ...]
    questions: int
    pages: int
    creates: int
    peer_questions: int


WHOLE = Effort((40, 800, 5_000), (40, 200), 200, 200, 100, 15)
QUICK = Effort((40,), (10,), 5, 5, 5, 2)


@dataclass(slots=True)
class Measured:
    """The figures of one city on one database."""

    database: str
    rooms: int
    bookings: int
    found: int
    query: list[float]
    query_statements: int
    page: list[float]
    page_statements: int
    page_bytes: int
    create: list[float]
    create_statements: int


def ask(day: date) -> Found:
    """The question as a query, in a transaction of its own."""
    with db.transaction(read_only=True):
        return find(Wanted(people=PEOPLE), When(day, FROM, TO, MINUTES))


def path(day: date) -> str:
    """The question as the address of a page."""
    return f"/spaces/?date={day}&from=18:00&to=22:00&minutes={MINUTES}&people={PEOPLE}"


def create(wish: tuple[int, int, Interval]) -> None:
    """Book a room in one step, with its rules, letter and audit entry."""
    person_id, space_id, interval = wish
    with db.transaction():
        person = accounts.person(person_id)
        space = rooms.get_space(space_id)
        bookings.book(person, space, interval, people=2, purpose="A meeting of neighbours", rules_accepted=True)


def claim(wish: tuple[int, int, Interval]) -> None:
    """Only what the database guards: hold the room's time, and commit."""
    _, resource_id, interval = wish
    with db.transaction():
        occupancy.claim(resource_id, interval, kind=occupancy.Kind.BOOKING)


def wishes(city: City, count: int) -> list[tuple[int, int, Interval]]:
    """Free times of rooms that confirm at once, each wanted by someone else as far as people go."""
    at_once = {space.id for space in city.rooms if not space.by_request}
    people = cycle(city.person_ids)
    found: list[tuple[int, int, Interval]] = []
    for day in evenings(last=58):
        with db.transaction(read_only=True):
            free = find(Wanted(), When(day, FROM, TO, MINUTES)).free
        times = [(space_id, time) for space_id, time in free if space_id in at_once and time]
        found += [(next(people), space_id, time) for space_id, time in times]
    if len(found) < count:
        raise RuntimeError(f"The city has only {len(found)} free times.")
    return found[:count]


def measure(name: str, count: int, url: str, folder: Path, effort: Effort) -> tuple[Measured, City]:
    """Build a city and measure on it."""
    schema.upgrade(url)
    app = server.application(url, folder)
    engine: sa.Engine = app.extensions["engine"]
    with db.transaction():
        city = build(count)
    if engine.dialect.name == "postgresql":  # as it does by itself within a minute or two
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
    gc.collect()
    gc.freeze()  # as the server does
    label = f"{name}, {count} rooms"
    days = list(islice(cycle(evenings()), effort.questions))
    found = len(ask(days[0]).free)
    query = milliseconds(ask, days, f"{label}: query")
    with figures.statements(engine) as of_query:
        ask(days[0])
    page, size = _pages(url, folder, list(islice(cycle(days), effort.pages)), label)
    with figures.statements(engine) as of_page:
        _in_process(app, path(days[0]))
    booked = wishes(city, effort.creates + 1)
    with figures.statements(engine) as of_create:
        create(booked.pop())
    taken = milliseconds(create, booked, f"{label}: create", warm=0)
    measured = Measured(
        name, count, city.bookings, found, query, len(of_query), page, len(of_page), size, taken, len(of_create)
    )
    return measured, city


def _pages(url: str, folder: Path, days: list[date], label: str) -> tuple[list[float], int]:
    with server.serving(url, folder) as port:
        browser = server.Browser(port)
        sizes: list[int] = []

        def read(day: date) -> None:
            status, _, body = browser.get(path(day))
            if status != 200:
                raise RuntimeError(f"The page answered {status}.")
            sizes.append(len(body))

        taken = milliseconds(read, days, f"{label}: page", warm=min(len(days), 20))
    return taken, max(sizes)


def _in_process(app: Flask, address: str) -> None:
    if (answer := app.test_client().get(address, base_url="https://benchmark.example")).status_code != 200:
        raise RuntimeError(f"The page answered {answer.status_code}.")


def report(results: list[Measured]) -> None:
    """The table of both databases."""
    say("Milliseconds; the page comes over HTTP from gunicorn, a created booking includes its letter and audit entry.")
    say()
    query, page, create = "query p50|p95|statements", "page p50|p95|statements|bytes", "create p50|p95|statements"
    figures.table(
        f"database, rooms|bookings|free|{query}|{page}|{create}".split("|"),
        [
            (
                f"{of.database}, {of.rooms:,}", of.bookings, of.found,
                *_middle_and_most(of.query), of.query_statements,
                *_middle_and_most(of.page), of.page_statements, of.page_bytes,
                *_middle_and_most(of.create), of.create_statements,
            )
            for of in results
        ],
    )  # fmt: skip


def _middle_and_most(taken: list[float]) -> tuple[float, float]:
    return percentile(taken, 0.5), percentile(taken, 0.95)


def compare(city: City, own: Measured, dsn: str, effort: Effort) -> None:
    """Ask libres the same about the same rooms and bookings, on the same cluster, and print the ratios."""
    days = evenings()[: effort.peer_questions]
    answers = [{space_id for space_id, _ in ask(day).free} for day in days]
    questions = [peer.question(city.rooms, day, (FROM, TO), MINUTES, PEOPLE) for day in days]
    spaces = peer.rooms(city.rooms, DAYS)
    resources = {space.id: space.resource_id for space in city.rooms}
    wanted = wishes(city, effort.creates + 3)
    claims = [(person_id, resources[space_id], time) for person_id, space_id, time in wanted]
    claimed = milliseconds(claim, claims[3:], "claim", warm=0)
    plan = {
        "dsn": dsn,
        "rooms": spaces,
        "questions": questions,
        "creates": [peer.create(space_id, time) for _, space_id, time in wanted],
    }
    theirs = peer.run(plan)
    agree = [set(map(int, found)) for found in theirs["answers"]] == answers and theirs["same"]
    versions = ", ".join(f"{name} {version}" for name, version in theirs["versions"].items())
    say(f"- {versions} in an environment of its own")
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in theirs["counts"].items())
    say(f"- libres holds {counts}; its answers to {len(days)} questions are {'the same' if agree else 'NOT the same'}")
    say()
    rows: list[tuple[str, list[float], list[float]]] = [
        ("search: each room's search_allocations", theirs["by_room"], own.query),
        ("search: one query for all rooms, by hand", theirs["at_once"], own.query),
        ("create: reserve, approve, commit; beside a whole booking", theirs["create"], own.create),
        ("create: the same; beside occupancy.claim, commit", theirs["create"], claimed),
    ]
    columns = (f"{own.rooms} rooms, PostgreSQL", "libres p50", "p95", "Maeul p50", "p95", "times faster (p50)")
    figures.table(
        columns,
        [
            (what, *_middle_and_most(a), *_middle_and_most(b), percentile(a, 0.5) / percentile(b, 0.5))
            for what, a, b in rows
        ],
    )


def main() -> None:
    """Measure everything and print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a small trial run")
    options.add_argument("--rooms", type=int, nargs="+", help="other sizes")
    options.add_argument("--no-peer", action="store_true", help="without libres")
    chosen = options.parse_args()
    effort = QUICK if chosen.quick else WHOLE
    results: list[Measured] = []
    figures.heading("benchmarks.availability")
    with TemporaryDirectory(prefix="maeul-benchmark.") as folder, cluster.started() as new_database:
        databases: dict[str, Callable[..., str]] = {"SQLite": lambda name: f"sqlite:///{folder}/{name}.db"}
        if new_database:
            databases["PostgreSQL"] = new_database
        else:
            print("No PostgreSQL with PostGIS here: SQLite only.", file=sys.stderr)
        for name, make in databases.items():
            for place, count in enumerate(chosen.rooms or effort.sizes):
                measured, _ = measure(name, count, make(f"rooms_{count}"), Path(folder), effort)
                if place == 0:
                    say(f"- {figures.database_line()}")
                results.append(measured)
        say()
        report(results)
        if new_database and not chosen.no_peer:
            for count in effort.peer_sizes:
                own, city = measure("PostgreSQL", count, new_database(f"own_{count}"), Path(folder), effort)
                compare(city, own, new_database(f"libres_{count}", tables=False), effort)
        figures.ending()


if __name__ == "__main__":
    main()
