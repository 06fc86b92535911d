"""The decision: the best stable pairing that was found, and a certificate of what is known about it."""

from dataclasses import dataclass
from time import monotonic

import numpy as np

from matching.pairing.bound import most_housed
from matching.pairing.check import check
from matching.pairing.exact import Proof, refine
from matching.pairing.objective import levels, worth
from matching.pairing.problem import Market, Pair, Problem, commitment, digest, known, market
from matching.pairing.reduce import possible
from matching.pairing.stable import edges_of, improve
from matching.pairing.state import Lists

WORK, WORK_BEFORE_PROOF = 40_000, 2_000_000
"""How many edges the search may look at in starting anew. What it finds, no integer programme has to."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is known about a pairing; everything but the bounds can be checked with problem and pairs alone.

    people, bound    how many are housed, and how many a stable pairing can house at most as far as known; locked
                     pairs are counted in both. proven if the two meet.
    levels           value, bound and proof of each level below stability, without locked pairs. A level that is not
                     proven is what the search came by: a heuristic.
    blocking         pairs that block, by the independent checker: none, or something is wrong.
    forced           pairs that would block but for what is locked, held or banned.
    solver           "bound" if the linear search met the bound by itself, "milp" if integer programmes were solved,
                     "search" if neither.
    starts           how often the search started anew.
    in_time          whether the time limit cut nothing off: only then does a replay give the same pairs for certain.
    """

    people: int
    bound: int
    proven: bool
    levels: tuple[Proof, ...]
    blocking: tuple[Pair, ...]
    forced: tuple[Pair, ...]
    solver: str
    starts: int
    in_time: bool
    seed_commitment: str
    input_digest: str

    @property
    def gap(self) -> float:
        """How far the bound lies above what is reached, as a share of the bound."""
        return (self.bound - self.people) / self.bound if self.bound else 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """Pairs of ids, sorted, locked ones included; and what is known about them."""

    pairs: tuple[Pair, ...]
    certificate: Certificate


def decide(problem: Problem, exact: bool = False, time_limit: float = 60.0, last_level: str | None = None) -> Decision:
    """Pair seekers with homes.

    exact       solve integer programmes until every level is proven or the time is over; otherwise the search alone,
                which proves the level of people where it meets a bound and takes the levels below as they come.
    time_limit  seconds for the integer programmes; the search before them is about linear and is not counted.
    last_level  the last level that exact settles ("people", "scores", …), if not all.

    The objective, each only among what is best in all before: locked pairs stay; no blocking pair; most people housed;
    incumbents kept; priority classes in order; fewest at the worst ranks; the sum of scores; the lottery.

    The same problem gives the same pairs whatever the order of its rows, if the time limit cuts nothing off.
    Raises ValueError if last_level is no level of this problem.
    """
    opened = market(problem)
    wanted = levels(opened)
    names = [level.name for level in wanted]
    if last_level is not None and last_level not in names:
        raise ValueError(f"There is no level {last_level}, only {', '.join(names)}.")
    settled = wanted[: names.index(last_level) + 1] if last_level else wanted

    bound = most_housed(opened, np.flatnonzero(possible(opened)))
    work = WORK_BEFORE_PROOF if exact else WORK
    edges, starts = improve(opened, Lists.of(opened), _incumbents(problem, opened), bound, problem.seed, work)
    values = worth(wanted, edges)
    reached = values[0] == bound
    proofs = [Proof(names[0], values[0], bound, reached)]
    solver, in_time = "bound" if reached else "search", True
    if exact and not (reached and len(settled) == 1):
        edges, proofs = refine(opened, edges, settled, monotonic() + time_limit)
        solver, in_time = "milp", all(proof.proven for proof in proofs)
        values = worth(wanted, edges)
        bound = min(bound, bound if proofs[0].bound is None else max(proofs[0].bound, values[0]))
        proofs[0] = Proof(names[0], values[0], bound, bound == values[0])
    proofs += [Proof(name, value, None, False) for name, value in zip(names, values, strict=True)][len(proofs) :]

    pairs = tuple(sorted([*problem.locked, *(_pair(problem, opened, edge) for edge in edges)]))
    report = check(problem, pairs)
    if report.faults:
        raise AssertionError(report.faults[0])
    locked = _locked_people(problem)
    return Decision(
        pairs,
        Certificate(
            report.people, bound + locked, bound == values[0], tuple(proofs), report.blocking, report.forced, solver,
            starts, in_time, commitment(problem.seed), digest(problem),
        ),
    )  # fmt: skip


def _incumbents(problem: Problem, opened: Market) -> list[int] | None:
    """The edges of pairs of the run before that may go on, if there are any."""
    if not opened.incumbent.any():
        return None
    rows = problem.number()
    start, rooms = [], opened.rooms.tolist()
    for edge in edges_of(opened, [rows[pair] for pair in problem.incumbents if pair in rows]):
        home, people = int(opened.home[edge]), int(opened.people[opened.seeker[edge]])
        if rooms[home] >= people:
            rooms[home] -= people
            start.append(edge)
    return start


def _pair(problem: Problem, opened: Market, edge: int) -> Pair:
    row = int(opened.row[edge])
    return problem.seekers[int(problem.seeker[row])], problem.homes[int(problem.home[row])]


def _locked_people(problem: Problem) -> int:
    people = dict(zip(problem.seekers, known(problem.people).tolist(), strict=True))
    return sum(people[seeker] for seeker, _ in problem.locked)
