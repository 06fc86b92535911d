"""Searches that people keep, to be told of new things, and the things that are new since they were told last."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock, db
from marketplace.kernel.geo import Point


class SavedSearch(db.Base):
    """A search without its days. Where a device was is cut to the middle of its privacy cell."""

    __tablename__ = "saved_searches"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    query: Mapped[str] = mapped_column(sa.String(1000))
    """The questions of the search page, always in the same order and spelling."""
    words: Mapped[str] = mapped_column(sa.String(200), default="")
    category: Mapped[str | None] = mapped_column(sa.String(40))
    district_id: Mapped[int | None] = mapped_column(ForeignKey("districts.id", ondelete="CASCADE"), index=True)
    library_id: Mapped[int | None] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"), index=True)
    free_of_charge: Mapped[bool] = mapped_column(default=False)
    near: Mapped[str] = mapped_column(sa.String(100), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    within: Mapped[int | None]
    saved_at: Mapped[datetime] = mapped_column(default=clock.now)
    kept_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    """When its owner last said that it is still wanted."""

    __table_args__ = (
        sa.UniqueConstraint("person_id", "query"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="a_point"),
    )

    @property
    def point(self) -> Point | None:
        """From where distances are measured."""
        return None if self.latitude is None or self.longitude is None else Point(self.latitude, self.longitude)


class NewlyOffered(db.Base):
    """A thing that was listed or resumed since people were told of new things last."""

    __tablename__ = "newly_offered"

    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
