"""A phone: an app that shows codes, and a device that keeps passkeys, both made of software."""

import html
import json
import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256

import pyotp
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

from marketplace.civic.accounts.models import Person
from marketplace.civic.factors.service import codes
from marketplace.kernel import clock, db
from tests import factories
from tests.conftest import Browser

ORIGIN, HOST = "http://localhost", "localhost"
PRESENT, RECOGNISED, NEW_KEY = 0x01, 0x04, 0x40


@dataclass
class Device:
    """Keeps one passkey and signs with it, as a telephone would; what it says may be bent."""

    origin: str = ORIGIN
    host: str = HOST
    flags: int = PRESENT | RECOGNISED
    count: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: str = ""

    def make(self, options: dict) -> str:
        """The answer to a question for a new passkey."""
        self.handle = options["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + encode_cbor(public)
        statement = {"fmt": "none", "attStmt": {}, "authData": self._about(NEW_KEY) + attested}
        told = self._told("webauthn.create", options["challenge"])
        return self._answer(clientDataJSON=told, attestationObject=encode_cbor(statement))

    def sign(self, options: dict) -> str:
        """The answer to a question for a known passkey."""
        told, about = self._told("webauthn.get", options["challenge"]), self._about()
        signature = self.key.sign(about + sha256(told).digest(), ec.ECDSA(hashes.SHA256()))
        handle = base64url_to_bytes(self.handle)
        return self._answer(clientDataJSON=told, authenticatorData=about, signature=signature, userHandle=handle)

    def _told(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _about(self, more: int = 0) -> bytes:
        return sha256(self.host.encode()).digest() + bytes([self.flags | more]) + self.count.to_bytes(4, "big")

    def _answer(self, **parts: bytes) -> str:
        name = bytes_to_base64url(self.credential_id)
        response = {part: bytes_to_base64url(value) for part, value in parts.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def code(secret: str, later: int = 0) -> str:
    """What the app shows, so many half minutes later."""
    return pyotp.TOTP(secret).at(clock.now(), counter_offset=later)


@pytest.fixture
def jiwoo() -> Person:
    """A resident who knows their password and nothing else."""
    return factories.person(email="jiwoo@example.org")


@pytest.fixture
def strict(app, settings, monkeypatch):
    """A city that asks a second factor of everyone who works for it."""
    monkeypatch.setattr(type(settings), "staff_need_second_factor", True)


def with_app(person: Person) -> str:
    """Set up an app, whose first code is used up; gives its secret."""
    seed = codes.new_seed(person)
    codes.set_up_app(person, seed, code(seed.secret, -1))
    db.session.commit()
    return seed.secret


def with_passkey(browser: Browser, person: Person, name: str = "Phone", device: Device | None = None) -> Device:
    """Register a passkey on the pages."""
    device = device or Device()
    factories.sign_in(browser, person)
    options = browser.get("/account/passkeys/question").get_json()
    answer = browser.send("/account/passkeys/new", name=name, credential=device.make(options))
    assert answer.status_code == 303, answer.text
    return device


def password(browser: Browser, person: Person, onward: str = "/account/sessions"):
    """Sign in as far as a password leads."""
    sent = {"email": person.email, "password": factories.PASSWORD}
    return browser.send(f"/sign-in?next={onward}", **sent)


def half_way(browser: Browser, person: Person) -> Browser:
    """A browser that knows the password and has yet to take the second step."""
    assert password(browser, person).location == "/sign-in/second-step?next=/account/sessions"
    return browser


def is_in(browser: Browser) -> bool:
    """Whether someone is signed in in this browser."""
    return browser.get("/account").status_code == 200


def found(pattern: str, text: str) -> str:
    """The part of a page that is looked for: the group of the pattern, or all of it."""
    match = re.search(pattern, text)
    assert match, pattern
    return match[1] if match.re.groups else match[0]


def sentence(answer) -> str:
    """What the page says is wrong."""
    found = re.search(r'govuk-error-summary__body">(.*?)</div>', answer.text, re.DOTALL)
    assert found, answer.status_code
    return html.unescape(re.sub(r"<[^>]+>|\s+", " ", found[1])).strip()
