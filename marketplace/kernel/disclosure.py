"""Small counts in published tables: hidden, and so that the total of the row does not give them away.

Cell suppression with complementary suppression (Hundepool et al., Statistical Disclosure Control, 2012, chapter 4) for
rows that are published each on its own, with a total. A reader knows the rule, the total and every cell shown.
"""

from collections.abc import Sequence
from enum import Enum

LEAST = 5
"""A smaller count might point at people."""


class Hidden(Enum):
    """Why a count is not shown: it is small, or it would give a small one away."""

    SMALL = "small"
    SHIELD = "shield"


Shown = int | Hidden


def shielded(counts: Sequence[int], least: int = LEAST) -> tuple[list[Shown], Shown]:
    """A row and its total as they may be published; counts below `least` are small.

    Whatever the reader works out from the total, each small count may still be any small number. Where small counts
    alone do not achieve that, the smallest other count is hidden too, then the next; at last the total.
    """
    total = sum(counts)
    if total < least:
        return [Hidden.SMALL] * len(counts), Hidden.SMALL
    shown: list[Shown] = [count if count >= least else Hidden.SMALL for count in counts]
    shields = sorted((count, place) for place, count in enumerate(counts) if count >= least)
    while not _keeps_secrets(shown, total, least):
        if not shields:
            return shown, Hidden.SHIELD
        shown[shields.pop(0)[1]] = Hidden.SHIELD
    return shown, total


def _keeps_secrets(shown: Sequence[Shown], total: int, least: int) -> bool:
    """Whether each small count may be anything small, by all that the reader knows."""
    small, shields = shown.count(Hidden.SMALL), shown.count(Hidden.SHIELD)
    rest = total - sum(count for count in shown if isinstance(count, int))
    if not small:
        return True
    most = least - 1
    may_be_all = rest >= most + least * shields
    may_be_none = shields > 0 or rest <= most * (small - 1)
    return may_be_all and may_be_none
