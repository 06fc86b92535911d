"""Small counts in published rows: a reader who knows all rules tries to work them out."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel.disclosure import LEAST, Hidden, shielded

pytestmark = pytest.mark.no_database


def possible(shown, total, most):
    """Every row that a reader must think possible: each cell and the total as shown, hidden ones as the rule says."""
    ranges = {Hidden.SMALL: range(LEAST), Hidden.SHIELD: range(LEAST, most + 1)}
    cells = [ranges[cell] if isinstance(cell, Hidden) else [cell] for cell in shown]
    totals = ranges[total] if total is Hidden.SMALL else range(10**6) if total is Hidden.SHIELD else [total]
    return [row for row in product(*cells) if sum(row) in totals]


@given(st.lists(st.integers(0, 14), min_size=1, max_size=5))
def test_whatever_the_reader_works_out_a_small_count_may_be_any_small_number_the_total_allows(counts):
    shown, total = shielded(counts)
    rows = possible(shown, total, most=sum(counts))

    assert tuple(counts) in rows
    for place, cell in enumerate(shown):
        if cell is Hidden.SMALL:
            assert {row[place] for row in rows} == set(range(LEAST))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_what_is_shown_is_true_and_what_is_hidden_says_why(counts):
    shown, total = shielded(counts)

    for count, cell in zip([*counts, sum(counts)], [*shown, total], strict=True):
        assert cell == count or cell is (Hidden.SMALL if count < LEAST else Hidden.SHIELD)
        assert isinstance(cell, Hidden) or count >= LEAST


def test_large_counts_are_all_shown():
    assert shielded([5, 12, 80]) == ([5, 12, 80], 97)


def test_one_small_count_takes_the_smallest_other_along():
    assert shielded([20, 3, 10]) == ([20, Hidden.SMALL, Hidden.SHIELD], 33)


def test_where_no_other_count_can_hide_it_the_total_is_hidden():
    assert shielded([6, 1]) == ([Hidden.SHIELD, Hidden.SMALL], Hidden.SHIELD)


def test_a_small_total_says_nothing_about_anything():
    assert shielded([0, 4, 0]) == ([Hidden.SMALL] * 3, Hidden.SMALL)
