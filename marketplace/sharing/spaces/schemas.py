"""What residents, managers and programs send about rooms and bookings. Shapes only; rules are the service's."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from marketplace.civic.groups.models import Channel
from marketplace.civic.groups.schemas import CallerDetails, ForWhom
from marketplace.civic.places.models import ACCESSIBILITY
from marketplace.civic.places.schemas import BuildingRecord
from marketplace.kernel import calendar, clock, money
from marketplace.kernel.ical import Entry, Status
from marketplace.kernel.intervals import Interval
from marketplace.kernel.records import Moment, NamedRecord
from marketplace.kernel.words import _, _l, _m
from marketplace.kernel.writing import show_date, show_day_short, show_time
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.models import Booking, BookingState, Feature, Kind
from marketplace.sharing.spaces.queries.search import When
from marketplace.sharing.spaces.queries.times import Slot

LENGTHS = (60, 90, 120, 180, 240, 360, 480)
LONGEST_MINUTES = 7 * 1440
COARSE_MINUTES = 30
MOST_PEOPLE = 100_000
FURTHEST_YEARS = 3


def minute_of(moment: time) -> int:
    """A time of day as minutes past midnight."""
    return moment.hour * 60 + moment.minute


def sensible(day: date) -> None:
    """Refuse dates no calendar needs, which arithmetic might not survive."""
    if abs(day.year - clock.today().year) > FURTHEST_YEARS:
        raise ValidationError(_("Choose a date in the next months."))


class SpaceSearch(Schema):
    """When, how many, what is needed, where."""

    q = fields.String(validate=validate.Length(max=200))
    date = fields.Date(validate=sensible)
    from_time = fields.Time(data_key="from", format="%H:%M")
    to_time = fields.Time(data_key="to", format="%H:%M")
    minutes = fields.Integer(validate=validate.Range(15, 1440))
    people = fields.Integer(validate=validate.Range(1, MOST_PEOPLE))
    needs = fields.List(fields.Enum(Feature, by_value=True), validate=validate.Length(max=len(Feature)))
    access = fields.List(
        fields.String(validate=validate.OneOf(ACCESSIBILITY)), validate=validate.Length(max=len(ACCESSIBILITY))
    )
    kind = fields.Enum(Kind, by_value=True)
    district = fields.Integer(validate=validate.Range(1, 2**31 - 1))
    building = fields.Integer(validate=validate.Range(1, 2**31 - 1))
    near = fields.String(validate=validate.Length(max=100))
    latitude = fields.Float(validate=validate.Range(-90, 90))
    longitude = fields.Float(validate=validate.Range(-180, 180))
    free = fields.Boolean()

    @validates_schema
    def in_order(self, data: dict[str, Any], **_more: object) -> None:
        """A time needs its day, and the end lies after the start; 00:00 as an end is midnight."""
        start, end = data.get("from_time"), data.get("to_time")
        if (start or end or data.get("minutes")) and "date" not in data:
            raise ValidationError(_("Choose the day as well."), "date")
        if start and end and end != time(0) and end <= start:
            raise ValidationError(_("The end is before the start."), "to")
        if "latitude" in data and "longitude" not in data:
            raise ValidationError(_("A point has a latitude and a longitude."), "longitude")

    @post_load
    def when(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        """With the time asked for as one value: all of the stretch, or any so many minutes within it."""
        day, start, end = data.pop("date", None), data.pop("from_time", None), data.pop("to_time", None)
        minutes = data.pop("minutes", None)
        if day is None:
            return data | {"when": None}
        from_minute = minute_of(start) if start else 0
        if end is not None:
            to_minute = minute_of(end) or 1440
        else:
            to_minute = min(1440, from_minute + (minutes or 60)) if start else 1440
        if minutes is None and not (start and end):
            minutes = 60
        return data | {"when": When(day, from_minute, to_minute, minutes)}


class Timed(Schema):
    """A start with its time zone, and a length."""

    start = fields.AwareDateTime(
        required=True, format="iso", error_messages={"required": _m("Choose one of the free times.")}
    )
    minutes = fields.Integer(required=True, validate=validate.Range(1, LONGEST_MINUTES))

    @validates_schema
    def in_this_age(self, data: dict[str, Any], **_more: object) -> None:
        """Refuse starts that no calendar needs."""
        start: datetime = data["start"]
        if abs(start.year - clock.now().year) > FURTHEST_YEARS:
            raise ValidationError(_("Choose a date in the next months."), "start")


class HoldRequest(Timed):
    """The time a resident chose in the table of a room."""

    people = fields.Integer(validate=validate.Range(1, MOST_PEOPLE))


class Week(Schema):
    """Which week of a room to show, for what length."""

    date = fields.Date(validate=sensible)
    minutes = fields.Integer(validate=validate.Range(15, LONGEST_MINUTES))
    people = fields.Integer(validate=validate.Range(1, MOST_PEOPLE))


class BookingDetails(Schema):
    """What a resident fills in while the time is held."""

    people = fields.Integer(
        required=True,
        validate=validate.Range(1, MOST_PEOPLE),
        error_messages={"required": _m("Enter how many people will come.")},
    )
    purpose = fields.String(
        required=True,
        validate=validate.Length(1, 500),
        error_messages={"required": _m("Enter what you will use the room for.")},
    )
    rules_accepted = fields.Boolean(
        load_default=False,
        validate=validate.Equal(True, error=_m("Confirm that you have read the rules and will keep them.")),
    )


class SentDetails(BookingDetails, ForWhom):
    """The same, and for whom the booking is."""


class CounterBooking(Timed, BookingDetails, CallerDetails):
    """A booking that the building makes for someone at its counter or on the telephone."""


class Confirmation(Schema):
    """A button that needs nothing filled in."""


class Move(Timed):
    """A new time for a booking, and the version of it that the resident saw."""

    version = fields.Integer(required=True)


class Answer(Schema):
    """A building's yes or no to a request."""

    answer = fields.String(
        required=True,
        validate=validate.OneOf(("accept", "decline")),
        error_messages={"required": _m("Choose whether to confirm or decline.")},
    )
    reason = fields.String(validate=validate.Length(max=500), load_default="")


class ClosureRequest(Schema):
    """From when until when a room stays closed, and why; bookings that the manager saw and gives up."""

    from_date = fields.Date(required=True, validate=sensible)
    from_time = fields.Time(required=True, format="%H:%M")
    to_date = fields.Date(required=True, validate=sensible)
    to_time = fields.Time(required=True, format="%H:%M")
    reason = fields.String(
        required=True,
        validate=validate.Length(1, 500),
        error_messages={"required": _m("Give the reason; residents read it.")},
    )
    cancelling = fields.List(fields.Integer(), validate=validate.Length(max=1000), load_default=list)

    @post_load
    def interval(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        """With the two ends as one interval."""
        start = clock.at(data.pop("from_date"), minute_of(data.pop("from_time")))
        end = clock.at(data.pop("to_date"), minute_of(data.pop("to_time")))
        if end <= start:
            raise ValidationError(_("The end is before the start."), "to_date")
        if (end - start).days > 366:
            raise ValidationError(_("Close a room for a year at most."), "to_date")
        return data | {"interval": Interval(start, end)}


class Rules(Schema):
    """How a room is offered."""

    min_minutes = fields.Integer(required=True, validate=validate.Range(15, LONGEST_MINUTES))
    max_minutes = fields.Integer(required=True, validate=validate.Range(15, LONGEST_MINUTES))
    raster_minutes = fields.Integer(required=True, validate=validate.OneOf((15, 30, 60, 120)))
    before_minutes = fields.Integer(required=True, validate=validate.Range(0, 240))
    after_minutes = fields.Integer(required=True, validate=validate.Range(0, 240))
    notice_days = fields.Integer(required=True, validate=validate.Range(0, 60))
    horizon_days = fields.Integer(required=True, validate=validate.Range(0, 366))
    cancel_hours = fields.Integer(required=True, validate=validate.Range(0, 336))
    by_request = fields.Boolean(load_default=False)
    answer_days = fields.Integer(required=True, validate=validate.Range(1, 14))
    house_rules = fields.String(validate=validate.Length(max=4000), load_default="")
    open = fields.Boolean(load_default=False)
    version = fields.Integer(required=True)

    @validates_schema
    def in_order(self, data: dict[str, Any], **_more: object) -> None:
        """The longest is not shorter than the shortest, and the horizon not nearer than the notice."""
        if data["max_minutes"] < data["min_minutes"]:
            raise ValidationError(_("The longest booking is shorter than the shortest."), "max_minutes")
        if data["horizon_days"] < data["notice_days"]:
            raise ValidationError(_("The last bookable day is before the first."), "horizon_days")


# --- a table of times ---


def coarsened(table: Mapping[date, list[Slot]], chosen: Interval | None = None) -> Mapping[date, list[Slot]]:
    """Only the times that begin with a half hour, and the one chosen: a room with many would fill the page."""
    kept = {
        day: [slot for slot in slots if slot.interval == chosen or _minute(slot) % COARSE_MINUTES == 0]
        for day, slots in table.items()
    }
    return kept if any(kept.values()) else table


def _minute(slot: Slot) -> int:
    return clock.local(slot.interval.starts_at).minute


def columns(table: Mapping[date, list[Slot]]) -> list[dict[str, Any]]:
    """The table of times as the template's columns; every day has every start, so that rows line up."""
    every_start = sorted({_on_the_wall(slot) for slots in table.values() for slot in slots})
    return [
        {
            "key": day.isoformat(),
            "label": show_date(day),
            "short": show_day_short(day),
            "note": _("Public holiday") if calendar.is_holiday(day) else None,
            "slots": _row(slots, every_start),
        }
        for day, slots in table.items()
    ]


def _on_the_wall(slot: Slot) -> tuple[str, int]:
    """When a time starts by the clock on the wall, and for the hour that comes twice in autumn which of the two."""
    return show_time(slot.interval.starts_at), clock.local(slot.interval.starts_at).fold


def _row(slots: Sequence[Slot], every_start: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    if not slots:
        return []
    cells = {
        _on_the_wall(slot): {
            "start": show_time(slot.interval.starts_at),
            "end": show_time(slot.interval.ends_at),
            "state": slot.state,
            "value": slot.interval.starts_at.isoformat(),
        }
        for slot in slots
    }
    return [cells.get(at, {"start": at[0], "end": "", "state": "closed", "value": ""}) for at in every_start]


# --- a calendar ---

FIRMNESS = {
    BookingState.HELD: Status.TENTATIVE,
    BookingState.REQUESTED: Status.TENTATIVE,
    BookingState.CONFIRMED: Status.CONFIRMED,
}
"""How firm the entry of a booking is; one that no longer stands is cancelled."""


def calendar_entry(booking: Booking, url: str) -> Entry:
    """A booking as an entry of its resident's calendar; one that no longer stands says so."""
    return Entry(
        uid=f"{booking.reference}@maeul",
        sequence=booking.changed,
        title=f"{booking.space.title}, {booking.space.building.title}",
        interval=booking.interval,
        place=booking.space.building.address,
        url=url,
        status=FIRMNESS.get(booking.state, Status.CANCELLED),
    )


# --- for programs ---


class FreeTimesQuestions(Schema):
    """From which day on, for how many days, for what length."""

    first = fields.Date(
        data_key="from", validate=sensible, metadata={"description": _l("The first day; today if it is left out.")}
    )
    days = fields.Integer(load_default=7, validate=validate.Range(1, 31))
    minutes = fields.Integer(
        validate=validate.Range(15, LONGEST_MINUTES),
        metadata={"description": _l("The length wanted; the room's shortest if it is left out.")},
    )


class BookingRequest(Timed, SentDetails):
    """A booking in one step."""

    space = fields.Integer(
        required=True, validate=validate.Range(1, 2**31 - 1), metadata={"description": _l("Id of the room.")}
    )
    rules_accepted = fields.Boolean(
        required=True, validate=validate.Equal(True, error=_m("Confirm that you accept the rules of the room."))
    )


class BookingQuestions(Schema):
    """Which of one's bookings."""

    when = fields.String(load_default="upcoming", validate=validate.OneOf(("upcoming", "past")))


class IntervalRecord(Schema):
    """From a moment up to, not including, a later one."""

    starts_at = Moment()
    ends_at = Moment()


def _clock_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


class HoursRecord(Schema):
    """When a room is open on a day of the week: Monday is 0, a public holiday 7; 24:00 is midnight."""

    weekday = fields.Integer()
    opens = fields.Function(lambda hours: _clock_time(hours.opens), metadata={"type": "string"})
    closes = fields.Function(lambda hours: _clock_time(hours.closes), metadata={"type": "string"})


class ClosedDayRecord(Schema):
    """The nth such weekday of every month, on which a room stays closed."""

    weekday = fields.Integer()
    nth = fields.Integer()


class SpaceRecord(Schema):
    """A room, when it is open, what it costs and how it is booked. Fees are in the currency's smallest unit."""

    id = fields.Integer()
    code = fields.String(allow_none=True)
    name = fields.String(metadata={"description": _l("As it is written on the door.")})
    name_en = fields.String(allow_none=True)
    kind = fields.Enum(Kind, by_value=fields.String)
    capacity = fields.Integer(allow_none=True)
    area_m2 = fields.Float(allow_none=True)
    features = fields.Function(
        lambda space: [one.feature.value for one in space.features],
        metadata={"type": "array", "items": {"type": "string", "enum": [feature.value for feature in Feature]}},
    )
    equipment = fields.List(fields.String())
    about = fields.String()
    building = fields.Nested(BuildingRecord)
    part_of = fields.Integer(
        attribute="part_of_id", allow_none=True, metadata={"description": _l("Id of the room that this is a part of.")}
    )
    hours = fields.List(fields.Nested(HoursRecord))
    closed_days = fields.List(fields.Nested(ClosedDayRecord))
    closed_note = fields.String()
    currency = fields.Function(lambda _space: money.currency(), metadata={"type": "string"})
    base_minutes = fields.Integer(metadata={"description": _l("The length that the base fee is for.")})
    base_fee = fields.Integer(
        allow_none=True, metadata={"description": _l("Nothing where the building has to be asked.")}
    )
    extra_minutes = fields.Integer(
        allow_none=True, metadata={"description": _l("Each further unit begun costs the extra fee.")}
    )
    extra_fee = fields.Integer(allow_none=True)
    fee_note = fields.String()
    min_minutes = fields.Integer()
    max_minutes = fields.Integer()
    raster_minutes = fields.Integer(metadata={"description": _l("Bookings start every so many minutes.")})
    before_minutes = fields.Integer(metadata={"description": _l("Kept free before each booking.")})
    after_minutes = fields.Integer(metadata={"description": _l("Kept free after each booking.")})
    notice_days = fields.Integer(metadata={"description": _l("Booked so many days ahead at least.")})
    horizon_days = fields.Integer(metadata={"description": _l("Booked so many days ahead at most.")})
    by_request = fields.Boolean(metadata={"description": _l("Whether the building answers each booking.")})
    answer_days = fields.Integer(metadata={"description": _l("How many days the building has to answer.")})
    cancel_hours = fields.Integer(metadata={"description": _l("How many hours before it may still be cancelled.")})
    house_rules = fields.String()


class FoundSpaceRecord(SpaceRecord):
    """A room in a list: whether it is free at the time asked for, when next, and how far it is."""

    free = fields.Nested(
        IntervalRecord,
        allow_none=True,
        metadata={"description": _l("The time asked for, if the room is free then.")},
    )
    next_free = fields.Nested(
        IntervalRecord,
        allow_none=True,
        metadata={"description": _l("The next time it is free for so long, within two weeks.")},
    )
    metres = fields.Integer(allow_none=True)


class FreeDayRecord(Schema):
    """A day's free times, in order."""

    date = fields.Date()
    holiday = fields.Boolean()
    times = fields.List(fields.Nested(IntervalRecord))


class FreeTimesRecord(Schema):
    """When a room may be booked for a length; each start of its raster that is free."""

    space = fields.Integer()
    minutes = fields.Integer()
    fee = fields.Integer(allow_none=True, metadata={"description": _l("Nothing where the building has to be asked.")})
    currency = fields.String()
    days = fields.List(fields.Nested(FreeDayRecord))


class OtherRoomRecord(IntervalRecord):
    """Another room that is free at the time wanted."""

    space = fields.Integer()
    name = fields.String()
    name_en = fields.String(allow_none=True)
    metres = fields.Integer(allow_none=True)


class AlternativesRecord(Schema):
    """What else would do, sent with a refusal: the room at other times, other rooms at the time."""

    times = fields.List(fields.Nested(IntervalRecord))
    rooms = fields.List(fields.Nested(OtherRoomRecord))


class BookedSpaceRecord(NamedRecord):
    """A booked room."""

    building = fields.Nested(NamedRecord)


class BookingRecord(Schema):
    """A booking."""

    reference = fields.String()
    space = fields.Nested(BookedSpaceRecord)
    starts_at = Moment()
    ends_at = Moment()
    minutes = fields.Integer()
    state = fields.Enum(BookingState, by_value=fields.String)
    group = fields.Nested(
        NamedRecord, allow_none=True, metadata={"description": _l("The group for which it was made.")}
    )
    channel = fields.Enum(
        Channel,
        by_value=fields.String,
        allow_none=True,
        metadata={"description": _l("How you came, if the building entered it for you.")},
    )
    people = fields.Integer(allow_none=True)
    purpose = fields.String()
    fee = fields.Integer(allow_none=True, metadata={"description": _l("Nothing where the building has to be asked.")})
    currency = fields.Function(lambda _booking: money.currency(), metadata={"type": "string"})
    due_at = Moment(allow_none=True, metadata={"description": _l("By when the building answers a request.")})
    reason = fields.String(metadata={"description": _l("Why it was declined or cancelled.")})
    cancel_until = fields.Function(
        lambda booking: clock.local(policy.cancel_until(booking)).isoformat(),
        metadata={"type": "string", "format": "date-time"},
    )
    created_at = Moment()
    version = fields.Integer(metadata={"description": _l("Send it with a change: another one's is then not lost.")})
