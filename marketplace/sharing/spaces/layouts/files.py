"""A file in the layout cut into rows, whatever its encoding and however its quotation marks are broken."""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from marketplace.kernel.words import _l
from marketplace.sharing.spaces.layouts.columns import COLUMNS, FACILITY, MAX_CELL, MAX_NAME, REQUIRED, clean
from marketplace.sharing.spaces.layouts.names import tight
from marketplace.sharing.spaces.layouts.remarks import LayoutError

MAX_ROWS = 200_000
ENCODINGS = ("utf-8", "cp949")
HEAD = 4096
"""How many bytes are looked at to recognise the encoding by the names of the columns."""
_DAMAGE = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class Record:
    """A row by the names of its columns, or what is wrong with its form (code of a reason, what it tells)."""

    line: int
    cells: dict[str, str]
    fault: tuple[str, dict[str, object]] | None = None


def decode(data: bytes) -> tuple[str, str]:
    """The text and its encoding. Bytes that are no text become lone surrogates: they cost their row, not the file.

    raises   LayoutError if the file is in neither encoding.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise LayoutError(_l("The file is in UTF-16. Save it as CSV in UTF-8 and try again."))
    for encoding in ENCODINGS:
        if FACILITY.encode(encoding) in data[:HEAD]:
            return data.decode(encoding, "surrogateescape").removeprefix("\ufeff"), encoding
    for encoding in ENCODINGS:
        with suppress(UnicodeDecodeError):
            return data.decode(encoding).removeprefix("\ufeff"), encoding
    raise LayoutError(_l("The file is neither in UTF-8 nor in CP949. Save it as CSV in UTF-8 and try again."))


def records(lines: Sequence[str], encoding: str) -> Iterator[Record]:
    """Cut the lines of a file into rows; after a row with broken quotes go on with the line after its first."""
    header: list[str] = []
    count = at = 0
    while at < len(lines):
        start, reader = at, csv.reader((lines[i] for i in range(at, len(lines))), strict=True)
        try:
            for cells in reader:
                line, start = start + 1, at + reader.line_num
                if not any(cell.strip() for cell in cells):
                    continue
                if not header:
                    header = _header(cells)
                    continue
                count += 1
                if count > MAX_ROWS:
                    raise LayoutError(
                        _l("The file has more than {limit} rows. Split it and import the parts.", limit=MAX_ROWS)
                    )
                yield _record(line, header, cells, encoding)
            return
        except csv.Error as fault:
            if not header:
                raise LayoutError(_l("The first line is not a list of column names.")) from fault
            count += 1
            code = "too_long" if "limit" in str(fault) else "quotes"
            yield Record(
                start + 1,
                {FACILITY: clean(_DAMAGE.sub("\N{REPLACEMENT CHARACTER}", lines[start][:MAX_NAME]))},
                (code, {"limit": MAX_CELL}),
            )
            at = start + 1
    if not header:
        raise LayoutError(_l("The file is empty."))


def _header(cells: Sequence[str]) -> list[str]:
    header = [tight(clean(cell)) for cell in cells]
    for column in COLUMNS:
        if header.count(column) > 1:
            raise LayoutError(_l("The column {column} stands twice in the header.", column=column))
        if column in REQUIRED and column not in header:
            raise LayoutError(_l("The column {column} is missing from the header.", column=column))
    return header


def _record(line: int, header: Sequence[str], cells: Sequence[str], encoding: str) -> Record:
    known = dict.fromkeys(COLUMNS, "")
    known.update((column, clean(cell)) for column, cell in zip(header, cells, strict=False) if column in known)
    if any(map(_DAMAGE.search, cells)):
        shown = {column: _legible(cell) for column, cell in known.items()}
        return Record(line, shown, ("damaged", {"encoding": encoding.upper()}))
    if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
        return Record(line, known, ("cells", {"found": len(cells), "expected": len(header)}))
    return Record(line, known)


def _legible(text: str) -> str:
    return _DAMAGE.sub("\N{REPLACEMENT CHARACTER}", text)
