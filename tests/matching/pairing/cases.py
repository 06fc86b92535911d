"""Small problems drawn at random, and what trying everything says about them."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from hypothesis import strategies as st

from matching.pairing import Decision, Miss, Pair, Problem, Withheld, check
from matching.pairing.objective import levels, worth
from matching.pairing.problem import known, market

Row = tuple[str, str, int, int]
"""Seeker, home, how the seeker ranks the home, how the home ranks the seeker."""


def problem(*rows: Row, seekers: str = "", homes: str = "", **more: object) -> Problem:
    """A problem of agents with short names; those in rows need not be named again."""
    lefts = sorted({*seekers.split(), *(row[0] for row in rows)})
    rights = sorted({*homes.split(), *(row[1] for row in rows)})
    table = np.array([(lefts.index(s), rights.index(h), a, b) for s, h, a, b in rows], np.int64).reshape(-1, 4)
    return Problem(lefts, rights, *table.T, **more)  # type: ignore[arg-type]


@st.composite
def problems(draw: st.DrawFn, households: bool = False, extras: bool = True, most: int = 5, ranks: int = 2) -> Problem:
    """Up to `most` seekers and homes of one to three rooms, ties on both sides; with extras also what is kept."""
    lefts, rights = draw(st.integers(1, most)), draw(st.integers(1, most - 1))
    rank, score = st.integers(0, ranks), st.integers(0, 1000)
    people = draw(st.lists(st.integers(1, 2 if households else 1), min_size=lefts, max_size=lefts))
    rooms = draw(st.lists(st.integers(1, 3), min_size=rights, max_size=rights))
    every = [(s, h) for s in range(lefts) for h in range(rights)]
    fits = [(s, h) for s, h in every if people[s] <= rooms[h]]
    chosen = [pair for pair in fits if draw(st.integers(0, 3))]
    table = np.array([(s, h, draw(rank), draw(rank)) for s, h in chosen], np.int64).reshape(-1, 4)
    name = lambda pair: (f"s{pair[0]}", f"h{pair[1]}")  # noqa: E731
    more: dict[str, object] = {"seed": draw(st.integers(0, 3))}
    if extras:
        scores = st.lists(score, min_size=len(chosen), max_size=len(chosen))
        more["seeker_score"], more["home_score"] = np.array(draw(scores), int), np.array(draw(scores), int)
        more["priority"] = np.array(draw(st.lists(st.integers(0, 2), min_size=lefts, max_size=lefts)), int)
        incumbents = {s: h for s, h in chosen if draw(st.booleans())}
        more["incumbents"] = [name(pair) for pair in incumbents.items()]
        locked: list[tuple[int, int]] = []
        left = list(rooms)
        for s, h in every:
            if not draw(st.integers(0, 7)) and left[h] >= people[s] and s not in dict(locked):
                locked.append((s, h))
                left[h] -= people[s]
        more["locked"] = [name(pair) for pair in locked]
        more["withheld"] = {
            name(pair): draw(st.sampled_from(list(Withheld)))
            for pair in chosen
            if pair not in locked and not draw(st.integers(0, 5))
        }
        more["misses"] = [
            Miss(*name(pair), draw(st.sampled_from(["distance", "rent"])), draw(st.integers(1, 3)) * 0.5, "km", 0, 1)
            for pair in every
            if pair not in chosen and draw(st.booleans())
        ]
    more |= {"people": np.array(people), "rooms": np.array(rooms)}
    return Problem([f"s{i}" for i in range(lefts)], [f"h{i}" for i in range(rights)], *table.T, **more)  # type: ignore[arg-type]


def shuffled(of: Problem, chance: np.random.Generator) -> Problem:
    """The same problem with agents and rows in another order."""
    lefts, rights = chance.permutation(len(of.seekers)), chance.permutation(len(of.homes))
    rows = chance.permutation(len(of.seeker))
    place_left, place_right = np.argsort(lefts), np.argsort(rights)
    return Problem(
        [of.seekers[i] for i in lefts], [of.homes[i] for i in rights],
        place_left[of.seeker[rows]], place_right[of.home[rows]], of.seeker_rank[rows], of.home_rank[rows],
        known(of.seeker_score)[rows], known(of.home_score)[rows],
        known(of.people)[lefts], known(of.rooms)[rights], known(of.priority)[lefts],
        list(of.locked)[::-1], dict(reversed(list(of.withheld.items()))), list(of.incumbents)[::-1],
        list(of.misses)[::-1], of.seed,
    )  # fmt: skip


def pairings(of: Problem) -> Iterator[list[Pair]]:
    """Every pairing that keeps what is locked, makes nothing withheld and fills no home over full; stable or not."""
    locked = dict(of.locked)
    options: list[list[str | None]] = []
    for seeker in of.seekers:
        homes: list[str | None] = [home for s, home in of.number() if s == seeker and (s, home) not in of.withheld]
        options.append([locked[seeker]] if seeker in locked else [None, *homes])
    people = dict(zip(of.seekers, known(of.people).tolist(), strict=True))
    rooms = dict(zip(of.homes, known(of.rooms).tolist(), strict=True))
    for homes_taken in product(*options):
        pairs = [(s, h) for s, h in zip(of.seekers, homes_taken, strict=True) if h is not None]
        used = dict.fromkeys(rooms, 0)
        for s, h in pairs:
            used[h] += people[s]
        if all(used[home] <= rooms[home] for home in rooms):
            yield pairs


def blocked(of: Problem, pairs: list[Pair]) -> bool:
    """Whether some pair blocks, by the definition and nothing else: try who could be sent away."""
    row, locked = of.number(), set(of.locked)
    people = dict(zip(of.seekers, known(of.people).tolist(), strict=True))
    rooms = dict(zip(of.homes, known(of.rooms).tolist(), strict=True))
    at = dict(pairs)
    for (seeker, home), one in row.items():
        now = row.get((seeker, at.get(seeker, "")))
        settled = seeker in dict(of.locked) or (seeker, home) in of.withheld or at.get(seeker) == home
        if settled or (now is not None and of.seeker_rank[now] <= of.seeker_rank[one]):
            continue
        staying = 0
        for other in (s for s, h in pairs if h == home):
            worse = (other, home) not in locked and of.home_rank[row[other, home]] > of.home_rank[one]
            if not worse or people[other] > people[seeker]:
                staying += people[other]
        if staying + people[seeker] <= rooms[home]:
            return True
    return False


def best(of: Problem) -> tuple[int, ...]:
    """The greatest value, level by level, that a stable pairing has."""
    opened = market(of)
    wanted = levels(opened)
    edge = {(of.seekers[of.seeker[row]], of.homes[of.home[row]]): i for i, row in enumerate(opened.row.tolist())}
    return max(
        worth(wanted, [edge[pair] for pair in pairs if pair not in set(of.locked)])
        for pairs in pairings(of)
        if not blocked(of, pairs)
    )


def value(decision: Decision) -> tuple[int, ...]:
    """What a decision says it is worth."""
    return tuple(level.value for level in decision.certificate.levels)


def assert_sound(of: Problem, decision: Decision) -> None:
    """A pairing, stable by the independent checker, which sees what the definition sees."""
    report = check(of, decision.pairs)
    assert not report.faults
    assert not report.blocking
    assert not blocked(of, list(decision.pairs))
    assert report.people == decision.certificate.people <= decision.certificate.bound
