"""How those who live together say that it goes, each alone; and what waits for a coordinator."""

import enum
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel import clock, db
from marketplace.kernel.words import Text, _l
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.matches import Match

FIRST_DAYS = (3, 14, 30)
"""On which days after moving in both are asked."""
EVERY = 91
"""Days between the later ones: a quarter."""
MISSED_AFTER = 4
"""Days after which nobody is waited for any longer, and a coordinator calls."""


class Going(enum.Enum):
    """How it goes."""

    WELL = "well"
    MIXED = "mixed"
    BAD = "bad"

    @property
    def words(self) -> Text:
        """The answer as people choose it."""
        return {"well": _l("Well"), "mixed": _l("So-so"), "bad": _l("Not well")}[self.value]


class CheckIn(db.Base):
    """Four short questions to one side. The other never sees that, or what, was answered."""

    __tablename__ = "homeshare_checkins"

    id: Mapped[int] = mapped_column(primary_key=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("homeshare_matches.id", ondelete="CASCADE"))
    side: Mapped[Side]
    due_on: Mapped[date]
    going: Mapped[Going | None]
    hours_kept: Mapped[bool | None]
    """Whether the help is as agreed."""
    safe: Mapped[bool | None]
    talk: Mapped[bool | None]
    """Whether they want to talk to a person."""
    words: Mapped[str] = mapped_column(sa.String(8000), default="")
    """Locked."""
    answered_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    missed_at: Mapped[datetime | None]
    """When it was given up, and a coordinator told."""

    match: Mapped[Match] = relationship(lazy="raise")

    __table_args__ = (
        UniqueConstraint("match_id", "side", "due_on", name="uq_homeshare_checkins_match_id_side_due_on"),
        CheckConstraint(
            "answered_at IS NULL"
            " OR (going IS NOT NULL AND hours_kept IS NOT NULL AND safe IS NOT NULL AND talk IS NOT NULL)",
            name="answered_whole",
        ),
        CheckConstraint("answered_at IS NOT NULL OR words = ''", name="words_of_an_answer"),
        Index("ix_homeshare_checkins_open", "due_on", sqlite_where=sa.text("answered_at IS NULL"),
              postgresql_where=sa.text("answered_at IS NULL")),
    )  # fmt: skip

    @property
    def is_open(self) -> bool:
        """Whether it can be answered: from its day on, also after it was missed."""
        return self.answered_at is None and self.due_on <= clock.today()

    @property
    def is_worrying(self) -> bool:
        """Whether a coordinator should look at it."""
        return self.safe is False or self.talk is True or self.hours_kept is False or self.going is Going.BAD


def days_of(moved_in_on: date, until: date) -> list[date]:
    """On which days both are asked, up to and with a day."""
    days = [moved_in_on + timedelta(days=one) for one in FIRST_DAYS]
    while days[-1] < until:
        days.append(days[-1] + timedelta(days=EVERY))
    return [day for day in days if day <= until]


# --- what waits for a coordinator ---


class MatterKind(enum.Enum):
    """What it is about."""

    QUESTION = "question"
    MISSED = "missed"
    WORRY = "worry"
    MEDIATION = "mediation"
    EMERGENCY = "emergency"
    NOTE = "note"

    @property
    def words(self) -> Text:
        """The same as coordinators read it."""
        return {
            "question": _l("A question before the answer"),
            "missed": _l("A check-in was not answered"),
            "worry": _l("A check-in gives cause for worry"),
            "mediation": _l("A conversation of all three is asked for"),
            "emergency": _l("Ended at once"),
            "note": _l("A note"),
        }[self.value]

    @property
    def due_in(self) -> timedelta:
        """How soon a coordinator sees to it."""
        days = {"question": 1, "missed": 2, "worry": 1, "mediation": 5, "emergency": 0, "note": 0}[self.value]
        return timedelta(days=days, hours=0 if days else 4)

    @property
    def harm(self) -> int:
        """How much harm waiting may do, from 0 to 3."""
        return {"emergency": 3, "worry": 2, "missed": 2, "mediation": 1}.get(self.value, 1)


class Outcome(enum.Enum):
    """What came of it."""

    ANSWERED = "answered"
    CALLED = "called"
    AGREED = "agreed"
    CHANGED = "changed"
    NOT_SOLVED = "not_solved"

    @property
    def words(self) -> Text:
        """The outcome as people read it."""
        return {
            "answered": _l("answered"),
            "called": _l("talked to"),
            "agreed": _l("settled between the two"),
            "changed": _l("something was agreed anew"),
            "not_solved": _l("not solved"),
        }[self.value]


class Matter(db.Base):
    """Something about a match that a coordinator sees to, and what came of it: the log of what happened."""

    __tablename__ = "homeshare_matters"

    id: Mapped[int] = mapped_column(primary_key=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("homeshare_matches.id", ondelete="CASCADE"), index=True)
    kind: Mapped[MatterKind]
    side: Mapped[Side | None]
    """Whose it is; nobody's, where a coordinator began it."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    """Who brought it up; nobody, where the clock did."""
    words: Mapped[str] = mapped_column(sa.String(8000), default="")
    opened_at: Mapped[datetime] = mapped_column(default=clock.now)
    due_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(sa.String(8000), default="")
    """What coordinators noted among themselves. Locked, as the words."""
    reply: Mapped[str] = mapped_column(sa.String(8000), default="")
    """What whoever brought it up reads, and both of a mediation. Locked."""
    outcome: Mapped[Outcome | None]
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)

    match: Mapped[Match] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("(settled_at IS NULL) = (settled_by_id IS NULL)", name="settled_by_someone"),
        CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="settled_with_an_outcome"),
        Index("ix_homeshare_matters_open", "due_at", sqlite_where=sa.text("settled_at IS NULL"),
              postgresql_where=sa.text("settled_at IS NULL")),
    )  # fmt: skip
