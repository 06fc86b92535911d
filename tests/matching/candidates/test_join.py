"""The join finds exactly what every rule tried on every pair would leave, in an order that is nobody's accident."""

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from matching.candidates import join, people
from matching.candidates.codes import Verdict
from matching.candidates.explain import explain_pair, near_misses
from matching.candidates.facts import NO_LIMIT, UNKNOWN, Apart, Homes, Students, World
from matching.candidates.join import Candidates, candidates
from matching.candidates.packs import NEVER_OFF, Measure, Missing, Pack, old_enough
from matching.candidates.rules import RULES
from tests.matching.candidates.worlds import (
    DAY,
    HOME,
    SEOUL,
    STUDENT,
    TODAY,
    many,
    random_pack,
    random_world,
    with_rules,
)  # fmt: skip

pytestmark = pytest.mark.no_database

ASKED = {"way": "asks", "way_of_programme": "asks"}
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(0, 30)
SHARES = st.sampled_from([0.0, 0.02, 0.2])


def every_pair(world: World, pack: Pack) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The pairs to propose and those to ask about, with nothing left out before its time."""
    s, h = (axis.ravel() for axis in np.indices((len(world.students), len(world.homes))))
    fails, unknown, barred = (np.zeros(s.size, dtype=bool) for _ in range(3))
    for code in pack.rules:
        verdicts = RULES[code].judge(world, pack, s, h).verdicts()
        fails |= verdicts == Verdict.FAIL
        unknown |= verdicts == Verdict.UNKNOWN
        barred |= (verdicts == Verdict.UNKNOWN) & (pack.missing[code] is Missing.BARS)
    ids = np.column_stack((world.students.ids[s], world.homes.ids[h]))
    chosen = (ids[~fails & ~unknown], ids[~fails & unknown & ~barred])
    passing, to_ask = (sorted(map(tuple, some.tolist())) for some in chosen)
    return passing, to_ask


def pairs_of(found: join.Pairs) -> list[tuple[int, int]]:
    return list(zip(found.student_ids.tolist(), found.home_ids.tolist(), strict=True))


def same(one: Candidates, other: Candidates) -> bool:
    return all(
        np.array_equal(getattr(this, field.name), getattr(that, field.name))
        for this, that in zip(one, other, strict=True)
        for field in fields(join.Pairs)
    )


@settings(max_examples=400)
@given(SEEDS, SEEDS, SIZES, st.integers(0, 12), SHARES)
def test_the_join_is_every_rule_on_every_pair(seed, pack_seed, students, homes, unknown):
    world, pack = random_world(seed, students, homes, unknown), random_pack(pack_seed)
    found = candidates(world, pack)
    assert tuple(pairs_of(part) for part in found) == every_pair(world, pack)


@settings(max_examples=20)
@given(SEEDS, st.sampled_from([1, 3, 40]), st.sampled_from([1, 2, 7]), st.sampled_from([1, 2, 64]))
def test_the_size_of_blocks_and_cells_matters_to_nobody(seed, block, cells, together):
    world, pack = random_world(seed, 25, 25, easy=0.9), replace(SEOUL, near=0, longest_way=1_500)
    before = candidates(world, pack)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "BLOCK", block)
        patch.setattr(join, "CELLS_IN_WAY", cells)
        patch.setattr(join, "TOGETHER", together)
        assert same(candidates(world, pack), before)


def test_random_cities_have_pairs_of_both_kinds():
    """Else the tests above would hold nothing against nothing."""
    found = [candidates(random_world(seed, 30, 12, 0.02), random_pack(seed)) for seed in range(40)]
    assert sum(0 < len(one.pairs) < 360 for one in found) > 20
    assert sum(0 < len(one.to_ask) < 360 for one in found) > 5


@settings(max_examples=40)
@given(SEEDS, SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_rows_matters_to_nobody(seed, pack_seed, random):
    world, pack = random_world(seed, 20, 20, 0.02), random_pack(pack_seed)
    shuffled = replace(
        world,
        students=_reordered(world.students, random.sample(range(20), 20)),
        homes=_reordered(world.homes, random.sample(range(20), 20)),
    )
    assert same(candidates(shuffled, pack), candidates(world, pack))


@settings(max_examples=40)
@given(SEEDS, SEEDS, st.randoms(use_true_random=False))
def test_what_someone_is_called_matters_to_nobody(seed, pack_seed, random):
    world, pack = random_world(seed, 20, 20, 0.02), random_pack(pack_seed)
    new = [dict(zip(table.ids.tolist(), random.sample(range(900), 20), strict=True)) for table in _sides(world)]
    renamed = replace(
        world,
        students=replace(world.students, ids=_renamed(new[0], world.students.ids)),
        homes=replace(world.homes, ids=_renamed(new[1], world.homes.ids)),
        kept_apart=Apart(*map(_renamed, new, (world.kept_apart.student_ids, world.kept_apart.home_ids))),
        earlier=Apart(*map(_renamed, new, (world.earlier.student_ids, world.earlier.home_ids))),
    )
    for before, after in zip(candidates(world, pack), candidates(renamed, pack), strict=True):
        rows = zip(pairs_of(before), before.student_scores, before.host_scores, strict=True)
        expected = sorted((new[0][s], new[1][h], u, v) for (s, h), u, v in rows)
        assert expected == [
            (s, h, u, v) for (s, h), u, v in zip(pairs_of(after), after.student_scores, after.host_scores, strict=True)
        ]


def test_pairs_are_told_by_student_then_by_home_and_where_each_student_begins():
    homes = [replace(HOME, id=7), replace(HOME, id=4)]
    found = candidates(many([replace(STUDENT, id=id_, smokes=id_ == 5) for id_ in (9, 5, 2)], homes), SEOUL).pairs
    assert pairs_of(found) == [(2, 4), (2, 7), (9, 4), (9, 7)]
    assert found.starts(np.array([2, 5, 9])).tolist() == [0, 2, 2, 4]


@pytest.mark.parametrize("sizes", [(0, 0), (0, 3), (3, 0)])
@pytest.mark.parametrize(
    "pack",
    [
        SEOUL,
        with_rules(way="off"),
        with_rules(SEOUL, **dict.fromkeys(ASKED, "off")),
        with_rules(SEOUL, **ASKED),
    ],
)
def test_without_students_or_homes_there_are_no_pairs(sizes, pack):
    assert [len(found) for found in candidates(random_world(1, *sizes), pack)] == [0, 0]


@given(st.integers(0, 12_000), st.integers(-12_000, 12_000), st.integers(-12_000, 12_000))
@example(5, 3, 4)
@example(4, 3, 4)
@example(0, 0, 0)
@example(10_000, -6_000, 8_000)
def test_who_lives_exactly_as_far_as_one_would_go_is_found(limit, east, north):
    world = _apart(limit, east, north)
    reach = min(limit, SEOUL.longest_way)
    assert len(candidates(world, SEOUL).pairs) == (east**2 + north**2 <= reach**2)


def test_someone_without_a_place_may_be_asked_about_with_everyone():
    students = [STUDENT, replace(STUDENT, id=2, place=None)]
    homes = [HOME, replace(HOME, id=2, place=None), replace(HOME, id=3, place=(36.0, 127.0))]
    found = candidates(many(students, homes), with_rules(SEOUL, **ASKED))
    assert pairs_of(found.pairs) == [(1, 1)]
    assert pairs_of(found.to_ask) == [(1, 2), (2, 1), (2, 2), (2, 3)]


def test_minutes_are_joined_by_table():
    pack = replace(SEOUL, measure=Measure.MINUTES, near=5, longest_way=40)
    students = [replace(STUDENT, id=1, campus=0), replace(STUDENT, id=2, campus=1, longest_way=20)]
    homes = [replace(HOME, id=1, zone=0), replace(HOME, id=2, zone=1), replace(HOME, id=3, zone=None)]
    minutes = np.array([[40, UNKNOWN], [21, 20]], dtype=np.int32)
    world = many(students, homes, minutes=minutes)
    assert pairs_of(candidates(world, pack).pairs) == [(1, 1), (2, 2)]
    assert pairs_of(candidates(world, with_rules(pack, **ASKED)).to_ask) == [
        (1, 2),
        (1, 3),
        (2, 3),
    ]


def test_a_rule_that_is_off_bars_nobody():
    off = set(SEOUL.rules) - NEVER_OFF
    pack = with_rules(SEOUL, **dict.fromkeys(off, "off"))
    strange = replace(HOME, rent=900_000, deposit=5, hours=99, steps=400, least_stay=9_000, pets=None, tasks={"garden"})
    assert len(candidates(many([STUDENT], [strange]), pack).pairs) == 1


# --- fairness by construction ---


@settings(max_examples=15)
@given(SEEDS, st.randoms(use_true_random=False))
def test_whatever_else_is_known_of_people_changes_nothing(seed, random):
    """The city's files hold more than facts: shuffle it among people, and make eligible hosts older or younger."""
    world = random_world(seed, 12, 12, 0.02)
    files = [
        {"born": date(1930 + random.randrange(25), 5, 1), "nationality": word, "religion": word, "health": word}
        for word in "abcdefghijkl"
    ]
    before = _told_of(world, files)
    random.shuffle(files)
    for file in files:
        file["born"] = date(1930 + random.randrange(25), 5, 1)
    assert _told_of(world, files) == before


def _told_of(world: World, files: list[dict]) -> object:
    """Everything that is said of a city whose hosts' eligibility comes from their files."""
    eligible = np.array([old_enough(SEOUL.host_age, file["born"], TODAY) for file in files], dtype=np.int32)
    of = replace(world, homes=replace(world.homes, eligible=eligible))
    found = candidates(of, SEOUL)
    told = [explain_pair(of, SEOUL, *pair) for pair in pairs_of(found.pairs)]
    misses = [near_misses(of, SEOUL, student_id=id_) for id_ in of.students.ids.tolist()]
    return [getattr(found.pairs, field.name).tolist() for field in fields(join.Pairs)], told, misses


# --- built from plain words ---


def test_a_place_is_as_far_as_on_the_round_earth():
    here, there = (37.45, 126.80), (37.66, 127.15)  # from one end of Seoul to the other
    radius, degrees = 6_371_008.8, np.radians(np.subtract(there, here))
    half = np.sin(degrees / 2) ** 2
    half = half[0] + np.cos(np.radians(here[0])) * np.cos(np.radians(there[0])) * half[1]
    flat = np.hypot(*np.subtract(SEOUL.ground.metres(*here), SEOUL.ground.metres(*there)))
    assert flat == pytest.approx(2 * radius * np.arcsin(np.sqrt(half)), rel=0.003)


def test_words_dates_and_missing_facts_become_columns():
    table = people.students([replace(STUDENT, tasks={"company", "garden"}, budget=NO_LIMIT, evenings=None)], SEOUL)
    assert (table.tasks[0], table.budget[0], table.evenings[0]) == (0b1000001, NO_LIMIT, UNKNOWN)
    assert (table.wanted_from[0], table.guests[0], table.adult[0]) == (DAY, 2, 1)


def _renamed(names: dict[int, int], ids: np.ndarray) -> np.ndarray:
    return np.array([names[id_] for id_ in ids.tolist()], dtype=np.int64)


def _sides(world: World) -> tuple[Students, Homes]:
    return world.students, world.homes


def _reordered(table, rows):
    return type(table)(**{field.name: getattr(table, field.name)[rows] for field in fields(table)})


def _apart(limit: int, east: int, north: int) -> World:
    """A student at the middle of the map and a home so many metres away."""
    world = many([replace(STUDENT, longest_way=limit)], [HOME])
    zero, metres = np.zeros(1, dtype=np.int32), (np.array([value], dtype=np.int32) for value in (east, north))
    students = replace(world.students, east=zero, north=zero)
    return replace(world, students=students, homes=replace(world.homes, east=next(metres), north=next(metres)))
