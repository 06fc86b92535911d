"""What the city's programme allows: the pack of rules and weights that matching knows, and what surrounds it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from matching.candidates.packs import Pack


@dataclass(frozen=True, slots=True)
class Programme:
    """Terms of home share in the city. Days are whole days, sums are in the currency's units."""

    pack: Pack = field(default_factory=Pack.load)
    record_check: bool = True
    """Whether the law lets the programme ask for a check of criminal records."""
    answer_days: int = 5
    """How long both sides have for their yes or no."""
    soon_days: int = 7
    """Whose deadline is no further away is not kept waiting for the night."""
    least_trial_days: int = 14
    most_trial_days: int = 30
    most_grant: int = 1_000_000
    """What the city pays at most for repairs of a room."""


_programmes = [Programme()]


def programme() -> Programme:
    """The programme of this city."""
    return _programmes[-1]


def set_pack(path: Path) -> None:
    """Read the city's own pack. Raises PackError with the name of the key that cannot be right."""
    _programmes[:] = [replace(programme(), pack=Pack.load(path))]
