"""What places refuse."""

from marketplace.kernel.errors import Conflict
from marketplace.kernel.words import _l


class ChangedMeanwhile(Conflict):
    """Someone else saved the building after it was shown."""

    message = _l(
        "Someone else changed this building while you were editing. Nothing of yours is saved yet: compare the two "
        "below, then save again."
    )
