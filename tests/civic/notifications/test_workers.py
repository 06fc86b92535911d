"""Two workers and a real mail server: one worker is killed in the middle, and every letter arrives."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from marketplace.civic.notifications import service
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import db
from marketplace.kernel.jobs import Job
from tests import factories
from tests.factories import march

ROOT = Path(__file__).parents[3]
PEOPLE, NEWS = 40, 5
PATIENCE = 120
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Sink:
    """A mail server that takes everything and remembers by what each letter is known."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []

    async def handle_DATA(self, _server, _session, envelope):
        message = message_from_bytes(envelope.content)
        self.taken.append((message["Message-ID"], envelope.rcpt_tos[0]))
        return "250 OK"


@pytest.fixture
def sink():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = Sink()
    controller = Controller(found, "127.0.0.1", port)
    controller.start()
    yield found, port
    controller.stop()


@pytest.fixture
def start(live_database, settings, tmp_path, sink):
    """Start a worker as an operator does; whatever still runs at the end is killed."""
    environment = {
        **os.environ,
        "MAEUL_ENV": "test",
        "DATABASE_URL": live_database,
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": settings.secret_key,
        "SMTP_URL": f"smtp://127.0.0.1:{sink[1]}",
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "work"]
    running: list[subprocess.Popen[bytes]] = []

    def go() -> "subprocess.Popen[bytes]":
        with (tmp_path / f"worker{len(running)}.log").open("w") as log:
            running.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
        return running[-1]

    yield go
    for worker in running:
        worker.kill()
        worker.wait()


def wait_until(done) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, "nothing more happens"
        time.sleep(0.02)


def left() -> int:
    with db.transaction(read_only=True) as session:
        return session.scalar(sa.select(sa.func.count()).where(Job.name == "notifications.letter")) or 0


def test_every_letter_arrives_though_a_worker_is_killed(live_database, sink, start):
    arrived, _port = sink
    with db.transaction() as session:
        people = [factories.person().id for _ in range(PEOPLE)]
        made = factories.booking(factories.space(), march(10, 18, 20))
        for _ in range(NEWS):
            service.tell(people, "spaces.closed", f"booking:{made.id}")
        session.execute(sa.update(Job).values(run_at=LONG_AGO))  # the workers' clock runs
    wanted = PEOPLE * NEWS + 1  # and that of the booking itself

    doomed, other = start(), start()
    wait_until(lambda: len(arrived.taken) >= wanted // 4)
    doomed.kill()
    assert doomed.wait() == -signal.SIGKILL
    with db.transaction() as session:  # its lease runs out
        in_hand = Job.worker.contains(f":{doomed.pid}:")
        session.execute(sa.update(Job).where(in_hand).values(lease_until=LONG_AGO))
    wait_until(lambda: left() == 0)
    other.terminate()
    assert other.wait(PATIENCE) == 0

    known = Counter(message_id for message_id, _to in arrived.taken)
    assert len(known) == wanted
    twice = [message_id for message_id, times in known.items() if times > 1]
    assert len(twice) <= 1, "only what the worker had in hand may be handed over again, under the same name"
    per_person = Counter(to for _id, to in dict(arrived.taken).items())
    with db.transaction(read_only=True) as session:
        told = session.scalar(sa.select(sa.func.count()).select_from(Notice))
        assert told == wanted
        assert session.scalar(sa.select(sa.func.count()).where(Job.dead_at.is_not(None))) == 0
    assert sorted(per_person.values()) == [1, *[NEWS] * PEOPLE]
