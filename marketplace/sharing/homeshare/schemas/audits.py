"""What is filled in for the audit, all of it voluntary."""

from marshmallow import Schema, fields

from marketplace.sharing.homeshare.models.audits import Age, Income
from marketplace.sharing.homeshare.schemas.answers import YesNo


class Facts(Schema):
    """What someone says of themselves."""

    income = fields.Enum(Income, by_value=True, load_default=None)
    age = fields.Enum(Age, by_value=True, load_default=None)
    first_to_study = YesNo(load_default=None)
    from_abroad = YesNo(load_default=None)
    step_free = YesNo(load_default=None)
