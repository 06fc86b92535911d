"""Every pair of a student and a home that may be proposed, found without looking at every pair.

Rules about one side alone go first, then homes are looked up in cells about as large as the longest way, then the few
rules that need no more than a comparison are tried on whole blocks of students and homes, and only what is left is put
to the others. What comes out is what trying every rule on every pair would give.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.candidates import scores
from matching.candidates.bands import bands
from matching.candidates.codes import Code
from matching.candidates.facts import UNKNOWN, Ids, Rows, World
from matching.candidates.packs import Measure, Missing, Pack
from matching.candidates.rules import RULES, About, stays

BLOCK = 1 << 17
"""Pairs tried at once: what they need fits into a processor's cache."""

CELLS_IN_WAY = 3
"""How many cells lie side by side in the longest way: smaller ones follow the circle better, but there are more."""

FIRST = (Code.RENT_IN_BUDGET, Code.DATES, Code.WAY)
"""Rules that cost little and leave little."""

Block = tuple[Rows, Rows]
Left = tuple[Rows, Rows, NDArray[np.bool_]]


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
    found = [_none()]
    for s, h in _blocks(world, pack, _alone(world, pack, About.STUDENT), _alone(world, pack, About.HOME)):
        step = max(1, BLOCK // max(1, h.size))
        found += [_left(world, pack, s[start : start + step], h) for start in range(0, s.size, step)]
    s, h, asks = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Candidates(_pairs(world, pack, s[~asks], h[~asks]), _pairs(world, pack, s[asks], h[asks]))


def _expect(world: World, pack: Pack) -> None:
    if world.spaces is not None and pack.missing[Code.PRIVATE_SPACE] is Missing.OFF:
        raise ValueError("The pack does not ask for private space, so nothing about it may be handed in.")
    if world.minutes is None and pack.measure is Measure.MINUTES and Code.WAY in pack.rules:
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


def _left(world: World, pack: Pack, s: Rows, h: Rows) -> Left:
    """Of every student of a block with every home: the pairs that stay, and which of them somebody has to ask about."""
    keep = np.ones((s.size, h.size), dtype=np.bool_)
    for code in FIRST:
        if code in pack.rules:
            keep &= stays(RULES[code].judge(world, pack, s[:, None], h[None, :]), pack.missing[code])
    at_s, at_h = np.nonzero(keep)
    s, h = s[at_s], h[at_h]
    asks = np.zeros(s.size, dtype=np.bool_)
    for code in pack.rules:
        may_ask = pack.missing[code] is Missing.ASKS
        if not may_ask and (code in FIRST or RULES[code].about is not About.PAIR):
            continue
        found = RULES[code].judge(world, pack, s, h)
        stay = stays(found, pack.missing[code])
        if may_ask:
            asks |= ~found.known
        s, h, asks = s[stay], h[stay], asks[stay]
    return s, h, asks


def _pairs(world: World, pack: Pack, s: Rows, h: Rows) -> Pairs:
    """Pairs with their scores, in the order of their ids; a block at a time, so that little is needed at once."""
    students, homes = world.students.ids[s], world.homes.ids[h]
    order = np.lexsort((homes, students))
    s, h, students, homes = s[order], h[order], students[order], homes[order]
    gains = np.empty((2, s.size), dtype=np.int16)
    for start in range(0, s.size, BLOCK):
        part = slice(start, start + BLOCK)
        gains[0, part] = scores.student_scores(world, pack, s[part], h[part])
        gains[1, part] = scores.host_scores(world, pack, s[part], h[part])
    return Pairs(students, homes, gains[0], gains[1])


def _none() -> Left:
    nobody = np.empty(0, dtype=np.intp)
    return nobody, nobody, np.empty(0, dtype=np.bool_)


# --- who is in reach of whom ---


def _blocks(world: World, pack: Pack, s: Rows, h: Rows) -> Iterator[Block]:
    """Blocks in which every pair lies that passes the rule about the way, each pair in one at most."""
    if not s.size or not h.size:
        return
    if Code.WAY not in pack.rules:
        yield s, h
        return
    in_minutes = pack.measure is Measure.MINUTES
    s_at, h_at = (world.students.campus, world.homes.zone) if in_minutes else (world.students.east, world.homes.east)
    s_known, h_known = s_at[s] != UNKNOWN, h_at[h] != UNKNOWN
    if not in_minutes:
        s_known, h_known = s_known & (world.students.north[s] != UNKNOWN), h_known & (world.homes.north[h] != UNKNOWN)
    s_known &= world.students.longest_way[s] != UNKNOWN
    if pack.missing[Code.WAY] is Missing.ASKS:
        yield s[~s_known], h
        yield s[s_known], h[~h_known]
    s, h = s[s_known], h[h_known]
    if s.size and h.size:
        yield from (_by_campus if in_minutes else _by_cell)(world, pack, s, h)


def _by_campus(world: World, pack: Pack, s: Rows, h: Rows) -> Iterator[Block]:
    """The students of each campus with the homes whose zone is near enough for one of them, or nobody knows how far."""
    if world.minutes is None:
        return
    asks = pack.missing[Code.WAY] is Missing.ASKS
    campuses = world.students.campus[s]
    for campus in np.unique(campuses):
        here = s[campuses == campus]
        limit = min(int(world.students.longest_way[here].max()), pack.longest_way)
        minutes = world.minutes[campus, world.homes.zone[h]]
        yield here, h[((minutes != UNKNOWN) | asks) & (minutes <= limit)]


def _by_cell(world: World, pack: Pack, s: Rows, h: Rows) -> Iterator[Block]:
    """The students of each cell with the homes around, row by row as far as the longest way reaches."""
    students, homes = world.students, world.homes
    longest = min(int(students.longest_way[s].max()), pack.longest_way)
    size = max(1, -(-longest // CELLS_IN_WAY))
    west, south = int(homes.east[h].min()), int(homes.north[h].min())
    h_row, h_column = (homes.north[h].astype(np.int64) - south) // size, (homes.east[h].astype(np.int64) - west) // size
    s_row, s_column = (
        (students.north[s].astype(np.int64) - south) // size, (students.east[s].astype(np.int64) - west) // size,
    )  # fmt: skip
    width = int(h_column.max()) + 1
    order = np.argsort(h_row * width + h_column, kind="stable")
    h, cells = h[order], (h_row * width + h_column)[order]
    by_cell = np.lexsort((s_column, s_row))
    s, s_row, s_column = s[by_cell], s_row[by_cell], s_column[by_cell]
    new = np.flatnonzero((np.diff(s_row) != 0) | (np.diff(s_column) != 0)) + 1
    for here in np.split(np.arange(s.size), new):
        row, column = int(s_row[here[0]]), int(s_column[here[0]])
        parts = [h[:0]]
        for up, reach in _reach(longest, size):
            first, last = max(column - reach, 0), min(column + reach, width - 1)
            if first <= last:
                begin, end = np.searchsorted(cells, [(row + up) * width + first, (row + up) * width + last + 1])
                parts.append(h[begin:end])
        around = np.concatenate(parts)
        if around.size:
            yield s[here], around


def _reach(longest: int, size: int) -> list[tuple[int, int]]:
    """For each row of cells within the longest way, how many cells it reaches to either side.

    Between two cells that are n rows apart lie at least n - 1 whole ones.
    """
    rows = longest // size + 1
    reaches = []
    for up in range(-rows, rows + 1):
        apart = max(0, abs(up) - 1) * size
        if apart <= longest:
            aside = int(np.sqrt(float(longest * longest - apart * apart)))
            reaches.append((up, aside // size + 1))
    return reaches
