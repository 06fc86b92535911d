"""flask items …: the catalogue of a library of things, taken in from and written to a table."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

import click
from flask.cli import AppGroup
from tqdm import tqdm

from marketplace.kernel import db
from marketplace.kernel.errors import DomainError
from marketplace.kernel.tables import csv_text
from marketplace.sharing.items.layouts import catalogue as layout
from marketplace.sharing.items.queries import libraries
from marketplace.sharing.items.service import catalogue

LARGEST_FILE = 20 * 1024 * 1024
HEAD = ("line", "column", "value", "reason")
SHOWN = 20

items = AppGroup("items", help="Things that are lent.")


def _bar(rows: Sequence[layout.Entry | layout.Refusal]) -> Iterable[layout.Entry | layout.Refusal]:
    return tqdm(rows, unit="row", disable=not sys.stderr.isatty())


@items.command("import")
@click.argument("library_id", type=int)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would become of the file, and change nothing.")
@click.option("--report", "report_file", type=click.Path(dir_okay=False, path_type=Path), help="Write refusals as CSV.")
def import_file(library_id: int, file: Path, dry_run: bool, report_file: Path | None) -> None:
    """Take in the things of a library from a CSV FILE; again to bring them up to date.

    A row that cannot be taken in is refused with its line and the reason; the others go on. The last line of output
    is JSON: how many rows were read, added, updated, unchanged and refused.
    """
    if file.stat().st_size > LARGEST_FILE:
        raise click.ClickException(f"{file.name}: larger than {LARGEST_FILE // 1024**2} MB. Split it first.")
    try:
        with db.transaction():
            library = libraries.get_library(library_id)
            report = catalogue.take_in(None, library, layout.read(file.read_bytes()), _bar)
            if dry_run:
                db.session.rollback()
            if report_file:
                _write(report_file, report)
    except DomainError as refusal:
        raise click.ClickException(f"{file.name}: {refusal.sentence}") from None
    for one in report.refused[:SHOWN]:
        click.echo(f"Line {one.line} refused, {one.column or 'row'}: {one.sentence}", err=True)
    if len(report.refused) > SHOWN and not report_file:
        click.echo("Every refusal with its line: add --report FILE.csv", err=True)
    click.echo(json.dumps(report.counts))


def _write(file: Path, report: catalogue.Report) -> None:
    """Written before the import is committed, so that an import without its report does not happen."""
    rows = ([one.line, one.column, one.value, str(one.sentence)] for one in report.refused)
    try:
        file.write_text(csv_text(HEAD, rows), encoding="utf-8", newline="")
    except OSError as failure:
        raise click.ClickException(f"{file}: cannot be written ({failure.strerror}); nothing was imported.") from None


@items.command("export")
@click.argument("library_id", type=int)
@click.option(
    "--out", type=click.File("w", encoding="utf-8", lazy=True, atomic=True), default="-", help="Else standard output."
)
def export(library_id: int, out: TextIO) -> None:
    """Write the catalogue of a library as CSV; importing it again changes nothing."""
    try:
        with db.transaction(read_only=True):
            library = libraries.get_library(library_id)
            out.writelines(layout.write(iter(db.session.scalars(libraries.items_of(library)))))
    except DomainError as refusal:
        raise click.ClickException(str(refusal.sentence)) from None
