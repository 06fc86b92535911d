"""A public building says that it knows someone: by a manager, once the person agrees, until either ends it."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import Building
from marketplace.kernel import clock, db

_GOES_ON = sa.text("ended_at IS NULL")


class Vouch(db.Base):
    """One building's word for one person; nobody is shown it before the person agreed."""

    __tablename__ = "vouches"
    __table_args__ = (
        sa.CheckConstraint("made_by_id <> person_id", name="for_someone_else"),
        sa.CheckConstraint("ended_at IS NOT NULL OR ended_by_id IS NULL", name="ended_by_someone"),
        sa.CheckConstraint(
            "ended_by_id IS NULL OR ended_by_id = person_id OR length(trim(reason)) > 0", name="ended_for_a_reason"
        ),
        sa.Index(
            "uq_vouches_going_on",
            "person_id",
            "building_id",
            unique=True,
            sqlite_where=_GOES_ON,
            postgresql_where=_GOES_ON,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id", ondelete="CASCADE"))
    building_id: Mapped[int] = mapped_column(sa.ForeignKey("buildings.id"), index=True)
    made_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"), index=True)
    """Who said it for the building; nobody once they have left the city's service."""
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    agreed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"), index=True)
    reason: Mapped[str] = mapped_column(sa.String(300), default="")
    """Why the building ended it, which the person reads."""

    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])
    building: Mapped[Building] = relationship(lazy="raise")
