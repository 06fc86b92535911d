"""Who speaks for someone: named by the applicant, asked by letter or by telephone, heard once."""

import enum
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel import clock, credentials, db
from marketplace.kernel.words import Text, _l
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.checks import Check


class Relation(enum.Enum):
    """How someone knows the applicant."""

    FAMILY = "family"
    FRIEND = "friend"
    NEIGHBOUR = "neighbour"
    TEACHER = "teacher"
    WORK = "work"
    OTHER = "other"

    @property
    def words(self) -> Text:
        """The same as people read it."""
        return {
            "family": _l("Family"),
            "friend": _l("Friend"),
            "neighbour": _l("Neighbour"),
            "teacher": _l("Teacher or professor"),
            "work": _l("From work or voluntary work"),
            "other": _l("Another way"),
        }[self.value]


class Reference(db.Base):
    """Someone who knows an applicant. Name, way to reach them and what they say are locked."""

    __tablename__ = "homeshare_references"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("homeshare_applications.id", ondelete="CASCADE"), index=True)
    of_second: Mapped[bool] = mapped_column(default=False)
    """Whether they speak for the friend who comes along."""
    relation: Mapped[Relation]
    name: Mapped[str] = mapped_column(sa.String(500), default="")
    email: Mapped[str] = mapped_column(sa.String(1000), default="")
    phone: Mapped[str] = mapped_column(sa.String(500), default="")
    language: Mapped[str] = mapped_column(sa.String(2), default="ko")
    nonce: Mapped[str] = mapped_column(sa.String(64), default=credentials.new_token)
    named_at: Mapped[datetime] = mapped_column(default=clock.now)
    asked_at: Mapped[datetime | None]
    """When the letter was sent."""
    answered_at: Mapped[datetime | None]
    recommends: Mapped[bool | None]
    words: Mapped[str] = mapped_column(sa.String(8000), default="")
    check_id: Mapped[int | None] = mapped_column(ForeignKey("homeshare_checks.id", ondelete="SET NULL"), unique=True)
    """What a coordinator made of it."""

    application: Mapped[Application] = relationship(lazy="raise")
    check: Mapped[Check | None] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("(answered_at IS NULL) = (recommends IS NULL)", name="answered"),
        CheckConstraint("name = '' OR email <> '' OR phone <> ''", name="can_be_reached"),
    )
