"""Scores in bands: a point of score is no reason to break up a household, so scores of one band count as equal.

Where bands begin is fixed in the pack and the same for everyone. Cut points taken from the scores themselves, such as
fifths of someone's candidates, would move with each home that joins: a match would change bands without anything of it
having changed, and nobody could be told beforehand what a band means.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def bands(scores: ArrayLike, cuts: Sequence[int]) -> NDArray[np.int8]:
    """The band of each score (n,): 0, the best, from the first cut up, and so on; the last is below every cut.

    cuts  falling, as a pack holds them: `pack.student_bands` or `pack.host_bands`. A score equal to a cut is above it.
    """
    rising = np.array(cuts[::-1], dtype=np.int64)
    above = np.searchsorted(rising, np.asarray(scores, dtype=np.int64), side="right")
    return (len(cuts) - above).astype(np.int8)
