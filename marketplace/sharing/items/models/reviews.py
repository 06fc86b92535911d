"""How loans went, in the words of both sides: sealed until both have written or a week has passed. No stars."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.sharing.items.models.lending import Loan

REMOVED = "–"
"""What stands for words that moderators removed, or whose writer left."""


class Review(db.Base):
    """What one side of a loan wrote about it, and what the other side replied.

    The columns of its two sides are copied, so that the database can compare them. When it opens is known as soon as
    it is written: at the end of its time, or at once when the other side writes too. Nothing has to be done then.
    """

    __tablename__ = "loan_reviews"

    id: Mapped[int] = mapped_column(primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"))
    by_borrower: Mapped[bool]
    author_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    borrower_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    """The owner, where the thing is not a library's."""
    for_group: Mapped[bool]
    """Whether it was borrowed for a group, any officer of which may write."""
    good: Mapped[str] = mapped_column(sa.String(1000), default="")
    bad: Mapped[str] = mapped_column(sa.String(1000), default="")
    """What went well, and what did not."""
    written_at: Mapped[datetime] = mapped_column(default=clock.now)
    """When it was written, or last changed."""
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    """Until when either side may write."""
    told_at: Mapped[datetime | None]
    """When both sides were told that it is open."""
    reply: Mapped[str] = mapped_column(sa.String(1000), default="")
    reply_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    replied_at: Mapped[datetime | None]
    hidden_at: Mapped[datetime | None]
    reply_hidden_at: Mapped[datetime | None]
    """Since when moderators keep it, or the reply to it, out of sight."""

    loan: Mapped[Loan] = relationship(lazy="raise")
    author: Mapped[Person] = relationship(lazy="raise", foreign_keys=[author_id])

    __table_args__ = (
        sa.UniqueConstraint("loan_id", "by_borrower"),
        CheckConstraint("length(trim(good)) + length(trim(bad)) > 0", name="says_something"),
        CheckConstraint("borrower_id <> owner_id", name="two_sides"),
        CheckConstraint(
            "NOT by_borrower OR ((author_id = borrower_id OR for_group)"
            " AND (owner_id IS NULL OR author_id <> owner_id))",
            name="author_borrows",
        ),
        CheckConstraint(
            "by_borrower OR (author_id <> borrower_id AND (owner_id IS NULL OR author_id = owner_id))",
            name="author_lends",
        ),
        CheckConstraint("opens_at <= closes_at", name="opens_in_time"),
        CheckConstraint("written_at <= opens_at AND written_at < closes_at", name="written_while_sealed"),
        CheckConstraint(
            "(replied_at IS NULL) = (reply_by_id IS NULL) AND (replied_at IS NULL) = (length(trim(reply)) = 0)",
            name="replied_by_someone",
        ),
        CheckConstraint("replied_at >= opens_at", name="replied_once_open"),
        CheckConstraint(
            "reply_by_id IS NULL OR NOT by_borrower"
            " OR (reply_by_id <> borrower_id AND (owner_id IS NULL OR reply_by_id = owner_id))",
            name="lender_replies",
        ),
        CheckConstraint(
            "reply_by_id IS NULL OR by_borrower"
            " OR (reply_by_id <> author_id AND (reply_by_id = borrower_id OR for_group))",
            name="borrower_replies",
        ),
        Index("ix_loan_reviews_borrower_id_opens_at", "borrower_id", "opens_at"),
        Index(
            "ix_loan_reviews_untold",
            "opens_at",
            sqlite_where=sa.text("told_at IS NULL"),
            postgresql_where=sa.text("told_at IS NULL"),
        ),
    )

    @property
    def is_open(self) -> bool:
        """Whether others than its author may read it."""
        return self.opens_at <= clock.now()

    @property
    def text(self) -> str:
        """All that it says."""
        return "\n".join(filter(None, (self.good, self.bad)))


REPLY_ONCE = "loan_reviews_reply_once"
_REPLIED_AGAIN = (
    "OLD.replied_at IS NOT NULL AND (NEW.replied_at IS NULL OR NEW.replied_at <> OLD.replied_at"
    f" OR (NEW.reply <> OLD.reply AND NEW.reply <> '{REMOVED}'))"
)
GUARDS = {
    "sqlite": (
        f"CREATE TRIGGER {REPLY_ONCE} BEFORE UPDATE ON loan_reviews WHEN {_REPLIED_AGAIN}"
        f" BEGIN SELECT RAISE(ABORT, '{REPLY_ONCE}'); END",
    ),
    "postgresql": (
        f"CREATE FUNCTION {REPLY_ONCE}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF {_REPLIED_AGAIN}"
        f" THEN RAISE EXCEPTION '{REPLY_ONCE}' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
        " RETURN NEW; END $$",
        f"CREATE TRIGGER {REPLY_ONCE} BEFORE UPDATE ON loan_reviews FOR EACH ROW EXECUTE FUNCTION {REPLY_ONCE}()",
    ),
}
"""A reply is given once; it can only be taken out of sight afterwards. By dialect: run after the table is created."""

db.guard(Review.__table__, REPLY_ONCE, GUARDS)
