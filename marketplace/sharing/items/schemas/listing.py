"""What owners say of the things they lend, and of where these are fetched."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from marketplace.civic.uploads.models import Kind
from marketplace.kernel import money
from marketplace.kernel.files import Files
from marketplace.kernel.sums import Sum
from marketplace.kernel.words import _, _m
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import EVERY_DAY, Audience, Condition, DepositUnit, Item
from marketplace.sharing.items.service.listing import MOST_PICTURES

MOST_PARTS = 20
MOST_PIECES = 20
DAY_MINUTES = 24 * 60
MOST_HOURS = 100
"""The largest deposit in time credits."""

ANY_GROUP = "group:"


def _category(code: str) -> None:
    if not categories.known(code):
        raise ValidationError(_("Choose one of the categories."))


class PlaceDetails(Schema):
    """Where things are fetched: near a public building or where the device is, and the address for borrowers."""

    near = fields.String(load_default="", validate=validate.Length(max=100))
    latitude = fields.Float(load_default=None, validate=validate.Range(-90, 90))
    longitude = fields.Float(load_default=None, validate=validate.Range(-180, 180))
    address = fields.String(load_default="", validate=validate.Length(max=200))


_rows: dict[str, fields.Field[Any]] = {}
for _number in range(1, MOST_PARTS + 1):
    _rows[f"part_{_number}"] = fields.String(validate=validate.Length(max=80))
    _rows[f"count_{_number}"] = fields.Integer(validate=validate.Range(1, 999))

PartRows = Schema.from_dict(_rows, name="PartRows")
"""What goes along with a thing, in rows of a name and how many."""


class ListingDetails(PartRows):  # type: ignore[valid-type, misc]  # made from its rows above
    """What an owner says of a thing, and the terms on which it is lent."""

    title = fields.String(
        required=True,
        validate=validate.Length(3, 100),
        error_messages={"required": _m("Enter what it is, such as cordless drill.")},
    )
    category = fields.String(
        required=True, validate=_category, error_messages={"required": _m("Choose the category that fits best.")}
    )
    condition = fields.Enum(
        Condition, by_value=True, required=True, error_messages={"required": _m("Choose how good it is.")}
    )
    pictures = Files(Kind.PICTURE, most=MOST_PICTURES)
    description = fields.String(load_default="", validate=validate.Length(max=3000))
    quantity = fields.Integer(load_default=1, validate=validate.Range(1, MOST_PIECES))
    value = Sum(load_default=None)
    fee = Sum(load_default=0)
    deposit = Sum(load_default=0)
    deposit_hours = fields.Integer(load_default=0, validate=validate.Range(0, MOST_HOURS))
    deposit_minutes = fields.Integer(load_default=0, validate=validate.Range(0, 59))
    longest_days = fields.Integer(load_default=7, validate=validate.Range(1, 90))
    notice_days = fields.Integer(load_default=0, validate=validate.Range(0, 30))
    audience = fields.String(
        load_default=Audience.RESIDENTS.value, validate=validate.Regexp(r"residents\Z|district\Z|group:\d{1,9}\Z")
    )
    pick_up_days = fields.List(fields.Integer(validate=validate.Range(0, 6)), load_default=list(range(7)))
    pick_up_from = fields.Integer(load_default=9 * 60, validate=validate.Range(0, DAY_MINUTES))
    pick_up_to = fields.Integer(load_default=21 * 60, validate=validate.Range(0, DAY_MINUTES))
    pick_up_note = fields.String(load_default="", validate=validate.Length(max=300))
    trusts = fields.Boolean(load_default=False)
    rules = fields.String(load_default="", validate=validate.Length(max=2000))

    @post_load
    def as_kept(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        """With accessories, audience and weekdays as a thing keeps them."""
        data["accessories"] = _folded(data)
        minutes = data.pop("deposit_hours") * 60 + data.pop("deposit_minutes")
        if minutes and data["deposit"]:
            raise ValidationError(_("Choose one: a deposit in money or one in time credits."), "deposit_hours")
        data["deposit"] = minutes or data["deposit"]
        data["deposit_unit"] = DepositUnit.TIME if minutes else DepositUnit.MONEY
        audience, _colon, group = data["audience"].partition(":")
        data["audience"], data["group_id"] = Audience(audience), int(group) if group else None
        if not data["pick_up_days"]:
            raise ValidationError(_("Choose at least one day."), "pick_up_days")
        data["pick_up_days"] = sum(1 << day for day in set(data["pick_up_days"]))
        if data["pick_up_to"] <= data["pick_up_from"]:
            raise ValidationError(_("The end is before the start."), "pick_up_to")
        return data


def _folded(data: dict[str, Any]) -> list[tuple[str, int]]:
    """The rows that were filled in; how many is one if nothing is said."""
    parts: list[tuple[str, int]] = []
    for number in range(1, MOST_PARTS + 1):
        name, count = data.pop(f"part_{number}", None), data.pop(f"count_{number}", None)
        if name in (known for known, _count in parts):
            raise ValidationError(_("This is in the list already."), f"part_{number}")
        if name:
            parts.append((name, count or 1))
        elif count is not None and count > 1:
            raise ValidationError(_("Enter what there are {count} of.", count=count), f"part_{number}")
    return parts


class NewListing(ListingDetails, PlaceDetails):
    """A thing to be lent; the first time with where it is fetched. `sure`: although something like it is listed."""

    sure = fields.Boolean(load_default=False)


class ChangedListing(ListingDetails):
    """The same later on, with the version of it that was shown and the pictures to take off."""

    version = fields.Integer(required=True)
    drop = fields.List(fields.Integer(), load_default=list, validate=validate.Length(max=MOST_PICTURES))


class Nothing(Schema):
    """A button alone."""


def _deposit_typed(item: Item) -> dict[str, Any]:
    if item.deposit_unit is DepositUnit.MONEY:
        return {"deposit": money.plain(item.deposit)}
    hours, minutes = divmod(item.deposit, 60)
    return {"deposit": "0", "deposit_hours": hours or "", "deposit_minutes": minutes or ""}


def as_typed(item: Item) -> dict[str, Any]:
    """What is said of a thing, as the form shows it; needs `accessories` and `units`."""
    same = ("title", "category", "description", "longest_days", "notice_days", "pick_up_from", "pick_up_to",
            "pick_up_note", "trusts", "rules", "version")  # fmt: skip
    parts = {f"part_{number}": part.name for number, part in enumerate(item.accessories, 1)}
    counts = {f"count_{number}": part.count for number, part in enumerate(item.accessories, 1)}
    return {name: getattr(item, name) for name in same} | parts | counts | {
        "condition": item.condition.value,
        "quantity": len(item.kept_units),
        "value": "" if item.value is None else money.plain(item.value),
        "fee": money.plain(item.fee),
        **_deposit_typed(item),
        "audience": f"{ANY_GROUP}{item.group_id}" if item.group_id else item.audience.value,
        "pick_up_days": [day for day in range(7) if item.pick_up_days >> day & 1],
    }  # fmt: skip


USUAL: dict[str, Any] = {
    "quantity": 1, "fee": "0", "deposit": "0", "longest_days": 7, "notice_days": 0, "audience": "residents",
    "pick_up_days": [day for day in range(7) if EVERY_DAY >> day & 1], "pick_up_from": 9 * 60, "pick_up_to": 21 * 60,
}  # fmt: skip
"""What the form for a new thing says before anything is typed."""
