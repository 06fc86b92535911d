"""Two who may live together: proposed, asked, met, agreed, tried, and how it goes on."""

import enum
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.intervals import Interval
from marketplace.kernel.references import new_reference
from marketplace.kernel.words import Text, _l
from marketplace.sharing.homeshare.models.applications import Application, Side
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


class NoReason(enum.Enum):
    """Why someone says no: about the home, the room, the days; never about who somebody is."""

    TOO_FAR = "too_far"
    RENT = "rent"
    DATES = "dates"
    HELP = "help"
    HABITS = "habits"
    ROOM_GONE = "room_gone"
    OTHER = "other"

    @property
    def words(self) -> Text:
        """The reason as people choose it."""
        return {
            "too_far": _l("The way is too long"),
            "rent": _l("The rent does not suit me"),
            "dates": _l("The days do not suit me"),
            "help": _l("The help does not suit me"),
            "habits": _l("Our habits at home differ too much"),
            "room_gone": _l("I no longer need it"),
            "other": _l("Another reason, which I would rather tell the coordinator"),
        }[self.value]


class EndReason(enum.Enum):
    """Why two go separate ways, before or after they lived together. It is nobody's fault."""

    NOT_SUITED = "not_suited"
    TRIAL_OVER = "trial_over"
    STAY_OVER = "stay_over"
    MOVES = "moves"
    HEALTH = "health"
    FAMILY = "family"
    HELP = "help"
    UNSAFE = "unsafe"
    OTHER = "other"

    @property
    def words(self) -> Text:
        """The reason as people choose it."""
        return {
            "not_suited": _l("It does not suit us"),
            "trial_over": _l("Not continued after the trial"),
            "stay_over": _l("The stay is over as agreed"),
            "moves": _l("Study or work goes on elsewhere"),
            "health": _l("Health or care needs have changed"),
            "family": _l("The room is needed for the family"),
            "help": _l("The help was not as agreed"),
            "unsafe": _l("Someone does not feel safe"),
            "other": _l("Another reason"),
        }[self.value]


class Who(enum.Enum):
    """Who gave notice or ended it: either side, a coordinator, or the clock."""

    HOST = "host"
    STUDENT = "student"
    COORDINATOR = "coordinator"
    CLOCK = "clock"


OWN_END_REASONS = tuple(one for one in EndReason if one not in (EndReason.TRIAL_OVER, EndReason.UNSAFE))
"""What someone may choose: the trial's end says so itself, and who does not feel safe has a way of their own."""


LENGTH = timedelta(hours=1)
"""How long a meeting takes."""


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
    student_reason: Mapped[NoReason | None]
    host_reason: Mapped[NoReason | None] = mapped_column(
        CheckConstraint(
            "(student_reason IS NULL OR coalesce(student_answer, '') = 'no')"
            " AND (host_reason IS NULL OR coalesce(host_answer, '') = 'no')",
            name="reason_of_a_no",
        )
    )
    student_words: Mapped[str] = mapped_column(sa.String(4000), default="", server_default="")
    host_words: Mapped[str] = mapped_column(sa.String(4000), default="", server_default="")
    """What either said with an answer, for the coordinator alone. Locked."""
    extended_at: Mapped[datetime | None] = mapped_column(
        CheckConstraint("student_answered_at <= answer_by AND host_answered_at <= answer_by", name="answered_in_time")
    )
    """When the deadline was moved because someone asked a person: once at most."""
    reminded_at: Mapped[datetime | None]
    moved_in_on: Mapped[date | None]
    trial_until: Mapped[date | None]
    student_goes_on: Mapped[bool | None]
    host_goes_on: Mapped[bool | None]
    """What either says at the end of the trial."""
    ends_on: Mapped[date | None] = mapped_column(
        CheckConstraint("ends_on IS NULL OR moved_in_on IS NOT NULL", name="notice_to_who_lives_there")
    )
    """The last day, once notice was given."""
    end_reason: Mapped[EndReason | None]
    end_words: Mapped[str] = mapped_column(sa.String(4000), default="", server_default="")
    """What was said about the end, for the coordinator alone. Locked."""
    ended_by: Mapped[Who | None]
    """Who gave notice or ended it."""
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    student: Mapped[Application] = relationship(lazy="raise", foreign_keys=[student_id])
    home: Mapped[Application] = relationship(lazy="raise", foreign_keys=[home_id])
    run: Mapped[Run | None] = relationship(lazy="raise")
    meeting: Mapped["Meeting | None"] = relationship(lazy="raise", back_populates="match")

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

    def answer_of(self, side: Side) -> Answer | None:
        """What a side said."""
        return self.host_answer if side is Side.HOST else self.student_answer

    def goes_on_of(self, side: Side) -> bool | None:
        """What a side says at the end of the trial."""
        return self.host_goes_on if side is Side.HOST else self.student_goes_on

    def of(self, side: Side) -> Application:
        """The application of a side."""
        return self.home if side is Side.HOST else self.student

    @property
    def both_yes(self) -> bool:
        """Whether both said yes."""
        return self.student_answer is Answer.YES and self.host_answer is Answer.YES


class Meeting(db.Base):
    """When and where the two meet for the first time, with a coordinator."""

    __tablename__ = "homeshare_meetings"

    id: Mapped[int] = mapped_column(primary_key=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("homeshare_matches.id", ondelete="CASCADE"), unique=True)
    starts_at: Mapped[datetime]
    place: Mapped[str] = mapped_column(sa.String(2000), default="")
    """Locked: it may be somebody's home."""
    at_home: Mapped[bool] = mapped_column(default=False)
    """Whether they meet in the home: then the coordinator has confirmed that the student may know its address."""
    set_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    set_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed: Mapped[int] = mapped_column(default=0)
    """How often it was set anew, for calendars."""

    match: Mapped[Match] = relationship(lazy="raise", back_populates="meeting")
    set_by: Mapped[Person] = relationship(lazy="raise")

    @property
    def interval(self) -> Interval:
        """For how long it is entered in calendars."""
        return Interval(self.starts_at, self.starts_at + LENGTH)


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
