"""The refusals of home share, each with its own sentence."""

from marketplace.kernel.errors import Conflict, Forbidden, Invalid
from marketplace.kernel.words import _l


class NoRoomLeft(Conflict):
    """The room was promised to someone else in the same instant."""

    message = _l("The room is kept for someone else by now.")


# --- runs and what is decided by hand ---


class NotReleasedAnyMore(Conflict):
    """Someone else released or dropped it, or a newer run came after."""

    message = _l("This run can no longer be released: it was released or dropped already, or a newer one was made.")


class RunTooOld(Conflict):
    """Too much may have changed since."""

    message = _l("This run is older than a day. Make a new preview, so that it counts what is known today.")


class NoSuchApplication(Invalid):
    """Nothing has this reference, or it is of the other side."""

    message = _l("No such application takes part on this side. Check the reference.")


class NeverSetAside(Invalid):
    """Rules that protect people."""

    message = _l("These two fail a rule that protects people, and nobody may set it aside: {rules}.")


class DecidedBefore(Conflict):
    """One decision of two at a time."""

    message = _l("Something was decided by hand about these two already. Take it back first.")


class AnotherHasToAgree(Forbidden):
    """Two pairs of eyes."""

    message = _l("Another coordinator than the one who proposed it has to agree.")


class NothingToAgreeTo(Conflict):
    """It was agreed to, or taken back, in the meantime."""

    message = _l("There is nothing to agree to any more.")
