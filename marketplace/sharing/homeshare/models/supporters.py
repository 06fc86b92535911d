"""Who stands by an applicant, such as a daughter or a friend: invited with consent, told how it stands."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, credentials, db
from marketplace.sharing.homeshare.models.applications import Application


class Supporter(db.Base):
    """Someone invited to stand by an applicant. Both agreed once `accepted_at` is there; either may end it."""

    __tablename__ = "homeshare_supporters"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("homeshare_applications.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(sa.String(254))
    nonce: Mapped[str] = mapped_column(sa.String(64), default=credentials.new_token)
    invited_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    accepted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    application: Mapped[Application] = relationship(lazy="raise")
    person: Mapped[Person | None] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("(person_id IS NULL) = (accepted_at IS NULL)", name="accepted_by_someone"),
        Index("ix_homeshare_supporters_application_id", "application_id", "ended_at"),
    )

    @property
    def stands_by(self) -> bool:
        """Whether they may see how the application stands."""
        return self.accepted_at is not None and self.ended_at is None

    @property
    def is_good(self) -> bool:
        """Whether the invitation may still be answered."""
        return self.accepted_at is None and self.ended_at is None and self.expires_at > clock.now()
