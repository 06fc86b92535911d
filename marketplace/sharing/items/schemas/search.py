"""What people and programs ask when they look for a thing, and what programs read of it."""

from datetime import date, timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from marketplace.civic.places.schemas import DistrictRecord
from marketplace.kernel import cells, clock, money
from marketplace.kernel.geo import Point
from marketplace.kernel.words import _, _l
from marketplace.kernel.writing import show_clock
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Audience, Condition, DepositUnit, Item
from marketplace.sharing.items.queries.search import Wanted
from marketplace.sharing.items.schemas.loans import sensible

LONGEST_DAYS = 90
MOST_PIECES = 1000
WITHIN = (1000, 2000, 5000, 10_000)
LARGEST_CELL = 2**36
AN_ID = validate.Range(1, 2**31 - 1)


class Chosen(Schema):
    """The days on which a thing is needed, and how many of it."""

    first = fields.Date(validate=sensible, metadata={"description": _l("The day on which it is fetched.")})
    last = fields.Date(
        validate=sensible,
        metadata={"description": _l("The day on which it is brought back; the first one if it is left out.")},
    )
    quantity = fields.Integer(
        load_default=1, validate=validate.Range(1, MOST_PIECES), metadata={"description": _l("How many are needed.")}
    )

    @validates_schema
    def in_order(self, data: dict[str, Any], **_options: object) -> None:
        """Days have an order, are to come, and are not too many."""
        first, last = data.get("first"), data.get("last")
        if last and not first:
            raise ValidationError(_("Choose the first day as well."), "first")
        if first and first < clock.today():
            raise ValidationError(_("The first day is in the past. Choose a later one."), "first")
        if first and last and last < first:
            raise ValidationError(_("The last day is before the first."), "last")
        if first and last and (last - first).days >= LONGEST_DAYS:
            raise ValidationError(_("Nothing is lent for longer than {n} days.", n=LONGEST_DAYS), "last")

    @post_load
    def one_day(self, data: dict[str, Any], **_options: object) -> dict[str, Any]:
        """A first day alone is the last as well."""
        return data | {"last": data.get("last", data["first"])} if "first" in data else data


class Calendar(Chosen):
    """Which days of a thing to show, and which are chosen."""

    start = fields.Date(validate=sensible)


class ItemSearch(Chosen):
    """What, when, how many, where."""

    q = fields.String(
        validate=validate.Length(max=200),
        metadata={"description": _l("Words of the thing or its category, in Korean or English.")},
    )
    category = fields.String(
        validate=validate.OneOf([category.code for category in categories.tree()]),
        metadata={"description": _l("Code of a category; what belongs to it is found too.")},
    )
    today = fields.Boolean(metadata={"description": _l("Only what can still be picked up today.")})
    near = fields.String(
        validate=validate.Length(max=100),
        metadata={"description": _l("Words of a public building: the nearest come first.")},
    )
    latitude = fields.Float(
        validate=validate.Range(-90, 90), metadata={"description": _l("With a longitude: the nearest come first.")}
    )
    longitude = fields.Float(validate=validate.Range(-180, 180))
    within = fields.Integer(
        validate=validate.OneOf(WITHIN), metadata={"description": _l("At most so many metres from there.")}
    )
    district = fields.Integer(validate=AN_ID, metadata={"description": _l("Id of a district.")})
    library = fields.Integer(validate=AN_ID, metadata={"description": _l("Id of a library of things.")})
    cell = fields.Integer(
        validate=validate.Range(0, LARGEST_CELL), metadata={"description": _l("Id of an area of the map of things.")}
    )
    free = fields.Boolean(metadata={"description": _l("Only things that cost nothing.")})

    @validates_schema
    def somewhere(self, data: dict[str, Any], **_options: object) -> None:
        """A point has two numbers, a distance a point, and today is one day."""
        if ("latitude" in data) != ("longitude" in data):
            raise ValidationError(_("A point has a latitude and a longitude."), "longitude")
        if "within" in data and not data.get("near") and "latitude" not in data:
            raise ValidationError(_("Say from where: name a public building."), "near")
        if data.get("today") and data.get("first", clock.today()) != clock.today():
            raise ValidationError(
                _("What is picked up today is needed from today on: leave the first day empty."), "first"
            )

    @post_load
    def from_today(self, data: dict[str, Any], **_options: object) -> dict[str, Any]:
        """What is picked up today is needed from today on."""
        return {"first": clock.today(), "last": clock.today()} | data if data.get("today") else data


def wanted(asked: dict[str, Any], near: Point | None) -> Wanted:
    """What was asked for, as a query."""
    return Wanted(
        words=asked.get("q", ""), category=asked.get("category"), first=asked.get("first"), last=asked.get("last"),
        quantity=asked.get("quantity", 1), near=near, within=asked.get("within") if near else None,
        district_id=asked.get("district"), library_id=asked.get("library"), cell=asked.get("cell"),
        free_of_charge=asked.get("free", False),
    )  # fmt: skip


# --- for programs ---


class AvailabilityQuestions(Schema):
    """From which day on, for how many days."""

    first = fields.Date(
        data_key="from", validate=sensible, metadata={"description": _l("The first day; today if it is left out.")}
    )
    days = fields.Integer(load_default=28, validate=validate.Range(1, LONGEST_DAYS))


class FreeDayOfItemRecord(Schema):
    """A day, and how many pieces nobody has on it."""

    date = fields.Date()
    free = fields.Integer()
    handed_over = fields.Boolean(
        metadata={"description": _l("Whether a loan may begin or end on it: the owner is there, the library is open.")}
    )


class AvailabilityRecord(Schema):
    """How many pieces of a thing are free, day by day."""

    item = fields.Integer()
    pieces = fields.Integer(metadata={"description": _l("How many can be lent at all.")})
    days = fields.List(fields.Nested(FreeDayOfItemRecord))


class AreaRecord(Schema):
    """The part of the city where a thing is, some 500 m wide. Homes have no finer place here, so nobody is found."""

    id = fields.Function(lambda cell: cell, metadata={"type": "integer"})
    latitude = fields.Function(lambda cell: round(cells.centre(cell).latitude, 5), metadata={"type": "number"})
    longitude = fields.Function(lambda cell: round(cells.centre(cell).longitude, 5), metadata={"type": "number"})


class LendingLibraryRecord(Schema):
    """The library of things that lends it."""

    id = fields.Integer()
    name = fields.String()
    name_en = fields.String(allow_none=True)
    building = fields.Integer(attribute="building_id", metadata={"description": _l("Id of its building.")})


class CategoryRecord(Schema):
    """What a thing is."""

    code = fields.String()
    en = fields.String()
    ko = fields.String()
    parent = fields.String(allow_none=True, metadata={"description": _l("Code of the category it belongs to.")})


class AccessoryRecord(Schema):
    """What goes along."""

    name = fields.String()
    count = fields.Integer()


def _weekdays(item: Item) -> list[int]:
    return [weekday for weekday in range(7) if item.pick_up_days >> weekday & 1]


class ItemRecord(Schema):
    """A thing that is lent, and its owner's rules. Sums are in the currency's smallest unit."""

    id = fields.Integer()
    title = fields.String()
    description = fields.String()
    category = fields.Function(
        lambda item: CategoryRecord().dump(categories.by_code(item.category)), metadata={"type": "object"}
    )
    condition = fields.Enum(Condition, by_value=fields.String)
    value = fields.Integer(allow_none=True, metadata={"description": _l("What a new one costs.")})
    pieces = fields.Function(
        lambda item: len(item.ready_units),
        metadata={"type": "integer", "description": _l("How many can be lent at all.")},
    )
    accessories = fields.List(fields.Nested(AccessoryRecord))
    rules = fields.String()
    currency = fields.Function(lambda _item: money.currency(), metadata={"type": "string"})
    fee = fields.Integer(metadata={"description": _l("For a whole loan, settled between the two.")})
    deposit = fields.Integer(
        metadata={"description": _l("In the currency's smallest unit, or in minutes of time credit; see deposit_unit.")}
    )
    deposit_unit = fields.Enum(
        DepositUnit, by_value=fields.String, metadata={"description": _l("What the deposit is put down in.")}
    )
    longest_days = fields.Integer()
    notice_days = fields.Integer(metadata={"description": _l("Asked for so many days ahead at least.")})
    horizon_days = fields.Integer(metadata={"description": _l("Asked for so many days ahead at most.")})
    audience = fields.Enum(Audience, by_value=fields.String, metadata={"description": _l("Who may borrow it.")})
    library = fields.Nested(
        LendingLibraryRecord, allow_none=True, metadata={"description": _l("Nothing where a neighbour lends it.")}
    )
    district = fields.Nested(DistrictRecord, allow_none=True)
    area = fields.Nested(AreaRecord, attribute="cell")
    pick_up_days = fields.Function(
        _weekdays,
        metadata={
            "type": "array", "items": {"type": "integer"},
            "description": _l("Weekdays on which a neighbour hands it over; Monday is 0."),
        },
    )  # fmt: skip
    pick_up_from = fields.Function(lambda item: show_clock(item.pick_up_from), metadata={"type": "string"})
    pick_up_to = fields.Function(lambda item: show_clock(item.pick_up_to), metadata={"type": "string"})


class FoundItemRecord(ItemRecord):
    """A thing in a list: whether it is free on the days asked for, when next, and how far its area is."""

    free = fields.Boolean(
        allow_none=True,
        metadata={"description": _l("Whether so many are free on all of the days asked for; nothing without days.")},
    )
    next_free = fields.Date(
        allow_none=True,
        metadata={"description": _l("The first day of the next 90 from which so many are free for as long.")},
    )
    metres = fields.Integer(
        allow_none=True, metadata={"description": _l("To the middle of its area, rounded as people walk.")}
    )


def days_of(asked: dict[str, Any]) -> tuple[date, int]:
    """From which day on, and for how many, free days are looked for: one day from today unless something was asked."""
    first = asked.get("first") or clock.today()
    return first, ((asked["last"] - first) // timedelta(days=1) + 1) if "last" in asked else 1
