"""Reports, the cases they gather in, what moderators decide, and appeals; concerns for people's safety stand apart."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db, references
from marketplace.kernel.words import Text, _l


class Reason(StrEnum):
    """What is wrong with something."""

    WRONG = "wrong"
    OFFENSIVE = "offensive"
    SPAM = "spam"
    ILLEGAL = "illegal"
    PRIVACY = "privacy"
    DANGEROUS = "dangerous"
    HARASSMENT = "harassment"
    AT_RISK = "at_risk"


REASONS: dict[Reason, Text] = {
    Reason.WRONG: _l("Wrong or misleading"),
    Reason.OFFENSIVE: _l("Offensive"),
    Reason.SPAM: _l("Spam or advertising"),
    Reason.ILLEGAL: _l("Against the law"),
    Reason.PRIVACY: _l("Gives away something private"),
    Reason.DANGEROUS: _l("Dangerous"),
    Reason.HARASSMENT: _l("Harassment"),
    Reason.AT_RISK: _l("Someone is at risk"),
}
NEED_TO_KNOW = (Reason.HARASSMENT, Reason.AT_RISK)
"""What only safeguarding officers read."""
COMMON = tuple(reason for reason in Reason if reason not in NEED_TO_KNOW)

HARM = {
    Reason.SPAM: 0, Reason.WRONG: 1, Reason.OFFENSIVE: 1, Reason.PRIVACY: 2, Reason.ILLEGAL: 2,
    Reason.DANGEROUS: 3, Reason.HARASSMENT: 2, Reason.AT_RISK: 3,
}  # fmt: skip
"""How much harm waiting may do, from 0 to 3."""
HARMS = (_l("Little harm"), _l("Some harm"), _l("Much harm"), _l("Grave harm"))
DUE = (timedelta(days=7), timedelta(days=3), timedelta(hours=24), timedelta(hours=4))
"""How soon something of each harm is decided."""

DEFAULT_WORDS: dict[Reason, Text] = {
    Reason.WRONG: _l("It says something that is wrong or leads people astray."),
    Reason.OFFENSIVE: _l("It insults people. Say what you mean without hurting anyone."),
    Reason.SPAM: _l("It is advertising, or the same thing said again and again."),
    Reason.ILLEGAL: _l("It is against the law."),
    Reason.PRIVACY: _l("It gives away something private about a person who did not agree to that."),
    Reason.DANGEROUS: _l("Whoever follows it may come to harm."),
}
"""What an author is told for each reason, until moderators write better words."""


class Act(StrEnum):
    """What a moderator does."""

    KEEP = "keep"
    HIDE = "hide"
    REMOVE = "remove"
    WARN = "warn"
    SUSPEND = "suspend"


ACTS: dict[Act, Text] = {
    Act.KEEP: _l("Keep it"),
    Act.HIDE: _l("Hide it"),
    Act.REMOVE: _l("Remove it for good"),
    Act.WARN: _l("Keep it, and warn its author"),
    Act.SUSPEND: _l("Hide it, and suspend its author"),
}
TOLD: dict[Act, Text] = {
    Act.KEEP: _l("A moderator has looked at it. It stays, and everyone sees it again."),
    Act.HIDE: _l("It is hidden. If you put it right, say so in an appeal, and it can be shown again."),
    Act.REMOVE: _l("It is removed. Once you can no longer appeal, it is deleted for good."),
    Act.WARN: _l("It stays. Please take care: if it happens again, it is hidden or your account is suspended."),
    Act.SUSPEND: _l("It is hidden. Until {until} you can look at everything, but not book or post."),
}
"""What its author reads."""
HIDING = (Act.HIDE, Act.REMOVE, Act.SUSPEND)
ON_AUTHOR = (Act.WARN, Act.SUSPEND)
DAYS = (1, 7, 30)
"""For how long someone may be suspended."""


class CaseState(StrEnum):
    """Where a case stands; docs/moderation.md draws it."""

    OPEN = "open"
    DECIDED = "decided"
    SETTLED = "settled"
    APPEALED = "appealed"
    UPHELD = "upheld"
    OVERTURNED = "overturned"
    RESTORED = "restored"


STATES: dict[CaseState, Text] = {
    CaseState.OPEN: _l("waits for a decision"),
    CaseState.DECIDED: _l("decided, may still be undone"),
    CaseState.SETTLED: _l("decided"),
    CaseState.APPEALED: _l("appealed"),
    CaseState.UPHELD: _l("upheld after an appeal"),
    CaseState.OVERTURNED: _l("overturned after an appeal"),
    CaseState.RESTORED: _l("shown again"),
}
WAITING = (CaseState.OPEN, CaseState.APPEALED)
GATHERING = (CaseState.OPEN, CaseState.DECIDED)
"""While a case gathers the reports of its thing; there is one such case a thing."""
STANDING = (CaseState.DECIDED, CaseState.SETTLED, CaseState.APPEALED, CaseState.UPHELD)
"""While what was decided holds."""


class Answer(StrEnum):
    """What becomes of a decision after an appeal."""

    UPHELD = "upheld"
    OVERTURNED = "overturned"


ANSWERS: dict[Answer, Text] = {
    Answer.UPHELD: _l("The decision stands"),
    Answer.OVERTURNED: _l("The decision is taken back"),
}


def new_reference() -> str:
    """The name of a case or report that people can read out on the telephone."""
    return references.new_reference(10)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


class Case(db.Base):
    """The reports of one thing until they are decided, and what became of it.

    `title` and `said` are what the thing said when it was first reported: its author may have changed it since.
    """

    __tablename__ = "moderation_cases"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(sa.String(12), unique=True, default=new_reference)
    subject: Mapped[str] = mapped_column(sa.String(100), index=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    said: Mapped[str] = mapped_column(sa.Text, default="")
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"), index=True)
    reason: Mapped[Reason]
    """The worst reported."""
    harm: Mapped[int]
    state: Mapped[CaseState] = mapped_column(default=CaseState.OPEN)
    opened_at: Mapped[datetime] = mapped_column(default=clock.now)
    due_at: Mapped[datetime]
    auto_hidden_at: Mapped[datetime | None]
    """When the number of reports alone hid the thing."""
    statement: Mapped[str] = mapped_column(sa.Text, default="")
    """What the author says to a thing hidden before anyone decided."""
    settled_at: Mapped[datetime | None]
    """When the author and the reporters were told."""
    claimed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    claimed_until: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    author: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[author_id])
    claimed_by: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[claimed_by_id], viewonly=True)
    reports: Mapped[list["Report"]] = relationship(lazy="raise", order_by="Report.id", viewonly=True)
    decision: Mapped["Decision | None"] = relationship(
        lazy="raise", viewonly=True, uselist=False,
        primaryjoin="and_(Decision.case_id == Case.id, Decision.undone_at.is_(None))",
    )  # fmt: skip

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        sa.Index("uq_moderation_cases_gathering", "subject", unique=True, **_where("state IN ('open', 'decided')")),
        sa.Index("ix_moderation_cases_queue", "state", "harm", "due_at"),
        sa.CheckConstraint("harm BETWEEN 0 AND 3", name="harm"),
        sa.CheckConstraint("(claimed_by_id IS NULL) = (claimed_until IS NULL)", name="claimed_until_when"),
    )

    def holder_id(self, now: datetime) -> int | None:
        """Who is at it now: a claim lapses."""
        return self.claimed_by_id if self.claimed_until is not None and self.claimed_until > now else None

    @property
    def appeal(self) -> "Appeal | None":
        """What its author said against the decision; needs `decision` and its `appeal`."""
        return self.decision.appeal if self.decision else None


class Report(db.Base):
    """What someone finds wrong with a thing; visitors without an account have no person."""

    __tablename__ = "moderation_reports"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(sa.String(12), unique=True, default=new_reference)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("moderation_cases.id"), index=True)
    subject: Mapped[str] = mapped_column(sa.String(100))
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    verified: Mapped[bool]
    """Whether the reporter was a verified resident: only such reports hide a thing by their number."""
    reason: Mapped[Reason]
    note: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)

    case: Mapped[Case] = relationship(lazy="raise")

    __table_args__ = (sa.UniqueConstraint("person_id", "subject"),)


class Decision(db.Base):
    """What a moderator decided, and why. Undone decisions stay on record; one of a case stands."""

    __tablename__ = "moderation_decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("moderation_cases.id"))
    act: Mapped[Act]
    reason: Mapped[Reason | None]
    note: Mapped[str] = mapped_column(sa.Text, default="")
    """What the moderator adds to the words of the reason."""
    days: Mapped[int | None]
    until: Mapped[datetime | None]
    """Until when the author is suspended."""
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    undone_at: Mapped[datetime | None]
    wiped_at: Mapped[datetime | None]
    """When what was removed was deleted for good."""

    case: Mapped[Case] = relationship(lazy="raise", foreign_keys=[case_id])
    by: Mapped[Person] = relationship(lazy="raise", foreign_keys=[by_id])
    appeal: Mapped["Appeal | None"] = relationship(lazy="raise", back_populates="decision", uselist=False)

    __table_args__ = (
        sa.Index("uq_moderation_decisions_standing", "case_id", unique=True, **_where("undone_at IS NULL")),
        sa.Index("ix_moderation_decisions_case_id", "case_id"),
        sa.UniqueConstraint("id", "by_id"),
        sa.CheckConstraint("act = 'keep' OR reason IS NOT NULL", name="with_a_reason"),
        sa.CheckConstraint("(act = 'suspend') = (until IS NOT NULL)", name="suspended_until_when"),
        sa.CheckConstraint("(act = 'suspend') = (days IS NOT NULL)", name="suspended_for_days"),
    )

    @property
    def told(self) -> Text:
        """What was done, as its author reads it."""
        return TOLD[self.act].filled(until=self.until) if self.until else TOLD[self.act]


class Appeal(db.Base):
    """An author's word against a decision. The database itself refuses an answer by whoever decided."""

    __tablename__ = "moderation_appeals"

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(unique=True)
    decided_by_id: Mapped[int]
    text: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    answer: Mapped[Answer | None]
    answer_text: Mapped[str] = mapped_column(sa.Text, default="")
    answered_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    answered_at: Mapped[datetime | None]

    decision: Mapped[Decision] = relationship(lazy="raise", back_populates="appeal")

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["decision_id", "decided_by_id"], ["moderation_decisions.id", "moderation_decisions.by_id"]
        ),
        sa.CheckConstraint("answered_by_id <> decided_by_id", name="answered_by_another"),
        sa.CheckConstraint(
            "(answer IS NULL) = (answered_by_id IS NULL) AND (answer IS NULL) = (answered_at IS NULL)", name="answered"
        ),
    )


class ReasonWords(db.Base):
    """What authors are told for a reason, as moderators wrote it, in both languages."""

    __tablename__ = "moderation_words"

    reason: Mapped[Reason] = mapped_column(primary_key=True)
    en: Mapped[str] = mapped_column(sa.Text)
    ko: Mapped[str] = mapped_column(sa.Text)
    changed_by_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}


# --- for safeguarding officers only ---


class Outcome(StrEnum):
    """How a concern ended."""

    NO_RISK = "no_risk"
    ADVISED = "advised"
    HANDED_ON = "handed_on"


OUTCOMES: dict[Outcome, Text] = {
    Outcome.NO_RISK: _l("No one is at risk"),
    Outcome.ADVISED: _l("People were spoken to and helped"),
    Outcome.HANDED_ON: _l("Handed on to the police or a welfare office"),
}


class Concern(db.Base):
    """A report that someone is harassed or at risk. What was written about it is locked field by field."""

    __tablename__ = "safeguarding_concerns"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(sa.String(12), unique=True, default=new_reference)
    subject: Mapped[str] = mapped_column(sa.String(100))
    about_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"), index=True)
    reporter_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    reason: Mapped[Reason]
    note_locked: Mapped[str] = mapped_column(sa.Text)
    said_locked: Mapped[str] = mapped_column(sa.Text)
    """What the thing said when it was reported."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    due_at: Mapped[datetime]
    officer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    """Who looks after it."""
    outcome: Mapped[Outcome | None]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    officer: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[officer_id], viewonly=True)
    reporter: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[reporter_id])
    about: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[about_id])
    notes: Mapped[list["ConcernNote"]] = relationship(lazy="raise", order_by="ConcernNote.id")

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        sa.UniqueConstraint("reporter_id", "subject"),
        sa.CheckConstraint("(outcome IS NULL) = (closed_at IS NULL)", name="closed_with_an_outcome"),
        sa.Index("ix_safeguarding_concerns_closed_at_due_at", "closed_at", "due_at"),
    )


class ConcernNote(db.Base):
    """What an officer did or learned, written once."""

    __tablename__ = "safeguarding_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    concern_id: Mapped[int] = mapped_column(sa.ForeignKey("safeguarding_concerns.id"), index=True)
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    text_locked: Mapped[str] = mapped_column(sa.Text)

    by: Mapped[Person] = relationship(lazy="raise")
