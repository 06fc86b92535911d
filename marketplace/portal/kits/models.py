"""Kits, what belongs to them, and who booked which when."""

import enum
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person, RoleGrant
from marketplace.civic.places.models import Building
from marketplace.kernel import clock, db, words
from marketplace.kernel.intervals import Interval
from marketplace.kernel.references import new_reference
from marketplace.kernel.words import Text, _l
from marketplace.sharing.items.models.lending import Loan, LoanState, when
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.spaces.models import AGREED, Booking, BookingState, Space

STANDING = (LoanState.ACCEPTED, LoanState.OUT, LoanState.RETURNED, LoanState.CLOSED)
"""Where the loan of a part may be while nobody gave it up."""


class KitState(enum.Enum):
    """Where the booking of a kit stands, as its parts tell."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    BROKEN = "broken"
    ENDED = "ended"

    @property
    def words(self) -> Text:
        """The state as people read it."""
        return {
            "requested": _l("waiting for an answer"),
            "confirmed": _l("confirmed"),
            "broken": _l("a part of it is given up"),
            "ended": _l("given up"),
        }[self.value]


class Kit(db.Base):
    """Rooms of a building, and things of its libraries, that are offered together."""

    __tablename__ = "kits"

    id: Mapped[int] = mapped_column(primary_key=True)
    building_id: Mapped[int] = mapped_column(ForeignKey("buildings.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    name_en: Mapped[str | None] = mapped_column(sa.String(100))
    about: Mapped[str] = mapped_column(sa.Text, default="")
    published: Mapped[bool] = mapped_column(default=False)
    hidden_at: Mapped[datetime | None]
    """Since when moderators keep it out of sight."""
    version: Mapped[int] = mapped_column(default=1)

    building: Mapped[Building] = relationship(lazy="raise")
    managing: Mapped[list[RoleGrant]] = relationship(
        lazy="raise", viewonly=True, primaryjoin="Kit.building_id == foreign(RoleGrant.building_id)"
    )
    """Who runs the building."""
    parts: Mapped[list["KitPart"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="KitPart.id", back_populates="kit"
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def title(self) -> str:
        """The name in the reader's language, or as the building wrote it."""
        return self.name if words.language.get() == "ko" else self.name_en or self.name

    @property
    def rooms(self) -> list[Space]:
        """Its rooms, in the order in which they are always claimed."""
        return sorted((part.space for part in self.parts if part.space), key=lambda room: room.id)

    @property
    def things(self) -> list[tuple[Item, int]]:
        """Its things and how many of each, in the order in which they are always claimed."""
        return sorted(((part.item, part.quantity) for part in self.parts if part.item), key=lambda one: one[0].id)


class KitPart(db.Base):
    """A room of a kit, or so many pieces of a thing."""

    __tablename__ = "kit_parts"

    id: Mapped[int] = mapped_column(primary_key=True)
    kit_id: Mapped[int] = mapped_column(ForeignKey("kits.id", ondelete="CASCADE"))
    space_id: Mapped[int | None] = mapped_column(ForeignKey("spaces.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("items.id"), index=True)
    quantity: Mapped[int] = mapped_column(default=1)

    kit: Mapped[Kit] = relationship(lazy="raise", back_populates="parts")
    space: Mapped[Space | None] = relationship(lazy="raise")
    item: Mapped[Item | None] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("(space_id IS NULL) <> (item_id IS NULL)", name="a_room_or_a_thing"),
        CheckConstraint("quantity > 0", name="some"),
        CheckConstraint("space_id IS NULL OR quantity = 1", name="a_room_once"),
        sa.UniqueConstraint("kit_id", "space_id"),
        sa.UniqueConstraint("kit_id", "item_id"),
    )

    @property
    def title(self) -> str:
        """What it is, as people read it."""
        if self.space is not None:
            return self.space.title
        assert self.item is not None  # noqa: S101 - the database keeps it so: ck_kit_parts_a_room_or_a_thing
        return self.item.title if self.quantity == 1 else f"{self.item.title} × {self.quantity}"


class KitBooking(db.Base):
    """A kit that someone booked: its bookings and loans were made in one transaction, all or none."""

    __tablename__ = "kit_bookings"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(sa.String(12), unique=True, default=new_reference)
    kit_id: Mapped[int] = mapped_column(ForeignKey("kits.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date] = mapped_column(index=True)
    """The days on which its rooms are used, and so those of its loans."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    """When the whole was given up, by whomever: what is not handed over yet is let go."""
    version: Mapped[int] = mapped_column(default=1)

    kit: Mapped[Kit] = relationship(lazy="raise")
    person: Mapped[Person] = relationship(lazy="raise")
    parts: Mapped[list["KitBookingPart"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="KitBookingPart.id", back_populates="of"
    )

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (CheckConstraint("last_day >= first_day", name="in_order"),)

    @property
    def bookings(self) -> list[Booking]:
        """The bookings of its rooms."""
        return [part.booking for part in self.parts if part.booking]

    @property
    def loans(self) -> list[Loan]:
        """The loans of its things."""
        return [part.loan for part in self.parts if part.loan]

    @property
    def interval(self) -> Interval | None:
        """When its rooms are used, from the first to the last; None once their bookings are forgotten."""
        rooms = self.bookings
        if not rooms:
            return None
        return Interval(min(one.starts_at for one in rooms), max(one.ends_at for one in rooms))

    @property
    def when(self) -> Text:
        """Its days as people read them."""
        return when(self.first_day, self.last_day)

    @property
    def state(self) -> KitState:
        """Where it stands; needs the bookings and the loans of `parts`."""
        if self.ended_at is not None:
            return KitState.ENDED
        if not all(part.stands for part in self.parts):
            return KitState.BROKEN
        waiting = any(booking.state is BookingState.REQUESTED for booking in self.bookings)
        return KitState.REQUESTED if waiting else KitState.CONFIRMED


class KitBookingPart(db.Base):
    """The booking or the loan that was made for a part of a kit."""

    __tablename__ = "kit_booking_parts"

    id: Mapped[int] = mapped_column(primary_key=True)
    kit_booking_id: Mapped[int] = mapped_column(ForeignKey("kit_bookings.id", ondelete="CASCADE"), index=True)
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), unique=True)
    loan_id: Mapped[int | None] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"), unique=True)

    of: Mapped[KitBooking] = relationship(lazy="raise", back_populates="parts")
    booking: Mapped[Booking | None] = relationship(lazy="raise")
    loan: Mapped[Loan | None] = relationship(lazy="raise")

    __table_args__ = (CheckConstraint("(booking_id IS NULL) <> (loan_id IS NULL)", name="a_booking_or_a_loan"),)

    @property
    def stands(self) -> bool:
        """Whether nobody gave it up; needs `booking` and `loan`."""
        if self.booking is not None:
            return self.booking.state in AGREED
        return self.loan is not None and self.loan.state in STANDING
