"""What people ask and tell about buildings; forms and the API both read these."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from marketplace.kernel.geo import Point
from marketplace.kernel.words import _, _l

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


# --- for programs ---

FURTHEST_METRES = 50_000
COORDINATES = re.compile(r"(-?\d{1,3}(?:\.\d{1,15})?),(-?\d{1,3}(?:\.\d{1,15})?)")


class Coordinates(fields.Field[Point]):
    """A latitude and a longitude in degrees, such as 37.55,127.05."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> Point:
        found = COORDINATES.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
        if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
            raise ValidationError(_("Enter a latitude and a longitude, such as 37.55,127.05."))
        return Point(float(found[1]), float(found[2]))


class BuildingQuestions(Schema):
    """Which buildings: of a district, found by words, near a point."""

    district = fields.Integer(validate=validate.Range(1, 2**31 - 1), metadata={"description": _l("Id of a district.")})
    q = fields.String(
        validate=validate.Length(max=200), metadata={"description": _l("Words of the name or the address.")}
    )
    near = Coordinates(
        metadata={
            "type": "string",
            "description": _l("Latitude and longitude, such as 37.55,127.05: the nearest come first."),
        }
    )
    within = fields.Float(
        validate=validate.Range(0, FURTHEST_METRES), metadata={"description": _l("Metres from `near`, at most.")}
    )

    @validates_schema
    def from_somewhere(self, data: dict[str, Any], **_more: object) -> None:
        """A distance needs a point."""
        if "within" in data and "near" not in data:
            raise ValidationError(_("Say from where, in `near`."), "within")

    @post_load
    def everything(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        """With the names that the queries use."""
        return {
            "district_id": data.pop("district", None),
            "words": data.pop("q", ""),
            "near": data.pop("near", None),
            "metres": data.pop("within", None),
            **data,
        }


class DistrictRecord(Schema):
    """A part of the city."""

    id = fields.Integer()
    code = fields.String(metadata={"description": _l("The official code.")})
    name_en = fields.String()
    name_ko = fields.String()


class PointRecord(Schema):
    """A place on earth, in degrees."""

    latitude = fields.Float()
    longitude = fields.Float()


class BuildingRecord(Schema):
    """A public building. A fact about access is null while nobody has told it."""

    id = fields.Integer()
    code = fields.String()
    name = fields.String(metadata={"description": _l("As it is written on the door.")})
    name_en = fields.String(allow_none=True)
    district = fields.Nested(DistrictRecord, allow_none=True)
    road_address = fields.String()
    lot_address = fields.String()
    phone = fields.String()
    homepage = fields.String()
    about = fields.String()
    step_free = fields.Boolean(allow_none=True)
    lift = fields.Boolean(allow_none=True)
    accessible_toilet = fields.Boolean(allow_none=True)
    hearing_loop = fields.Boolean(allow_none=True)
    point = fields.Nested(PointRecord, allow_none=True)


class FoundBuildingRecord(BuildingRecord):
    """A building in a list, with how far it is from the point asked about."""

    metres = fields.Integer(allow_none=True)
