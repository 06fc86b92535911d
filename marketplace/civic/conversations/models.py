"""What the two sides of a thing wrote to each other, who reads along, and who will not hear from whom."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db, things


class Side(StrEnum):
    """Which of the two sides of a thing someone speaks for."""

    ONE = "one"
    OTHER = "other"


class Conversation(db.Base):
    """All that is written about one thing, such as booking:17. It is empty until the first message."""

    __tablename__ = "conversations"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(100), unique=True)
    last_id: Mapped[int] = mapped_column(default=0)
    """The latest message."""
    last_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)

    @property
    def name(self) -> str:
        """How the audit log and notices call it."""
        return things.subject("conversation", self.id)


class Message(db.Base):
    """What someone wrote: never changed afterwards, but its author may soon take it back, and moderators hide it."""

    __tablename__ = "messages"
    __table_args__ = (
        sa.Index("ix_messages_conversation_id_id", "conversation_id", "id"),
        sa.CheckConstraint("deleted_at IS NULL OR text = ''", name="deleted_is_gone"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey("conversations.id"))
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    side: Mapped[Side]
    text: Mapped[str] = mapped_column(sa.Text)
    flags: Mapped[list[str]] = mapped_column(default=list)
    """The kinds of contact found in it, where they were sent all the same before anything was agreed."""
    written_at: Mapped[datetime] = mapped_column(default=clock.now)
    deleted_at: Mapped[datetime | None]
    hidden: Mapped[bool] = mapped_column(default=False)

    conversation: Mapped[Conversation] = relationship(lazy="raise")
    author: Mapped[Person] = relationship(lazy="raise")

    @property
    def name(self) -> str:
        """How reports and pictures call it."""
        return things.subject("message", self.id)


class Seat(db.Base):
    """Someone's place in a conversation: how far they have read, and of which message they are being told.

    `told_id` stays until they read, so that of many messages one notice goes out. `in_office` says that they sit here
    for a building or a group.
    """

    __tablename__ = "seats"

    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey("conversations.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, index=True)
    side: Mapped[Side]
    in_office: Mapped[bool]
    read_id: Mapped[int] = mapped_column(default=0)
    told_id: Mapped[int | None]


class Block(db.Base):
    """Someone who does not wish to hear from another."""

    __tablename__ = "blocks"
    __table_args__ = (sa.CheckConstraint("blocker_id <> blocked_id", name="of_someone_else"),)

    blocker_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    blocked_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, index=True)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)

    blocked: Mapped[Person] = relationship(lazy="raise", foreign_keys=[blocked_id])
