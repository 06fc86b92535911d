"""Every pair and every non-pair has one reason, and the verifier finds each true; nobody is named."""

import dataclasses
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings

from matching.pairing import Code, Explanation, Miss, Problem, Standing, Verifier, Withheld, decide, explain
from tests.matching.pairing.cases import problem, problems

pytestmark = pytest.mark.no_database


def why(of: Problem, seeker: str, home: str, **values: object) -> Explanation:
    """The reason, after the verifier has agreed to it."""
    pairs = decide(of, exact=True).pairs
    given = explain(Standing(of, pairs), seeker, home)
    assert Verifier(of, pairs).faults(given) == []
    assert {name: given.values[name] for name in values} == values
    return given


@settings(max_examples=150)
@given(problems(households=True))
def test_every_reason_is_verified_after_the_search_alone(of: Problem) -> None:
    assert_all_verified(of, exact=False)


@settings(max_examples=75)
@given(problems(households=True))
def test_every_reason_is_verified_after_the_exact_way(of: Problem) -> None:
    for reason in assert_all_verified(of, exact=True):
        assert reason.values.get("decided_by") != "not improved"


def assert_all_verified(of: Problem, exact: bool) -> list[Explanation]:
    """Ask about everyone and every home."""
    pairs = decide(of, exact=exact).pairs
    standing, verifier = Standing(of, pairs), Verifier(of, pairs)
    found = [explain(standing, seeker, home) for seeker, home in product(of.seekers, of.homes)]
    for reason in found:
        assert verifier.faults(reason) == []
        others = {*of.seekers, *of.homes} - {reason.seeker, reason.home}
        assert not others & set(map(str, reason.values.values()))
    return found


@settings(max_examples=50)
@given(problems(households=True))
def test_the_verifier_agrees_to_nothing_else(of: Problem) -> None:
    pairs = decide(of).pairs
    standing, verifier = Standing(of, pairs), Verifier(of, pairs)
    for seeker, home in product(of.seekers, of.homes):
        given = explain(standing, seeker, home)
        for code in set(Code) - {given.code}:
            assert verifier.faults(dataclasses.replace(given, code=code))
        for name in given.values:
            assert verifier.faults(dataclasses.replace(given, values={**given.values, name: "something else"}))
            assert verifier.faults(
                dataclasses.replace(given, values={n: given.values[n] for n in given.values if n != name})
            )


def test_a_pair_says_how_both_rank_it() -> None:
    of = problem(("1", "a", 0, 0), ("2", "a", 0, 1), ("2", "b", 1, 2))
    assert why(of, "2", "b", seeker_rank=1, home_rank=2, better=1).code is Code.PAIRED


def test_who_holds_something_as_good_is_told_so() -> None:
    of = problem(("1", "a", 0, 0), ("1", "b", 1, 0))
    assert why(of, "1", "b", asked=1, holds=0).code is Code.HOLDS_AS_GOOD


def test_a_home_full_with_people_it_likes_more() -> None:
    of = problem(("1", "a", 0, 0), ("2", "a", 0, 1))
    assert why(of, "2", "a", needs=1, free=0, better=1, equal=0).code is Code.HOME_FULL


def test_a_tie_decided_so_that_more_are_housed() -> None:
    of = problem(("1", "a", 0, 0), ("1", "b", 1, 0), ("2", "a", 0, 0))
    assert why(of, "1", "a", equal=1, decided_by="people").code is Code.TIE


def test_a_tie_decided_for_who_was_there_before() -> None:
    of = problem(("1", "a", 0, 0), ("2", "a", 0, 0), incumbents=[("2", "a")])
    assert why(of, "1", "a", decided_by="incumbents").code is Code.TIE


def test_a_tie_decided_by_class_by_band_by_scores_and_by_lot() -> None:
    rows = [("1", "a", 0, 0), ("2", "a", 0, 0)]
    why(problem(*rows, priority=np.array([1, 0])), "1", "a", decided_by="priority")
    why(problem(("1", "a", 1, 0), ("2", "a", 0, 0)), "1", "a", decided_by="bands")
    why(problem(*rows, seeker_score=np.array([10, 20])), "1", "a", decided_by="scores")
    ((winner, _),) = decide(problem(*rows, seed=5)).pairs
    why(problem(*rows, seed=5), "2" if winner == "1" else "1", "a", decided_by="lottery")


def test_a_tie_that_an_exchange_would_unsettle() -> None:
    """Were 1 to move in for 2, 2 would push 3 out of b, and 3 is kept there by nothing else."""
    of = problem(("1", "a", 0, 0), ("2", "a", 0, 0), ("2", "b", 1, 0), ("3", "b", 0, 1), priority=np.array([0, 1, 1]))
    pairs = [("2", "a"), ("3", "b")]

    given = explain(Standing(of, pairs), "1", "a")

    assert given.values["decided_by"] == "stability"
    assert Verifier(of, pairs).faults(given) == []


def test_a_rule_that_failed_is_told_with_what_is_missing() -> None:
    misses = [Miss("1", "b", "rent", 20_000.0, "KRW", 0, 0), Miss("1", "b", "distance", 1.2, "km", 0, 0)]
    of = problem(("1", "a", 0, 0), homes="b", misses=misses)
    rules = [["distance", 1.2, "km"], ["rent", 20_000.0, "KRW"]]
    assert why(of, "1", "b", rules=rules).code is Code.RULE_FAILED


def test_who_has_no_feasible_home_at_all() -> None:
    of = problem(seekers="1", homes="a b", misses=[Miss("1", "a", "pets", None, "", 0, 0)])
    assert why(of, "1", "a", candidates=1).code is Code.NO_FEASIBLE_PARTNER


@pytest.mark.parametrize("reason", list(Withheld))
def test_what_is_withheld_says_why(reason: Withheld) -> None:
    of = problem(("1", "a", 0, 0), withheld={("1", "a"): reason})
    assert why(of, "1", "a", why=str(reason)).code is Code.WITHHELD


def test_a_locked_pair_is_named_as_the_cause_without_names() -> None:
    of = problem(("1", "a", 0, 1), ("2", "a", 0, 0), locked=[("1", "a")])
    assert why(of, "2", "a", why="locked").code is Code.WITHHELD
    assert why(of, "1", "a", home_rank=1).code is Code.LOCKED


def test_nobody_known_is_a_key_error() -> None:
    of = problem(("1", "a", 0, 0))
    for seeker, home in (("9", "a"), ("1", "z")):
        with pytest.raises(KeyError):
            explain(Standing(of, []), seeker, home)
