"""Asking either side, once, what living together did for them; answering, changing it, taking it back."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.sharing.homeshare import errors
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.matches import Match
from marketplace.sharing.homeshare.models.outcomes import Outcome
from marketplace.sharing.homeshare.queries import outcomes as queries
from marketplace.sharing.homeshare.service.matches import own_side
from marketplace.sharing.homeshare.service.telling import tell_both

KEPT = timedelta(days=2 * 365)
AT_ONCE = 200
NOTHING = dict.fromkeys(("answered_at", "less_lonely", "safer", "recommends", "saved"))


def ask() -> None:
    """Invite both sides of matches whose trial is over or that ended."""
    for match in queries.to_ask(clock.now()):
        db.session.add_all(Outcome(match_id=match.id, side=side) for side in Side)
        tell_both(match, "outcome")
    db.session.flush()


def answer(person: Person, match: Match, **said: Any) -> Outcome:
    """Keep what a side says in place of what it said before; nothing said is nothing kept. Raises NothingToAnswer."""
    found = queries.of_side(match, own_side(person, match))
    if found is None:
        raise errors.NothingToAnswer
    for name, value in said.items():
        setattr(found, name, value)
    found.answered_at = clock.now() if any(value is not None for value in said.values()) else None
    db.session.flush()
    return found


def erase(person: Person) -> None:
    """Empty what someone who leaves said; that they were asked stays, so that nobody is asked again."""
    db.session.execute(sa.update(Outcome).where(queries.of_someone(person)).values(NOTHING))
    db.session.expire_all()


def thin() -> None:
    """Empty what was asked two years ago, some at a time."""
    old = sa.select(Outcome.match_id).where(Outcome.invited_at <= clock.now() - KEPT, Outcome.answered_at.is_not(None))
    ids = list(db.session.scalars(old.limit(AT_ONCE)))
    db.session.execute(sa.update(Outcome).where(Outcome.match_id.in_(ids)).values(NOTHING))
    db.session.expire_all()
