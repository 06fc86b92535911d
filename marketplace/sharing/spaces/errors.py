"""Why a room cannot be booked, each "no" in one sentence that names the rule."""

from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l


class NoSuchPlace(Invalid):
    """A name to measure from that no building has."""

    message = _l("No public building of that name is known. Try another, or leave it empty.")


class InThePast(Invalid):
    """The time is over."""

    message = _l("That time has already passed. Choose a later one.")


class TooShort(Invalid):
    """Below the room's shortest booking."""

    message = _l("This room is booked for at least {length}.")


class TooLong(Invalid):
    """Above the room's longest booking."""

    message = _l("This room is booked for at most {length} at a time.")


class OffRaster(Invalid):
    """A start between two steps."""

    message = _l("Bookings of this room start every {length}, for example at {example}.")


class TooSoon(Invalid):
    """Less notice than the room needs."""

    message = _l("This room is booked at least {days} days ahead: from {earliest} on.")


class TooFar(Invalid):
    """Beyond the room's horizon."""

    message = _l("This room is booked at most {days} days ahead. That day opens for booking on {opens}.")


class Closed(Invalid):
    """Outside the opening hours."""

    message = _l("The room is closed at that time.")


class ClosedUntil(Closed):
    """Outside the opening hours; the next opening is known."""

    message = _l("The room is closed at that time. Its next opening of that length is {earliest}.")


class TooManyPeople(Invalid):
    """More people than the room holds."""

    message = _l("This room holds {capacity} people.")


class NotOffered(Conflict):
    """The building has taken the room out of booking."""

    message = _l("This room is not offered for booking at present.")


class AlreadyTaken(Conflict):
    """Someone else holds the room then."""

    message = _l("Someone just took that time.")


class HoldRanOut(Conflict):
    """Ten minutes passed, and the time went to someone else."""

    message = _l(
        "The ten minutes for which this time was kept have run out. Choose a time again; what you typed is kept."
    )


class TooManyHolds(Conflict):
    """One person keeps several times from others at once."""

    message = _l("You are already filling in another booking. Finish or leave it first; it is under My bookings.")


class TooManyBookings(Conflict):
    """One person would keep the rooms from everyone else."""

    message = _l("You have {most} bookings ahead of you, which is the most. Cancel one you do not need, or wait.")


class ConfirmAddressFirst(Conflict):
    """The e-mail address is not confirmed."""

    message = _l("Open the letter we sent you and confirm your e-mail address, then send this once more.")


class CallerSuspended(Conflict):
    """Whoever came or called is suspended: until when and why is nobody's business but theirs."""

    message = _l("This person cannot book at present. They read why when they sign in.")


class RulesNotAccepted(Invalid):
    """The box was left empty."""

    message = _l("Confirm that you accept the rules of the room.")


class ChangedMeanwhile(Conflict):
    """Two people edit one thing: the second sees both versions."""

    message = _l("Someone else changed these rules while you were editing. Compare, then save again to keep yours.")


class NoLongerOpen(Conflict):
    """The booking was cancelled, declined or has lapsed."""

    message = _l("This booking is {state}; that can no longer be done.")


class TooLateToCancel(Conflict):
    """After the room's deadline."""

    message = _l("This room may be cancelled or changed until {until}. Call the building if you cannot come.")


class ReasonMissing(Invalid):
    """A refusal without its reason."""

    message = _l("Give the reason; the resident reads it.")


class ClosedAlready(Conflict):
    """A closure over another one, or over what nobody can give up."""

    message = _l(
        "The room is already closed in that time, or someone is filling in a booking. Look again in ten minutes."
    )


class BookingsInTheWay(Conflict):
    """A closure over bookings that someone counts on."""

    message = _l("{count} bookings fall in that time. Look at them, then confirm that they are to be cancelled.")
