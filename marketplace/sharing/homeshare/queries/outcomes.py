"""What living together did for people: whom to ask, what one side said, and all answers counted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.disclosure import LEAST, shielded
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import Text, _l
from marketplace.sharing.homeshare.models.applications import Application, Side
from marketplace.sharing.homeshare.models.matches import Match, MatchState
from marketplace.sharing.homeshare.models.outcomes import Outcome
from marketplace.sharing.homeshare.queries import matches
from marketplace.sharing.homeshare.queries.figures import Share, share

ASKED_WITHIN = timedelta(days=30)
"""How long after the end somebody is still asked."""
AT_ONCE = 200


def of_side(match: Match, side: Side) -> Outcome | None:
    """The questions put to one side, if they were."""
    return db.session.scalar(sa.select(Outcome).where(Outcome.match_id == match.id, Outcome.side == side))


def to_ask(now: datetime) -> list[Match]:
    """Whose trial is over or who moved apart lately, and who were not asked yet."""
    after_trial = sa.and_(Match.state == MatchState.LIVING, Match.trial_until <= clock.local(now).date())
    over = sa.and_(Match.state == MatchState.ENDED, Match.moved_in_on.is_not(None), Match.ended_at > now - ASKED_WITHIN)
    asked = sa.select(Outcome.match_id).where(Outcome.match_id == Match.id).exists()
    query = sa.select(Match).where(sa.or_(after_trial, over), ~asked).options(*matches.WHOLE)
    return list(db.session.scalars(query.order_by(Match.id).limit(AT_ONCE)))


def of_someone(person: Person) -> sa.ColumnElement[bool]:
    """What was put to a person: their side of their matches."""
    sides = {Side.STUDENT: Match.student_id, Side.HOST: Match.home_id}
    return sa.or_(
        *(
            sa.and_(
                Outcome.side == side,
                Outcome.match_id.in_(
                    sa.select(Match.id).join(Application, Application.id == column).where(
                        Application.person_id == person.id
                    )
                ),
            )
            for side, column in sides.items()
        )
    )  # fmt: skip


def own_outcomes(person: Person) -> list[Extract]:
    """What a person said."""
    told = (Outcome.less_lonely, Outcome.safer, Outcome.recommends, Outcome.saved)
    query = sa.select(Match.reference, Outcome.side, Outcome.invited_at, Outcome.answered_at, *told)
    query = query.select_from(Outcome).join(Match, Match.id == Outcome.match_id).where(of_someone(person))
    title = _l("What you said living together did for you")
    return [extract("homeshare_outcomes", title, query.order_by(Outcome.match_id))]


# --- all answers, counted ---


@dataclass(frozen=True, slots=True)
class Said:
    """What one side says: shares by question, and what they save a month on average, roughly; None where few said."""

    side: Side
    shares: dict[str, Share]
    saved: int | None


QUESTIONS: dict[str, Text] = {
    "less_lonely": _l("Less lonely"),
    "safer": _l("Feel safer"),
    "recommends": _l("Would recommend it"),
}


def achieved() -> list[Said]:
    """What hosts and students say, each on its own. A share is hidden if it would point at few who said yes or no."""
    answers = [getattr(Outcome, name) for name in QUESTIONS]
    counts = [sa.func.count(sa.case((answer.is_(said), 1))) for answer in answers for said in (True, False)]
    query = sa.select(Outcome.side, sa.func.count(Outcome.saved), sa.func.sum(Outcome.saved), *counts)
    found = {side: numbers for side, *numbers in db.session.execute(query.group_by(Outcome.side))}
    return [_said(side, found.get(side, [0, 0] + [0] * len(counts))) for side in Side]


def _said(side: Side, numbers: list[int]) -> Said:
    of, whole, *counts = numbers
    shares = {}
    for name, yes, no in zip(QUESTIONS, counts[::2], counts[1::2], strict=True):
        (shown_yes, shown_no), _total = shielded([yes, no])
        shares[name] = share(shown_yes, shown_no)
    return Said(side, shares, _roughly(whole / of) if of >= LEAST else None)


def _roughly(sum_: float) -> int:
    """Two digits: the mean of today and that of yesterday do not tell what the last one said."""
    return int(float(f"{sum_:.2g}"))
