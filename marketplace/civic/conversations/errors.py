"""What conversations refuse, and why."""

from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l


class NothingWritten(Invalid):
    """A message needs words or a picture."""

    message = _l("Write something first.")


class HoldsContacts(Invalid):
    """Not refused for good: whoever read the warning may send it all the same."""

    message = _l("Nothing is agreed yet, and your message seems to hold {what}. Look at it again before you send it.")


class Over(Conflict):
    """Nothing is left to talk about."""

    message = _l("This conversation is closed, because what it was about is over. You can still read it.")


class NobodyThere(Conflict):
    """A building without anyone who runs it."""

    message = _l("Nobody answers messages about this at the moment.")


class NotNow(Conflict):
    """Blocked by the other side: said in a way that does not tell."""

    message = _l("You cannot write in this conversation at the moment.")


class Blocked(Conflict):
    """Blocked by oneself."""

    message = _l("You have blocked {name}. Unblock them if you want to write.")


class NoLongerDeleted(Conflict):
    """The other side relies on what was said."""

    message = _l("This message can no longer be deleted. That is possible for {minutes} minutes after sending.")
