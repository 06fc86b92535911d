"""When a coordinator meets someone: an interview, a visit, a meeting of two."""

import enum
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.intervals import Interval
from marketplace.kernel.words import Text, _l
from marketplace.sharing.homeshare.models.applications import Application


class AppointmentKind(enum.Enum):
    """What someone is met for."""

    INTERVIEW = "interview"
    VISIT = "visit"
    MEETING = "meeting"

    @property
    def words(self) -> Text:
        """The same as people read it."""
        return {
            "interview": _l("Interview"),
            "visit": _l("Home visit"),
            "meeting": _l("Meeting of two who may live together"),
        }[self.value]


ONE_AT_A_TIME = "ex_homeshare_appointments_coordinator"


class Appointment(db.Base):
    """Someone is met. A coordinator is in one place at a time: the database refuses anything else."""

    __tablename__ = "homeshare_appointments"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("homeshare_applications.id", ondelete="CASCADE"), index=True)
    coordinator_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[AppointmentKind]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    place: Mapped[str] = mapped_column(sa.String(200), default="")
    """Where they meet; of a visit nothing, as both know the address."""
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    cancelled_at: Mapped[datetime | None]

    application: Mapped[Application] = relationship(lazy="raise")
    coordinator: Mapped[Person] = relationship(lazy="raise", foreign_keys=[coordinator_id])

    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="in_order"),
        ExcludeConstraint(
            (sa.column("coordinator_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            where=sa.text("cancelled_at IS NULL"),
            name=ONE_AT_A_TIME,
        ).ddl_if(dialect="postgresql"),
        Index("ix_homeshare_appointments_coordinator_id", "coordinator_id", "starts_at"),
        Index("ix_homeshare_appointments_starts_at", "starts_at"),
    )

    @property
    def interval(self) -> Interval:
        """From when until when."""
        return Interval(self.starts_at, self.ends_at)


_BUSY = (
    "NEW.cancelled_at IS NULL AND EXISTS (SELECT 1 FROM homeshare_appointments"
    " WHERE coordinator_id = NEW.coordinator_id AND id <> NEW.id AND cancelled_at IS NULL"
    " AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at)"
)
GUARDS = {
    "sqlite": tuple(
        f"CREATE TRIGGER {ONE_AT_A_TIME}_{when.lower()} AFTER {when} ON homeshare_appointments WHEN {_BUSY}"
        f" BEGIN SELECT RAISE(ABORT, '{ONE_AT_A_TIME}'); END"
        for when in ("INSERT", "UPDATE")
    ),
}
"""What PostgreSQL's exclusion refuses, for SQLite: run after the table is created."""

db.guard(Appointment.__table__, ONE_AT_A_TIME, GUARDS)
