"""Files that people add: what each is, how far it is checked, and what it is attached to."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.civic.uploads.errors import REFUSALS
from marketplace.kernel import clock, db
from marketplace.kernel.words import Text, _l


class Kind(StrEnum):
    """What a file is, told by its first bytes."""

    PICTURE = "picture"
    RECORDING = "recording"
    DOCUMENT = "document"


class State(StrEnum):
    """Whether it may be shown yet."""

    WAITING = "waiting"
    READY = "ready"
    REFUSED = "refused"


KINDS: dict[str, Text] = {
    Kind.PICTURE: _l("pictures (JPEG, PNG, WebP, HEIC)"),
    Kind.RECORDING: _l("sound and video (WebM, MP4)"),
    Kind.DOCUMENT: _l("PDF documents"),
}
WIDTHS = {"small": 400, "large": 1600}
"""The sizes a picture is shown in, and how many pixels wide they are at most."""


class Upload(db.Base):
    """A file someone added. What is shown is made anew from it; what was sent is deleted afterwards.

    `size` is how many bytes were sent; width and height are those of what is shown; `loose_since` is since when it
    belongs to nothing.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        sa.CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", name="refused_for_a_reason"),
        sa.CheckConstraint("(subject IS NULL) = (loose_since IS NOT NULL)", name="loose_or_attached"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    key: Mapped[str] = mapped_column(sa.String(32), unique=True)
    kind: Mapped[Kind]
    state: Mapped[State] = mapped_column(default=State.WAITING)
    refusal: Mapped[str | None] = mapped_column(sa.String(40))
    name: Mapped[str] = mapped_column(sa.String(120))
    size: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    seconds: Mapped[int | None]
    subject: Mapped[str | None] = mapped_column(sa.String(100), index=True)
    loose_since: Mapped[datetime | None] = mapped_column(default=clock.now, index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    look: Mapped[int | None] = mapped_column(sa.BigInteger)
    """What a picture looks like, in 64 bits of which alike pictures share most."""

    @property
    def is_ready(self) -> bool:
        """Whether it may be shown."""
        return self.state is State.READY

    @property
    def is_video(self) -> bool:
        """Whether a recording has a picture as well as sound."""
        return self.kind is Kind.RECORDING and self.width is not None

    @property
    def problem(self) -> Text | None:
        """Why it was refused."""
        return REFUSALS[self.refusal].message if self.refusal else None

    @property
    def shown_as(self) -> dict[str, str]:
        """The content type of each part that is made of it, by the last word of its address."""
        if self.kind is Kind.PICTURE:
            return dict.fromkeys(WIDTHS, "image/webp")
        if self.kind is Kind.RECORDING:
            return {"play": "video/mp4" if self.is_video else "audio/mp4"}
        return {"file": "application/pdf"}

    @property
    def best(self) -> str:
        """The part that holds the most."""
        return list(self.shown_as)[-1]

    def stored(self, part: str) -> str:
        """What a part is called in the storage; `original` is what was sent."""
        return f"uploads/{self.key[:2]}/{self.key}.{part}"


class UploadDay(db.Base):
    """How much a person added on a day: files deleted again count too."""

    __tablename__ = "upload_days"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True, index=True)
    files: Mapped[int]
    bytes: Mapped[int] = mapped_column(sa.BigInteger)
