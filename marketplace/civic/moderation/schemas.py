"""What reporters, moderators, authors and safeguarding officers fill in; what the figures look like as a table."""

from collections.abc import Iterable, Iterator

from marshmallow import Schema, fields, validate

from marketplace.civic.moderation.models import COMMON, DAYS, Act, Answer, Outcome, Reason
from marketplace.civic.moderation.queries.figures import Month
from marketplace.kernel.disclosure import LEAST, Hidden, Shown
from marketplace.kernel.words import _, _m

LONGEST = 2000
NOTE = validate.Length(max=LONGEST)
TEXT = validate.Length(min=3, max=LONGEST)


class ReportForm(Schema):
    """What is wrong with something. People do not see `homepage`, programs that fill in everything do."""

    reason = fields.Enum(
        Reason, by_value=True, required=True, error_messages={"required": _m("Choose what is wrong with it.")}
    )
    note = fields.String(load_default="", validate=NOTE)
    homepage = fields.String(load_default="")


class DecisionForm(Schema):
    """What a moderator does, and why."""

    act = fields.Enum(Act, by_value=True, required=True, error_messages={"required": _m("Choose what to do.")})
    reason = fields.Enum(Reason, by_value=True, load_default=None, validate=validate.OneOf(COMMON))
    days = fields.Integer(load_default=None, validate=validate.OneOf(DAYS))
    note = fields.String(load_default="", validate=NOTE)


class Chosen(Schema):
    """Cases ticked in the queue."""

    case = fields.List(
        fields.String(validate=validate.Length(max=12)), load_default=list, validate=validate.Length(max=50)
    )


class DecisionForSeveral(DecisionForm, Chosen):
    """One decision for several cases."""


class Word(Schema):
    """What an author wants to say."""

    text = fields.String(required=True, validate=TEXT, error_messages={"required": _m("Write a sentence or two.")})


class AppealAnswer(Word):
    """What becomes of a decision, and why."""

    answer = fields.Enum(
        Answer, by_value=True, required=True, error_messages={"required": _m("Choose what becomes of the decision.")}
    )


class WordsForm(Schema):
    """What authors are told for a reason."""

    en = fields.String(required=True, validate=TEXT)
    ko = fields.String(required=True, validate=TEXT)
    version = fields.Integer(required=True)


class NoteForm(Word):
    """What an officer did or learned; with an outcome the concern is closed."""

    outcome = fields.Enum(Outcome, by_value=True, load_default=None)


def shown(count: Shown) -> str:
    """A count as it is published."""
    if count is Hidden.SMALL:
        return _("fewer than {n}", n=LEAST)
    return _("not shown") if count is Hidden.SHIELD else str(count)


def hours(value: float | None) -> str:
    """Hours as they are published; too few decisions say nothing."""
    return _("not shown") if value is None else f"{value:.1f}"


HEAD = (
    "month", *(f"reports_{reason}" for reason in COMMON), "reports", *(f"cases_{reason}" for reason in COMMON), "cases",
    "decided", "median_hours", "ninetieth_percentile_hours", "hidden_automatically", "appeals_answered", "overturned",
)  # fmt: skip


def table(months: Iterable[Month]) -> Iterator[list[str]]:
    """The figures as rows under HEAD."""
    for month in months:
        yield [
            f"{month.first:%Y-%m}",
            *map(shown, [*month.reports, month.reports_total, *month.cases, month.cases_total, month.decided]),
            hours(month.median),
            hours(month.slowest),
            *map(shown, [month.auto_hidden, month.appeals, month.overturned]),
        ]
