"""What people fill in on the wanted board, and what programs ask and read of it."""

from datetime import timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validate, validates_schema

from marketplace.civic.places.schemas import DistrictRecord
from marketplace.kernel import clock
from marketplace.kernel.records import Moment
from marketplace.kernel.words import _, _l, _m
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.wanted import DISTANCES, Ending
from marketplace.sharing.items.schemas.loans import Days
from marketplace.sharing.items.schemas.search import AN_ID, LONGEST_DAYS, MOST_PIECES, CategoryRecord, ItemRecord

FURTHEST_DAYS = 180
A_CATEGORY = validate.OneOf([category.code for category in categories.tree()])


class WantedDetails(Days):
    """What is looked for, for which days, and near where owners are asked."""

    title = fields.String(
        required=True, validate=validate.Length(2, 100), error_messages={"required": _m("Say what you need.")}
    )
    category = fields.String(required=True, validate=A_CATEGORY, error_messages={"required": _m("Choose a category.")})
    quantity = fields.Integer(load_default=1, validate=validate.Range(1, MOST_PIECES))
    description = fields.String(load_default="", validate=validate.Length(max=1000))
    near = fields.String(load_default="", validate=validate.Length(max=100))
    latitude = fields.Float(load_default=None, validate=validate.Range(-90, 90))
    longitude = fields.Float(load_default=None, validate=validate.Range(-180, 180))

    @pre_load
    def one_day(self, data: dict[str, Any], **_options: object) -> dict[str, Any]:
        """A first day alone is the last as well."""
        return {"last": data["first"]} | data if data.get("first") else data

    @validates_schema
    def to_come(self, data: dict[str, Any], **_options: object) -> None:
        """Days to come, soon enough to plan for, and not too many."""
        if data["first"] < clock.today():
            raise ValidationError(_("The first day is in the past. Choose a later one."), "first")
        if data["last"] > clock.today() + timedelta(days=FURTHEST_DAYS):
            raise ValidationError(_("Choose days within the next {n} days.", n=FURTHEST_DAYS), "last")
        if (data["last"] - data["first"]).days >= LONGEST_DAYS:
            raise ValidationError(_("Nothing is lent for longer than {n} days.", n=LONGEST_DAYS), "last")


class WantedEnd(Schema):
    """Why it is no longer looked for."""

    ending = fields.Enum(Ending, by_value=True, required=True, validate=validate.NoneOf([Ending.OVER]))


class AskMeChoice(Schema):
    """Whether one is asked when a neighbour looks for something, and from how far."""

    within = fields.Integer(load_default=None, allow_none=True, validate=validate.OneOf(DISTANCES))

    @pre_load
    def no(self, data: dict[str, Any], **_options: object) -> dict[str, Any]:
        """No is an answer too."""
        return {name: value for name, value in data.items() if (name, value) != ("within", "no")}


class WantedSearch(Schema):
    """What of the board to show."""

    q = fields.String(
        load_default="",
        validate=validate.Length(max=200),
        metadata={"description": _l("Words of the post or its category, in Korean or English.")},
    )
    category = fields.String(
        load_default=None,
        validate=A_CATEGORY,
        metadata={"description": _l("Code of a category; what belongs to it is found too.")},
    )
    district = fields.Integer(load_default=None, validate=AN_ID, metadata={"description": _l("Id of a district.")})


class WantedRecord(Schema):
    """What a neighbour looks for. Who and where is not told; only the district."""

    id = fields.Integer()
    title = fields.String()
    category = fields.Function(
        lambda post: CategoryRecord().dump(categories.by_code(post.category)), metadata={"type": "object"}
    )
    first_day = fields.Date()
    last_day = fields.Date()
    quantity = fields.Integer()
    description = fields.String()
    district = fields.Nested(DistrictRecord, allow_none=True)
    posted_at = fields.DateTime()
    link = fields.Function(lambda post: f"/items/wanted/{post.id}", metadata={"type": "string"})


class OfferWish(Schema):
    """Which of one's things to offer."""

    item = fields.Integer(required=True, validate=AN_ID, metadata={"description": _l("Id of the thing.")})


class OfferRecord(Schema):
    """A thing offered to whoever looks for such a one."""

    item = fields.Nested(ItemRecord)
    offered_at = Moment()
