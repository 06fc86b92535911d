"""Runs of the pairing: what went in, what came out, and who released it, so that anyone may replay it."""

import enum
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock, db


class RunState(enum.Enum):
    """What became of a run."""

    PREVIEW = "preview"
    RELEASED = "released"
    DROPPED = "dropped"


class Run(db.Base):
    """One run on a snapshot. The seed is drawn and its commitment published before, the seed told after the release."""

    __tablename__ = "homeshare_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[RunState] = mapped_column(default=RunState.PREVIEW)
    at_once: Mapped[bool] = mapped_column(default=False)
    """Whether it was made by day, for someone whose deadline is near."""
    day: Mapped[date]
    made_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    seed: Mapped[str] = mapped_column(sa.String(60))
    commitment: Mapped[str] = mapped_column(sa.String(64))
    digest: Mapped[str] = mapped_column(sa.String(64))
    code_version: Mapped[str] = mapped_column(sa.String(64))
    input: Mapped[dict[str, Any]]
    """All that went in, by numbers that name nobody."""
    result: Mapped[dict[str, Any]]
    """Pairs and certificate."""
    released_at: Mapped[datetime | None]
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)

    __table_args__ = (
        CheckConstraint("(state = 'released') = (released_at IS NOT NULL)", name="released"),
        CheckConstraint("(released_at IS NULL) = (released_by_id IS NULL)", name="released_by_someone"),
    )
