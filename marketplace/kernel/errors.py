"""Refusals: every "no" is a DomainError with a sentence of its own; its parent says which kind of "no" it is."""

from marketplace.kernel.words import Text, _l


class DomainError(Exception):
    """Something a rule forbids. `message` may name {details}, given when it is raised."""

    status = 400
    title: Text = _l("That did not work")
    message: Text = _l("That did not work.")

    def __init__(self, **details: object) -> None:
        super().__init__(self.message.message)
        self.details = details

    @property
    def sentence(self) -> Text:
        """The refusal in one sentence, with its details."""
        return self.message.filled(**self.details)

    @property
    def code(self) -> str:
        """A stable name for programs: AlreadyPromised is already_promised."""
        name = type(self).__name__
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


class Invalid(DomainError):
    """What was sent cannot be right."""

    status = 422
    title = _l("Something is not right yet")


class Forbidden(DomainError):
    """The person may see the thing but not do this with it."""

    status = 403
    title = _l("You may not do that")
    message = _l("Your account may not do that.")


class NotFound(DomainError):
    """There is no such thing, or none that this person may know of."""

    status = 404
    title = _l("Page not found")
    message = _l("There is nothing at this address, or it is not yours to see.")


class Conflict(DomainError):
    """It was possible a moment ago, or is not possible in the present state."""

    status = 409
    title = _l("That is no longer possible")


class TooMany(DomainError):
    """A limit on how often something may be tried."""

    status = 429
    title = _l("Too many tries")
    message = _l("That was tried too often. Please wait {minutes} minutes and try again.")
