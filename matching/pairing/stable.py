"""The search: a stable pairing of many people in about linear time, from several starts, polished."""

import random
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from matching.pairing.kiraly import kiraly, kiraly_of_homes
from matching.pairing.paths import lengthen
from matching.pairing.problem import Market
from matching.pairing.repair import repair
from matching.pairing.state import Lists, Pairing, could_take

MOST_STARTS = 40
"""How often the search starts at most."""


def improve(
    market: Market, lists: Lists, start: list[int] | None, bound: int, seed: int, work: int
) -> tuple[list[int], int]:
    """The best stable pairing found, as edges by seeker, and how many starts were made.

    start   edges of an earlier pairing (no seeker twice, no home over full); then the search begins there and nowhere
            else, since what is known is not given up for a chance. It need not be stable.
    bound   people that can be housed at most: the search stops when it gets there.
    seed    of the shuffles of restarts.
    work    how many edges all starts after the first may look at: it bounds their number without a clock.

    Houses at least two thirds of the most people a stable pairing can house, if all are single and nothing is given to
    start from (Király 2013); in practice 99.9 %. Each start takes O(edges · longest tie).
    """
    households = any(people > 1 for people in lists.people)
    if start is not None:
        pairing = repair(lists, start)
        lengthen(pairing, both_ways=not households)
        polish(market, pairing)
        return pairing.edges(), 1
    best: Pairing | None = None
    rounds = 0
    for pairing in _starts(lists, random.Random(seed), households, work):  # noqa: S311 -- shuffles, not secrets
        rounds += 1
        lengthen(pairing, both_ways=not households)
        if best is None or pairing.housed() > best.housed():
            best = pairing
        if best.housed() >= bound:
            break
    assert best is not None  # noqa: S101 -- there is always a first start
    polish(market, best)
    return best.edges(), rounds


def first(lists: Lists) -> Pairing:
    """A stable pairing as fast as can be: Király's algorithm with seekers asking, nothing more."""
    pairing = Pairing(lists)
    if any(people > 1 for people in lists.people):
        # A household needs two rooms of one home; once they are settled, the rooms left over are for single people.
        # What a household was refused is held by households liked no less, and at most one room is left beside them.
        two = [s for s, people in enumerate(lists.people) if people == 2]
        for edge in kiraly(lists, two, [rooms // 2 for rooms in lists.rooms]):
            pairing.add(edge)
    one = [s for s, people in enumerate(lists.people) if people == 1]
    for edge in kiraly(lists, one, pairing.free[:]):
        pairing.add(edge)
    return pairing


def _starts(lists: Lists, chance: random.Random, households: bool, work: int) -> Iterator[Pairing]:
    """Seekers ask, homes ask, then both again and again with ties shuffled."""
    yield first(lists)
    more = min(MOST_STARTS, work // (len(lists.seeker) + 1))
    if more and not households:
        yield Pairing(lists, kiraly_of_homes(lists))
    for turn in range(more - 1):
        shuffled = Lists(
            lists.seeker, lists.home, lists.seeker_rank, lists.home_rank,
            [_shuffle(edges, lists.seeker_rank, chance) for edges in lists.of_seeker],
            [_shuffle(edges, lists.home_rank, chance) for edges in lists.of_home],
            lists.people, lists.rooms,
        )  # fmt: skip
        if turn % 2 == 0 or households:
            yield first(shuffled)
        else:
            yield Pairing(shuffled, kiraly_of_homes(shuffled))


def _shuffle(edges: list[int], rank: list[int], chance: random.Random) -> list[int]:
    mixed = edges[:]
    chance.shuffle(mixed)
    mixed.sort(key=rank.__getitem__)
    return mixed


def polish(market: Market, pairing: Pairing) -> None:
    """Exchange a housed single person for one without a home while the levels below people gain by it.

    Both must be liked the same by the home; stability and size stay. Afterwards no such exchange is left.
    """
    lists = pairing.lists
    kept, priority = market.incumbent.tolist(), market.priority.tolist()
    score, draw = market.score.tolist(), market.draw.tolist()

    def worth(edge: int) -> tuple[int, int, int, int, int]:
        return (
            kept[edge], -priority[lists.seeker[edge]], -lists.seeker_rank[edge], score[edge], draw[edge],
        )  # fmt: skip

    waiting = [s for s in range(len(pairing.at) - 1, -1, -1) if pairing.at[s] < 0 and lists.people[s] == 1]
    while waiting:
        seeker = waiting.pop()
        if pairing.at[seeker] >= 0:
            continue
        for edge in lists.of_seeker[seeker]:
            rivals = [
                one
                for one in pairing.held[lists.home[edge]]
                if lists.home_rank[one] == lists.home_rank[edge] and lists.people[lists.seeker[one]] == 1
            ]
            loser = next((one for one in sorted(rivals, key=worth) if _exchange(pairing, edge, one, worth)), -1)
            if loser >= 0:
                waiting.append(lists.seeker[loser])
                break


def _exchange(pairing: Pairing, edge: int, loser: int, worth: Callable[[int], tuple[int, ...]]) -> bool:
    """Let one move in for another, if that is worth more and nothing blocks afterwards; whether it was done."""
    if worth(edge) <= worth(loser):
        return False
    pairing.drop(loser)
    pairing.add(edge)
    if any(could_take(pairing, other) for other in pairing.lists.of_seeker[pairing.lists.seeker[loser]]):
        pairing.drop(edge)
        pairing.add(loser)
        return False
    return True


def edges_of(market: Market, rows: Iterable[int]) -> list[int]:
    """The edges of some rows of the problem, by seeker; rows that are not open are left out."""
    edge_of = np.full(int(market.row.max(initial=-1)) + 1, -1, np.int64)
    edge_of[market.row] = np.arange(len(market.row))
    return sorted(int(edge_of[row]) for row in rows if row < len(edge_of) and edge_of[row] >= 0)
