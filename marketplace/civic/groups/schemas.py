"""What is filled in about groups, and in someone else's name."""

import re
from typing import Any

from marshmallow import Schema, fields, validate

from marketplace.civic.accounts.schemas import EMAIL, NAME, NO_EMAIL, NO_LINK
from marketplace.civic.groups.models import Channel, Document, Sort
from marketplace.kernel.words import LANGUAGES, _l, _m

TITLE = validate.And(
    validate.Length(min=2, max=100),
    validate.Regexp(NO_LINK.pattern + r"\Z", error=_m("Enter a name without / \\ @ < >.")),
)
PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,28}\Z")
REASON = validate.Length(max=500)
DISTRICT = validate.Range(1, 2**31 - 1)


class GroupSearch(Schema):
    """Words and a district."""

    words = fields.String(load_default="", validate=validate.Length(max=200))
    district = fields.Integer(load_default=None, validate=DISTRICT)


class GroupDetails(Schema):
    """What a group says of itself."""

    name = fields.String(required=True, validate=TITLE, error_messages={"required": _m("Enter a name.")})
    name_en = fields.String(load_default=None, validate=TITLE)
    sort = fields.Enum(
        Sort, by_value=True, required=True, error_messages={"required": _m("Choose what kind of group it is.")}
    )
    about = fields.String(load_default="", validate=validate.Length(max=2000))
    district_id = fields.Integer(load_default=None, validate=DISTRICT)


class GroupChange(GroupDetails):
    """The same, and the version that was on the page."""

    version = fields.Integer(required=True)


class Invitation(Schema):
    """Whom to invite."""

    email = fields.Email(required=True, validate=EMAIL, error_messages=NO_EMAIL)


class Wish(Schema):
    """A wish to join, with a word about oneself."""

    message = fields.String(load_default="", validate=REASON)


class Answer(Schema):
    """A yes or a no, with its reason."""

    answer = fields.String(
        required=True,
        validate=validate.OneOf(("accept", "decline")),
        error_messages={"required": _m("Choose whether to say yes or no.")},
    )
    reason = fields.String(load_default="", validate=REASON)


class Verification(Schema):
    """What was looked at, and until when it counts; or why not."""

    answer = fields.String(
        required=True,
        validate=validate.OneOf(("verify", "decline")),
        error_messages={"required": _m("Choose whether the group is verified.")},
    )
    document = fields.Enum(Document, by_value=True, load_default=None)
    until = fields.Date(load_default=None)
    reason = fields.String(load_default="", validate=REASON)


class Nothing(Schema):
    """A button alone."""


class ForWhom(Schema):
    """For oneself, or for a group that one acts for. Mixed into what a feature asks besides."""

    group = fields.Integer(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 2**31 - 1),
        metadata={"description": _l("Id of a group that you are an officer of; nothing for yourself.")},
    )


NO_PHONE: dict[str, Any] = {"error": _m("Enter a telephone number, such as 02-123-4567.")}


class CallerDetails(Schema):
    """For whom staff enter something, and how to reach them. Mixed into what a feature asks besides."""

    name = fields.String(required=True, validate=NAME, error_messages={"required": _m("Enter a name.")})
    email = fields.Email(load_default="", validate=EMAIL)
    phone = fields.String(load_default="", validate=validate.Regexp(PHONE, **NO_PHONE))
    language = fields.String(load_default="en", validate=validate.OneOf(list(LANGUAGES)))
    channel = fields.Enum(
        Channel, by_value=True, required=True, error_messages={"required": _m("Choose how the person came.")}
    )
