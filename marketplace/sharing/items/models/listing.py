"""Things that neighbours and libraries of things lend: what they are, to whom, and where they are fetched."""

import enum
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person, RoleGrant
from marketplace.civic.credits.models import TIME
from marketplace.civic.credits.models import show as show_amount
from marketplace.civic.groups.models import Group
from marketplace.civic.places.models import Building, District
from marketplace.kernel import clock, db, words
from marketplace.kernel.words import Text, _l
from marketplace.sharing.items.models import categories

EVERY_DAY = 0b1111111
SEARCHED = (
    "owner_id", "library_id", "category", "fee", "longest_days", "notice_days", "horizon_days", "audience", "group_id",
    "pick_up_days", "pick_up_to", "cell", "district_id",
)  # fmt: skip
"""The columns that queries/search.py reads of a thing."""


class Condition(enum.Enum):
    """How good a thing is."""

    NEW = "new"
    GOOD = "good"
    WORN = "worn"
    QUIRKS = "quirks"

    @property
    def words(self) -> Text:
        """The condition as people read it."""
        return {
            "new": _l("As new"),
            "good": _l("Good"),
            "worn": _l("Worn, works well"),
            "quirks": _l("Works, with quirks"),
        }[self.value]


class Audience(enum.Enum):
    """Who may borrow a thing."""

    RESIDENTS = "residents"
    DISTRICT = "district"
    GROUP = "group"

    @property
    def words(self) -> Text:
        """The audience as people read it."""
        return {
            "residents": _l("Verified residents of the city"),
            "district": _l("Verified residents of the same district"),
            "group": _l("Members of a group"),
        }[self.value]


class UnitState(enum.Enum):
    """Whether one of several identical pieces can be lent."""

    READY = "ready"
    REPAIR = "repair"
    LOST = "lost"
    GONE = "gone"

    @property
    def words(self) -> Text:
        """The state as people read it."""
        return {
            "ready": _l("can be lent"),
            "repair": _l("in repair"),
            "lost": _l("missing"),
            "gone": _l("no longer lent"),
        }[self.value]


class DepositUnit(enum.Enum):
    """What a deposit is put down in: the city's money, promised between the two, or minutes of time credit, held."""

    MONEY = "money"
    TIME = TIME

    def show(self, amount: int) -> str:
        """An amount of it as people read it."""
        shown = show_amount(amount, self.value)
        return shown if self is DepositUnit.MONEY else str(_l("{time} of time credit", time=shown))


class PickUpPlace(db.Base):
    """Where a neighbour hands over what they lend.

    No point is kept: what their device or a map said is cut to its privacy cell at once (kernel/cells.py). The address
    is locked; who borrows reads it once a loan is agreed.
    """

    __tablename__ = "pick_up_places"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    cell: Mapped[int] = mapped_column(sa.BigInteger)
    district_id: Mapped[int | None] = mapped_column(ForeignKey("districts.id"))
    address: Mapped[str] = mapped_column(sa.Text, default="")
    """Locked for its place, pick_up_places:<person>."""
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    district: Mapped[District | None] = relationship(lazy="raise")


class Library(db.Base):
    """A library of things: run in a public building by its managers, and by a group's officers where one helps."""

    __tablename__ = "libraries"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    name_en: Mapped[str | None] = mapped_column(sa.String(100))
    about: Mapped[str] = mapped_column(sa.Text, default="")
    building_id: Mapped[int] = mapped_column(ForeignKey("buildings.id"), index=True)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id"), index=True)
    open: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)

    building: Mapped[Building] = relationship(lazy="raise")
    group: Mapped[Group | None] = relationship(lazy="raise")
    managing: Mapped[list[RoleGrant]] = relationship(
        lazy="raise", viewonly=True, primaryjoin="Library.building_id == foreign(RoleGrant.building_id)"
    )
    """Who runs the building."""
    hours: Mapped[list["LibraryHours"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="(LibraryHours.weekday, LibraryHours.opens)"
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def title(self) -> str:
        """The name in the reader's language, or as it is written on the door."""
        return self.name if words.language.get() == "ko" else self.name_en or self.name


class LibraryHours(db.Base):
    """A stretch of a weekday (0 is Monday, 7 any public holiday) in which a library's counter is open, in minutes."""

    __tablename__ = "library_hours"

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"), index=True)
    weekday: Mapped[int]
    opens: Mapped[int]
    closes: Mapped[int]

    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 7", name="weekday"),
        CheckConstraint("0 <= opens AND opens < closes AND closes <= 1440", name="in_order"),
    )


class Item(db.Base):
    """A thing that may be borrowed, or several identical ones, with its owner's rules."""

    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    library_id: Mapped[int | None] = mapped_column(ForeignKey("libraries.id"), index=True)
    title: Mapped[str] = mapped_column(sa.String(100))
    description: Mapped[str] = mapped_column(sa.Text, default="")
    category: Mapped[str] = mapped_column(sa.String(40))
    """A code of models/categories.py."""
    condition: Mapped[Condition]
    value: Mapped[int | None]
    """What a new one costs, in the currency's smallest unit."""
    rules: Mapped[str] = mapped_column(sa.Text, default="")
    fee: Mapped[int] = mapped_column(default=0)
    """For a whole loan, settled between the two."""
    deposit: Mapped[int] = mapped_column(default=0)
    deposit_unit: Mapped[DepositUnit] = mapped_column(default=DepositUnit.MONEY, server_default="money")
    longest_days: Mapped[int] = mapped_column(default=7)
    notice_days: Mapped[int] = mapped_column(default=0)
    horizon_days: Mapped[int] = mapped_column(default=90)
    audience: Mapped[Audience] = mapped_column(default=Audience.RESIDENTS)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id"), index=True)
    """Whose members may borrow it, if only they may."""
    trusts: Mapped[bool] = mapped_column(default=False)
    """Whether a request of a trusted borrower is accepted at once."""
    pick_up_days: Mapped[int] = mapped_column(default=EVERY_DAY)
    """The weekdays on which it is handed over, as bits: 1 is Monday, 64 Sunday."""
    pick_up_from: Mapped[int] = mapped_column(default=9 * 60)
    pick_up_to: Mapped[int] = mapped_column(default=21 * 60)
    """Between these minutes past midnight; a library's things in its opening hours."""
    pick_up_note: Mapped[str] = mapped_column(sa.String(300), default="")
    cell: Mapped[int] = mapped_column(sa.BigInteger, index=True)
    """The privacy cell where it is: the owner's, or that of the library's building."""
    district_id: Mapped[int | None] = mapped_column(ForeignKey("districts.id"), index=True)
    listed_at: Mapped[datetime] = mapped_column(default=clock.now)
    paused_at: Mapped[datetime | None]
    hidden_at: Mapped[datetime | None]
    """Since when moderators keep it out of sight."""
    withdrawn_at: Mapped[datetime | None]
    """Since when its owner lends it no more; loans that are over keep naming it."""
    version: Mapped[int] = mapped_column(default=1)

    owner: Mapped[Person | None] = relationship(lazy="raise")
    library: Mapped[Library | None] = relationship(lazy="raise")
    group: Mapped[Group | None] = relationship(lazy="raise")
    district: Mapped[District | None] = relationship(lazy="raise")
    units: Mapped[list["ItemUnit"]] = relationship(lazy="raise", order_by="ItemUnit.number", back_populates="item")
    accessories: Mapped[list["Accessory"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="Accessory.position"
    )

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("(owner_id IS NULL) <> (library_id IS NULL)", name="one_owner"),
        CheckConstraint("(audience = 'group') = (group_id IS NOT NULL)", name="group_of_its_audience"),
        CheckConstraint("value >= 0 AND fee >= 0 AND deposit >= 0", name="sums_not_negative"),
        CheckConstraint("longest_days BETWEEN 1 AND 90", name="longest"),
        CheckConstraint("notice_days >= 0 AND horizon_days >= notice_days", name="window_in_order"),
        CheckConstraint("pick_up_days BETWEEN 1 AND 127", name="some_day"),
        CheckConstraint("0 <= pick_up_from AND pick_up_from < pick_up_to AND pick_up_to <= 1440", name="in_order"),
        Index("ix_items_category_cell", "category", "cell"),
        # All that a search asks of a thing that is lent: thousands are looked at without their pages being read.
        Index(
            "ix_items_offered",
            "id",
            postgresql_include=SEARCHED,
            postgresql_where=sa.text("paused_at IS NULL AND hidden_at IS NULL AND withdrawn_at IS NULL"),
        ).ddl_if(dialect="postgresql"),
    )

    @hybrid_property
    def offered(self) -> bool:
        """Whether residents may find and borrow it now."""
        return self.paused_at is None and self.hidden_at is None and self.withdrawn_at is None

    @offered.inplace.expression
    @classmethod
    def _offered(cls) -> sa.ColumnElement[bool]:
        return sa.and_(cls.paused_at.is_(None), cls.hidden_at.is_(None), cls.withdrawn_at.is_(None))

    @property
    def shown_deposit(self) -> str | None:
        """What is put down for it, as people read it."""
        return self.deposit_unit.show(self.deposit) if self.deposit else None

    @property
    def category_title(self) -> str:
        """The name of its category in the reader's language."""
        return categories.by_code(self.category).title

    @property
    def ready_units(self) -> list["ItemUnit"]:
        """The pieces that can be lent; needs `units`."""
        return [unit for unit in self.units if unit.state is UnitState.READY]

    @property
    def kept_units(self) -> list["ItemUnit"]:
        """The pieces that its owner has, fit to be lent or not; needs `units`."""
        return [unit for unit in self.units if unit.state is not UnitState.GONE]


class ItemUnit(db.Base):
    """One of the identical pieces of an item: what a loan takes along, and what its label names."""

    __tablename__ = "item_units"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id"))
    resource_id: Mapped[int] = mapped_column(ForeignKey("resources.id"), unique=True)
    number: Mapped[int]
    code: Mapped[str | None] = mapped_column(sa.String(40), unique=True)
    """What the label of a library's piece says."""
    state: Mapped[UnitState] = mapped_column(default=UnitState.READY)

    item: Mapped[Item] = relationship(lazy="raise", back_populates="units")

    __table_args__ = (
        sa.UniqueConstraint("item_id", "number"),
        CheckConstraint("number > 0", name="counted_from_one"),
        Index("ix_item_units_item_id_state_resource_id", "item_id", "state", "resource_id"),  # all that a search asks
    )


class Accessory(db.Base):
    """Something that goes along with an item, such as three drill bits, and is counted at both hand-overs."""

    __tablename__ = "item_accessories"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(80))
    count: Mapped[int] = mapped_column(default=1)

    __table_args__ = (CheckConstraint("count > 0", name="some"),)
