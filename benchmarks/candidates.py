"""How long it takes to find, among ten thousand students and ten thousand homes, the pairs that may be proposed.

    .venv/bin/python -m benchmarks.candidates              about two minutes
    .venv/bin/python -m benchmarks.candidates --quick      a trial of the script itself

The join is held beside every rule tried on every pair, in blocks, on a smaller city; and beside SciPy's k-d tree, which
finds who is in reach and leaves the other rules to the same code. Each says how many pairs it found.
"""

import argparse
import resource
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np
import scipy
from scipy.spatial import cKDTree

from benchmarks.figures import ending, heading, say, table
from matching.candidates.facts import SCALES, Homes, Ids, Rows, Students, World, kinds
from matching.candidates.join import candidates
from matching.candidates.packs import Pack
from matching.candidates.rules import RULES

TODAY, TERM = 20_800, 180
HALF_CITY, CAMPUSES = 15_000, 45
NEAR, FAR = 3_000, 10_000
"""Metres that students would go."""

BLOCK = 1 << 17
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Effort:
    """How many students, and as many homes, are measured: all ways, and the join alone."""

    beside: tuple[int, ...]
    whole: int


WHOLE, QUICK = Effort((1_000, 4_000), 10_000), Effort((200,), 500)


# --- the city ---


def city(size: int, seed: int = 1) -> World:
    """Students of 45 places of study, most of the city's south and middle, and homes all over it."""
    random = np.random.default_rng(seed)
    pick, of = random.integers, random.choice
    campuses = np.clip(random.normal(0, 6_000, (CAMPUSES, 2)), -HALF_CITY, HALF_CITY).astype(int)
    east, north = campuses[pick(0, CAMPUSES, size)].T
    students = {
        "east": east, "north": north, "wanted_from": TODAY + pick(0, 120, size), "least_stay": of((0, 120, 180), size),
        "budget": of(range(200_000, 400_000, 10_000), size), "hours": pick(0, 11, size), "evenings": pick(1, 8, size),
        "tasks": _some(random, size, 8, 0.7), "liked_tasks": _some(random, size, 8, 0.3),
        "smokes": random.random(size) < 0.15, "pets": _some(random, size, 4, 0.02),
        "avoids": _some(random, size, 5, 0.05), "step_free": random.random(size) < 0.03,
        "longest_way": of(range(NEAR, FAR + 1, 500), size), "languages": 1 | _some(random, size, 10, 0.1),
        "enrolled_until": TODAY + pick(90, 900, size), "people": 1 + (random.random(size) < 0.03),
    }  # fmt: skip
    homes = {
        "east": pick(-HALF_CITY, HALF_CITY, size), "north": pick(-HALF_CITY, HALF_CITY, size),
        "free_from": TODAY + pick(-60, 120, size), "least_stay": of((0, 180), size),
        "rent": of(range(190_000, 310_000, 10_000), size), "hours": pick(0, 9, size), "evenings": pick(0, 5, size),
        "tasks": _some(random, size, 8, 0.15), "welcome_tasks": _some(random, size, 8, 0.2),
        "smoking": random.random(size) < 0.2, "pets": _some(random, size, 4, 0.3),
        "allergens": _some(random, size, 5, 0.1), "steps": of((0, 0, 8, 20, 45), size),
        "lift": random.random(size) < 0.3, "languages": 1 | _some(random, size, 10, 0.02),
        "rooms": of((1, 1, 1, 2), size),
    }  # fmt: skip
    students["wanted_until"] = students["wanted_from"] + TERM + pick(0, 360, size)
    homes["free_until"] = homes["free_from"] + TERM + pick(0, 720, size)
    return World(TODAY, _filled(Students, random, students, size), _filled(Homes, random, homes, size))


def _some(random: np.random.Generator, size: int, words: int, share: float) -> np.ndarray:
    return (random.random((size, words)) < share) @ (1 << np.arange(words))


def _filled(table: type, random: np.random.Generator, columns: dict[str, np.ndarray], size: int):
    """The columns, with wishes about guests and quiet drawn, and what nobody doubts added."""
    for scale in sorted(SCALES):
        best, give = random.integers(0, 5, size), random.integers(1, 3, size)
        columns[scale] = best
        columns[f"least_{scale}"], columns[f"most_{scale}"] = np.maximum(best - give, 0), np.minimum(best + give, 4)
    columns["checked_until"] = TODAY + random.integers(-30, 700, size)
    certain = {"adult": 1, "eligible": 1, "deposit": 0, "campus": 0, "zone": 0}
    values = {name: columns.get(name, np.full(size, certain.get(name, 0))) for name in kinds(table)}
    return table(np.arange(1, size + 1), **{name: np.asarray(value).astype(np.int32) for name, value in values.items()})


# --- the other ways ---


def rest(world: World, pack: Pack, s: Rows, h: Rows) -> tuple[Ids, Ids]:
    """Of pairs of rows, the ids of those that pass every rule, one rule after the other."""
    for code in pack.rules:
        keep = RULES[code].judge(world, pack, s, h).passes()
        keep = np.broadcast_to(keep, s.shape)
        s, h = s[keep], h[keep]
    return world.students.ids[s], world.homes.ids[h]


def every_pair(world: World, pack: Pack) -> tuple[Ids, Ids]:
    """Try every pair, in blocks."""
    size, step = len(world.homes), max(1, BLOCK // len(world.homes))
    found = []
    for start in range(0, len(world.students), step):
        some = np.arange(start, min(start + step, len(world.students)))
        found.append(rest(world, pack, np.repeat(some, size), np.tile(np.arange(size), some.size)))
    return _both(found)


def by_tree(world: World, pack: Pack) -> tuple[Ids, Ids]:
    """Ask a k-d tree of the homes who is in reach of each student; then the rules, in blocks of students."""
    tree = cKDTree(np.column_stack((world.homes.east, world.homes.north)))
    places = np.column_stack((world.students.east, world.students.north))
    limits = np.minimum(world.students.longest_way, pack.longest_way)
    found = []
    for start in range(0, len(world.students), 64):
        some = np.arange(start, min(start + 64, len(world.students)))
        near = tree.query_ball_point(places[some], limits[some])
        s = np.repeat(some, [len(one) for one in near])
        found.append(rest(world, pack, s, np.concatenate([np.asarray(one, dtype=np.intp) for one in near])))
    return _both(found)


def joined(world: World, pack: Pack) -> tuple[Ids, Ids]:
    """What Maeul does, scores included."""
    pairs = candidates(world, pack).pairs
    return pairs.student_ids, pairs.home_ids


def _both(found: list[tuple[Ids, Ids]]) -> tuple[Ids, Ids]:
    s, h = (np.concatenate(ids) for ids in zip(*found, strict=True))
    order = np.lexsort((h, s))
    return s[order], h[order]


# --- what is measured ---


class Measured(NamedTuple):
    """What a way took in the fastest of a few rounds, by the clock and of a processor, and at most held of memory."""

    seconds: float
    busy: float
    megabytes: float
    found: tuple[Ids, Ids]


def measured(work: Callable[[World, Pack], tuple[Ids, Ids]], world: World, pack: Pack) -> Measured:
    """Carry it out a few times, and once more with memory counted, which takes longer."""
    found = work(world, pack)
    taken, busy = [], []
    for _ in range(ROUNDS):
        start, started = perf_counter(), process_time()
        work(world, pack)
        taken.append(perf_counter() - start)
        busy.append(process_time() - started)
    tracemalloc.start()
    work(world, pack)
    most = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return Measured(min(taken), min(busy), most, found)


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a trial of the script itself")
    effort = QUICK if parser.parse_args().quick else WHOLE
    pack = Pack.load()
    heading("benchmarks.candidates")
    say(f"- NumPy {np.__version__}, SciPy {scipy.__version__}; the fastest of {ROUNDS} rounds; memory by tracemalloc")
    say()
    join = measured(joined, city(effort.whole), pack)
    pairs = len(join.found[0])
    share = f"{100 * pairs / effort.whole**2:.2f} %"
    row = (f"{effort.whole:,} × {effort.whole:,}", _2(join.seconds), _2(join.busy), join.megabytes, pairs, share)
    table(("students × homes", "seconds", "of a processor", "MB", "pairs found", "of all pairs"), [row])
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"The process never held more than {rss:.0f} MB, Python, NumPy and the made-up city included.")
    say()
    beside(effort, pack)
    ending()


def beside(effort: Effort, pack: Pack) -> None:
    """The three ways in the same run, where every pair can be tried. The peers' work ends before scores."""
    rows = []
    for size in effort.beside:
        world = city(size)
        ours = measured(joined, world, pack)
        for name, work in (("join", joined), ("k-d tree", by_tree), ("every pair", every_pair)):
            one = ours if work is joined else measured(work, world, pack)
            same = all(np.array_equal(*both) for both in zip(one.found, ours.found, strict=True))
            rows.append(
                (
                    f"{name}, {size:,}", _2(one.seconds), _2(one.busy), one.megabytes, len(one.found[0]),
                    "yes" if same else "NO", f"{one.busy / ours.busy:.1f}",
                )
            )  # fmt: skip
    columns = ("way, students and homes", "seconds", "of a processor", "MB", "pairs", "the same", "times the join's")
    table(columns, rows)


def _2(seconds: float) -> str:
    return f"{seconds:.2f}"


if __name__ == "__main__":
    main()
