"""What accounts refuse, and why."""

from marketplace.kernel.errors import Conflict, Forbidden, Invalid
from marketplace.kernel.words import _l


class WrongSignIn(Invalid):
    """The same sentence whether the account or the password is wrong."""

    message = _l("The e-mail address or the password is wrong.")


class WrongPassword(Invalid):
    """Asked again before something that matters."""

    message = _l("That is not your present password.")


class NoPassword(Invalid):
    """An account that is signed in to another way."""

    message = _l("This account has no password yet. Choose “I do not know my password” when signing in to set one.")


class PasswordLength(Invalid):
    """Too short to be safe, or too long to be read."""

    message = _l("Choose a password of {least} to {most} characters. Three or four words together are good.")


class PasswordCommon(Invalid):
    """Among those tried first."""

    message = _l("Many people use that password, so it is tried first. Choose another.")


class PasswordNamesYou(Invalid):
    """Guessed by whoever knows the name."""

    message = _l("Choose a password without your name, your e-mail address or the name of the city.")


class LinkOver(Conflict):
    """A link that is used, too old, or never was."""

    title = _l("This link no longer works")
    message = _l("The link was used already, or is too old. Ask for a new letter and follow the link in it.")


class AddressTaken(Conflict):
    """Someone else confirmed the address first."""

    message = _l("Another account has this e-mail address already. Sign in to that one, or ask for a new password.")


class NotConfirmed(Forbidden):
    """Nobody makes anything with an address that may be someone else's."""

    title = _l("Confirm your e-mail address first")
    message = _l("We sent you a letter by e-mail. Open it, follow the link, then come back and try again.")


class Suspended(Forbidden):
    """Decided by a moderator, for a time."""

    title = _l("Your account is suspended for a time")
    message = _l("Until {until} you can look at everything, but not book or post. {reason}")


class ChangedMeanwhile(Conflict):
    """Two windows, two edits: the second sees both."""

    message = _l("This was changed in another window: {theirs}. You typed: {yours}. Send again to keep yours.")


class NeedsPlace(Invalid):
    """A manager of no building, or staff of no department."""

    message = _l("Choose which building is managed, or which department is served.")


class AlreadyGranted(Conflict):
    """Nothing to do."""

    message = _l("This person has that role already.")


class LastAdministrator(Conflict):
    """Nobody would be left to give roles."""

    message = _l("This is the last administrator. Make someone else an administrator first.")


class TooManyTokens(Conflict):
    """More than anyone can keep in view."""

    message = _l("You have {most} tokens. Revoke one first.")


class InTheFuture(Invalid):
    """Nobody can have checked tomorrow."""

    message = _l("Enter a day that is not in the future.")


class NobodyHere(Invalid):
    """An address that nobody has confirmed."""

    message = _l("Nobody has confirmed this e-mail address. Ask the person to open an account first.")
