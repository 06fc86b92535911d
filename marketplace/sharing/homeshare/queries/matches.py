"""Finding matches: one with all that its pages show, those of a person, and what waits for coordinators."""

from collections.abc import Collection
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.errors import NotFound
from marketplace.sharing.homeshare.models.agreements import Agreement
from marketplace.sharing.homeshare.models.applications import Application, Side
from marketplace.sharing.homeshare.models.checkins import CheckIn, Matter, MatterKind
from marketplace.sharing.homeshare.models.matches import GOING_ON, TOGETHER, Match, MatchState, Meeting


def _whole() -> list[Any]:
    options: list[Any] = [joinedload(Match.meeting).joinedload(Meeting.set_by).selectinload(Person.grants)]
    for side in (Match.student, Match.home):
        options += [
            joinedload(side).joinedload(Application.person).selectinload(Person.grants),
            joinedload(side).joinedload(Application.campus),
            joinedload(side).joinedload(Application.district),
        ]
    return options


WHOLE = _whole()


def get_match(reference: str) -> Match:
    """The match of this number, with both sides and their meeting. Raises NotFound."""
    found = db.session.scalar(sa.select(Match).where(Match.reference == reference).options(*WHOLE))
    if found is None:
        raise NotFound
    return found


def held(match_id: int) -> Match:
    """A match read anew, which nobody else changes until this transaction ends."""
    db.session.flush()
    found = db.session.scalars(sa.select(Match).where(Match.id == match_id).options(*WHOLE)).one()
    db.session.refresh(found, [column.key for column in Match.__table__.columns], with_for_update=True)
    db.session.refresh(found, ["meeting"])
    return found


def by_ids(ids: Collection[int]) -> dict[int, Match]:
    """Matches by their ids."""
    return {one.id: one for one in db.session.scalars(sa.select(Match).where(Match.id.in_(ids)).options(*WHOLE))}


def of_someone(person_id: int) -> sa.ColumnElement[bool]:
    """Matches in which a person takes part."""
    own = sa.select(Application.id).where(Application.person_id == person_id)
    return sa.or_(Match.student_id.in_(own), Match.home_id.in_(own))


def of_person(person: Person, *states: MatchState) -> list[Match]:
    """A person's matches in these states, the newest first."""
    mine = sa.select(Match).where(of_someone(person.id), Match.state.in_(states)).options(*WHOLE)
    return list(db.session.scalars(mine.order_by(Match.id.desc())))


def of_application(application_id: int) -> list[Match]:
    """The matches of an application, the newest first."""
    mine = sa.select(Match).where(sa.or_(Match.student_id == application_id, Match.home_id == application_id))
    return list(db.session.scalars(mine.options(*WHOLE).order_by(Match.id.desc())))


# --- by the clock ---


def ids_of(state: MatchState, *conditions: sa.ColumnElement[bool]) -> list[int]:
    """The matches in a state for which something else holds as well."""
    return list(db.session.scalars(sa.select(Match.id).where(Match.state == state, *conditions).order_by(Match.id)))


# --- agreements ---


def agreement_of(match: Match) -> Agreement | None:
    """The current edition of the agreement of two, with who signed it."""
    current = sa.select(Agreement).where(Agreement.match_id == match.id, Agreement.replaced_at.is_(None))
    whole = current.options(selectinload(Agreement.signatures))
    return db.session.scalar(whole.execution_options(populate_existing=True))


def get_agreement(match: Match) -> Agreement:
    """The same. Raises NotFound if there is none yet."""
    if (found := agreement_of(match)) is None:
        raise NotFound
    return found


# --- check-ins ---


def checkins_of(match: Match, side: Side | None = None) -> list[CheckIn]:
    """What both were asked, or one side alone, in order."""
    asked = sa.select(CheckIn).where(CheckIn.match_id == match.id)
    if side is not None:
        asked = asked.where(CheckIn.side == side)
    return list(db.session.scalars(asked.order_by(CheckIn.due_on, CheckIn.id)))


def open_checkin(match: Match, side: Side, *, held: bool = False) -> CheckIn | None:
    """The first check-in that a side has not answered and that is due."""
    asked = sa.select(CheckIn).where(
        CheckIn.match_id == match.id, CheckIn.side == side, CheckIn.answered_at.is_(None),
        CheckIn.due_on <= clock.today(),
    )  # fmt: skip
    asked = asked.order_by(CheckIn.due_on.desc()).limit(1)
    return db.session.scalar(asked.with_for_update().execution_options(populate_existing=True) if held else asked)


def due_checkins(person: Person) -> list[CheckIn]:
    """Check-ins that wait for a person who lives together with someone."""
    mine = sa.or_(
        sa.and_(CheckIn.side == Side.HOST, Match.home_id.in_(_applications(person))),
        sa.and_(CheckIn.side == Side.STUDENT, Match.student_id.in_(_applications(person))),
    )
    due = sa.select(CheckIn).join(CheckIn.match).where(
        mine, Match.state.in_(TOGETHER), CheckIn.answered_at.is_(None), CheckIn.due_on <= clock.today()
    )  # fmt: skip
    return list(db.session.scalars(due.options(joinedload(CheckIn.match)).order_by(CheckIn.due_on)))


def _applications(person: Person) -> sa.Select[int]:
    return sa.select(Application.id).where(Application.person_id == person.id)


def unanswered(by: date) -> list[CheckIn]:
    """Check-ins of those who live together that were due by a day and are not answered nor given up."""
    open_ = sa.select(CheckIn).join(CheckIn.match).where(
        Match.state.in_(TOGETHER), CheckIn.answered_at.is_(None), CheckIn.missed_at.is_(None), CheckIn.due_on <= by
    )  # fmt: skip
    whole = open_.options(*(joinedload(CheckIn.match).options(one) for one in WHOLE))
    return list(db.session.scalars(whole.order_by(CheckIn.id)))


# --- coordinators ---


def matters_of(match: Match) -> list[Matter]:
    """What was brought up about a match, the newest first."""
    mine = sa.select(Matter).where(Matter.match_id == match.id)
    return list(db.session.scalars(mine.order_by(Matter.id.desc())))


def get_matter(match: Match, matter_id: int) -> Matter:
    """Something brought up about this match. Raises NotFound."""
    mine = sa.select(Matter).where(Matter.id == matter_id, Matter.match_id == match.id)
    if (found := db.session.scalar(mine)) is None:
        raise NotFound
    return found


def matters_by_ids(ids: Collection[int]) -> dict[int, Matter]:
    """What was brought up, by its ids, each with its match."""
    found = sa.select(Matter).where(Matter.id.in_(ids))
    whole = found.options(*(joinedload(Matter.match).options(one) for one in WHOLE))
    return {one.id: one for one in db.session.scalars(whole)}


def _not_own(coordinator: Person) -> sa.ColumnElement[bool]:
    return ~of_someone(coordinator.id)


def open_matters(coordinator: Person) -> sa.Select[Matter]:
    """What waits for a coordinator, the most urgent first; nothing of their own."""
    waiting = sa.select(Matter).join(Matter.match).where(Matter.settled_at.is_(None), _not_own(coordinator))
    whole = waiting.options(*(joinedload(Matter.match).options(one) for one in WHOLE))
    return whole.order_by(Matter.due_at, Matter.id)


def to_meet(coordinator: Person) -> sa.Select[Match]:
    """Matches for which a coordinator has to set a meeting, or to note what came of it."""
    met = sa.exists().where(Meeting.match_id == Match.id, Meeting.starts_at > clock.now())
    waiting = sa.select(Match).where(Match.state == MatchState.MEETING, ~met, _not_own(coordinator))
    return waiting.options(*WHOLE).order_by(Match.student_answered_at, Match.id)


def in_state(state: MatchState) -> sa.Select[Match]:
    """The matches in a state, those of which something is due first."""
    return sa.select(Match).where(Match.state == state).options(*WHOLE).order_by(Match.answer_by, Match.id)


def counts() -> dict[MatchState, int]:
    """How many matches stand where."""
    found = sa.select(Match.state, sa.func.count()).group_by(Match.state)
    known: dict[MatchState, int] = dict(iter(db.session.execute(found)))
    return {state: known.get(state, 0) for state in MatchState}


def going_on() -> list[tuple[MatchState, int]]:
    """The states of matches that go on, in order, with how many stand there."""
    known = counts()
    return [(state, known[state]) for state in GOING_ON]


def is_asked_for(match: Match, kind: MatterKind) -> bool:
    """Whether something of this kind waits for a coordinator already."""
    waiting = sa.select(Matter.id).where(
        Matter.match_id == match.id, Matter.kind == kind, Matter.settled_at.is_(None)
    )  # fmt: skip
    return db.session.scalar(waiting.limit(1)) is not None


def live_together(person: Person) -> list[Match]:
    """Where a person lives together with someone, or is about to."""
    return of_person(person, *GOING_ON)
