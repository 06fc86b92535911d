"""The site as it is served, for one run, and clients that hold on to their connection."""

import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, session
from flask_wtf.csrf import generate_csrf

from marketplace import create_app
from marketplace.civic.accounts.models import PersonSession
from marketplace.kernel import credentials, db
from marketplace.settings import Settings
from marketplace.sharing.spaces.service import bookings

bookings.MOST_COMING = 1_000_000
"""One person books for a whole run: what is measured is the program, not how much a city grants to one."""

ROOT = Path(__file__).parent.parent
HOST = "127.0.0.1"
STARTS_WITHIN = 60


def settings(url: str, folder: Path) -> Settings:
    """The settings of a city in production, for the database of this run."""
    return Settings.from_environment(_environment(url, folder))


def _environment(url: str, folder: Path) -> dict[str, str]:
    return {
        "MAEUL_ENV": "production",
        "ALLOW_SQLITE": "yes",
        "DATABASE_URL": url,
        "DATA_DIR": str(folder),
        "SECRET_KEY": "for benchmarks only, " * 3,
        "BASE_URL": "https://benchmark.example",
        "SMTP_URL": "smtp://localhost:9",
    }


@contextmanager
def serving(url: str, folder: Path) -> Iterator[int]:
    """Gunicorn with the configuration of the project, on a free port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, **_environment(url, folder), "BIND": HOST, "PORT": str(port)}
    command = [sys.executable, "-m", "gunicorn", "--config", "python:marketplace.web.serving", "benchmarks.wsgi:app"]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(port, server)
        yield port
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(STARTS_WITHIN * 10):
        try:
            socket.create_connection((HOST, port)).close()
            return
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.1)
    raise RuntimeError("The server did not start; see server.log.")


@dataclass(slots=True)
class SignIn:
    """What a signed-in browser sends with every request."""

    cookie: str
    csrf_token: str


def sign_in(app: Flask, person_ids: list[int]) -> list[SignIn]:
    """Open a session for each person, without the form."""
    tokens = [credentials.new_token() for _ in person_ids]
    with db.transaction() as own:
        for token, person_id in zip(tokens, person_ids, strict=True):
            own.add(PersonSession(token_hash=credentials.digest(token), person_id=person_id, device="benchmark"))
    return [_signed_in(app, token) for token in tokens]


def _signed_in(app: Flask, token: str) -> SignIn:
    with app.test_request_context():
        session["_user_id"] = token
        csrf_token = generate_csrf()
        signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        return SignIn(f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps(dict(session))}", csrf_token)


@dataclass(slots=True)
class Browser:
    """A client on one connection, opened again if the server closed it."""

    port: int
    sign_in: SignIn | None = None
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(HOST, self.port, timeout=120)

    def connect(self) -> None:
        """Open a new connection now."""
        self.connection.close()
        self.connection.connect()

    def get(self, path: str) -> tuple[int, str, bytes]:
        """Status, Location and body."""
        return self._ask("GET", path, None)

    def post(self, path: str, **fields: object) -> tuple[int, str, bytes]:
        """Send a form once, as a browser does."""
        assert self.sign_in is not None
        form = {"csrf_token": self.sign_in.csrf_token, "_key": secrets.token_urlsafe(16), **fields}
        return self._ask("POST", path, urlencode(form))

    def _ask(self, method: str, path: str, body: str | None) -> tuple[int, str, bytes]:
        headers = {"Cookie": self.sign_in.cookie} if self.sign_in else {}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers.get("Location", ""), answer.read()


def application(url: str, folder: Path) -> Flask:
    """The application in this process, bound to the database of this run."""
    return create_app(settings(url, folder))
