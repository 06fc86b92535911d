"""What the records that programs read are made of."""

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields

from marketplace.kernel import clock


class Moment(fields.AwareDateTime):
    """A moment as the city's clocks show it, with their distance from UTC."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **options: Any) -> Any:
        return super()._serialize(value and clock.local(value), attr, obj, **options)


class NamedRecord(Schema):
    """Something that another record names: its building, its group."""

    id = fields.Integer()
    name = fields.String()
    name_en = fields.String(allow_none=True)
