"""What an administrator fills in about a webhook."""

from marshmallow import Schema, fields, validate

from marketplace.kernel import events
from marketplace.kernel.words import _m


def _known_kind(kind: str) -> None:
    validate.OneOf([known.name for known in events.kinds()])(kind)


class EndpointDetails(Schema):
    """Where news goes, and which."""

    description = fields.String(
        required=True, validate=validate.Length(max=200), error_messages={"required": _m("Say which system it is.")}
    )
    url = fields.String(
        required=True, validate=validate.Length(max=500), error_messages={"required": _m("Enter an address.")}
    )
    kinds = fields.List(
        fields.String(validate=_known_kind),
        required=True,
        validate=validate.Length(min=1, error=_m("Choose at least one kind of news.")),
    )


class Since(Schema):
    """From which moment on to send again."""

    day = fields.Date(required=True)
    time = fields.Time(load_default=None, allow_none=True)
