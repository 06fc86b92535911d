"""Forgetting matches: what was written a year after it, the rest after six, or when whoever wrote it leaves."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models.checkins import CheckIn, Matter
from marketplace.sharing.homeshare.models.matches import TOGETHER, Match, MatchState, Meeting, Who
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service.matches import end, other
from marketplace.sharing.homeshare.service.telling import tell_side

WORDS_KEPT = timedelta(days=365)
ROWS_KEPT = timedelta(days=6 * 365)
AT_ONCE = 200
NO_WORDS = {"student_words": "", "host_words": "", "end_words": ""}


def give_up(person: Person) -> None:
    """Give up what has not led to living together, because someone leaves; the other side reads only that."""
    for found in queries.of_person(person, MatchState.PROPOSED, MatchState.MEETING, MatchState.AGREEING):
        match = queries.held(found.id)
        side = policy.side_of(person, match)
        if side is not None and match.ended_at is None and match.state not in TOGETHER:
            end(match, MatchState.WITHDRAWN, by=Who(side.value))
            tell_side(match, other(side), "came_to_nothing")


def erase(person: Person) -> None:
    """Take a person's words out of their matches; where they met is forgotten."""
    give_up(person)
    ids = [one.id for one in queries.of_person(person, *MatchState)]
    db.session.flush()
    db.session.execute(sa.update(Match).where(Match.id.in_(ids)).values(**NO_WORDS))
    db.session.execute(sa.delete(Meeting).where(sa.or_(Meeting.match_id.in_(ids), Meeting.set_by_id == person.id)))
    db.session.execute(sa.update(CheckIn).where(CheckIn.match_id.in_(ids)).values(words=""))
    theirs = sa.or_(Matter.match_id.in_(ids), Matter.by_id == person.id, Matter.settled_by_id == person.id)
    db.session.execute(sa.update(Matter).where(theirs).values(words="", note="", reply=""))
    db.session.expire_all()


def thin() -> None:
    """Empty the words of what is over for a year, and delete what is over for six, some at a time."""
    now = clock.now()
    over = Match.ended_at <= now - WORDS_KEPT
    worded = sa.or_(*(getattr(Match, name) != "" for name in NO_WORDS))
    db.session.execute(sa.update(Match).where(Match.id.in_(_some(over, worded))).values(**NO_WORDS))
    met = sa.select(Meeting.id).join(Match, Match.id == Meeting.match_id).where(over).limit(AT_ONCE)
    db.session.execute(sa.delete(Meeting).where(Meeting.id.in_(list(db.session.scalars(met)))))
    said = sa.select(CheckIn.id).where(CheckIn.answered_at <= now - WORDS_KEPT, CheckIn.words != "").limit(AT_ONCE)
    db.session.execute(sa.update(CheckIn).where(CheckIn.id.in_(list(db.session.scalars(said)))).values(words=""))
    gone = _some(Match.ended_at <= now - ROWS_KEPT)
    db.session.execute(sa.delete(Match).where(Match.id.in_(gone)))
    db.session.expire_all()


def _some(*conditions: sa.ColumnElement[bool]) -> list[int]:
    found = sa.select(Match.id).where(*conditions).order_by(Match.id).limit(AT_ONCE)
    return list(db.session.scalars(found))
