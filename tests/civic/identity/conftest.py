import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from marketplace.civic.identity.service import provider as protocol

CLIENT, SECRET = "maeul", "the secret of both"


class City:
    """The provider from outside: signs people in, and lies when told to."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def lies(self, **how: Any) -> None:
        """From now on it lies so; what was known of it is forgotten."""
        requests.put(f"{self.issuer}/lie", json=how, timeout=5).raise_for_status()
        protocol.forget()

    def signs_in(self, url: str, subject: str, **form: str) -> str:
        """What the browser does there; gives the path by which it comes back."""
        answer = requests.post(url, data={"sub": subject, **form}, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"].removeprefix("http://localhost")


@pytest.fixture(scope="session")
def running() -> Iterator[str]:
    """The provider as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(Path(__file__).parent / "provider.py"), SECRET],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    yield f"http://localhost:{process.stdout.readline().strip()}"
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def city(running, app, monkeypatch, monday) -> City:
    """The city's identity provider is set; the clock is the machine's own, as the provider's is."""
    own = City(running)
    own.lies()
    monday(datetime.fromtimestamp(time.time_ns() / 1e9, UTC))
    settings = replace(
        app.extensions["settings"],
        oidc_issuer=running,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_name_en="Haneul ID",
        oidc_second_factor="mfa, hwk",
    )
    monkeypatch.setitem(app.extensions, "settings", settings)
    return own


@pytest.fixture
def come(city, browser) -> Callable[..., Any]:
    """Sign in at the provider as one of its people, and come back."""

    def go(subject: str = "jiwoo-1", *, by: Any = None, start: str = "/identity/start?next=/buildings/") -> Any:
        own = by or browser
        away = own.get(start)
        assert away.status_code == 303
        assert urlsplit(away.location).netloc == urlsplit(city.issuer).netloc, away.location
        return own.get(city.signs_in(away.location, subject))

    return go
