"""What people are told, how they wish to be told, and what kinds of news there are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.things import Thing
from marketplace.kernel.words import Text, _l

Facts = Mapping[str, Any]


class Cadence(StrEnum):
    """When letters about a topic come."""

    NOW = "now"
    DAILY = "daily"
    OFF = "off"


CADENCES: dict[str, Text] = {
    Cadence.NOW: _l("At once"),
    Cadence.DAILY: _l("Once a day, all together"),
    Cadence.OFF: _l("Never: only in the inbox"),
}


# --- kinds of news, which features register at a door ---


@dataclass(frozen=True, slots=True)
class Topic:
    """What letters are chosen by.

    help    what belongs to it, in a sentence
    always  its letters cannot be switched off: the safety of an account, decisions about oneself
    staff   only those who work for the city are told of it
    """

    name: str
    title: Text
    help: Text
    always: bool = False
    staff: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """Something that people are told, to be registered with `register`. A thing is a kernel.things.Thing.

    name         of its own, such as spaces.confirmed
    title        thing (None if it has no page), facts → what the inbox says; called once for each language
    letter       template of its letter without suffix; None: in the inbox only, and in the letter of the day
    context      thing, person, facts → what the template is given beside name, title and link; None if the letter has
                 become pointless meanwhile. Called by the worker, where addresses can be made
    attachments  thing, person, facts → files of the letter by name: content and MIME type
    link         thing, facts → path of the page to act on; by default facts["link"], else the thing's own page
    """

    name: str
    topic: Topic
    title: Callable[[Any, Facts], object]
    letter: str | None = "letters/notifications/news"
    context: Callable[[Thing, Person, Facts], dict[str, Any] | None] | None = None
    attachments: Callable[[Thing, Person, Facts], dict[str, tuple[bytes, str]]] | None = None
    link: Callable[[Thing, Facts], str] | None = None


_news: dict[str, News] = {}


def register(news: News) -> News:
    """Make a kind of news, and its topic, known."""
    _news[news.name] = news
    return news


def news(name: str) -> News:
    """The kind of news of this name. Raises LookupError."""
    return _news[name]


def known(name: str) -> News | None:
    """The kind of news of this name; None if this version of the program has it no more."""
    return _news.get(name)


def topics() -> dict[str, Topic]:
    """Every topic by its name, in order."""
    found = {news.topic.name: news.topic for news in _news.values()}
    return {name: found[name] for name in sorted(found)}


# --- tables ---


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


class Notice(db.Base):
    """Something a person was told: the inbox is the source of truth, a letter only carries it further.

    `letter` says how the person wished to be told of it; `lettered_at` when the letter was queued.
    """

    __tablename__ = "notices"
    __table_args__ = (
        sa.CheckConstraint("letter = 'daily' OR (letter = 'now') = (lettered_at IS NOT NULL)", name="queued_if_wished"),
        sa.Index("ix_notices_person_id", "person_id", "id"),
        sa.Index("ix_notices_unread", "person_id", **_where("read_at IS NULL")),
        sa.Index("ix_notices_for_the_day", "person_id", **_where("letter = 'daily' AND lettered_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id", ondelete="CASCADE"))
    news: Mapped[str] = mapped_column(sa.String(60))
    subject: Mapped[str] = mapped_column(sa.String(100))
    language: Mapped[str] = mapped_column(sa.String(2))
    title: Mapped[str] = mapped_column(sa.String(200))
    """As it was told, in the person's language at the time."""
    facts: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    read_at: Mapped[datetime | None]
    letter: Mapped[Cadence] = mapped_column(default=Cadence.OFF)
    lettered_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="raise")

    @property
    def topic(self) -> Topic | None:
        """What it belongs to."""
        kind = known(self.news)
        return kind.topic if kind else None


def path_of(notice: Notice, thing: Thing | None) -> str | None:
    """The page that a notice leads to: that of its news, the one told with it, or the thing's; None if it is gone."""
    kind = known(notice.news)
    if kind and kind.link and thing:
        return kind.link(thing, notice.facts)
    told: str | None = notice.facts.get("link")
    return told or (thing.link if thing else None)


class TopicChoice(db.Base):
    """How someone wishes to be told of a topic; without a row, at once.

    `resumed_at` is when they last wished for letters again after none: links of letters before that end them no more.
    """

    __tablename__ = "topic_choices"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    topic: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    cadence: Mapped[Cadence]
    resumed_at: Mapped[datetime | None]


class ReturnedAddress(db.Base):
    """An e-mail address from which letters come back for good; nothing is sent there until it is confirmed again."""

    __tablename__ = "returned_addresses"

    email: Mapped[str] = mapped_column(sa.String(254), primary_key=True)
    since: Mapped[datetime] = mapped_column(default=clock.now)
    reason: Mapped[str] = mapped_column(sa.String(300))


class CalendarFeed(db.Base):
    """The secret address of someone's calendar: found by its digest, shown to its owner by what is locked."""

    __tablename__ = "calendar_feeds"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    secret_locked: Mapped[str] = mapped_column(sa.String(300))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    person: Mapped[Person] = relationship(lazy="raise")
