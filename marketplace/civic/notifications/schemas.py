"""What people say about how they wish to be told."""

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, fields

from marketplace.civic.notifications.models import Cadence, Topic


def wishes(topics: Iterable[Topic]) -> Schema:
    """How letters about each topic come; those that are always sent are not asked about; one left out stays."""
    asked: dict[str, fields.Field[Any]] = {
        topic.name: fields.Enum(Cadence, by_value=True) for topic in topics if not topic.always
    }
    return Schema.from_dict(asked)()


class Seen(Schema):
    """Up to which notice someone has seen the inbox."""

    until = fields.Integer(load_default=None, allow_none=True)
