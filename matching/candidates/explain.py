"""Why a pair may be proposed or not, what each side would gain, and what keeps apart those that nearly fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from matching.candidates import scores
from matching.candidates.bands import bands
from matching.candidates.codes import Code, Criterion, Unit, Verdict
from matching.candidates.facts import UNKNOWN, Rows, World
from matching.candidates.packs import Measure, Missing, Pack
from matching.candidates.rules import RULES, Compared
from matching.candidates.scores import Weigh


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule said of a pair. None stands for a missing fact, and for no shortfall."""

    code: Code
    verdict: Verdict
    student: int | None
    home: int | None
    unit: Unit
    short_by: int | None
    relaxable: bool


@dataclass(frozen=True, slots=True)
class Part:
    """The points of one criterion, of how many, and the values they came from."""

    criterion: Criterion
    points: int
    of: int
    student: int | None
    home: int | None
    unit: Unit


@dataclass(frozen=True, slots=True)
class Score:
    """What one side would gain: the sum of its parts, and the band it lies in, 0 the best."""

    points: int
    band: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say of a pair.

    acceptable  every rule passes
    to_ask      no rule fails, but facts are missing that a person may ask for
    """

    student_id: int
    home_id: int
    acceptable: bool
    to_ask: bool
    findings: tuple[Finding, ...]
    student: Score
    host: Score


@dataclass(frozen=True, slots=True)
class Miss:
    """A rule that a pair fails; by how much, where someone could give way; and the bands, had it passed."""

    student_id: int
    home_id: int
    code: Code
    short_by: int | None
    unit: Unit
    student_band: int
    host_band: int


def explain_pair(world: World, pack: Pack, student_id: int, home_id: int) -> Explanation:
    """Every rule that is on, in order, and both scores in parts; raises KeyError for an id that nobody has."""
    s, h = np.array([world.students.row(student_id)]), np.array([world.homes.row(home_id)])
    findings = tuple(_finding(world, pack, code, s, h) for code in pack.rules)
    bars = [one for one in findings if one.verdict is Verdict.FAIL or _barred(pack, one)]
    unknown = [one for one in findings if one.verdict is Verdict.UNKNOWN]
    return Explanation(
        student_id, home_id, not bars and not unknown, not bars and bool(unknown), findings,
        _score(world, pack, s, h, scores.FOR_STUDENT, pack.student_weights, pack.student_bands),
        _score(world, pack, s, h, scores.FOR_HOST, pack.host_weights, pack.host_bands),
    )  # fmt: skip


def misses(world: World, pack: Pack, student_ids: ArrayLike, home_ids: ArrayLike) -> list[Miss]:
    """Every rule that pairs (n,), (n,) fail, or that bars them for a missing fact: pair by pair, in the rules' order.

    Raises KeyError for an id that nobody has.
    """
    s, h = world.students.rows(student_ids), world.homes.rows(home_ids)
    for rows, ids in ((s, np.asarray(student_ids)), (h, np.asarray(home_ids))):
        if (rows < 0).any():
            raise KeyError(int(ids[rows < 0][0]))
    found = {code: RULES[code].judge(world, pack, s, h) for code in pack.rules}
    failed = np.array([_blocked(pack, code, one) for code, one in found.items()]).reshape(len(found), s.size)
    return list(_misses(world, pack, s, h, found, failed))


def near_misses(
    world: World, pack: Pack, *, student_id: int | None = None, home_id: int | None = None
) -> list[Miss]:  # fmt: skip
    """The pairs of one student or of one home that fail a single rule, where someone could give way.

    returns  by rule in the rules' order, then by how much is short, then by ids: how many there are up to some amount
             is how many more would fit if that much gave way. A missing fact that bars is a rule failed.
    raises   KeyError for an id that nobody has, ValueError unless one of the two is named.
    """
    if (student_id is None) == (home_id is None):
        raise ValueError("A student or a home has to be named, and not both.")
    s, h = np.arange(len(world.students)), np.arange(len(world.homes))
    if student_id is not None:
        s = np.full(h.size, world.students.row(student_id))
    if home_id is not None:
        h = np.full(s.size, world.homes.row(home_id))
    found = {code: RULES[code].judge(world, pack, s, h) for code in pack.rules}
    failed = np.array([_blocked(pack, code, one) for code, one in found.items()]).reshape(len(found), s.size)
    yielding = np.array([RULES[code].relaxable for code in found])[:, None] & np.array(
        [one.fails() for one in found.values()]
    )
    near = (failed.sum(axis=0) == 1) & (failed & yielding).any(axis=0)
    order = list(Code)
    return sorted(
        _misses(world, pack, s, h, found, failed & near),
        key=lambda miss: (order.index(miss.code), miss.short_by or 0, miss.student_id, miss.home_id),
    )


def unit_of(code: Code | Criterion, pack: Pack) -> Unit:
    """What the values of a rule or a criterion are counted in."""
    unit = RULES[code].unit if isinstance(code, Code) else scores.UNITS[code]
    return Unit.MINUTES if unit is Unit.METRES and pack.measure is Measure.MINUTES else unit


def _misses(
    world: World, pack: Pack, s: Rows, h: Rows, found: Mapping[Code, Compared], failed: np.ndarray
) -> Iterator[Miss]:  # fmt: skip
    codes = list(found)
    at_pair, at_code = np.nonzero(failed.T)
    pairs, where = np.unique(at_pair, return_inverse=True)
    s, h = s[pairs], h[pairs]
    student_bands = bands(scores.student_scores(world, pack, s, h), pack.student_bands)
    host_bands = bands(scores.host_scores(world, pack, s, h), pack.host_bands)
    for pair, row, number in zip(at_pair.tolist(), where.tolist(), at_code.tolist(), strict=True):
        code, one = codes[number], found[codes[number]]
        short = int(one.short_by[pair]) if RULES[code].relaxable and one.known[pair] else None
        yield Miss(
            int(world.students.ids[s[row]]), int(world.homes.ids[h[row]]), code, short, unit_of(code, pack),
            int(student_bands[row]), int(host_bands[row]),
        )  # fmt: skip


def _blocked(pack: Pack, code: Code, found: Compared) -> np.ndarray:
    return found.fails() if pack.missing[code] is Missing.ASKS else ~found.passes()


def _barred(pack: Pack, finding: Finding) -> bool:
    return finding.verdict is Verdict.UNKNOWN and pack.missing[finding.code] is Missing.BARS


def _finding(world: World, pack: Pack, code: Code, s: Rows, h: Rows) -> Finding:
    rule = RULES[code]
    found = rule.judge(world, pack, s, h)
    verdict = Verdict(int(found.verdicts()[0]))
    return Finding(
        code, verdict, _told(found.student), _told(found.home), unit_of(code, pack),
        int(found.short_by[0]) if verdict is Verdict.FAIL else None, rule.relaxable,
    )  # fmt: skip


def _score(
    world: World, pack: Pack, s: Rows, h: Rows, weigh: Mapping[Criterion, Weigh], weights: Mapping[Criterion, int],
    cuts: tuple[int, ...],
) -> Score:  # fmt: skip
    parts = []
    for criterion, weight in weights.items():
        merit, student, home = weigh[criterion](world, pack, s, h)
        points = int(scores.points(merit, weight)[0])
        parts.append(Part(criterion, points, weight, _told(student), _told(home), unit_of(criterion, pack)))
    total = sum(part.points for part in parts)
    return Score(total, int(bands([total], cuts)[0]), tuple(parts))


def _told(values: np.ndarray) -> int | None:
    value = int(values[0])
    return None if value == UNKNOWN else value
