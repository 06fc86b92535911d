"""What staff made sure of before anyone is proposed to anyone. No document is kept, only that it was seen."""

import enum
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.words import Text, _l
from marketplace.sharing.homeshare.models.applications import Application, Side
from marketplace.sharing.homeshare.models.programme import programme


class CheckKind(enum.Enum):
    """What is made sure of."""

    IDENTITY = "identity"
    ENROLMENT = "enrolment"
    REFERENCE = "reference"
    RECORD = "record"
    INTERVIEW = "interview"
    VISIT = "visit"

    @property
    def words(self) -> Text:
        """The same as people read it."""
        return {
            "identity": _l("Identity and age"),
            "enrolment": _l("Enrolment"),
            "reference": _l("References"),
            "record": _l("Criminal record"),
            "interview": _l("Interview"),
            "visit": _l("Home visit"),
        }[self.value]

    @property
    def good_for(self) -> int:
        """For how many days it holds if nothing else is said; an enrolment for as long as its certificate."""
        return {"identity": 3650, "enrolment": 183, "reference": 730, "record": 1095, "interview": 730, "visit": 730}[
            self.value
        ]


REFERENCES = 2
"""How many people have to speak for someone."""


class Check(db.Base):
    """That something was made sure of, by whom, how, and until when that holds. The latest of a kind counts."""

    __tablename__ = "homeshare_checks"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("homeshare_applications.id", ondelete="CASCADE"))
    kind: Mapped[CheckKind]
    of_second: Mapped[bool] = mapped_column(default=False)
    """Whether it is about the friend who comes along."""
    passed: Mapped[bool]
    checked_on: Mapped[date]
    good_until: Mapped[date | None]
    """The last day on which it holds."""
    method: Mapped[str] = mapped_column(sa.String(200), default="")
    note: Mapped[str] = mapped_column(sa.String(8000), default="")
    """Locked."""
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What was found of a home: square metres, a door that locks, and the like."""
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    withdrawn_at: Mapped[datetime | None]
    """Since when it no longer counts, because it was a mistake or something came to light."""
    warned_at: Mapped[datetime | None]
    """When the person was told that it will run out."""

    application: Mapped[Application] = relationship(lazy="raise")
    by: Mapped[Person] = relationship(lazy="raise", foreign_keys=[by_id])

    __table_args__ = (
        CheckConstraint("passed = (good_until IS NOT NULL)", name="holds_until"),
        CheckConstraint("good_until >= checked_on", name="in_order"),
        Index("ix_homeshare_checks_application_id_kind", "application_id", "kind"),
        Index("ix_homeshare_checks_good_until", "good_until"),
    )


def needed(side: Side) -> tuple[CheckKind, ...]:
    """What has to be made sure of before someone on this side takes part."""
    record = (CheckKind.RECORD,) if programme().record_check else ()
    if side is Side.HOST:
        return (CheckKind.IDENTITY, CheckKind.REFERENCE, *record, CheckKind.INTERVIEW, CheckKind.VISIT)
    return (CheckKind.IDENTITY, CheckKind.ENROLMENT, CheckKind.REFERENCE, *record, CheckKind.INTERVIEW)


def holding(checks: Iterable[Check], kind: CheckKind, *, of_second: bool = False) -> list[Check]:
    """The checks of a kind that count, the longest good first: of references all since the last that failed.

    Of the other kinds it is the latest, if it was passed.
    """
    mine = [one for one in checks if one.kind is kind and one.of_second == of_second and one.withdrawn_at is None]
    counting: list[Check] = []
    for one in sorted(mine, key=lambda check: check.id):
        if not one.passed:
            counting = []
        elif kind is CheckKind.REFERENCE:
            counting.append(one)
        else:
            counting = [one]
    return sorted(counting, key=lambda check: check.good_until or date.min, reverse=True)


def deciding(application: Application, checks: Iterable[Check]) -> list[Check] | None:
    """The checks that run out first, one of each kind that is needed and of everyone who comes; None if one is missing.

    Of the people who speak for someone, at least one is not of the family.
    """
    known, found = list(checks), list[Check]()
    for of_second in (False, True)[: application.people]:
        for kind in needed(application.side):
            counting = holding(known, kind, of_second=of_second)
            last = _enough(counting) if kind is CheckKind.REFERENCE else next(iter(counting), None)
            if last is None:
                return None
            found.append(last)
    return found


def _enough(references: list[Check]) -> Check | None:
    """Of references, the longest good first, the one without which they are too few or all of the family."""
    others = [one for one in references if not one.facts.get("family")]
    if len(references) < REFERENCES or not others:
        return None
    return min(references[REFERENCES - 1], others[0], key=lambda one: one.good_until or date.min)


def good_until(application: Application, checks: Iterable[Check]) -> date | None:
    """The last day on which all that is needed holds, of everyone who comes; None if something is missing."""
    last = deciding(application, checks)
    return min(one.good_until or date.min for one in last) if last is not None else None


class Finding(enum.Enum):
    """What is looked at when a home is visited."""

    LOCK = "lock"
    SMOKE_ALARM = "smoke_alarm"
    EGRESS = "egress"
    HEATING = "heating"
    INSURANCE = "insurance"

    @property
    def words(self) -> Text:
        """The same as people read it."""
        return {
            "lock": _l("The room is private and its door can be locked"),
            "smoke_alarm": _l("A smoke alarm works"),
            "egress": _l("In a fire one can get out"),
            "heating": _l("The room can be heated"),
            "insurance": _l("The home is insured"),
        }[self.value]


MUST_BE_THERE = (Finding.LOCK, Finding.SMOKE_ALARM, Finding.EGRESS)
"""Without these nobody moves in, whatever else is good about the home."""
