"""How well and how fast seekers and homes are paired, beside peers and on published markets.

    .venv/bin/python -m benchmarks.pairing                      about ten minutes
    .venv/bin/python -m benchmarks.pairing --quick              a trial of the script itself
    .venv/bin/python -m benchmarks.pairing --published FOLDER   also qubo-max-smti: its archive and the optima

Markets are drawn: "lists" as the University of Glasgow does (each seeker lists five homes, homes list whoever lists
them, 85 % of entries tied with the one before on both sides), "bands" with 20 to 35 homes a seeker and five bands.
"""

import argparse
import json
import resource
import subprocess
import sys
import tarfile
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
import scipy
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array

from benchmarks import figures
from benchmarks.environment import python
from benchmarks.figures import percentile, say
from matching.pairing import Miss, Pair, Problem, Standing, Verifier, changes, check, decide, explain, glasgow
from matching.pairing.problem import market
from matching.pairing.stable import first
from matching.pairing.state import Lists

PEERS = ("matching==1.4.3", "networkx", "numpy")


def lists(agents: int, seed: int, length: int = 5, tied: float = 0.85) -> Problem:
    """A market like those of the University of Glasgow."""
    chance = np.random.default_rng(seed)
    home = np.concatenate([chance.choice(agents, length, replace=False) for _ in range(agents)])
    seeker = np.repeat(np.arange(agents), length)
    order = np.lexsort((chance.random(len(home)), home))
    home_rank = np.empty(len(home), np.int64)
    home_rank[order] = _ranks(home[order], tied, chance)
    return _problem(agents, agents, seeker, home, _ranks(seeker, tied, chance), home_rank)


def _ranks(agent: np.ndarray, tied: float, chance: np.random.Generator) -> np.ndarray:
    """Ranks down each agent's list, some tied with the one before."""
    steps = (chance.random(len(agent)) >= tied).astype(np.int64)
    heads = np.append(True, agent[1:] != agent[:-1])
    steps[heads] = 0
    total = np.cumsum(steps)
    return total - total[heads][np.cumsum(heads) - 1]


def bands(seekers: int, homes: int, seed: int, most_rooms: int = 3, listed: tuple[int, int] = (20, 35)) -> Problem:
    """A market of a programme: long lists, five bands, scores, homes with one to three rooms."""
    chance = np.random.default_rng(seed)
    lengths = chance.integers(listed[0], listed[1] + 1, seekers)
    seeker = np.repeat(np.arange(seekers), lengths)
    home = np.concatenate([chance.choice(homes, length, replace=False) for length in lengths])
    scores = chance.integers(0, 1001, (2, len(seeker)))
    ranks = (1000 - scores) * 5 // 1001
    rooms = chance.integers(1, most_rooms + 1, homes)
    return _problem(seekers, homes, seeker, home, ranks[0], ranks[1], scores[0], scores[1], rooms=rooms)


def _problem(seekers: int, homes: int, *columns: np.ndarray, **more: Any) -> Problem:
    ids = [f"s{i}" for i in range(seekers)], [f"h{i}" for i in range(homes)]
    names = ("seeker", "home", "seeker_rank", "home_rank", "seeker_score", "home_score")
    more |= dict(zip(names, columns, strict=False))
    return Problem(*ids, **more)


# --- Published markets ------------------------------------------------------------------------------------------------


def published(folder: Path, step: int) -> None:
    """Every step-th of the 1,400 markets of qubo-max-smti: is the optimum found and proven?"""
    optima = {one["file"]: one["opt"] for one in json.loads((folder / "qubo-max-smti_optima.json").read_text())}
    right = proven = searched = 0
    taken = []
    with TemporaryDirectory(prefix="maeul-benchmark.") as unpacked:
        with tarfile.open(folder / "qubo-max-smti_1400.tar.xz") as archive:
            archive.extractall(unpacked, filter="data")
        files = list(islice(sorted(optima), 0, None, step))
        for name in files:
            begun = process_time()
            of = glasgow.problem(glasgow.read(next(Path(unpacked).glob(f"*/{name}"))), seed=0)
            searched += decide(of).certificate.people == optima[name]
            decision = decide(of, exact=True, last_level="people").certificate
            taken.append((process_time() - begun) * 1000)
            right += decision.people == optima[name] and not decision.blocking
            proven += decision.proven
    figures.table(
        ("qubo-max-smti", "markets", "optimum found", "proven", "by the search alone", "ms p50", "slowest"),
        [("3 to 30 a side", len(files), right, proven, searched, percentile(taken, 0.5), max(taken))],
    )


# --- Speed and size ---------------------------------------------------------------------------------------------------


def one_stable(agents: int) -> dict[str, float]:
    """How long a first stable pairing takes and how much memory, measured in a process of its own."""
    of = bands(agents, agents, 1, most_rooms=1)
    begun, used = perf_counter(), process_time()
    pairing = first(Lists.of(market(of)))
    return {
        "pairs": len(of.seeker), "people": pairing.housed(), "wall": perf_counter() - begun,
        "cpu": process_time() - used, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def stable(sizes: list[int]) -> None:
    """A first stable pairing of markets of several sizes."""
    rows = []
    for agents in sizes:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.pairing", "--one-stable", str(agents)], capture_output=True, check=True
        )
        of = json.loads(done.stdout)
        rows.append(
            (f"{agents:,}", of["pairs"], of["people"], f"{of['wall']:.3f}", f"{of['cpu']:.3f}", f"{of['mb']:.0f}")
        )
    figures.table(("first stable, lists of 20 to 35", "pairs", "housed", "s wall", "s cpu", "MB"), rows)


def size(agents: int, seeds: list[int]) -> None:
    """How near the search comes to the most that is possible, and how long the proof takes."""
    rows = []
    for seed in seeds:
        of = lists(agents, seed)
        begun, used = perf_counter(), process_time()
        searched = decide(of).certificate
        wall, cpu = perf_counter() - begun, process_time() - used
        begun, used = perf_counter(), process_time()
        exact = decide(of, exact=True, last_level="people", time_limit=300).certificate
        share = f"{100 * searched.people / exact.bound:.3f} %"
        rows.append(
            (
                f"{agents:,} a side, seed {seed}", searched.people, f"{wall:.2f}", f"{cpu:.2f}", exact.people,
                exact.bound, "yes" if exact.proven else f"gap {exact.gap:.4f}", share, f"{perf_counter() - begun:.1f}",
                f"{process_time() - used:.1f}",
            )
        )  # fmt: skip
    figures.table(
        ("lists of five", "search", "s wall", "s cpu", "exact", "bound", "proven", "share", "s wall", "s cpu"), rows
    )


def levels(seekers: int, homes: int, limit: float) -> None:
    """Every level of the objective in a market of a programme."""
    of = bands(seekers, homes, 1)
    searched = decide(of).certificate
    begun, used = perf_counter(), process_time()
    sized = decide(of, exact=True, last_level="people").certificate
    sized_taken = perf_counter() - begun
    begun, used = perf_counter(), process_time()
    exact = decide(of, exact=True, time_limit=limit).certificate
    wall, cpu = perf_counter() - begun, process_time() - used
    say(
        f"{seekers:,} seekers, {homes:,} homes: size proven {sized.proven} in {sized_taken:.2f} s;"
        f" all levels {wall:.1f} s, {cpu:.1f} s of the processor, limit {limit:.0f} s."
    )
    say()
    figures.table(
        ("level", "search alone", "exact", "bound", "proven"),
        [
            (
                after.level,
                before.value,
                after.value,
                _known(after.bound),
                str(after.proven),
            )
            for before, after in zip(searched.levels, exact.levels, strict=True)
        ],
    )


def _known(bound: int | None) -> str:
    return "-" if bound is None else f"{bound:,}"


def rerun(seekers: int, homes: int) -> None:
    """One in twenty on both sides goes, as many come: how many pairs that are still possible are kept?"""
    of = bands(seekers, homes, 1)
    rows = []
    for exact in (False, True) if seekers <= 400 else (False,):
        parts = (seekers // 20, homes // 20)
        before = decide(_without(of, set(range(parts[0])), set(range(parts[1])), [])).pairs
        gone = set(range(seekers - parts[0], seekers)), set(range(homes - parts[1], homes))
        valid = [
            (s, h) for s, h in before if int(s[1:]) not in gone[0] and int(h[1:]) not in gone[1]
        ]  # fmt: skip
        last = "incumbents" if exact else None
        after = decide(_without(of, *gone, valid), exact=exact, last_level=last, time_limit=60)
        fresh = decide(_without(of, *gone, []))
        kept, kept_fresh = (len(set(valid) & set(one.pairs)) / len(valid) for one in (after, fresh))
        loss = 1 - after.certificate.people / max(fresh.certificate.people, after.certificate.people)
        rows.append(
            (
                f"{seekers:,}, {homes:,}{', exact' if exact else ''}", len(valid), f"{100 * kept:.1f} %",
                f"{100 * kept_fresh:.1f} %", f"{100 * loss:.2f} %",
            )
        )  # fmt: skip
    figures.table(("5 % come and go", "pairs still possible", "kept", "kept if not asked for", "size lost"), rows)


def _without(of: Problem, seekers: set[int], homes: set[int], incumbents: list[Pair]) -> Problem:
    keep = ~np.isin(of.seeker, list(seekers)) & ~np.isin(of.home, list(homes))
    names = ("seeker", "home", "seeker_rank", "home_rank", "seeker_score", "home_score")
    kept: dict[str, Any] = {name: np.asarray(getattr(of, name))[keep] for name in names}
    return replace(of, incumbents=incumbents, **kept)


def explanations(seekers: int, homes: int, asked: int, listed: tuple[int, int]) -> None:
    """How long reasons and changes take, and whether the verifier agrees to every one."""
    of = bands(seekers, homes, 1, listed=listed)
    chance = np.random.default_rng(1)
    acceptable = of.number()
    some_seekers, some_homes = (chance.integers(0, n, 40 * seekers).tolist() for n in (seekers, homes))
    drawn = {(f"s{s}", f"h{h}") for s, h in zip(some_seekers, some_homes, strict=True)}
    misses = [
        Miss(s, h, "distance", int(chance.integers(1, 50)) / 10, "km", *chance.integers(0, 5, 2).tolist())
        for s, h in sorted(drawn - set(acceptable))
    ]
    of = replace(of, misses=misses)
    pairs = decide(of).pairs
    begun = perf_counter()
    standing = Standing(of, pairs)
    once = (perf_counter() - begun) * 1000
    verifier = Verifier(of, pairs)
    some = [list(acceptable)[i] for i in chance.integers(0, len(acceptable), asked)] + list(islice(pairs, asked // 10))
    taken: list[float] = []
    codes: dict[str, int] = {}
    false = 0
    for pair in some:
        begun = perf_counter()
        given = explain(standing, *pair)
        taken.append((perf_counter() - begun) * 1000)
        codes[str(given.code)] = codes.get(str(given.code), 0) + 1
        false += bool(verifier.faults(given))
    without = sorted(set(of.seekers) - {s for s, _ in pairs})
    helped, changing = 0, []
    for seeker in without:
        begun = perf_counter()
        helped += bool(changes(standing, seeker))
        changing.append((perf_counter() - begun) * 1000)
    figures.table(
        ("explained", "number", "verified", "ms p50", "slowest", "once before"),
        [
            (
                f"{seekers:,}, {homes:,}, lists of {listed[0]} to {listed[1]}: why",
                len(some),
                len(some) - false,
                percentile(taken, 0.5),
                max(taken),
                once,
            ),
            (f"changes, {helped:,} of them some", len(without), "-", percentile(changing, 0.5), max(changing), 0.0),
        ],
    )
    say("Reasons: " + ", ".join(f"{count:,} {code}" for code, count in sorted(codes.items())) + ".")
    say()


# --- Peers ------------------------------------------------------------------------------------------------------------


def compare(markets: dict[str, Problem], ortools: bool) -> None:
    """The same markets for the peers: how many are housed, how many pairs block, how long it takes."""
    names = ["matching", "networkx", *(["ortools"] if ortools else [])]
    plan = {"peers": names, "markets": [_plain(of) for of in markets.values()]}
    script = Path(__file__).with_name("pairing_peer.py")
    program = python(*(["ortools==9.15.6755"] if ortools else []), *PEERS)
    command: list[str | Path] = [program, "-P", script]  # from there, `matching` would be ours
    done = subprocess.run(command, input=json.dumps(plan), stdout=subprocess.PIPE, text=True, check=True)
    theirs = json.loads(done.stdout)
    versions = ", ".join(f"{name} {version}" for name, version in theirs["versions"].items())
    say(f"- {versions} in an environment of their own")
    say()
    rows: list[tuple[Any, ...]] = []
    for (name, of), answers in zip(markets.items(), theirs["answers"], strict=True):
        begun = perf_counter()
        own = decide(of).certificate
        mine = perf_counter() - begun
        rows.append((f"{name}: Maeul", own.people, len(own.blocking), f"{mine:.3f}", "1.0"))
        begun = perf_counter()
        assigned = _assigned(of)
        found = {"SciPy linear_sum_assignment": (perf_counter() - begun, assigned)}
        found |= {peer: (taken, [(f"s{s}", f"h{h}") for s, h in made]) for peer, (taken, made) in answers.items()}
        for peer, (taken, made) in found.items():
            seen = check(of, made)
            rows.append((f"{name}: {peer}", len(made), len(seen.blocking), f"{taken:.3f}", f"{taken / mine:.1f}"))
    figures.table(("market", "housed", "blocking pairs", "s", "times Maeul's"), rows)


def _plain(of: Problem) -> dict[str, Any]:
    columns = zip(*(one.tolist() for one in (of.seeker, of.home, of.seeker_rank, of.home_rank)), strict=True)
    return {"seekers": len(of.seekers), "homes": len(of.homes), "rooms": _rooms(of), "pairs": list(columns)}


def _rooms(of: Problem) -> list[int]:
    return [int(rooms) for rooms in np.asarray(of.rooms)]


def _assigned(of: Problem) -> list[Pair]:
    """Most pairs, then best ranks; a home with several rooms is as many columns."""
    owner = np.repeat(np.arange(len(of.homes)), _rooms(of))
    gain = coo_array((100 - of.seeker_rank - of.home_rank, (of.seeker, of.home)), (len(of.seekers), len(of.homes)))
    table = gain.toarray()[:, owner]
    seekers, columns = linear_sum_assignment(table, maximize=True)
    return [
        (f"s{s}", f"h{owner[c]}") for s, c in zip(seekers.tolist(), columns.tolist(), strict=True) if table[s, c] > 0
    ]


def main() -> None:
    """Measure everything and print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a small trial run")
    options.add_argument("--published", type=Path, metavar="FOLDER", help="where qubo-max-smti is")
    options.add_argument("--no-peer", action="store_true", help="without peers")
    options.add_argument("--ortools", action="store_true", help="with OR-Tools among the peers")
    options.add_argument("--one-stable", type=int, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one_stable:
        say(json.dumps(one_stable(chosen.one_stable)))
        return
    quick = chosen.quick
    figures.heading("benchmarks.pairing")
    say(f"- NumPy {np.__version__}, SciPy {scipy.__version__} (HiGHS), one thread")
    say()
    if chosen.published:
        published(chosen.published, 100 if quick else 1)
    stable([1_000] if quick else [1_000, 10_000, 50_000])
    size(1_000 if quick else 10_000, [1] if quick else [1, 2, 3])
    levels(100, 35, 10) if quick else levels(400, 130, 60)
    if not quick:
        levels(2_000, 700, 60)
    rerun(*((100, 35) if quick else (400, 130)))
    if not quick:
        rerun(2_000, 700)
    for listed in (20, 35), (1, 4):  # where all homes are full with the best band nothing helps; with short lists, much
        explanations(*((100, 35, 100) if quick else (2_000, 700, 2_000)), listed)
    if not chosen.no_peer:
        sizes = {"lists of five, 200 a side": lists(200, 1)}
        if not quick:
            sizes |= {"lists of five, 1,000 a side": lists(1_000, 1), "bands, 400 and 130": bands(400, 130, 1)}
        compare(sizes, chosen.ortools)
    figures.ending()


if __name__ == "__main__":
    main()
