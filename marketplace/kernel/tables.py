"""Tables as CSV that no spreadsheet runs as a formula, written, and read as spreadsheets save them."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

from marketplace.kernel.errors import Invalid
from marketplace.kernel.words import _l

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula; a Korean one in full width too."""

MARK = "\ufeff"
"""The byte-order mark by which every spreadsheet knows that it reads UTF-8, and Korean."""


def harmless(cell: object) -> str:
    """A cell that a spreadsheet reads as text, never as a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip("'").startswith(DANGEROUS) and not _is_number(text) else text


def meant(cell: str) -> str:
    """A cell as it was before `harmless`: without the guard, and lines ending as everywhere else."""
    text = cell.replace("\r\n", "\n").strip()
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(DANGEROUS) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class _Line:
    """What a csv.writer writes to when each line is wanted by itself."""

    @staticmethod
    def write(text: str) -> str:
        return text


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table as lines of CSV, one at a time; the head is ours and needs no guard."""
    writer = csv.writer(_Line())
    yield MARK + str(writer.writerow(head))
    for row in rows:
        yield str(writer.writerow([harmless(cell) for cell in row]))


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV text."""
    return "".join(csv_lines(head, rows))


# --- reading ---

ENCODINGS = ("utf-8", "cp949")
"""What spreadsheets in Korea save."""

DELIMITERS = (",", ";", "\t")
MOST_BROKEN = 100


class NoTable(Invalid):
    """A file that is text in no encoding we know, or no text at all."""

    message = _l("This file cannot be read as a table. Save it as CSV in UTF-8 and try again.")


class Workbook(NoTable):
    """A spreadsheet's own format."""

    message = _l("This is a workbook. In your spreadsheet choose Save as, CSV (UTF-8), and send that file.")


def csv_rows(data: bytes) -> Iterator[tuple[int, list[str] | None]]:
    """The rows of a file that a spreadsheet saved: line number, and the cells as they were meant; empty rows left out.

    A row whose quotation marks do not close is None, and reading goes on with the line after its first; of a file with
    many such rows nothing is read, as each may cost a look at all that follows.
    Raises NoTable, or Workbook.
    """
    lines = io.StringIO(_text_of(data), newline="").readlines()
    delimiter = max(DELIMITERS, key=(lines[0] if lines else "").count)
    at = broken = 0
    while at < len(lines):
        start, reader = at, csv.reader(islice(lines, at, None), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                row, start = start, at + reader.line_num
                if any(cell.strip() for cell in cells):
                    yield row + 1, [meant(cell) for cell in cells]
            return
        except csv.Error:
            if (broken := broken + 1) > MOST_BROKEN:
                raise NoTable from None
            yield start + 1, None
            at = start + 1


def _text_of(data: bytes) -> str:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Workbook
    for encoding in ENCODINGS:
        with suppress(UnicodeDecodeError):
            text = data.decode(encoding).removeprefix(MARK)
            if "\0" not in text:
                return text
    raise NoTable
