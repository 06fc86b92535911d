"""What each side would gain from the other, in whole points from 0 to 1,000. The two are never added up.

A criterion has a merit from 0 to 1,000, rounded down; times its weight, by 1,000, rounded half up, it gives points. A
score is the sum of its points, so its parts add up to it exactly. What is not known has half the merit: it speaks
neither for nor against.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.candidates import rules
from matching.candidates.codes import Criterion, Unit
from matching.candidates.facts import UNKNOWN, Rows, Whole, World
from matching.candidates.packs import POINTS, Pack

Points = NDArray[np.int64]


class Weighed(NamedTuple):
    """How good a criterion is, from 0 to 1,000, and the two values it came from."""

    merit: Points
    student: NDArray[Any]
    home: NDArray[Any]


Weigh = Callable[[World, Pack, Rows, Rows], Weighed]


# --- for both ---


def dates(world: World, pack: Pack, s: Rows, h: Rows) -> Weighed:
    """The more days are left beyond what is needed, up to another stay of the same length."""
    found = rules.dates(world, pack, s, h)
    spare = found.home.astype(np.int64) - found.student
    return Weighed(_half_where_missing(_share(spare, pack.least_stay), found.known), found.student, found.home)


def guests(world: World, pack: Pack, s: Rows, h: Rows) -> Weighed:
    """The nearer the two are in how often guests should come."""
    return _near(world.students.guests[s], world.homes.guests[h], len(pack.words.guests) - 1)


def quiet(world: World, pack: Pack, s: Rows, h: Rows) -> Weighed:
    """The nearer the two are in how quiet the nights should be."""
    return _near(world.students.quiet[s], world.homes.quiet[h], len(pack.words.quiet) - 1)


def language(world: World, pack: Pack, s: Rows, h: Rows) -> Weighed:
    """All or nothing: whether they share a language to talk in."""
    own, theirs = world.students.languages[s], world.homes.languages[h]
    return _both(own, theirs, np.where((own & theirs) > 0, POINTS, 0))


# --- for the student ---


def way(world: World, pack: Pack, s: Rows, h: Rows) -> Weighed:
    """The shorter the way, from the programme's longest down to what counts as near."""
    limit, length = world.students.longest_way[s], rules.length_of_way(world, pack, s, h)
    merit = _share(pack.longest_way - length.astype(np.int64), pack.longest_way - pack.near)
    return Weighed(_half_where_missing(merit, length != UNKNOWN), limit, length)


def rent(world: World, pack: Pack, s: Rows, h: Rows) -> Weighed:
    """The lower the rent, from the programme's most down to its least."""
    budget, asked = world.students.budget[s], world.homes.rent[h]
    merit = _share(pack.most_rent - asked.astype(np.int64), pack.most_rent - pack.least_rent)
    return Weighed(_half_where_missing(merit, asked != UNKNOWN), budget, asked)


def fewer_hours(world: World, pack: Pack, s: Rows, h: Rows) -> Weighed:
    """The fewer hours of help are wanted, from the programme's most down to none."""
    offered, wanted = world.students.hours[s], world.homes.hours[h]
    merit = _share(pack.most_hours - wanted.astype(np.int64), pack.most_hours)
    return Weighed(_half_where_missing(merit, wanted != UNKNOWN), offered, wanted)


def liked_tasks(world: World, pack: Pack, s: Rows, h: Rows) -> Weighed:
    """The more of the kinds of help needed are those the student likes."""
    liked, needed = world.students.liked_tasks[s], world.homes.tasks[h]
    return _both(liked, needed, _share(_count(liked & needed), _count(needed)))


# --- for the host ---


def more_hours(world: World, pack: Pack, s: Rows, h: Rows) -> Weighed:
    """The more hours of help are offered, from what is wanted up to twice that."""
    offered, wanted = world.students.hours[s], world.homes.hours[h]
    return _both(offered, wanted, _share(offered.astype(np.int64) - wanted, wanted.astype(np.int64)))


def welcome_tasks(world: World, pack: Pack, s: Rows, h: Rows) -> Weighed:
    """The more of the kinds of help that would be welcome the student would do."""
    willing, welcome = world.students.tasks[s], world.homes.welcome_tasks[h]
    return _both(willing, welcome, _share(_count(willing & welcome), _count(welcome)))


def evenings(world: World, pack: Pack, s: Rows, h: Rows) -> Weighed:
    """The more evenings of the week the student is at home."""
    at_home, wanted = world.students.evenings[s], world.homes.evenings[h]
    return Weighed(_half_where_missing(_share(at_home.astype(np.int64), 7), at_home != UNKNOWN), at_home, wanted)


FOR_STUDENT: Mapping[Criterion, Weigh] = MappingProxyType(
    {
        Criterion.WAY: way, Criterion.RENT: rent, Criterion.DATES: dates, Criterion.HOURS: fewer_hours,
        Criterion.TASKS: liked_tasks, Criterion.GUESTS: guests, Criterion.QUIET: quiet, Criterion.LANGUAGE: language,
    }
)  # fmt: skip
FOR_HOST: Mapping[Criterion, Weigh] = MappingProxyType(
    {
        Criterion.DATES: dates, Criterion.HOURS: more_hours, Criterion.TASKS: welcome_tasks,
        Criterion.EVENINGS: evenings, Criterion.GUESTS: guests, Criterion.QUIET: quiet, Criterion.LANGUAGE: language,
    }
)  # fmt: skip
UNITS: Mapping[Criterion, Unit] = MappingProxyType(
    {
        Criterion.WAY: Unit.METRES, Criterion.RENT: Unit.WON, Criterion.DATES: Unit.DAYS, Criterion.HOURS: Unit.HOURS,
        Criterion.TASKS: Unit.TASKS, Criterion.EVENINGS: Unit.EVENINGS, Criterion.GUESTS: Unit.LEVELS,
        Criterion.QUIET: Unit.LEVELS, Criterion.LANGUAGE: Unit.LANGUAGES,
    }
)  # fmt: skip


def student_scores(world: World, pack: Pack, s: Rows, h: Rows) -> Points:
    """What each student (n,) would gain from the home (n,) beside."""
    return _total(world, pack, s, h, FOR_STUDENT, pack.student_weights)


def host_scores(world: World, pack: Pack, s: Rows, h: Rows) -> Points:
    """What the host of each home (n,) would gain from the student (n,) beside."""
    return _total(world, pack, s, h, FOR_HOST, pack.host_weights)


def points(merit: Points, weight: int) -> Points:
    """A merit (n,) in points of its weight."""
    return (merit * weight + POINTS // 2) // POINTS


def _total(
    world: World, pack: Pack, s: Rows, h: Rows, weigh: Mapping[Criterion, Weigh], weights: Mapping[Criterion, int]
) -> Points:  # fmt: skip
    total = np.zeros(np.broadcast_shapes(s.shape, h.shape), dtype=np.int64)
    for criterion, weight in weights.items():
        if weight:
            total += points(weigh[criterion](world, pack, s, h).merit, weight)
    return total


def _share(part: Points, whole: Points | int) -> Points:
    """How much of the whole a part is, of 1,000, rounded down and never beyond 0 and 1,000; of nothing, all."""
    size = np.maximum(whole, 1)
    return np.where(np.asarray(whole) > 0, POINTS * np.clip(part, 0, size) // size, POINTS)


def _near(own: Whole, theirs: Whole, span: int) -> Weighed:
    return _both(own, theirs, _share(span - np.abs(own.astype(np.int64) - theirs), span))


def _both(own: Whole, theirs: Whole, merit: Points) -> Weighed:
    return Weighed(_half_where_missing(merit, (own != UNKNOWN) & (theirs != UNKNOWN)), own, theirs)


def _half_where_missing(merit: Points, known: NDArray[np.bool_]) -> Points:
    return np.where(known, merit, POINTS // 2)


def _count(bits: Whole) -> Points:
    return np.bitwise_count(bits).astype(np.int64)
