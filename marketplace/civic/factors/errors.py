"""What second factors refuse, and why."""

from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l


class WrongCode(Invalid):
    """Mistyped, too late, or seen before."""

    message = _l("This code is not right, or was used already. Wait for the next one and type that.")


class WrongRecoveryCode(Invalid):
    """Mistyped, of an older set, or used."""

    message = _l("This is none of your recovery codes, or it was used already.")


class PageTooOld(Invalid):
    """The secret on the page is not readable any more, or was made for someone else."""

    message = _l("This page is too old. Load it again, and scan the new picture.")


class PasskeyRefused(Invalid):
    """The device's answer proves nothing here: another site, another question, an unknown key."""

    message = _l("This passkey was not accepted. Try again, or choose another way.")


class PasskeyCopied(Invalid):
    """The device has counted backwards: two devices hold what only one should."""

    message = _l("This passkey seems to have been copied, so it is not accepted. Choose another way and remove it.")


WRONG = (WrongCode, WrongRecoveryCode, PasskeyRefused)
"""What a thief's second step is refused with."""


class PasskeyKnown(Conflict):
    """The same key a second time."""

    message = _l("This passkey is registered already.")


class TooManyPasskeys(Conflict):
    """More than anyone can keep in view."""

    message = _l("You have {most} passkeys. Remove one first.")


class LastFactor(Conflict):
    """Whoever works for the city keeps one."""

    message = _l("Your role needs a second factor. Set up another one before you remove this one.")


class NeedsFactor(Invalid):
    """A password proves less than what was set up."""

    message = _l("Use your second factor: the password alone is not enough here.")


class NoFactor(Conflict):
    """Recovery codes recover nothing by themselves."""

    message = _l("Set up an app or a passkey first.")
