"""The copies of their data that people ask for."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import db


class ExportState(StrEnum):
    """How far a copy has come."""

    WAITING = "waiting"
    MAKING = "making"
    READY = "ready"
    OVER = "over"
    FAILED = "failed"


_UNFINISHED = sa.text("state IN ('waiting', 'making')")


class DataExport(db.Base):
    """A copy of all that is held about a person, as a zip file; one at a time, and one a day."""

    __tablename__ = "data_exports"
    __table_args__ = (
        sa.UniqueConstraint("person_id", "asked_on"),
        sa.Index(
            "uq_data_exports_unfinished",
            "person_id",
            unique=True,
            sqlite_where=_UNFINISHED,
            postgresql_where=_UNFINISHED,
        ),
        sa.Index("ix_data_exports_state_until", "state", "until"),
        sa.CheckConstraint("state <> 'ready' OR (ready_at IS NOT NULL AND until IS NOT NULL)", name="ready_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    asked_on: Mapped[date]
    asked_at: Mapped[datetime]
    state: Mapped[ExportState] = mapped_column(default=ExportState.WAITING)
    key: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """Where the file is stored: a name that nobody guesses."""
    ready_at: Mapped[datetime | None]
    until: Mapped[datetime | None]
    size: Mapped[int | None] = mapped_column(sa.BigInteger)
