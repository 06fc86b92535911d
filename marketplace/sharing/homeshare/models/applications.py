"""Who applied for home share: students who look for a room, older residents who have one to spare."""

import enum
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.civic.groups.models import Channel
from marketplace.civic.places.models import District
from marketplace.kernel import clock, db, words
from marketplace.kernel.references import new_reference
from marketplace.kernel.words import Text, _l


class Side(enum.Enum):
    """Which side of a home someone applies for."""

    HOST = "host"
    STUDENT = "student"


class ApplicationState(enum.Enum):
    """Where an application stands; docs/homeshare.md draws it. Whether someone has a room is told by the matches."""

    DRAFT = "draft"
    SENT = "sent"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"

    @property
    def words(self) -> Text:
        """The state as people read it."""
        return {
            "draft": _l("not sent yet"),
            "sent": _l("being checked"),
            "open": _l("taking part"),
            "paused": _l("paused"),
            "closed": _l("ended"),
        }[self.value]


class Closed(enum.Enum):
    """Why an application ended."""

    HOUSED = "housed"
    FOUND_ELSEWHERE = "found_elsewhere"
    CHANGED_MIND = "changed_mind"
    NOT_ADMITTED = "not_admitted"
    QUIET = "quiet"
    LEFT = "left"

    @property
    def words(self) -> Text:
        """The reason as people read it."""
        return {
            "housed": _l("I found a home here"),
            "found_elsewhere": _l("I found something elsewhere"),
            "changed_mind": _l("I changed my mind"),
            "not_admitted": _l("The programme cannot admit it"),
            "quiet": _l("Nobody did anything about it for a long time"),
            "left": _l("The person left the city's service"),
        }[self.value]


OWN_REASONS = (Closed.HOUSED, Closed.FOUND_ELSEWHERE, Closed.CHANGED_MIND)
"""What someone may give as their own reason; coordinators may also not admit somebody."""

LIVE = (ApplicationState.DRAFT, ApplicationState.SENT, ApplicationState.OPEN, ApplicationState.PAUSED)


class Campus(db.Base):
    """A place of study."""

    __tablename__ = "homeshare_campuses"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(120), unique=True)
    name_en: Mapped[str] = mapped_column(sa.String(120), default="")
    latitude: Mapped[float]
    longitude: Mapped[float]

    @property
    def title(self) -> str:
        """Its name in the reader's language."""
        return (self.name_en if words.language.get() == "en" else "") or self.name

    __table_args__ = (
        CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="on_earth"),
    )


class Application(db.Base):
    """What someone says of themselves and their wishes, kept as it is answered, one question after the other.

    Of a home only its privacy cell is kept for what is computed; its address is locked, and shown to the other side
    only once a coordinator has confirmed that they meet. Pictures of the room are uploads of the subject
    homeshare:<id>.
    """

    __tablename__ = "homeshare_applications"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(sa.String(12), unique=True, default=new_reference)
    side: Mapped[Side]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    entered_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    channel: Mapped[Channel | None]
    """Who of the staff entered it, and how the person came, where they did not do it themselves."""
    state: Mapped[ApplicationState] = mapped_column(default=ApplicationState.DRAFT)
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """By the name of the question. What rules and scores read is called as in matching.candidates.people; days are
    written as in 2027-03-01, sets are lists, and what is missing was not answered yet."""
    people: Mapped[int] = mapped_column(default=1)
    """How many students come."""
    rooms: Mapped[int] = mapped_column(default=1)
    """How many rooms the home has to spare."""
    campus_id: Mapped[int | None] = mapped_column(ForeignKey("homeshare_campuses.id"), index=True)
    cell: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The privacy cell of the home."""
    district_id: Mapped[int | None] = mapped_column(ForeignKey("districts.id"), index=True)
    address: Mapped[str] = mapped_column(sa.String(2000), default="")
    phone: Mapped[str] = mapped_column(sa.String(500), default="")
    friend: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    """Who comes along, where two come. All three locked."""
    needed_by: Mapped[date | None]
    """The day by which a student has to have a room."""
    coordinator_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    touched_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    """When somebody last did something about it."""
    sent_at: Mapped[datetime | None]
    waiting_since: Mapped[datetime | None]
    """When it first took part; whoever looks for a room again keeps this place in line."""
    closed_at: Mapped[datetime | None]
    closed_because: Mapped[Closed | None]
    version: Mapped[int] = mapped_column(default=1)

    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])
    coordinator: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[coordinator_id])
    campus: Mapped[Campus | None] = relationship(lazy="raise")
    district: Mapped[District | None] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("people BETWEEN 1 AND 2 AND rooms BETWEEN 1 AND 3", name="sizes"),
        CheckConstraint("(entered_by_id IS NULL) = (channel IS NULL)", name="came_by_a_channel"),
        CheckConstraint("state = 'draft' OR state = 'closed' OR sent_at IS NOT NULL", name="sent"),
        CheckConstraint("state <> 'open' OR waiting_since IS NOT NULL", name="waits_since"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        Index("ix_homeshare_applications_state_side", "state", "side"),
        Index(
            "uq_homeshare_applications_live",
            "person_id",
            "side",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    @property
    def is_host(self) -> bool:
        """Whether it offers a room."""
        return self.side is Side.HOST
