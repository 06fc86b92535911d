"""Races: so many processes released together on one thing after another, of which one may have it."""

import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from tqdm import tqdm

from benchmarks.figures import percentile

processes = multiprocessing.get_context("fork")
ACCEPTED, TAKEN = 303, 409
PATIENCE = 180
"""Seconds; a process that failed would otherwise be waited for without end."""

COLUMNS = ("", "processes", "rounds", "accepted", "409", "other", "clean rounds", "p50", "slowest")

Attempt = Callable[[int], tuple[int, str]]
"""Try for the prize of a round: the status that the page would have, and the reference of what one got."""


def race(
    way: Callable[[int], Attempt],
    crowd: int,
    rounds: int,
    label: str,
    afterwards: Callable[[Sequence[str]], object] = lambda _references: None,
) -> tuple[Any, ...]:
    """Have so many processes try for one prize after another; a row of COLUMNS.

    way         makes, in the process itself, the attempt of the process of a number
    afterwards  puts right what a round left behind, by the references of those who got something
    """
    gate, answers = processes.Barrier(crowd + 1, timeout=PATIENCE), processes.Queue()
    racers = [processes.Process(target=_racer, args=(way, n, rounds, gate, answers)) for n in range(crowd)]
    for racer in racers:
        racer.start()
    statuses: Counter[int] = Counter()
    taken: list[float] = []
    clean = 0
    for _ in tqdm(range(rounds), desc=label, file=sys.stderr, disable=None, leave=False):
        gate.wait()
        got = [answers.get() for _ in range(crowd)]
        round_ = Counter(status for status, *_ in got)
        clean += round_ == {ACCEPTED: 1, TAKEN: crowd - 1}
        statuses += round_
        taken += [spent for *_, spent in got]
        for status, remark, _ in got:
            if status not in (ACCEPTED, TAKEN):
                print(f"{label}: {status} {remark}", file=sys.stderr)
        afterwards([reference for status, reference, _ in got if status == ACCEPTED])
        gate.wait()
    for racer in racers:
        racer.join()
    other = sum(statuses.values()) - statuses[ACCEPTED] - statuses[TAKEN]
    middle, most = percentile(taken, 0.5), max(taken)
    return label, crowd, rounds, statuses[ACCEPTED], statuses[TAKEN], other, f"{clean} of {rounds}", middle, most


def _racer(way: Callable[[int], Attempt], which: int, rounds: int, gate: Any, answers: Any) -> None:
    attempt = way(which)
    for turn in range(rounds):
        gate.wait()
        begun = perf_counter()
        try:
            status, reference = attempt(turn)
        except Exception as failure:  # noqa: BLE001 - counted, whatever it is
            status, reference = 0, repr(failure)
        answers.put((status, reference, (perf_counter() - begun) * 1000))
        gate.wait()
