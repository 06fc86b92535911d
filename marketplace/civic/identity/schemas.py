"""What someone fills in who comes from the identity provider for the first time."""

from marshmallow import Schema, fields, validate

from marketplace.civic.accounts.schemas import EMAIL, NAME, NO_EMAIL, NO_NAME
from marketplace.kernel.words import LANGUAGES


class NewAccount(Schema):
    """An account that needs no password."""

    name = fields.String(required=True, validate=NAME, error_messages=NO_NAME)
    email = fields.Email(required=True, validate=EMAIL, error_messages=NO_EMAIL)
    language = fields.String(load_default="en", validate=validate.OneOf(list(LANGUAGES)))
