"""Money as whole numbers of the currency's smallest unit; won have no smaller unit, euros have cents."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.numbers import format_currency, get_currency_precision, validate_currency
from marshmallow import ValidationError, fields

from marketplace.kernel import words

_currency = "KRW"


def set_currency(code: str) -> None:
    """Tell which currency the city's amounts are in (ISO 4217)."""
    global _currency
    validate_currency(code)
    _currency = code


def currency() -> str:
    """The city's currency (ISO 4217)."""
    return _currency


def show(amount: int) -> str:
    """An amount of smallest units as people of the current language write it."""
    precision = get_currency_precision(_currency)
    if _currency == "KRW" and words.language.get() == "ko":
        return f"{amount:,}원"
    return format_currency(amount / 10**precision, _currency, locale=words.language.get())


def show_fee(amount: int | None) -> str:
    """What something costs: a sum, nothing, or what the building says when asked."""
    if amount is None:
        return words._("Ask the building")
    return show(amount) if amount else words._("Free of charge")


def plain(amount: int) -> str:
    """An amount as people type it: 3000, or 12.50 where there are cents."""
    precision = get_currency_precision(_currency)
    return f"{amount / 10**precision:.{precision}f}"


def read(typed: str) -> int:
    """The amount that someone typed, such as 3,000 or 12.50. Raises ValueError."""
    try:
        amount = Decimal(typed.replace(",", "").strip("₩원€$ ")).scaleb(get_currency_precision(_currency))
    except InvalidOperation as failure:
        raise ValueError("not a sum") from failure
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise ValueError("not a sum in this currency")
    return int(amount)


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount in proportion to weights without losing a unit.

    Units left over go one each to the largest remainders, earlier shares first. Method: largest remainder (Hamilton).
    Raises ValueError if the weights are empty, negative or all zero.
    """
    total = sum(weights)
    if not weights or min(weights) < 0 or total == 0:
        raise ValueError("shares need weights of which at least one is positive")
    shares = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for i in by_remainder[: amount - sum(shares)]:
        shares[i] += 1
    return shares


LARGEST_SUM = 100_000_000


class Sum(fields.Field[int]):
    """A form's field for an amount, as people type it, such as 3,000 or 12.50; a program sends smallest units."""

    def __init__(self, *, least: int = 0, most: int = LARGEST_SUM, **options: Any) -> None:
        super().__init__(**options)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> int:
        try:
            amount = value if isinstance(value, int) else read(str(value))
        except ValueError:
            raise ValidationError(
                words._("Enter an amount of money, such as {example}.", example=plain(self.least or 3000))
            ) from None
        if not self.least <= amount <= self.most:
            bounds = {"least": plain(self.least), "most": plain(self.most)}
            raise ValidationError(words._("Enter an amount from {least} to {most}.", **bounds))
        return amount
