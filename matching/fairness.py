"""Whether groups fare alike: the ratio of two shares with its interval, and whether to be alarmed.

The ratio is that of disparate impact: a group's share against that of the best-off group; below four fifths is the
alarm of the US Uniform Guidelines on Employee Selection Procedures (1978, 29 CFR 1607.4 D). As the guidelines warn of
small numbers, the alarm also asks that the interval lies below one: that chance alone does not explain the difference.

The interval is Koopman's (1984, Biometrics 40, 513-517), by inverting the score test of the ratio: unlike Katz's log
interval (1978) it exists where a share is nought, which is the case that matters most.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import NormalDist

FOUR_FIFTHS = 0.8
LEVEL = 0.95
NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of shares with the ends of its interval; inf where the other share may be nought."""

    ratio: float
    low: float
    high: float

    @property
    def alarms(self) -> bool:
        """Whether it is below four fifths, and chance does not explain that it is below one."""
        return self.ratio < FOUR_FIFTHS and self.high < 1


def ratio_of_shares(yes: int, of: int, other_yes: int, other_of: int, level: float = LEVEL) -> Ratio:
    """The share yes/of to the share other_yes/other_of, with Koopman's interval.

    raises  ValueError if a count is negative, larger than what it is of, or of nobody.

    With no yes on either side nothing is known: the ratio is 1, from 0 to inf.
    """
    if not (0 <= yes <= of and 0 <= other_yes <= other_of and of and other_of):
        raise ValueError("counts must lie between nought and what they are of")
    if yes == other_yes == 0:
        return Ratio(1.0, 0.0, inf)
    most = NormalDist().inv_cdf((1 + level) / 2) ** 2  # chi-squared with one degree of freedom: a normal one squared

    def beyond(ratio: float) -> float:
        return score(ratio, yes, of, other_yes, other_of) - most

    estimate = (yes / of) / (other_yes / other_of) if other_yes else inf
    low = 0.0 if yes == 0 else _crossing(beyond, estimate if other_yes else 1.0, down=True)
    high = inf if other_yes == 0 else _crossing(beyond, estimate if yes else 1.0, down=False)
    return Ratio(estimate, low, high)


def _crossing(beyond: Callable[[float], float], start: float, *, down: bool) -> float:
    """Where the score leaves the level, going from the estimate towards nought or infinity: it rises on the way."""
    near, step = start, 0.5 if down else 2.0
    while beyond(near) > 0:
        near /= step
    far = near * step
    while beyond(far) <= 0:
        far *= step
    from scipy.optimize import brentq  # noqa: PLC0415 - slow to load, and only the fairness panel needs it

    return float(brentq(beyond, *sorted((near, far)), xtol=1e-12, rtol=1e-12))


def score(ratio: float, yes: int, of: int, other_yes: int, other_of: int) -> float:
    """The score statistic of a ratio, chi-squared with one degree of freedom if it is the true one."""
    p = restricted(ratio, yes, of, other_yes, other_of)
    return _misfit(yes, of, p) + _misfit(other_yes, other_of, p / ratio)


def _misfit(yes: int, of: int, share: float) -> float:
    """Pearson's term of a group: how far from what a share lets expect, in squared deviations."""
    share = min(max(share, 0.0), 1.0)
    gap, spread = (yes - of * share) ** 2, of * share * (1 - share)
    if spread < NOTHING:
        return 0.0 if gap < NOTHING else inf
    return gap / spread


def restricted(ratio: float, yes: int, of: int, other_yes: int, other_of: int) -> float:
    """The likeliest share of the first group, if the shares have this ratio: the root of a quadratic (Koopman, 4)."""
    both = ratio * (of + other_yes) + yes + other_of
    inner = both**2 - 4 * ratio * (of + other_of) * (yes + other_yes)
    return (both - sqrt(max(inner, 0.0))) / (2 * (of + other_of))


def best_off(groups: Sequence[tuple[int, int]]) -> int:
    """The place of the group with the highest share, the largest of several; each (yes, of), of at least one."""
    return max(range(len(groups)), key=lambda place: (groups[place][0] / groups[place][1], groups[place][1], -place))
