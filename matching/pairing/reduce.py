"""A smaller market with the same stable pairings: without edges that are in none, and taken apart into parts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.pairing.problem import NOWHERE, Ints, Market, starts


def possible(market: Market) -> NDArray[np.bool_]:
    """Which edges may be in a stable pairing. Only for single people: with households every edge is kept.

    Two rules, again and again until nothing changes (after Irving and Manlove 2009):
    - A home has rooms for everyone it likes no less than a seeker, that seeker included: it cannot be full without the
      seeker, who therefore never lives anywhere worse. The seeker's worse edges go.
    - A seeker has this home only among those as good: it lives there, or the home is full with people liked no less.
      Where a home has as many such seekers as rooms, edges to whom it likes less than all of them go.

    What goes is in no stable pairing and blocks none that the other edges allow: it can be forgotten. O(edges) a round.
    """
    alive = np.ones(len(market.seeker), bool)
    if (market.people > 1).any():
        return alive
    left = -1
    while left != int(alive.sum()):
        left = int(alive.sum())
        sure = alive & (upto_home(market, alive * 1) <= market.rooms[market.home])
        alive &= market.seeker_rank <= _least(market.seeker_rank, market.seeker, sure, len(market.people))
        only = alive & (upto_seeker(market, alive * 1) == 1)
        full = only & (upto_home(market, only * 1) >= market.rooms[market.home])
        alive &= market.home_rank <= _least(market.home_rank, market.home, full, len(market.rooms))
    return alive


def _least(rank: Ints, agent: Ints, chosen: NDArray[np.bool_], agents: int) -> Ints:
    """For each edge, the least rank among the chosen edges of its agent."""
    least = np.full(agents, NOWHERE)
    np.minimum.at(least, agent[chosen], rank[chosen])
    return least[agent]


def upto_seeker(market: Market, value: NDArray[Any]) -> NDArray[Any]:
    """For each edge, the sum of a value over edges of the same seeker that are as good or better for it."""
    return _upto(value, market.seeker, market.seeker_rank, market.start)


def upto_home(market: Market, value: NDArray[Any]) -> NDArray[Any]:
    """For each edge, the sum of a value over edges of the same home that are as good or better for it."""
    order = market.by_home
    result = np.empty_like(value)
    result[order] = _upto(value[order], market.home[order], market.home_rank[order], market.home_start)
    return result


def _upto(value: NDArray[Any], group: Ints, rank: Ints, start: Ints) -> NDArray[Any]:
    """Sums from the start of each group up to the end of each tie; entries stand by group, then rank."""
    total = np.concatenate((np.zeros(1, value.dtype), np.cumsum(value)))
    last = np.ones(len(value), bool)
    last[:-1] = (group[1:] != group[:-1]) | (rank[1:] != rank[:-1])
    ends = np.flatnonzero(last) + 1
    end = ends[np.searchsorted(ends, np.arange(len(value)), side="right")]
    return np.asarray(total[end] - total[start[group]])


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A market of its own, and the edges of the whole market that its edges are."""

    market: Market
    edges: Ints


def parts(market: Market, alive: NDArray[np.bool_]) -> list[Part]:
    """The components of some edges of a market, by their first seeker: what happens in one means nothing to another."""
    kept = np.flatnonzero(alive)
    if not kept.size:
        return []
    from scipy.sparse import csr_array  # noqa: PLC0415 - slow to load, and only runs need it
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    lefts, rights = len(market.people), len(market.rooms)
    ends = (market.seeker[kept], lefts + market.home[kept])
    graph = csr_array((np.ones(len(kept), np.int8), ends), shape=(lefts + rights, lefts + rights))
    _, label = connected_components(graph, directed=False)
    part_of = label[ends[0]]
    order = np.argsort(part_of, kind="stable")
    groups = np.split(kept[order], np.flatnonzero(np.diff(part_of[order])) + 1)
    position = np.empty(len(market.seeker), np.int64)
    position[market.by_home] = np.arange(len(position))
    return [Part(_only(market, edges, position), edges) for edges in sorted(groups, key=lambda one: int(one[0]))]


def _only(market: Market, edges: Ints, position: Ints) -> Market:
    """The market of some edges, in the same order, with the agents that they concern."""
    lefts, seeker = np.unique(market.seeker[edges], return_inverse=True)
    rights, home = np.unique(market.home[edges], return_inverse=True)
    return Market(
        market.seekers[lefts], market.homes[rights], market.row[edges], seeker, home, market.seeker_rank[edges],
        market.home_rank[edges], market.incumbent[edges], market.score[edges], market.draw[edges],
        starts(seeker, len(lefts)), np.argsort(position[edges]), starts(home, len(rights)), market.people[lefts],
        market.priority[lefts], market.rooms[rights],
    )  # fmt: skip
