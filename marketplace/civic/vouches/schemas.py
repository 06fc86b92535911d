"""What is filled in about vouching."""

from marshmallow import Schema, fields, validate

from marketplace.civic.accounts.schemas import EMAIL, NO_EMAIL
from marketplace.kernel.words import _m


class NewVouch(Schema):
    """For whom, and in which building's name."""

    email = fields.Email(required=True, validate=EMAIL, error_messages=NO_EMAIL)
    building = fields.Integer(required=True, error_messages={"required": _m("Choose a building.")})


class Why(Schema):
    """Why a building ends it."""

    reason = fields.String(
        required=True,
        validate=validate.Length(max=300),
        error_messages={"required": _m("Give a reason; the person reads it.")},
    )


class Nothing(Schema):
    """A button alone."""
