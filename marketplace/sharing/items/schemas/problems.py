"""What is filled in when something went wrong with a loan."""

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from marketplace.civic.uploads.models import Kind
from marketplace.kernel.files import Files
from marketplace.kernel.sums import Sum
from marketplace.kernel.words import _m
from marketplace.sharing.items.models.problems import Remedy, Trouble

WORDS = validate.Length(max=2000)


class Report(Schema):
    """What went wrong."""

    trouble = fields.Enum(
        Trouble, by_value=True, required=True, error_messages={"required": _m("Choose what went wrong.")}
    )
    words = fields.String(
        required=True, validate=WORDS, error_messages={"required": _m("Say what happened; the other side reads it.")}
    )
    pictures = Files(Kind.PICTURE, most=4)


class Answer(Schema):
    """How the other side sees it."""

    words = fields.String(
        required=True, validate=WORDS, error_messages={"required": _m("Say how you see it; the other side reads it.")}
    )
    pictures = Files(Kind.PICTURE, most=4)


class OfDeposit(Schema):
    """How much of a deposit in time credits is kept."""

    hours = fields.Integer(load_default=0, validate=validate.Range(0, 1000))
    minutes = fields.Integer(load_default=0, validate=validate.Range(0, 59))

    @post_load
    def in_minutes(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        """Hours and minutes together."""
        data["minutes"] += 60 * data.pop("hours")
        return data


class NewOffer(OfDeposit):
    """What one side thinks is due."""

    remedy = fields.Enum(Remedy, by_value=True, required=True, error_messages={"required": _m("Choose what is due.")})
    amount = Sum(load_default=0)
    words = fields.String(load_default="", validate=validate.Length(max=500))


class Accepted(Schema):
    """Which proposal is accepted."""

    offer = fields.Integer(required=True)


class Decision(OfDeposit):
    """A mediator's word."""

    remedy = fields.Enum(Remedy, by_value=True, required=True, error_messages={"required": _m("Choose what is due.")})
    amount = Sum(load_default=0)
    reason = fields.String(
        required=True, validate=WORDS, error_messages={"required": _m("Give a reason; both sides read it.")}
    )


class Appeal(Schema):
    """Why a second mediator should look again."""

    words = fields.String(
        required=True, validate=WORDS, error_messages={"required": _m("Say what the mediator did not see.")}
    )
