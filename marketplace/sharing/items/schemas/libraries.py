"""What is filled in about libraries of things and their members."""

import re
from itertools import pairwise
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from marketplace.civic.groups.schemas import TITLE, CallerDetails
from marketplace.kernel.words import _, _m
from marketplace.kernel.writing import show_clock
from marketplace.sharing.items.layouts.catalogue import MOST_PARTS, MOST_PIECES, read_parts
from marketplace.sharing.items.layouts.labels import SHEETS
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Condition, Library, UnitState

WEEKDAYS = range(8)
"""Monday 0 … Sunday 6 and public holidays 7."""

_SPAN = re.compile(r"(\d{1,2})[:.](\d{2})\s*[-–~]\s*(\d{1,2})[:.](\d{2})\Z")
CARD = validate.Regexp(r"[0-9A-Za-z -]{4,40}\Z", error=_m("Scan the card, or type its letters and digits."))


class Hours(fields.Field[list[tuple[int, int]]]):
    """The opening hours of a day, such as 09:00-12:00, 13:00-18:00; nothing where it is closed."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> list[tuple[int, int]]:
        spans = sorted(self._span(part.strip()) for part in str(value).split(",") if part.strip())
        if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
            raise ValidationError(_("These hours overlap."))
        return spans

    @staticmethod
    def _span(part: str) -> tuple[int, int]:
        if found := _SPAN.match(part):
            opens, closes = (int(found[n]) * 60 + int(found[n + 1]) for n in (1, 3))
            if opens < closes <= 1440 and all(int(found[n]) < 60 for n in (2, 4)):
                return opens, closes
        raise ValidationError(_("Enter hours such as 09:00-12:00, 13:00-18:00."))


class LibraryDetails(Schema):
    """What a library says of itself, and when its counter is open."""

    name = fields.String(required=True, validate=TITLE, error_messages={"required": _m("Enter a name.")})
    name_en = fields.String(load_default=None, validate=TITLE)
    about = fields.String(load_default="", validate=validate.Length(max=4000))
    open = fields.Boolean(load_default=False)
    hours_0 = Hours(load_default=list)
    hours_1 = Hours(load_default=list)
    hours_2 = Hours(load_default=list)
    hours_3 = Hours(load_default=list)
    hours_4 = Hours(load_default=list)
    hours_5 = Hours(load_default=list)
    hours_6 = Hours(load_default=list)
    hours_7 = Hours(load_default=list)

    @post_load
    def one_list(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        """With the hours of all days as one list of (weekday, opens, closes)."""
        days = [(weekday, data.pop(f"hours_{weekday}")) for weekday in WEEKDAYS]
        return data | {"hours": [(weekday, *span) for weekday, spans in days for span in spans]}


class NewLibrary(LibraryDetails):
    """The same, and where it is, and who helps."""

    building = fields.String(
        required=True, validate=validate.Length(max=200), error_messages={"required": _m("Enter the building.")}
    )
    group = fields.String(load_default="", validate=validate.Length(max=100))


class LibraryChange(LibraryDetails):
    """The same, and the version that was on the page; which group helps is for administrators."""

    group = fields.String(load_default="", validate=validate.Length(max=100))
    version = fields.Integer(required=True)


class NewMember(CallerDetails):
    """Who joins, with which card, until when."""

    card = fields.String(load_default="", validate=CARD)
    until = fields.Date(load_default=None)


class Accessories(fields.Field[tuple[tuple[str, int], ...]]):
    """What goes along with a thing, one a line, such as drill bit × 3."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> tuple[tuple[str, int], ...]:
        try:
            return read_parts(str(value))
        except ValueError:
            raise ValidationError(
                _("Enter one a line, such as drill bit × 3; each once, {most} at most.", most=MOST_PARTS)
            ) from None


class NewThing(Schema):
    """A thing of a library; its other terms have good defaults and are changed on its own page."""

    title = fields.String(
        required=True, validate=validate.Length(3, 100), error_messages={"required": _m("Enter what it is.")}
    )
    category = fields.String(
        required=True,
        validate=validate.OneOf([category.code for category in categories.tree()]),
        error_messages={"required": _m("Choose the category that fits best.")},
    )
    condition = fields.Enum(
        Condition, by_value=True, required=True, error_messages={"required": _m("Choose how good it is.")}
    )
    pieces = fields.Integer(load_default=1, validate=validate.Range(1, MOST_PIECES))
    accessories = Accessories(load_default=())
    description = fields.String(load_default="", validate=validate.Length(max=3000))
    longest_days = fields.Integer(load_default=7, validate=validate.Range(1, 90))


class Table(Schema):
    """A file of things, which comes beside this, and whether it is only tried out."""

    trying = fields.Boolean(load_default=False)


class Labels(Schema):
    """Which labels, on which paper, from which place of the first sheet on."""

    sheet = fields.String(load_default="a4", validate=validate.OneOf(list(SHEETS)))
    skip = fields.Integer(load_default=0, validate=validate.Range(0, 23))
    item = fields.Integer(load_default=None, validate=validate.Range(1, 2**31 - 1))
    since = fields.Date(load_default=None)
    part = fields.Integer(load_default=1, validate=validate.Range(1, 1000))


class Scan(Schema):
    """What was scanned or typed at the counter, and for whom."""

    code = fields.String(load_default="", validate=validate.Length(max=200))
    card = fields.String(load_default="", validate=validate.Length(max=200))
    loan = fields.String(validate=validate.Length(max=12))
    """Of several that were agreed, the one to hand out; anything else lends the piece to someone now."""


class Handing(Schema):
    """How a thing is that changes hands across the counter, and how many of each accessory there are."""

    condition = fields.Enum(
        Condition, by_value=True, required=True, error_messages={"required": _m("Choose how good it is.")}
    )
    counts = fields.List(
        fields.Integer(validate=validate.Range(0, 100_000)), data_key="count", load_default=list,
        validate=validate.Length(max=MOST_PARTS),
    )  # fmt: skip
    note = fields.String(load_default="", validate=validate.Length(max=500))


class HandOut(Handing):
    """The same for what was agreed before."""

    reference = fields.String(required=True, validate=validate.Length(max=12))


class TakeBack(HandOut):
    """The same for what comes back, and what has to be repaired."""

    problem = fields.String(load_default="", validate=validate.Length(max=500))


class LendToMember(Handing):
    """A piece for a member who showed a card."""

    card = fields.String(required=True, validate=CARD)
    last = fields.Date(required=True, error_messages={"required": _m("Choose the last day.")})


class LendToCaller(Handing, CallerDetails):
    """A piece for someone without a card."""

    last = fields.Date(required=True, error_messages={"required": _m("Choose the last day.")})


class Problem(Schema):
    """What is wrong with a piece."""

    problem = fields.String(
        required=True, validate=validate.Length(1, 500), error_messages={"required": _m("Say what is wrong.")}
    )


class Note(Schema):
    """What was done about a repair."""

    text = fields.String(
        required=True, validate=validate.Length(1, 1000), error_messages={"required": _m("Write the note.")}
    )


class Outcome(Schema):
    """What became of a repair."""

    outcome = fields.Enum(
        UnitState,
        by_value=True,
        required=True,
        validate=validate.OneOf((UnitState.READY, UnitState.GONE)),
        error_messages={"required": _m("Choose what became of it.")},
    )


class Counted(Schema):
    """A code that was scanned while stock is taken."""

    code = fields.String(
        required=True, validate=validate.Length(max=200), error_messages={"required": _m("Scan or type a code.")}
    )


class Confirmation(Schema):
    """A button that needs nothing filled in."""


def as_typed(library: Library) -> dict[str, Any]:
    """What stands in the form of a library; needs `hours` and `group`."""
    hours: dict[int, list[str]] = {weekday: [] for weekday in WEEKDAYS}
    for one in library.hours:
        hours[one.weekday].append(f"{show_clock(one.opens)}-{show_clock(one.closes)}")
    said = {name: getattr(library, name) for name in ("name", "name_en", "about", "open", "version")}
    days = {f"hours_{weekday}": ", ".join(spans) for weekday, spans in hours.items()}
    return {**said, **days, "group": library.group.name if library.group else ""}
