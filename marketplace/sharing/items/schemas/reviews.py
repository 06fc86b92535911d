"""What is filled in about how a loan went."""

from marshmallow import Schema, fields, validate

from marketplace.kernel.words import _m

WORDS = validate.Length(max=1000)


class Told(Schema):
    """What went well, and what did not; either may be left empty."""

    good = fields.String(load_default="", validate=WORDS)
    bad = fields.String(load_default="", validate=WORDS)


class Reply(Schema):
    """What the other side says to it."""

    words = fields.String(
        required=True, validate=WORDS, error_messages={"required": _m("Say something; the other side reads it.")}
    )
