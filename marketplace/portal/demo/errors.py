"""Why the demo city cannot be made."""

from marketplace.kernel.errors import Conflict
from marketplace.kernel.words import _l


class AlreadyInhabited(Conflict):
    """There are places in the database, and they may be real."""

    message = _l("There are districts or buildings in this database already. The demo city needs a new one.")
