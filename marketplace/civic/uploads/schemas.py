"""What is filled in to add a file."""

from marshmallow import Schema

from marketplace.civic.uploads.models import Kind
from marketplace.kernel.files import Files


class OwnFiles(Schema):
    """Files of any kind, not attached to anything yet."""

    files = Files(*Kind, most=5)
