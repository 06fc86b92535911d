"""Ratios of shares: held against a published example, the textbook interval, and trying every pair of shares."""

from math import inf, isfinite, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats.contingency import relative_risk

from matching.fairness import best_off, ratio_of_shares, restricted, score


def test_the_interval_of_koopmans_own_example():
    """36 of 40 against 16 of 80 (Koopman 1984, section 4)."""
    found = ratio_of_shares(36, 40, 16, 80)

    assert found.ratio == pytest.approx(4.5)
    assert found.low == pytest.approx(2.94, abs=0.01)
    assert found.high == pytest.approx(7.15, abs=0.01)


def test_with_many_people_it_is_the_log_interval():
    found = ratio_of_shares(3_000, 10_000, 4_000, 10_000)
    katz = relative_risk(3_000, 10_000, 4_000, 10_000).confidence_interval(0.95)

    assert found.low == pytest.approx(katz.low, rel=1e-3)
    assert found.high == pytest.approx(katz.high, rel=1e-3)


def test_a_group_of_whom_nobody_is_matched_alarms():
    found = ratio_of_shares(0, 40, 20, 40)

    assert (found.ratio, found.low) == (0, 0)
    assert found.high < 0.3
    assert found.alarms


@pytest.mark.parametrize(
    ("counts", "alarms"),
    [
        ((12, 40, 30, 40), True),
        ((3, 8, 5, 8), False),  # 0.6, but of eight each it may be chance
        ((340, 400, 380, 400), False),  # sure, but not below four fifths
        ((0, 5, 0, 5), False),
    ],
)
def test_an_alarm_needs_four_fifths_and_more_than_chance(counts, alarms):
    assert ratio_of_shares(*counts).alarms is alarms


@st.composite
def tables(draw):
    of, other = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    return draw(st.integers(0, of)), of, draw(st.integers(0, other)), other


@settings(max_examples=60, deadline=None)
@given(tables(), st.floats(0.05, 20))
def test_the_restricted_share_is_the_likeliest_of_all(table, ratio):
    yes, of, other_yes, other_of = table
    shares = np.linspace(1e-9, min(1, ratio) - 1e-9, 20_001)
    others = np.clip(shares / ratio, 1e-12, 1 - 1e-12)
    terms = yes * np.log(shares) + (of - yes) * np.log1p(-shares)
    likelihood = terms + other_yes * np.log(others) + (other_of - other_yes) * np.log1p(-others)

    found = min(max(restricted(ratio, *table), 1e-9), min(1, ratio) - 1e-9)

    assert np.interp(found, shares, likelihood) >= likelihood.max() - 1e-3


@settings(max_examples=100, deadline=None)
@given(tables())
def test_the_interval_holds_the_ratios_that_the_score_does_not_refuse(table):
    found = ratio_of_shares(*table)
    tried = np.exp(np.linspace(log(1e-4), log(1e4), 400))

    assert found.low <= found.ratio <= found.high
    for ratio in tried:
        if found.low * (1 + 1e-6) < ratio < found.high * (1 - 1e-6):
            assert score(ratio, *table) <= 3.8415 or table[0] == table[2] == 0
        elif ratio < found.low * (1 - 1e-6) or ratio > found.high * (1 + 1e-6):
            assert score(ratio, *table) >= 3.8414


@given(tables())
def test_the_other_way_round_it_is_the_inverse(table):
    yes, of, other_yes, other_of = table
    there, back = ratio_of_shares(*table), ratio_of_shares(other_yes, other_of, yes, of)

    if isfinite(there.high) and there.low and isfinite(back.high) and back.low:
        assert there.low == pytest.approx(1 / back.high)
        assert there.high == pytest.approx(1 / back.low)


def test_counts_that_cannot_be_are_refused():
    for counts in ((1, 0, 1, 1), (2, 1, 1, 1), (-1, 3, 1, 1)):
        with pytest.raises(ValueError, match="counts"):
            ratio_of_shares(*counts)
    assert ratio_of_shares(0, 3, 0, 9).high == inf


def test_the_best_off_group_is_the_larger_of_two_alike():
    assert best_off([(1, 4), (3, 4), (6, 8), (0, 9)]) == 2
