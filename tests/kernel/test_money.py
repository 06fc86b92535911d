"""Money: whole units, shown as people write them, split without losing one."""

from collections.abc import Iterator

import pytest
from babel.numbers import UnknownCurrencyError
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel import money, words

pytestmark = pytest.mark.no_database


@pytest.fixture(autouse=True)
def won_again() -> Iterator[None]:
    """The currency is a setting of the process: put it back."""
    before = money.currency()
    money.set_currency("KRW")
    yield
    money.set_currency(before)


@pytest.mark.parametrize(
    ("currency", "language", "amount", "shown"),
    [
        ("KRW", "en", 1_234_500, "₩1,234,500"),
        ("KRW", "ko", 1_234_500, "1,234,500원"),
        ("KRW", "en", 0, "₩0"),
        ("EUR", "en", 1_050, "€10.50"),
        ("EUR", "ko", 5, "€0.05"),
        ("KWD", "en", 1_234, "KWD1.234"),
    ],
)
def test_amounts_are_shown_in_the_language_spoken(currency: str, language: str, amount: int, shown: str) -> None:
    money.set_currency(currency)
    with words.speaking(language):
        assert money.show(amount) == shown


def test_a_currency_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownCurrencyError):
        money.set_currency("WON")
    assert money.currency() == "KRW"


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (10_000, [3, 7], [3_000, 7_000]),
        (5, [0, 1], [0, 5]),
        (0, [1, 2], [0, 0]),
        (-100, [1, 1, 1], [-33, -33, -34]),
    ],
)
def test_an_amount_is_split_in_proportion(amount: int, weights: list[int], shares: list[int]) -> None:
    assert money.split(amount, weights) == shares


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_weights_that_divide_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        money.split(100, weights)


@given(
    amount=st.integers(-(10**12), 10**12), weights=st.lists(st.integers(0, 10**6), min_size=1).filter(lambda w: sum(w))
)
def test_no_unit_is_lost_and_no_share_is_off_by_one(amount: int, weights: list[int]) -> None:
    shares = money.split(amount, weights)

    assert sum(shares) == amount
    assert all(abs(share - amount * w / sum(weights)) < 1.001 for share, w in zip(shares, weights, strict=True))
