"""Two who may live together: proposed, asked, met, agreed, tried, and how it goes on."""

import enum
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel import clock, db
from marketplace.kernel.references import new_reference
from marketplace.kernel.words import Text, _l
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.runs import Run


class MatchState(enum.Enum):
    """Where two stand with each other; docs/homeshare.md draws it."""

    PROPOSED = "proposed"
    MEETING = "meeting"
    AGREEING = "agreeing"
    TRIAL = "trial"
    LIVING = "living"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"

    @property
    def words(self) -> Text:
        """The state as people read it."""
        return {
            "proposed": _l("waits for both answers"),
            "meeting": _l("both said yes, a meeting comes next"),
            "agreeing": _l("the agreement is being made"),
            "trial": _l("on trial"),
            "living": _l("living together"),
            "declined": _l("declined"),
            "expired": _l("not answered in time"),
            "withdrawn": _l("taken back"),
            "ended": _l("ended"),
        }[self.value]


GOING_ON = (
    MatchState.PROPOSED, MatchState.MEETING, MatchState.AGREEING, MatchState.TRIAL, MatchState.LIVING,
)  # fmt: skip
"""While a room is kept for someone."""
TOGETHER = (MatchState.TRIAL, MatchState.LIVING)
"""While they live together."""
_GOING_ON = "state IN ('proposed', 'meeting', 'agreeing', 'trial', 'living')"


class Answer(enum.Enum):
    """What someone says to a proposal."""

    YES = "yes"
    NO = "no"
    ASK = "ask"


class Match(db.Base):
    """A student and a home, from the proposal on. Neither is kept for more than there is room for, by the database."""

    __tablename__ = "homeshare_matches"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(sa.String(12), unique=True, default=new_reference)
    student_id: Mapped[int] = mapped_column(ForeignKey("homeshare_applications.id"), index=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("homeshare_applications.id"), index=True)
    people: Mapped[int] = mapped_column(default=1)
    """How many rooms are kept, one for each who comes."""
    run_id: Mapped[int | None] = mapped_column(ForeignKey("homeshare_runs.id"), index=True)
    state: Mapped[MatchState] = mapped_column(default=MatchState.PROPOSED)
    card: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The reasons as they were when it was proposed: rules with both values, scores with their parts."""
    proposed_at: Mapped[datetime] = mapped_column(default=clock.now)
    answer_by: Mapped[datetime]
    student_answer: Mapped[Answer | None]
    host_answer: Mapped[Answer | None]
    student_answered_at: Mapped[datetime | None]
    host_answered_at: Mapped[datetime | None]
    moved_in_on: Mapped[date | None]
    trial_until: Mapped[date | None]
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    student: Mapped[Application] = relationship(lazy="raise", foreign_keys=[student_id])
    home: Mapped[Application] = relationship(lazy="raise", foreign_keys=[home_id])
    run: Mapped[Run | None] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("student_id <> home_id AND people BETWEEN 1 AND 2", name="two_sides"),
        CheckConstraint(f"({_GOING_ON}) = (ended_at IS NULL)", name="ended"),
        CheckConstraint(
            "state NOT IN ('meeting', 'agreeing', 'trial', 'living')"
            " OR (coalesce(student_answer, '') = 'yes' AND coalesce(host_answer, '') = 'yes')",
            name="two_yeses",
        ),
        CheckConstraint("(student_answer IS NULL) = (student_answered_at IS NULL)", name="student_answered"),
        CheckConstraint("(host_answer IS NULL) = (host_answered_at IS NULL)", name="host_answered"),
        CheckConstraint(
            "state NOT IN ('trial', 'living')"
            " OR (moved_in_on IS NOT NULL AND trial_until IS NOT NULL AND trial_until >= moved_in_on)",
            name="moved_in",
        ),
        Index("ix_homeshare_matches_state_answer_by", "state", "answer_by"),
        Index(
            "uq_homeshare_matches_student",
            "student_id",
            unique=True,
            sqlite_where=sa.text(_GOING_ON),
            postgresql_where=sa.text(_GOING_ON),
        ),
    )


ROOM_FOR_ALL = "homeshare_matches_room_for_all"
_OF_THE_RIGHT_SIDES = (
    "(SELECT count(*) FROM homeshare_applications WHERE id = NEW.student_id AND side = 'student')"
    " + (SELECT count(*) FROM homeshare_applications WHERE id = NEW.home_id AND side = 'host') < 2"
)
_KEPT = "(SELECT sum(people) FROM homeshare_matches WHERE home_id = NEW.home_id AND id <> NEW.id AND {going_on})"
_ROOMS = "(SELECT rooms FROM homeshare_applications WHERE id = NEW.home_id)"
_TAKEN = f"coalesce({_KEPT.format(going_on=_GOING_ON)}, 0)"
_TOO_MANY = f"NEW.{_GOING_ON} AND ({_OF_THE_RIGHT_SIDES} OR {_TAKEN} + NEW.people > {_ROOMS})"
_RAISE = f"RAISE EXCEPTION '{ROOM_FOR_ALL}' USING ERRCODE = 'integrity_constraint_violation'"
GUARDS = {
    "sqlite": tuple(
        f"CREATE TRIGGER {ROOM_FOR_ALL}_{when.lower()} AFTER {when} ON homeshare_matches WHEN {_TOO_MANY}"
        f" BEGIN SELECT RAISE(ABORT, '{ROOM_FOR_ALL}'); END"
        for when in ("INSERT", "UPDATE")
    ),
    "postgresql": (
        f"CREATE FUNCTION {ROOM_FOR_ALL}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM 1 FROM homeshare_applications WHERE id = NEW.home_id FOR UPDATE;"
        f" IF {_TOO_MANY} THEN {_RAISE}; END IF; RETURN NEW; END $$",
        f"CREATE TRIGGER {ROOM_FOR_ALL} BEFORE INSERT OR UPDATE ON homeshare_matches"
        f" FOR EACH ROW EXECUTE FUNCTION {ROOM_FOR_ALL}()",
    ),
}
"""A home is promised to no more people than it has rooms, by dialect: run after the table is created."""

db.guard(Match.__table__, ROOM_FOR_ALL, GUARDS)
