"""Is an explanation true? Worked out anew from problem and pairs, without the code that gives the reasons.

Where a reason compares with an exchange, the exchange is made, checked as a whole, and valued as a whole.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import combinations

from matching.pairing.check import check
from matching.pairing.problem import Pair, Problem, Withheld, known
from matching.pairing.reasons import Code, Explanation

MASK = 2**64 - 1


class Verifier:
    """A problem and its pairs; says what is wrong with an explanation."""

    def __init__(self, problem: Problem, pairs: Iterable[Pair]) -> None:
        self.problem, self.pairs = problem, sorted(pairs)
        self.row = problem.number()
        self.home_of = dict(self.pairs)
        self.in_home: dict[str, list[str]] = {}
        for seeker, home in self.pairs:
            self.in_home.setdefault(home, []).append(seeker)
        self.place = {one: i for i, one in enumerate(problem.seekers)}
        self.house = {one: i for i, one in enumerate(problem.homes)}
        self.locked = set(problem.locked)
        self.misses: dict[str, list[tuple[str, str, float, str]]] = {}
        for miss in problem.misses:
            self.misses.setdefault(miss.seeker, []).append((miss.home, miss.rule, miss.excess or 0.0, miss.unit))
        self.has_list = {seeker for seeker, _ in self.row}
        self.settled = {seeker for seeker, _ in self.locked}

    def faults(self, given: Explanation) -> list[str]:
        """What is wrong; nothing if the code is the one that is due and every value is as the problem has it."""
        code, values = self._due(given.seeker, given.home)
        found = [] if given.code is code else [f"{code} is due, not {given.code}."]
        if given.values != values:
            found.append(f"The values are {values}, not {given.values}.")
        return found

    def _due(self, seeker: str, home: str) -> tuple[Code, dict[str, object]]:
        row, now = self.row.get((seeker, home)), self.home_of.get(seeker)
        if now == home:
            own = None if row is None else int(self.problem.seeker_rank[row])
            liked = None if row is None else int(self.problem.home_rank[row])
            above = sum(
                int(self.problem.seeker_rank[other]) < own if own is not None else True
                for (who, _), other in self.row.items()
                if who == seeker
            )
            code = Code.LOCKED if (seeker, home) in self.locked else Code.PAIRED
            return code, {"seeker_rank": own, "home_rank": liked, "better": above}
        if row is None:
            failed = self.misses.get(seeker, [])
            if seeker not in self.has_list and seeker not in self.settled:
                return Code.NO_FEASIBLE_PARTNER, {"candidates": len({miss[0] for miss in failed})}
            return Code.RULE_FAILED, {"rules": sorted(list(miss[1:]) for miss in failed if miss[0] == home)}
        if (seeker, home) in self.problem.withheld:
            return Code.WITHHELD, {"why": Withheld(self.problem.withheld[seeker, home]).value}
        rank = int(self.problem.seeker_rank[row])
        now_row = self.row.get((seeker, now)) if now else None
        if now_row is not None and int(self.problem.seeker_rank[now_row]) <= rank:
            return Code.HOLDS_AS_GOOD, {"asked": rank, "holds": int(self.problem.seeker_rank[now_row])}
        return self._kept_out(seeker, home, int(self.problem.home_rank[row]))

    def _kept_out(self, seeker: str, home: str, liked: int) -> tuple[Code, dict[str, object]]:
        needs = self._people(seeker)
        better = equal = together = worse = used = 0
        for one in self.in_home.get(home, []):
            size = self._people(one)
            used += size
            row = self.row.get((one, home))
            if row is not None and int(self.problem.home_rank[row]) < liked:
                better += size
            elif row is not None and int(self.problem.home_rank[row]) == liked:
                equal += size
            elif needs == 1 and size == 2:
                together += size
            else:
                worse += size
        free = int(known(self.problem.rooms)[self.house[home]]) - used + worse
        if free >= needs or seeker in self.settled:
            return Code.WITHHELD, {"why": "locked"}
        values: dict[str, object] = {
            "needs": needs, "free": free, "better": better, "equal": equal, "together": together,
        }  # fmt: skip
        if equal == 0:
            return Code.HOME_FULL, values
        return Code.TIE, values | {"decided_by": self._decided_by(seeker, home, liked)}

    # --- Exchanges ----------------------------------------------------------------------------------------------------

    def _decided_by(self, seeker: str, home: str, liked: int) -> str:
        """Make every smallest exchange, and name the first level at which the one that costs least is worse."""
        movable = [one for one in self.in_home[home] if (one, home) not in self.locked]
        rank = {one: int(self.problem.home_rank[self.row[one, home]]) for one in movable}
        outcomes = []
        fits: list[set[str]] = []
        for size in (1, 2):
            for leaving in combinations(movable, size):
                if any(smaller <= set(leaving) for smaller in fits) or not self._fits(seeker, home, leaving):
                    continue
                if any(rank[one] < liked for one in leaving) or all(rank[one] > liked for one in leaving):
                    continue
                if self._people(seeker) == 1 and any(rank[o] > liked and self._people(o) == 2 for o in leaving):
                    continue
                fits.append(set(leaving))
                outcomes.append(self._outcome(seeker, home, leaving))
        if not outcomes:
            return "locked"
        before = self._value(self.pairs, blocks=0)
        names, _ = zip(*before, strict=True)
        changes = [
            [new - old for (_, new), (_, old) in zip(after, before, strict=True)] for after in outcomes
        ]  # fmt: skip
        least = max(changes)
        for name, change in zip(names, least, strict=True):
            if change:
                return "not improved" if change > 0 else name
        return "lottery"

    def _fits(self, seeker: str, home: str, leaving: Sequence[str]) -> bool:
        used = sum(self._people(one) for one in self.in_home[home] if one not in leaving)
        return used + self._people(seeker) <= int(known(self.problem.rooms)[self.house[home]])

    def _outcome(self, seeker: str, home: str, leaving: Sequence[str]) -> list[tuple[str, int]]:
        pairs = [pair for pair in self.pairs if pair[0] != seeker and pair[0] not in leaving] + [(seeker, home)]
        fewer = sum(self._people(one) for one, _ in pairs) < sum(self._people(one) for one, _ in self.pairs)
        return self._value(pairs, blocks=0 if fewer else int(bool(check(self.problem, pairs).blocking)))

    def _value(self, pairs: Sequence[Pair], blocks: int) -> list[tuple[str, int]]:
        """Every level of the objective, by name, for all pairs."""
        people = sum(self._people(seeker) for seeker, _ in pairs)
        before = sum(self._people(seeker) for seeker, _ in self.pairs)
        rows = [(pair, self.row[pair]) for pair in pairs if pair in self.row]
        kept = sum(pair in set(self.problem.incumbents) for pair, _ in rows)
        value = [("people", min(people, before)), ("stability", -blocks), ("people", people), ("incumbents", kept)]
        priority = known(self.problem.priority)
        for one in sorted(set(priority.tolist())):
            housed = sum(self._people(s) for (s, _), _ in rows if int(priority[self.place[s]]) == one)
            value.append(("priority", housed))
        ranks = [int(side[row]) for _, row in rows for side in (self.problem.seeker_rank, self.problem.home_rank)]
        worst = max([*self.problem.seeker_rank.tolist(), *self.problem.home_rank.tolist()])
        value += [("bands", -ranks.count(rank)) for rank in range(worst, 0, -1)]
        scores = known(self.problem.seeker_score) + known(self.problem.home_score)
        value.append(("scores", sum(int(scores[row]) for _, row in rows)))
        return [*value, ("lottery", sum(self._draw(*pair) for pair, _ in rows))]

    def _people(self, seeker: str) -> int:
        return int(known(self.problem.people)[self.place[seeker]])

    def _draw(self, seeker: str, home: str) -> int:
        """The draw of a pair in plain arithmetic."""
        from_home = _lot(self.problem.seed, "home", home)
        mixed = _lot(self.problem.seed, "seeker", seeker) ^ ((from_home << 32 | from_home >> 32) & MASK)
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & MASK
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & MASK
        return (mixed ^ mixed >> 31) >> 44


def _lot(seed: int, side: str, agent: str) -> int:
    return int(hashlib.sha256(f"{seed}\n{side}\n{agent}".encode()).hexdigest()[:16], 16)
