"""What notifications refuse, and why."""

from marketplace.kernel.errors import DomainError, NotFound
from marketplace.kernel.words import _l


class NotOurLink(NotFound):
    """An address for switching letters off that did not come from us, or is not whole."""

    title = _l("This link is not whole")
    message = _l("Copy the whole address out of the letter, or sign in and choose in your inbox which letters you get.")


class NoLongerInForce(DomainError):
    """The link of a letter from before its reader wished for such letters again.

    The refusal is the same for a mail program, which posts by itself (RFC 8058): told that all is well, it would say
    so to someone who then goes on getting letters.
    """

    status = 410
    title = _l("This link is no longer in force")
    message = _l(
        "After that letter you chose to get such letters again. To end them, use the link in your latest letter, or"
        " choose in your inbox which letters you get."
    )
