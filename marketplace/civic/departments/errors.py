"""What departments refuse."""

from marketplace.kernel.errors import Conflict
from marketplace.kernel.words import _l


class CodeTaken(Conflict):
    """Two departments cannot be known by one code."""

    message = _l("Another department has this code.")
