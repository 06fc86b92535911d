"""What is filled in about matches, and a meeting as an entry of a calendar."""

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, post_load, validate

from marketplace.kernel import clock
from marketplace.kernel.ical import Entry, Status
from marketplace.kernel.money import Sum
from marketplace.kernel.words import _, _m
from marketplace.sharing.homeshare.models import questions
from marketplace.sharing.homeshare.models.checkins import Going, Outcome
from marketplace.sharing.homeshare.models.matches import (
    OWN_END_REASONS,
    Answer,
    EndReason,
    Match,
    MatchState,
    NoReason,
)
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.schemas.applications import CHOOSE, YesNo

WORDS = validate.Length(max=1000)
LONG = validate.Length(max=2000)


class Nothing(Schema):
    """A button that needs nothing filled in."""


class Answered(Schema):
    """What someone says to a proposal."""

    said = fields.Enum(Answer, by_value=True, required=True, error_messages=CHOOSE)
    reason = fields.Enum(NoReason, by_value=True, load_default=None)
    words = fields.String(load_default="", validate=WORDS)


class Words(Schema):
    """A few words to the coordinator."""

    words = fields.String(load_default="", validate=WORDS)


class Ending(Schema):
    """Why two go separate ways."""

    reason = fields.String(
        required=True,
        validate=validate.OneOf([one.value for one in OWN_END_REASONS]),
        error_messages={"required": _m("Choose a reason. The other side does not read it.")},
    )
    words = fields.String(load_default="", validate=WORDS)

    @post_load
    def as_reason(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        """The word as what it stands for."""
        data["reason"] = EndReason(data["reason"])
        return data


class Signing(Schema):
    """Which text is signed."""

    digest = fields.String(required=True, validate=validate.Length(max=64))
    agreed = fields.Boolean(
        required=True, validate=validate.Equal(True, error=_m("Tick that you have read it and agree."))
    )


class GoesOn(Schema):
    """Whether someone wants to go on after the trial."""

    goes_on = YesNo(required=True)


class CheckedIn(Schema):
    """How it goes."""

    going = fields.Enum(Going, by_value=True, required=True, error_messages=CHOOSE)
    hours_kept = YesNo(required=True)
    safe = YesNo(required=True)
    talk = YesNo(required=True)
    words = fields.String(load_default="", validate=WORDS)


# --- coordinators ---


class Meeting(Schema):
    """When and where they meet."""

    day = fields.Date(required=True, error_messages={"required": _m("Choose a day.")})
    at = fields.Time(required=True, error_messages={"required": _m("Enter a time.")})
    place = fields.String(
        required=True, validate=validate.Length(3, 300), error_messages={"required": _m("Say where they meet.")}
    )
    at_home = fields.Boolean(load_default=False)

    @post_load
    def as_moment(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        """Day and time as a moment in the city."""
        time = data.pop("at")
        starts_at: datetime = clock.at(data.pop("day"), time.hour * 60 + time.minute)
        return data | {"starts_at": starts_at}


class Terms(Schema):
    """What is settled in the agreement."""

    moves_in_on = fields.Date(required=True, error_messages={"required": _m("Choose a day.")})
    trial_days = fields.Integer(required=True)
    rent = Sum(required=True)
    bills = fields.String(required=True, validate=validate.OneOf(list(questions.BILLS)))
    hours = fields.Integer(required=True)
    tasks = fields.List(fields.String(), load_default=list)
    evenings = fields.Integer(required=True, validate=validate.Range(0, 7))
    guests = fields.String(required=True)
    quiet = fields.String(required=True)
    smoking = YesNo(required=True)
    pets = fields.List(fields.String(), load_default=list)
    kitchen = fields.String(required=True, validate=validate.OneOf(list(questions.KITCHEN)))
    food = fields.String(required=True, validate=validate.OneOf(list(questions.FOOD)))
    notice = fields.Integer(required=True, validate=validate.OneOf([int(days) for days in questions.NOTICE]))
    others = fields.String(load_default="", validate=validate.Length(max=600))

    def __init__(self) -> None:
        super().__init__()
        city = programme()
        self.fields["trial_days"].validators = [validate.Range(city.least_trial_days, city.most_trial_days)]
        self.fields["hours"].validators = [validate.Range(0, city.pack.most_hours)]
        for name in ("guests", "quiet"):
            self.fields[name].validators = [validate.OneOf(list(questions.words_of(name)))]
        for name in ("tasks", "pets"):
            self.fields[name].validators = [validate.ContainsOnly(list(questions.words_of(name)))]

    @post_load
    def as_kept(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        """As the agreement keeps it."""
        return {"terms": data | {"moves_in_on": data["moves_in_on"].isoformat()}}


class Settled(Schema):
    """What came of something that was brought up."""

    outcome = fields.Enum(Outcome, by_value=True, required=True, error_messages=CHOOSE)
    note = fields.String(load_default="", validate=LONG)
    reply = fields.String(load_default="", validate=LONG)


class Note(Schema):
    """A note among coordinators."""

    words = fields.String(required=True, validate=LONG, error_messages={"required": _m("Write something down.")})


class StaffEnding(Schema):
    """How a coordinator ends a match."""

    reason = fields.Enum(EndReason, by_value=True, required=True, error_messages={"required": _m("Choose a reason.")})
    words = fields.String(load_default="", validate=WORDS)


def calendar_entry(match: Match, url: str) -> Entry:
    """The meeting of a match that has one. It does not say where: that is read on the page."""
    meeting = match.meeting
    if meeting is None:
        raise LookupError(match.reference)
    return Entry(
        uid=f"{match.reference}@maeul",
        sequence=meeting.changed,
        title=_("Home share: you meet"),
        interval=meeting.interval,
        place="",
        url=url,
        status=Status.CANCELLED if match.state is MatchState.WITHDRAWN else Status.CONFIRMED,
    )
