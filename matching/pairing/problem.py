"""What a pairing starts from: seekers, homes, who may live with whom, what is kept; checked and put in order."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Pair = tuple[str, str]
"""The id of a seeker and the id of a home."""

TOP_SCORE = 1000
DRAW_BITS = 20
NOWHERE = np.iinfo(np.int64).max
"""The rank of having no home, or of a room that nobody holds: worse than every rank."""


class Withheld(StrEnum):
    """Why an acceptable pair may not be made in this run."""

    HELD = "held"  # staff wait for something
    BANNED = "banned"  # staff decided that these two may not live together
    DECLINED = "declined"  # one of the two said no


@dataclass(frozen=True, slots=True)
class Miss:
    """A pair that fails rules of the programme, and by how much; several misses may concern one pair.

    excess is how much would have to give for the rule to pass, in `unit` (1.2 "km", 20000 "KRW"), or None where the
    rule knows no more or less (a pet, an allergy). The bands are those of the pair, had the rule passed.
    """

    seeker: str
    home: str
    rule: str
    excess: float | None
    unit: str
    seeker_band: int
    home_band: int


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """One run of the programme. Rows may come in any order: the answer is the same.

    seekers      distinct ids of the left side, each one person or a household of two.
    homes        distinct ids of the right side.
    seeker, home          (pairs,) indices into the two; one row for each acceptable pair, no pair twice.
    seeker_rank           (pairs,) how the seeker ranks the home, 0 the best; equal is a tie. Usually a band.
    home_rank             (pairs,) how the home ranks the seeker.
    seeker_score, home_score   (pairs,) 0 to 1000, for the sum of scores; all 0 if left out.
    people       (seekers,) 1 or 2: how many move in together and need as many rooms of one home; all 1 if left out.
    rooms        (homes,) at least 1; all 1 if left out.
    priority     (seekers,) class of the seeker, 0 is served first; all 0 if left out.
    locked       pairs that stay, whatever they are: agreed, on trial, living together. They take part in nothing else.
    withheld     pairs that may not be made, and why.
    incumbents   pairs proposed by the run before, kept if nothing of more weight speaks against it.
    misses       pairs that are not acceptable, and which rule they fail: read by reasons and counterfactuals only.
    seed         of the lottery, 0 or more. Take at least 128 random bits, and publish its commitment before the run.

    raises ValueError with a sentence that names what is wrong.
    """

    seekers: Sequence[str]
    homes: Sequence[str]
    seeker: Ints
    home: Ints
    seeker_rank: Ints
    home_rank: Ints
    seeker_score: Ints | None = None
    home_score: Ints | None = None
    people: Ints | None = None
    rooms: Ints | None = None
    priority: Ints | None = None
    locked: Sequence[Pair] = ()
    withheld: Mapping[Pair, Withheld] = field(default_factory=dict)
    incumbents: Sequence[Pair] = ()
    misses: Sequence[Miss] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        rows, lefts, rights = len(self.seeker), len(self.seekers), len(self.homes)
        lengths = {
            "seeker": rows, "home": rows, "seeker_rank": rows, "home_rank": rows, "seeker_score": rows,
            "home_score": rows, "people": lefts, "rooms": rights, "priority": lefts,
        }  # fmt: skip
        default = {"people": 1, "rooms": 1}
        for name, length in lengths.items():
            given = getattr(self, name)
            array = np.full(length, default.get(name, 0), np.int64) if given is None else _whole(name, given)
            if array.shape != (length,):
                raise ValueError(f"{name} must have {length} entries, not {array.shape}.")
            object.__setattr__(self, name, array)
        _check_agents(self)
        _check_pairs(self)
        _check_kept(self)

    def number(self) -> dict[Pair, int]:
        """The row of each acceptable pair."""
        of = zip(self.seeker.tolist(), self.home.tolist(), strict=True)
        return {(self.seekers[s], self.homes[h]): row for row, (s, h) in enumerate(of)}


def _whole(name: str, given: Any) -> Ints:
    array = np.asarray(given)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must be whole numbers.")
    return array.astype(np.int64)


def _check_agents(problem: Problem) -> None:
    for side, ids in (("seekers", problem.seekers), ("homes", problem.homes)):
        if not all(isinstance(one, str) for one in ids):
            raise ValueError(f"The ids of {side} must be text.")
        if len(set(ids)) < len(ids):
            raise ValueError(f"An id stands twice among the {side}.")
    if not isinstance(problem.seed, int) or problem.seed < 0:
        raise ValueError("The seed is a whole number, 0 or more.")
    people, rooms, priority = known(problem.people), known(problem.rooms), known(problem.priority)
    if people.size and not np.isin(people, (1, 2)).all():
        raise ValueError("A seeker is one person or two.")
    if rooms.size and rooms.min() < 1:
        raise ValueError("A home has at least one room.")
    if priority.size and priority.min() < 0:
        raise ValueError("Priority classes begin at 0.")


def _check_pairs(problem: Problem) -> None:
    seeker, home = problem.seeker, problem.home
    if not seeker.size:
        return
    if seeker.min() < 0 or seeker.max() >= len(problem.seekers) or home.min() < 0 or home.max() >= len(problem.homes):
        raise ValueError("A pair names a seeker or a home that does not exist.")
    if len(np.unique(seeker * len(problem.homes) + home)) < len(seeker):
        raise ValueError("A pair stands twice.")
    for rank in (problem.seeker_rank, problem.home_rank):
        if rank.min() < 0 or rank.max() >= 2**31:
            raise ValueError("Ranks begin at 0 and stay below 2^31.")
    for name in ("seeker_score", "home_score"):
        score = known(getattr(problem, name))
        if score.min() < 0 or score.max() > TOP_SCORE:
            raise ValueError(f"{name}: a score lies between 0 and {TOP_SCORE}.")
    if (known(problem.people)[seeker] > known(problem.rooms)[home]).any():
        raise ValueError("Two people cannot share a home of one room: such a pair is not acceptable.")


def _check_kept(problem: Problem) -> None:
    seekers = {one: i for i, one in enumerate(problem.seekers)}
    homes = {one: i for i, one in enumerate(problem.homes)}
    named = [*problem.locked, *problem.withheld, *problem.incumbents, *((m.seeker, m.home) for m in problem.misses)]
    for s, h in named:
        if s not in seekers or h not in homes:
            raise ValueError(f"Nobody is called {s if s not in seekers else h}.")
    for what, pairs in (("locked", problem.locked), ("an incumbent", problem.incumbents)):
        if len({s for s, _ in pairs}) < len(pairs):
            raise ValueError(f"A seeker is {what} twice.")
    taken = np.zeros(len(homes), np.int64)
    for s, h in problem.locked:
        if (s, h) in problem.withheld:
            raise ValueError(f"The pair of {s} and {h} is locked and withheld.")
        taken[homes[h]] += known(problem.people)[seekers[s]]
    if (over := np.flatnonzero(taken > known(problem.rooms))).size:
        raise ValueError(f"More people are locked than {problem.homes[int(over[0])]} has rooms.")
    if problem.misses:
        acceptable = problem.number()
        for miss in problem.misses:
            if (miss.seeker, miss.home) in acceptable:
                raise ValueError(f"The pair of {miss.seeker} and {miss.home} is acceptable and fails {miss.rule}.")
            if min(miss.seeker_band, miss.home_band) < 0:
                raise ValueError("Ranks begin at 0.")


def known(array: Ints | None) -> Ints:
    """An array that a Problem has filled in."""
    assert array is not None  # noqa: S101 -- __post_init__ fills it
    return array


# --- The lottery ------------------------------------------------------------------------------------------------------


def commitment(seed: int) -> str:
    """What is published before the run: sha256 of the seed's decimal digits."""
    return hashlib.sha256(str(seed).encode()).hexdigest()


def lot(seed: int, side: str, agent: str) -> int:
    """The number an agent draws: the first 64 bits of sha256 of seed, side ("seeker" or "home") and id."""
    return int.from_bytes(hashlib.sha256(f"{seed}\n{side}\n{agent}".encode()).digest()[:8], "big")


def draws(seeker_lots: NDArray[np.uint64], home_lots: NDArray[np.uint64]) -> Ints:
    """The number a pair draws, 0 to 2^20 - 1, more is better: both lots mixed as by SplitMix64 (Steele et al. 2014)."""
    mixed = seeker_lots ^ ((home_lots << np.uint64(32)) | (home_lots >> np.uint64(32)))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(64 - DRAW_BITS)).astype(np.int64)


# --- The market -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """A problem without what is locked or withheld, in an order that does not depend on the order of rows.

    Agents stand by the lots they drew (then by id), so that whoever comes first in a tie was drawn first. Edges stand
    by seeker, then as the seeker ranks them; equal ranks by what the objective asks next, then by the draw.

    seekers, homes   index in the problem of each agent.
    row              (edges,) row of the problem.
    seeker, home, seeker_rank, home_rank, incumbent, score, draw   (edges,)
    start            (seekers + 1,) the edges of seeker s are start[s] to start[s + 1].
    by_home          (edges,) the edges by home, then as the home ranks them; home_start as start.
    people, priority (seekers,); rooms (homes,) those not locked away.
    """

    seekers: Ints
    homes: Ints
    row: Ints
    seeker: Ints
    home: Ints
    seeker_rank: Ints
    home_rank: Ints
    incumbent: Ints
    score: Ints
    draw: Ints
    start: Ints
    by_home: Ints
    home_start: Ints
    people: Ints
    priority: Ints
    rooms: Ints


def market(problem: Problem) -> Market:
    """Put a problem in order: O(pairs log pairs)."""
    left_order, left_place, left_lots = _drawn(problem.seed, "seeker", problem.seekers)
    right_order, right_place, right_lots = _drawn(problem.seed, "home", problem.homes)
    open_rows, rooms = _open(problem)
    seeker, home = left_place[problem.seeker[open_rows]], right_place[problem.home[open_rows]]
    people, priority = known(problem.people)[left_order], known(problem.priority)[left_order]
    score = (known(problem.seeker_score) + known(problem.home_score))[open_rows]
    incumbent = np.zeros(len(problem.seeker), np.int64)
    if problem.incumbents:
        rows = problem.number()
        incumbent[[rows[pair] for pair in problem.incumbents if pair in rows]] = 1
    incumbent = incumbent[open_rows]
    draw = draws(left_lots[seeker], right_lots[home])
    seeker_rank, home_rank = problem.seeker_rank[open_rows], problem.home_rank[open_rows]
    other = (1 - incumbent) << 62 | _by_score(score, draw, home)
    order = np.lexsort((other, _by_rank(seeker, seeker_rank)))
    row, seeker, home, seeker_rank, home_rank = (
        array[order] for array in (open_rows, seeker, home, seeker_rank, home_rank)
    )
    incumbent, score, draw = incumbent[order], score[order], draw[order]
    other = _by_score(score, draw, seeker)
    by_home = np.lexsort((other, priority[seeker], 1 - incumbent, _by_rank(home, home_rank)))
    return Market(
        left_order, right_order, row, seeker, home, seeker_rank, home_rank, incumbent, score, draw,
        starts(seeker, len(left_order)), by_home, starts(home, len(right_order)), people, priority, rooms[right_order],
    )  # fmt: skip


def _by_rank(agent: Ints, rank: Ints) -> Ints:
    """A key that sorts by agent, then by rank."""
    return agent * (int(rank.max(initial=0)) + 1) + rank


def _by_score(score: Ints, draw: Ints, agent: Ints) -> Ints:
    """A key that sorts by greater score, then by greater draw, then by agent: 11, 20 and 31 bits."""
    return ((2 * TOP_SCORE - score) << DRAW_BITS | (1 << DRAW_BITS) - 1 - draw) << 31 | agent


def _drawn(seed: int, side: str, ids: Sequence[str]) -> tuple[Ints, Ints, NDArray[np.uint64]]:
    """Agents in the order of their lots; the place of each; the lots in that order."""
    lots = [lot(seed, side, one) for one in ids]
    order = sorted(range(len(ids)), key=lambda i: (lots[i], ids[i]))
    place = np.empty(len(ids), np.int64)
    place[order] = np.arange(len(ids))
    return np.array(order, np.int64), place, np.array([lots[i] for i in order], np.uint64)


def _open(problem: Problem) -> tuple[Ints, Ints]:
    """The rows that may still become pairs, and the rooms of each home that are not locked away."""
    rooms = known(problem.rooms).copy()
    keep = np.ones(len(problem.seeker), bool)
    if problem.locked:
        seekers = {one: i for i, one in enumerate(problem.seekers)}
        homes = {one: i for i, one in enumerate(problem.homes)}
        settled = np.zeros(len(problem.seekers), bool)
        for s, h in problem.locked:
            settled[seekers[s]] = True
            rooms[homes[h]] -= known(problem.people)[seekers[s]]
        keep &= ~settled[problem.seeker]
    if problem.withheld:
        rows = problem.number()
        keep[[rows[pair] for pair in problem.withheld if pair in rows]] = False
    keep &= rooms[problem.home] >= known(problem.people)[problem.seeker]
    return np.flatnonzero(keep), rooms


def starts(group: Ints, count: int) -> Ints:
    """Where each group begins among entries sorted by group, and at last where the last one ends."""
    found = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(group, minlength=count), out=found[1:])
    return found


def digest(problem: Problem) -> str:
    """sha256 of everything that decides the answer, whatever the order of rows: what a replay is compared with."""
    lefts, rights = sorted(problem.seekers), sorted(problem.homes)
    left = {one: i for i, one in enumerate(lefts)}
    right = {one: i for i, one in enumerate(rights)}
    seeker_place = np.array([left[one] for one in problem.seekers], np.int64)
    home_place = np.array([right[one] for one in problem.homes], np.int64)
    seeker, home = seeker_place[problem.seeker], home_place[problem.home]
    order = np.lexsort((home, seeker))
    of_seeker, of_home = np.argsort(seeker_place), np.argsort(home_place)
    words = {
        "seekers": lefts, "homes": rights, "locked": sorted(problem.locked), "incumbents": sorted(problem.incumbents),
        "withheld": sorted((s, h, why) for (s, h), why in problem.withheld.items()),
        "misses": sorted(
            [m.seeker, m.home, m.rule, repr(m.excess), m.unit, m.seeker_band, m.home_band] for m in problem.misses
        ),
        "seed": str(problem.seed),
    }  # fmt: skip
    hashed = hashlib.sha256(json.dumps(words, sort_keys=True, ensure_ascii=False).encode())
    by_row = (seeker, home, problem.seeker_rank, problem.home_rank, problem.seeker_score, problem.home_score)
    for array in (
        *(known(one)[order] for one in by_row),
        known(problem.people)[of_seeker], known(problem.priority)[of_seeker], known(problem.rooms)[of_home],
    ):  # fmt: skip
        hashed.update(array.astype("<i8").tobytes())
    return hashed.hexdigest()
