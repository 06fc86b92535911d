"""What coordinators decide by hand: two must be paired, or must not, with a reason that stays on record."""

import enum
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.words import Text, _l
from marketplace.sharing.homeshare.models.applications import Application
from matching.candidates.codes import Code

VETTING = (Code.STUDENT_ADULT, Code.HOST_ELIGIBLE, Code.STUDENT_CHECKS, Code.HOME_CHECKS, Code.KEPT_APART)
"""Rules that protect people: nobody may set them aside, not even two coordinators."""


class OverrideKind(enum.Enum):
    """What was decided of two."""

    PIN = "pin"
    BAN = "ban"
    APART = "apart"

    @property
    def words(self) -> Text:
        """The same as coordinators read it."""
        return {
            "pin": _l("Pair these two"),
            "ban": _l("Do not pair these two for now"),
            "apart": _l("Keep these two apart, for their safety"),
        }[self.value]


class Override(db.Base):
    """A decision by hand about a student and a home, in force until its last day or until it is taken back.

    A pair that fails rules of the programme is pinned only once a second coordinator agrees.
    """

    __tablename__ = "homeshare_overrides"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[OverrideKind]
    student_id: Mapped[int] = mapped_column(ForeignKey("homeshare_applications.id", ondelete="CASCADE"), index=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("homeshare_applications.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str] = mapped_column(sa.String(500))
    broken: Mapped[str] = mapped_column(sa.String(400), default="")
    """The rules that a pinned pair fails, one after the other; a second coordinator has to agree to them."""
    until: Mapped[date | None]
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    seconded_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    student: Mapped[Application] = relationship(lazy="raise", foreign_keys=[student_id])
    home: Mapped[Application] = relationship(lazy="raise", foreign_keys=[home_id])
    by: Mapped[Person] = relationship(lazy="raise", foreign_keys=[by_id])
    second: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[second_id])

    __table_args__ = (
        CheckConstraint("length(trim(reason)) > 0", name="has_a_reason"),
        CheckConstraint("second_id <> by_id", name="two_people"),
        CheckConstraint("(second_id IS NULL) = (seconded_at IS NULL)", name="seconded_by_someone"),
        CheckConstraint("kind = 'pin' OR broken = ''", name="only_pins_break_rules"),
        CheckConstraint(
            " AND ".join(f"broken NOT LIKE '%{code}%'" for code in VETTING), name="vetting_is_never_set_aside"
        ),
        sa.Index(
            "uq_homeshare_overrides_in_force",
            "student_id",
            "home_id",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    @property
    def rules(self) -> list[Code]:
        """The rules that it sets aside."""
        return [Code(name) for name in self.broken.split()]

    @property
    def waits_for_second(self) -> bool:
        """Whether another coordinator has to agree before it counts."""
        return bool(self.broken) and self.second_id is None

    def holds(self, day: date) -> bool:
        """Whether it counts on a day."""
        return self.ended_at is None and not self.waits_for_second and (self.until is None or day <= self.until)
