"""What notifications refuse, and why."""

from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _l


class NotOurLink(NotFound):
    """An address for switching letters off that did not come from us, or is not whole."""

    title = _l("This link is not whole")
    message = _l("Copy the whole address out of the letter, or sign in and choose in your inbox which letters you get.")
