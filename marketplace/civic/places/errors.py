"""What places refuse."""

from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l


class ChangedMeanwhile(Conflict):
    """Someone else saved the building after it was shown."""

    message = _l(
        "Someone else changed this building while you were editing. Nothing of yours is saved yet: compare the two "
        "below, then save again."
    )


class NoSuchPlace(Invalid):
    """A name that no building has."""

    message = _l("No public building of that name is known. Try another one near you.")


class SeveralPlaces(Invalid):
    """A name that several buildings have."""

    message = _l("Several buildings have that name: {names}. Enter the whole name of one.")


class OutsideTheCity(Invalid):
    """A place in none of the city's districts."""

    message = _l("That place is outside the city. Name a public building near you.")
