"""Whether home share treats all alike: matched shares and mean bands by group, from the audit store.

Of everyone who took part: who moved in with someone, and how well what they moved into suited them, by their own
side's band (1 is the best). Groups are compared within their side, as most facts part hosts from students. What was
not said is a group of its own that is compared with nobody. Groups of fewer than ten are not shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import District
from marketplace.kernel import db
from marketplace.kernel.disclosure import Hidden, Shown, shielded
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import Text, _l
from marketplace.sharing.homeshare.models.applications import Application, Campus, Side
from marketplace.sharing.homeshare.models.audits import AuditFacts
from marketplace.sharing.homeshare.models.matches import Match
from matching.fairness import Ratio, best_off, ratio_of_shares

LEAST_GROUP = 10
"""Of fewer, a share says little of the programme and much of people."""


@dataclass(frozen=True, slots=True)
class Group:
    """People of one side who have something in common; hidden figures are None.

    ratio   their matched share to that of the best-off group; None for that group itself and for what was not said
    """

    name: object
    of: Shown
    matched: int | None
    band: float | None
    ratio: Ratio | None

    @property
    def percent(self) -> float | None:
        """The share that moved in, in percent."""
        return None if self.matched is None or isinstance(self.of, Hidden) else 100 * self.matched / self.of


@dataclass(frozen=True, slots=True)
class Comparison:
    """The groups of one side by one fact."""

    side: Side
    fact: Text
    groups: list[Group]

    @property
    def alarms(self) -> bool:
        """Whether a group is clearly worse off."""
        return any(group.ratio is not None and group.ratio.alarms for group in self.groups)


_FACTS: dict[str, tuple[Text, Any]] = {
    "district": (_l("District of the home"), Application.district_id),
    "campus": (_l("Campus"), Application.campus_id),
    "income": (_l("Income"), AuditFacts.income),
    "age": (_l("Age"), AuditFacts.age),
    "first_to_study": (_l("First in the family to study"), AuditFacts.first_to_study),
    "from_abroad": (_l("Came from abroad"), AuditFacts.from_abroad),
    "step_free": (_l("Needs a way without steps"), AuditFacts.step_free),
}
_OF_SIDE = {"district": {Side.HOST}, "campus": {Side.STUDENT}, "first_to_study": {Side.STUDENT}}
NOT_SAID = _l("not said")


def panel() -> list[Comparison]:
    """Hosts against students, then each side by each fact, in a constant number of statements."""
    took_part = _took_part()
    names = _names()
    whole = db.session.execute(_counted(took_part, took_part.c.side)).all()
    both = Comparison(
        Side.HOST, _l("Hosts and students"), _groups([(side is Side.HOST, *row) for side, *row in whole], _side_name)
    )
    found = []
    for key, (title, column) in _FACTS.items():
        rows = db.session.execute(_counted(took_part, took_part.c.side, _of(took_part, column))).all()
        for side in _OF_SIDE.get(key, set(Side)):
            own = [tuple(row[1:]) for row in rows if row[0] is side]
            found.append(Comparison(side, title, _groups(own, lambda value, key=key: names(key, value))))
    return [both, *sorted(found, key=lambda one: one.side is not Side.HOST)]


def _took_part() -> sa.Subquery:
    """Everyone who ever took part: whether they moved in, the sum of their bands, and what they said of themselves."""
    sides = [
        sa.select(side.label("application_id"), Match.card[name]["band"].as_integer().label("band"))
        .where(Match.moved_in_on.is_not(None))
        for side, name in ((Match.student_id, "student"), (Match.home_id, "host"))
    ]  # fmt: skip
    both = sa.union_all(*sides).subquery()
    own = sa.select(both.c.application_id, sa.func.min(both.c.band).label("band")).group_by(both.c[0]).subquery()
    matched = sa.case((own.c.application_id.is_(None), 0), else_=1).label("matched")
    columns = [column for _title, column in _FACTS.values()]
    query = sa.select(Application.side, matched, own.c.band, *columns)
    query = query.outerjoin(own, own.c.application_id == Application.id)
    query = query.outerjoin(AuditFacts, AuditFacts.application_id == Application.id)
    return query.where(Application.waiting_since.is_not(None)).subquery()


def _of(took_part: sa.Subquery, column: Any) -> Any:
    return took_part.c[column.key]


def _counted(took_part: sa.Subquery, *by: Any) -> sa.Select[Any]:
    band = took_part.c.band
    sums = (sa.func.sum(took_part.c.matched), sa.func.count(), sa.func.sum(band), sa.func.count(band))
    return sa.select(*by, *sums).group_by(*by)


def _groups(rows: Sequence[tuple[Any, ...]], name: Any) -> list[Group]:
    """Rows of (value, matched, of, sum of bands, how many bands) as groups, compared with the best-off."""
    ordered = sorted(rows, key=lambda row: (row[0] is None, str(name(row[0]))))
    sizes, _whole = shielded([row[2] for row in ordered], LEAST_GROUP)
    known = [row for row, size in zip(ordered, sizes, strict=True) if isinstance(size, int) and row[0] is not None]
    best = known[best_off([(int(row[1]), row[2]) for row in known])] if known else None
    return [_group(row, size, best, name) for row, size in zip(ordered, sizes, strict=True)]


def _group(row: tuple[Any, ...], size: Shown, best: tuple[Any, ...] | None, name: Any) -> Group:
    value, matched, of, bands, banded = row
    if isinstance(size, Hidden):
        return Group(name(value), size, None, None, None)
    band = float(bands) / banded if banded >= LEAST_GROUP else None
    compared = best is not None and value is not None and row is not best
    ratio = ratio_of_shares(int(matched), of, int(best[1]), best[2]) if compared and best else None
    return Group(name(value), size, int(matched), band, ratio)


def _side_name(is_host: object) -> Text:
    return _l("Hosts") if is_host else _l("Students")


def _names() -> Any:
    """What groups are called: districts and campuses by their names, facts in words."""
    districts = {one.id: one.name for one in db.session.scalars(sa.select(District))}
    campuses = {one.id: one.name for one in db.session.scalars(sa.select(Campus))}

    def name(key: str, value: Any) -> object:
        if value is None:
            return NOT_SAID
        if key in ("district", "campus"):
            return (districts if key == "district" else campuses)[value]
        if isinstance(value, bool):
            return _l("yes") if value else _l("no")
        return value.words

    return name


def said(application: Application) -> AuditFacts | None:
    """What someone said of themselves."""
    return db.session.get(AuditFacts, application.id)


def own_facts(person: Person) -> Extract:
    """What a person said of themselves for the audit."""
    facts = (AuditFacts.income, AuditFacts.age, AuditFacts.first_to_study, AuditFacts.from_abroad, AuditFacts.step_free)
    query = sa.select(Application.reference, *facts, AuditFacts.said_at)
    query = query.join(Application, Application.id == AuditFacts.application_id)
    query = query.where(Application.person_id == person.id).order_by(Application.id)
    return extract("homeshare_audit", _l("What you said of yourself for the audit of home share"), query)
