"""Moderation in figures, month by month, with small counts hidden: what the public page and its CSV show."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from marketplace.civic.moderation.models import COMMON, Answer, Appeal, Case, CaseState, Decision
from marketplace.civic.moderation.models import Report as ReportRow
from marketplace.kernel import clock, db
from marketplace.kernel.disclosure import LEAST, Hidden, Shown, shielded

MONTHS = 12
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Month:
    """What happened in one whole month. Reports and cases are in the order of COMMON.

    median, slowest   hours from a case's first report to its decision: of half the cases, and of nine in ten, at most
    """

    first: date
    reports: list[Shown]
    reports_total: Shown
    cases: list[Shown]
    cases_total: Shown
    decided: Shown
    median: float | None
    slowest: float | None
    auto_hidden: Shown
    appeals: Shown
    overturned: Shown


def months(today: date) -> list[date]:
    """The first days of the last twelve months that are over, the latest first, then of the one after them all."""
    firsts = [today.replace(day=1)]
    for _ in range(MONTHS):
        firsts.append((firsts[-1] - timedelta(days=1)).replace(day=1))
    return firsts


def figures(today: date | None = None) -> list[Month]:
    """The months that are over, the latest first, in five statements. The present month would show single reports."""
    after, *firsts = months(today or clock.today())
    edges = [clock.at(first, 0) for first in (*reversed(firsts), after)]
    reports = _by_reason(ReportRow.created_at, ReportRow.reason, edges)
    cases = _by_reason(Case.opened_at, Case.reason, edges)
    hours = _hours(edges)
    hidden = _counts(Case.auto_hidden_at, edges)
    appeals = _appeals(edges)
    return [
        _month(first, place, reports, cases, hours.get(place, []), hidden[place], appeals)
        for place, first in reversed(list(enumerate(reversed(firsts))))
    ]


def _month(
    first: date, place: int, reports: Counter[Any], cases: Counter[Any], hours: Sequence[float], hidden: int,
    appeals: Counter[Any],
) -> Month:  # fmt: skip
    reports_shown, reports_total = shielded([reports[place, reason] for reason in COMMON])
    cases_shown, cases_total = shielded([cases[place, reason] for reason in COMMON])
    (overturned, _upheld), appeals_total = shielded([appeals[place, Answer.OVERTURNED], appeals[place, Answer.UPHELD]])
    enough = len(hours) >= LEAST
    return Month(
        first, reports_shown, reports_total, cases_shown, cases_total,
        decided=len(hours) if enough else Hidden.SMALL,
        median=percentile(hours, 50) if enough else None,
        slowest=percentile(hours, 90) if enough else None,
        auto_hidden=hidden if hidden >= LEAST else Hidden.SMALL,
        appeals=appeals_total,
        overturned=overturned,
    )  # fmt: skip


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest of the values that so many in a hundred do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def _place(moment: Any, edges: Sequence[datetime]) -> sa.Case[int]:
    """Which month a moment falls in, counted from the first."""
    return sa.case(*((moment < edge, number) for number, edge in enumerate(edges[1:])), else_=len(edges))


def _within(moment: Any, edges: Sequence[datetime]) -> sa.ColumnElement[bool]:
    return sa.and_(moment >= edges[0], moment < edges[-1])


def _by_reason(moment: Any, reason: Any, edges: Sequence[datetime]) -> Counter[Any]:
    place = _place(moment, edges).label("place")
    query = sa.select(place, reason, sa.func.count()).where(_within(moment, edges)).group_by("place", reason)
    return Counter({(number, why): count for number, why, count in db.session.execute(query)})


def _counts(moment: Any, edges: Sequence[datetime]) -> Counter[int]:
    place = _place(moment, edges).label("place")
    query = sa.select(place, sa.func.count().label("n")).where(_within(moment, edges)).group_by("place")
    return Counter({row.place: row.n for row in db.session.execute(query)})


def _hours(edges: Sequence[datetime]) -> dict[int, list[float]]:
    """How long each decision took that was not undone, by the month it was made in."""
    seconds = (db.epoch(Decision.at) - db.epoch(Case.opened_at)).label("seconds")
    query = sa.select(_place(Decision.at, edges), seconds).join(Case, Case.id == Decision.case_id)
    found: dict[int, list[float]] = {}
    settled = Case.state.not_in((CaseState.OPEN, CaseState.DECIDED))
    for place, took in db.session.execute(
        query.where(_within(Decision.at, edges), Decision.undone_at.is_(None), settled)
    ):
        found.setdefault(place, []).append(took / HOUR)
    return found


def _appeals(edges: Sequence[datetime]) -> Counter[Any]:
    place = _place(Appeal.answered_at, edges).label("place")
    query = sa.select(place, Appeal.answer, sa.func.count()).where(_within(Appeal.answered_at, edges))
    return Counter(
        {(n, answer): count for n, answer, count in db.session.execute(query.group_by("place", Appeal.answer))}
    )
