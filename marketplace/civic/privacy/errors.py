"""What is refused about one's data, and why."""

from marketplace.kernel.errors import Conflict, Forbidden, Invalid
from marketplace.kernel.words import _l


class CopyUnderway(Conflict):
    """One at a time."""

    message = _l("A copy of your data is being made already. We tell you when it is ready.")


class OneCopyADay(Conflict):
    """It takes the machines a while."""

    message = _l("You asked for a copy today already. You can ask for another one tomorrow.")


class NotUnderstood(Invalid):
    """Nobody is erased by a slip of the finger."""

    message = _l("Tick the box to say that you have read what is lost.")


class SomethingOpen(Conflict):
    """What somebody else still waits for."""

    title = _l("Something has to be settled first")
    message = _l("Your account cannot be erased yet: {what}")


class AboutToBeErased(Forbidden):
    """Until the person changes their mind, the account does nothing new."""

    title = _l("This account is about to be erased")
    message = _l("You asked to have this account erased. Sign in on the pages if you want to keep it.")
