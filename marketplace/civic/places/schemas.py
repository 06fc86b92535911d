"""What people ask and tell about buildings; forms and the API both read these."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from marketplace.kernel.words import _l

ANSWERS: dict[str, bool | None] = {"yes": True, "no": False, "unknown": None}


class Known(fields.Field[Any]):
    """Yes, no, or not known: words in a form, true, false and null in JSON."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_none=True, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> bool | None:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value in ANSWERS:
            return ANSWERS[value]
        raise ValidationError(str(_l("Answer yes, no or not known.")))

    def _serialize(self, value: bool | None, attr: str | None, obj: Any, **_options: Any) -> str:
        return next(word for word, known in ANSWERS.items() if known is value)


class FindBuildings(Schema):
    """What someone looks for in the list of buildings."""

    district = fields.String(validate=validate.Length(max=40), load_default="")
    words = fields.String(validate=validate.Length(max=200), load_default="")


class EditBuilding(Schema):
    """What a manager of a building keeps right; `version` is the one that was shown."""

    version = fields.Integer(required=True)
    step_free = Known(load_default=None)
    lift = Known(load_default=None)
    accessible_toilet = Known(load_default=None)
    hearing_loop = Known(load_default=None)
    phone = fields.String(validate=validate.Length(max=60), load_default="")
    about = fields.String(validate=validate.Length(max=5000), load_default="")
