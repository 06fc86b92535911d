"""Asking those who live together how it goes, each alone, and what follows from the answers."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.sharing.homeshare import errors
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.checkins import (
    EVERY,
    MISSED_AFTER,
    CheckIn,
    Going,
    MatterKind,
    days_of,
)
from marketplace.sharing.homeshare.models.locked import lock
from marketplace.sharing.homeshare.models.matches import TOGETHER, Match
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service import matters
from marketplace.sharing.homeshare.service.matches import own_side
from marketplace.sharing.homeshare.service.telling import record_match, tell_side


def plan(match: Match) -> None:
    """Put down the days on which both are asked, as far as the next quarter."""
    moved_in_on = match.moved_in_on or clock.today()
    known = {(one.side, one.due_on) for one in queries.checkins_of(match)}
    for day in days_of(moved_in_on, max(moved_in_on + timedelta(days=30), clock.today())):
        for side in Side:
            if (side, day) not in known:
                db.session.add(CheckIn(match_id=match.id, side=side, due_on=day, words=""))
    db.session.flush()


def answer(
    person: Person, match: Match, *, going: Going, hours_kept: bool, safe: bool, talk: bool, words: str = ""
) -> CheckIn:
    """Say how it goes. What gives cause for worry a coordinator reads; who is not safe, officers at once.

    Raises NothingToAnswer.
    """
    side = own_side(person, match)
    checkin = queries.open_checkin(match, side, held=True)
    if checkin is None or match.state not in TOGETHER:
        raise errors.NothingToAnswer
    checkin.going, checkin.hours_kept, checkin.safe, checkin.talk = going, hours_kept, safe, talk
    checkin.answered_at = clock.now()
    lock(checkin, "words", words.strip())
    earlier = sa.delete(CheckIn).where(
        CheckIn.match_id == match.id, CheckIn.side == side, CheckIn.answered_at.is_(None),
        CheckIn.due_on < checkin.due_on,
    )  # fmt: skip
    db.session.flush()
    db.session.execute(earlier.execution_options(synchronize_session=False))
    record_match(person, match, "checked_in")
    if checkin.is_worrying:
        matter = matters.open_matter(match, MatterKind.WORRY, side=side, by=person, words=words)
        if not safe:
            matters.raise_concern(person, matter, words)
    return checkin


def run_out() -> None:
    """Ask on the day, remind two days later, and tell a coordinator of what nobody answers; plan the next quarter."""
    for state in TOGETHER:
        for number in queries.ids_of(state, Match.moved_in_on <= clock.today() - timedelta(days=EVERY)):
            plan(queries.held(number))
    for checkin in queries.unanswered(clock.today()):
        late = (clock.today() - checkin.due_on).days
        if late >= MISSED_AFTER:
            checkin.missed_at = clock.now()
            matters.open_matter(checkin.match, MatterKind.MISSED, side=checkin.side)
        elif late == 0 or (late >= 2 and checkin.reminded_at is None):
            if late:
                checkin.reminded_at = clock.now()
            tell_side(checkin.match, checkin.side, "check_in")
    db.session.flush()
