"""What is filled in about what living together did for someone, all of it voluntary."""

from marshmallow import Schema, validate

from marketplace.kernel.money import Sum
from marketplace.kernel.words import _m
from marketplace.sharing.homeshare.models.outcomes import MOST_SAVED
from marketplace.sharing.homeshare.schemas.answers import YesNo


class Answers(Schema):
    """What someone says."""

    less_lonely = YesNo(load_default=None)
    safer = YesNo(load_default=None)
    recommends = YesNo(load_default=None)
    saved = Sum(load_default=None, validate=validate.Range(0, MOST_SAVED, error=_m("Enter what you save in a month.")))
