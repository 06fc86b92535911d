"""What coordinators fill in about runs, and about two people by hand."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.kernel import clock
from marketplace.kernel.words import _l, _m
from marketplace.sharing.homeshare.models.overrides import OverrideKind

REFERENCE = validate.Length(max=20)


class TwoPeople(Schema):
    """A student and a home, by the references of their applications."""

    student = fields.String(required=True, validate=REFERENCE)
    home = fields.String(required=True, validate=REFERENCE)


class ByHand(TwoPeople):
    """What is decided by hand about two, and why."""

    kind = fields.Enum(
        OverrideKind, by_value=True, required=True, error_messages={"unknown": _m("Choose one of the answers offered.")}
    )
    reason = fields.String(required=True, validate=validate.Length(min=1, max=500))
    until = fields.Date(load_default=None)

    @validates_schema
    def not_over(self, data: dict[str, Any], **_options: Any) -> None:
        """A last day that has passed would mean nothing."""
        if data.get("until") and data["until"] < clock.today():
            raise ValidationError(str(_l("This day has passed.")), "until")
