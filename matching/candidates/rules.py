"""The hard rules: what must hold, both ways, before a student and a home are even considered for each other.

Each rule is a function of the world, the pack and the rows of students and homes, which broadcast against each other:
n and n for n pairs, (n, 1) and (1, m) for every student with every home. It compares two values. A pair fails by how
much it is short, in the rule's unit; what is not short passes, equal values too. Where a fact is missing the rule says
so. It does not where nothing is asked: whoever brings no pet needs no word about pets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.candidates.codes import Code, Unit, Verdict
from matching.candidates.facts import NO_LIMIT, UNKNOWN, Ids, Rows, Whole, World
from matching.candidates.packs import Measure, Missing, Pack

Flags = NDArray[np.bool_]


class Compared(NamedTuple):
    """What a rule found, in arrays that broadcast to the shape of the pairs.

    student, home  the two values compared
    short_by       how much is lacking; 0 or less where nothing is. Means nothing where not known
    known          whether no fact is missing that matters
    """

    student: NDArray[Any]
    home: NDArray[Any]
    short_by: NDArray[Any]
    known: Flags

    def passes(self) -> Flags:
        """Where the rule holds."""
        return self.known & (self.short_by <= 0)

    def fails(self) -> Flags:
        """Where the rule does not hold."""
        return self.known & (self.short_by > 0)

    def verdicts(self) -> NDArray[np.int8]:
        """A Verdict for each pair."""
        told = np.where(self.short_by > 0, Verdict.FAIL, Verdict.PASS)
        return np.where(self.known, told, Verdict.UNKNOWN).astype(np.int8)


class About(StrEnum):
    """Whose facts decide: those of one side alone are checked before any pair is made."""

    STUDENT = "student"
    HOME = "home"
    PAIR = "pair"


Judge = Callable[[World, Pack, Rows, Rows], Compared]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule and what is known of it beforehand.

    relaxable  whether someone could give way by some amount: go further, pay more. No law, no red line, no safeguard.
    """

    code: Code
    unit: Unit
    about: About
    relaxable: bool
    judge: Judge

    @property
    def sentence(self) -> str:
        """What must hold."""
        return (self.judge.__doc__ or "").partition("\n")[0]


_rules: dict[Code, Rule] = {}


def _rule(
    code: Code, unit: Unit, about: About = About.PAIR, *, relaxable: bool = False
) -> Callable[[Judge], Judge]:  # fmt: skip
    def register(judge: Judge) -> Judge:
        _rules[code] = Rule(code, unit, about, relaxable, judge)
        return judge

    return register


# --- one side alone ---


@_rule(Code.STUDENT_ADULT, Unit.YES, About.STUDENT)
def student_adult(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The student is of age for the programme."""
    return _at_least(world.students.adult[s], _ones(h))


@_rule(Code.HOST_ELIGIBLE, Unit.YES, About.HOME)
def host_eligible(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The programme admits the host."""
    return _at_most(_ones(s), world.homes.eligible[h])


@_rule(Code.NO_DEPOSIT, Unit.WON, About.HOME)
def no_deposit(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The deposit is at most what the programme allows."""
    return _at_least(_ones(s) * np.int32(pack.deposit), world.homes.deposit[h])


@_rule(Code.RENT_OF_PROGRAMME, Unit.WON, About.HOME)
def rent_of_programme(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The rent lies between the least and the most of the programme; the nearer of the two is told."""
    rent = world.homes.rent[h]
    bound = np.clip(rent, pack.least_rent, pack.most_rent)
    middle = pack.least_rent + (pack.most_rent - pack.least_rent) // 2
    told = np.where(bound != rent, bound, np.where(rent > middle, pack.most_rent, pack.least_rent))
    return Compared(told, rent, np.abs(rent.astype(np.int64) - bound), rent != UNKNOWN)


@_rule(Code.HOURS_OF_PROGRAMME, Unit.HOURS, About.HOME)
def hours_of_programme(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """No more help is wanted than the programme allows; offering more bars nobody."""
    return _at_least(_ones(s) * np.int32(pack.most_hours), world.homes.hours[h])


# --- both sides ---


@_rule(Code.RENT_IN_BUDGET, Unit.WON, relaxable=True)
def rent_in_budget(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The student can pay the rent."""
    return _at_least(world.students.budget[s], world.homes.rent[h])


@_rule(Code.DATES, Unit.DAYS, relaxable=True)
def dates(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """From today on, both have as many days in common as the one who wants to stay or let longest needs."""
    students, homes = world.students, world.homes
    own = (students.wanted_from[s], students.wanted_until[s], students.least_stay[s])
    theirs = (homes.free_from[h], homes.free_until[h], homes.least_stay[h])
    known = _known(*own) & _known(*theirs)
    common = _where(known, np.minimum(own[1], theirs[1]) - first_day(world, s, h))
    needed = np.maximum(np.maximum(own[2], np.int32(pack.least_stay)), theirs[2])
    return Compared(needed, common, needed - common, known)


@_rule(Code.WAY, Unit.METRES, relaxable=True)
def way(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The home is no further from the place of study than the student would go."""
    return _at_least(world.students.longest_way[s], length_of_way(world, pack, s, h))


@_rule(Code.WAY_OF_PROGRAMME, Unit.METRES)
def way_of_programme(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The home is no further from the place of study than the programme asks anyone to go."""
    return _at_least(_ones(s) * np.int32(pack.longest_way), length_of_way(world, pack, s, h))


@_rule(Code.ROOMS, Unit.ROOMS)
def rooms(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """There is a room for each who comes."""
    return _at_most(world.students.people[s], world.homes.rooms[h])


@_rule(Code.HOURS, Unit.HOURS, relaxable=True)
def hours(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The student offers as many hours of help as are wanted."""
    offered, wanted = world.students.hours[s], world.homes.hours[h]
    return _no_less(offered, wanted)


@_rule(Code.EVENINGS, Unit.EVENINGS, relaxable=True)
def evenings(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The student is at home on as many evenings of the week as are wanted."""
    at_home, wanted = world.students.evenings[s], world.homes.evenings[h]
    return _no_less(at_home, wanted)


@_rule(Code.TASKS, Unit.TASKS, relaxable=True)
def tasks(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The student would do every kind of help that is needed."""
    willing, needed = world.students.tasks[s], world.homes.tasks[h]
    return Compared(willing, needed, _count(needed & ~willing), _known(willing) & _known(needed) | (needed == 0))


@_rule(Code.STAIRS, Unit.STEPS)
def stairs(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """Whoever needs a way without steps has no steps to climb, or a lift."""
    needs, steps, lift = world.students.step_free[s], world.homes.steps[h], world.homes.lift[h]
    free = (steps == 0) | (lift == 1)
    to_climb = np.where(free, np.int32(0), np.where(lift == 0, steps, np.int32(UNKNOWN)))
    known = (needs == 0) | free | _known(needs) & _known(to_climb)
    return Compared(needs, to_climb, np.where(needs == 0, np.int32(0), to_climb), known)


@_rule(Code.SMOKING, Unit.YES)
def smoking(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """Whoever smokes may do so in the home."""
    smokes, allowed = world.students.smokes[s], world.homes.smoking[h]
    known = _known(smokes) & _known(allowed) | (smokes == 0) | (allowed == 1)
    return Compared(smokes, allowed, ((smokes == 1) & (allowed == 0)).astype(np.int32), known)


@_rule(Code.PETS, Unit.PETS)
def pets(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """Every kind of pet that comes along may come."""
    brought, allowed = world.students.pets[s], world.homes.pets[h]
    return Compared(brought, allowed, _count(brought & ~allowed), _known(brought) & _known(allowed) | (brought == 0))


@_rule(Code.ALLERGIES, Unit.ALLERGENS)
def allergies(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """Nothing is in the home that the student must avoid."""
    avoids, there = world.students.avoids[s], world.homes.allergens[h]
    known = _known(avoids) & _known(there) | (avoids == 0) | (there == 0)
    return Compared(avoids, there, _count(avoids & there), known)


@_rule(Code.GUESTS, Unit.LEVELS)
def guests(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """How often guests come can be agreed without crossing a red line of either."""
    students, homes = world.students, world.homes
    return _between(students.least_guests[s], students.most_guests[s], homes.least_guests[h], homes.most_guests[h])


@_rule(Code.QUIET, Unit.LEVELS)
def quiet(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """How quiet the home is at night can be agreed without crossing a red line of either."""
    students, homes = world.students, world.homes
    return _between(students.least_quiet[s], students.most_quiet[s], homes.least_quiet[h], homes.most_quiet[h])


@_rule(Code.STUDENT_ENROLLED, Unit.DAY)
def student_enrolled(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The student is enrolled on the first day of the stay."""
    return _at_least(world.students.enrolled_until[s], _starts(world, s, h))


@_rule(Code.STUDENT_CHECKS, Unit.DAY)
def student_checks(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The student's checks hold on the first day of the stay."""
    return _at_least(world.students.checked_until[s], _starts(world, s, h))


@_rule(Code.HOME_CHECKS, Unit.DAY)
def home_checks(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """The checks of host and home hold on the first day of the stay."""
    return _at_most(_starts(world, s, h), world.homes.checked_until[h])


@_rule(Code.PRIVATE_SPACE, Unit.SPACES)
def private_space(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """Both accept each other where bathroom and hall are shared. Told is who either side is."""
    anyone = np.int32((1 << len(pack.words.spaces)) - 1)
    own, accepts = _wish(world, world.students.ids[s], anyone, of_student=True)
    theirs, accepted = _wish(world, world.homes.ids[h], anyone, of_student=False)
    known = ((accepts == anyone) | _known(theirs)) & ((accepted == anyone) | _known(own))
    return Compared(own, theirs, _count(theirs & ~accepts & anyone) + _count(own & ~accepted & anyone), known)


@_rule(Code.KEPT_APART, Unit.YES)
def kept_apart(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """Staff keep the two apart for no reason of theirs."""
    return _listed(world, world.kept_apart_keys, s, h)


@_rule(Code.EARLIER_PAIR, Unit.YES)
def earlier_pair(world: World, pack: Pack, s: Rows, h: Rows) -> Compared:
    """Neither has declined the other, nor have they lived together without success."""
    return _listed(world, world.earlier_keys, s, h)


RULES: Mapping[Code, Rule] = MappingProxyType({code: _rules[code] for code in Code})
"""Every rule by its code, in the order in which they are checked and told."""


# --- what several rules and scores ask ---


def stays(compared: Compared, missing: Missing) -> Flags:
    """Where a pair may go on: the rule holds, or a person will ask for what is missing."""
    return ~compared.fails() if missing is Missing.ASKS else compared.passes()


def first_day(world: World, s: Rows, h: Rows) -> Whole:
    """The first day of a stay: both are ready, and not before today. Means nothing where a fact is missing."""
    return np.maximum(np.maximum(world.students.wanted_from[s], np.int32(world.day)), world.homes.free_from[h])


def length_of_way(world: World, pack: Pack, s: Rows, h: Rows) -> Whole:
    """Minutes by the table, or metres in a straight line, rounded up; UNKNOWN where the table or a place is missing.

    Made of whole numbers and one root, which every machine rounds alike.
    """
    students, homes = world.students, world.homes
    if pack.measure is Measure.MINUTES:
        campus, zone = students.campus[s], homes.zone[h]
        if world.minutes is None or not world.minutes.size:
            return np.full(np.broadcast_shapes(s.shape, h.shape), UNKNOWN, dtype=np.int32)
        minutes = world.minutes[np.maximum(campus, 0), np.maximum(zone, 0)]
        return _where(_known(campus) & _known(zone), minutes)
    east = np.subtract(homes.east[h], students.east[s], dtype=np.float64)
    north = np.subtract(homes.north[h], students.north[s], dtype=np.float64)
    east *= east
    north *= north
    east += north
    np.ceil(np.sqrt(east, out=east), out=east)
    known = _known(students.east[s], students.north[s]) & _known(homes.east[h], homes.north[h])
    return _where(known, np.minimum(east, NO_LIMIT, out=east).astype(np.int32))


def _where(known: Flags, values: Whole) -> Whole:
    """The values, UNKNOWN where they are not known."""
    return values if known.all() else np.where(known, values, np.int32(UNKNOWN))


def _known(*columns: Whole) -> Flags:
    known = columns[0] != UNKNOWN
    for column in columns[1:]:
        known = known & (column != UNKNOWN)
    return known


def _ones(rows: Rows) -> Whole:
    return np.ones(rows.shape, dtype=np.int32)


def _at_least(student: Whole, home: Whole) -> Compared:
    """The student's value is no less than the home's."""
    return Compared(student, home, home - student, _known(student) & _known(home))


def _at_most(student: Whole, home: Whole) -> Compared:
    """The student's value is no more than the home's."""
    return Compared(student, home, student - home, _known(student) & _known(home))


def _no_less(offered: Whole, wanted: Whole) -> Compared:
    """As much is offered as is wanted; where nothing is wanted, any offer will do, and none."""
    return Compared(offered, wanted, wanted - np.maximum(offered, 0), _known(offered) & _known(wanted) | (wanted == 0))


def _between(least: Whole, most: Whole, home_least: Whole, home_most: Whole) -> Compared:
    """Something lies between the red lines of both; the two lines furthest apart, or nearest, are told."""
    too_much, too_little = least - home_most, home_least - most
    first = too_much >= too_little
    student, home = np.where(first, least, most), np.where(first, home_most, home_least)
    return Compared(
        student, home, np.maximum(too_much, too_little), _known(least, most) & _known(home_least, home_most)
    )


def _starts(world: World, s: Rows, h: Rows) -> Whole:
    """The first day of a stay, UNKNOWN where a fact is missing."""
    known = _known(world.students.wanted_from[s]) & _known(world.homes.free_from[h])
    return _where(known, first_day(world, s, h))


def _count(bits: Whole) -> Whole:
    return np.bitwise_count(bits).astype(np.int32)


def _wish(world: World, ids: Ids, anyone: np.int32, *, of_student: bool) -> tuple[Whole, Whole]:
    """Who people are and accept; whoever has no row has not said and accepts anyone."""
    if world.spaces is None:
        return np.full(ids.shape, UNKNOWN, dtype=np.int32), np.full(ids.shape, anyone)
    table = world.spaces.students if of_student else world.spaces.homes
    rows = table.rows(ids)
    if not len(table):
        return np.full(ids.shape, UNKNOWN, dtype=np.int32), np.full(ids.shape, anyone)
    there = rows >= 0
    own = np.where(there, table.own[rows], np.int32(UNKNOWN))
    return own, np.where(there & (table.accepts[rows] != UNKNOWN), table.accepts[rows], anyone)


def _listed(world: World, keys: Ids, s: Rows, h: Rows) -> Compared:
    wanted = world.pair_keys(s, h)
    if keys.size:
        found = keys[np.minimum(np.searchsorted(keys, wanted), keys.size - 1)] == wanted
    else:
        found = np.zeros(wanted.shape, dtype=np.bool_)
    listed = found.astype(np.int32)
    return Compared(np.zeros_like(listed), listed, listed, np.ones_like(found))
