"""flask spaces …: a city's rooms taken in from, and written to, a file in the official layout."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, TypeVar

import click
from flask import current_app
from flask.cli import AppGroup
from tqdm import tqdm

from marketplace.kernel import db
from marketplace.kernel.tables import csv_text
from marketplace.kernel.words import Text
from marketplace.sharing.spaces import layouts
from marketplace.sharing.spaces.queries.official import official_rooms
from marketplace.sharing.spaces.service.imports import Report, city_bounds, import_rooms

LARGEST_FILE = 200 * 1024 * 1024
HEAD = ("line", "outcome", "column", "value", "code", "reason")
Row = TypeVar("Row")

spaces = AppGroup("spaces", help="Rooms and their bookings.")


def _bar(things: Iterable[Row], total: int, doing: Text) -> Iterable[Row]:
    bar: Iterable[Row] = tqdm(things, str(doing), total, unit="row", disable=not sys.stderr.isatty())
    return bar


def _city() -> str:
    return str(current_app.extensions["settings"].city_name_ko)


@spaces.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would become of the file, and change nothing.")
@click.option("--report", "report_file", type=click.Path(dir_okay=False, path_type=Path), help="Write remarks as CSV.")
def import_file(file: Path, dry_run: bool, report_file: Path | None) -> None:
    """Take in rooms from a FILE in the official layout; again to bring them up to date.

    A row that cannot be taken in is refused and named in the report with its line and the reason; the others go on.
    The last line of output is JSON: how many were read, added, updated, unchanged and refused.
    """
    data = _read(file)
    try:
        with db.transaction():
            report = import_rooms(layouts.read(data, city_bounds()), _city(), _bar)
            if dry_run:
                db.session.rollback()
            if report_file:
                _write_report(report_file, report)
    except layouts.LayoutError as refusal:
        raise click.ClickException(f"{file.name}: {refusal}") from None
    _tell(report, report_file)
    click.echo(json.dumps(report.counts))


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise click.ClickException(f"{file.name}: larger than {LARGEST_FILE // 1024**2} MB. Split it first.")
        return file.read_bytes()
    except OSError as failure:
        raise click.ClickException(f"{file}: cannot be read ({failure.strerror}).") from None


def _write_report(file: Path, report: Report) -> None:
    """Written before the import is committed, so that an import without its report does not happen."""
    rows = ([one.line, one.outcome, one.column, one.value, one.code, str(one.sentence)] for one in report.remarks)
    try:
        file.write_text(csv_text(HEAD, rows), encoding="utf-8", newline="")
    except OSError as failure:
        raise click.ClickException(f"{file}: cannot be written ({failure.strerror}); nothing was imported.") from None


def _tell(report: Report, report_file: Path | None) -> None:
    counts = Counter((remark.outcome, remark.code) for remark in report.remarks)
    for (outcome, code), number in sorted(counts.items()):
        click.echo(f"{outcome:8} {number:6}  {code}", err=True)
    for remark in [remark for remark in report.remarks if remark.outcome == "refused"][:20]:
        click.echo(f"Line {remark.line} refused, {remark.column}: {remark.sentence}", err=True)
    if report.remarks and not report_file:
        click.echo("Every remark with its line: add --report FILE.csv", err=True)


@spaces.command("export")
@click.option(
    "--out", type=click.File("wb", lazy=True, atomic=True), default="-", help="The file; else standard output."
)
def export(out: BinaryIO) -> None:
    """Write every room offered in the official layout; reading it again gives the same rooms."""
    with db.transaction(read_only=True):
        out.writelines(layouts.write(official_rooms(_city())))
