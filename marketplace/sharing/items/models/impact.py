"""What was lent in a month that is over, counted once: figures that were published do not change afterwards."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.places.models import District
from marketplace.kernel import db


class LendingMonth(db.Base):
    """The loans brought back in a month, of the things of one district, or of those whose district is not known."""

    __tablename__ = "lending_months"

    id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[date]
    """Its first day."""
    district_id: Mapped[int | None] = mapped_column(ForeignKey("districts.id"), index=True)
    loans: Mapped[int]
    lenders: Mapped[int]
    """How many neighbours and libraries they belong to."""
    met: Mapped[int]
    """Pairs of neighbours who handed something over to each other."""
    by_category: Mapped[dict[str, Any]]
    """For each category the loans, those of them with a known value, the sum of the values, and their fees."""

    district: Mapped[District | None] = relationship(lazy="raise")

    __table_args__ = (
        sa.UniqueConstraint("month", "district_id"),
        Index(
            "uq_lending_months_elsewhere",
            "month",
            unique=True,
            sqlite_where=sa.text("district_id IS NULL"),
            postgresql_where=sa.text("district_id IS NULL"),
        ),
        CheckConstraint("loans >= 0 AND lenders >= 0 AND met >= 0", name="counts"),
    )
