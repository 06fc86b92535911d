"""The coordinators' desk: how many stand where, who waits longest, what runs out, and who looks after how many.

Each figure is one statement, however many applications there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.kernel import clock, db
from marketplace.sharing.homeshare.models.applications import LIVE, Application, ApplicationState, Side
from marketplace.sharing.homeshare.models.checks import Check
from marketplace.sharing.homeshare.models.matches import GOING_ON, Match
from marketplace.sharing.homeshare.models.references import Reference

SOON = timedelta(days=30)
LONGEST = 10

_WHO = (joinedload(Application.person), joinedload(Application.coordinator), joinedload(Application.district))


@dataclass(frozen=True, slots=True)
class Stage:
    """How many applications of each side stand in a state."""

    state: ApplicationState
    hosts: int
    students: int


def pipeline() -> list[Stage]:
    """The states of applications that have not ended, in order, with how many stand there."""
    counted = sa.select(Application.state, Application.side, sa.func.count()).where(Application.state.in_(LIVE))
    found = {(state, side): n for state, side, n in db.rows(counted.group_by(Application.state, Application.side))}
    return [Stage(one, found.get((one, Side.HOST), 0), found.get((one, Side.STUDENT), 0)) for one in LIVE]


def _unmatched() -> sa.ColumnElement[bool]:
    of_them = sa.or_(Match.student_id == Application.id, Match.home_id == Application.id)
    return ~sa.exists().where(of_them, Match.state.in_(GOING_ON))


def waiting_longest() -> list[Application]:
    """Who takes part and has nobody, since the longest time."""
    waiting = sa.select(Application).where(Application.state == ApplicationState.OPEN, _unmatched())
    waiting = waiting.order_by(Application.waiting_since, Application.id).limit(LONGEST).options(*_WHO)
    return list(db.session.scalars(waiting))


def running_out() -> list[Check]:
    """Checks of who takes part that hold for less than 30 days more, the first first.

    A check that was made anew since, of the same kind, is no longer told.
    """
    newer = sa.orm.aliased(Check)
    anew = sa.exists().where(
        newer.application_id == Check.application_id, newer.kind == Check.kind, newer.of_second == Check.of_second,
        newer.id > Check.id, newer.passed, newer.withdrawn_at.is_(None), newer.good_until > Check.good_until,
    )  # fmt: skip
    states = (ApplicationState.OPEN, ApplicationState.PAUSED)
    soon = sa.select(Check).join(Check.application).where(
        Check.good_until <= clock.today() + SOON, Check.good_until >= clock.today(), Check.withdrawn_at.is_(None),
        Application.state.in_(states), ~anew,
    )  # fmt: skip
    soon = soon.options(joinedload(Check.application).joinedload(Application.person))
    return list(db.session.scalars(soon.order_by(Check.good_until, Check.id)))


def to_check() -> sa.Select[Application]:
    """What was sent and is not checked yet, who sent it first first."""
    sent = sa.select(Application).where(Application.state == ApplicationState.SENT)
    return sent.order_by(Application.sent_at, Application.id).options(*_WHO)


def answers_to_read() -> list[Reference]:
    """What people said of applicants, which no coordinator has read yet, the oldest first."""
    said = sa.select(Reference).join(Reference.application).where(
        Reference.answered_at.is_not(None), Reference.check_id.is_(None), Application.closed_at.is_(None)
    )  # fmt: skip
    loaded = said.options(joinedload(Reference.application).joinedload(Application.person))
    return list(db.session.scalars(loaded.order_by(Reference.answered_at, Reference.id)))


def workload() -> Sequence[sa.Row[Any]]:
    """Coordinators, each with how many applications they look after; None stands for nobody."""
    mine = sa.and_(Application.coordinator_id == Person.id, Application.state.in_(LIVE))
    counted = (
        sa.select(Person.name, sa.func.count(Application.id).label("cases"))
        .select_from(Person)
        .outerjoin(Application, mine)
        .where(Person.id.in_(sa.select(RoleGrant.person_id).where(RoleGrant.role == Role.COORDINATOR)))
        .group_by(Person.id, Person.name)
        .order_by(Person.name)
    )
    return db.rows(counted)


def in_stage(state: ApplicationState) -> sa.Select[Application]:
    """The applications in a state, who came first first."""
    since = sa.func.coalesce(Application.waiting_since, Application.sent_at, Application.created_at)
    return sa.select(Application).where(Application.state == state).order_by(since, Application.id).options(*_WHO)
