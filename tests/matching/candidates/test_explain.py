"""What is said of a pair is what the join did with it; what nearly fits is told with the amount that is short."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.candidates.bands import bands
from matching.candidates.codes import Code, Criterion, Unit, Verdict
from matching.candidates.explain import Miss, explain_pair, misses, near_misses
from matching.candidates.join import candidates
from matching.candidates.packs import Measure, Missing
from tests.matching.candidates.worlds import HOME, SEOUL, STUDENT, many, random_pack, random_world, with_rules, world

pytestmark = pytest.mark.no_database

SEEDS = st.integers(0, 2**32 - 1)


def test_a_pair_that_fits_is_told_rule_by_rule_and_point_by_point():
    told = explain_pair(world(), SEOUL, 1, 1)
    assert (told.acceptable, told.to_ask) == (True, False)
    assert [one.code for one in told.findings] == list(SEOUL.rules)
    assert {one.verdict for one in told.findings} == {Verdict.PASS}
    assert [part.of for part in told.student.parts] == list(SEOUL.student_weights.values())
    rent = next(part for part in told.student.parts if part.criterion is Criterion.RENT)
    assert (rent.points, rent.of, rent.student, rent.home, rent.unit) == (100, 200, 250_000, 250_000, Unit.WON)
    assert told.student.points == sum(part.points for part in told.student.parts)


def test_a_rule_that_fails_is_told_with_both_values_and_what_is_short():
    told = explain_pair(world({"budget": 230_000}), SEOUL, 1, 1)
    assert not told.acceptable
    (failed,) = (one for one in told.findings if one.verdict is not Verdict.PASS)
    assert (failed.code, failed.student, failed.home, failed.unit) == (Code.RENT_IN_BUDGET, 230_000, 250_000, Unit.WON)
    assert (failed.short_by, failed.relaxable) == (20_000, True)


def test_a_missing_fact_is_told_as_missing():
    of = world({"smokes": None})
    for pack, to_ask in ((SEOUL, False), (with_rules(smoking="asks"), True)):
        told = explain_pair(of, pack, 1, 1)
        (open_,) = (one for one in told.findings if one.verdict is not Verdict.PASS)
        assert (open_.code, open_.verdict, open_.student, open_.short_by) == (Code.SMOKING, Verdict.UNKNOWN, None, None)
        assert (told.acceptable, told.to_ask) == (False, to_ask)


def test_a_way_in_minutes_is_told_in_minutes():
    pack = replace(SEOUL, measure=Measure.MINUTES, near=5, longest_way=40)
    of = world({"campus": 0, "longest_way": 30}, {"zone": 0}, minutes=np.array([[35]], dtype=np.int32))
    told = explain_pair(of, pack, 1, 1)
    assert {one.code: one.unit for one in told.findings}[Code.WAY] is Unit.MINUTES
    assert {part.criterion: part.unit for part in told.student.parts}[Criterion.WAY] is Unit.MINUTES
    assert near_misses(of, pack, student_id=1)[0].unit is Unit.MINUTES


@settings(max_examples=30)
@given(SEEDS, SEEDS)
def test_what_is_told_of_a_pair_is_what_the_join_did_with_it(seed, pack_seed):
    of, pack = random_world(seed, 4, 5, 0.03), random_pack(pack_seed)
    found = candidates(of, pack)
    proposed, asked = (
        {
            (s, h): (u, v)
            for s, h, u, v in zip(one.student_ids, one.home_ids, one.student_scores, one.host_scores, strict=True)
        }
        for one in found
    )
    for s in of.students.ids.tolist():
        for h in of.homes.ids.tolist():
            told = explain_pair(of, pack, s, h)
            assert (told.acceptable, told.to_ask) == ((s, h) in proposed, (s, h) in asked)
            if told.acceptable or told.to_ask:
                assert (told.student.points, told.host.points) == (proposed | asked)[s, h]
                assert told.student.band == bands([told.student.points], pack.student_bands)[0]
                assert not misses(of, pack, [s], [h])
            else:
                bars = {
                    one.code
                    for one in told.findings
                    if one.verdict is Verdict.FAIL
                    or (one.verdict is Verdict.UNKNOWN and pack.missing[one.code] is Missing.BARS)
                }
                assert {miss.code for miss in misses(of, pack, [s], [h])} == bars


def test_misses_of_a_pair_are_told_in_the_order_of_the_rules():
    of = world({"budget": 200_000, "smokes": True}, {"place": (37.46, 126.978)})
    told = explain_pair(of, SEOUL, 1, 1)
    assert misses(of, SEOUL, [1], [1]) == [
        Miss(1, 1, Code.RENT_IN_BUDGET, 50_000, Unit.WON, told.student.band, told.host.band),
        Miss(1, 1, Code.WAY_OF_PROGRAMME, None, Unit.METRES, told.student.band, told.host.band),
        Miss(1, 1, Code.SMOKING, None, Unit.YES, told.student.band, told.host.band),
    ]


NEARLY = many(
    [replace(STUDENT, budget=220_000, longest_way=2_000)],
    [
        replace(HOME, id=1, rent=220_000),
        replace(HOME, id=2, rent=240_000),
        replace(HOME, id=3, rent=230_000),
        replace(HOME, id=4, rent=220_000, place=(37.5665 + 0.02, 126.978)),
        replace(HOME, id=5, rent=230_000, place=(37.5665 + 0.02, 126.978)),
        replace(HOME, id=6, rent=230_000, pets=None, smoking=None, steps=None),
        replace(HOME, id=7, rent=220_000, eligible=False),
        replace(HOME, id=8, rent=230_000, hours=None),
        replace(HOME, id=9, rent=None),
    ],
)


def test_homes_that_nearly_fit_are_told_by_rule_and_by_what_is_short():
    """20,000 won more: three rooms. 224 metres more: one."""
    told = [(miss.code, miss.short_by, miss.home_id) for miss in near_misses(NEARLY, SEOUL, student_id=1)]
    assert told == [
        (Code.RENT_IN_BUDGET, 10_000, 3), (Code.RENT_IN_BUDGET, 10_000, 6), (Code.RENT_IN_BUDGET, 20_000, 2),
        (Code.WAY, 224, 4),
    ]  # fmt: skip


def test_nobody_is_told_to_go_further_than_the_programme_asks():
    of = many([replace(STUDENT, longest_way=2_000)], [replace(HOME, place=(37.4665, 126.978))])
    assert [miss.code for miss in misses(of, SEOUL, [1], [1])] == [Code.WAY, Code.WAY_OF_PROGRAMME]
    assert not near_misses(of, SEOUL, student_id=1)


def test_students_who_nearly_fit_are_told_likewise():
    told = [(miss.code, miss.short_by, miss.student_id) for miss in near_misses(NEARLY, SEOUL, home_id=2)]
    assert told == [(Code.RENT_IN_BUDGET, 20_000, 1)]


@settings(max_examples=40)
@given(SEEDS, SEEDS)
def test_near_misses_are_the_misses_that_stand_alone_and_could_give(seed, pack_seed):
    of, pack = random_world(seed, 3, 15, 0.02, easy=0.85), random_pack(pack_seed)
    for id_ in of.students.ids.tolist():
        homes = of.homes.ids
        of_pair: dict[int, list[Miss]] = {}
        for miss in misses(of, pack, np.full(homes.size, id_), homes):
            of_pair.setdefault(miss.home_id, []).append(miss)
        alone = [found[0] for found in of_pair.values() if len(found) == 1 and found[0].short_by is not None]
        order = list(Code)
        assert near_misses(of, pack, student_id=id_) == sorted(
            alone, key=lambda miss: (order.index(miss.code), miss.short_by, miss.home_id)
        )


def test_nobody_is_explained_who_is_not_there():
    for question in (
        lambda: explain_pair(world(), SEOUL, 1, 2), lambda: explain_pair(world(), SEOUL, 2, 1),
        lambda: misses(world(), SEOUL, [1, 7], [1, 1]), lambda: near_misses(world(), SEOUL, home_id=3),
    ):  # fmt: skip
        with pytest.raises(KeyError):
            question()
    with pytest.raises(ValueError, match="not both"):
        near_misses(world(), SEOUL)
