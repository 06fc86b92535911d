"""What is filled in about loans, and a loan as an entry of a calendar."""

from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.civic.groups.schemas import ForWhom
from marketplace.civic.uploads.models import Kind
from marketplace.kernel import clock
from marketplace.kernel.files import Files
from marketplace.kernel.ical import Entry, Status
from marketplace.kernel.words import _, _l, _m
from marketplace.sharing.items.models.lending import PROMISED, Loan, Refusal
from marketplace.sharing.items.models.listing import Condition

FURTHEST_YEARS = 3
WORDS = validate.Length(max=500)


def sensible(day: date) -> None:
    """Refuse dates no calendar needs, which arithmetic might not survive."""
    if abs(day.year - clock.today().year) > FURTHEST_YEARS:
        raise ValidationError(_("Choose a date in the next months."))


class Days(Schema):
    """From one day to another, both included."""

    first = fields.Date(
        required=True, validate=sensible, error_messages={"required": _m("Choose the first day.")},
        metadata={"description": _l("The day on which it is fetched.")},
    )  # fmt: skip
    last = fields.Date(
        required=True, validate=sensible, error_messages={"required": _m("Choose the last day.")},
        metadata={"description": _l("The day on which it is brought back.")},
    )  # fmt: skip

    @validates_schema
    def in_order(self, data: dict[str, Any], **_options: object) -> None:
        """First things first."""
        if data["last"] < data["first"]:
            raise ValidationError(_("The last day is before the first."), "last")


class LoanRequest(Days, ForWhom):
    """What a neighbour fills in to ask for a thing; the page and the API both read it."""

    quantity = fields.Integer(load_default=1, validate=validate.Range(1, 1000))
    message = fields.String(load_default="", validate=WORDS)


class Decline(Schema):
    """A no with its reason."""

    refusal = fields.Enum(Refusal, by_value=True, required=True, error_messages={"required": _m("Choose a reason.")})
    words = fields.String(load_default="", validate=WORDS)


class Why(Schema):
    """A reason in one's own words."""

    reason = fields.String(
        required=True, validate=WORDS, error_messages={"required": _m("Say why; the other side reads it.")}
    )


class Giving(Schema):
    """How the thing is that one hands over."""

    condition = fields.Enum(
        Condition, by_value=True, required=True, error_messages={"required": _m("Choose how good it is.")}
    )
    counts = fields.List(
        fields.Integer(validate=validate.Range(0, 100_000)), data_key="count", load_default=list,
        validate=validate.Length(max=100),
    )  # fmt: skip
    note = fields.String(load_default="", validate=WORDS)
    pictures = Files(Kind.PICTURE, most=4)


class Taking(Schema):
    """The code, and then whether the thing is as the giver says."""

    code = fields.String(
        required=True, validate=validate.Length(max=20), error_messages={"required": _m("Enter the six digits.")}
    )
    seen = fields.Boolean(load_default=False)
    """Whether what the giver says was on the page."""
    answer = fields.String(load_default=None, validate=validate.OneOf(("yes", "no")))
    remark = fields.String(load_default="", validate=WORDS)
    pictures = Files(Kind.PICTURE, most=4)


class Until(Schema):
    """A later last day."""

    until = fields.Date(required=True, validate=sensible, error_messages={"required": _m("Choose the new last day.")})


class Wait(Schema):
    """For how many days one would like to have it."""

    days = fields.Integer(
        required=True, validate=validate.Range(1, 90), error_messages={"required": _m("Enter a number of days.")}
    )


class Nothing(Schema):
    """A button that needs nothing filled in."""


def calendar_entry(loan: Loan, url: str) -> Entry:
    """A loan as an entry of a calendar; one that no longer stands says so. Where a neighbour lives, it does not say."""
    place = loan.item.library.building.address if loan.item.library else ""
    return Entry(
        uid=f"{loan.reference}@maeul",
        sequence=loan.changed,
        title=loan.item.title,
        interval=loan.interval,
        place=place,
        url=url,
        status=Status.CONFIRMED if loan.state in PROMISED or loan.returned_at else Status.CANCELLED,
    )
