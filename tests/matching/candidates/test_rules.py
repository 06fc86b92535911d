"""Every rule by example: where it passes, that equal values do, by how much it fails, and what is not known."""

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest

from matching.candidates import people
from matching.candidates.codes import Code
from matching.candidates.facts import NO_LIMIT, UNKNOWN, Apart, Homes, Spaces, Students, World, kinds
from matching.candidates.join import candidates
from matching.candidates.packs import Measure, Missing
from matching.candidates.people import Home, Student, Wish
from matching.candidates.rules import RULES
from tests.matching.candidates.worlds import (
    DAY,
    HOME,
    SEOUL,
    STUDENT,
    TODAY,
    judged,
    many,
    random_world,
    with_rules,
    world,
)

pytestmark = pytest.mark.no_database

YESTERDAY = date(2027, 2, 28)
STUDENT_CHECKED = (date(2028, 1, 1) - date(1970, 1, 1)).days
FAR = (37.4665, 126.978)
NORTH = 37.5665 + 0.001
"""About 111 m north of the place of study."""


IN_MINUTES = replace(SEOUL, measure=Measure.MINUTES, near=10, longest_way=40)


def test_every_code_has_a_rule_in_the_order_of_the_codes():
    assert list(RULES) == list(Code)
    assert all(rule.code is code and rule.sentence.endswith(".") for code, rule in RULES.items())


def test_two_who_fit_in_everything_pass_every_rule_with_equal_values():
    for code in SEOUL.rules:
        assert judged(code, world())[0] == "pass", code


EXAMPLES = [
    # the rule, the student, the home, and what is said: verdict, both values, how much is short
    (Code.STUDENT_ADULT, {"adult": False}, {}, ("fail", 0, 1, 1)),
    (Code.STUDENT_ADULT, {"adult": None}, {}, ("unknown", None, 1, None)),
    (Code.HOST_ELIGIBLE, {}, {"eligible": False}, ("fail", 1, 0, 1)),
    (Code.HOST_ELIGIBLE, {}, {"eligible": None}, ("unknown", 1, None, None)),
    (Code.NO_DEPOSIT, {}, {"deposit": 0}, ("pass", 0, 0, None)),
    (Code.NO_DEPOSIT, {}, {"deposit": 500_000}, ("fail", 0, 500_000, 500_000)),
    (Code.NO_DEPOSIT, {}, {"deposit": None}, ("unknown", 0, None, None)),
    (Code.RENT_OF_PROGRAMME, {}, {"rent": 300_000}, ("pass", 300_000, 300_000, None)),
    (Code.RENT_OF_PROGRAMME, {}, {"rent": 300_001}, ("fail", 300_000, 300_001, 1)),
    (Code.RENT_OF_PROGRAMME, {}, {"rent": 200_000}, ("pass", 200_000, 200_000, None)),
    (Code.RENT_OF_PROGRAMME, {}, {"rent": 180_000}, ("fail", 200_000, 180_000, 20_000)),
    (Code.HOURS_OF_PROGRAMME, {}, {"hours": 10}, ("pass", 10, 10, None)),
    (Code.HOURS_OF_PROGRAMME, {}, {"hours": 12}, ("fail", 10, 12, 2)),
    (Code.HOURS_OF_PROGRAMME, {"hours": 20}, {"hours": 5}, ("pass", 10, 5, None)),
    (Code.RENT_IN_BUDGET, {"budget": 250_000}, {"rent": 250_000}, ("pass", 250_000, 250_000, None)),
    (Code.RENT_IN_BUDGET, {"budget": 230_000}, {"rent": 250_000}, ("fail", 230_000, 250_000, 20_000)),
    (Code.RENT_IN_BUDGET, {"budget": None}, {}, ("unknown", None, 250_000, None)),
    (Code.DATES, {}, {}, ("pass", 180, 180, None)),
    (Code.DATES, {"wanted_from": date(2027, 3, 2)}, {}, ("fail", 180, 179, 1)),
    (Code.DATES, {}, {"free_until": date(2027, 8, 18)}, ("fail", 180, 170, 10)),
    (Code.DATES, {"wanted_from": date(2027, 1, 1)}, {"free_from": date(2026, 1, 1)}, ("pass", 180, 180, None)),
    (Code.DATES, {"least_stay": 200}, {}, ("fail", 200, 180, 20)),
    (Code.DATES, {}, {"least_stay": 365}, ("fail", 365, 180, 185)),
    (Code.DATES, {"wanted_until": date(2027, 1, 1)}, {}, ("fail", 180, -59, 239)),
    (Code.DATES, {"wanted_until": None}, {}, ("unknown", 180, None, None)),
    (Code.WAY, {"longest_way": 0}, {}, ("pass", 0, 0, None)),
    (Code.WAY, {"longest_way": 111}, {"place": (NORTH, 126.978)}, ("pass", 111, 111, None)),
    (Code.WAY, {"longest_way": 100}, {"place": (NORTH, 126.978)}, ("fail", 100, 111, 11)),
    (Code.WAY, {"longest_way": 90_000}, {"place": FAR}, ("pass", 90_000, 11_120, None)),
    (Code.WAY, {}, {"place": None}, ("unknown", NO_LIMIT, None, None)),
    (Code.WAY_OF_PROGRAMME, {"longest_way": 90_000}, {"place": FAR}, ("fail", 10_000, 11_120, 1_120)),
    (Code.WAY_OF_PROGRAMME, {"longest_way": None}, {}, ("pass", 10_000, 0, None)),
    (Code.WAY_OF_PROGRAMME, {"place": None}, {}, ("unknown", 10_000, None, None)),
    (Code.ROOMS, {"people": 2}, {"rooms": 2}, ("pass", 2, 2, None)),
    (Code.ROOMS, {"people": 2}, {"rooms": 1}, ("fail", 2, 1, 1)),
    (Code.HOURS, {"hours": 4}, {}, ("fail", 4, 5, 1)),
    (Code.HOURS, {"hours": None}, {"hours": 0}, ("pass", None, 0, None)),
    (Code.HOURS, {"hours": None}, {}, ("unknown", None, 5, None)),
    (Code.EVENINGS, {"evenings": 1}, {}, ("fail", 1, 3, 2)),
    (Code.EVENINGS, {"evenings": None}, {"evenings": 0}, ("pass", None, 0, None)),
    (Code.TASKS, {"tasks": {"company", "meals", "garden"}}, {}, ("pass", 0b1000011, 0b11, None)),
    (Code.TASKS, {"tasks": {"garden"}}, {}, ("fail", 0b1000000, 0b11, 2)),
    (Code.TASKS, {"tasks": None}, {"tasks": ()}, ("pass", None, 0, None)),
    (Code.TASKS, {"tasks": ()}, {"tasks": None}, ("unknown", 0, None, None)),
    (Code.STAIRS, {"step_free": True}, {}, ("fail", 1, 12, 12)),
    (Code.STAIRS, {"step_free": True}, {"steps": 0}, ("pass", 1, 0, None)),
    (Code.STAIRS, {"step_free": True}, {"lift": True}, ("pass", 1, 0, None)),
    (Code.STAIRS, {"step_free": True}, {"lift": None}, ("unknown", 1, None, None)),
    (Code.STAIRS, {"step_free": False}, {"steps": None}, ("pass", 0, None, None)),
    (Code.STAIRS, {"step_free": None}, {}, ("unknown", None, 12, None)),
    (Code.SMOKING, {"smokes": True}, {}, ("fail", 1, 0, 1)),
    (Code.SMOKING, {"smokes": True}, {"smoking": True}, ("pass", 1, 1, None)),
    (Code.SMOKING, {"smokes": False}, {"smoking": None}, ("pass", 0, None, None)),
    (Code.SMOKING, {"smokes": None}, {"smoking": True}, ("pass", None, 1, None)),
    (Code.SMOKING, {"smokes": None}, {}, ("unknown", None, 0, None)),
    (Code.PETS, {"pets": {"cat"}}, {"pets": {"cat", "dog"}}, ("pass", 0b1, 0b11, None)),
    (Code.PETS, {"pets": {"cat", "bird"}}, {"pets": {"dog"}}, ("fail", 0b101, 0b10, 2)),
    (Code.PETS, {"pets": ()}, {"pets": None}, ("pass", 0, None, None)),
    (Code.PETS, {"pets": {"cat"}}, {"pets": None}, ("unknown", 1, None, None)),
    (Code.ALLERGIES, {"avoids": {"cat"}}, {}, ("fail", 1, 1, 1)),
    (Code.ALLERGIES, {"avoids": {"dog"}}, {}, ("pass", 2, 1, None)),
    (Code.ALLERGIES, {"avoids": None}, {}, ("unknown", None, 1, None)),
    (Code.ALLERGIES, {"avoids": None}, {"allergens": ()}, ("pass", None, 0, None)),
    (Code.GUESTS, {"least_guests": "weekly"}, {"most_guests": "weekly"}, ("pass", 3, 3, None)),
    (Code.GUESTS, {"least_guests": "weekly"}, {"most_guests": "seldom"}, ("fail", 3, 1, 2)),
    (Code.GUESTS, {"most_guests": "seldom"}, {"least_guests": "monthly"}, ("fail", 1, 2, 1)),
    (Code.GUESTS, {"most_guests": None}, {}, ("unknown", 1, 3, None)),
    (Code.QUIET, {"least_quiet": "after_ten"}, {"most_quiet": "after_midnight"}, ("fail", 3, 1, 2)),
    (Code.QUIET, {"most_quiet": "after_eleven"}, {"least_quiet": "after_eleven"}, ("pass", 2, 2, None)),
    (Code.STUDENT_ENROLLED, {"enrolled_until": TODAY}, {}, ("pass", DAY, DAY, None)),
    (Code.STUDENT_ENROLLED, {"enrolled_until": date(2027, 2, 20)}, {}, ("fail", DAY - 9, DAY, 9)),
    (Code.STUDENT_ENROLLED, {"enrolled_until": None}, {}, ("unknown", None, DAY, None)),
    (Code.STUDENT_CHECKS, {"checked_until": TODAY}, {}, ("pass", DAY, DAY, None)),
    (Code.STUDENT_CHECKS, {"checked_until": TODAY}, {"free_from": date(2027, 3, 3)}, ("fail", DAY, DAY + 2, 2)),
    (Code.STUDENT_CHECKS, {"wanted_from": None}, {}, ("unknown", STUDENT_CHECKED, None, None)),
    (Code.HOME_CHECKS, {}, {"checked_until": TODAY}, ("pass", DAY, DAY, None)),
    (Code.HOME_CHECKS, {"wanted_from": date(2026, 1, 1)}, {"checked_until": YESTERDAY}, ("fail", DAY, DAY - 1, 1)),
    (Code.HOME_CHECKS, {}, {"checked_until": None}, ("unknown", DAY, None, None)),
    (Code.KEPT_APART, {}, {}, ("pass", 0, 0, None)),
    (Code.EARLIER_PAIR, {}, {}, ("pass", 0, 0, None)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "student", "home", "said"), EXAMPLES)
def test_a_rule_by_example(code, student, home, said):
    assert judged(code, world(student, home)) == said


def test_every_rule_has_an_example():
    assert {code for code, *_ in EXAMPLES} | {Code.PRIVATE_SPACE} == set(Code)


@pytest.mark.parametrize(("code", "student", "home", "said"), EXAMPLES)
def test_the_pair_of_an_example_may_be_proposed_only_if_nothing_bars_it(code, student, home, said):
    of = world(student, home)
    others = {judged(other, of)[0] for other in SEOUL.rules}
    assert len(candidates(of, SEOUL).pairs) == (others == {"pass"})


def test_a_missing_fact_bars_unless_the_pack_lets_a_person_ask():
    of = world({"smokes": None})
    assert [len(found) for found in candidates(of, SEOUL)] == [0, 0]
    assert [len(found) for found in candidates(of, with_rules(smoking="asks"))] == [0, 1]
    assert [len(found) for found in candidates(of, with_rules(smoking="off"))] == [1, 0]


def test_nobody_is_asked_about_a_pair_that_fails_another_rule():
    of = world({"smokes": None, "budget": 0})
    assert [len(found) for found in candidates(of, with_rules(smoking="asks"))] == [0, 0]


@pytest.mark.parametrize("code", [Code.KEPT_APART, Code.EARLIER_PAIR])
def test_a_pair_on_a_list_fails_and_nobody_else_does(code):
    students, homes = [replace(STUDENT, id=5), replace(STUDENT, id=3)], [replace(HOME, id=8), replace(HOME, id=2)]
    listed = Apart(np.array([3, 99]), np.array([8, 2]))
    of = many(students, homes)
    of = replace(of, kept_apart=listed) if code is Code.KEPT_APART else replace(of, earlier=listed)
    s, h = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert RULES[code].judge(of, SEOUL, s, h).verdicts().tolist() == [1, 1, 0, 1]
    pairs = candidates(of, SEOUL).pairs
    assert list(zip(pairs.student_ids, pairs.home_ids, strict=True)) == [(3, 2), (5, 2), (5, 8)]


def test_minutes_come_from_the_table():
    pack = IN_MINUTES
    minutes = np.array([[30, 40, 41, UNKNOWN]], dtype=np.int32)
    student = {"campus": 0, "longest_way": 40}
    said = [judged(Code.WAY, world(student, {"zone": zone}, minutes=minutes), pack) for zone in range(4)]
    assert said == [("pass", 40, 30, None), ("pass", 40, 40, None), ("fail", 40, 41, 1), ("unknown", 40, None, None)]
    assert judged(Code.WAY, world({}, {"zone": 0}, minutes=minutes), pack)[0] == "unknown"


def test_a_table_of_travel_times_is_needed_where_ways_are_in_minutes():
    with pytest.raises(ValueError, match="travel times"):
        candidates(world(), IN_MINUTES)


# --- private space ---


def _spaces(student: Wish | None, home: Wish | None) -> Spaces:
    return Spaces(*(people.wishes([wish] if wish else [], SEOUL) for wish in (student, home)))


@pytest.mark.parametrize(
    ("student", "home", "verdict"),
    [
        (None, None, "pass"),
        (Wish(id=1, own={"men"}), Wish(id=1, own={"women"}), "pass"),
        (Wish(id=1, own={"men"}), Wish(id=1, own={"women"}, accepts={"women"}), "fail"),
        (Wish(id=1, own={"women"}, accepts={"women"}), Wish(id=1, own={"men"}), "fail"),
        (Wish(id=1, own={"women"}, accepts={"women"}), Wish(id=1, own={"women"}, accepts={"women"}), "pass"),
        (Wish(id=1, own={"women", "men"}), Wish(id=1, own={"women"}, accepts={"women"}), "fail"),
        (None, Wish(id=1, own={"women"}, accepts={"women"}), "unknown"),
        (Wish(id=1, accepts={"women"}), None, "unknown"),
    ],
)
def test_private_space_is_asked_of_both_alike(student, home, verdict):
    pack = with_rules(private_space="bars")
    assert judged(Code.PRIVATE_SPACE, world(spaces=_spaces(student, home)), pack)[0] == verdict
    assert judged(Code.PRIVATE_SPACE, world(spaces=_spaces(home, student)), pack)[0] == verdict


def test_a_pack_that_does_not_ask_for_private_space_refuses_to_hear_of_it():
    assert SEOUL.missing[Code.PRIVATE_SPACE] is Missing.OFF
    with pytest.raises(ValueError, match="private space"):
        candidates(world(spaces=_spaces(Wish(id=1, own={"men"}), None)), SEOUL)


# --- what cannot be held ---

PROTECTED = {
    "age", "born", "birth", "sex", "gender", "nationality", "citizenship", "race", "ethnicity", "religion", "belief",
    "health", "disability", "diagnosis", "orientation", "marital", "family", "politics", "name", "income", "visa",
}  # fmt: skip


@pytest.mark.parametrize("table", [Students, Homes, Student, Home, World])
def test_no_field_holds_what_is_protected(table):
    words = {word for field in fields(table) for word in field.name.split("_")}
    assert not words & PROTECTED


@pytest.mark.parametrize("attribute", sorted(PROTECTED))
@pytest.mark.parametrize("someone", [Student, Home])
def test_what_is_protected_cannot_be_handed_in(someone, attribute):
    with pytest.raises(TypeError, match=attribute):
        someone(id=1, **{attribute: "x"})


def test_columns_are_copied_checked_and_unchangeable():
    of = random_world(1, 3, 3)
    with pytest.raises(ValueError, match="read-only"):
        of.students.budget[0] = 1
    columns = {name: getattr(of.students, name) for name in kinds(Students)}
    for name, wrong in (("evenings", 8), ("adult", 2), ("wanted_from", -1), ("people", 0), ("budget", -5)):
        with pytest.raises(ValueError, match=f"{name}: from"):
            Students(of.students.ids, **{**columns, name: np.full(3, wrong)})
    with pytest.raises(ValueError, match="whole numbers"):
        Students(of.students.ids, **{**columns, "hours": np.full(3, 1.5)})
    with pytest.raises(ValueError, match="a value for each"):
        Students(of.students.ids, **{**columns, "hours": np.zeros(2, dtype=int)})
    with pytest.raises(ValueError, match="nobody twice"):
        Students(np.array([1, 1, 2]), **columns)
    with pytest.raises(ValueError, match="least_guests: above"):
        Students(of.students.ids, **{**columns, "least_guests": np.full(3, 4), "most_guests": np.full(3, 1)})


def test_a_word_that_the_pack_does_not_know_is_refused():
    with pytest.raises(ValueError, match="tasks: 'nursing' is no word"):
        world(home={"tasks": {"nursing"}})
