"""Tables as CSV that no spreadsheet runs as a formula."""

import csv
from collections.abc import Iterable, Iterator, Sequence

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula; a Korean one in full width too."""

MARK = "\ufeff"
"""The byte-order mark by which every spreadsheet knows that it reads UTF-8, and Korean."""


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
