"""What is filled in for a grant."""

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.civic.uploads.models import Kind
from marketplace.kernel import clock
from marketplace.kernel.files import Files
from marketplace.kernel.money import Sum
from marketplace.kernel.words import _, _m
from marketplace.sharing.homeshare.models.grants import Repair
from marketplace.sharing.homeshare.schemas.answers import YesNo
from marketplace.sharing.homeshare.service.grants import MOST_PICTURES


class NewGrant(Schema):
    """What a host asks for."""

    repair = fields.Enum(
        Repair, by_value=True, required=True, error_messages={"required": _m("Choose what is to be repaired.")}
    )
    room = fields.Integer(load_default=1, validate=validate.Range(1, 3))
    amount = Sum(required=True, error_messages={"required": _m("Enter the sum that you ask for.")})
    words = fields.String(
        required=True, validate=validate.Length(max=2000), error_messages={"required": _m("Say what is to be done.")}
    )
    pictures = Files(Kind.PICTURE, most=MOST_PICTURES)


class Decision(Schema):
    """What a coordinator says to it."""

    granted = YesNo(required=True, error_messages={"required": _m("Choose whether the grant is given.")})
    reason = fields.String(
        required=True,
        validate=validate.Length(max=2000),
        error_messages={"required": _m("Give a reason; the host reads it.")},
    )


class Payment(Schema):
    """When the invoice was seen, and the sum paid."""

    invoice_seen_on = fields.Date(
        required=True, error_messages={"required": _m("Enter the day on which you saw the invoice.")}
    )
    paid_on = fields.Date(required=True, error_messages={"required": _m("Enter the day of the payment.")})

    @validates_schema
    def in_the_past(self, data: dict[str, object], **_more: object) -> None:
        """Nothing is seen or paid on a day to come."""
        for name in ("invoice_seen_on", "paid_on"):
            if data[name] > clock.today():  # type: ignore[operator]
                raise ValidationError(_("This day has not come yet."), name)
