"""Scores are whole points from 0 to 1,000 that nobody can lose by a fact that gets better; bands are fixed."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.candidates import scores
from matching.candidates.bands import bands
from matching.candidates.codes import Criterion
from matching.candidates.packs import FOR_HOST, FOR_STUDENT
from tests.matching.candidates.worlds import CITY_HALL, HOME, SEOUL, STUDENT, many, random_pack, random_world, world

pytestmark = pytest.mark.no_database

SEEDS = st.integers(0, 2**32 - 1)
FIRST = np.array([0])


def merit(side: str, criterion: Criterion, **facts: dict) -> int:
    weigh = (scores.FOR_STUDENT if side == "student" else scores.FOR_HOST)[criterion]
    return int(weigh(world(**facts), SEOUL, FIRST, FIRST).merit[0])


def place(metres: int) -> tuple[float, float]:
    return CITY_HALL[0] + metres / SEOUL.ground.degree_north, CITY_HALL[1]


LATE = {"wanted_until": date(2029, 1, 1)}
EXAMPLES = [
    ("student", Criterion.WAY, {"home": {"place": place(900)}}, 1000),
    ("student", Criterion.WAY, {"home": {"place": place(1_000)}}, 1000),
    ("student", Criterion.WAY, {"home": {"place": place(5_500)}}, 500),
    ("student", Criterion.WAY, {"home": {"place": place(10_000)}}, 0),
    ("student", Criterion.WAY, {"home": {"place": place(50_000)}}, 0),
    ("student", Criterion.WAY, {"home": {"place": None}}, 500),
    ("student", Criterion.RENT, {"home": {"rent": 200_000}}, 1000),
    ("student", Criterion.RENT, {"home": {"rent": 270_000}}, 300),
    ("student", Criterion.RENT, {"home": {"rent": 300_000}}, 0),
    ("student", Criterion.RENT, {"home": {"rent": None}}, 500),
    ("student", Criterion.DATES, {}, 0),
    ("host", Criterion.DATES, {}, 0),
    ("student", Criterion.DATES, {"student": LATE, "home": {"free_until": date(2027, 11, 26)}}, 500),
    ("host", Criterion.DATES, {"student": LATE, "home": {"free_until": date(2030, 1, 1)}}, 1000),
    ("student", Criterion.HOURS, {"home": {"hours": 3}}, 700),
    ("host", Criterion.HOURS, {"student": {"hours": 5}}, 0),
    ("host", Criterion.HOURS, {"student": {"hours": 8}}, 600),
    ("host", Criterion.HOURS, {"student": {"hours": 12}}, 1000),
    ("host", Criterion.HOURS, {"home": {"hours": 0}}, 1000),
    ("student", Criterion.TASKS, {"student": {"liked_tasks": {"meals"}}}, 500),
    ("student", Criterion.TASKS, {"home": {"tasks": ()}}, 1000),
    ("host", Criterion.TASKS, {"home": {"welcome_tasks": {"company", "meals", "garden"}}}, 666),
    ("host", Criterion.TASKS, {}, 1000),
    ("host", Criterion.EVENINGS, {"student": {"evenings": 7}}, 1000),
    ("host", Criterion.EVENINGS, {"student": {"evenings": 3}}, 428),
    ("student", Criterion.GUESTS, {"student": {"guests": "weekly"}}, 750),
    ("host", Criterion.GUESTS, {"student": {"guests": "weekly"}}, 750),
    ("student", Criterion.GUESTS, {"student": {"guests": None}}, 500),
    ("host", Criterion.QUIET, {"student": {"quiet": "any_time"}, "home": {"quiet": "after_nine"}}, 0),
    ("student", Criterion.LANGUAGE, {"student": {"languages": {"en", "ko"}}}, 1000),
    ("host", Criterion.LANGUAGE, {"student": {"languages": {"en"}}}, 0),
    ("host", Criterion.LANGUAGE, {"student": {"languages": None}}, 500),
]  # fmt: skip


@pytest.mark.parametrize(("side", "criterion", "facts", "expected"), EXAMPLES)
def test_a_merit_by_example(side, criterion, facts, expected):
    assert merit(side, criterion, **facts) == expected


def test_each_side_weighs_what_a_pack_may_name():
    assert set(scores.FOR_STUDENT) == FOR_STUDENT
    assert set(scores.FOR_HOST) == FOR_HOST


def test_the_score_of_the_best_pair_is_a_thousand_and_of_the_worst_nothing():
    best = (
        replace(STUDENT, wanted_until=date(2029, 1, 1), evenings=7, hours=10, liked_tasks={"company", "meals"}),
        replace(HOME, rent=200_000, free_until=date(2029, 1, 1), hours=0),
    )
    worst = (
        replace(STUDENT, guests="never", quiet="any_time", languages={"fr"}, evenings=0),
        replace(HOME, rent=300_000, hours=10, place=place(20_000), guests="often", quiet="after_nine",
                welcome_tasks={"garden"}),
    )  # fmt: skip
    for pair, expected in ((best, 1000), (worst, 0)):
        of = many([pair[0]], [pair[1]])
        gains = scores.student_scores(of, SEOUL, FIRST, FIRST), scores.host_scores(of, SEOUL, FIRST, FIRST)
        assert [int(gain[0]) for gain in gains] == [expected, expected]


@given(SEEDS, SEEDS, st.sampled_from([0.0, 0.3]))
def test_scores_stay_within_their_bounds_and_are_the_sum_of_their_parts(seed, pack_seed, unknown):
    of, pack = random_world(seed, 6, 6, unknown), random_pack(pack_seed)
    s, h = (axis.ravel() for axis in np.indices((6, 6)))
    for score, weigh, weights in (
        (scores.student_scores, scores.FOR_STUDENT, pack.student_weights),
        (scores.host_scores, scores.FOR_HOST, pack.host_weights),
    ):
        total = score(of, pack, s, h)
        parts = [scores.points(weigh[one](of, pack, s, h).merit, weight) for one, weight in weights.items()]
        assert (total == sum(parts)).all()
        assert ((total >= 0) & (total <= 1000)).all()
        for part, weight in zip(parts, weights.values(), strict=True):
            assert ((part >= 0) & (part <= weight)).all()


def changed(side: str, name: str, value: object) -> tuple[int, int]:
    """Both scores of the pair that fits, with one fact changed."""
    of = world(**{side: {name: value}})
    student, host = (score(of, SEOUL, FIRST, FIRST) for score in (scores.student_scores, scores.host_scores))
    return int(student[0]), int(host[0])


WHOLE = st.integers(0, 400_000)
DAYS = st.integers(0, 900)


def _until(days: int) -> date:
    return date(2027, 3, 1) + timedelta(days)


NEVER_BETTER = [
    # as the value rises: whose fact, which, values, and whether the student's or the host's score may rise
    ("home", "rent", WHOLE, int, "falls", "same"),
    ("home", "hours", st.integers(0, 20), int, "falls", "falls"),
    ("home", "place", st.integers(0, 30_000), place, "falls", "same"),
    ("home", "free_until", DAYS, _until, "rises", "rises"),
    ("home", "free_from", DAYS, _until, "falls", "falls"),
    ("home", "least_stay", DAYS, int, "falls", "falls"),
    ("student", "wanted_until", DAYS, _until, "rises", "rises"),
    ("student", "hours", st.integers(0, 40), int, "same", "rises"),
    ("student", "evenings", st.integers(0, 7), int, "same", "rises"),
    ("student", "budget", WHOLE, int, "same", "same"),
    ("student", "longest_way", WHOLE, int, "same", "same"),
]  # fmt: skip


@settings(max_examples=40)
@pytest.mark.parametrize(("side", "name", "values", "made", "student", "host"), NEVER_BETTER)
@given(data=st.data())
def test_a_score_follows_a_fact_in_one_direction(side, name, values, made, student, host, data):
    low, high = sorted((data.draw(values), data.draw(values)))
    for before, after, way in zip(
        changed(side, name, made(low)), changed(side, name, made(high)), (student, host), strict=True
    ):
        assert {"falls": before >= after, "rises": before <= after, "same": before == after}[way], (before, after)


@given(st.lists(st.sampled_from(SEOUL.words.tasks), unique=True), st.sampled_from(SEOUL.words.tasks))
def test_one_more_kind_of_help_never_costs_the_host_anything(kinds, more):
    home = replace(HOME, welcome_tasks={"company", "garden", "errands"})
    gains = [
        int(scores.host_scores(many([replace(STUDENT, tasks=some)], [home]), SEOUL, FIRST, FIRST)[0])
        for some in (kinds, [*kinds, more])
    ]
    assert gains[0] <= gains[1]


@pytest.mark.parametrize("scale", ["guests", "quiet"])
def test_the_further_apart_the_wishes_the_fewer_points(scale):
    words = getattr(SEOUL.words, scale)
    gains = [changed("student", scale, word) for word in words]
    at_home = words.index(getattr(HOME, scale))
    for side in (0, 1):
        apart = sorted((abs(level - at_home), gain[side]) for level, gain in enumerate(gains))
        assert [gain for _, gain in apart] == sorted((gain for _, gain in apart), reverse=True)
        assert len({gain for _, gain in apart}) == 3


# --- bands ---


@pytest.mark.parametrize(
    ("score", "band"),
    [(1000, 0), (800, 0), (799, 1), (700, 1), (699, 2), (600, 2), (599, 3), (500, 3), (499, 4), (0, 4)],
)
def test_a_score_equal_to_a_cut_is_above_it(score, band):
    assert bands([score], SEOUL.student_bands).tolist() == [band]


CUTS = st.lists(st.integers(1, 1000), min_size=2, max_size=6, unique=True).map(lambda cuts: sorted(cuts, reverse=True))
SCORES = st.lists(st.integers(0, 1000), max_size=30)


@given(SCORES, CUTS)
def test_bands_follow_the_scores_and_are_as_many_as_the_cuts_make(points, cuts):
    found = bands(points, cuts).tolist()
    assert all(0 <= band <= len(cuts) for band in found)
    for one, band in zip(points, found, strict=True):
        assert all(other <= band for better, other in zip(points, found, strict=True) if better >= one)


@given(SCORES, SCORES, CUTS)
def test_one_more_candidate_moves_nobody_to_another_band(points, more, cuts):
    assert bands([*points, *more], cuts).tolist()[: len(points)] == bands(points, cuts).tolist()
