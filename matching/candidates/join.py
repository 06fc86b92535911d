"""Every pair of a student and a home that may be proposed, found without looking at every pair.

Rules about one side alone go first, then homes are looked up in cells about as large as the longest way, then the few
rules that need no more than a comparison are tried on whole blocks of students and homes, and only what is left is put
to the others. What comes out is what trying every rule on every pair would give.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.candidates import scores
from matching.candidates.bands import bands
from matching.candidates.codes import Code
from matching.candidates.facts import NO_LIMIT, UNKNOWN, Homes, Ids, Rows, Students, Whole, World
from matching.candidates.packs import Measure, Missing, Pack
from matching.candidates.rules import RULES, About, stays

BLOCK = 1 << 17
"""Pairs tried at once: what they need fits into a processor's cache."""

CELLS_IN_WAY = 5
"""How many cells lie side by side in the longest way: smaller ones follow the circle better, but there are more."""

TOGETHER = 64
"""Students of one cell whose ways are alike enough to look around together."""

WORTH_KEEPING = 0.8
"""Where more than this share of pairs stays, going on with all of them costs less than copying those that do."""

FIRST = (Code.RENT_IN_BUDGET, Code.HOURS, Code.EVENINGS, Code.DATES, Code.WAY)
"""Rules that cost little and leave little."""

Block = tuple[Rows, Rows]
_NONE: Ids = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Students and homes (n,), by rising id of the student, then of the home, and what each side would gain."""

    student_ids: Ids
    home_ids: Ids
    student_scores: NDArray[np.int16]
    host_scores: NDArray[np.int16]

    def __len__(self) -> int:
        return int(self.student_ids.size)

    def student_bands(self, pack: Pack) -> NDArray[np.int8]:
        """The bands of what students would gain, 0 the best."""
        return bands(self.student_scores, pack.student_bands)

    def host_bands(self, pack: Pack) -> NDArray[np.int8]:
        """The bands of what hosts would gain, 0 the best."""
        return bands(self.host_scores, pack.host_bands)

    def starts(self, student_ids: Ids) -> NDArray[np.int64]:
        """Where the pairs of each student begin, and after the last where they end (students + 1,).

        student_ids  rising, and every student of a pair among them
        """
        return np.append(np.searchsorted(self.student_ids, student_ids), len(self))


class Candidates(NamedTuple):
    """What a run may propose, and what a person has to ask before it may be proposed."""

    pairs: Pairs
    to_ask: Pairs


def candidates(world: World, pack: Pack) -> Candidates:
    """The pairs that pass every rule of the pack, and those that pass as far as is known and may be asked about.

    The order of rows does not matter. Memory grows with the pairs found, time also with those in reach and in budget.
    Raises ValueError if wishes about private space are handed in though the pack does not ask for them, or a table of
    travel times is missing.
    """
    _expect(world, pack)
    found, to_ask = [_NONE], [_NONE]
    for s, h in _blocks(world, pack, _alone(world, pack, About.STUDENT), _alone(world, pack, About.HOME)):
        step = max(1, BLOCK // max(1, h.size))
        for start in range(0, s.size, step):
            left_s, left_h, asks = _left(world, pack, s[start : start + step], h)
            keys = world.students.places[left_s] * np.int64(len(world.homes)) + world.homes.places[left_h]
            found.append(keys[~asks])
            to_ask.append(keys[asks])
    return Candidates(_pairs(world, pack, found), _pairs(world, pack, to_ask))


def _expect(world: World, pack: Pack) -> None:
    if world.spaces is not None and pack.missing[Code.PRIVATE_SPACE] is Missing.OFF:
        raise ValueError("The pack does not ask for private space, so nothing about it may be handed in.")
    if world.minutes is None and pack.measure is Measure.MINUTES and _of_way(pack):
        raise ValueError("The pack measures ways in minutes: a table of travel times is needed.")


def _alone(world: World, pack: Pack, about: About) -> Rows:
    """The rows of one side that pass, or may be asked, what concerns nobody else."""
    size = len(world.students if about is About.STUDENT else world.homes)
    keep = np.ones(size, dtype=np.bool_)
    own, other = np.arange(size), np.zeros(1, dtype=np.intp)
    both = (own, other) if about is About.STUDENT else (other, own)
    for code in pack.rules:
        if RULES[code].about is about and min(len(world.students), len(world.homes)):
            keep &= stays(RULES[code].judge(world, pack, *both), pack.missing[code])
    return np.flatnonzero(keep)


def _left(world: World, pack: Pack, s: Rows, h: Rows) -> tuple[Rows, Rows, NDArray[np.bool_]]:
    """Of every student of a block with every home: the pairs that stay, and which of them somebody has to ask about."""
    keep = np.ones((s.size, h.size), dtype=np.bool_)
    for code in FIRST:
        if code in pack.rules:
            keep &= stays(RULES[code].judge(world, pack, s[:, None], h[None, :]), pack.missing[code])
    nobody_further = s.size and world.students.longest_way[s].max() <= pack.longest_way
    way_settles = nobody_further and pack.missing[Code.WAY] is Missing.BARS  # what is near enough for them is for all
    at_s, at_h = np.divmod(np.flatnonzero(keep), h.size)
    s, h = s[at_s], h[at_h]
    left, asks = np.ones(s.size, dtype=np.bool_), np.zeros(s.size, dtype=np.bool_)
    for code in pack.rules:
        may_ask = pack.missing[code] is Missing.ASKS
        settled = not may_ask and (code in FIRST or RULES[code].about is not About.PAIR)
        if settled or (code is Code.WAY_OF_PROGRAMME and way_settles):
            continue
        found = RULES[code].judge(world, pack, s, h)
        left &= stays(found, pack.missing[code])
        if may_ask:
            asks |= ~found.known
        if np.count_nonzero(left) < WORTH_KEEPING * left.size:
            s, h, asks, left = s[left], h[left], asks[left], left[left]
    return s[left], h[left], asks[left]


def _pairs(world: World, pack: Pack, found: list[Ids]) -> Pairs:
    """Pairs with their scores, in the order of their ids; a block at a time, so that little is needed at once.

    found  a number for each pair, that rises with the id of the student, then with that of the home
    """
    keys = np.concatenate(found)
    found.clear()
    keys.sort()
    pairs = Pairs(np.empty_like(keys), np.empty_like(keys), *np.empty((2, keys.size), dtype=np.int16))
    for start in range(0, keys.size, BLOCK):
        part = slice(start, start + BLOCK)
        student, home = np.divmod(keys[part], len(world.homes))
        s, h = world.students.by_id[student], world.homes.by_id[home]
        pairs.student_ids[part], pairs.home_ids[part] = world.students.ids[s], world.homes.ids[h]
        pairs.student_scores[part] = scores.student_scores(world, pack, s, h)
        pairs.host_scores[part] = scores.host_scores(world, pack, s, h)
    return pairs


# --- who is in reach of whom ---


def _blocks(world: World, pack: Pack, s: Rows, h: Rows) -> Iterator[Block]:
    """Blocks in which every pair lies that passes the rules about the way, each pair in one at most."""
    if not s.size or not h.size:
        return
    of_way = _of_way(pack)
    if not of_way:
        yield s, h
        return
    students, homes, in_minutes = world.students, world.homes, pack.measure is Measure.MINUTES
    limits = _limits(world, pack)
    s_at, h_at = ((students.campus,), (homes.zone,)) if in_minutes else (_place(students), _place(homes))
    s_known = np.logical_and.reduce([at[s] != UNKNOWN for at in (*s_at, limits)])
    h_known = np.logical_and.reduce([at[h] != UNKNOWN for at in h_at])
    if Missing.ASKS in of_way:
        yield s[~s_known], h
        yield s[s_known], h[~h_known]
    s, h = s[s_known], h[h_known]
    if s.size and h.size:
        yield from _by_campus(world, pack, s, h, limits) if in_minutes else _by_cell(world, s, h, limits)


def _limits(world: World, pack: Pack) -> Whole:
    """How far each student may go, by the rules that are on; UNKNOWN where that has to be asked."""
    own = world.students.longest_way if Code.WAY in pack.rules else np.full(len(world.students), NO_LIMIT, np.int32)
    return np.minimum(own, np.int32(pack.longest_way)) if Code.WAY_OF_PROGRAMME in pack.rules else own


def _of_way(pack: Pack) -> list[Missing]:
    """What the rules about the way do where a fact is missing, those that are on."""
    return [pack.missing[code] for code in (Code.WAY, Code.WAY_OF_PROGRAMME) if code in pack.rules]


def _place(side: Students | Homes) -> tuple[Whole, Whole]:
    return side.east, side.north


def _by_campus(world: World, pack: Pack, s: Rows, h: Rows, limits: Whole) -> Iterator[Block]:
    """The students of each campus with the homes whose zone is near enough for one of them, or nobody knows how far."""
    if world.minutes is None:
        return
    asks = Missing.ASKS in _of_way(pack)
    campuses = world.students.campus[s]
    for campus in np.unique(campuses):
        here = s[campuses == campus]
        minutes = world.minutes[campus, world.homes.zone[h]]
        yield here, h[((minutes != UNKNOWN) | asks) & (minutes <= limits[here].max())]


def _by_cell(world: World, s: Rows, h: Rows, limits: Whole) -> Iterator[Block]:
    """Some students of one cell at a time, of like ways, with the homes around: row by row as far as the ways reach."""
    students, homes = world.students, world.homes
    size = max(1, -(-int(limits[s].max()) // CELLS_IN_WAY))
    west, south = homes.east[h].min(), homes.north[h].min()
    row, column = (homes.north[h] - south) // size, (homes.east[h] - west) // size
    width = int(column.max()) + 1
    order = np.argsort(row.astype(np.int64) * width + column, kind="stable")
    h, cells = h[order], (row.astype(np.int64) * width + column)[order]
    row, column = (students.north[s] - south) // size, (students.east[s] - west) // size
    order = np.lexsort((limits[s], column, row))
    s, row, column = s[order], row[order], column[order]
    for cell in np.split(np.arange(s.size), np.flatnonzero((np.diff(row) != 0) | (np.diff(column) != 0)) + 1):
        for start in range(0, cell.size, TOGETHER):
            some = cell[start : start + TOGETHER]
            parts = [h[:0]]
            for up, aside in _reach(int(limits[s[some[-1]]]), size):
                here, at = int(row[some[0]]) + up, int(column[some[0]])
                if at - aside < width and at + aside >= 0:
                    ends = here * width + max(at - aside, 0), here * width + min(at + aside, width - 1) + 1
                    parts.append(h[slice(*np.searchsorted(cells, ends))])
            yield s[some], np.concatenate(parts)


def _reach(longest: int, size: int) -> list[tuple[int, int]]:
    """For each row of cells within the longest way, how many cells it reaches to either side.

    Between two cells that are n rows apart lie at least n - 1 whole ones.
    """
    reaches = []
    for up in range(-(longest // size) - 1, longest // size + 2):
        apart = max(0, abs(up) - 1) * size
        reaches.append((up, isqrt(longest * longest - apart * apart) // size + 1))
    return reaches
