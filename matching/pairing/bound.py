"""How many people can be housed at most, whatever is stable: a bound that proves a pairing of that size."""

import numpy as np

from matching.pairing.problem import Ints, Market


def most_housed(market: Market, edges: Ints | None = None) -> int:
    """The most people that some edges (all, if left out) can house, stable or not.

    Exact for single people: a greatest bipartite matching (Hopcroft and Karp 1973, by SciPy) where each home has one
    room, otherwise a greatest flow (Dinic 1970, by SciPy). Households of two are taken apart into one person and one,
    each of whom could live alone: the bound can then be too high by some. O(edges · √agents) without rooms to share.
    """
    chosen = np.arange(len(market.seeker)) if edges is None else edges
    if not chosen.size:
        return 0
    from scipy.sparse import csr_array  # noqa: PLC0415 - a third of a second of every start, and only runs need it
    from scipy.sparse.csgraph import maximum_bipartite_matching, maximum_flow  # noqa: PLC0415

    seeker, home = market.seeker[chosen], market.home[chosen]
    lefts, rights = len(market.people), len(market.rooms)
    if (market.rooms <= 1).all() and (market.people == 1).all():
        graph = csr_array((np.ones(len(chosen), np.int8), (seeker, home)), shape=(lefts, rights))
        return int((maximum_bipartite_matching(graph) >= 0).sum())
    source, sink = lefts + rights, lefts + rights + 1
    people = market.people.astype(np.int32)
    tails = np.concatenate((np.full(lefts, source), seeker, lefts + np.arange(rights)))
    heads = np.concatenate((np.arange(lefts), lefts + home, np.full(rights, sink)))
    capacity = np.concatenate((people, people[seeker], market.rooms.astype(np.int32)))
    network = csr_array((capacity, (tails, heads)), shape=(sink + 1, sink + 1))
    return int(maximum_flow(network, source, sink).flow_value)
