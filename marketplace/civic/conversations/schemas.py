"""What people write to each other, and how it is shown: plain text in which addresses of pages can be followed."""

import re
from urllib.parse import urlsplit

from marshmallow import Schema, fields, validate

from marketplace.civic.conversations.service import MOST_FILES
from marketplace.civic.uploads.models import Kind
from marketplace.kernel.files import Files
from marketplace.kernel.words import _m

LONGEST = 2000
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
ADDRESS = re.compile(r"https://[\w\-.~:/?#\[\]@!$&'()*+,;=%]+", re.ASCII)
TRAILING = ".,;:!?'"


class Writing(fields.String):
    """Text of one or several lines, without characters that nobody sees."""

    def _deserialize(self, value: object, attr: str | None, data: object, **more: object) -> str:
        text = super()._deserialize(value, attr, data, **more)
        return UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


class NewMessage(Schema):
    """A message; `sure` says that its writer has read the warning about what it holds."""

    text = Writing(load_default="", validate=validate.Length(max=LONGEST, error=_m("Write at most {max} characters.")))
    files = Files(Kind.PICTURE, Kind.RECORDING, most=MOST_FILES)
    sure = fields.Boolean(load_default=False)


class Nothing(Schema):
    """A button alone."""


def pieces(text: str) -> list[tuple[str, str | None]]:
    """The text in pieces; those that are the address of a page on the web come with it. Nothing but https is one."""
    found: list[tuple[str, str | None]] = []
    end = 0
    for match in ADDRESS.finditer(text):
        address = _without_trailing(match[0])
        if _leads_somewhere(address):
            found += [(text[end : match.start()], None), (address, address)]
            end = match.start() + len(address)
    return [(piece, link) for piece, link in (*found, (text[end:], None)) if piece]


def _without_trailing(address: str) -> str:
    """The address without the full stop of its sentence, and without a bracket that was opened before it."""
    while address and (address[-1] in TRAILING or (address[-1] == ")" and address.count(")") > address.count("("))):
        address = address[:-1]
    return address


def _leads_somewhere(address: str) -> bool:
    """Whether it names a site and does not hide which, as https://bank.example@evil.example does."""
    try:
        site = urlsplit(address)
    except ValueError:
        return False
    return "." in (site.hostname or "") and "@" not in site.netloc
