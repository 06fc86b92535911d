"""Runs of the pairing: what went in, what came out, and who released it, so that anyone may recompute it."""

import enum
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.words import Text, _l


class RunState(enum.Enum):
    """What became of a run."""

    PREVIEW = "preview"
    RELEASED = "released"
    DROPPED = "dropped"

    @property
    def words(self) -> Text:
        """The state as people read it."""
        return {
            "preview": _l("waits for a coordinator"),
            "released": _l("released"),
            "dropped": _l("not released"),
        }[self.value]


class Run(db.Base):
    """One run on what was known at a moment. Its seed was drawn by the run before, and committed to in public then."""

    __tablename__ = "homeshare_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[RunState] = mapped_column(default=RunState.PREVIEW)
    at_once: Mapped[bool] = mapped_column(default=False)
    """Whether it was made by day, for someone who needs a room soon."""
    day: Mapped[date]
    made_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    seed: Mapped[str] = mapped_column(sa.String(60))
    commitment: Mapped[str] = mapped_column(sa.String(64))
    next_seed: Mapped[str] = mapped_column(sa.String(60))
    """The seed of the run after this one: only its commitment is told until that run is released."""
    next_commitment: Mapped[str] = mapped_column(sa.String(64))
    digest: Mapped[str] = mapped_column(sa.String(64))
    code_version: Mapped[str] = mapped_column(sa.String(80))
    exact: Mapped[bool]
    last_level: Mapped[str | None] = mapped_column(sa.String(20))
    """What the solver was asked for; with less time, less is proven."""
    market: Mapped[dict[str, Any]]
    """All that decides, by numbers that name nobody: told in public once released."""
    outcome: Mapped[dict[str, Any]]
    """Pairs, and the certificate."""
    facts: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    """The facts that the market was made of, for coordinators and the people themselves; forgotten after a while."""
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What changes against the run before, and what each override costs."""
    left_out: Mapped[list[str]] = mapped_column(default=list)
    """Pairs that could not be proposed any more when it was released, and why: seeker, home, a code."""
    released_at: Mapped[datetime | None]
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)

    released_by: Mapped[Person | None] = relationship(lazy="raise")
    people: Mapped[list["RunPerson"]] = relationship(lazy="raise", cascade="all, delete-orphan", passive_deletes=True)

    __table_args__ = (
        CheckConstraint("(state = 'released') = (released_at IS NOT NULL)", name="released"),
        CheckConstraint("(released_at IS NULL) = (released_by_id IS NULL)", name="released_by_someone"),
    )

    @property
    def housed(self) -> int:
        """How many people have a room by it, those who had one before included."""
        return int(self.outcome["people"])

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs that it would propose, without those that stand anyway."""
        stand = {(seeker, home) for seeker, home in self.market["locked"]}
        return [(seeker, home) for seeker, home in self.outcome["pairs"] if (seeker, home) not in stand]

    @property
    def pinned(self) -> set[tuple[str, str]]:
        """Pairs that coordinators asked for."""
        return {(seeker, home) for seeker, home in self.changes.get("pinned", ())}

    @property
    def proposed(self) -> list[tuple[str, str]]:
        """The pairs that are proposed when it is released."""
        return sorted({*self.pairs, *self.pinned})


class RunPerson(db.Base):
    """By which number an application took part in a run; without this row the number means nobody."""

    __tablename__ = "homeshare_run_people"

    run_id: Mapped[int] = mapped_column(ForeignKey("homeshare_runs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(12), primary_key=True)
    """s and a number for students, h and a number for homes."""
    application_id: Mapped[int] = mapped_column(ForeignKey("homeshare_applications.id", ondelete="CASCADE"), index=True)

    __table_args__ = (sa.UniqueConstraint("run_id", "application_id"),)
