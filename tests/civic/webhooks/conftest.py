from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.webhooks import service
from marketplace.civic.webhooks.models import WebhookEndpoint
from marketplace.kernel import db, outward
from tests import factories

CONFIRMED = "booking.confirmed"


@dataclass
class Receiver:
    """A system of the city: keeps what it is sent, and answers as it is told."""

    url: str = ""
    status: int = 204
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    before_answer: Callable[[], object] = lambda: None
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real HTTP server on this machine."""
    own = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            own.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            own.before_answer()
            self.send_response(own.status)
            for name, value in own.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(own.body)))
            self.end_headers()
            with suppress(OSError):  # whoever asked reads no further
                self.wfile.write(own.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    own.url = f"http://127.0.0.1:{server.server_port}/maeul"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield own
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def look_again() -> None:
    """No memory of a test before that nobody listens."""
    service._look_again()


@pytest.fixture
def anywhere() -> Iterator[None]:
    """Receivers may be on this machine, as the setting WEBHOOKS_ANYWHERE allows."""
    outward.set_anywhere(True)
    yield
    outward.set_anywhere(False)


@pytest.fixture
def admin() -> Person:
    return factories.person("The admin", roles=[Role.ADMINISTRATOR])


@pytest.fixture
def endpoint(anywhere: None, admin: Person, receiver: Receiver) -> WebhookEndpoint:
    """The receiver, told of confirmed bookings; `endpoint.told` is its secret."""
    made, secret = service.register(admin, receiver.url, "Doors of the halls", [CONFIRMED])
    made.told = secret  # type: ignore[attr-defined]
    db.session.commit()
    return made
