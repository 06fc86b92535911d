"""What an administrator fills in about a department."""

from marshmallow import Schema, fields, validate


class DepartmentDetails(Schema):
    """Code and names."""

    code = fields.String(required=True, validate=validate.Length(max=20))
    name_en = fields.String(required=True, validate=validate.Length(max=120))
    name_ko = fields.String(required=True, validate=validate.Length(max=120))
