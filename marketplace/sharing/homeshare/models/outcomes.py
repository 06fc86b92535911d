"""What either side says living together did for them: voluntary, once a side and match, and only ever counted."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel import clock, db
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.matches import Match

MOST_SAVED = 10_000_000
"""More is a slip of the finger, and one such answer would make the mean a lie."""


class Outcome(db.Base):
    """The questions as they were put to one side, and what it answered; None is not said."""

    __tablename__ = "homeshare_outcomes"

    match_id: Mapped[int] = mapped_column(ForeignKey("homeshare_matches.id", ondelete="CASCADE"), primary_key=True)
    side: Mapped[Side] = mapped_column(primary_key=True)
    invited_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    answered_at: Mapped[datetime | None]
    less_lonely: Mapped[bool | None]
    safer: Mapped[bool | None]
    recommends: Mapped[bool | None]
    saved: Mapped[int | None]
    """What they save a month."""

    match: Mapped[Match] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint(f"saved BETWEEN 0 AND {MOST_SAVED}", name="saved_within_bounds"),
        CheckConstraint(
            "(answered_at IS NULL) = (less_lonely IS NULL AND safer IS NULL AND recommends IS NULL AND saved IS NULL)",
            name="answered",
        ),
    )
