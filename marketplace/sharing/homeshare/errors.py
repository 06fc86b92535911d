"""The refusals of home share, each with its own sentence."""

from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l


class NoRoomLeft(Conflict):
    """The room was promised to someone else in the same instant."""

    message = _l("The room is kept for someone else by now.")


# --- grants ---


class AskedAlready(Conflict):
    """One request after the other."""

    message = _l("A grant for your home waits to be decided already.")


class GrantTooLarge(Invalid):
    """More than the city pays for a room."""

    message = _l("For this room {left} can still be granted.")


class GrantWentOn(Conflict):
    """Someone else decided or paid meanwhile."""

    message = _l("This grant is: {state}. That can no longer be done.")


class PaidBySamePerson(Conflict):
    """Whoever grants a sum does not pay it."""

    message = _l("You granted this yourself. Someone else has to book the payment.")
