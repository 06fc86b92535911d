"""The development mailbox: every letter the city would have sent, readable at /dev/mailbox. Not in production."""

import base64
import hashlib
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, current_app

from marketplace.kernel.errors import NotFound
from marketplace.settings import Settings
from marketplace.web import downloads, letters
from marketplace.web.access import public
from marketplace.web.pages import page

MOST = 100
NO_FRAMES = "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"


def _read(file: Path) -> EmailMessage:
    return message_from_bytes(file.read_bytes(), policy=policy.default)


def forget(person: Any) -> None:
    """Throw away the kept letters to a person, and those about them."""
    words = {str(person.email), str(person.name)}
    for file in letters.mailbox(current_app.extensions["settings"]).glob("*.eml"):
        if any(word in text for text in _texts(_read(file)) for word in words):
            file.unlink(missing_ok=True)


def _texts(letter: EmailMessage) -> Iterator[str]:
    """Everything that can be read in a letter and its enclosures."""
    yield from map(str, letter.values())
    for part in letter.walk():
        if part.get_content_maintype() == "text":
            yield part.get_content()


def install(app: Flask, settings: Settings) -> None:
    """Open the mailbox, unless people rely on this instance."""
    if settings.in_production:
        return
    bp = Blueprint("mailbox", __name__)
    folder = letters.mailbox(settings)

    def find(name: str) -> EmailMessage:
        file = folder / f"{name}.eml"
        if not name.isalnum() or not file.exists():
            raise NotFound
        return _read(file)

    @bp.get("/dev/mailbox")
    @public
    def inbox() -> Response:
        """The latest letters, newest first."""
        files = sorted(folder.glob("*.eml"), reverse=True)[:MOST]
        return page("dev/mailbox.html", letters=[(file.stem, _read(file)) for file in files])

    @bp.get("/dev/mailbox/<name>")
    @public
    def letter(name: str) -> Response:
        """One letter, its links ready to follow."""
        found = find(name)
        body = found.get_body(("plain",))
        laid_out = found.get_body(("html",)) is not None
        text = str(body.get_content()) if body else ""
        return page("dev/letter.html", name=name, letter=found, body=text, laid_out=laid_out)

    @bp.get("/dev/mailbox/<name>/html")
    @public
    def laid_out(name: str) -> Response:
        """The letter as mail programs show it: its own style, and nothing else, is let in."""
        part = find(name).get_body(("html",))
        if part is None:
            raise NotFound
        text = part.get_content()
        style = text.partition("<style>")[2].partition("</style>")[0]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        response = Response(text, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = f"default-src 'none'; style-src 'sha256-{digest}'; {NO_FRAMES}"
        return response

    @bp.get("/dev/mailbox/<name>/<int:number>")
    @public
    def enclosure(name: str, number: int) -> Response:
        """A file that came with a letter."""
        parts = list(find(name).iter_attachments())
        if number >= len(parts):
            raise NotFound
        part = parts[number]
        content = part.get_payload(decode=True)
        return downloads.attachment(content, part.get_filename() or "file", part.get_content_type())  # type: ignore[arg-type]

    app.register_blueprint(bp)
