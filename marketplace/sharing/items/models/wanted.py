"""The wanted board: what neighbours look for, who agreed to be asked for it, and what is offered to them."""

import enum
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import District
from marketplace.kernel import clock, db
from marketplace.kernel.words import Text, _l
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.lending import when
from marketplace.sharing.items.models.listing import Item

DISTANCES = (1000, 2000, 5000)
"""How far off, in metres, someone may be to be asked."""


class Ending(enum.Enum):
    """Why nobody looks for it any more."""

    FOUND = "found"
    WITHDRAWN = "withdrawn"
    OVER = "over"

    @property
    def words(self) -> Text:
        """The ending as people read it."""
        return {
            "found": _l("found"),
            "withdrawn": _l("withdrawn"),
            "over": _l("its days are over"),
        }[self.value]


class WantedPost(db.Base):
    """A thing that a neighbour looks for, for some days, the last one included.

    It says the district and nothing finer; from where its owners were asked is not kept.
    """

    __tablename__ = "wanted_posts"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(sa.String(100))
    category: Mapped[str] = mapped_column(sa.String(40), index=True)
    """A code of models/categories.py."""
    first_day: Mapped[date]
    last_day: Mapped[date]
    quantity: Mapped[int] = mapped_column(default=1)
    description: Mapped[str] = mapped_column(sa.String(1000), default="")
    district_id: Mapped[int | None] = mapped_column(ForeignKey("districts.id"), index=True)
    posted_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    ending: Mapped[Ending | None]
    hidden_at: Mapped[datetime | None]
    """Since when moderators keep it out of sight."""

    person: Mapped[Person] = relationship(lazy="raise")
    district: Mapped[District | None] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="in_order"),
        CheckConstraint("quantity > 0", name="some"),
        CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name="ends_for_a_reason"),
        Index(
            "ix_wanted_posts_open",
            "last_day",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    @property
    def when(self) -> Text:
        """Its days as people read them."""
        return when(self.first_day, self.last_day)

    @property
    def is_open(self) -> bool:
        """Whether it is still looked for; it ends by itself the day after its last day."""
        return self.ended_at is None and self.last_day >= clock.today()

    @property
    def category_title(self) -> str:
        """The name of its category in the reader's language."""
        return categories.by_code(self.category).title


class WantedOffer(db.Base):
    """A thing of an owner's, offered to the neighbour who looks for such a one."""

    __tablename__ = "wanted_offers"

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("wanted_posts.id", ondelete="CASCADE"))
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id"), index=True)
    offered_at: Mapped[datetime] = mapped_column(default=clock.now)

    post: Mapped[WantedPost] = relationship(lazy="raise")
    item: Mapped[Item] = relationship(lazy="raise")

    __table_args__ = (sa.UniqueConstraint("post_id", "item_id"),)


_NOT_OFFERED = (
    "NOT EXISTS (SELECT 1 FROM items WHERE id = NEW.item_id"
    " AND paused_at IS NULL AND hidden_at IS NULL AND withdrawn_at IS NULL{lock})"
)
ONLY_OFFERED = "wanted_offers_only_offered"
GUARDS = {
    "sqlite": (
        f"CREATE TRIGGER {ONLY_OFFERED} BEFORE INSERT ON wanted_offers WHEN {_NOT_OFFERED.format(lock='')}"
        f" BEGIN SELECT RAISE(ABORT, '{ONLY_OFFERED}'); END",
    ),
    "postgresql": (
        f"CREATE FUNCTION {ONLY_OFFERED}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF {_NOT_OFFERED.format(lock=' FOR SHARE')}"
        f" THEN RAISE EXCEPTION '{ONLY_OFFERED}' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
        " RETURN NEW; END $$",
        f"CREATE TRIGGER {ONLY_OFFERED} BEFORE INSERT ON wanted_offers FOR EACH ROW EXECUTE FUNCTION {ONLY_OFFERED}()",
    ),
}
"""Nothing is offered to a neighbour that is not lent at present, by dialect: run after the table is created."""

db.guard(WantedOffer.__table__, ONLY_OFFERED, GUARDS)


class AskMe(db.Base):
    """Someone agreed to be asked when a neighbour nearby looks for something that they lend."""

    __tablename__ = "ask_me"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    within: Mapped[int]
    """Metres, from the middle of one privacy cell to that of the other."""
    agreed_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (CheckConstraint("within IN (1000, 2000, 5000)", name="a_distance"),)


class WantedAsked(db.Base):
    """An owner was asked for something; nobody else learns of it, and it is forgotten after a week."""

    __tablename__ = "wanted_asked"

    post_id: Mapped[int] = mapped_column(ForeignKey("wanted_posts.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True, index=True)
    asked_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
