"""Acknowledged means kept: a server killed in the middle of bookings, again and again."""

import json
import logging
import multiprocessing
import random
import socket
import threading
import time
from http.client import HTTPConnection, HTTPException
from itertools import count
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from itsdangerous import URLSafeTimedSerializer
from werkzeug.serving import make_server

from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import PersonSession
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import audit, credentials, db
from marketplace.kernel.jobs import Job
from marketplace.kernel.occupancy import Kind, Occupancy, occupied_spans
from marketplace.sharing.spaces.models import AGREED, Booking, BookingState
from marketplace.web.once import IdempotencyKey
from tests import factories
from tests.conftest import KIND
from tests.factories import march

ROUNDS = 12
PROGRAMS = 2
EACH = 20
"""How many bookings one person makes: there is a limit."""


class Unacknowledged(Exception):
    """The server went away before it answered."""


class Server:
    """The application in a process of its own, to be killed and started anew."""

    def __init__(self, app, url):
        self.app, self.url = app, url
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def _serve(self):
        logging.getLogger("werkzeug").disabled = True
        db.connect(self.url)
        make_server("127.0.0.1", self.port, self.app, threaded=True).serve_forever()

    def start(self):
        self.process = multiprocessing.get_context("fork").Process(target=self._serve)
        self.process.start()
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except ConnectionRefusedError:
                time.sleep(0.01)

    def kill(self):
        self.process.kill()
        self.process.join()

    def ask(self, path, body, **headers):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        except (HTTPException, OSError) as lost:
            raise Unacknowledged from lost
        finally:
            connection.close()


class Log:
    """What clients were told, on disk before they go on."""

    def __init__(self, file):
        self.file, self.lock = file.open("a+"), threading.Condition()
        self.lines = 0

    def write(self, **line):
        with self.lock:
            self.file.write(json.dumps(line) + "\n")
            self.file.flush()
            self.lines += 1
            self.lock.notify()

    def wait_for(self, more):
        """Until so many more lines stand in the log."""
        with self.lock:
            wanted = self.lines + more
            self.lock.wait_for(lambda: self.lines >= wanted, 10)

    def read(self, what):
        self.file.seek(0)
        return [line for line in map(json.loads, self.file) if line["what"] == what]


def start_of(number: int) -> str:
    """The start of the hour that a client's n-th booking asks for: none is asked for twice."""
    return march(2 + number // 12, 9 + number % 12, 10 + number % 12).starts_at.isoformat()


class Program:
    """Books hour after hour; what was not acknowledged is asked for again with the same key."""

    def __init__(self, server, log, tokens, room):
        self.server, self.log, self.tokens, self.room = server, log, tokens, room
        self.number = self.interrupted = 0

    def run(self):
        while True:
            start = start_of(self.number)
            wish = {
                "space": self.room,
                "start": start,
                "minutes": 60,
                "people": 3,
                "purpose": "x",
                "rules_accepted": True,
            }
            key = {
                "Idempotency-Key": f"booking {self.number}",
                "Authorization": f"Bearer {self.tokens[self.number // EACH]}",
            }
            try:
                status, _, body = self.server.ask(
                    "/api/v1/bookings", json.dumps(wish), **{"Content-Type": "application/json"}, **key
                )
            except Unacknowledged:
                self.interrupted += 1
                return
            assert status == 201, body
            self.log.write(what="booked", reference=json.loads(body)["reference"], room=self.room, start=start)
            self.number += 1


class Visitor:
    """Holds an hour on the page of a room, then sends the booking; what was not acknowledged is given up."""

    def __init__(self, server, log, cookies, room, csrf):
        self.server, self.log, self.cookies, self.room, self.csrf = server, log, cookies, room, csrf
        self.number = self.interrupted = 0

    def run(self):
        for turn in count():
            if turn % EACH == 0:
                cookie = self.cookies.pop()  # a hold left behind counts against whoever made it
            try:
                self.number += 1
                held = self._send(cookie, f"/spaces/{self.room}/hold", start=start_of(self.number), minutes=60)
                reference = held.rsplit("/", 2)[1]
                self.log.write(what="held", reference=reference)
                self._send(cookie, held.partition("?")[0], people=3, purpose="x", rules_accepted="true")
                self.log.write(what="sent", reference=reference)
            except Unacknowledged:
                self.interrupted += 1
                return

    def _send(self, cookie, path, **fields):
        body = urlencode({"csrf_token": self.csrf, **fields})
        form = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"maeul={cookie}"}
        status, headers, text = self.server.ask(path, body, **form)
        assert status == 303, text
        return headers["Location"]


@pytest.fixture
def clients(app, live_database, tmp_path):
    """A server, a log of what it acknowledged, and clients that keep it busy."""
    server, log = Server(app, live_database), Log(tmp_path / "acknowledged")
    csrf = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps("raw")
    serializer = app.session_interface.get_signing_serializer(app)
    rooms = [factories.space(f"Room {number}", horizon_days=90).id for number in range(PROGRAMS + 1)]
    tokens = [
        [accounts.create_api_token(factories.person(), "crash", None) for _ in range(50)] for _ in range(PROGRAMS)
    ]
    cookies = []
    for _ in range(ROUNDS * 4):
        token = credentials.new_token()
        person_id = factories.person().id
        db.session.add(PersonSession(token_hash=credentials.digest(token), person_id=person_id, device="x"))
        cookies.append(serializer.dumps({"_user_id": token, "csrf_token": "raw"}))
    db.session.commit()
    db.session.remove()
    engine = db.session.get_bind()
    assert isinstance(engine, sa.Engine)
    engine.dispose()  # a process may not share its connections with those it forks
    programs = [Program(server, log, *one) for one in zip(tokens, rooms, strict=False)]
    yield server, log, [*programs, Visitor(server, log, cookies, rooms[-1], csrf)]
    log.file.close()


def test_whatever_was_acknowledged_is_kept_whole_however_often_the_server_is_killed(clients):
    server, log, busy = clients
    chance = random.Random(5)
    failures = []

    def run(client):
        try:
            client.run()
        except BaseException as failure:  # noqa: BLE001 - told by the test
            failures.append(failure)

    for _round in range(ROUNDS):
        server.start()
        threads = [threading.Thread(target=run, args=(client,)) for client in busy]
        for thread in threads:
            thread.start()
        log.wait_for(chance.randint(3, 12))
        time.sleep(chance.uniform(0, 0.05))
        server.kill()
        for thread in threads:
            thread.join()
        assert failures == []

    with db.transaction(read_only=True) as session:
        bookings = {booking.reference: booking for booking in session.scalars(sa.select(Booking))}
        held = {one.id: one for one in session.scalars(sa.select(Occupancy))}
        spans = {(row[0], row[1]) for row in session.execute(sa.select(*occupied_spans.c["occupancy_id", "starts_at"]))}
        told = {notice.id: int(notice.subject.partition(":")[2]) for notice in session.scalars(sa.select(Notice))}
        queued = session.scalars(sa.select(Job).where(Job.name == "notifications.letter"))
        letters = [told.pop(job.payload["notice_id"]) for job in queued]
        records = list(
            session.scalars(sa.select(audit.AuditEntry.subject).where(audit.AuditEntry.action.like("spaces%")))
        )
        half_answered = session.scalar(sa.select(sa.func.count()).where(IdempotencyKey.status.is_(None)))
        problems = audit.verify()
        sound = session.scalar(sa.text("PRAGMA integrity_check")) if KIND == "sqlite" else "ok"

    booked, sent = log.read("booked"), log.read("sent")
    assert booked
    assert sent
    assert all(client.interrupted == ROUNDS for client in busy)

    # Every acknowledgement was true.
    for line in booked:
        booking = bookings[line["reference"]]
        assert (booking.state, booking.space_id) == (BookingState.CONFIRMED, line["room"])
        assert booking.starts_at.isoformat() == line["start"]
    assert {bookings[line["reference"]].state for line in sent} == {BookingState.CONFIRMED}
    assert {line["reference"] for line in log.read("held")} <= bookings.keys()

    # Nothing was done twice: keys sent again after a crash found the one booking there was.
    assert len({line["reference"] for line in booked}) == len(booked)
    taken = [(booking.space_id, booking.starts_at) for booking in bookings.values()]
    assert len(taken) == len(set(taken))

    # Nothing is half there.
    agreed = [booking for booking in bookings.values() if booking.state in AGREED]
    assert {booking.occupancy_id for booking in bookings.values()} == held.keys()
    assert all(held[booking.occupancy_id or 0].kind is Kind.BOOKING for booking in agreed)
    assert all(held[booking.occupancy_id or 0].starts_at == booking.starts_at for booking in bookings.values())
    assert {(one.id, one.starts_at) for one in held.values()} == spans
    assert sorted(letters) == sorted(booking.id for booking in agreed)
    assert sorted(records) == sorted(f"booking:{booking.id}" for booking in agreed)
    assert (half_answered, problems, sound) == (0, [], "ok")
