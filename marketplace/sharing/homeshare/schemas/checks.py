"""Forms of coordinators: checks, what was found in a home, references, appointments."""

from datetime import timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from marketplace.kernel import clock
from marketplace.kernel.words import _, _m
from marketplace.sharing.homeshare.models.appointments import AppointmentKind
from marketplace.sharing.homeshare.models.checks import Finding
from marketplace.sharing.homeshare.schemas.applications import CHOOSE, YesNo

NOTE = validate.Length(max=1500)


class NewCheck(Schema):
    """That something was made sure of."""

    second = YesNo(load_default=False)
    passed = YesNo(required=True)
    checked_on = fields.Date(required=True, error_messages={"required": _m("Enter the day.")})
    until = fields.Date(load_default=None)
    method = fields.String(
        required=True, validate=validate.Length(2, 200), error_messages={"required": _m("Say how it was checked.")}
    )
    note = fields.String(load_default="", validate=NOTE)


class Visit(Schema):
    """What was found in a home."""

    found = fields.List(
        fields.Enum(Finding, by_value=True), load_default=list, validate=validate.Length(max=len(Finding))
    )
    square_metres = fields.Integer(
        required=True, validate=validate.Range(4, 99), error_messages={"required": _m("Enter a whole number.")}
    )
    checked_on = fields.Date(required=True, error_messages={"required": _m("Enter the day.")})
    note = fields.String(load_default="", validate=NOTE)


class Heard(Schema):
    """What came of asking someone who speaks for an applicant."""

    passed = YesNo(required=True)
    way = fields.String(required=True, validate=validate.OneOf(["letter", "phone"]), error_messages=CHOOSE)
    checked_on = fields.Date(required=True, error_messages={"required": _m("Enter the day.")})
    note = fields.String(load_default="", validate=NOTE)


class NewAppointment(Schema):
    """When and where someone is met."""

    kind = fields.Enum(AppointmentKind, by_value=True, required=True, error_messages=CHOOSE)
    day = fields.Date(required=True, error_messages={"required": _m("Enter the day.")})
    starts = fields.Time("%H:%M", required=True, error_messages={"required": _m("Enter a time, such as 14:00.")})
    minutes = fields.Integer(load_default=60, validate=validate.OneOf([30, 60, 90, 120]))
    place = fields.String(load_default="", validate=validate.Length(max=200))

    @post_load
    def as_kept(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        """With both ends as moments of the city."""
        starts = data.pop("starts")
        data["starts_at"] = clock.at(data.pop("day"), starts.hour * 60 + starts.minute)
        data["ends_at"] = data["starts_at"] + timedelta(minutes=data.pop("minutes"))
        if data["starts_at"] <= clock.now():
            raise ValidationError(_("Enter a time that is still to come."), "starts")
        return data
