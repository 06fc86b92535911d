"""Copies asked for, what stands in the way of leaving, and who looked at whose data."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.models import ROLES, Person
from marketplace.civic.departments.models import Department
from marketplace.civic.moderation.models import REASONS
from marketplace.civic.places.models import Building
from marketplace.civic.privacy.models import DataExport, ExportState
from marketplace.kernel import clock, db, hooks, looking
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Extract, Obstacle, extract
from marketplace.kernel.words import Text, _l

# --- copies ---


def latest_export(person: Person) -> DataExport | None:
    """The copy a person asked for last."""
    own = sa.select(DataExport).where(DataExport.person_id == person.id)
    return db.session.scalars(own.order_by(DataExport.id.desc()).limit(1)).first()


def export(export_id: int) -> DataExport:
    """A copy. Raises NotFound."""
    found = db.session.get(DataExport, export_id)
    if found is None:
        raise NotFound
    return found


def run_out() -> list[DataExport]:
    """Copies whose time is over."""
    over = sa.select(DataExport).where(DataExport.state == ExportState.READY, DataExport.until <= clock.now())
    return list(db.session.scalars(over.limit(500)))


def person(person_id: int) -> Person | None:
    """A person with their roles, whom nobody else changes meanwhile."""
    own = sa.select(Person).where(Person.id == person_id).options(selectinload(Person.grants))
    return db.session.scalars(own.with_for_update()).first()


# --- leaving ---


def due_to_be_erased() -> list[int]:
    """The ids of people whose time to change their minds is over."""
    due = sa.select(Person.id).where(Person.erase_at <= clock.now()).order_by(Person.erase_at)
    return list(db.session.scalars(due.limit(500)))


def obstacles(person: Person) -> list[Obstacle]:
    """What has to be settled before the person can be erased."""
    answers = hooks.erasure_obstacles.each(person)
    return [one for answer in answers for one in (answer if isinstance(answer, list) else [answer])]


# --- who looked ---


class Reading(NamedTuple):
    """That someone read about a person: on which page, in which role, of which building or department.

    why   as what something of theirs was reported, if that is why
    """

    at: datetime
    page: Text
    role: Text
    where: str
    why: Text | None


def readings_of(person: Person) -> sa.Select[AuditEntry]:
    """The entries about readings of a person's data, latest first."""
    about = sa.select(AuditEntry).where(
        AuditEntry.subject == f"person:{person.id}", AuditEntry.action.endswith(looking.ENDING, autoescape=True)
    )
    return about.order_by(AuditEntry.id.desc())


def told(entries: Sequence[AuditEntry]) -> list[Reading]:
    """Entries as people read them. The reader's own name is not told: the city answers for whom it lets read."""
    houses = sa.select(Building).where(Building.id.in_(_ids(entries, "building_id")))
    offices = sa.select(Department).where(Department.id.in_(_ids(entries, "department_id")))
    where = {("building_id", one.id): one.title for one in db.session.scalars(houses)}
    where |= {("department_id", one.id): one.name for one in db.session.scalars(offices)}
    return [
        Reading(
            entry.at,
            looking.title(entry.action),
            ROLES.get(str(entry.detail.get("role")), _l("Someone who works for the city")),
            next((where[place] for place in entry.detail.items() if place in where), ""),
            REASONS.get(entry.detail.get("reason", "")),
        )
        for entry in entries
    ]


def _ids(entries: Sequence[AuditEntry], name: str) -> set[int]:
    return {entry.detail[name] for entry in entries if name in entry.detail}


# --- what is held about someone ---


def own_data(person: Person) -> list[Extract]:
    """The copies asked for, what a person did, and what others did that was about the person."""
    done = sa.select(AuditEntry.at, AuditEntry.action, AuditEntry.subject)
    by_others = sa.or_(AuditEntry.actor_id.is_(None), AuditEntry.actor_id != person.id)
    about = sa.select(AuditEntry.at, AuditEntry.action, AuditEntry.detail)
    copies = sa.select(DataExport.asked_at, DataExport.state, DataExport.ready_at, DataExport.until)
    return [
        extract("copies", _l("Copies of your data"), copies.where(DataExport.person_id == person.id)),
        extract("acts", _l("What you did, as it is on record"), done.where(AuditEntry.actor_id == person.id)),
        extract(
            "about_you",
            _l("What others did or read that was about you, as it is on record"),
            about.where(AuditEntry.subject == f"person:{person.id}", by_others),
        ),
    ]
