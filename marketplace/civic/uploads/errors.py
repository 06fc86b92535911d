"""Why a file is refused: at once, or when it is looked into."""

from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l


class UnknownKind(Invalid):
    """Its first bytes are those of nothing that is taken here: SVG, HTML, a program."""

    message = _l("“{name}” is not a file that can be added here. You can add {kinds}.")


class EmptyFile(Invalid):
    """Nothing in it."""

    message = _l("“{name}” is empty. Choose it again, or another file.")


class TooLarge(Invalid):
    """More bytes than its kind may have."""

    message = _l("“{name}” is too large: it may have at most {most} MB.")


class TooManyFiles(Invalid):
    """More than the place has room for."""

    message = _l("You can add at most {most} files here.")


class DayFull(Conflict):
    """The day's share of one person is used up."""

    message = _l("You have added as much as one person may in a day. You can add more tomorrow.")


class NoRecordings(Conflict):
    """The programs that make recordings fit to be shown are not installed."""

    message = _l("Sound and video cannot be added here at present. Add a picture, or write it down.")


class AddressNotConfirmed(Conflict):
    """Nobody stands behind the account yet."""

    message = _l("Confirm your e-mail address before you add files. The link is in the letter we sent you.")


class FileGone(Conflict):
    """Deleted meanwhile, used elsewhere, or never this person's."""

    message = _l("One of the files is no longer there. Add it again.")


class WasRefused(Invalid):
    """Looked into and refused before it was sent."""

    message = _l("“{name}” was refused. {reason}")


class StillUsed(Conflict):
    """What is attached goes with what it is attached to."""

    message = _l("This file belongs to something you sent, so it cannot be deleted here.")


class Unreadable(Invalid):
    """Broken, cut short, or not what it begins like."""

    message = _l("The file is damaged or incomplete. Open it on your device, save it again and add that.")


class TooManyPixels(Invalid):
    """A picture that would fill the memory."""

    message = _l("The picture is too large: it may have at most 64 million pixels. Make it smaller and add it again.")


class TooLong(Invalid):
    """Longer than a message should be."""

    message = _l("The recording is longer than 3 minutes. Shorten it, or record it again.")


class ProtectedDocument(Invalid):
    """Nobody can read it without its password."""

    message = _l("The PDF is protected by a password. Save it without one and add it again.")


class ActiveDocument(Invalid):
    """It does something when it is opened."""

    message = _l("The PDF holds a script, a form program or other files. Print it to a new PDF and add that.")


REFUSALS: dict[str, type[Invalid]] = {
    refusal().code: refusal for refusal in (Unreadable, TooManyPixels, TooLong, ProtectedDocument, ActiveDocument)
}
"""What a file may be refused for once it is looked into, by code."""
