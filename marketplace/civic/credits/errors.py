"""What credits refuse, and why."""

from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l


class TooFewCredits(Conflict):
    """Nobody goes below what was agreed."""

    message = _l("That needs {amount} of time credit; there is {there}.")


class ToYourself(Invalid):
    """Staff who give to themselves."""

    message = _l("This is your own account. Ask a colleague to do it.")


class NothingGiven(Invalid):
    """No time at all."""

    message = _l("Enter hours or minutes.")


class MuchAtOnce(Invalid):
    """A slip of the finger, or worse."""

    message = _l("Enter at most {most} at once.")


class MuchInAMonth(Conflict):
    """More than anyone helps."""

    message = _l("Within 30 days a person can be given at most {most}. What is left: {left}.")


class TakenBack(Conflict):
    """Another member of staff was quicker."""

    message = _l("These credits were taken back already.")


class SpentAlready(Conflict):
    """What is to be taken back is not there any more."""

    message = _l("The person no longer has these credits. Talk to each other first.")


class DepositOpen(Conflict):
    """One deposit for one thing at a time."""

    message = _l("A deposit for this was put down already.")


class NoDeposit(Conflict):
    """Settled already, or never put down."""

    message = _l("There is no deposit for this any more.")


class KeptTooMuch(Invalid):
    """More than was put down."""

    message = _l("At most {most} can be kept: that is the whole deposit.")


class OfferedAlready(Conflict):
    """One agreement at a time."""

    message = _l("This person has an offer or an agreement already. End it first.")


class OfferOver(Conflict):
    """Answered, or taken back meanwhile."""

    message = _l("This offer is no longer open.")


class StillOwed(Conflict):
    """The agreement is what the balance stands on."""

    message = _l("This agreement can end once what is owed is given back: {owed}.")


class FundTooLow(Conflict):
    """Nothing goes out that did not come in."""

    message = _l("There is only {there} in the fund.")


class PaidAlready(Conflict):
    """The fund pays for one thing once."""

    message = _l("The fund has paid for this already.")
