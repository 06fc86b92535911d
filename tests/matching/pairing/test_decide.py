"""Decisions held against trying everything: stable, as many as can be, and the best of those level by level."""

import numpy as np
import pytest
from hypothesis import given, settings

from matching.pairing import Problem, Withheld, check, commitment, decide
from tests.matching.pairing.cases import assert_sound, best, blocked, pairings, problem, problems, value

pytestmark = pytest.mark.no_database


@settings(max_examples=150)
@given(problems())
def test_the_best_of_all_is_found_and_proven(of: Problem) -> None:
    decision = decide(of, exact=True)

    assert_sound(of, decision)
    assert value(decision) == best(of)
    assert all(level.proven for level in decision.certificate.levels)
    assert decision.certificate.proven
    assert decision.certificate.in_time


@settings(max_examples=100)
@given(problems(households=True))
def test_households_of_two_are_housed_as_well_as_can_be(of: Problem) -> None:
    decision = decide(of, exact=True)

    assert_sound(of, decision)
    assert value(decision) == best(of)


@settings(max_examples=150)
@given(problems(households=True))
def test_the_search_alone_is_stable_and_claims_no_more_than_is_true(of: Problem) -> None:
    decision = decide(of)

    assert_sound(of, decision)
    most = best(of)[0] + decision.certificate.people - value(decision)[0]
    assert decision.certificate.people <= most <= decision.certificate.bound
    assert decision.certificate.proven == (decision.certificate.people == decision.certificate.bound)


@settings(max_examples=200)
@given(problems(extras=False))
def test_the_search_houses_two_thirds_of_the_most(of: Problem) -> None:
    assert 3 * decide(of).certificate.people >= 2 * best(of)[0]


@settings(max_examples=100)
@given(problems(households=True, most=4))
def test_the_checker_sees_what_the_definition_says(of: Problem) -> None:
    for pairs in pairings(of):
        assert bool(check(of, pairs).blocking) == blocked(of, pairs)


def test_breaking_ties_by_number_would_lose_a_pair() -> None:
    """The home likes both the same; taking the first who asks leaves the other, who has nobody else, without a home."""
    of = problem(("1", "a", 0, 0), ("1", "b", 0, 0), ("2", "a", 0, 0))

    decision = decide(of)

    assert decision.pairs == (("1", "b"), ("2", "a"))
    assert decision.certificate.solver == "bound"


def test_a_tie_at_the_home_is_broken_for_whoever_has_nowhere_else() -> None:
    of = problem(("1", "a", 0, 0), ("1", "b", 1, 0), ("2", "a", 0, 0))

    assert decide(of).pairs == (("1", "b"), ("2", "a"))


def test_a_smaller_pairing_is_stable_too_and_not_taken() -> None:
    """Three can be housed in a chain of ties, while one wrong choice houses two."""
    rows = [("1", "a", 0, 0), ("2", "a", 0, 0), ("2", "b", 0, 0), ("3", "b", 0, 0), ("3", "c", 0, 0)]
    of = problem(*rows)
    assert not check(of, [("2", "a"), ("3", "b")]).blocking

    assert decide(of).certificate.people == 3


def test_stability_comes_before_size() -> None:
    """1 and a would rather have each other, so that 2 and b stay without."""
    of = problem(("1", "a", 0, 0), ("1", "b", 1, 0), ("2", "a", 0, 1))

    decision = decide(of, exact=True)

    assert decision.pairs == (("1", "a"),)
    assert (decision.certificate.people, decision.certificate.bound, decision.certificate.proven) == (1, 1, True)


def test_a_home_takes_as_many_as_it_has_rooms() -> None:
    of = problem(*((str(i), "a", 0, i) for i in range(4)), rooms=np.array([3]))

    assert decide(of).pairs == (("0", "a"), ("1", "a"), ("2", "a"))


def test_two_who_belong_together_are_not_sent_away_for_one() -> None:
    """Were they, nothing would be stable: this market has no stable pairing where one may take the place of two."""
    of = problem(
        ("one", "big", 1, 0), ("one", "small", 0, 1), ("other", "big", 0, 2), ("other", "small", 1, 0),
        ("two", "big", 0, 1), people=np.array([1, 1, 2]), rooms=np.array([2, 1]),
    )  # fmt: skip

    decision = decide(of, exact=True)

    assert decision.pairs == (("other", "small"), ("two", "big"))
    assert not decision.certificate.blocking


def test_what_is_locked_stays_and_the_pairs_it_forces_are_listed() -> None:
    of = problem(("1", "a", 0, 1), ("2", "a", 0, 0), locked=[("1", "a")])

    decision = decide(of)

    assert decision.pairs == (("1", "a"),)
    assert decision.certificate.forced == (("2", "a"),)
    assert not decision.certificate.blocking


def test_a_locked_pair_need_not_be_acceptable() -> None:
    of = problem(("1", "a", 0, 0), homes="b", locked=[("1", "b")])

    decision = decide(of)

    assert decision.pairs == (("1", "b"),)
    assert decision.certificate.forced == (("1", "a"),)


@pytest.mark.parametrize(("why", "forced"), [(Withheld.BANNED, 1), (Withheld.HELD, 1), (Withheld.DECLINED, 0)])
def test_what_is_withheld_is_not_made(why: Withheld, forced: int) -> None:
    of = problem(("1", "a", 0, 0), ("1", "b", 1, 0), withheld={("1", "a"): why})

    decision = decide(of)

    assert decision.pairs == (("1", "b"),)
    assert len(decision.certificate.forced) == forced


def test_who_was_proposed_before_is_kept_among_equals() -> None:
    rows = [("1", "a", 0, 0), ("1", "b", 0, 0), ("2", "a", 0, 0), ("2", "b", 0, 0)]
    for before in ([("1", "a"), ("2", "b")], [("1", "b"), ("2", "a")]):
        assert list(decide(problem(*rows, incumbents=before)).pairs) == before


def test_the_class_served_first_decides_among_equals() -> None:
    for first in (0, 1):
        of = problem(("1", "a", 0, 0), ("2", "a", 0, 0), priority=np.array([first, 1 - first]))
        assert decide(of).pairs == ((str(first + 1), "a"),)


def test_the_lottery_draws_either_by_the_seed() -> None:
    rows = [("1", "a", 0, 0), ("2", "a", 0, 0)]
    drawn = [decide(problem(*rows, seed=seed)).pairs[0][0] for seed in range(200)]
    assert 60 < drawn.count("1") < 140


def test_the_certificate_names_seed_and_input() -> None:
    of = problem(("1", "a", 0, 0), seed=7)
    certificate = decide(of).certificate
    assert certificate.seed_commitment == commitment(7)
    assert certificate.seed_commitment == "7902699be42c8a8e46fbbb4501726517e86b22c56a189f7625a6da49081b2451"
    assert certificate.input_digest != decide(problem(("1", "a", 0, 1), seed=7)).certificate.input_digest


def test_nobody_and_nothing_is_a_decision_too() -> None:
    decision = decide(problem(seekers="1 2", homes="a"), exact=True)
    assert decision.pairs == ()
    assert decision.certificate.proven
    assert decision.certificate.gap == 0


def test_without_time_what_is_known_is_said() -> None:
    of = problem(("1", "a", 0, 0), ("1", "b", 1, 0), ("2", "a", 0, 1))

    decision = decide(of, exact=True, time_limit=0)

    assert decision.pairs == (("1", "a"),)
    assert decision.certificate.people <= decision.certificate.bound
    assert decision.certificate.proven == (decision.certificate.people == decision.certificate.bound)


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="There is no level priority 5, only people, lottery"):
        decide(problem(("1", "a", 0, 0)), exact=True, last_level="priority 5")
