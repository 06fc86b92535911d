"""A run can be recomputed from its record alone, and a record that was changed says where."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.pairing import Problem, digest
from matching.pairing.record import Malformed, differences, market_of, outcome_of, problem_of, settle, text, write
from tests.matching.pairing.cases import problem, problems, shuffled

pytestmark = pytest.mark.no_database

AS_GOOD = problem(("s1", "h1", 0, 0), ("s2", "h1", 0, 0), seed=7)


def recorded(of: Problem) -> str:
    decision, asked = settle(of, time_limit=20.0)
    return write(market_of(of), str(of.seed), asked, outcome_of(decision), day="2027-03-01")


@settings(max_examples=50)
@given(problems(households=True), st.integers(0, 2**32))
def test_the_same_run_is_the_same_bytes_whatever_the_order_of_rows(of: Problem, chance: int) -> None:
    written = recorded(of)

    assert recorded(shuffled(of, np.random.default_rng(chance))) == written
    assert differences(written) == []


@settings(max_examples=50)
@given(problems(households=True))
def test_a_market_that_was_written_is_read_as_it_was(of: Problem) -> None:
    read = problem_of(json.loads(text(market_of(of))), of.seed)

    assert market_of(read) == market_of(of)
    assert digest(read) == digest(replace(of, misses=()))


def changed(**facts: object) -> str:
    record = json.loads(recorded(AS_GOOD))
    for path, value in facts.items():
        *way, last = path.split("__")
        inside = record
        for step in way:
            inside = inside[step]
        inside[last] = value
    return text(record)


def test_a_changed_input_is_refused_by_its_digest():
    (said,) = differences(changed(market__homes=[["h1", 2]]))

    assert "input was changed" in said


def test_a_seed_that_was_not_committed_to_is_told():
    assert "not the one that was committed to" in differences(changed(seed="8"))[0]


def test_a_pair_that_does_not_come_out_is_named():
    won = json.loads(recorded(AS_GOOD))["outcome"]["pairs"][0][0]
    other = "s2" if won == "s1" else "s1"

    told = differences(changed(outcome__pairs=[[other, "h1"]]))

    assert told == [
        f"The pair of {other} and h1 is in the record and does not come out.",
        f"The pair of {won} and h1 comes out and is not in the record.",
    ]


def test_a_value_that_does_not_come_out_is_named():
    assert differences(changed(outcome__people=2)) == ["people: the record says 2, and 1 comes out."]


@pytest.mark.parametrize("written", ["", "[]", "{}", '{"seed": "x"}', changed(market={}), changed(market__pairs=[[1]])])
def test_what_is_no_record_says_so(written):
    with pytest.raises(Malformed, match="This is no"):
        differences(written)


def test_what_was_not_proven_in_time_is_replayed_as_it_was_found():
    written = write(market_of(AS_GOOD), "7", (late := settle(AS_GOOD, time_limit=1e-9))[1], outcome_of(late[0]))

    assert differences(written) == []
    assert digest(problem_of(json.loads(written)["market"], 7)) == digest(AS_GOOD)


@pytest.mark.parametrize(("fact", "code", "said"), [({}, 0, "The same"), ({"outcome__people": 2}, 1, "people")])
def test_the_command_needs_nothing_but_the_file(tmp_path, fact, code, said):
    (file := tmp_path / "run.json").write_text(changed(**fact), "utf-8")

    ran = subprocess.run(
        [sys.executable, "-m", "matching.pairing.record", str(file)], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (code, "")
    assert said in ran.stdout


def test_the_command_says_what_it_cannot_read(tmp_path):
    missing = [sys.executable, "-m", "matching.pairing.record", str(tmp_path / "none.json")]

    ran = subprocess.run(missing, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "none.json" in ran.stderr
