"""Forms of an application: one is made of each page of questions."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from marketplace.civic.groups.schemas import CallerDetails
from marketplace.civic.uploads.models import Kind as FileKind
from marketplace.kernel import money
from marketplace.kernel.files import Files
from marketplace.kernel.words import LANGUAGES, _, _m
from marketplace.sharing.homeshare.models.applications import Closed, Side
from marketplace.sharing.homeshare.models.questions import Kind, Page, Question
from marketplace.sharing.homeshare.models.references import Relation
from marketplace.sharing.homeshare.service.applications import MOST_PICTURES

CHOOSE: dict[str, Any] = {"required": _m("Choose one of the answers.")}
YES_NO = {"yes": True, "no": False}


class YesNo(fields.Field[bool]):
    """A question that has to be answered by yes or no: nothing is no answer."""

    default_error_messages = {"required": _m("Answer yes or no.")}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> bool:
        if value not in YES_NO:
            raise ValidationError(_("Answer yes or no."))
        return YES_NO[value]


class Day(fields.Date):
    """A day, kept as it is written, such as 2027-03-01."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        return super()._deserialize(value, attr, data, **more).isoformat()


def of_page(page: Page) -> Schema:
    """The form of a page of questions."""
    return Schema.from_dict({one.name: _field(one) for one in page.questions}, name=f"Page_{page.name}")()


def _field(question: Question) -> fields.Field[Any]:
    asked: dict[str, Any] = {"required": True} if question.needed else {"load_default": None}
    match question.kind:
        case Kind.YES_NO:
            return YesNo(**asked)
        case Kind.NUMBER:
            bounds = validate.Range(question.least, question.most, error=question.wrong)
            return fields.Integer(validate=bounds, **asked)
        case Kind.SUM:
            return money.Sum(least=question.least, most=question.most, **asked)
        case Kind.DAY:
            return Day(**asked)
        case Kind.ONE:
            return _one(question, asked)
        case Kind.SEVERAL:
            enough = validate.Length(min=question.least, error=_m("Choose at least one."))
            return fields.List(
                fields.String(validate=validate.OneOf(list(question.words))), load_default=list, validate=enough
            )
        case Kind.CAMPUS:
            return fields.Integer(error_messages={**CHOOSE, "invalid": CHOOSE["required"]}, **asked)
    return fields.String(validate=validate.Length(max=question.most), **asked)


def _one(question: Question, asked: Mapping[str, Any]) -> fields.Field[Any]:
    if question.whole:
        whole = validate.OneOf([int(word) for word in question.words])
        return fields.Integer(validate=whole, error_messages=CHOOSE, **asked)
    return fields.String(validate=validate.OneOf(list(question.words)), error_messages=CHOOSE, **asked)


def as_typed(page: Page, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of a page as its form shows them."""
    return {one.name: _typed(one, answers[one.name]) for one in page.questions if answers.get(one.name) is not None}


def _typed(question: Question, answer: Any) -> Any:
    if question.kind is Kind.YES_NO:
        return "yes" if answer else "no"
    return money.plain(answer) if question.kind is Kind.SUM else answer


class Place(Schema):
    """Where a home is: near a public building or where the device is, and its address."""

    near = fields.String(load_default="", validate=validate.Length(max=100))
    latitude = fields.Float(load_default=None, validate=validate.Range(-90, 90))
    longitude = fields.Float(load_default=None, validate=validate.Range(-180, 180))
    address = fields.String(
        required=True, validate=validate.Length(5, 200), error_messages={"required": _m("Enter the address.")}
    )


class Nothing(Schema):
    """A button alone."""


class Pictures(Schema):
    """Pictures of the room, and those to take off."""

    pictures = Files(FileKind.PICTURE, most=MOST_PICTURES)
    drop = fields.List(fields.Integer(), load_default=list, validate=validate.Length(max=MOST_PICTURES))


class Ending(Schema):
    """Why an application ends."""

    because = fields.Enum(Closed, by_value=True, required=True, error_messages={"required": _m("Choose a reason.")})


class OnBehalf(CallerDetails):
    """For whom staff begin an application, and for which side."""

    side = fields.Enum(
        Side, by_value=True, required=True, error_messages={"required": _m("Choose one of the answers.")}
    )


class NewReference(Schema):
    """Someone who speaks for an applicant."""

    name = fields.String(
        required=True, validate=validate.Length(2, 80), error_messages={"required": _m("Enter a name.")}
    )
    relation = fields.Enum(Relation, by_value=True, required=True, error_messages=CHOOSE)
    email = fields.Email(load_default="", validate=validate.Length(max=254))
    phone = fields.String(load_default="", validate=validate.Length(max=40))
    language = fields.String(load_default="ko", validate=validate.OneOf(list(LANGUAGES)))
    of_second = fields.Boolean(load_default=False)


class Word(Schema):
    """What someone says of an applicant."""

    recommends = YesNo(required=True)
    words = fields.String(
        required=True, validate=validate.Length(10, 1500), error_messages={"required": _m("Write a few sentences.")}
    )


class Invited(Schema):
    """Who shall stand by an applicant; the applicant agrees that they see how it stands."""

    email = fields.Email(required=True, error_messages={"required": _m("Enter an e-mail address.")})
    agreed = fields.Boolean(
        required=True, validate=validate.Equal(True, error=_m("Tick that you agree, or invite nobody."))
    )


class Agreeing(Schema):
    """Whether someone stands by an applicant."""

    answer = fields.String(required=True, validate=validate.OneOf(["accept", "refuse"]), error_messages=CHOOSE)
