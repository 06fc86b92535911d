"""Downloads: files for the visitor to keep."""

from urllib.parse import quote

from flask import Response


def attachment(body: str | bytes, name: str, content_type: str) -> Response:
    """A file for the visitor to keep."""
    return as_attachment(Response(body, content_type=content_type), name)


def as_attachment(response: Response, name: str) -> Response:
    """The same answer as a file of this name, not to be shown."""
    named = {"filename": name} if name.isascii() else {"filename*": f"UTF-8''{quote(name)}"}
    response.headers.set("Content-Disposition", "attachment", **named)
    return response


def calendar(body: bytes, name: str) -> Response:
    """An iCalendar file."""
    return attachment(body, name, "text/calendar; charset=utf-8")
