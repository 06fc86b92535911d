"""What went wrong with a loan: reported by one side, settled between the two or by mediators, and why."""

import enum
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.civic.credits.models import show as show_time
from marketplace.kernel import clock, db, money
from marketplace.kernel.words import Text, _l
from marketplace.sharing.items.models.lending import Loan

ERASED = "–"
"""What stands for words whose writer or reader left: a decision always has a reason."""


class Trouble(enum.Enum):
    """What went wrong."""

    DAMAGED = "damaged"
    PART = "part"
    NOT_BACK = "not_back"
    NOT_AS_SAID = "not_as_said"

    @property
    def words(self) -> Text:
        """The same as people read it."""
        return {
            "damaged": _l("It was damaged"),
            "part": _l("A part is missing"),
            "not_back": _l("It was not brought back"),
            "not_as_said": _l("It was not as described"),
        }[self.value]

    @property
    def harm(self) -> int:
        """How much harm waiting may do, from 0 to 3."""
        return 2 if self is Trouble.NOT_BACK else 1


class Remedy(enum.Enum):
    """What the borrower owes the owner for it, or what the city's fund pays instead, which only mediators decide."""

    NOTHING = "nothing"
    REPAIR = "repair"
    DEPOSIT = "deposit"
    SUM = "sum"
    FUND = "fund"

    @property
    def words(self) -> Text:
        """The same as people choose it."""
        return {
            "nothing": _l("Nothing: the owner bears it"),
            "repair": _l("The borrower has it repaired"),
            "deposit": _l("A part of the deposit is kept"),
            "sum": _l("The borrower pays a sum"),
            "fund": _l("The city's insurance fund pays a sum"),
        }[self.value]

    @property
    def has_sum(self) -> bool:
        """Whether an amount belongs to it."""
        return self in (Remedy.DEPOSIT, Remedy.SUM, Remedy.FUND)


class ProblemState(enum.Enum):
    """Where a problem stands; docs/loans.md draws it."""

    OPEN = "open"
    WAITING = "waiting"
    DECIDED = "decided"
    APPEALED = "appealed"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"
    FINAL = "final"

    @property
    def words(self) -> Text:
        """The state as people read it."""
        return {
            "open": _l("to be settled between the two"),
            "waiting": _l("waits for a mediator"),
            "decided": _l("decided, may be appealed"),
            "appealed": _l("waits for a second mediator"),
            "settled": _l("settled between the two"),
            "withdrawn": _l("taken back"),
            "final": _l("decided for good"),
        }[self.value]


TALKING = (ProblemState.OPEN, ProblemState.WAITING)
"""While the two sides may still settle it themselves."""
MEDIATED = (ProblemState.WAITING, ProblemState.APPEALED)
"""While it waits for a mediator."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is due, and what that means for the deposit: of a sum, a deposit in money pays the first part.

    minutes   what is kept of a deposit in time credits, of which `held` minutes are put aside; no sum touches it
    """

    remedy: Remedy
    amount: int
    deposit: int
    minutes: int = 0
    held: int = 0

    @property
    def made_good(self) -> bool:
        """Whether the owner gets something for it."""
        return self.amount > 0 or self.minutes > 0

    @property
    def from_fund(self) -> int:
        """What the city's insurance fund pays."""
        return self.amount if self.remedy is Remedy.FUND else 0

    @property
    def kept(self) -> int:
        """What the owner keeps of a deposit in money."""
        return min(self.amount - self.from_fund, self.deposit)

    @property
    def returned(self) -> int:
        """What the borrower gets back of the deposit."""
        return self.deposit - self.kept

    @property
    def beyond(self) -> int:
        """What the borrower pays beyond the deposit."""
        return self.amount - self.from_fund - self.kept

    @property
    def lines(self) -> list[Text]:
        """The same, one sentence each."""
        said = [self.remedy.words]
        if self.from_fund:
            said = [_l("The city's insurance fund pays the owner {amount}", amount=money.show(self.from_fund))]
        elif self.amount:
            said = [_l("The borrower owes {amount}", amount=money.show(self.amount))]
        for there, kept, show in ((self.deposit, self.kept, money.show), (self.held, self.minutes, show_time)):
            if there:
                split = {"kept": show(kept), "returned": show(there - kept)}
                said.append(_l("Of the deposit, {kept} is kept and {returned} returned", **split))
        if self.deposit and self.beyond:
            said.append(_l("To be paid beyond the deposit: {amount}", amount=money.show(self.beyond)))
        return said


_KEPT = "{last}minutes BETWEEN 0 AND CASE {last}remedy WHEN 'deposit' THEN held ELSE 0 END"


class Problem(db.Base):
    """Something wrong with a loan. The columns of its two sides are copied, so that the database can compare them.

    Pictures of either side are uploads of the subject problem:<id>.
    """

    __tablename__ = "loan_problems"

    id: Mapped[int] = mapped_column(primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"), index=True)
    borrower_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    """The owner, where the thing is not a library's."""
    trouble: Mapped[Trouble]
    state: Mapped[ProblemState] = mapped_column(default=ProblemState.OPEN)
    deposit: Mapped[int]
    """What is put down of the city's money."""
    most: Mapped[int]
    """The largest sum that may be due: what it was worth when the problem was reported, or the deposit if more."""
    held: Mapped[int] = mapped_column(CheckConstraint("held >= 0", name="held"), default=0, server_default="0")
    """How many minutes of time credit are put aside for the loan, and not to be kept for an earlier problem."""
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    """Who reported it."""
    by_borrower: Mapped[bool]
    words: Mapped[str] = mapped_column(sa.String(2000))
    opened_at: Mapped[datetime] = mapped_column(default=clock.now)
    answer_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    answer: Mapped[str] = mapped_column(sa.String(2000), default="")
    """What the other side says."""
    due_at: Mapped[datetime | None]
    """Until when the two settle it, a mediator decides, or someone appeals."""

    mediator_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    remedy: Mapped[Remedy | None]
    amount: Mapped[int] = mapped_column(default=0)
    """What is due: settled between the two, or by the mediator's word."""
    minutes: Mapped[int] = mapped_column(
        CheckConstraint(_KEPT.format(last=""), name="minutes_held"), default=0, server_default="0"
    )
    """What of it is kept of a deposit in time credits."""
    reason: Mapped[str] = mapped_column(sa.String(2000), default="")
    decided_at: Mapped[datetime | None]

    appealed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    appeal: Mapped[str] = mapped_column(sa.String(2000), default="")
    appealed_at: Mapped[datetime | None]
    second_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    """The mediator who answered the appeal, whose word is the last."""
    last_remedy: Mapped[Remedy | None]
    last_amount: Mapped[int] = mapped_column(default=0)
    last_minutes: Mapped[int] = mapped_column(
        CheckConstraint(_KEPT.format(last="last_"), name="last_minutes_held"), default=0, server_default="0"
    )
    last_reason: Mapped[str] = mapped_column(sa.String(2000), default="")
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    paid_at: Mapped[datetime | None] = mapped_column(
        CheckConstraint(
            "(paid_at IS NULL OR state = 'final' AND coalesce(last_remedy, remedy) = 'fund')"
            " AND (remedy <> 'fund' OR mediator_id IS NOT NULL)",
            name="fund_by_a_mediator",
        )
    )
    """When the city's fund paid what mediators had decided."""
    version: Mapped[int] = mapped_column(default=1)

    loan: Mapped[Loan] = relationship(lazy="raise")
    by: Mapped[Person] = relationship(lazy="raise", foreign_keys=[by_id])
    answer_by: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[answer_by_id])
    offers: Mapped[list["Offer"]] = relationship(lazy="raise", order_by="Offer.id", back_populates="problem")

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("deposit >= 0 AND most >= deposit", name="bounds"),
        CheckConstraint(
            "amount >= 0 AND last_amount >= 0 AND amount <= most AND last_amount <= most", name="sum_within_bounds"
        ),
        CheckConstraint("(state IN ('settled', 'withdrawn', 'final')) = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(closed_at IS NULL) = (due_at IS NOT NULL)", name="due_while_open"),
        CheckConstraint("(mediator_id IS NULL) = (decided_at IS NULL)", name="decided_by_someone"),
        CheckConstraint(
            "mediator_id IS NULL OR (remedy IS NOT NULL AND length(trim(reason)) > 0)", name="decision_has_a_reason"
        ),
        CheckConstraint("state NOT IN ('decided', 'appealed', 'final') OR mediator_id IS NOT NULL", name="by_a_person"),
        CheckConstraint("state <> 'settled' OR (remedy IS NOT NULL AND mediator_id IS NULL)", name="settled_as"),
        CheckConstraint(
            "mediator_id <> borrower_id AND mediator_id <> owner_id AND mediator_id <> by_id", name="mediator_apart"
        ),
        CheckConstraint(
            "second_id <> borrower_id AND second_id <> owner_id AND second_id <> by_id", name="second_apart"
        ),
        CheckConstraint("second_id <> mediator_id", name="another_mediator"),
        CheckConstraint(
            "second_id IS NULL OR (appealed_by_id IS NOT NULL AND last_remedy IS NOT NULL"
            " AND length(trim(last_reason)) > 0)",
            name="appeal_has_a_reason",
        ),
        CheckConstraint("(appealed_by_id IS NULL) = (appealed_at IS NULL)", name="appealed_by_someone"),
        CheckConstraint("appealed_by_id IS NULL OR mediator_id IS NOT NULL", name="appealed_a_decision"),
        CheckConstraint("state <> 'final' OR appealed_by_id IS NULL OR second_id IS NOT NULL", name="appeal_answered"),
        Index("ix_loan_problems_state_due_at", "state", "due_at"),
        Index(
            "uq_loan_problems_open",
            "loan_id",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    @property
    def due(self) -> Due | None:
        """What is due by the last word that was spoken; nothing while nobody decided."""
        if self.last_remedy is not None:
            return Due(self.last_remedy, self.last_amount, self.deposit, self.last_minutes, self.held)
        return self.first_due

    @property
    def first_due(self) -> Due | None:
        """What is due by what the two settled, or by the first mediator's word."""
        if self.remedy is None:
            return None
        return Due(self.remedy, self.amount, self.deposit, self.minutes, self.held)

    @property
    def why(self) -> str:
        """The reason of the last word that was spoken."""
        return self.last_reason or self.reason

    @property
    def is_final(self) -> bool:
        """Whether mediators have spoken the last word."""
        return self.state is ProblemState.FINAL

    @property
    def is_open(self) -> bool:
        """Whether it keeps its loan from being over."""
        return self.closed_at is None


class Offer(db.Base):
    """What one side thinks is due; the other may accept it. Its last word counts."""

    __tablename__ = "loan_problem_offers"

    id: Mapped[int] = mapped_column(primary_key=True)
    problem_id: Mapped[int] = mapped_column(ForeignKey("loan_problems.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    by_borrower: Mapped[bool]
    remedy: Mapped[Remedy]
    amount: Mapped[int] = mapped_column(default=0)
    minutes: Mapped[int] = mapped_column(
        CheckConstraint(
            "remedy <> 'fund' AND (minutes = 0 OR minutes > 0 AND amount = 0 AND remedy = 'deposit')",
            name="between_the_two",
        ),
        default=0,
        server_default="0",
    )
    """What would be kept of a deposit in time credits."""
    words: Mapped[str] = mapped_column(sa.String(500), default="")
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    accepted_at: Mapped[datetime | None]

    problem: Mapped[Problem] = relationship(lazy="raise", back_populates="offers")

    __table_args__ = (
        CheckConstraint("amount >= 0", name="sum_not_negative"),
        CheckConstraint("(amount > 0) <= (remedy IN ('deposit', 'sum'))", name="sum_of_its_remedy"),
        CheckConstraint("(accepted_by_id IS NULL) = (accepted_at IS NULL)", name="accepted_by_someone"),
        CheckConstraint("accepted_by_id <> by_id", name="two_people"),
        Index(
            "uq_loan_problem_offers_accepted",
            "problem_id",
            unique=True,
            sqlite_where=sa.text("accepted_at IS NOT NULL"),
            postgresql_where=sa.text("accepted_at IS NOT NULL"),
        ),
    )

    def due(self, problem: Problem) -> Due:
        """What it means for the deposit of its problem."""
        return Due(self.remedy, self.amount, problem.deposit, self.minutes, problem.held)
