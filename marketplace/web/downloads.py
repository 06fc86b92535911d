"""Downloads: CSV that no spreadsheet runs as a formula, calendars, GeoJSON."""

import csv
import io
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from flask import Response

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula; a Korean one in full width too."""


def harmless(cell: object) -> str:
    """A cell that a spreadsheet reads as text, never as a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(DANGEROUS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV text with a byte-order mark, so that every spreadsheet reads Korean."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def attachment(body: str | bytes, name: str, content_type: str) -> Response:
    """A file for the visitor to keep."""
    response = Response(body, content_type=content_type)
    named = {"filename": name} if name.isascii() else {"filename*": f"UTF-8''{quote(name)}"}
    response.headers.set("Content-Disposition", "attachment", **named)
    return response


def calendar(body: bytes, name: str) -> Response:
    """An iCalendar file."""
    return attachment(body, name, "text/calendar; charset=utf-8")
