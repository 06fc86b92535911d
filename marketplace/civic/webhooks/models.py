"""Systems of the city that are told what happens, and every attempt to tell them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel import clock, db
from marketplace.kernel.words import Text, _l

TYPE_PREFIX = "city.maeul."
TRIED = "webhook.tried"
"""The kind of news that only tries whether a receiver understands."""


class OffReason(StrEnum):
    """Why nothing is sent any more."""

    ADMINISTRATOR = "administrator"
    GONE = "gone"
    FAILING = "failing"


class DeliveryState(StrEnum):
    """How far one piece of news has come."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Trouble(StrEnum):
    """Why an attempt came to nothing."""

    OFF = "off"
    ADDRESS = "address"
    INSIDE = "inside"
    UNKNOWN = "unknown"
    SILENT = "silent"
    REFUSED = "refused"


OFF_REASONS: dict[str, Text] = {
    OffReason.ADMINISTRATOR: _l("an administrator switched it off"),
    OffReason.GONE: _l("it answered that it is gone for good (410)"),
    OffReason.FAILING: _l("it did not take anything for days"),
}
STATES: dict[str, Text] = {
    DeliveryState.WAITING: _l("On its way"),
    DeliveryState.DELIVERED: _l("Delivered"),
    DeliveryState.FAILED: _l("Failed"),
}
TROUBLES: dict[str, Text] = {
    Trouble.OFF: _l("It was switched off."),
    Trouble.ADDRESS: _l("The address cannot be asked any more."),
    Trouble.INSIDE: _l("Its name leads into a private network, where nothing is sent."),
    Trouble.UNKNOWN: _l("Nobody has its name."),
    Trouble.SILENT: _l("It could not be reached, or did not answer in time."),
    Trouble.REFUSED: _l("It did not take it."),
}


class WebhookEndpoint(db.Base):
    """A system that is told of some kinds of news.

    Its secrets are locked (kernel/vault). After a change the old one goes on signing beside the new one until
    `old_secret_until`, so that the receiver can change over when it likes.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        sa.CheckConstraint("(off_at IS NULL) = (off_reason IS NULL)", name="off_for_a_reason"),
        sa.CheckConstraint("(old_secret IS NULL) = (old_secret_until IS NULL)", name="old_secret_ends"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(sa.String(500))
    kinds: Mapped[list[str]]
    description: Mapped[str] = mapped_column(sa.String(200))
    secret: Mapped[str] = mapped_column(sa.String(300))
    old_secret: Mapped[str | None] = mapped_column(sa.String(300))
    old_secret_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"), index=True)
    failing_since: Mapped[datetime | None]
    off_at: Mapped[datetime | None]
    off_reason: Mapped[OffReason | None]

    @property
    def is_on(self) -> bool:
        """Whether news is sent to it."""
        return self.off_at is None


class WebhookDelivery(db.Base):
    """One piece of news for one endpoint. The receiver knows it again by `message_id`, which never changes.

    `turn` counts how often it was begun anew: jobs of an earlier turn do nothing.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        sa.UniqueConstraint("endpoint_id", "message_id"),
        sa.Index("ix_webhook_deliveries_endpoint_id_created_at", "endpoint_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(sa.ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    message_id: Mapped[str] = mapped_column(sa.String(40))
    kind: Mapped[str] = mapped_column(sa.String(60))
    subject: Mapped[str] = mapped_column(sa.String(100))
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.WAITING)
    turn: Mapped[int] = mapped_column(default=1)
    attempts: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None]
    status: Mapped[int | None]
    trouble: Mapped[Trouble | None]
    answer: Mapped[str] = mapped_column(sa.String(500), default="")

    endpoint: Mapped[WebhookEndpoint] = relationship(lazy="raise")

    @property
    def type(self) -> str:
        """The kind of news as CloudEvents name it."""
        return TYPE_PREFIX + self.kind
