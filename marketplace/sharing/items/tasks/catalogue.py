"""A library's catalogue taken in from a table that was sent, or tried out, by the worker."""

from itertools import islice
from typing import Any

from marketplace.civic.accounts import queries as accounts
from marketplace.civic.accounts.models import Person
from marketplace.kernel import progress, words
from marketplace.kernel.errors import Forbidden
from marketplace.kernel.progress import LongWork
from marketplace.sharing.items.layouts import catalogue as layout
from marketplace.sharing.items.models.listing import Library
from marketplace.sharing.items.queries import libraries
from marketplace.sharing.items.service import catalogue

MOST_NAMED = 500
"""So many refused rows are named; all are counted."""


@progress.step("items.catalogue")
def take_in_part(work: LongWork, data: bytes) -> None:
    """The next rows, in one transaction with how far it came."""
    person, library = _asked(work)
    catalogue.expect_may(person, library)
    report, memory = _report(work), _memory(work)
    with words.speaking(person.language):
        rows = list(islice(layout.read(data, after=work.done), catalogue.PART))
    catalogue.take_part(library, rows, report, memory)
    work.done = work.done + len(rows)
    work.told = {**work.told, **_told(report), "lines": memory.lines}
    if work.done == work.whole:
        catalogue.put_on_record(person, library, report)


@progress.look("items.catalogue_trial")
def try_out(work: LongWork, data: bytes) -> dict[str, Any]:
    """All rows; nothing is changed."""
    person, library = _asked(work)
    with words.speaking(person.language):
        rows = layout.read(data)
        report = catalogue.try_out(person, library, rows, lambda read: progress.come_to(work, read), most=MOST_NAMED)
    return {**work.told, **_told(report)}


def _asked(work: LongWork) -> tuple[Person, Library]:
    person = accounts.person(work.person_id) if work.person_id is not None else None
    if person is None:
        raise Forbidden
    return person, libraries.get_library(work.told["library_id"])


def _report(work: LongWork) -> catalogue.Report:
    """What became of the rows so far."""
    counts = {name: work.told.get(name, 0) for name in ("read", "added", "updated", "unchanged", "refusals")}
    refused = [
        layout.Refusal(one["line"], one["column"], one["value"], progress.read_text(one["sentence"]))
        for one in work.told.get("refused", ())
    ]
    return catalogue.Report(**counts, refused=refused, most=MOST_NAMED)


def _memory(work: LongWork) -> catalogue.Memory:
    return catalogue.Memory(lines={int(item_id): line for item_id, line in work.told.get("lines", {}).items()})


def _told(report: catalogue.Report) -> dict[str, Any]:
    counts = {name: getattr(report, name) for name in ("read", "added", "updated", "unchanged", "refusals")}
    refused = [
        {"line": one.line, "column": one.column, "value": one.value, "sentence": progress.written_text(one.sentence)}
        for one in report.refused
    ]
    return {**counts, "refused": refused}
