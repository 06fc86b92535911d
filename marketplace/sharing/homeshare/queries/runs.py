"""Runs, what coordinators decided by hand, and why people were paired or not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l
from marketplace.sharing.homeshare import runs
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Side
from marketplace.sharing.homeshare.models.matches import GOING_ON, Match
from marketplace.sharing.homeshare.models.overrides import Override
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.runs import Run, RunPerson, RunState
from marketplace.sharing.homeshare.queries.applications import people_promised
from matching.candidates.explain import Miss, near_misses
from matching.candidates.facts import World
from matching.pairing import Change, Explanation, Problem, Standing, Verifier, changes, explain
from matching.pairing.record import Asked, problem_of, write


def get_run(run_id: int) -> Run:
    """A run with who released it. Raises NotFound."""
    found = db.session.scalar(sa.select(Run).where(Run.id == run_id).options(joinedload(Run.released_by)))
    if found is None:
        raise NotFound
    return found


def all_runs() -> sa.Select[Run]:
    """Every run, the newest first, with who released it."""
    return sa.select(Run).options(joinedload(Run.released_by)).order_by(Run.id.desc())


def released_runs() -> sa.Select[Run]:
    """What was released, the newest first."""
    return sa.select(Run).where(Run.state == RunState.RELEASED).order_by(Run.id.desc())


def last_run() -> Run | None:
    """The newest run, whatever became of it."""
    return db.session.scalar(sa.select(Run).order_by(Run.id.desc()).limit(1))


def last_preview() -> Run | None:
    """The run that waits for a coordinator."""
    return db.session.scalar(sa.select(Run).where(Run.state == RunState.PREVIEW).order_by(Run.id.desc()).limit(1))


def published(run: Run) -> str:
    """The record of a released run, as anyone may recompute it. Raises NotFound as long as it is not released."""
    if run.state is not RunState.RELEASED:
        raise NotFound
    asked = Asked(run.exact, run.last_level)
    return write(
        run.market, run.seed, asked, run.outcome, run=run.id, day=str(run.day), code_version=run.code_version,
        next_commitment=run.next_commitment,
    )  # fmt: skip


def people_of(run: Run) -> dict[str, Application]:
    """Who took part by which number, with their persons and districts; those who left are missing."""
    ids = runs.applications_of(run)
    asked = (
        sa.select(Application)
        .where(Application.id.in_(ids.values()))
        .options(joinedload(Application.person), joinedload(Application.district), joinedload(Application.campus))
    )
    known = {one.id: one for one in db.session.scalars(asked)}
    return {number: known[one] for number, one in ids.items() if one in known}


def somebody_new_needs_a_room_soon() -> bool:
    """Whether a student whose day is near takes part, is kept no room, and changed something since the last run."""
    last = sa.select(sa.func.max(Run.made_at)).scalar_subquery()
    kept = sa.select(Match.student_id).where(Match.state.in_(GOING_ON))
    near = sa.select(Application.id).where(
        Application.side == Side.STUDENT, Application.state == ApplicationState.OPEN,
        Application.needed_by <= clock.today() + timedelta(days=programme().soon_days),
        Application.id.not_in(kept), sa.or_(last.is_(None), Application.touched_at > last),
    )  # fmt: skip
    return bool(db.session.scalar(sa.select(near.exists())))


# --- why, and why not ---


@dataclass(frozen=True)
class Standings:
    """A run as it can be asked about: what decided, and the facts it was made of."""

    run: Run
    problem: Problem
    world: World
    ids: dict[str, int]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Everyone who has a room by it."""
        return [(seeker, home) for seeker, home in self.run.outcome["pairs"]]

    def name(self, application: Application) -> str | None:
        """By which number someone took part."""
        return next((number for number, one in self.ids.items() if one == application.id), None)


def standings(run: Run) -> Standings | None:
    """What a run can still tell; nothing once the facts it was made of are forgotten."""
    if run.facts is None:
        return None
    world = runs.facts_read(run.facts)
    return Standings(run, problem_of(run.market, int(run.seed)), world, runs.applications_of(run))


def why(of: Standings, seeker: str, home: str) -> Explanation:
    """Why two are a pair or not, with one code, worked out again by the verifier. Raises NotFound."""
    return whys(of, [(seeker, home)])[0]


def whys(of: Standings, asked: Sequence[tuple[str, str]]) -> list[Explanation]:
    """The same for several. Raises NotFound for a number that took no part."""
    if not all(pair[0] in of.problem.seekers and pair[1] in of.problem.homes for pair in asked):
        raise NotFound
    acceptable = of.problem.number()
    names = {one: number for number, one in of.ids.items()}
    unfit = [(of.ids[s], of.ids[h]) for s, h in asked if (s, h) not in acceptable and s in of.ids and h in of.ids]
    here = [pair for pair in unfit if of.world.students.rows([pair[0]])[0] >= 0 <= of.world.homes.rows([pair[1]])[0]]
    problem = replace(of.problem, misses=runs.missing_of(of.world, programme().pack, here, names))
    standing, verifier = Standing(problem, of.pairs), Verifier(problem, of.pairs)
    found = [explain(standing, seeker, home) for seeker, home in asked]
    for one in found:
        if faults := verifier.faults(one):
            raise AssertionError(faults[0])
    return found


@dataclass(frozen=True, slots=True)
class Alone:
    """What someone without a room, or with one to spare, may know of the last run.

    fitting   how many of the other side pass every rule with them
    would     what would help, each by its own: students by homes that would then take them
    near      for homes: pairs that fail one rule only
    homes, students   how many took part in all
    """

    run: Run
    fitting: int
    would: list[Change]
    near: list[Miss]
    homes: int
    students: int


def alone(application: Application) -> Alone | None:
    """Why someone is not paired, and what would change it; None if no run knows them yet."""
    asked = sa.select(Run).join(RunPerson, RunPerson.run_id == Run.id)
    run = db.session.scalar(asked.where(RunPerson.application_id == application.id).order_by(Run.id.desc()).limit(1))
    of = standings(run) if run else None
    name = of.name(application) if of else None
    if run is None or of is None or name is None:
        return None
    pack, market = programme().pack, of.problem
    names = {one: number for number, one in of.ids.items()}
    counted = {"homes": len(market.homes), "students": len(market.seekers)}
    if application.side is Side.HOST:
        fitting = sum(home == name for _seeker, home in market.number())
        taking_part = of.world.homes.rows([application.id])[0] >= 0
        near = near_misses(of.world, pack, home_id=application.id) if taking_part else []
        return Alone(run, fitting, [], near, **counted)
    fitting = sum(seeker == name for seeker, _home in market.number())
    near = (
        near_misses(of.world, pack, student_id=application.id)
        if of.world.students.rows([application.id])[0] >= 0
        else []
    )
    pairs = [(one.student_id, one.home_id) for one in near if one.home_id in names]
    problem = replace(market, misses=runs.missing_of(of.world, pack, pairs, names))
    return Alone(run, fitting, changes(Standing(problem, of.pairs), name), near, **counted)


# --- by hand ---


def overrides() -> sa.Select[Override]:
    """What was decided by hand and is not over, the newest first, with both sides and who decided."""
    return (
        sa.select(Override)
        .where(Override.ended_at.is_(None))
        .options(
            joinedload(Override.student), joinedload(Override.home), joinedload(Override.by),
            joinedload(Override.second),
        )
        .order_by(Override.id.desc())
    )  # fmt: skip


def overrides_of(run: Run) -> list[Override]:
    """What was decided by hand and counted in a run, over by now or not."""
    numbers = [int(number) for number in run.changes.get("costs", {})]
    both = joinedload(Override.student), joinedload(Override.home), joinedload(Override.by)
    wanted = sa.select(Override).where(Override.id.in_(numbers)).options(*both).order_by(Override.id)
    return list(db.session.scalars(wanted)) if numbers else []


def get_override(override_id: int) -> Override:
    """A decision by hand. Raises NotFound."""
    found = db.session.scalar(overrides().where(Override.id == override_id))
    if found is None:
        raise NotFound
    return found


def by_reference(reference: str, side: Side) -> Application | None:
    """The application of a side with this reference."""
    wanted = sa.select(Application).where(Application.reference == reference.strip().upper(), Application.side == side)
    return db.session.scalar(wanted)


# --- personal data ---


def own_data(person: Person) -> list[Extract]:
    """In which runs someone took part, and what was decided by hand about them."""
    own = sa.select(Application.id).where(Application.person_id == person.id)
    took_part = (
        sa.select(Run.id.label("run"), Run.day, RunPerson.number)
        .join(RunPerson, RunPerson.run_id == Run.id)
        .where(RunPerson.application_id.in_(own))
        .order_by(Run.id)
    )
    decided = (
        sa.select(Override.kind, Override.reason, Override.made_at, Override.until, Override.ended_at)
        .where(sa.or_(Override.student_id.in_(own), Override.home_id.in_(own)))
        .order_by(Override.id)
    )
    return [
        extract("homeshare_runs", _l("Runs of home share you took part in"), took_part),
        extract("homeshare_overrides", _l("Decisions by hand in home share"), decided),
    ]


def is_kept(application: Application) -> bool:
    """Whether a room is kept for a student, or all rooms of a home are kept for someone."""
    return people_promised(application) >= (application.rooms if application.is_host else 1)
