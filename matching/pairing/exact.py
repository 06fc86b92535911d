"""The best stable pairing, with proof: integer programmes, level by level and part by part, solved by HiGHS in SciPy.

An edge is 1 if its pair is made. A seeker has at most one home, a home no more people than rooms. For each edge, the
seeker has something as good or the home is full as far down as this seeker: "full" is a variable of its own for a home
and a rank (need · full ≤ people liked no less), whole where the home has several rooms. That closes instances that the
textbook row need · (as good) + people ≥ need leaves open. Most of these rows never matter, so in dense markets only
those that a solution breaks are added (lazy constraints): what is solved is always a relaxation, its value a bound, and
its solution the best one as soon as nothing blocks it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.pairing.bound import most_housed
from matching.pairing.objective import Level
from matching.pairing.problem import Ints, Market
from matching.pairing.reduce import parts, possible, upto_home, upto_seeker

SMALL = 3_000
"""Parts with no more edges get every row from the start."""
SPARSE = 8
"""So do parts with no more edges an agent than this."""
NOTICEABLE = 0.1
"""By how much the solution of a linear relaxation must break a row for the row to be added."""
SOLVED, INFEASIBLE = 0, 2
"""What SciPy's milp answers."""
ROUNDS = 12
"""How often rows are added to a linear relaxation; what they miss, the whole solutions tell."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of one level: the value reached, the best that is possible as far as known, whether they meet.

    A level is proven only if all before it are. bound is None where nothing was found out.
    """

    level: str
    value: int
    bound: int | None
    proven: bool


class OutOfTime(Exception):
    """The time is over; what is known of the level that was being worked on."""

    def __init__(self, bound: int | None = None) -> None:
        super().__init__("out of time")
        self.bound = bound


def refine(
    market: Market, edges: Sequence[int], wanted: Sequence[Level], deadline: float
) -> tuple[list[int], list[Proof]]:
    """Make a stable pairing the best one, level by level.

    edges     a stable pairing to start from.
    wanted    the levels that count, in their order; the first must be that of people.
    deadline  by the monotonic clock; after it, what has been found so far is returned with what is proven.

    Exponential at worst. As long as the deadline is not met, the same market gives the same answer.
    """
    best: list[int] = []
    known_of: list[list[tuple[int | None, bool]]] = [[] for _ in wanted]
    chosen = np.zeros(len(market.seeker), bool)
    chosen[list(edges)] = True
    for part in parts(market, possible(market)):
        programme = Programme(part.market, np.flatnonzero(chosen[part.edges]), deadline)
        outcomes = _climb(programme, [Level(one.name, one.gain[part.edges], one.rank) for one in wanted])
        best += part.edges[programme.best].tolist()
        for known, outcome in zip(known_of, outcomes, strict=True):
            known.append(outcome)
    best.sort()
    proofs, proven = [], True
    for level, known in zip(wanted, known_of, strict=True):
        bounds = [bound for bound, _ in known if bound is not None]
        proven = proven and all(sure for _, sure in known)
        bound = sum(bounds) if len(bounds) == len(known) else None
        proofs.append(Proof(level.name, int(level.gain[best].sum()), bound, proven))
    return best, proofs


def _climb(programme: "Programme", wanted: Sequence[Level]) -> list[tuple[int | None, bool]]:
    """Bound and proof of each level of a part; the programme's best pairing is the one that the last step found."""
    outcomes: list[tuple[int | None, bool]] = []
    bands = [level for level in wanted if level.rank is not None]
    try:
        for level in wanted:
            if level.rank is None:
                outcomes.append((programme.maximise(level.gain), True))
            elif level is bands[0]:
                try:
                    programme.least_of_worst(bands)
                finally:
                    settled = bands[: programme.settled_bands]
                    outcomes += [(int(one.gain[programme.best].sum()), True) for one in settled]
    except OutOfTime as over:
        outcomes.append((over.bound, False))
    return outcomes + [(None, False)] * (len(wanted) - len(outcomes))


class Programme:
    """The integer programme of one part: grows rows as they are needed, and keeps the levels reached."""

    def __init__(self, market: Market, known: Ints, deadline: float) -> None:
        self.market, self.best, self.deadline = market, known, deadline
        self.edges = len(market.seeker)
        self.people = market.people[market.seeker]
        self.single = self.people == 1
        self.need = market.rooms[market.home] - (self.people - 1)  # a household is kept out by all rooms but one
        self.upper = np.ones(self.edges)  # of each edge: 0 once it is known to be in no best pairing
        self.columns = self.edges
        self.whole = [True] * self.edges
        self.rows: list[tuple[list[int], list[int], float, float]] = []
        self.full: dict[tuple[int, int, bool], int] = {}
        self.demanded = np.zeros(self.edges, bool)
        self.settled_bands = 0
        for s in range(len(market.people)):
            own = list(range(market.start[s], market.start[s + 1]))
            self.rows.append((own, [1] * len(own), 0, 1))
        for h in range(len(market.rooms)):
            own = self._of_home(h).tolist()
            self.rows.append((own, self.people[own].tolist(), 0, float(market.rooms[h])))
        self.eager = self.edges <= max(SMALL, SPARSE * (len(market.people) + len(market.rooms)))
        if self.eager:
            self.demand(np.arange(self.edges))

    def _of_home(self, home: int) -> Ints:
        return self.market.by_home[self.market.home_start[home] : self.market.home_start[home + 1]]

    # --- Levels -------------------------------------------------------------------------------------------------------

    def maximise(self, gain: Ints) -> int:
        """The greatest sum of a gain; from then on no solution has less."""
        value = int(gain[self.best].sum())
        ceiling = self._ceiling(gain)
        if value < ceiling:
            push = None if self.eager or gain.max() > 2 else self._push()
            better = self._solve(gain, push, known=value, bound=ceiling)
            if better is not None:
                self.best = better
        return self._keep(gain)

    def _ceiling(self, gain: Ints) -> int:
        """A bound that needs no programme."""
        if (gain == self.people).all():
            return most_housed(self.market)
        best_of_seeker = np.zeros(len(self.market.people), np.int64)
        np.maximum.at(best_of_seeker, self.market.seeker, gain)
        return int(best_of_seeker.sum())

    def least_of_worst(self, bands: Sequence[Level]) -> None:
        """As few sides as possible at the worst rank, then at the next, and so on: a generous profile.

        First the least rank is sought that nobody need be worse than. Without the worse edges a programme is small,
        and ranks that are too good are mostly refuted at once. Then two ranks at a time are settled by weights.
        """
        worst = np.maximum(self.market.seeker_rank, self.market.home_rank)
        before = self.upper
        for limit in np.unique(worst).tolist():
            self.upper = np.where(worst <= limit, before, 0.0)
            known = bool((worst[self.best] <= limit).all())
            if (known or self._might_reach(worst <= limit)) and self._settle_down_from(limit, bands, known):
                self.settled_bands = len(bands)
                return

    def _settle_down_from(self, limit: int, bands: Sequence[Level], known: bool) -> bool:
        """Settle the bands from a rank down, two at a time; False if nothing is possible without worse ranks."""
        todo = [level for level in bands if level.rank is not None and level.rank <= limit]
        weight = 2 * len(self.market.people) + 1  # more than a level can count
        for at in range(0, max(1, len(todo)), 2):
            two = [level.gain for level in todo[at : at + 2]] or [np.zeros(self.edges, np.int64)]
            gain = two[0] * weight + two[1] if len(two) == 2 else two[0]
            try:
                found = self._solve(gain, known=int(gain[self.best].sum()) if known else None)
            except OutOfTime:
                raise OutOfTime(0) from None  # a level of bands counts down from 0
            if found is None and not known:
                return False
            self.best, known = self.best if found is None else found, True
            self._keep(gain)
            self.settled_bands = min(len(bands), len(bands) - len(todo) + at + 2)
        return True

    def _might_reach(self, edges: NDArray[np.bool_]) -> bool:
        """Whether some edges could house as many as the level of people asks for."""
        asked = int(self.people[self.best].sum())
        return most_housed(self.market, np.flatnonzero(edges)) >= asked

    def _push(self) -> Floats:
        """Gains that sum up to less than one, for good ranks: what they prefer is seldom blocked."""
        cost = self.market.seeker_rank + self.market.home_rank
        return np.asarray(-cost / (1.0 + int(cost.max()) * len(self.market.people)))

    def _keep(self, gain: Ints) -> int:
        value = int(gain[self.best].sum())
        touched = np.flatnonzero(gain)
        self.rows.append((touched.tolist(), gain[touched].tolist(), value - 0.5, np.inf))
        return value

    # --- Rows ---------------------------------------------------------------------------------------------------------

    def demand(self, edges: Ints) -> None:
        """Add the rows by which these edges do not block."""
        market = self.market
        for edge in edges[~self.demanded[edges]].tolist():
            s, h, rank = int(market.seeker[edge]), int(market.home[edge]), int(market.home_rank[edge])
            own = np.arange(market.start[s], market.start[s + 1])
            as_good = own[market.seeker_rank[own] <= market.seeker_rank[edge]].tolist()
            ones = [1] * len(as_good)
            if self.need[edge] == 1 and self.single[edge]:  # then the pair itself need not count twice
                ones[as_good.index(edge)] = 0
            self.rows.append(([*as_good, self._full(h, rank, bool(self.single[edge]))], [*ones, 1], 1, np.inf))
        self.demanded[edges] = True

    def _full(self, home: int, rank: int, single: bool) -> int:
        """The column that says a home is full as far down as a rank, for single people or for households."""
        key = home, rank, single
        if key not in self.full:
            own = self._of_home(home)
            counted = own[(self.market.home_rank[own] <= rank) | (single & ~self.single[own])]
            need = int(self.market.rooms[home]) - (0 if single else 1)
            self.full[key] = self.columns
            self.columns += 1
            self.whole.append(need > 1)
            entries = [self.full[key], *counted.tolist()]
            self.rows.append((entries, [-need, *self.people[counted].tolist()], 0, np.inf))
        return self.full[key]

    def _taken(self, solution: Floats) -> Floats:
        """For each edge, the rooms of its home held by whoever keeps its seeker out."""
        people = solution * self.people
        if self.single.all():
            return np.asarray(upto_home(self.market, people))
        households = np.bincount(self.market.home, people * ~self.single, len(self.market.rooms))[self.market.home]
        one = upto_home(self.market, people * self.single) + households
        return np.where(self.single, one, upto_home(self.market, people))

    # --- Solving ------------------------------------------------------------------------------------------------------

    def _solve(
        self, gain: Ints, push: Floats | None = None, known: int | None = None, bound: int | None = None
    ) -> Ints | None:
        """The best edges that keep all rows and are stable; None if `known` cannot be improved or nothing is possible.

        Raises OutOfTime, with the bound given or a better one.
        """
        value = gain if push is None else gain + push
        for _ in range(ROUNDS):
            solution, bound = self._once(value, whole=False, bound=bound)
            if solution is None:
                return None
            if known is not None and push is None and bound <= known:
                return None
            broken = 1 - self._as_good(solution) - np.minimum(1, self._taken(solution) / self.need)
            missing = np.flatnonzero((broken > NOTICEABLE) & ~self.demanded)
            if not missing.size:
                break
            self.demand(missing)
        while True:
            solution, bound = self._once(value, whole=True, bound=bound)
            if solution is None:
                return None
            made = np.round(solution)
            taken = self._taken(made)
            blocking = (self._as_good(made) < 0.5) & (taken < self.need - 0.5)
            if not blocking.any():
                return np.flatnonzero(made > 0.5)
            at_homes = np.zeros(len(self.market.rooms), bool)
            at_homes[self.market.home[blocking]] = True
            self.demand(np.flatnonzero(at_homes[self.market.home] & (taken < self.need - 0.5) & ~self.demanded))

    def _as_good(self, solution: Floats) -> Floats:
        return np.asarray(upto_seeker(self.market, solution))

    def _once(self, value: NDArray[Any], whole: bool, bound: int | None) -> tuple[Floats | None, int]:
        """Solve the rows there are: the solution, None if there is none, and a bound of the gain."""
        left = self.deadline - monotonic()
        if left <= 0:
            raise OutOfTime(bound)
        from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 - slow to load, and only runs need it
        from scipy.sparse import csr_array  # noqa: PLC0415

        cost = np.zeros(self.columns)
        cost[: self.edges] = -value
        upper = np.ones(self.columns)
        upper[: self.edges] = self.upper
        lengths = [len(entries) for entries, *_ in self.rows]
        matrix = csr_array(
            (
                np.concatenate([np.asarray(factors, float) for _, factors, _, _ in self.rows]),
                np.concatenate([np.asarray(entries, np.int32) for entries, *_ in self.rows]),
                np.concatenate(([0], np.cumsum(lengths))),
            ),
            shape=(len(self.rows), self.columns),
        )
        found = milp(
            cost,
            constraints=LinearConstraint(matrix, [low for *_, low, _ in self.rows], [high for *_, high in self.rows]),
            bounds=Bounds(0, upper),
            integrality=np.array(self.whole, np.int64) * whole,
            options={"time_limit": left, "mip_rel_gap": 0.0},
        )
        over = found.mip_dual_bound if whole else found.fun
        if over is not None and np.isfinite(over):
            most = np.floor(1e-6 - over) if value.dtype.kind == "i" else np.ceil(-1e-6 - over)
            bound = int(most) if bound is None else min(bound, int(most))
        if found.status == INFEASIBLE:
            return None, 0
        if found.status != SOLVED or found.x is None or bound is None:
            raise OutOfTime(bound)
        return found.x[: self.edges], bound
