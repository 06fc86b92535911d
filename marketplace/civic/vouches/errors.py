"""What vouching refuses, and why."""

from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l


class ForYourself(Invalid):
    """A manager's own account."""

    message = _l("Nobody vouches for themselves. Ask someone who manages another building.")


class VouchedAlready(Conflict):
    """One word of each building for each person."""

    message = _l("This building has vouched for this person already, or waits for them to agree.")


class VouchOver(Conflict):
    """It was ended meanwhile, or answered."""

    message = _l("This was answered or ended already.")


class ReasonMissing(Invalid):
    """The person wants to know why."""

    message = _l("Give a reason; the person reads it.")
