"""Students and homes that fit each other in everything, to be changed in one thing; and cities made at random."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from matching.candidates import people
from matching.candidates.codes import Code
from matching.candidates.facts import LAST_DAY, NO_LIMIT, UNKNOWN, Apart, Homes, Kind, Students, World, kinds
from matching.candidates.packs import NEVER_OFF, Measure, Missing, Pack
from matching.candidates.people import EPOCH, Home, Student
from matching.candidates.rules import RULES

SEOUL = Pack.load()
TODAY = date(2027, 3, 1)
DAY = (TODAY - EPOCH).days
CITY_HALL = (37.5665, 126.978)

STUDENT = Student(
    id=1, place=CITY_HALL, adult=True, wanted_from=date(2027, 3, 1), wanted_until=date(2027, 8, 28), budget=250_000,
    hours=5, tasks={"meals", "company"}, evenings=3, smokes=False, pets=(), avoids=(), step_free=False,
    guests="monthly", least_guests="seldom", most_guests="weekly", quiet="after_eleven", least_quiet="after_midnight",
    most_quiet="after_ten", languages={"ko"}, checked_until=date(2028, 1, 1), enrolled_until=date(2028, 1, 1),
)  # fmt: skip
HOME = Home(
    id=1, place=CITY_HALL, eligible=True, free_from=date(2027, 3, 1), free_until=date(2027, 8, 28), rent=250_000,
    hours=5, tasks={"meals", "company"}, evenings=3, smoking=False, pets=(), allergens={"cat"}, steps=12, lift=False,
    guests="monthly", least_guests="seldom", most_guests="weekly", quiet="after_eleven", least_quiet="after_midnight",
    most_quiet="after_ten", languages={"ko"}, checked_until=date(2028, 1, 1),
)  # fmt: skip


def world(student: dict[str, Any] | None = None, home: dict[str, Any] | None = None, **more: Any) -> World:
    """One student and one home that fit, but for what is named."""
    return many([replace(STUDENT, **(student or {}))], [replace(HOME, **(home or {}))], **more)


def many(students: list[Student], homes: list[Home], pack: Pack = SEOUL, **more: Any) -> World:
    """Those students and homes, today."""
    return World(DAY, people.students(students, pack), people.homes(homes, pack), **more)


def judged(code: Code, of: World, pack: Pack = SEOUL) -> tuple[str, int | None, int | None, int | None]:
    """What a rule says of the one pair there is: its verdict, both values, and how much is short where it fails."""
    found = RULES[code].judge(of, pack, np.array([0]), np.array([0]))
    verdict = {0: "fail", 1: "pass", 2: "unknown"}[int(found.verdicts()[0])]
    student, home = (None if int(value[0]) == UNKNOWN else int(value[0]) for value in (found.student, found.home))
    return verdict, student, home, int(found.short_by[0]) if verdict == "fail" else None


def with_rules(pack: Pack = SEOUL, **missing: str) -> Pack:
    """The pack with some rules off, or asking."""
    return replace(pack, missing={**pack.missing, **{Code(code): Missing(how) for code, how in missing.items()}})


# --- at random ---

_SMALL = {Kind.FLAG: (0, 1), Kind.EVENINGS: (0, 7), Kind.PEOPLE: (1, 2), Kind.PLACE: (-2_500, 2_500), Kind.ROW: (0, 3)}
_BY_NAME = {
    "wanted_from": (DAY - 5, DAY + 5), "free_from": (DAY - 5, DAY + 5), "budget": (200_000, 350_000), "deposit": (0, 0),
    "wanted_until": (DAY + 178, DAY + 190), "free_until": (DAY + 178, DAY + 190), "least_stay": (0, 184),
    "rent": (195_000, 305_000), "hours": (0, 11), "longest_way": (0, 2_000), "steps": (0, 3), "rooms": (1, 2),
    "checked_until": (DAY - 1, DAY + 20), "enrolled_until": (DAY - 1, DAY + 20),
}  # fmt: skip
_LIKELY = {"adult": 1, "eligible": 1, "smokes": 0, "step_free": 0, "least_guests": 0, "least_quiet": 0}


def random_world(seed: int, students: int, homes: int, unknown: float = 0.0, easy: float = 0.6) -> World:
    """A small, crowded city.

    unknown  the share of facts that nobody has asked for
    easy     the share of facts that bar nobody, so that some pairs are left
    """
    random = np.random.default_rng(seed)
    made = [_table(table, random, size, unknown, easy) for table, size in ((Students, students), (Homes, homes))]
    apart = [_some_pairs(random, made[0].ids, made[1].ids) for _ in range(2)]
    minutes = random.integers(0, 60, (4, 4)).astype(np.int32)
    minutes[random.random((4, 4)) < unknown] = UNKNOWN
    return World(DAY, made[0], made[1], apart[0], apart[1], minutes)


def random_pack(seed: int) -> Pack:
    """Seoul's pack with a short longest way, some rules off or asking, at times measuring in minutes."""
    random = np.random.default_rng(seed)
    missing = {}
    for code in Code:
        choices = [Missing.BARS, Missing.BARS, Missing.ASKS, *([Missing.OFF] if code not in NEVER_OFF else [])]
        missing[code] = choices[random.integers(0, len(choices))]
    measure = Measure.MINUTES if random.random() < 0.3 else Measure.METRES
    longest = int(random.integers(1, 60)) if measure is Measure.MINUTES else int(random.integers(1, 3_000))
    return replace(SEOUL, missing=missing, measure=measure, near=0, longest_way=longest)


def _table(table: type, random: np.random.Generator, size: int, unknown: float, easy: float) -> Any:
    of_home = table is Homes
    columns = {}
    for name, kind in kinds(table).items():
        least, most = _BY_NAME.get(name) or _SMALL.get(kind, (0, 4 if kind in {Kind.GUESTS, Kind.QUIET} else 31))
        values = random.integers(least, most + 1, size)
        kindest = _kindest(name, kind, of_home, most)
        if kindest is not None:
            values = np.where(random.random(size) < easy, kindest, values)
        columns[name] = values
    for scale in ("guests", "quiet"):
        low, high = columns[f"least_{scale}"], columns[f"most_{scale}"]
        columns[f"least_{scale}"], columns[f"most_{scale}"] = np.minimum(low, high), np.maximum(low, high)
    for values in columns.values():
        values[random.random(size) < unknown] = UNKNOWN
    ids = random.choice(10 * size + 1, size, replace=False)
    return table(ids, **{name: values.astype(np.int32) for name, values in columns.items()})


def _kindest(name: str, kind: Kind, of_home: bool, most: int) -> int | None:
    """The value with which most others can live; None for those that matter to nobody or to all."""
    if kind is Kind.LAST_DAY:
        return LAST_DAY if name.endswith("_until") else NO_LIMIT
    if name in _LIKELY:
        return _LIKELY[name]
    if name in {"rent", "steps", "allergens", "least_stay", "avoids"} or (
        of_home and name in {"hours", "tasks", "evenings"}
    ):
        return 200_000 if name == "rent" else 0
    if name == "pets":
        return 31 if of_home else 0
    return most if kind in {Kind.AMOUNT, Kind.TASKS, Kind.EVENINGS, Kind.FLAG} or name.startswith("most_") else None


def _some_pairs(random: np.random.Generator, students: np.ndarray, homes: np.ndarray) -> Apart:
    if not students.size or not homes.size:
        return Apart(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    count = (students.size * homes.size) // 20
    return Apart(random.choice(students, count), random.choice(homes, count))
