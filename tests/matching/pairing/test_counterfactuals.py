"""What would have to change, held against changing it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from matching.pairing import Change, Miss, Problem, Standing, changes, check, decide
from matching.pairing.problem import known
from tests.matching.pairing.cases import problem, problems

pytestmark = pytest.mark.no_database


def test_amounts_are_added_up_by_rule() -> None:
    misses = [
        Miss("1", "a", "distance", 1.2, "km", 0, 0), Miss("1", "b", "distance", 0.4, "km", 0, 0),
        Miss("1", "c", "rent", 20_000, "KRW", 0, 0), Miss("1", "d", "pets", None, "", 0, 0),
    ]  # fmt: skip
    of = problem(seekers="1", homes="a b c d", misses=misses)

    assert changes(Standing(of, []), "1") == [
        Change("distance", 1.2, "km", 2), Change("distance", 0.4, "km", 1), Change("pets", None, "", 1),
        Change("rent", 20_000, "KRW", 1),
    ]  # fmt: skip


def test_a_home_that_fails_two_rules_helps_by_neither() -> None:
    misses = [Miss("1", "a", "distance", 1.2, "km", 0, 0), Miss("1", "a", "rent", 1, "KRW", 0, 0)]
    assert changes(Standing(problem(seekers="1", homes="a", misses=misses), []), "1") == []


def test_a_home_that_would_not_take_the_seeker_does_not_count() -> None:
    for band, found in ((0, 1), (1, 0), (2, 0)):
        of = problem(("2", "a", 0, 1), seekers="1", misses=[Miss("1", "a", "distance", 1, "km", 0, band)])
        assert len(changes(Standing(of, decide(of).pairs), "1")) == found


def test_who_has_a_home_needs_no_change() -> None:
    of = problem(("1", "a", 0, 0), homes="b", misses=[Miss("1", "b", "distance", 1, "km", 0, 0)])
    assert changes(Standing(of, decide(of).pairs), "1") == []


@settings(max_examples=100)
@given(problems(households=True))
def test_each_change_makes_so_many_homes_block(of: Problem) -> None:
    """Make the change, keep the pairs: as many homes as were told would now rather take the seeker."""
    pairs = decide(of).pairs
    standing = Standing(of, pairs)
    for seeker in set(of.seekers) - {s for s, _ in pairs}:
        for change in changes(standing, seeker):
            eased = with_pairs(
                of,
                [m for m in of.misses if (m.seeker, m.rule) == (seeker, change.rule) and reached(m, change)],
            )
            blocking = {home for s, home in check(eased, pairs).blocking if s == seeker}
            assert len(blocking) == change.homes


def reached(miss: Miss, change: Change) -> bool:
    """Whether a rule met so much more generously lets a pair through."""
    return miss.excess is None or (change.by is not None and miss.excess <= change.by)


def with_pairs(of: Problem, added: list[Miss]) -> Problem:
    """The same problem with some misses made acceptable pairs."""
    place = {one: i for i, one in enumerate(of.seekers)}
    house = {one: i for i, one in enumerate(of.homes)}
    fits = [m for m in added if known(of.people)[place[m.seeker]] <= known(of.rooms)[house[m.home]]]
    more = np.array([(place[m.seeker], house[m.home], m.seeker_band, m.home_band) for m in fits], np.int64)
    seeker, home, seeker_rank, home_rank = (
        np.concatenate((old, new))
        for old, new in zip((of.seeker, of.home, of.seeker_rank, of.home_rank), more.reshape(-1, 4).T, strict=True)
    )
    return replace(
        of, seeker=seeker, home=home, seeker_rank=seeker_rank, home_rank=home_rank, seeker_score=None, home_score=None,
        misses=(),
    )  # fmt: skip
