"""What happens when many want one room at one time, and how many bookings a second the city takes.

    .venv/bin/python -m benchmarks.contention           about five minutes
    .venv/bin/python -m benchmarks.contention --quick   a trial of the script itself

So many processes are released together on one room and time, in the service and over HTTP, each as a resident of its
own; every round on another time. Exactly one must be accepted and the others told so, 409 and nothing else.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import sqlalchemy as sa

from benchmarks import cluster, figures, server
from benchmarks.availability import create, wishes
from benchmarks.city import build
from benchmarks.figures import say
from benchmarks.racing import ACCEPTED, COLUMNS, PATIENCE, Attempt, processes, race
from marketplace.civic.accounts import queries as accounts
from marketplace.kernel import db
from marketplace.kernel.errors import DomainError
from marketplace.kernel.intervals import Interval
from marketplace.sharing.spaces.models import Booking
from marketplace.sharing.spaces.queries import rooms
from marketplace.sharing.spaces.queries.bookings import get_booking
from marketplace.sharing.spaces.service import bookings
from marketplace.web import schema

ROOMS = 800


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    crowds: tuple[int, ...]
    rounds: int
    clients: tuple[int, ...]
    bookings: int


WHOLE = Effort((4, 16, 64), 20, (1, 4, 16), 320)
QUICK = Effort((4,), 2, (2,), 8)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where it happens: a city on a database, the site that serves it, and free times in it."""

    url: str
    port: int
    person_ids: list[int]
    sign_ins: list[server.SignIn]
    wishes: list[tuple[int, int, Interval]]


# --- one time, many who want it ---


def hold_in_service(stage: Stage, which: int) -> Attempt:
    """A process's way to hold a time by the service."""
    db.connect(stage.url)
    person_id = stage.person_ids[which]

    def hold(turn: int) -> tuple[int, str]:
        _person, space_id, time = stage.wishes[turn]
        try:
            with db.transaction():
                held = bookings.hold(accounts.person(person_id), rooms.get_space(space_id), time)
                return ACCEPTED, held.reference
        except DomainError as refusal:
            return refusal.status, ""

    with db.transaction(read_only=True):
        accounts.person(person_id)  # connected before the race
    return hold


def hold_over_http(stage: Stage, which: int) -> Attempt:
    """A process's way to hold a time as a browser does."""
    browser = server.Browser(stage.port, stage.sign_ins[which])

    def hold(turn: int) -> tuple[int, str]:
        _person, space_id, time = stage.wishes[turn]
        browser.connect()  # the one before may have been closed between two rounds
        status, location, _ = browser.post(f"/spaces/{space_id}/hold", **_form(time))
        return status, location.split("/")[-2] if status == ACCEPTED else ""

    return hold


def _form(time: Interval) -> dict[str, object]:
    return {"start": time.starts_at.isoformat(), "minutes": int(time.length.total_seconds()) // 60}


def _leave(references: Sequence[str]) -> None:
    """Who got it leaves it before the next round."""
    for reference in references:
        with db.transaction():
            held = get_booking(reference)
            bookings.leave(accounts.person(held.person_id), held)


# --- many times, each wanted once ---


def book_in_service(stage: Stage, which: int) -> Callable[[tuple[int, int, Interval]], bool]:
    """A process's way to make a whole booking by the service."""
    db.connect(stage.url)

    def book(wish: tuple[int, int, Interval]) -> bool:
        create((stage.person_ids[which], *wish[1:]))
        return True

    return book


def book_over_http(stage: Stage, which: int) -> Callable[[tuple[int, int, Interval]], bool]:
    """A process's way to make a whole booking as a browser does: hold the time, then send the details."""
    browser = server.Browser(stage.port, stage.sign_ins[which])

    def book(wish: tuple[int, int, Interval]) -> bool:
        status, location, _ = browser.post(f"/spaces/{wish[1]}/hold", **_form(wish[2]))
        if status != ACCEPTED:
            return False
        details = location.partition("?")[0]
        answer = browser.post(details, people=2, purpose="A meeting of neighbours", rules_accepted="yes")
        return answer[0] == ACCEPTED

    return book


def _booker(way: Any, stage: Stage, which: int, own: list[tuple[int, int, Interval]], gate: Any, made: Any) -> None:
    book = way(stage, which)
    gate.wait()
    done = 0
    for wish in own:
        try:
            done += book(wish)
        except Exception as failure:  # noqa: BLE001 - shown, and missing from the count
            print(repr(failure), file=sys.stderr)
    made.put(done)
    gate.wait()


def throughput(way: Any, stage: Stage, clients: int, wanted: list[tuple[int, int, Interval]], label: str) -> Any:
    """Make every booking wanted, shared out among so many processes."""
    gate, made = processes.Barrier(clients + 1, timeout=PATIENCE), processes.Queue()
    shares = [wanted[n::clients] for n in range(clients)]
    bookers = [
        processes.Process(target=_booker, args=(way, stage, n, share, gate, made)) for n, share in enumerate(shares)
    ]
    for booker in bookers:
        booker.start()
    gate.wait()
    begun = perf_counter()
    done = sum(made.get() for _ in bookers)
    spent = perf_counter() - begun
    gate.wait()
    for booker in bookers:
        booker.join()
    return label, clients, len(wanted), done, done / spent


# --- the whole run ---


def measure(name: str, url: str, folder: Path, effort: Effort) -> tuple[list[Any], list[Any]]:
    """The races and the bookings per second of one database."""
    schema.upgrade(url)
    app = server.application(url, folder)
    engine: sa.Engine = app.extensions["engine"]
    with db.transaction():
        city = build(ROOMS)
    free = wishes(city, effort.rounds + 2 * len(effort.clients) * effort.bookings)
    people = city.person_ids[: max(effort.crowds + effort.clients)]
    sign_ins = server.sign_in(app, people)
    engine.dispose()  # no connection crosses the fork
    raced, booked = [], []
    with server.serving(url, folder) as port:
        stage = Stage(url, port, people, sign_ins, free)
        for crowd in effort.crowds:
            for where, way in (("service", hold_in_service), ("HTTP", hold_over_http)):
                raced.append(race(partial(way, stage), crowd, effort.rounds, f"{name}, {where}", _leave))
                engine.dispose()
        left = free[effort.rounds :]
        for clients in effort.clients:
            for where, book in (("service", book_in_service), ("HTTP", book_over_http)):
                wanted, left = left[: effort.bookings], left[effort.bookings :]
                booked.append(throughput(book, stage, clients, wanted, f"{name}, {where}"))
    with db.transaction(read_only=True) as own:
        count = own.scalar(sa.select(sa.func.count(Booking.id)).where(Booking.purpose == "A meeting of neighbours"))
    expected = sum(row[3] for row in booked)
    say(f"- {figures.database_line()}; {count:,} bookings found of {expected:,} acknowledged")
    engine.dispose()
    return raced, booked


def main() -> None:
    """Measure both databases and print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a small trial run")
    effort = QUICK if options.parse_args().quick else WHOLE
    raced: list[Any] = []
    booked: list[Any] = []
    figures.heading("benchmarks.contention")
    with TemporaryDirectory(prefix="maeul-benchmark.") as folder, cluster.started() as new_database:
        databases = {"SQLite": f"sqlite:///{folder}/contention.db"}
        if new_database:
            databases["PostgreSQL"] = new_database("contention")
        else:
            print("No PostgreSQL with PostGIS here: SQLite only.", file=sys.stderr)
        for name, url in databases.items():
            races, rates = measure(name, url, Path(folder), effort)
            raced += races
            booked += rates
    say()
    say(f"One room and time, {ROOMS} rooms in the city; from release to answer in milliseconds.")
    say()
    figures.table(COLUMNS, raced)
    say("Distinct times; a booking is a hold and its details, over HTTP two requests.")
    say()
    figures.table(("", "processes", "wanted", "booked", "bookings a second"), booked)
    figures.ending()


if __name__ == "__main__":
    main()
