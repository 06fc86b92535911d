"""What people fill in about themselves, and staff about them."""

import re
from typing import Any

from marshmallow import Schema, fields, post_load, validate

from marketplace.civic.accounts.models import Method, Role
from marketplace.kernel.words import LANGUAGES, _m

NO_LINK = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069/\\@<>]*")
"""Letters greet people by name, also at an address that is not theirs: a name brings no line, no link, no address."""

LENGTH = validate.Length(min=1, max=80)
NAME = validate.And(LENGTH, validate.Regexp(NO_LINK.pattern + r"\Z", error=_m("Enter a name without / \\ @ < >.")))
EMAIL = validate.Length(max=254)
PASSWORD = validate.Length(max=1000)
NO_NAME: dict[str, Any] = {"required": _m("Enter a name.")}
NO_EMAIL: dict[str, Any] = {"required": _m("Enter an e-mail address, such as name@example.org.")}
NO_PASSWORD: dict[str, Any] = {"required": _m("Enter a password.")}


def password_field() -> fields.String:
    """A password, which may begin and end with spaces."""
    return fields.String(required=True, validate=PASSWORD, error_messages=NO_PASSWORD, metadata={"as_typed": True})


class SignIn(Schema):
    """Who is there."""

    email = fields.String(required=True, validate=EMAIL, error_messages=NO_EMAIL)
    password = password_field()


class Registration(Schema):
    """A new account."""

    name = fields.String(required=True, validate=NAME, error_messages=NO_NAME)
    email = fields.Email(required=True, validate=EMAIL, error_messages=NO_EMAIL)
    password = password_field()
    language = fields.String(load_default="en", validate=validate.OneOf(list(LANGUAGES)))
    district_id = fields.Integer(load_default=None, allow_none=True)


class Profile(Schema):
    """What one may change about oneself; `version` says what was on the page."""

    name = fields.String(required=True, validate=NAME, error_messages=NO_NAME)
    language = fields.String(required=True, validate=validate.OneOf(list(LANGUAGES)))
    district_id = fields.Integer(load_default=None, allow_none=True)
    version = fields.Integer(required=True)


class Address(Schema):
    """Where to send a letter."""

    email = fields.Email(required=True, validate=EMAIL, error_messages=NO_EMAIL)


class NewAddress(Address):
    """Another address, asked for by whoever knows the password."""

    password = password_field()


class NewPassword(Schema):
    """A password to begin with."""

    password = password_field()


class PasswordChange(NewPassword):
    """A password instead of the present one."""

    current = password_field()


class Nothing(Schema):
    """A button alone."""


class TokenRequest(Schema):
    """A token for a program; without days it does not run out."""

    name = fields.String(required=True, validate=LENGTH, error_messages={"required": _m("Say what it is for.")})
    days = fields.Integer(load_default=None, allow_none=True, validate=validate.OneOf([30, 90, 365]))


class PeopleSearch(Schema):
    """Part of a name or an address."""

    words = fields.String(load_default="", validate=validate.Length(max=200))


class GrantRequest(Schema):
    """A role, and the building or the department where it holds."""

    role = fields.Enum(Role, by_value=True, required=True)
    building_id = fields.Integer(load_default=None, allow_none=True)
    department_id = fields.Integer(load_default=None, allow_none=True)

    @post_load
    def only_what_the_role_needs(self, data: dict, **_: object) -> dict:  # type: ignore[type-arg]
        """A place chosen and then not needed does not count."""
        if data["role"] is not Role.MANAGER:
            data["building_id"] = None
        if data["role"] is not Role.STAFF:
            data["department_id"] = None
        return data


class Verification(Schema):
    """How and when someone's residency was checked."""

    method = fields.Enum(Method, by_value=True, required=True)
    day = fields.Date(required=True)
