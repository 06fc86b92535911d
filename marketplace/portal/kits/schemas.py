"""What residents, managers and programs send about kits. Shapes only; rules are the service's."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from marketplace.civic.places.schemas import BuildingRecord
from marketplace.kernel import money
from marketplace.kernel.records import Moment, NamedRecord
from marketplace.kernel.words import _, _l, _m
from marketplace.portal.kits import policy
from marketplace.portal.kits.models import Kit, KitPart, KitState
from marketplace.sharing.items.models.lending import LoanState
from marketplace.sharing.spaces.models import BookingState
from marketplace.sharing.spaces.schemas import (
    LONGEST_MINUTES,
    BookingDetails,
    FreeDayRecord,
    FreeTimesQuestions,
    IntervalRecord,
    Timed,
    sensible,
)

LARGEST_ID = 2**31 - 1
WORDS = validate.Length(max=500)


class Week(Schema):
    """Which week of a kit to show, for what length."""

    date = fields.Date(validate=sensible)
    minutes = fields.Integer(validate=validate.Range(15, LONGEST_MINUTES))


class Chosen(Timed):
    """The time that a resident chose in the table of a kit."""


class Sent(Timed, BookingDetails):
    """What a resident fills in to book a kit: what a room asks for, and a word to those who hand the things over."""

    message = fields.String(load_default="", validate=WORDS)


class Reason(Schema):
    """Why a kit is given up, in a few words that the library reads."""

    reason = fields.String(
        required=True,
        validate=validate.Length(1, 500),
        error_messages={"required": _m("Give the reason; the building reads it.")},
    )


class Says(Schema):
    """What a kit says of itself."""

    name = fields.String(
        required=True, validate=validate.Length(1, 100), error_messages={"required": _m("Enter a name.")}
    )
    name_en = fields.String(load_default="", validate=validate.Length(max=100))
    about = fields.String(load_default="", validate=validate.Length(max=3000))


class NewKit(Says):
    """The same, and in which building it is."""

    building = fields.Integer(
        required=True,
        validate=validate.Range(1, LARGEST_ID),
        error_messages={"required": _m("Choose a building.")},
    )


class Change(Says):
    """The same, and whether it is offered."""

    published = fields.Boolean(load_default=False)
    version = fields.Integer(required=True)


class PartName(fields.String):
    """A room or a thing, such as space:12 or item:45, read as a pair."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        kind, _colon, number = super()._deserialize(value, attr, data, **options).partition(":")
        if kind not in ("space", "item") or not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise ValidationError(_("Choose one of the answers offered."))
        return kind, int(number)


class NewPart(Schema):
    """A room or so many pieces of a thing, to be put into a kit."""

    part = PartName(required=True, error_messages={"required": _m("Choose a room or a thing.")})
    quantity = fields.Integer(load_default=1, validate=validate.Range(1, 1000))


class Nothing(Schema):
    """A button that needs nothing filled in."""


# --- for programs ---


class KitSearch(Schema):
    """Which kits."""

    building = fields.Integer(validate=validate.Range(1, LARGEST_ID), metadata={"description": _l("Id of a building.")})


class KitTimesQuestions(FreeTimesQuestions):
    """From which day on, for how many days, for what length."""

    minutes = fields.Integer(
        validate=validate.Range(15, LONGEST_MINUTES),
        metadata={"description": _l("The length wanted; the shortest of all its rooms if it is left out.")},
    )


class KitBookingRequest(Sent):
    """A kit booked in one step."""

    kit = fields.Integer(
        required=True, validate=validate.Range(1, LARGEST_ID), metadata={"description": _l("Id of the kit.")}
    )
    message = fields.String(
        load_default="", validate=WORDS, metadata={"description": _l("A word to those who hand the things over.")}
    )
    rules_accepted = fields.Boolean(
        required=True,
        validate=validate.Equal(True, error=_m("Confirm that you accept the rules of the rooms and the things.")),
    )


def _refused(part: KitPart) -> str | None:
    reason = policy.lack(part)
    return str(reason.sentence) if reason else None


class KitPartRecord(Schema):
    """A room of a kit, or so many pieces of a thing."""

    space = fields.Integer(
        attribute="space_id", allow_none=True, metadata={"description": _l("Id of the room, if it is one.")}
    )
    item = fields.Integer(
        attribute="item_id", allow_none=True, metadata={"description": _l("Id of the thing, if it is one.")}
    )
    title = fields.String()
    quantity = fields.Integer()
    missing = fields.Function(
        _refused,
        metadata={"type": ["string", "null"], "description": _l("Why it cannot be had at present, if it cannot.")},
    )


class KitRecord(Schema):
    """Rooms and things of a building that are booked together or not at all."""

    id = fields.Integer()
    name = fields.String()
    name_en = fields.String(allow_none=True)
    about = fields.String()
    building = fields.Nested(BuildingRecord)
    parts = fields.List(fields.Nested(KitPartRecord))
    available = fields.Function(policy.is_available, metadata={"type": "boolean"})
    capacity = fields.Function(policy.capacity, metadata={"type": ["integer", "null"]})
    lengths = fields.Function(
        policy.lengths,
        metadata={
            "type": "array",
            "items": {"type": "integer"},
            "description": _l("The lengths in minutes that a booking may have."),
        },
    )
    by_request = fields.Function(
        lambda kit: any(room.by_request for room in kit.rooms),
        metadata={"type": "boolean", "description": _l("Whether the building answers each booking.")},
    )


class KitTimesRecord(Schema):
    """When everything of a kit is free for a length."""

    kit = fields.Integer()
    minutes = fields.Integer()
    days = fields.List(fields.Nested(FreeDayRecord))


class RoomOfKitRecord(IntervalRecord):
    """The booking of a room of a kit."""

    reference = fields.String()
    space = fields.Nested(NamedRecord)
    state = fields.Enum(BookingState, by_value=fields.String)
    fee = fields.Integer(allow_none=True, metadata={"description": _l("Nothing where the building has to be asked.")})


class ThingOfKitRecord(Schema):
    """The loan of a thing of a kit."""

    reference = fields.String()
    item = fields.Integer(attribute="item_id")
    title = fields.Function(lambda loan: loan.item.title, metadata={"type": "string"})
    quantity = fields.Integer()
    first_day = fields.Date()
    last_day = fields.Date()
    state = fields.Enum(LoanState, by_value=fields.String)
    fee = fields.Integer()
    deposit = fields.Integer()


class KitBookingRecord(Schema):
    """A kit that was booked, and where each part of it stands."""

    reference = fields.String()
    kit = fields.Nested(NamedRecord)
    state = fields.Enum(KitState, by_value=fields.String)
    first_day = fields.Date()
    last_day = fields.Date()
    bookings = fields.List(fields.Nested(RoomOfKitRecord))
    loans = fields.List(fields.Nested(ThingOfKitRecord))
    currency = fields.Function(lambda _booking: money.currency(), metadata={"type": "string"})
    created_at = Moment()
    ended_at = Moment(allow_none=True, metadata={"description": _l("When the whole was given up.")})


def part_choices(kit: Kit, rooms: Any, things: Any) -> list[tuple[str, str]]:
    """What may still be put into a kit, as the values and texts of a list."""
    spaces, items = {part.space_id for part in kit.parts}, {part.item_id for part in kit.parts}
    choices = [(f"space:{room.id}", _("Room: {name}", name=room.title)) for room in rooms if room.id not in spaces]
    return choices + [
        (f"item:{item.id}", _("Thing: {name} ({n})", name=item.title, n=len(item.ready_units)))
        for item in things
        if item.id not in items
    ]
