"""What people send to prove who they are."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.civic.factors.models import Check
from marketplace.kernel.words import _m

WAYS = {
    "app": ("code", _m("Enter the code that your app shows.")),
    "paper": ("recovery_code", _m("Enter one of your recovery codes.")),
    "password": ("password", _m("Enter your password.")),
    "passkey": ("credential", _m("Your device gave no answer. Try again, or choose another way.")),
}
"""By what one proves who one is, the field for it, and what to say if it is empty."""
CODE, ANSWER = validate.Length(max=40), validate.Length(max=20_000)
NO_NAME: dict[str, Any] = {"required": _m("Enter a name by which you know it again.")}


class Proof(Schema):
    """One proof of who someone is."""

    way = fields.String(required=True, validate=validate.OneOf(list(WAYS)))
    code = fields.String(load_default="", validate=CODE)
    recovery_code = fields.String(load_default="", validate=CODE)
    password = fields.String(load_default="", validate=validate.Length(max=1000), metadata={"as_typed": True})
    credential = fields.String(load_default="", validate=ANSWER)

    @validates_schema
    def something_given(self, data: dict[str, str], **_: object) -> None:
        """The field of the way chosen is filled in."""
        field, sentence = WAYS[data["way"]]
        if not data[field]:
            raise ValidationError(sentence, field)


class AppSetUp(Schema):
    """The secret that was shown, locked, and the first code that the app made of it."""

    seed = fields.String(required=True, validate=validate.Length(max=500))
    code = fields.String(required=True, validate=CODE, error_messages={"required": WAYS["app"][1]})


class PasskeyAnswer(Schema):
    """What a device signed."""

    credential = fields.String(required=True, validate=ANSWER, error_messages={"required": WAYS["passkey"][1]})


class NewPasskey(PasskeyAnswer):
    """A passkey that a device made, and its name."""

    name = fields.String(required=True, validate=validate.Length(max=80), error_messages=NO_NAME)


class Reset(Schema):
    """How an administrator made sure whose account it is."""

    checked = fields.Enum(
        Check, by_value=True, required=True, error_messages={"required": _m("Say how you made sure who it is.")}
    )
