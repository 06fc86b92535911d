"""What signing in with the city's identity provider refuses, and why."""

from marketplace.kernel.errors import Conflict, DomainError
from marketplace.kernel.words import _l


class NotSignedIn(DomainError):
    """The way over the provider led nowhere; every other way in is still open."""


class ProviderAway(NotSignedIn):
    """It does not answer, or not as one can understand."""

    message = _l("{name} cannot be reached at the moment. Try again later, or sign in another way.")


class ProviderLies(NotSignedIn):
    """It says that it is someone else, or answers for someone else."""

    message = _l(
        "{name} gave an answer that we cannot trust, so nobody was signed in. Sign in another way, and tell the city."
    )


class Declined(NotSignedIn):
    """The person turned back, or the provider did not let them in."""

    message = _l("You did not finish signing in with {name}. Try again, or sign in another way.")


class OutOfDate(NotSignedIn):
    """An answer that this browser did not ask for, or not any more."""

    message = _l("This answer of {name} is too old, or was used already. Please try again.")


class NotFresh(NotSignedIn):
    """A proof needs a sign-in of this minute, with a second factor where one is set up here."""

    message = _l("{name} did not ask you again who you are. Prove it another way.")


class LinkedToAnother(Conflict):
    """One subject, one account."""

    message = _l("This sign-in already opens another account. Sign out, and sign in with it to get there.")


class LinkedAlready(Conflict):
    """One account, one subject of a provider."""

    message = _l("Your account is already linked. Unlink it first to link another one.")


class LastWayIn(Conflict):
    """Nobody could get in any more."""

    message = _l("This is the only way into your account. Set a password first.")
