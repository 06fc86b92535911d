"""Pair the agents of a file: `python -m matching.pairing FILE [--exact] [--time-limit S] [--seed N]`.

Prints one JSON object: pairs, size, bound, proven, blocking_pairs, solver, seconds. glasgow.py says how the file looks.
Exit code 2, and one line on the error output, if the file cannot be read or is malformed.
"""

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter

from matching.pairing import glasgow
from matching.pairing.decide import decide


def main(given: list[str] | None = None) -> int:
    """Run the command; the exit code."""
    options = argparse.ArgumentParser(
        prog="python -m matching.pairing", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("file", type=Path)
    options.add_argument("--exact", action="store_true", help="prove the size by integer programmes")
    options.add_argument("--time-limit", type=_seconds, default=300.0, metavar="S", help="seconds for them; 300")
    options.add_argument("--seed", type=_seed, default=0, metavar="N", help="of the lottery, 0 or more; 0")
    options.add_argument("--capacities", choices=("auto", "yes", "no"), default="auto", help="has the right side any?")
    chosen = options.parse_args(given)
    begun = perf_counter()
    try:
        instance = glasgow.read(chosen.file, {"auto": None, "yes": True, "no": False}[chosen.capacities])
        problem = glasgow.problem(instance, chosen.seed)
    except (glasgow.Malformed, OSError) as error:
        sentence = error.strerror if isinstance(error, OSError) else error
        print(f"{chosen.file}: {sentence}", file=sys.stderr)
        return 2
    decision = decide(problem, exact=chosen.exact, time_limit=chosen.time_limit, last_level="people")
    of = decision.certificate
    pairs = [(int(s), int(h)) for s, h in decision.pairs] if instance.numbered else decision.pairs
    answer = {
        "pairs": sorted(pairs), "size": of.people, "bound": of.bound, "proven": of.proven,
        "blocking_pairs": len(of.blocking), "solver": of.solver, "seconds": round(perf_counter() - begun, 3),
    }  # fmt: skip
    print(json.dumps(answer))
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("a number of seconds above 0 is expected")
    return seconds


def _seed(text: str) -> int:
    seed = int(text)
    if seed < 0:
        raise argparse.ArgumentTypeError("a whole number from 0 is expected")
    return seed


if __name__ == "__main__":
    sys.exit(main())
