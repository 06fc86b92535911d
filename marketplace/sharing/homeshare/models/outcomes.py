"""What living together did for people, by their own word: asked once after the trial and once at the end."""

import enum
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel import clock, db
from marketplace.kernel.words import Text, _l
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.matches import Match


class Occasion(enum.Enum):
    """When someone is asked."""

    TRIAL = "trial"
    END = "end"


class Change(enum.Enum):
    """How it is now, against how it was before."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"

    @property
    def words(self) -> Text:
        """The same as people read it."""
        return {"better": _l("better"), "same": _l("as before"), "worse": _l("worse")}[self.value]


class Outcome(db.Base):
    """One side's answers on one occasion, all of them voluntary; nobody is shown less than five of them together."""

    __tablename__ = "homeshare_outcomes"

    id: Mapped[int] = mapped_column(primary_key=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("homeshare_matches.id", ondelete="CASCADE"))
    side: Mapped[Side]
    occasion: Mapped[Occasion]
    asked_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    answered_at: Mapped[datetime | None]
    company: Mapped[Change | None]
    """Whether they are less lonely, or more."""
    safety: Mapped[Change | None]
    recommends: Mapped[bool | None]
    saves: Mapped[bool | None]
    """Whether it saves money."""

    match: Mapped[Match] = relationship(lazy="raise")

    __table_args__ = (
        UniqueConstraint("match_id", "side", "occasion"),
        CheckConstraint(
            "answered_at IS NOT NULL OR company IS NULL AND safety IS NULL AND recommends IS NULL AND saves IS NULL",
            name="answered",
        ),
    )
