"""What people fill in about their data."""

from marshmallow import Schema, fields


class Leaving(Schema):
    """That one has read what is lost."""

    understood = fields.Boolean(load_default=False)
