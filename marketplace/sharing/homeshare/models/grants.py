"""What the city pays towards the repair of a room: asked for, granted or declined, done, and paid by someone else."""

import enum
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.references import new_reference
from marketplace.kernel.words import Text, _l
from marketplace.sharing.homeshare.models.applications import Application

ERASED = "–"
"""In place of words that were erased, where there have to be some."""


class Repair(enum.Enum):
    """What is repaired."""

    WALLPAPER = "wallpaper"
    FLOORING = "flooring"
    HEATING = "heating"
    LOCK = "lock"
    LIGHT = "light"
    SAFETY = "safety"

    @property
    def words(self) -> Text:
        """The same as people read it."""
        return {
            "wallpaper": _l("Wallpaper and paint"),
            "flooring": _l("Flooring"),
            "heating": _l("Heating and windows"),
            "lock": _l("A door that locks"),
            "light": _l("Light and sockets"),
            "safety": _l("Smoke alarm, handrails and other safety"),
        }[self.value]


class GrantState(enum.Enum):
    """Where a grant stands: ASKED → GRANTED → DONE → PAID, or ASKED → DECLINED."""

    ASKED = "asked"
    GRANTED = "granted"
    DECLINED = "declined"
    DONE = "done"
    PAID = "paid"

    @property
    def words(self) -> Text:
        """The state as people read it."""
        return {
            "asked": _l("waits for a coordinator"),
            "granted": _l("granted, the work may begin"),
            "declined": _l("not granted"),
            "done": _l("done, to be paid"),
            "paid": _l("paid"),
        }[self.value]


class Grant(db.Base):
    """A sum towards the repair of one room of a home. Pictures of it are uploads of the subject grant:<id>."""

    __tablename__ = "homeshare_grants"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(sa.String(12), unique=True, default=new_reference)
    home_id: Mapped[int] = mapped_column(ForeignKey("homeshare_applications.id", ondelete="CASCADE"), index=True)
    room: Mapped[int] = mapped_column(default=1)
    """Which room of the home, counted from 1: there is a limit for each."""
    host_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    """Whose home it is, copied so that the database can tell hosts from those who decide."""
    repair: Mapped[Repair]
    amount: Mapped[int]
    most: Mapped[int]
    """What could be asked for at most when it was asked for."""
    words: Mapped[str] = mapped_column(sa.String(2000))
    state: Mapped[GrantState] = mapped_column(default=GrantState.ASKED)
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(sa.String(2000), default="")
    done_at: Mapped[datetime | None]
    invoice_seen_on: Mapped[date | None]
    """The invoice itself is not kept, only that it was seen."""
    paid_on: Mapped[date | None]
    paid_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(default=1)

    home: Mapped[Application] = relationship(lazy="raise")
    host: Mapped[Person] = relationship(lazy="raise", foreign_keys=[host_id])
    decided_by: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[decided_by_id])
    paid_by: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[paid_by_id])

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("amount BETWEEN 1 AND most AND room BETWEEN 1 AND 3", name="within_bounds"),
        CheckConstraint("(decided_by_id IS NULL) = (decided_at IS NULL)", name="decided_by_someone"),
        CheckConstraint("(state = 'asked') = (decided_by_id IS NULL)", name="decided"),
        CheckConstraint("decided_by_id IS NULL OR length(trim(reason)) > 0", name="decision_has_a_reason"),
        CheckConstraint("(state IN ('done', 'paid')) = (done_at IS NOT NULL)", name="done"),
        CheckConstraint("(state = 'paid') = (paid_by_id IS NOT NULL)", name="paid"),
        CheckConstraint(
            "(paid_by_id IS NULL) = (paid_on IS NULL) AND (paid_by_id IS NULL) = (invoice_seen_on IS NULL)",
            name="paid_with_an_invoice",
        ),
        CheckConstraint("(state IN ('declined', 'paid')) = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("decided_by_id <> host_id AND paid_by_id <> host_id", name="not_for_oneself"),
        CheckConstraint("paid_by_id <> decided_by_id", name="two_people"),
        Index("ix_homeshare_grants_state_asked_at", "state", "asked_at"),
        Index(
            "uq_homeshare_grants_asked",
            "home_id",
            unique=True,
            sqlite_where=sa.text("state = 'asked'"),
            postgresql_where=sa.text("state = 'asked'"),
        ),
    )
