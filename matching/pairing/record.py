"""A run as a file that anyone can recompute: `python -m matching.pairing.record FILE`.

The file is one JSON object: the market by ids that name nobody, the seed, what was asked of the solver, and what came
out. Keys and rows are sorted and numbers are whole, so that the same run is the same bytes wherever it is written.
The command pairs the market anew and says whether the same comes out; exit code 0 if so, 1 if something differs, which
it names, 2 if the file cannot be read. No database and nothing of the platform is needed, only NumPy and SciPy.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from matching.pairing.decide import Decision, decide
from matching.pairing.problem import Problem, Withheld, commitment, digest, known

FORMAT = 1
NO_LIMIT = 3600.0
"""Seconds for a replay: what was left unproven for want of time is not asked for again."""


class Malformed(ValueError):
    """The file is no record; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the solver was asked for: proofs or not, and down to which level."""

    exact: bool
    last_level: str | None


def settle(problem: Problem, time_limit: float) -> tuple[Decision, Asked]:
    """Decide with as many proofs as the time allows, so that a replay without a time limit gives the same pairs.

    What a time limit cuts off depends on the machine; so the levels that were not proven in time are left to the
    search, which is the same everywhere. Misses decide nothing and are left out.
    """
    problem = replace(problem, misses=())
    decision = decide(problem, exact=True, time_limit=time_limit)
    if decision.certificate.in_time:
        return decision, Asked(True, None)
    proven = [proof.level for proof in decision.certificate.levels if proof.proven]
    asked = Asked(bool(proven), proven[-1] if proven else None)
    again = decide(problem, exact=asked.exact, time_limit=NO_LIMIT, last_level=asked.last_level)
    return again, asked


def market_of(problem: Problem) -> dict[str, Any]:
    """A problem as plain values, without its seed and misses, in an order that does not depend on that of its rows."""
    lefts, rights = np.array(problem.seekers, object), np.array(problem.homes, object)
    columns = (problem.seeker_rank, problem.home_rank, known(problem.seeker_score), known(problem.home_score))
    rows = zip(lefts[problem.seeker], rights[problem.home], *(column.tolist() for column in columns), strict=True)
    seekers = zip(problem.seekers, known(problem.people).tolist(), known(problem.priority).tolist(), strict=True)
    return {
        "seekers": sorted([list(one) for one in seekers]),
        "homes": sorted([list(one) for one in zip(problem.homes, known(problem.rooms).tolist(), strict=True)]),
        "pairs": sorted([list(row) for row in rows]),
        "locked": sorted([list(pair) for pair in problem.locked]),
        "withheld": sorted([s, h, str(Withheld(why))] for (s, h), why in problem.withheld.items()),
        "incumbents": sorted([list(pair) for pair in problem.incumbents]),
    }


def problem_of(market: Mapping[str, Any], seed: int) -> Problem:
    """The problem that was written by `market_of`. Raises Malformed."""
    try:
        seekers, homes = market["seekers"], market["homes"]
        left = {one[0]: i for i, one in enumerate(seekers)}
        right = {one[0]: i for i, one in enumerate(homes)}
        rows = [(left[s], right[h], *numbers) for s, h, *numbers in market["pairs"]]
        at_seeker, at_home, seeker_rank, home_rank, seeker_score, home_score = (
            np.array(rows, np.int64).reshape(len(rows), 6).T
        )
        return Problem(
            [one[0] for one in seekers], [one[0] for one in homes], at_seeker, at_home, seeker_rank, home_rank,
            seeker_score, home_score,
            people=np.array([one[1] for one in seekers], np.int64),
            priority=np.array([one[2] for one in seekers], np.int64),
            rooms=np.array([one[1] for one in homes], np.int64),
            locked=[(s, h) for s, h in market["locked"]],
            withheld={(s, h): Withheld(why) for s, h, why in market["withheld"]},
            incumbents=[(s, h) for s, h in market["incumbents"]], seed=seed,
        )  # fmt: skip
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Malformed(f"This is no market: {error}") from error


def outcome_of(decision: Decision) -> dict[str, Any]:
    """What came out, as plain values."""
    of = decision.certificate
    return {
        "pairs": [list(pair) for pair in decision.pairs],
        "people": of.people,
        "bound": of.bound,
        "proven": of.proven,
        "blocking": [list(pair) for pair in of.blocking],
        "forced": [list(pair) for pair in of.forced],
        "solver": of.solver,
        "levels": [[one.level, one.value, one.bound, one.proven] for one in of.levels],
        "digest": of.input_digest,
        "commitment": of.seed_commitment,
    }


def text(record: Mapping[str, Any]) -> str:
    """The bytes of a record: one line, sorted keys."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"


def write(market: Mapping[str, Any], seed: str, asked: Asked, outcome: Mapping[str, Any], **facts: Any) -> str:
    """A whole record; facts are told beside it, such as the day and the version of the program."""
    return text(
        {
            "format": FORMAT, "market": market, "seed": seed, "exact": asked.exact, "last_level": asked.last_level,
            "outcome": outcome, **facts,
        }
    )  # fmt: skip


def differences(written: str) -> list[str]:
    """Recompute a record: a sentence for all that comes out otherwise than it says, none if all is the same.

    Raises Malformed.
    """
    try:
        record = json.loads(written)
        seed, asked = int(record["seed"]), Asked(bool(record["exact"]), record["last_level"])
        outcome, market = record["outcome"], record["market"]
        said = {name: outcome[name] for name in ("digest", "commitment", "pairs")}
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(f"This is no record of a run: {error}") from error
    problem = problem_of(market, seed)
    found = []
    if commitment(seed) != said["commitment"]:
        found.append(f"The seed is not the one that was committed to: {commitment(seed)}, not {said['commitment']}.")
    if digest(problem) != said["digest"]:
        found.append(f"The input was changed: its digest is {digest(problem)}, not {said['digest']}.")
    if found:
        return found
    again = outcome_of(decide(problem, exact=asked.exact, time_limit=NO_LIMIT, last_level=asked.last_level))
    return [*_other_pairs(said["pairs"], again["pairs"]), *_other_values(outcome, again)]


def _other_pairs(said: list[list[str]], again: list[list[str]]) -> list[str]:
    told, made = {tuple(one) for one in said}, {tuple(one) for one in again}
    return [
        *(f"The pair of {s} and {h} is in the record and does not come out." for s, h in sorted(told - made)),
        *(f"The pair of {s} and {h} comes out and is not in the record." for s, h in sorted(made - told)),
    ]


def _other_values(said: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    names = sorted(set(again) - {"pairs"})
    return [
        f"{name}: the record says {json.dumps(said.get(name))}, and {json.dumps(again[name])} comes out."
        for name in names
        if said.get(name) != again[name]
    ]


def main(given: list[str] | None = None) -> int:
    """Run the command; the exit code."""
    options = argparse.ArgumentParser(
        prog="python -m matching.pairing.record", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    options.add_argument("file", type=Path)
    chosen = options.parse_args(given)
    try:
        found = differences(chosen.file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, Malformed) as error:
        sys.stderr.write(f"{chosen.file}: {error}\n")
        return 2
    sys.stdout.write("\n".join(found or ["The same comes out: every pair and every value."]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
