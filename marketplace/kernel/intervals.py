"""Half-open intervals of time, what is left between them, and weekly opening hours."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from marketplace.kernel import clock

HOLIDAY = 7
"""The eighth row of weekly hours, after Monday 0 … Sunday 6: the hours of a public holiday."""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """From a moment up to, not including, a later one; kept in UTC so that lengths are what a stopwatch would show."""

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        for name, moment in (("starts_at", self.starts_at), ("ends_at", self.ends_at)):
            if moment.tzinfo is None:
                raise ValueError("a moment needs a time zone")
            if moment.tzinfo is not UTC:
                object.__setattr__(self, name, moment.astimezone(UTC))
        if self.ends_at <= self.starts_at:
            raise ValueError("an interval ends after it starts")

    @property
    def length(self) -> timedelta:
        """How much time passes."""
        return self.ends_at - self.starts_at

    def overlaps(self, other: "Interval") -> bool:
        """Whether some moment lies in both; intervals that touch do not overlap."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def contains(self, other: "Interval | datetime") -> bool:
        """Whether all of another interval, or a moment, lies within."""
        if isinstance(other, Interval):
            return self.starts_at <= other.starts_at and other.ends_at <= self.ends_at
        return self.starts_at <= other < self.ends_at

    def meet(self, other: "Interval") -> "Interval | None":
        """The time in both, if there is any."""
        starts_at, ends_at = max(self.starts_at, other.starts_at), min(self.ends_at, other.ends_at)
        return Interval(starts_at, ends_at) if starts_at < ends_at else None

    def widened(self, before: timedelta = timedelta(0), after: timedelta = timedelta(0)) -> "Interval":
        """The same interval with time added at either side."""
        return Interval(self.starts_at - before, self.ends_at + after)


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time as few intervals as possible, in order: those that overlap or touch become one."""
    result: list[Interval] = []
    for interval in sorted(intervals):
        if result and interval.starts_at <= result[-1].ends_at:
            if interval.ends_at > result[-1].ends_at:
                result[-1] = Interval(result[-1].starts_at, interval.ends_at)
        else:
            result.append(interval)
    return result


def subtract(windows: Iterable[Interval], busy: Iterable[Interval]) -> list[Interval]:
    """The gaps: what remains of the windows outside all that is busy, merged and in order. Linear once sorted."""
    taken = merged(busy)
    gaps: list[Interval] = []
    first = 0
    for window in merged(windows):
        free_from = window.starts_at
        while first < len(taken) and taken[first].ends_at <= free_from:
            first += 1
        i = first
        while i < len(taken) and taken[i].starts_at < window.ends_at:
            if free_from < taken[i].starts_at:
                gaps.append(Interval(free_from, taken[i].starts_at))
            free_from = taken[i].ends_at
            i += 1
        if free_from < window.ends_at:
            gaps.append(Interval(free_from, window.ends_at))
        first = max(first, i - 1)
    return gaps


def starts(gaps: Iterable[Interval], length: timedelta, raster: timedelta, origin: datetime) -> Iterator[datetime]:
    """The moments, in order, at which something of this length may start so that it lies within one gap.

    They lie on the raster: a whole number of its steps before or after the origin. Raises ValueError if the length or
    the raster is not positive.
    """
    if length <= timedelta(0) or raster <= timedelta(0):
        raise ValueError("a length and a raster are positive")
    origin = origin.astimezone(UTC)
    for gap in merged(gaps):
        start = origin - (origin - gap.starts_at) // raster * raster
        while start + length <= gap.ends_at:
            yield start
            start += raster


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """When something is open, on the city's wall clocks: spans of minutes past midnight for each day of the week.

    days        eight rows, Monday 0 … Sunday 6 and public holidays 7, each of (opens, closes) pairs up to minute 1440
    closed_nth  (weekday, n) for "every n-th such day of the month is closed", n from 1 to 5, holiday or not
    """

    days: tuple[tuple[tuple[int, int], ...], ...]
    closed_nth: frozenset[tuple[int, int]] = frozenset()

    def __post_init__(self) -> None:
        if len(self.days) != HOLIDAY + 1:
            raise ValueError("weekly hours have a row for each weekday and one for holidays")
        for spans in self.days:
            for opens, closes in spans:
                if not 0 <= opens < closes <= 1440:
                    raise ValueError("a day's hours lie between minute 0 and minute 1440 and close after they open")
            if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
                raise ValueError("a day's hours are in order and do not overlap")
        if any(not (0 <= weekday <= 6 and 1 <= nth <= 5) for weekday, nth in self.closed_nth):
            raise ValueError("closed days are a weekday 0 to 6 and its number in the month, 1 to 5")

    def on(self, day: date, is_holiday: bool) -> list[Interval]:
        """The opening hours of one date, in order.

        They are as long as a stopwatch would show: an opening at night may lose an hour in spring, or vanish, and gain
        one in autumn. Hours up to midnight and from midnight touch, and become one when days are merged.
        """
        if (day.weekday(), (day.day + 6) // 7) in self.closed_nth:
            return []
        bounds = [
            (clock.at(day, opens), clock.at(day, closes))
            for opens, closes in self.days[HOLIDAY if is_holiday else day.weekday()]
        ]
        return merged(Interval(opens_at, closes_at) for opens_at, closes_at in bounds if opens_at < closes_at)
