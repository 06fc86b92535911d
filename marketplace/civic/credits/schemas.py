"""What is filled in about credits and the fund."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from marketplace.civic.accounts.schemas import EMAIL, NO_EMAIL
from marketplace.kernel import money
from marketplace.kernel.ledger import MOST
from marketplace.kernel.words import _, _m

REASON = validate.Length(min=3, max=300)
NO_REASON: dict[str, Any] = {"required": _m("Enter what it is for.")}


def _sum(typed: str) -> int:
    """An amount of the city's money, as people type it."""
    try:
        amount = money.read(typed)
    except ValueError:
        amount = 0
    if not 0 < amount <= MOST:
        raise ValidationError(_("Enter an amount of money, such as {example}.", example=money.plain(3000)))
    return amount


class Amount(Schema):
    """Some time, for whom."""

    email = fields.Email(required=True, validate=EMAIL, error_messages=NO_EMAIL)
    hours = fields.Integer(load_default=0, validate=validate.Range(0, 1000))
    minutes = fields.Integer(load_default=0, validate=validate.Range(0, 59))


class GrantDetails(Amount):
    """The same, and what it is for."""

    reason = fields.String(required=True, validate=REASON, error_messages=NO_REASON)


class Answer(Schema):
    """Yes or no to an offer, or the end of an agreement."""

    answer = fields.String(
        required=True,
        validate=validate.OneOf(("agree", "end")),
        error_messages={"required": _m("Choose whether you agree.")},
    )


class FundPaymentDetails(Schema):
    """Money for the fund, or out of it."""

    way = fields.String(
        required=True,
        validate=validate.OneOf(("in", "out")),
        error_messages={"required": _m("Choose whether it is paid in or out.")},
    )
    amount = fields.Function(
        deserialize=_sum,
        required=True,
        error_messages={"required": _m("Enter an amount.")},
    )
    reason = fields.String(required=True, validate=REASON, error_messages=NO_REASON)


class Nothing(Schema):
    """A button alone."""
