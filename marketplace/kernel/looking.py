"""Who looked at whose data: each reading by someone who works for the city is on record, for its person to see.

A reading is an audit entry about person:<id> whose action ends with ".looked". Its detail says in which role, and of
which building or department; whoever reads the same page about the same person again within an hour adds no entry.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from marketplace.kernel import audit, clock, db
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.words import Text, _l

ENDING = ".looked"
ONE_READING = timedelta(hours=1)

_pages: dict[str, Text] = {}


def page(name: str, title: Text) -> None:
    """Say how people read of a page, such as spaces.booking, on which their data is read."""
    _pages[name + ENDING] = title


def title(action: str) -> Text:
    """How people read of the page of an entry."""
    return _pages.get(action, _l("Another page"))


def put_down(reader_id: int, name: str, offices: Mapping[int, Mapping[str, Any]]) -> None:
    """Put on record that someone read on a page about these people, unless it is already for the past hour.

    offices   person's id → in which role they were read about: role, and building_id or department_id
    """
    action = name + ENDING
    about = {f"person:{person_id}": office for person_id, office in offices.items() if person_id != reader_id}
    lately = sa.select(AuditEntry.subject).where(
        AuditEntry.subject.in_(about),
        AuditEntry.actor_id == reader_id,
        AuditEntry.action == action,
        AuditEntry.at > clock.now() - ONE_READING,
    )
    known = set(db.session.scalars(lately)) if about else set()
    for subject, office in about.items():
        if subject not in known:
            audit.record(reader_id, action, subject, **office)
