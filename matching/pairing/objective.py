"""What a pairing is worth: levels compared one after the other, each only where all before it are equal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matching.pairing.problem import Ints, Market


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One level: the pairing with the greatest sum of `gain` over its edges is the best. Stability goes before all.

    rank is the one that a level of bands counts, otherwise None.
    """

    name: str
    gain: Ints
    rank: int | None = None


def levels(market: Market) -> list[Level]:
    """The levels in their order, one gain for each edge of the market.

    people       how many are housed.
    incumbents   pairs of the run before that are kept, if there were any.
    priority 0, 1, …   people housed of a class, best class first; the last class follows from the others.
    band n, …    pairs of which a side ranks the other n-th (0 the best), both sides counted, from the worst rank up;
                 rank 0 is not counted.
    scores       the sum of both sides' scores, if there are any.
    lottery      the sum of the draws.
    """
    people = market.people[market.seeker]
    found = [Level("people", people)]
    if market.incumbent.any():
        found.append(Level("incumbents", market.incumbent))
    found += [
        Level(f"priority {one}", people * (market.priority[market.seeker] == one))
        for one in np.unique(market.priority)[:-1].tolist()
    ]
    ranks = np.unique(np.concatenate((market.seeker_rank, market.home_rank)))
    for rank in ranks[ranks > 0][::-1].tolist():
        found.append(Level(f"band {rank}", -((market.seeker_rank == rank) * 1 + (market.home_rank == rank)), rank))
    if market.score.any():
        found.append(Level("scores", market.score))
    return [*found, Level("lottery", market.draw)]


def worth(of: Sequence[Level], edges: Sequence[int] | Ints) -> tuple[int, ...]:
    """The value of each level; the greater tuple is the better pairing."""
    chosen = np.asarray(edges, np.int64)
    return tuple(int(level.gain[chosen].sum()) for level in of)
