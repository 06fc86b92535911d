"""Why two are a pair, or why not: one code for each, with the values that prove it and nobody else's name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from matching.pairing.problem import NOWHERE, Miss, Pair, Problem, Withheld, draws, known, lot


class Code(StrEnum):
    """What an explanation says first."""

    PAIRED = "paired"
    LOCKED = "locked"  # the pair was agreed before the run
    NO_FEASIBLE_PARTNER = "no feasible partner"  # the seeker has no acceptable home at all
    RULE_FAILED = "rule failed"
    HOLDS_AS_GOOD = "holds better or equal"  # the seeker has a home that it ranks no lower
    HOME_FULL = "home full with better"  # the home likes everyone who lives there more
    TIE = "same band"  # the home likes someone who lives there just as much; decided_by says what decided
    WITHHELD = "withheld"  # held, banned or declined, or a locked pair stands in the way


@dataclass(frozen=True, slots=True)
class Explanation:
    """One code, and values by name. Which ones there are, follows from the code:

    PAIRED, LOCKED    seeker_rank, home_rank (0 the best; None for a locked pair that is not acceptable), and better:
                      how many acceptable homes the seeker ranks higher.
    NO_FEASIBLE_…     candidates: pairs of the seeker that fail a rule.
    RULE_FAILED       rules: each with what is missing and its unit; empty if the problem does not say.
    HOLDS_AS_GOOD     asked, holds: ranks of the home asked about and of the one it has.
    HOME_FULL, TIE    needs: rooms; free: rooms that are free or held by people liked less who would have to leave;
                      better, equal: rooms of people liked more and just as much; together: rooms of a household liked
                      less, which is not sent away for one person.
    TIE also          decided_by: what the exchange would cost, nobody else moving: "people" (fewer would be housed),
                      "stability" (someone would block), or the first level at which it is worse ("incumbents",
                      "priority", "bands", "scores", "lottery"); "locked" if all of them are locked; "not improved" if
                      the exchange would be better, which happens only where the search was a heuristic.
    WITHHELD          why: "held", "banned", "declined", or "locked" if only a locked pair stands in the way.
    """

    seeker: str
    home: str
    code: Code
    values: dict[str, object]


@dataclass(frozen=True, slots=True)
class _Resident:
    seeker: str
    people: int
    rank: int
    locked: bool


class Standing:
    """A problem and its pairs, looked up in a moment: O(pairs) once, then O(list of the seeker) an explanation."""

    def __init__(self, problem: Problem, pairs: Iterable[Pair]) -> None:
        self.problem = problem
        self.row = problem.number()
        self.people = dict(zip(problem.seekers, known(problem.people).tolist(), strict=True))
        self.priority = dict(zip(problem.seekers, known(problem.priority).tolist(), strict=True))
        self.rooms = dict(zip(problem.homes, known(problem.rooms).tolist(), strict=True))
        self.locked = dict(problem.locked)
        self.incumbents = set(problem.incumbents)
        self.at: dict[str, str] = {}
        self.residents: dict[str, list[_Resident]] = {}
        for seeker, home in pairs:
            self.at[seeker] = home
            self.residents.setdefault(home, []).append(
                _Resident(seeker, self.people[seeker], self.home_rank(seeker, home), seeker in self.locked)
            )
        self.homes_of: dict[str, list[str]] = {}
        for seeker, home in self.row:
            self.homes_of.setdefault(seeker, []).append(home)
        self.misses_of: dict[str, list[Miss]] = {}
        for miss in problem.misses:
            self.misses_of.setdefault(miss.seeker, []).append(miss)

    def seeker_rank(self, seeker: str, home: str | None) -> int:
        """How a seeker ranks a home; NOWHERE for none, or for one that is not acceptable."""
        row = self.row.get((seeker, home or ""))
        return NOWHERE if row is None else int(self.problem.seeker_rank[row])

    def home_rank(self, seeker: str, home: str) -> int:
        """How a home ranks a seeker."""
        row = self.row.get((seeker, home))
        return NOWHERE if row is None else int(self.problem.home_rank[row])

    def free(self, home: str) -> int:
        """Rooms that nobody has."""
        return self.rooms[home] - sum(one.people for one in self.residents.get(home, ()))

    def gettable(self, people: int, rank: int, home: str, moving_locked: bool = False) -> int:
        """Rooms of a home that are free, or held by people it likes less and would give up for such a seeker."""
        return self.free(home) + sum(
            one.people
            for one in self.residents.get(home, ())
            if one.rank > rank and (people > 1 or one.people == 1) and (moving_locked or not one.locked)
        )


def explain(standing: Standing, seeker: str, home: str) -> Explanation:
    """Why the two are a pair, or why they are not.

    Raises KeyError for an id that the problem does not know.
    """
    code, values = _reason(standing, seeker, home)
    return Explanation(seeker, home, code, values)


def _reason(of: Standing, seeker: str, home: str) -> tuple[Code, dict[str, object]]:
    people = of.people[seeker]
    if home not in of.rooms:
        raise KeyError(home)
    asked, liked = of.seeker_rank(seeker, home), of.home_rank(seeker, home)
    if of.at.get(seeker) == home:
        better = sum(of.seeker_rank(seeker, other) < asked for other in of.homes_of.get(seeker, ()))
        ranks: dict[str, object] = {"seeker_rank": _shown(asked), "home_rank": _shown(liked), "better": better}
        return Code.LOCKED if of.locked.get(seeker) == home else Code.PAIRED, ranks
    if (seeker, home) not in of.row:
        return _not_acceptable(of, seeker, home)
    withheld = of.problem.withheld.get((seeker, home))
    if withheld is not None:
        return Code.WITHHELD, {"why": str(Withheld(withheld))}
    holds = of.seeker_rank(seeker, of.at.get(seeker))
    if holds <= asked:
        return Code.HOLDS_AS_GOOD, {"asked": asked, "holds": holds}
    if seeker in of.locked or of.gettable(people, liked, home, moving_locked=True) >= people:
        return Code.WITHHELD, {"why": "locked"}
    better, equal, together = 0, 0, 0
    for one in of.residents.get(home, ()):
        better += one.people * (one.rank < liked)
        equal += one.people * (one.rank == liked)
        together += one.people * (one.rank > liked and people == 1 and one.people == 2)
    values: dict[str, object] = {
        "needs": people, "free": of.gettable(people, liked, home, moving_locked=True),
        "better": better, "equal": equal, "together": together,
    }  # fmt: skip
    if not equal:
        return Code.HOME_FULL, values
    return Code.TIE, {**values, "decided_by": _decided_by(of, seeker, home)}


def _shown(rank: int) -> int | None:
    return None if rank == NOWHERE else rank


def _not_acceptable(of: Standing, seeker: str, home: str) -> tuple[Code, dict[str, object]]:
    misses = of.misses_of.get(seeker, [])
    if seeker not in of.homes_of and seeker not in of.locked:
        return Code.NO_FEASIBLE_PARTNER, {"candidates": len({miss.home for miss in misses})}
    failed = sorted((miss.rule, miss.excess or 0.0, miss.unit) for miss in misses if miss.home == home)
    return Code.RULE_FAILED, {"rules": [list(one) for one in failed]}


# --- What decided between people liked the same -----------------------------------------------------------------------


Key = tuple[int, str, int]
"""A level: its place in the order, its name, its number among levels of that name."""


def _decided_by(of: Standing, seeker: str, home: str) -> str:
    """Of all exchanges by which the seeker would get in, the one that costs least says what it costs.

    Costs are compared as the objective compares: people, stability, then the levels in their order.
    """
    changes = [_change(of, seeker, home, leaving) for leaving in _exchanges(of, seeker, home)]
    if not changes:
        return "locked"
    keys = sorted({key for change in changes for key in change})
    least = max(changes, key=lambda change: [change.get(key, 0) for key in keys])
    first = next((key for key in keys if least.get(key, 0)), (5, "lottery", 0))
    return "not improved" if least.get(first, 0) > 0 else first[1]


def _exchanges(of: Standing, seeker: str, home: str) -> Iterator[list[_Resident]]:
    """Smallest groups of residents, someone liked the same among them, whose rooms and the free ones would do."""
    liked, needs = of.home_rank(seeker, home), of.people[seeker]
    may_go = [
        one
        for one in of.residents[home]
        if not one.locked and one.rank >= liked and (one.rank == liked or needs > 1 or one.people == 1)
    ]
    missing = needs - of.free(home)
    for first, one in enumerate(may_go):
        if one.people >= missing:
            if one.rank == liked:
                yield [one]
            continue
        for other in may_go[first + 1 :]:
            if other.people < missing and liked in (one.rank, other.rank):
                yield [one, other]


def _change(of: Standing, seeker: str, home: str, leaving: list[_Resident]) -> dict[Key, int]:
    """What an exchange adds at each level."""
    old = of.at.get(seeker)
    gone = [(one.seeker, home) for one in leaving] + ([(seeker, old)] if old else [])
    change = _gains(of, (seeker, home))
    for pair in gone:
        for key, gain in _gains(of, pair).items():
            change[key] = change.get(key, 0) - gain
    people = (0 if old else of.people[seeker]) - sum(one.people for one in leaving)
    blocks = people >= 0 and _would_block(of, home, leaving)
    return change | {(0, "people", 0): min(people, 0), (0, "stability", 0): -int(blocks), (0, "surplus", 0): people}


def _gains(of: Standing, pair: Pair) -> dict[Key, int]:
    """What a pair adds to each level; the keys sort as the levels do."""
    seeker, home = pair
    row = of.row[pair]
    problem, people = of.problem, of.people[seeker]
    found = {(1, "incumbents", 0): int(pair in of.incumbents), (2, "priority", of.priority[seeker]): people}
    for rank in (int(problem.seeker_rank[row]), int(problem.home_rank[row])):
        if rank > 0:
            found[3, "bands", -rank] = found.get((3, "bands", -rank), 0) - 1
    found[4, "scores", 0] = int(known(problem.seeker_score)[row] + known(problem.home_score)[row])
    lots = (np.array([lot(problem.seed, *one)], np.uint64) for one in (("seeker", seeker), ("home", home)))
    found[5, "lottery", 0] = int(draws(*lots)[0])
    return found


def _would_block(of: Standing, home: str, leaving: list[_Resident]) -> bool:
    """Whether someone who leaves would push in somewhere."""
    for one in leaving:
        for other in of.homes_of[one.seeker]:
            if (one.seeker, other) in of.problem.withheld or other == home:
                continue
            if of.gettable(one.people, of.home_rank(one.seeker, other), other) >= one.people:
                return True
    return False
