"""Who may fetch a copy, and how long people may change their minds."""

from datetime import timedelta

from marketplace.civic.accounts.models import Person
from marketplace.civic.privacy.models import DataExport, ExportState
from marketplace.kernel import clock

COPY_KEPT = timedelta(days=7)
"""How long a copy can be fetched."""

CHANGE_OF_MIND = timedelta(days=7)
"""How long whoever asked to be erased may say no after all."""


def may_fetch(person: Person, export: DataExport) -> bool:
    """Only whom it is about, and only while it is kept."""
    ready = export.state is ExportState.READY and export.until is not None and clock.now() < export.until
    return export.person_id == person.id and ready


def is_leaving(person: Person | None) -> bool:
    """Whether the person asked to be erased and has not changed their mind."""
    return person is not None and person.erase_at is not None
