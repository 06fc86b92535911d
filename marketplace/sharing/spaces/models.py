"""Rooms of public buildings, when they are open, what they cost, and who booked them."""

import enum
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person, RoleGrant
from marketplace.civic.groups.models import Channel, Group, OnBehalf
from marketplace.civic.places.models import Building
from marketplace.kernel import db, words
from marketplace.kernel.intervals import HOLIDAY, Interval, WeeklyHours
from marketplace.kernel.occupancy import Occupancy
from marketplace.kernel.references import new_reference
from marketplace.kernel.words import Text, _l


class Kind(enum.Enum):
    """What sort of room it is."""

    MULTIPURPOSE = "multipurpose"
    LECTURE = "lecture"
    MEETING = "meeting"
    HALL = "hall"
    GYM = "gym"
    TENNIS = "tennis"
    FOOTBALL = "football"
    COURT = "court"
    GOLF = "golf"
    EXHIBITION = "exhibition"
    LOUNGE = "lounge"
    OTHER = "other"

    @property
    def words(self) -> Text:
        """The kind as people read it."""
        return {
            "multipurpose": _l("Multi-purpose room"),
            "lecture": _l("Classroom"),
            "meeting": _l("Meeting room"),
            "hall": _l("Hall"),
            "gym": _l("Gym"),
            "tennis": _l("Tennis court"),
            "football": _l("Football pitch"),
            "court": _l("Sports court"),
            "golf": _l("Golf practice range"),
            "exhibition": _l("Exhibition room"),
            "lounge": _l("Residents' lounge"),
            "other": _l("Other room"),
        }[self.value]


class Feature(enum.Enum):
    """Something a room has that people search for."""

    PROJECTOR = "projector"
    SOUND = "sound"
    BOARD = "board"
    TABLES = "tables"
    CHAIRS = "chairs"
    COMPUTER = "computer"
    PIANO = "piano"
    MIRROR = "mirror"
    KITCHEN = "kitchen"
    AIR_CONDITIONING = "air_conditioning"
    WIFI = "wifi"
    SHOWER = "shower"
    PARKING = "parking"

    @property
    def words(self) -> Text:
        """The feature as people read it."""
        return {
            "projector": _l("Projector or screen"),
            "sound": _l("Microphone and speakers"),
            "board": _l("Whiteboard"),
            "tables": _l("Tables"),
            "chairs": _l("Chairs"),
            "computer": _l("Computer"),
            "piano": _l("Piano"),
            "mirror": _l("Mirror wall"),
            "kitchen": _l("Kitchen"),
            "air_conditioning": _l("Air conditioning"),
            "wifi": _l("Wi-Fi"),
            "shower": _l("Shower or changing room"),
            "parking": _l("Parking"),
        }[self.value]


class BookingState(enum.Enum):
    """Where a booking stands."""

    HELD = "held"
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"

    @property
    def words(self) -> Text:
        """The state as people read it."""
        return {
            "held": _l("not sent yet"),
            "requested": _l("waiting for an answer"),
            "confirmed": _l("confirmed"),
            "declined": _l("declined"),
            "cancelled": _l("cancelled"),
            "lapsed": _l("lapsed"),
        }[self.value]


LIVE = (BookingState.HELD, BookingState.REQUESTED, BookingState.CONFIRMED)
AGREED = (BookingState.REQUESTED, BookingState.CONFIRMED)


class Space(db.Base):
    """A room that residents may book, with its rules."""

    __tablename__ = "spaces"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(sa.String(100), unique=True)
    building_id: Mapped[int] = mapped_column(ForeignKey("buildings.id"), index=True)
    resource_id: Mapped[int] = mapped_column(ForeignKey("resources.id"), unique=True)
    part_of_id: Mapped[int | None] = mapped_column(ForeignKey("spaces.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str | None] = mapped_column(sa.String(200))
    kind: Mapped[Kind]
    official_kind: Mapped[str] = mapped_column(sa.String(100), default="")
    capacity: Mapped[int | None]
    area_m2: Mapped[float | None]
    equipment: Mapped[list[str]] = mapped_column(default=list)
    about: Mapped[str] = mapped_column(sa.Text, default="")
    closed_note: Mapped[str] = mapped_column(sa.Text, default="")
    apply_note: Mapped[str] = mapped_column(sa.Text, default="")
    source: Mapped[dict[str, object]] = mapped_column(sa.JSON, default=dict)
    """What an official file said beyond the columns here, so that an export gives it back."""

    base_minutes: Mapped[int] = mapped_column(default=60)
    base_fee: Mapped[int | None] = mapped_column(default=0)
    """None where the building has to be asked."""
    extra_minutes: Mapped[int | None]
    extra_fee: Mapped[int | None]
    fee_note: Mapped[str] = mapped_column(sa.Text, default="")

    min_minutes: Mapped[int] = mapped_column(default=60)
    max_minutes: Mapped[int] = mapped_column(default=480)
    raster_minutes: Mapped[int] = mapped_column(default=60)
    before_minutes: Mapped[int] = mapped_column(default=0)
    after_minutes: Mapped[int] = mapped_column(default=0)
    notice_days: Mapped[int] = mapped_column(default=0)
    horizon_days: Mapped[int] = mapped_column(default=90)
    by_request: Mapped[bool] = mapped_column(default=False)
    answer_days: Mapped[int] = mapped_column(default=3)
    cancel_hours: Mapped[int] = mapped_column(default=24)
    house_rules: Mapped[str] = mapped_column(sa.Text, default="")
    open: Mapped[bool] = mapped_column(default=True, index=True)
    """Whether residents may find and book it at all, if moderators did not hide it."""
    hidden_at: Mapped[datetime | None]
    """Since when moderators keep it out of sight."""
    version: Mapped[int] = mapped_column(default=1)

    building: Mapped[Building] = relationship(lazy="raise")
    managing: Mapped[list[RoleGrant]] = relationship(
        lazy="raise", viewonly=True, primaryjoin="Space.building_id == foreign(RoleGrant.building_id)"
    )
    """Who runs the building."""
    part_of: Mapped["Space | None"] = relationship(lazy="raise", remote_side="Space.id")
    hours: Mapped[list["SpaceHours"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="(SpaceHours.weekday, SpaceHours.opens)"
    )
    closed_days: Mapped[list["SpaceClosedDay"]] = relationship(lazy="raise", cascade="all, delete-orphan")
    features: Mapped[list["SpaceFeature"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="SpaceFeature.feature"
    )

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("capacity > 0", name="capacity_positive"),
        CheckConstraint("raster_minutes > 0 AND base_minutes > 0", name="steps_positive"),
        CheckConstraint("min_minutes > 0 AND max_minutes >= min_minutes", name="durations_in_order"),
        CheckConstraint("before_minutes >= 0 AND after_minutes >= 0", name="buffers_not_negative"),
        CheckConstraint("notice_days >= 0 AND horizon_days >= notice_days", name="window_in_order"),
        CheckConstraint("base_fee >= 0", name="fee_not_negative"),
    )

    @hybrid_property
    def offered(self) -> bool:
        """Whether residents may find and book it now."""
        return self.open and self.hidden_at is None

    @offered.inplace.expression
    @classmethod
    def _offered(cls) -> sa.ColumnElement[bool]:
        return sa.and_(cls.open, cls.hidden_at.is_(None))

    @property
    def title(self) -> str:
        """The name in the reader's language, or as it is written on the door."""
        return self.name if words.language.get() == "ko" else self.name_en or self.name

    @property
    def lengths(self) -> list[int]:
        """The lengths, in minutes, that a booking may have, as steps of the raster."""
        step = self.raster_minutes
        return list(range(-(-self.min_minutes // step) * step, self.max_minutes + 1, step))

    @property
    def week(self) -> WeeklyHours:
        """The weekly opening hours; needs `hours` and `closed_days`. Made anew each time: keep it for a loop."""
        days: list[list[tuple[int, int]]] = [[] for _ in range(HOLIDAY + 1)]
        for span in self.hours:
            days[span.weekday].append((span.opens, span.closes))
        closed = frozenset((day.weekday, day.nth) for day in self.closed_days)
        return WeeklyHours(tuple(tuple(sorted(spans)) for spans in days), closed)

    @property
    def before(self) -> timedelta:
        """How long the room is held before a booking, to prepare it."""
        return timedelta(minutes=self.before_minutes)

    @property
    def after(self) -> timedelta:
        """How long the room is held after a booking, to clear it."""
        return timedelta(minutes=self.after_minutes)

    def fee(self, minutes: int) -> int | None:
        """What so many minutes cost: the base fee, then a fee for each further unit begun.

        Without a fee for further units, each base unit begun costs the base fee. None if the building has to be asked.
        """
        if self.base_fee is None:
            return None
        if self.extra_minutes and self.extra_fee is not None:
            further = max(0, minutes - self.base_minutes)
            return self.base_fee + -(-further // self.extra_minutes) * self.extra_fee
        return -(-minutes // self.base_minutes) * self.base_fee


class SpaceHours(db.Base):
    """A stretch of a weekday (0 is Monday, 7 any public holiday) in which a room is open, in minutes past midnight."""

    __tablename__ = "space_hours"

    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"))
    weekday: Mapped[int]
    opens: Mapped[int]
    closes: Mapped[int]

    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 7", name="weekday"),
        CheckConstraint("0 <= opens AND opens < closes AND closes <= 1440", name="in_order"),
        Index("ix_space_hours_weekday_space_id", "weekday", "space_id"),
        Index("ix_space_hours_space_id", "space_id"),
    )


class SpaceClosedDay(db.Base):
    """The nth such weekday of a month, on which a room stays closed."""

    __tablename__ = "space_closed_days"

    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"), primary_key=True)
    weekday: Mapped[int] = mapped_column(primary_key=True)
    nth: Mapped[int] = mapped_column(primary_key=True)

    __table_args__ = (CheckConstraint("weekday BETWEEN 0 AND 6 AND nth BETWEEN 1 AND 5", name="exists"),)


class SpaceFeature(db.Base):
    """Something that a room has."""

    __tablename__ = "space_features"

    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"), primary_key=True)
    feature: Mapped[Feature] = mapped_column(primary_key=True)


class Booking(db.Base):
    """A room promised, or asked for, by a resident for an interval."""

    __tablename__ = "bookings"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(sa.String(12), unique=True, default=new_reference)
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    occupancy_id: Mapped[int | None] = mapped_column(ForeignKey("occupancies.id", ondelete="SET NULL"), unique=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[BookingState] = mapped_column(default=BookingState.HELD)
    held_until: Mapped[datetime | None]
    people: Mapped[int | None]
    purpose: Mapped[str] = mapped_column(sa.String(500), default="")
    fee: Mapped[int | None]
    """None where the building tells it."""
    due_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    """Why it was declined or cancelled, as told to the resident."""
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    changed: Mapped[int] = mapped_column(default=0)
    """How often its time or state changed: the SEQUENCE of its calendar entry."""
    version: Mapped[int] = mapped_column(default=1)

    space: Mapped[Space] = relationship(lazy="raise")
    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])
    occupancy: Mapped[Occupancy | None] = relationship(lazy="raise")
    on_behalf: Mapped["BookingOnBehalf | None"] = relationship(lazy="raise", back_populates="booking")

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="in_order"),
        CheckConstraint("people > 0", name="people_positive"),
        CheckConstraint("state NOT IN ('requested', 'confirmed') OR occupancy_id IS NOT NULL", name="agreed_is_held"),
        Index("ix_bookings_space_id_starts_at", "space_id", "starts_at"),
        Index("ix_bookings_state_held_until", "state", "held_until"),
    )

    @property
    def interval(self) -> Interval:
        """When the people are in the room."""
        return Interval(self.starts_at, self.ends_at)

    @property
    def minutes(self) -> int:
        """How long it lasts."""
        return int((self.ends_at - self.starts_at).total_seconds()) // 60

    @property
    def answer_pending(self) -> bool:
        """Whether the building still owes an answer."""
        return self.state is BookingState.REQUESTED

    @property
    def is_live(self) -> bool:
        """Whether it still holds its room."""
        return self.state in LIVE and self.occupancy_id is not None

    @property
    def group(self) -> Group | None:
        """The group for which it was made; needs `on_behalf`."""
        return self.on_behalf.group if self.on_behalf else None

    @property
    def channel(self) -> Channel | None:
        """How the person came for whom staff made it; needs `on_behalf`."""
        return self.on_behalf.channel if self.on_behalf else None


class BookingOnBehalf(OnBehalf, db.Base):
    """In whose name a booking was made: for a group, or by the building for someone at its counter or telephone."""

    __tablename__ = "bookings_on_behalf"

    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), primary_key=True)

    booking: Mapped[Booking] = relationship(lazy="raise", back_populates="on_behalf")


class Closure(db.Base):
    """A time in which the building keeps a room to itself, with the reason that people read."""

    __tablename__ = "space_closures"

    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"), index=True)
    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancies.id"), unique=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(sa.String(500))
    made_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))

    space: Mapped[Space] = relationship(lazy="raise")
    occupancy: Mapped[Occupancy] = relationship(lazy="raise")

    @property
    def interval(self) -> Interval:
        """From when until when."""
        return Interval(self.starts_at, self.ends_at)
