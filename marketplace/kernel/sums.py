"""Sums of money in a form: the field that reads them."""

from typing import Any

from marshmallow import ValidationError, fields

from marketplace.kernel import money
from marketplace.kernel.words import _

LARGEST_SUM = 100_000_000


class Sum(fields.Field[int]):
    """An amount of money: as people type it, such as 3,000 or 12.50; a program sends smallest units."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> int:
        try:
            amount = value if isinstance(value, int) else money.read(str(value))
        except ValueError:
            raise ValidationError(
                _("Enter an amount of money, such as {example}.", example=money.plain(3000))
            ) from None
        if not 0 <= amount <= LARGEST_SUM:
            raise ValidationError(_("Enter an amount from 0 to {most}.", most=money.plain(LARGEST_SUM)))
        return amount
