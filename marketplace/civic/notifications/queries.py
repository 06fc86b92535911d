"""Notices and how people wish to be told: one, a person's, what waits for a letter."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications import models
from marketplace.civic.notifications.models import Cadence, CalendarFeed, Notice, ReturnedAddress, Topic, TopicChoice
from marketplace.kernel import clock, credentials, db, hooks, ical, vault
from marketplace.kernel.errors import NotFound

COUNTED = 100
"""Nobody needs to know exactly how many more are unread."""


# --- the inbox ---


def notices_of(person: Person, *, unread: bool = False) -> sa.Select[Notice]:
    """What a person was told, latest first."""
    own = sa.select(Notice).where(Notice.person_id == person.id).order_by(Notice.id.desc())
    return own.where(Notice.read_at.is_(None)) if unread else own


def count_unread(person: Person) -> int:
    """How many notices a person has not read, counted as far as COUNTED."""
    some = notices_of(person, unread=True).with_only_columns(Notice.id).order_by(None).limit(COUNTED)
    return db.session.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0


def notice(person: Person, notice_id: int) -> Notice:
    """One of a person's notices. Raises NotFound if it is not theirs."""
    found = db.session.get(Notice, notice_id)
    if found is None or found.person_id != person.id:
        raise NotFound
    return found


def people(person_ids: Collection[int]) -> dict[int, Person]:
    """People by their ids."""
    return {person.id: person for person in db.session.scalars(sa.select(Person).where(Person.id.in_(person_ids)))}


# --- letters ---


def topics_for(person: Person) -> list[Topic]:
    """The topics a person may be told of."""
    return [topic for topic in models.topics().values() if person.is_staff or not topic.staff]


def choices_of(person: Person) -> dict[str, Cadence]:
    """What a person chose, by topic; a topic left out comes at once."""
    own = sa.select(TopicChoice.topic, TopicChoice.cadence).where(TopicChoice.person_id == person.id)
    return {row.topic: row.cadence for row in db.session.execute(own)}


def for_letter(notice_id: int) -> Notice | None:
    """A notice with its person; None if it is gone or letters to the person come back."""
    own = sa.select(Notice).where(Notice.id == notice_id, ~_returned(Person.email))
    return db.session.scalar(own.join(Notice.person).options(joinedload(Notice.person)))


def for_the_day(person_id: int, at: datetime, most: int) -> list[Notice]:
    """What goes into a person's letter of the day queued at that moment: told by then and still unread."""
    own = sa.select(Notice).where(
        Notice.person_id == person_id,
        Notice.lettered_at == at,
        Notice.read_at.is_(None),
        Notice.letter == Cadence.DAILY,
    )
    reachable = own.join(Notice.person).where(~_returned(Person.email)).options(joinedload(Notice.person))
    return list(db.session.scalars(reachable.order_by(Notice.id).limit(most)))


def _returned(email: Any) -> sa.ColumnElement[bool]:
    return sa.exists().where(ReturnedAddress.email == email)


def returned(person: Person) -> ReturnedAddress | None:
    """Whether letters to the person come back, and why."""
    return db.session.get(ReturnedAddress, person.email)


def seal_of(person_id: int, topic: str) -> str:
    """The word by which the link of a letter written now switches a topic off for a person, and nothing else."""
    at = str(int(clock.now().timestamp() * 1_000_000))
    return f"{person_id}-{topic}-{at}-{credentials.seal('letters', person_id, topic, at)}"


# --- the calendar feed ---


def feed_of(person: Person) -> str | None:
    """The secret of a person's calendar address, for its owner."""
    feed = db.session.get(CalendarFeed, person.id)
    return vault.unlock(feed.secret_locked, f"calendar_feeds:{person.id}") if feed else None


def owner_of_feed(secret: str) -> Person:
    """Whose calendar this secret opens. Raises NotFound."""
    own = sa.select(CalendarFeed).where(CalendarFeed.secret_hash == credentials.digest(secret))
    feed = db.session.scalar(own.options(joinedload(CalendarFeed.person)))
    if feed is None:
        raise NotFound
    return feed.person


def entries_of(person: Person) -> list[ical.Entry]:
    """What a person has agreed to, across features, in order of time."""
    entries = [entry for found in hooks.calendar_entries.ask(person) for entry in found]
    return sorted(entries, key=lambda entry: (entry.interval.starts_at, entry.uid))


# --- what is held about a person ---


def columns(table: type[Notice | TopicChoice | CalendarFeed], person: Person) -> sa.Select[*tuple[Any, ...]]:
    """A person's rows of a table as plain values, without what opens something."""
    told = [column for column in table.__table__.columns if not column.name.startswith(("secret_", "person_id"))]
    return sa.select(*told).where(table.person_id == person.id).order_by(*table.__table__.primary_key)
