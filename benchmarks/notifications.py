"""How quickly a city is told: notices for many people in one transaction, and their letters by two workers.

    .venv/bin/python -m benchmarks.notifications                  100,000 notices for 10,000 people, every letter sent
    .venv/bin/python -m benchmarks.notifications --send 5000      only so many letters sent
    .venv/bin/python -m benchmarks.notifications --on postgresql  on one database only
    .venv/bin/python -m benchmarks.notifications --quick          a trial of the script itself

The letters go to a real mail server in this process, which counts them by Message-ID. One of the two workers is killed
(SIGKILL) after a quarter, and another one started; what it had in hand comes again when its lease of a minute is over.
"""

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import sqlalchemy as sa
from aiosmtpd.controller import Controller
from tqdm import tqdm

from benchmarks import cluster, figures, server
from benchmarks.city import build
from benchmarks.figures import say
from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications import service
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import clock, db
from marketplace.kernel.jobs import Job
from marketplace.sharing.spaces.models import Booking
from marketplace.web import schema

NEWS, ROOMS = 10, 40
WORKERS = 2
PATIENCE = 120  # seconds without a letter


class Sink:
    """A mail server that takes everything and counts."""

    def __init__(self) -> None:
        self.taken: Counter[bytes] = Counter()

    async def handle_DATA(self, _server, _session, envelope):
        """Remember by what the letter is known."""
        self.taken[envelope.content.partition(b"Message-ID:")[2].split(None, 1)[0]] += 1
        return "250 OK"


@contextlib.contextmanager
def mail_server() -> Iterator[tuple[Sink, int]]:
    """A sink, and the port that it listens at."""
    with socket.socket() as probe:
        probe.bind((server.HOST, 0))
        port = probe.getsockname()[1]
    sink = Sink()
    controller = Controller(sink, server.HOST, port)
    controller.start()
    try:
        yield sink, port
    finally:
        controller.stop()


def settle(people: int) -> list[int]:
    """People with confirmed addresses, one in three reading Korean."""
    with db.transaction() as session:
        rows = [
            {
                "name": f"Neighbour {number}", "email": f"n{number}@benchmark.example", "password_hash": "-",
                "language": "ko" if number % 3 == 0 else "en", "confirmed_at": clock.now(),
            }
            for number in range(people)
        ]  # fmt: skip
        session.execute(sa.insert(Person), rows)
        ours = Person.email.endswith("@benchmark.example")
        return list(session.scalars(sa.select(Person.id).where(ours)))


def tell(people: list[int], subjects: list[str]) -> tuple[float, int]:
    """Tell everyone so many news in one transaction: seconds until it is committed, and statements."""
    with figures.statements(db.session.get_bind()) as sent:  # type: ignore[arg-type]
        begun = perf_counter()
        with db.transaction():
            for subject in subjects:
                service.tell(people, "spaces.closed", subject)
        return perf_counter() - begun, len(sent)


def post(url: str, folder: Path, sink: Sink, port: int, wanted: int) -> float:
    """Have the letters sent; one worker is killed on the way. Seconds from the first letter to the last."""
    environment = {**os.environ, **server._environment(url, folder), "SMTP_URL": f"smtp://{server.HOST}:{port}"}
    command = [sys.executable, "-m", "flask", "--app", "benchmarks.wsgi", "jobs", "work"]

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(command, cwd=server.ROOT, env=environment, stderr=subprocess.DEVNULL)

    workers = [start() for _ in range(WORKERS)]
    progress = tqdm(total=wanted, desc="letters", file=sys.stderr, disable=None, leave=False)
    first = last = perf_counter()
    known, killed = 0, False
    while (known < wanted or _left()) and perf_counter() - last < PATIENCE:
        time.sleep(0.2)
        if (now := len(sink.taken)) > known:
            first = perf_counter() if not known else first
            known, last = now, perf_counter()
            progress.update(known - progress.n)
        if not killed and known >= wanted // 4:
            workers[0].kill()
            workers.append(start())
            killed = True
    for worker in workers:
        worker.terminate()
        worker.wait()
    progress.close()
    return last - first


def _left() -> int:
    with db.transaction(read_only=True) as session:
        return session.scalar(sa.select(sa.func.count()).where(Job.name == "notifications.letter")) or 0


def measure(name: str, url: str, folder: Path, people: int, send: int) -> tuple[object, ...]:
    """One row: telling, then sending."""
    schema.upgrade(url)
    engine: sa.Engine = server.application(url, folder).extensions["engine"]
    with db.transaction() as session:
        build(ROOMS)
        bookings = session.scalars(sa.select(Booking.id).where(Booking.people.is_not(None)).limit(NEWS)).all()
    told = settle(people)
    seconds, statements = tell(told, [f"booking:{booking_id}" for booking_id in bookings])
    notices = people * NEWS
    wanted = min(send, notices)
    with db.transaction() as session:
        letters = sa.select(Job.id).where(Job.name == "notifications.letter").order_by(Job.id).limit(wanted)
        session.execute(sa.delete(Job).where(Job.id.not_in(letters)))
        assert session.scalar(sa.select(sa.func.count()).select_from(Notice)) == notices
    say(f"- {figures.database_line()}")
    engine.dispose()
    with mail_server() as (sink, port):
        sending = post(url, folder, sink, port, wanted)
    left, arrived = _left(), len(sink.taken)
    engine.dispose()
    again = sum(times - 1 for times in sink.taken.values())
    figures.ending()
    speed = arrived / sending
    return name, people, notices, seconds, statements, wanted, wanted - arrived, again, left, sending / 60, speed


def main() -> None:
    """Measure both databases and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--people", type=int, default=10_000)
    options.add_argument("--send", type=int, default=10**9, help="only so many letters")
    options.add_argument("--on", choices=("sqlite", "postgresql"), help="only this database")
    options.add_argument("--quick", action="store_true", help="a small trial run")
    asked = options.parse_args()
    people, send = (20, 100) if asked.quick else (asked.people, asked.send)
    figures.heading("benchmarks.notifications")
    rows = []
    with TemporaryDirectory(prefix="maeul-benchmark.") as folder, cluster.started() as new_database:
        databases = {"SQLite": f"sqlite:///{folder}/notifications.db"}
        if new_database:
            databases["PostgreSQL"] = new_database("notifications")
        for name, url in databases.items():
            if asked.on in (None, name.lower()):
                rows.append(measure(name, url, Path(folder), people, send))
    say()
    head = (
        "people", "notices", "told in s", "statements", "letters", "lost", "twice", "left", "minutes",
        "letters a second",
    )  # fmt: skip
    figures.table(("", *head), rows)


if __name__ == "__main__":
    main()
