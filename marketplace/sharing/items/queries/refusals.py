"""How often owners decline, by what is public of whoever asks, with small counts hidden: to find discrimination."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import District
from marketplace.kernel import clock, db
from marketplace.kernel.disclosure import Hidden, Shown, shielded
from marketplace.kernel.words import LANGUAGES, Text, _l
from marketplace.sharing.items.models.lending import Loan, LoanOnBehalf, LoanState

LEAST = 10
"""A smaller count is not shown."""

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Line:
    """How many requests of some people were declined, and how many accepted."""

    name: object
    declined: Shown
    accepted: Shown

    @property
    def rate(self) -> float | None:
        """The share that was declined, where both counts are shown."""
        if isinstance(self.declined, Hidden) or isinstance(self.accepted, Hidden):
            return None
        answered = self.declined + self.accepted
        return self.declined / answered if answered else None


@dataclass(frozen=True, slots=True)
class Group:
    """The requests of all people, told apart by one thing."""

    title: Text
    lines: list[Line]
    total: Line


def figures() -> list[Group]:
    """The last whole months, by month, and all of them together by each public attribute; one statement, and districts.

    No attribute is told apart by month: what is hidden in a month could be worked out from the year.
    """
    edges = _edges(clock.today())
    months = [edge.strftime("%Y-%m") for edge in edges[:-1]]
    districts: dict[Hashable, object] = {one.id: one.name for one in db.session.scalars(sa.select(District))}
    answered = _answered(edges)
    return [
        _group(_l("By month"), dict(enumerate(months)), answered, 0),
        _group(_l("By the borrower's district"), {**districts, None: _l("No district")}, answered, 1),
        _group(_l("Verified or not"), {True: _l("Verified resident"), False: _l("Not verified")}, answered, 2),
        _group(_l("By the language of their account"), dict(LANGUAGES), answered, 3),
        _group(_l("For whom"), {False: _l("For themselves"), True: _l("For a group")}, answered, 4),
    ]


def _edges(today: date) -> list[date]:
    """The first days of the last whole months, and of the present one."""
    firsts = [today.replace(day=1)]
    for _month in range(MONTHS):
        firsts.append((firsts[-1] - timedelta(days=1)).replace(day=1))
    return firsts[::-1]


def _answered(edges: Sequence[date]) -> Counter[tuple[Any, ...]]:
    """How many requests owners answered, by month, the attributes of who asked, and whether they declined."""
    declined = Loan.state == LoanState.DECLINED
    moment = sa.case((declined, Loan.ended_at), else_=Loan.accepted_at)
    starts = [clock.at(edge, 0) for edge in edges]
    month = sa.case(*((moment < start, place) for place, start in enumerate(starts[1:])), else_=len(starts))
    columns = (
        month.label("month"), Person.district_id, Person.verified_at.is_not(None).label("verified"), Person.language,
        LoanOnBehalf.group_id.is_not(None).label("for_group"), declined.label("declined"),
    )  # fmt: skip
    query = sa.select(*columns, sa.func.count()).select_from(Loan).join(Person, Person.id == Loan.borrower_id)
    query = query.outerjoin(LoanOnBehalf, LoanOnBehalf.loan_id == Loan.id)
    query = query.where(Loan.decided_by_id.is_not(None), moment >= starts[0], moment < starts[-1])
    query = query.group_by(*(sa.literal_column(column.name) for column in columns))
    return Counter({tuple(row[:-1]): row[-1] for row in db.session.execute(query)})


def _group(title: Text, names: dict[Any, object], answered: Counter[tuple[Any, ...]], place: int) -> Group:
    """The counts told apart by one column, with small ones and what would give them away hidden.

    Of whom nobody was answered, nothing is said: there is nobody to protect, and their zero would hide the others.
    """
    counts: Counter[tuple[Any, bool]] = Counter()
    for key, count in answered.items():
        counts[key[place], bool(key[-1])] += count
    names = {name: words for name, words in names.items() if counts[name, True] + counts[name, False]}
    declined, all_declined = shielded([counts[name, True] for name in names], LEAST)
    accepted, all_accepted = shielded([counts[name, False] for name in names], LEAST)
    lines = [Line(names[name], *both) for name, *both in zip(names, declined, accepted, strict=True)]
    return Group(title, lines, Line(_l("All"), all_declined, all_accepted))
