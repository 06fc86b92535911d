"""What home share achieved, by quarter and overall: the five figures that Homeshare UK asks for, and each stage's time.

Source of the five: Homeshare UK, Homeshare Sector Report (2018), and its good practice guide's outcome measures. Each
figure is counted by the database in one statement; what it is of, and how, is said where it is made. Four months are
122 days, six months 183. Days are the city's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from marketplace.kernel import clock, db
from marketplace.kernel.disclosure import LEAST, Hidden, Shown, shielded
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState
from marketplace.sharing.homeshare.models.matches import TOGETHER, Match

SOON = 122
"""Within how many days of applying someone should have moved in."""

LASTING = 183
"""For more than how many days a match should last."""

DAY = 86_400
QUARTERS = 8
"""How many quarters are told apart; what is older is in the whole alone."""

LEAST_FOR_TAIL = 20
"""Of fewer, the slowest tenth is one or two people."""


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """Three months, by the day on which they begin."""

    first: date

    @property
    def name(self) -> str:
        """As in 2027 Q1."""
        return f"{self.first.year} Q{(self.first.month + 2) // 3}"

    @property
    def after(self) -> "Quarter":
        """The one that follows."""
        month = self.first.month + 3
        return Quarter(date(self.first.year + month // 13, (month - 1) % 12 + 1, 1))

    @property
    def before(self) -> "Quarter":
        """The one that came before."""
        return quarter_of(self.first - timedelta(days=1))


def quarter_of(day: date) -> Quarter:
    """The quarter of a day."""
    return Quarter(date(day.year, (day.month - 1) // 3 * 3 + 1, 1))


def last_quarters(today: date, count: int = QUARTERS) -> list[Quarter]:
    """So many quarters up to that of today, the oldest first."""
    quarters = [quarter_of(today)]
    while len(quarters) < count:
        quarters.append(quarters[-1].before)
    return quarters[::-1]


# --- shares ---


@dataclass(frozen=True, slots=True)
class Share:
    """Of how many, how many; hidden where either they or the others are few."""

    yes: Shown
    of: Shown

    @property
    def percent(self) -> float | None:
        """The share in percent, if it may be told."""
        if isinstance(self.yes, Hidden) or isinstance(self.of, Hidden):
            return None
        return 100 * self.yes / self.of


@dataclass(frozen=True, slots=True)
class Shares:
    """A share by quarter, and overall."""

    by_quarter: dict[Quarter, Share]
    overall: Share


def matched_soon() -> Shares:
    """Of those who applied at least four months ago: who moved in within four months of applying.

    By the quarter of applying; students and hosts alike. Whoever gave up in between counts as not matched.
    """
    moved_in = _first_moved_in()
    within = _days(Application.sent_at, moved_in.c.day) <= SOON
    ripe = Application.sent_at < clock.at(clock.today() - timedelta(days=SOON), 0)
    query = _counted(_quarter(Application.sent_at), within).select_from(Application)
    query = query.outerjoin(moved_in, moved_in.c.application_id == Application.id).where(ripe)
    return _shares(query)


def lasting() -> Shares:
    """Of the matches that began more than six months ago: which lasted, or last, for more than six months.

    By the quarter of moving in.
    """
    lasts = sa.or_(Match.ended_at.is_(None), _days(Match.moved_in_on, Match.ended_at) > LASTING)
    ripe = Match.moved_in_on < clock.today() - timedelta(days=LASTING)
    return _shares(_counted(_quarter(Match.moved_in_on), lasts).where(ripe))


def left_unmatched() -> Shares:
    """Of the applications that were sent and are closed: whose people never moved in with anyone.

    By the quarter of closing.
    """
    moved_in = _first_moved_in()
    closed = sa.and_(Application.state == ApplicationState.CLOSED, Application.sent_at.is_not(None))
    query = _counted(_quarter(Application.closed_at), moved_in.c.day.is_(None)).select_from(Application)
    query = query.outerjoin(moved_in, moved_in.c.application_id == Application.id).where(closed)
    return _shares(query)


def _first_moved_in() -> sa.Subquery:
    """The day on which each application first led to a trial: a match that came no further has no such day."""
    sides = [
        sa.select(side.label("application_id"), Match.moved_in_on.label("day")).where(Match.moved_in_on.is_not(None))
        for side in (Match.student_id, Match.home_id)
    ]
    both = sa.union_all(*sides).subquery()
    return sa.select(both.c.application_id, sa.func.min(both.c.day).label("day")).group_by(both.c[0]).subquery()


def _counted(quarter: sa.ColumnElement[int], yes: sa.ColumnElement[bool]) -> sa.Select[int, int, int]:
    """How many there are by quarter, and of how many something is true."""
    query: sa.Select[int, int, int] = sa.select(
        quarter.label("quarter"), sa.func.sum(sa.case((yes, 1), else_=0)), sa.func.count()
    )
    return query.group_by("quarter")


def _shares(query: sa.Select[int, int, int]) -> Shares:
    """Counts as shares; numbers too small to be told, and what would give them away, are hidden."""
    counts = {number: (int(yes), int(of) - int(yes)) for number, yes, of in db.session.execute(query)}
    quarters = last_quarters(clock.today())
    rows = [counts.get(number, (0, 0)) for number in range(-1, len(quarters))]
    yeses, all_yeses = shielded([yes for yes, _ in rows])
    noes, all_noes = shielded([no for _, no in rows])
    cells = [share(yes, no) for yes, no in zip(yeses, noes, strict=True)]
    return Shares(dict(zip(quarters, cells[1:], strict=True)), share(all_yeses, all_noes))


def share(yes: Shown, no: Shown) -> Share:
    """A share as it may be published, of counts that may be."""
    if isinstance(yes, Hidden):
        return Share(yes, yes)
    return Share(no, no) if isinstance(no, Hidden) else Share(yes, yes + no)


# --- lengths ---


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean number of days, of how many; None where they are few."""

    days: float | None
    of: Shown


@dataclass(frozen=True, slots=True)
class Means:
    """A mean by quarter, and overall."""

    by_quarter: dict[Quarter, Mean]
    overall: Mean


def lengths() -> tuple[Means, Means]:
    """How many days matches lasted, by the quarter of moving in: of those that ended, and of all as if ended today.

    The first leaves out what lasts longest, the second what is still to come: the truth lies above both.
    """
    until = sa.func.coalesce(db.epoch(Match.ended_at), db.epoch(sa.literal(clock.now(), db.UtcDateTime())))
    days = _whole_days(_midnight(Match.moved_in_on), until)
    ended = Match.ended_at.is_not(None)
    query = sa.select(
        _quarter(Match.moved_in_on).label("quarter"),
        sa.func.sum(sa.case((ended, days), else_=0)), sa.func.sum(sa.case((ended, 1), else_=0)),
        sa.func.sum(days), sa.func.count(),
    ).where(Match.moved_in_on.is_not(None)).group_by("quarter")  # fmt: skip
    rows = {number: [int(sum_) for sum_ in sums] for number, *sums in db.session.execute(query)}
    return _means({key: row[:2] for key, row in rows.items()}), _means({key: row[2:] for key, row in rows.items()})


def _means(rows: dict[int, list[int]]) -> Means:
    quarters = last_quarters(clock.today())
    pairs = [rows.get(number, [0, 0]) for number in range(-1, len(quarters))]
    counts, whole = shielded([count for _, count in pairs])
    cells = [_mean(days, count) for (days, _), count in zip(pairs, counts, strict=True)]
    return Means(dict(zip(quarters, cells[1:], strict=True)), _mean(sum(days for days, _ in pairs), whole))


def _mean(days: int, of: Shown) -> Mean:
    return Mean(None if isinstance(of, Hidden) else days / of, of)


# --- pairs ---


def current_pairs() -> tuple[dict[Quarter, Shown], Shown]:
    """How many pairs lived together at the end of each quarter that is over, and how many do today."""
    quarters = last_quarters(clock.today())[:-1]
    columns = [
        sa.func.coalesce(sa.func.sum(sa.case((_together_on(quarter.after.first), 1), else_=0)), 0)
        for quarter in quarters
    ]
    now = sa.func.coalesce(sa.func.sum(sa.case((Match.state.in_(TOGETHER), 1), else_=0)), 0)
    *then, today = db.session.execute(sa.select(*columns, now).select_from(Match)).one()
    shown = [count if count >= LEAST else Hidden.SMALL for count in (*then, today)]
    return dict(zip(quarters, shown[:-1], strict=True)), shown[-1]


def _together_on(day: date) -> sa.ColumnElement[bool]:
    """Whether two had moved together before a day began, and had not ended by then."""
    still = sa.or_(Match.ended_at.is_(None), Match.ended_at >= clock.at(day, 0))
    return sa.and_(Match.moved_in_on < day, still)


# --- stages ---


@dataclass(frozen=True, slots=True)
class Stage:
    """How many days a stage takes: the middle one of all who passed it, and what nine in ten do not exceed."""

    name: str
    of: Shown
    median: int | None
    ninth: int | None


STAGES = ("checks", "proposal", "moving")
"""From applying to taking part, from taking part to the first proposal, from the proposal to moving in."""


def stages() -> list[Stage]:
    """The time in each stage, of all who ever passed it, by the nearest rank: a number of days that someone took."""
    proposed = [
        sa.select(side.label("application_id"), Match.proposed_at.label("at"))
        for side in (Match.student_id, Match.home_id)
    ]
    both = sa.union_all(*proposed).subquery()
    first = sa.select(both.c.application_id, sa.func.min(both.c.at).label("at")).group_by(both.c[0]).subquery()
    checks = _days(Application.sent_at, Application.waiting_since)
    proposal = _days(Application.waiting_since, first.c.at)
    moving = _days(Match.proposed_at, Match.moved_in_on)
    took = sa.union_all(
        _took("checks", checks),
        _took("proposal", proposal).join(first, first.c.application_id == Application.id),
        _took("moving", moving),
    ).subquery()
    number = sa.func.row_number().over(partition_by=took.c.stage, order_by=took.c.days).label("number")
    count = sa.func.count().over(partition_by=took.c.stage).label("count")
    ranked = sa.select(took, number, count).subquery()
    asked = [ranked.c.number == _rank(ranked.c.count, tenths) for tenths in (5, 9)]
    values = [sa.func.min(sa.case((at, ranked.c.days))) for at in asked]
    query = sa.select(ranked.c.stage, sa.func.max(ranked.c.count), *values).group_by(ranked.c.stage)
    found = {stage: _stage(stage, *figures) for stage, *figures in db.session.execute(query)}
    return [found.get(name, Stage(name, Hidden.SMALL, None, None)) for name in STAGES]


def _took(stage: str, days: sa.ColumnElement[int]) -> sa.Select[str, int]:
    return sa.select(sa.literal(stage).label("stage"), days.label("days")).where(days.is_not(None))


def _rank(count: sa.ColumnElement[int], tenths: int) -> sa.ColumnElement[int]:
    """The number, from 1, of the least value that so many tenths of all do not exceed."""
    return (count * tenths + 9) // sa.literal_column("10", sa.Integer)


def _stage(name: str, count: int, median: int, ninth: int) -> Stage:
    if count < LEAST:
        return Stage(name, Hidden.SMALL, None, None)
    return Stage(name, count, int(median), int(ninth) if count >= LEAST_FOR_TAIL else None)


# --- days and quarters in the database ---


def _quarter(column: Any) -> sa.ColumnElement[int]:
    """The place of a moment or a day among the last quarters; -1 if it is older."""
    is_day = isinstance(column.type, sa.Date)
    quarters = last_quarters(clock.today())
    starts = [quarter.first if is_day else clock.at(quarter.first, 0) for quarter in quarters]
    latest_first: Iterable[tuple[int, Any]] = reversed(list(enumerate(starts)))
    return sa.case(*((column >= start, sa.literal_column(str(number))) for number, start in latest_first), else_=-1)


def _days(since: Any, until: Any) -> sa.ColumnElement[int]:
    """Whole days from a day or moment to another; from a day on, the day begins at midnight in the city."""
    moments: Sequence[Any] = [
        _midnight(column) if isinstance(column.type, sa.Date) else db.epoch(column) for column in (since, until)
    ]
    if isinstance(until.type, sa.Date) and not isinstance(since.type, sa.Date):
        moments = [_own_midnight(moments[0]), moments[1]]
    return _whole_days(*moments)


def _whole_days(since: Any, until: Any) -> sa.ColumnElement[int]:
    return (until - since) // sa.literal_column(str(DAY), sa.Integer)


def _midnight(day: Any) -> sa.ColumnElement[int]:
    """The second at which a day begins in the city, by the clock of today."""
    return db.epoch(day) - sa.literal_column(str(_offset()), sa.Integer)


def _own_midnight(moment: Any) -> sa.ColumnElement[int]:
    """The second at which the day of a moment began in the city."""
    offset, day = sa.literal_column(str(_offset()), sa.Integer), sa.literal_column(str(DAY), sa.Integer)
    return moment - (moment + offset) % day


def _offset() -> int:
    passed = clock.local(clock.now()).utcoffset() or timedelta()
    return int(passed.total_seconds())
