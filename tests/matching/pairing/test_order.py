"""The same problem gives the same bytes, however its rows are ordered and whatever Python hashes."""

import json
import os
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.pairing import Decision, Problem, decide
from matching.pairing.problem import draws, lot
from tests.matching.pairing.cases import problems, shuffled

pytestmark = pytest.mark.no_database


def written(decision: Decision) -> str:
    return json.dumps(asdict(decision))


@settings(max_examples=100)
@given(problems(households=True), st.integers(0, 2**32), st.booleans())
def test_the_order_of_rows_means_nothing(of: Problem, chance: int, exact: bool) -> None:
    other = shuffled(of, np.random.default_rng(chance))
    assert written(decide(of, exact=exact)) == written(decide(other, exact=exact))


MADE = """
import numpy as np
from tests.matching.pairing.test_order import written
from matching.pairing import Problem, decide
chance = np.random.default_rng(3)
pairs = np.argwhere(chance.random((60, 30)) < 0.2)
ranks = chance.integers(0, 3, (2, len(pairs)))
of = Problem([f"s{i}" for i in range(60)], [f"h{i}" for i in range(30)], *pairs.T, *ranks, incumbents=[("s1", "h2")])
print(written(decide(of)), written(decide(of, exact=True, last_level="people")))
"""


def test_the_seed_of_pythons_hashes_means_nothing() -> None:
    answers = {
        subprocess.run(
            [sys.executable, "-c", MADE], env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": "."},
            capture_output=True, check=True, text=True,
        ).stdout
        for seed in (0, 1, 2)
    }  # fmt: skip
    assert len(answers) == 1


def test_lots_and_draws_are_what_they_always_were() -> None:
    """A replay years later finds the same numbers."""
    lots = lot(7, "seeker", "s1"), lot(7, "home", "h1")
    assert lots == (13333023574877388013, 6923098939965357450)
    assert draws(*(np.array([one], np.uint64) for one in lots)).tolist() == [676244]
