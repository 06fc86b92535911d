"""What webhooks refuse, and why."""

from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l


class AddressUnwritable(Invalid):
    """Not an address, or one that would not be safe to ask."""

    message = _l("Enter an address that begins with https://, without a name or password in it.")


class HostUnknown(Invalid):
    """A name that the internet does not know."""

    message = _l("Nobody has this name. Check the spelling of the address.")


class AddressInside(Invalid):
    """Nobody shall reach through us what only our own network may."""

    message = _l("This address leads into a private network. News is only sent to addresses on the public internet.")


class TooManyEndpoints(Conflict):
    """More than anyone looks after."""

    message = _l("There are {most} webhooks. Remove one first.")


class EndpointOff(Conflict):
    """Nothing is sent to it now."""

    message = _l("This webhook is switched off. Switch it on first.")
