"""A pack says what a city allows; whatever is wrong with it is refused by the name of its key."""

import re
from datetime import date

import pytest

from matching.candidates.codes import Code, Criterion
from matching.candidates.packs import (
    FOR_HOST,
    FOR_STUDENT,
    NEVER_OFF,
    SEOUL,
    Measure,
    Missing,
    Pack,
    PackError,
    old_enough,
)  # fmt: skip

pytestmark = pytest.mark.no_database

TEXT = SEOUL.read_text("utf-8")


def test_seoul_is_as_its_programme_says():
    pack = Pack.load()
    assert (pack.host_age, pack.student_age, pack.deposit, pack.renewable) == (60, 19, 0, True)
    assert (pack.least_rent, pack.most_rent, pack.most_hours, pack.least_stay) == (200_000, 300_000, 10, 180)
    assert (pack.measure, pack.near, pack.longest_way) == (Measure.METRES, 1_000, 10_000)
    assert len(pack.student_bands) + 1 == len(pack.host_bands) + 1 == 5
    assert pack.rules == tuple(code for code in Code if code is not Code.PRIVATE_SPACE)


def test_the_weights_of_each_side_add_up_to_a_thousand():
    pack = Pack.load()
    assert sum(pack.student_weights.values()) == sum(pack.host_weights.values()) == 1_000
    assert set(pack.student_weights) <= FOR_STUDENT
    assert set(pack.host_weights) <= FOR_HOST
    assert set(Criterion) == FOR_STUDENT | FOR_HOST


WRONG = [
    # what stands there, what is put in its place, and how the error begins
    ("host_age = 60", "", "programme.host_age: missing"),
    ("host_age = 60", "host_age = 6", "programme.host_age: a whole number from 18 to 120, not 6"),
    ("host_age = 60", "host_age = 60.0", "programme.host_age: a whole number"),
    ("host_age = 60", "host_age = true", "programme.host_age: a whole number"),
    ("host_age = 60", "host_age = 60\nguest_age = 3", "programme.guest_age: unknown"),
    ('name = "Seoul"', "name = 5", "programme.name: a text"),
    ("renewable = true", 'renewable = "yes"', "programme.renewable: true or false"),
    ("deposit = 0", "deposit = -1", "programme.deposit: a whole number from 0"),
    ("most = 300_000", "most = 100_000", "rent.most: a whole number from 200000"),
    ("most = 300_000", "most = 300_000\nfree = 1", "rent.free: unknown"),
    ("least = 180", "least = 0", "stay.least: a whole number from 1"),
    ('measure = "metres"', 'measure = "miles"', "way.measure: metres or minutes, not 'miles'"),
    ("longest = 10_000", "longest = 500", "way.longest: a whole number from 1000"),
    ("latitude = 37.55", "latitude = 97.5", "ground.latitude: degrees from -90 to 90"),
    ("latitude = 37.55", 'latitude = "37"', "ground.latitude: degrees"),
    ("degree_north = 111_195", "degree_north = 0", "ground.degree_north: a whole number from 1"),
    ('spaces = ["women", "men"]', "spaces = []", "words.spaces: 1 to 31 words, not 0"),
    ('spaces = ["women", "men"]', 'spaces = ["women", "women"]', "words.spaces: a word stands twice"),
    ('spaces = ["women", "men"]', "spaces = [1]", "words.spaces: a list of words"),
    ('guests = ["never", "seldom", "monthly", "weekly", "often"]', 'guests = ["never"]', "words.guests: 2 to 31 words"),
    ('way = "bars"', 'way = "maybe"', "rules.way: bars or asks or off, not 'maybe'"),
    ('way = "bars"', "", "rules.way: missing"),
    ('way = "bars"', 'way = "bars"\nage = "bars"', "rules.age: unknown"),
    ('home_checks = "bars"', 'home_checks = "off"', "rules.home_checks: cannot be off"),
    ("way = 300", "way = 301", "weights.student: the weights add up to 1001, not 1000"),
    ("way = 300", "evenings = 300", "weights.student.evenings: unknown"),
    ("evenings = 150", "rent = 150", "weights.host.rent: unknown"),
    ("way = 300", "way = -300", "weights.student.way: a whole number from 0 to 1000"),
    ("student = [800, 700, 600, 500]", "student = [800]", "bands.student: 2 to 6 numbers"),
    ("student = [800, 700, 600, 500]", "student = [8, 7, 6, 5, 4, 3, 2]", "bands.student: 2 to 6 numbers"),
    ("student = [800, 700, 600, 500]", "student = [700, 800]", "bands.student: falling numbers"),
    ("student = [800, 700, 600, 500]", "student = [800, 800]", "bands.student: falling numbers"),
    ("student = [800, 700, 600, 500]", "student = [1001, 700]", "bands.student: falling numbers"),
    ("host = [800, 700, 600, 500]", "host = [700, 0]", "bands.host: falling numbers"),
    ("host = [800, 700, 600, 500]", 'host = "five"', "bands.host: a list of whole numbers"),
    ("[programme]", "programme = 3\n[other]", "programme: a table, not 3"),
    ("[programme]", "[programme", "not TOML: "),
    ("[bands]", "[more]\n[bands]", "more: unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("there", "instead", "error"), WRONG)
def test_what_is_wrong_is_named(there, instead, error):
    assert there in TEXT
    with pytest.raises(PackError) as wrong:
        Pack.read(TEXT.replace(there, instead, 1))
    assert str(wrong.value).startswith(error)


@pytest.mark.parametrize("code", sorted(set(Code) - NEVER_OFF))
def test_what_protects_nobody_may_be_off(code):
    text = re.sub(rf'^{code} = "\w+"', f'{code} = "off"', TEXT, flags=re.MULTILINE)
    assert Pack.read(text).missing[code] is Missing.OFF


@pytest.mark.parametrize(
    ("born", "day", "old"),
    [
        (date(1967, 3, 1), date(2027, 3, 1), True),
        (date(1967, 3, 2), date(2027, 3, 1), False),
        (date(1968, 2, 29), date(2028, 2, 29), True),
        (date(1964, 2, 29), date(2024, 2, 28), False),
        (date(1967, 12, 31), date(2027, 12, 30), False),
    ],
)
def test_someone_is_old_enough_from_their_birthday_on(born, day, old):
    assert old_enough(60, born, day) is old
