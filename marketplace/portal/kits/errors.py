"""Why a kit cannot be made or booked, each "no" in one sentence."""

from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l

# --- booking ---


class NotAvailable(Conflict):
    """A part is not offered, or the building does not offer the kit."""

    message = _l("This kit is not available at present.")


class PartRefused(Conflict):
    """One part cannot be had, and so nothing is booked."""

    message = _l("{part}: {why} Nothing was booked.")


class PartRefusedUntil(PartRefused):
    """The same; when everything is free is known."""

    message = _l("{part}: {why} Nothing was booked. The whole kit is free next on {next}.")


class RulesNotAccepted(Invalid):
    """The box was left empty."""

    message = _l("Confirm that you accept the rules of the rooms and the things.")


class NoLongerOpen(Conflict):
    """The whole was given up, or nothing of it is left to give up."""

    message = _l("This booking is given up or over; that can no longer be done.")


class PartKept(Conflict):
    """A part whose own rules do not let it be given up any more, and so nothing is."""

    message = _l("{part}: {why} Nothing was cancelled.")


class OtherDays(Conflict):
    """A room of a kit moved to days for which its things were not lent."""

    message = _l("This booking belongs to a kit. Choose a time on the same day, or cancel the kit and book it anew.")


# --- running ---


class NoSuchPart(Invalid):
    """Something that is not in the building."""

    message = _l("Choose a room of the building, or a thing of a library that runs in it.")


class PartTwice(Conflict):
    """It is in the kit already."""

    message = _l("That is in the kit already. Take it out first to change how many.")


class RoomWithinRoom(Conflict):
    """A hall and its half."""

    message = _l("One of these rooms is part of the other, so they cannot be booked together.")


class TooManyPieces(Invalid):
    """More pieces than there are."""

    message = _l("The library has {most} of them.")


class OneRoomOnly(Invalid):
    """A room several times."""

    message = _l("A room is there once. Leave 1.")


class NothingTogether(Conflict):
    """Nothing that needs to be booked together."""

    message = _l("Before you offer the kit, put a room and at least one more part into it.")


class ChangedMeanwhile(Conflict):
    """Two people edit one kit: the second sees both versions."""

    message = _l("Someone else changed this kit while you were editing. Compare, then save again to keep yours.")
