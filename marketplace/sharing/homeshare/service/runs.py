"""Runs: making a preview, releasing it, dropping it; and what coordinators decide by hand about two."""

import secrets
from collections.abc import Callable, Collection
from datetime import date, timedelta
from random import Random, SystemRandom

import sqlalchemy as sa
from sqlalchemy.orm import Session

from marketplace.civic.accounts.models import Person
from marketplace.kernel import audit, clock, db
from marketplace.kernel.access import permit
from marketplace.kernel.things import subject
from marketplace.kernel.writing import show_list
from marketplace.sharing.homeshare import errors, policy, runs
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.matches import Match
from marketplace.sharing.homeshare.models.overrides import Override, OverrideKind
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.reasons import RULES
from marketplace.sharing.homeshare.models.runs import Run, RunPerson, RunState
from marketplace.sharing.homeshare.service import matches
from matching.candidates.codes import Code
from matching.candidates.explain import explain_pair
from matching.candidates.facts import World
from matching.pairing import commitment
from matching.pairing.record import market_of, outcome_of

SEED_BITS = 160
GOOD_FOR = timedelta(days=1)
"""How old a run may be when it is released."""

TIME_LIMIT = 60.0
"""Seconds for proofs."""


# --- making one ---


def make(*, at_once: bool = False, time_limit: float = TIME_LIMIT, chance: Random | None = None) -> Run:
    """A run on what is known now, not written yet: `keep` does that. Its seed was drawn by the run before it."""
    day = clock.today()
    snapshot = runs.gather(day)
    seed = db.session.scalar(sa.select(Run.next_seed).order_by(Run.id.desc()).limit(1)) or new_seed()
    return record(runs.draw(snapshot, int(seed), chance or SystemRandom(), time_limit=time_limit), at_once=at_once)


def record(drawn: runs.Drawn, *, at_once: bool = False, next_seed: str | None = None) -> Run:
    """The record of what was drawn, with everyone's number; not written yet."""
    outcome, following = outcome_of(drawn.decision), next_seed or new_seed()
    ids = {name: one for one, name in drawn.names.items()}
    return Run(
        at_once=at_once, day=drawn.snapshot.day, made_at=clock.now(), seed=str(drawn.problem.seed),
        commitment=outcome["commitment"], next_seed=following, next_commitment=commitment(int(following)),
        digest=outcome["digest"], code_version=runs.code_version(), exact=drawn.asked.exact,
        last_level=drawn.asked.last_level, market=market_of(drawn.problem), outcome=outcome,
        facts=runs.facts_of(drawn.world), changes=_changes(drawn), people=[
            RunPerson(number=name, application_id=ids[name]) for name in sorted(ids)
        ],
    )  # fmt: skip


def _changes(drawn: runs.Drawn) -> dict[str, object]:
    pairs = set(drawn.decision.pairs)
    before = {(drawn.names[s], drawn.names[h]) for s, h in drawn.snapshot.incumbents if {s, h} <= drawn.names.keys()}
    stand = {tuple(pair) for pair in drawn.problem.locked}
    return {
        "before": len(before), "kept": len(before & pairs), "moved": len(before - pairs),
        "new": len(pairs - before - stand),
        "pinned": sorted([drawn.names[s], drawn.names[h]] for s, h in drawn.pinned),
        "dropped": sorted([s, h, why] for (s, h), why in drawn.dropped),
        "costs": {str(number): dict(cost) for number, cost in drawn.costs.items()},
    }  # fmt: skip


def keep(made: Run, session: Session) -> Run:
    """Write a run; previews before it can no longer be released."""
    older = sa.update(Run).where(Run.state == RunState.PREVIEW).values(state=RunState.DROPPED)
    session.execute(older)
    session.add(made)
    session.flush()
    return made


def new_seed() -> str:
    """A seed that nobody can guess."""
    return str(secrets.randbits(SEED_BITS))


# --- releasing ---


def release(coordinator: Person, run: Run) -> list[Match]:
    """Propose the pairs of a run to the people, as far as they still hold: whoever changed meanwhile is left out.

    Raises NotReleasedAnyMore, even if someone else released it this instant, or RunTooOld.
    """
    permit(policy.may_coordinate, coordinator)
    if clock.now() - run.made_at > GOOD_FOR:
        raise errors.RunTooOld
    _settle(run, RunState.RELEASED, released_at=clock.now(), released_by_id=coordinator.id)
    snapshot = runs.gather(clock.today())
    world, ids = runs.world_of(snapshot), runs.applications_of(run)
    proposed: list[Match] = []
    left_out: list[str] = []
    for seeker, home in run.proposed:
        why = _stands_against(snapshot, world, ids, seeker, home)
        if why:
            left_out.append(f"{seeker} {home} {why}")
            continue
        student, host = snapshot.applications[ids[seeker]], snapshot.applications[ids[home]]
        card = runs.card(world, programme().pack, student.id, host.id)
        try:
            proposed.append(matches.propose(student, host, run, card))
        except errors.NoRoomLeft:
            left_out.append(f"{seeker} {home} gone")
    run.left_out = left_out
    audit.record(coordinator.id, "homeshare.run_released", subject("homeshare_run", run.id), proposed=len(proposed))
    db.session.flush()
    return proposed


def _stands_against(
    snapshot: runs.Snapshot, world: World, ids: dict[str, int], seeker: str, home: str
) -> str | None:  # fmt: skip
    """Why two who were paired may no longer be: someone left, or a rule fails by now that nobody agreed to."""
    if seeker not in ids or home not in ids:
        return "gone"
    pair = ids[seeker], ids[home]
    if world.students.rows([pair[0]])[0] < 0 or world.homes.rows([pair[1]])[0] < 0:
        return "gone"
    decided = [one for one in snapshot.overrides if (one.student_id, one.home_id) == pair and one.holds(snapshot.day)]
    if any(one.kind is OverrideKind.BAN for one in decided):
        return "banned"
    agreed = {code for one in decided for code in one.rules}
    failed = [code for code in runs.broken(explain_pair(world, programme().pack, *pair)) if code not in agreed]
    return str(failed[0]) if failed else None


def drop(coordinator: Person, run: Run) -> None:
    """Decide that a run is not released. Raises NotReleasedAnyMore."""
    permit(policy.may_coordinate, coordinator)
    _settle(run, RunState.DROPPED)
    audit.record(coordinator.id, "homeshare.run_dropped", subject("homeshare_run", run.id))


def _settle(run: Run, state: RunState, **more: object) -> None:
    """Of several who decide in the same instant, one does."""
    decided = sa.update(Run).where(Run.id == run.id, Run.state == RunState.PREVIEW).values(state=state, **more)
    if not db.changed(decided):
        raise errors.NotReleasedAnyMore
    db.session.refresh(run)


# --- by hand ---


def decide(
    coordinator: Person, kind: OverrideKind, student: Application, home: Application, reason: str, until: date | None
) -> Override:  # fmt: skip
    """Decide by hand about two. A pin that fails rules waits for a second coordinator.

    Raises NeverSetAside if it fails a rule that protects people, or DecidedBefore.
    """
    permit(policy.may_coordinate, coordinator)
    codes = _failed(student, home) if kind is OverrideKind.PIN else []
    if protecting := runs.vetting(codes):
        raise errors.NeverSetAside(rules=show_list([str(RULES[code]) for code in protecting]))
    override = Override(
        kind=kind, student_id=student.id, home_id=home.id, reason=reason, broken=" ".join(codes), until=until,
        by_id=coordinator.id,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(override)
    except sa.exc.IntegrityError as clash:
        raise errors.DecidedBefore from clash
    audit.record(coordinator.id, f"homeshare.{kind.value}", subject("homeshare_override", override.id))
    return override


def _failed(student: Application, home: Application) -> list[Code]:
    """The rules that two fail as things are now, whether or not someone is kept a room meanwhile."""
    day = clock.today()
    gathered = runs.gather(day)
    if student.id not in {one.id for one in gathered.seekers} or home.id not in {one.id for one in gathered.homes}:
        raise errors.NoSuchApplication(field="student")
    world = runs.world_of(gathered)
    return runs.broken(explain_pair(world, programme().pack, student.id, home.id))


def second(coordinator: Person, override: Override) -> None:
    """Agree, as another coordinator, to a pair that fails rules. Raises AnotherHasToAgree, or NothingToAgreeTo."""
    permit(policy.may_coordinate, coordinator)
    if override.by_id == coordinator.id:
        raise errors.AnotherHasToAgree
    waits = (Override.second_id.is_(None), Override.ended_at.is_(None), Override.broken != "")
    _on(override, errors.NothingToAgreeTo, *waits, second_id=coordinator.id, seconded_at=clock.now())
    audit.record(coordinator.id, "homeshare.pin_agreed", subject("homeshare_override", override.id))


def take_back(coordinator: Person, override: Override) -> None:
    """End what was decided by hand. Raises NothingToAgreeTo if it is over."""
    permit(policy.may_coordinate, coordinator)
    _on(override, errors.NothingToAgreeTo, Override.ended_at.is_(None), ended_at=clock.now())
    audit.record(coordinator.id, "homeshare.override_ended", subject("homeshare_override", override.id))


def _on(override: Override, refusal: Callable[[], Exception], *where: sa.ColumnElement[bool], **values: object) -> None:
    if not db.changed(sa.update(Override).where(Override.id == override.id, *where).values(**values)):
        raise refusal()
    db.session.refresh(override)


# --- forgetting ---

FACTS_KEPT = timedelta(days=90)


def thin() -> None:
    """Forget the facts that old runs were made of, and by which numbers people took part."""
    old = clock.now() - FACTS_KEPT
    db.session.execute(sa.update(Run).where(Run.made_at < old, Run.facts.is_not(None)).values(facts=sa.null()))
    db.session.execute(sa.delete(RunPerson).where(RunPerson.run_id.in_(sa.select(Run.id).where(Run.made_at < old))))


def forget(application_ids: Collection[int]) -> None:
    """What forgetting applications leaves of runs: the markets, in which their numbers mean nobody."""
    with_them = sa.select(RunPerson.run_id).where(RunPerson.application_id.in_(application_ids))
    db.session.execute(sa.update(Run).where(Run.id.in_(with_them)).values(facts=sa.null()))
    db.session.execute(sa.delete(RunPerson).where(RunPerson.application_id.in_(application_ids)))
    for column in (Override.student_id, Override.home_id):
        db.session.execute(sa.delete(Override).where(column.in_(application_ids)))
