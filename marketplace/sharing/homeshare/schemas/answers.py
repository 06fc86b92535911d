"""Yes or no in a form, where nothing chosen is not a no."""

from typing import Any

from marshmallow import ValidationError, fields

from marketplace.kernel.words import _


class YesNo(fields.Field[bool]):
    """An answer by radio buttons; fields.Boolean is for ticks, where nothing ticked is a no."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> bool:
        if value in (True, False):
            return bool(value)
        if value not in ("true", "false"):
            raise ValidationError(_("Answer yes or no."))
        return value == "true"
