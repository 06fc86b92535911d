"""The refusals of home share, each with its own sentence."""

from marketplace.kernel.errors import Conflict
from marketplace.kernel.words import _l


class NoRoomLeft(Conflict):
    """The room was promised to someone else in the same instant."""

    message = _l("The room is kept for someone else by now.")
