"""A zip file with all that is held about someone, written part by part so that a large one needs no memory."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from enum import Enum
from io import BytesIO
from itertools import chain
from pathlib import PurePosixPath
from types import TracebackType
from typing import IO, Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from marketplace.kernel import clock
from marketplace.kernel.hooks import Extract
from marketplace.kernel.tables import csv_lines


class Part(NamedTuple):
    """What the zip file holds of one table: how many rows, and how many files."""

    name: str
    title: str
    rows: int
    files: int


class Archive:
    """A zip file being written: data.json with everything, a CSV file of each table, files, README.txt.

    The rows of a part are read once: they go into its CSV file and, until the end, beside it for data.json.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = ZipFile(file, "w", ZIP_DEFLATED)
        self._json = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the archive
        self._json.write(b"{")
        self.parts: list[Part] = []

    def add(self, extract: Extract) -> None:
        """Write what one table holds."""
        title = str(extract.title)
        self._json.write((b",\n" if self.parts else b"\n") + f"{_text(extract.name)}: ".encode())
        self._json.write(f'{{"title": {_text(title)}, "rows": ['.encode())
        rows = self._add_table(extract)
        self._json.write(b"]}")
        self.parts.append(Part(extract.name, title, rows, self._add_files(extract)))

    def _add_table(self, extract: Extract) -> int:
        rows = iter(extract.rows)
        first = next(rows, None)
        if first is None:
            return 0
        count = 0
        with self._member(f"{extract.name}.csv") as table:
            for count, line in enumerate(csv_lines(list(first), self._copied(chain([first], rows)))):  # noqa: B007
                table.write(line.encode("utf-8", "replace"))
        return count  # the head came first

    def _copied(self, rows: Iterable[Mapping[str, object]]) -> Iterator[list[object]]:
        """The cells of each row, its JSON written beside."""
        before = b"\n  "
        for row in rows:
            plain = {name: _plain(value) for name, value in row.items()}
            self._json.write(before + _text(plain).encode("utf-8", "replace"))
            before = b",\n  "
            yield [_text(value) if isinstance(value, dict | list) else value for value in plain.values()]

    def _add_files(self, extract: Extract) -> int:
        files = extract.files or {}
        for name, content in files.items():
            place = f"files/{extract.name}/{PurePosixPath(name).name}"
            with (
                self._member(place) as member,
                BytesIO(content) if isinstance(content, bytes) else content() as source,
            ):
                shutil.copyfileobj(source, member, 1 << 20)
        return len(files)

    def finish(self, readme: str) -> None:
        """Write data.json, and README.txt last: only now it is known what there is."""
        self._json.write(b"\n}\n")
        self._json.seek(0)
        with self._member("data.json") as member:
            shutil.copyfileobj(self._json, member, 1 << 20)
        with self._member("README.txt") as member:
            member.write(f"\ufeff{readme}".encode("utf-8", "replace"))

    def _member(self, name: str) -> IO[bytes]:
        """A file within the zip, dated now, however large it becomes."""
        info = ZipInfo(name, clock.local(clock.now()).timetuple()[:6])
        info.compress_type = ZIP_DEFLATED
        return self._zip.open(info, "w", force_zip64=True)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, _k: type[BaseException] | None, _f: BaseException | None, _t: TracebackType | None) -> None:
        self._zip.close()
        self._json.close()


def _plain(value: object) -> Any:
    """A value as JSON writes it; moments by the city's clocks."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return clock.local(value).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str | dict | list):
        return value
    return str(value)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)
