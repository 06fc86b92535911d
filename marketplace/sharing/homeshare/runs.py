"""From rows to a run and back: who takes part, what is known of them, who fits whom, and who is proposed to whom.

A run works on a snapshot: what people change meanwhile counts in the next one. Nothing here is written.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import joinedload

import matching
from marketplace.kernel import cells, db
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Side
from marketplace.sharing.homeshare.models.checks import Check, CheckKind, good_until, holding
from marketplace.sharing.homeshare.models.matches import GOING_ON, Match, MatchState
from marketplace.sharing.homeshare.models.overrides import VETTING, Override, OverrideKind
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.runs import Run, RunPerson, RunState
from matching.candidates import people
from matching.candidates.codes import Code, Verdict
from matching.candidates.explain import Explanation, explain_pair, misses
from matching.candidates.facts import NOBODY, SCALES, SETS, Apart, Homes, Kind, Students, World, kinds
from matching.candidates.join import candidates
from matching.candidates.packs import Pack
from matching.pairing import Decision, Miss, Problem, Withheld, decide
from matching.pairing.record import Asked, settle

Pair = tuple[int, int]
"""The ids of two applications: the student's and the home's."""

WAITED = timedelta(days=60)
"""Who has taken part for longer comes before others."""

SOON, WAITED_LONG, OTHERS = range(3)
SEARCH_ONLY = Asked(False, None)


@dataclass(frozen=True)
class Snapshot:
    """What is known at the moment of a run; applications and matches by their ids.

    earlier     pairs that declined each other or parted
    incumbents  pairs of the run before that was not released
    """

    day: date
    applications: Mapping[int, Application]
    checks: Mapping[int, Sequence[Check]]
    live: Sequence[Match] = ()
    earlier: frozenset[Pair] = frozenset()
    overrides: Sequence[Override] = ()
    incumbents: frozenset[Pair] = frozenset()

    def free_rooms(self, home: Application) -> int:
        """The rooms that are kept for nobody."""
        return home.rooms - sum(match.people for match in self.live if match.home_id == home.id)

    @property
    def seekers(self) -> list[Application]:
        """Students who take part and are kept no room."""
        kept = {match.student_id for match in self.live}
        return [one for one in self._open(Side.STUDENT) if one.id not in kept]

    @property
    def homes(self) -> list[Application]:
        """Homes that take part and have a room left."""
        return [one for one in self._open(Side.HOST) if self.free_rooms(one) > 0]

    def _open(self, side: Side) -> list[Application]:
        every = self.applications.values()
        return [one for one in every if one.side is side and one.state is ApplicationState.OPEN]


@dataclass(frozen=True)
class Drawn:
    """What a run found. names: how the market calls each application; dropped: pins that cannot be kept, and why."""

    snapshot: Snapshot
    world: World
    problem: Problem
    decision: Decision
    asked: Asked
    names: Mapping[int, str]
    pinned: Sequence[Pair]
    dropped: Sequence[tuple[Pair, str]]
    costs: Mapping[int, Mapping[str, int]] = field(default_factory=dict)


# --- from rows ---


def gather(day: date) -> Snapshot:
    """Everything that a run needs, in six statements."""
    live = list(db.session.scalars(sa.select(Match).where(Match.state.in_(GOING_ON)).order_by(Match.id)))
    kept = sa.select(Match.student_id).where(Match.state.in_(GOING_ON))
    homes = sa.select(Match.home_id).where(Match.state.in_(GOING_ON))
    takes_part = sa.or_(Application.state == ApplicationState.OPEN, Application.id.in_(kept), Application.id.in_(homes))
    asked = sa.select(Application).where(takes_part).options(joinedload(Application.campus)).order_by(Application.id)
    applications = {one.id: one for one in db.session.scalars(asked)}
    checks: dict[int, list[Check]] = {}
    of_them = sa.select(Check).join(Application, Check.application_id == Application.id).where(takes_part)
    for check in db.session.scalars(of_them.order_by(Check.id)):
        checks.setdefault(check.application_id, []).append(check)
    parted = sa.select(Match.student_id, Match.home_id).where(Match.state.in_((MatchState.DECLINED, MatchState.ENDED)))
    in_force = sa.select(Override).where(Override.ended_at.is_(None)).order_by(Override.id)
    return Snapshot(
        day, applications, checks, live, frozenset((s, h) for s, h in db.session.execute(parted)),
        list(db.session.scalars(in_force)), incumbents(),
    )  # fmt: skip


def incumbents() -> frozenset[Pair]:
    """The pairs of the last run, if they were not released."""
    last = db.session.scalar(sa.select(Run).order_by(Run.id.desc()).limit(1))
    if last is None or last.state is RunState.RELEASED:
        return frozenset()
    ids = applications_of(last)
    return frozenset((ids[s], ids[h]) for s, h in last.pairs if s in ids and h in ids)


def applications_of(run: Run) -> dict[str, int]:
    """Which application each number of a run stood for; those who left are missing."""
    rows = sa.select(RunPerson.number, RunPerson.application_id).where(RunPerson.run_id == run.id)
    return {str(number): int(application_id) for number, application_id in db.session.execute(rows)}


# --- to columns ---


def world_of(snapshot: Snapshot, pack: Pack | None = None) -> World:
    """What rules and scores read of everyone who takes part; rows are called by the ids of their applications."""
    pack = pack or programme().pack
    apart = [(one.student_id, one.home_id) for one in snapshot.overrides if _keeps_apart(one, snapshot.day)]
    return World(
        (snapshot.day - people.EPOCH).days,
        people.students([student_of(one, snapshot.checks.get(one.id, ()), pack) for one in snapshot.seekers], pack),
        people.homes(
            [
                home_of(one, snapshot.checks.get(one.id, ()), snapshot.free_rooms(one), pack)
                for one in snapshot.homes
            ],
            pack,
        ),
        _apart(apart), _apart(sorted(snapshot.earlier)),
    )  # fmt: skip


def student_of(application: Application, checks: Iterable[Check], pack: Pack) -> people.Student:
    """A student as matching knows one; the place is that of their campus, and enrolment what was checked of it."""
    known = list(checks)
    campus = application.campus
    facts = _answers(application, Students, pack) | {"campus": application.campus_id, "people": application.people}
    if shown := holding(known, CheckKind.ENROLMENT):
        facts["enrolled_until"] = shown[0].good_until
    place = (campus.latitude, campus.longitude) if campus else None
    return people.Student(id=application.id, place=place, checked_until=good_until(application, known), **facts)


def home_of(application: Application, checks: Iterable[Check], free_rooms: int, pack: Pack) -> people.Home:
    """A home as matching knows one, at the centre of its privacy cell."""
    centre = cells.centre(application.cell) if application.cell is not None else None
    facts = _answers(application, Homes, pack) | {"rooms": free_rooms}
    place = (centre.latitude, centre.longitude) if centre else None
    return people.Home(id=application.id, place=place, checked_until=good_until(application, checks), **facts)


def _answers(application: Application, table: type, pack: Pack) -> dict[str, Any]:
    """The answers that the rules know by name; a word that the pack no longer has was never said."""
    found: dict[str, Any] = {}
    for name, kind in kinds(table).items():
        value = application.answers.get(name)
        if value is None:
            continue
        if kind in (Kind.DAY, Kind.LAST_DAY) and isinstance(value, str):
            value = date.fromisoformat(value)
        elif kind in SETS:
            value = [word for word in value if word in getattr(pack.words, kind)]
        elif kind in SCALES and value not in getattr(pack.words, kind):
            continue
        found[name] = value
    return found


def _keeps_apart(one: Override, day: date) -> bool:
    return one.kind is OverrideKind.APART and one.holds(day)


def _apart(pairs: Sequence[Pair]) -> Apart:
    return Apart(*np.array(pairs, dtype=np.int64).reshape(-1, 2).T) if pairs else NOBODY


# --- to a market ---


def draw(snapshot: Snapshot, seed: int, chance: Random, *, time_limit: float = 20.0) -> Drawn:
    """Pair everyone who takes part.

    chance      shuffles the numbers by which the market calls people, so that they say nothing of who came when
    time_limit  seconds for proofs; what is not proven then is told
    """
    pack = programme().pack
    world = world_of(snapshot, pack)
    names = _names(snapshot, chance)
    pinned, dropped = _pins(snapshot, world, pack)
    problem = market_of(snapshot, world, pack, names, pinned, seed)
    decision, asked = settle(problem, time_limit)
    drawn = Drawn(snapshot, world, problem, decision, asked, names, pinned, dropped)
    return replace(drawn, costs={one.id: _cost(drawn, pack, one) for one in _in_force(snapshot, pinned)})


def market_of(
    snapshot: Snapshot, world: World, pack: Pack, names: Mapping[int, str], pinned: Sequence[Pair], seed: int
) -> Problem:  # fmt: skip
    """Who fits whom and how each ranks the other, by numbers that name nobody."""
    found = candidates(world, pack).pairs
    seekers = sorted((one for one in names if names[one].startswith("s")), key=lambda one: _number(names[one]))
    homes = sorted((one for one in names if names[one].startswith("h")), key=lambda one: _number(names[one]))
    at = {one: place for side in (seekers, homes) for place, one in enumerate(side)}
    fits = set(zip(found.student_ids.tolist(), found.home_ids.tolist(), strict=True))
    stands = [(match.student_id, match.home_id) for match in snapshot.live]
    banned = [
        (one.student_id, one.home_id)
        for one in snapshot.overrides
        if one.kind is OverrideKind.BAN and one.holds(snapshot.day)
    ]
    name = lambda pair: (names[pair[0]], names[pair[1]])  # noqa: E731
    here = snapshot.applications
    return Problem(
        [names[one] for one in seekers], [names[one] for one in homes],
        np.array([at[one] for one in found.student_ids.tolist()], np.int64),
        np.array([at[one] for one in found.home_ids.tolist()], np.int64),
        found.student_bands(pack).astype(np.int64), found.host_bands(pack).astype(np.int64),
        found.student_scores.astype(np.int64), found.host_scores.astype(np.int64),
        people=np.array([here[one].people for one in seekers], np.int64),
        rooms=np.array([here[one].rooms for one in homes], np.int64),
        priority=np.array([_class(here[one], snapshot.day) for one in seekers], np.int64),
        locked=sorted(name(pair) for pair in (*stands, *pinned)),
        withheld={name(pair): Withheld.BANNED for pair in banned if pair in fits and pair not in pinned},
        incumbents=sorted(name(pair) for pair in snapshot.incumbents if pair in fits and pair not in pinned), seed=seed,
    )  # fmt: skip


def _names(snapshot: Snapshot, chance: Random) -> dict[int, str]:
    seekers = {one.id for one in snapshot.seekers} | {match.student_id for match in snapshot.live}
    homes = {one.id for one in snapshot.homes} | {match.home_id for match in snapshot.live}
    names: dict[int, str] = {}
    for letter, side in (("s", seekers), ("h", homes)):
        numbers = list(range(1, len(side) + 1))
        chance.shuffle(numbers)
        names |= {one: f"{letter}{number}" for one, number in zip(sorted(side), numbers, strict=True)}
    return names


def _number(name: str) -> int:
    return int(name[1:])


def _class(student: Application, day: date) -> int:
    """Who needs a room within days comes first, then who has waited long."""
    if student.needed_by is not None and student.needed_by <= day + timedelta(days=programme().soon_days):
        return SOON
    since = student.waiting_since
    return WAITED_LONG if since is not None and since.date() <= day - WAITED else OTHERS


def _pins(snapshot: Snapshot, world: World, pack: Pack) -> tuple[list[Pair], list[tuple[Pair, str]]]:
    """Pairs that coordinators asked for, and those of them that cannot be: gone, full, or failing a rule not agreed."""
    seekers, homes = set(world.students.ids.tolist()), set(world.homes.ids.tolist())
    left = {one.id: snapshot.free_rooms(one) for one in snapshot.homes}
    taken: set[int] = set()
    kept: list[Pair] = []
    dropped: list[tuple[Pair, str]] = []
    for one in snapshot.overrides:
        if one.kind is not OverrideKind.PIN or not one.holds(snapshot.day):
            continue
        pair = one.student_id, one.home_id
        if pair[0] not in seekers or pair[1] not in homes or pair[0] in taken:
            dropped.append((pair, "gone"))
        elif set(broken(explain_pair(world, pack, *pair))) - set(one.rules):
            dropped.append((pair, "rules"))
        elif left[pair[1]] < snapshot.applications[pair[0]].people:
            dropped.append((pair, "full"))
        else:
            left[pair[1]] -= snapshot.applications[pair[0]].people
            taken.add(pair[0])
            kept.append(pair)
    return kept, dropped


def broken(explained: Explanation) -> list[Code]:
    """The rules that two do not pass, those on missing facts included."""
    return [one.code for one in explained.findings if one.verdict is not Verdict.PASS]


def vetting(codes: Iterable[Code]) -> list[Code]:
    """Those of the rules that nobody may set aside."""
    return [code for code in codes if code in VETTING]


def _in_force(snapshot: Snapshot, pinned: Sequence[Pair]) -> list[Override]:
    """The overrides that have a price: keeping two apart for their safety has none."""
    return [
        one
        for one in snapshot.overrides
        if (one.kind is OverrideKind.BAN and one.holds(snapshot.day))
        or (one.kind is OverrideKind.PIN and (one.student_id, one.home_id) in pinned)
    ]


def _cost(drawn: Drawn, pack: Pack, override: Override) -> dict[str, int]:
    """What an override costs: people housed without it and with it, and pairs that block only because of it."""
    pair = override.student_id, override.home_id
    others = [one for one in drawn.snapshot.overrides if one is not override]
    pinned = [one for one in drawn.pinned if one != pair]
    without = replace(drawn.snapshot, overrides=others)
    problem = market_of(without, drawn.world, pack, drawn.names, pinned, drawn.problem.seed)
    proven = drawn.decision.certificate.proven
    other = decide(problem, exact=proven, last_level="people" if proven else None).certificate
    mine = drawn.decision.certificate
    return {"people": other.people - mine.people, "blocking": max(0, len(mine.forced) - len(other.forced))}


# --- what is told ---


def card(world: World, pack: Pack, student_id: int, home_id: int) -> dict[str, Any]:
    """Why two may live together, in plain values and without anybody's number."""
    whole = asdict(explain_pair(world, pack, student_id, home_id))
    for finding in whole["findings"]:
        finding |= {"code": str(finding["code"]), "verdict": int(finding["verdict"]), "unit": str(finding["unit"])}
    for side in ("student", "host"):
        for part in whole[side]["parts"]:
            part |= {"criterion": str(part["criterion"]), "unit": str(part["unit"])}
        whole[side]["parts"] = list(whole[side]["parts"])
    return {"findings": list(whole["findings"]), "student": whole["student"], "host": whole["host"]}


def facts_of(world: World) -> dict[str, Any]:
    """A world as plain values."""
    tables = {"students": world.students, "homes": world.homes}
    columns = {
        side: {"ids": table.ids.tolist()} | {name: getattr(table, name).tolist() for name in kinds(type(table))}
        for side, table in tables.items()
    }
    pairs = {
        name: [getattr(world, name).student_ids.tolist(), getattr(world, name).home_ids.tolist()]
        for name in ("kept_apart", "earlier")
    }
    return {"day": world.day, **columns, **pairs}


def facts_read(facts: Mapping[str, Any]) -> World:
    """The world that was written by `facts_of`."""
    return World(
        facts["day"], Students(**{name: np.array(values) for name, values in facts["students"].items()}),
        Homes(**{name: np.array(values) for name, values in facts["homes"].items()}),
        Apart(*facts["kept_apart"]), Apart(*facts["earlier"]),
    )  # fmt: skip


def missing_of(world: World, pack: Pack, pairs: Sequence[Pair], names: Mapping[int, str]) -> list[Miss]:
    """Which rules pairs fail and by how much, as the pairing's explanations take it."""
    if not pairs:
        return []
    students, homes = np.array(pairs, dtype=np.int64).T
    return [
        Miss(
            names[one.student_id], names[one.home_id], str(one.code),
            None if one.short_by is None else float(one.short_by), str(one.unit), one.student_band, one.host_band,
        )
        for one in misses(world, pack, students, homes)
    ]  # fmt: skip


@cache
def code_version() -> str:
    """What decided: a digest of the source of everything in matching/."""
    folder = Path(str(matching.__file__)).parent
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")) + sorted(folder.rglob("*.toml")):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
