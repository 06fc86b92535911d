"""Policy packs: what a city's programme allows and weighs, read from a TOML file and checked key by key."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeVar

from matching.candidates.codes import Code, Criterion

SEOUL = Path(__file__).with_name("seoul.toml")
POINTS = 1000
"""What the weights of one side add up to, and so the best score."""

MANY = 2**31 - 1
FEWEST_BANDS, MOST_BANDS = 3, 7
MOST_WORDS = 31
NEVER_OFF = frozenset({Code.STUDENT_ADULT, Code.HOST_ELIGIBLE, Code.STUDENT_CHECKS, Code.HOME_CHECKS, Code.KEPT_APART})
"""What protects people is no matter of policy."""

FOR_STUDENT = frozenset(Criterion) - {Criterion.EVENINGS}
FOR_HOST = frozenset(Criterion) - {Criterion.WAY, Criterion.RENT}
"""What each side's score may be made of."""


class PackError(ValueError):
    """A pack that cannot be used; the message begins with the name of the key."""


class Missing(StrEnum):
    """What a missing fact does to a pair."""

    BARS = "bars"
    ASKS = "asks"
    OFF = "off"


class Measure(StrEnum):
    """How long a way is."""

    METRES = "metres"
    MINUTES = "minutes"


@dataclass(frozen=True)
class Ground:
    """A flat map of the city: one scale for each direction, so that the same point has the same metres everywhere."""

    latitude: float
    longitude: float
    degree_north: int
    degree_east: int

    def metres(self, latitude: float, longitude: float) -> tuple[int, int]:
        """Whole metres to the east and to the north of the middle of the map."""
        east = round((longitude - self.longitude) * self.degree_east)
        return east, round((latitude - self.latitude) * self.degree_north)


@dataclass(frozen=True)
class Words:
    """The kinds that a bit or a level stands for; the first word is bit 0 or level 0."""

    tasks: tuple[str, ...]
    pets: tuple[str, ...]
    allergens: tuple[str, ...]
    languages: tuple[str, ...]
    spaces: tuple[str, ...]
    guests: tuple[str, ...]
    quiet: tuple[str, ...]


@dataclass(frozen=True)
class Pack:
    """What a programme allows and weighs. Money in won a month, help in hours a week, stays in days."""

    name: str
    host_age: int
    student_age: int
    deposit: int
    renewable: bool
    least_rent: int
    most_rent: int
    most_hours: int
    least_stay: int
    measure: Measure
    near: int
    longest_way: int
    ground: Ground
    words: Words
    missing: Mapping[Code, Missing]
    student_weights: Mapping[Criterion, int]
    host_weights: Mapping[Criterion, int]
    student_bands: tuple[int, ...]
    host_bands: tuple[int, ...]

    @property
    def rules(self) -> tuple[Code, ...]:
        """The rules that are on, in their fixed order."""
        return tuple(code for code in Code if self.missing[code] is not Missing.OFF)

    @classmethod
    def load(cls, path: Path = SEOUL) -> Self:
        """Read a pack from a file.

        Raises PackError with the name of the first key that is missing, unknown, of the wrong type or out of range.
        """
        return cls.read(path.read_text("utf-8"))

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a pack from the text of a file; raises as `load` does."""
        try:
            whole = _Table(tomllib.loads(text))
        except tomllib.TOMLDecodeError as wrong:
            raise PackError(f"not TOML: {wrong}") from wrong
        pack = cls(
            **_programme(whole.table("programme")), **_money_and_time(whole), **_way(whole.table("way")),
            ground=_ground(whole.table("ground")), words=_words(whole.table("words")),
            missing=_missing(whole.table("rules")), **_weights(whole.table("weights")), **_bands(whole.table("bands")),
        )  # fmt: skip
        whole.done()
        return pack


def old_enough(years: int, born: date, day: date) -> bool:
    """Whether someone born on one day has lived so many years on another; a leap day's year is full on 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day)) >= years


class _Table:
    """A table of the file, with its name for the errors, from which each key is taken once."""

    def __init__(self, values: Mapping[str, Any], name: str = "") -> None:
        self.values, self.name = dict(values), name

    def key(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def take(self, key: str) -> Any:
        if key not in self.values:
            raise PackError(f"{self.key(key)}: missing")
        return self.values.pop(key)

    def whole(self, key: str, least: int = 0, most: int = MANY) -> int:
        value = self.take(key)
        if type(value) is not int or not least <= value <= most:  # a bool is an int, and no number
            raise PackError(f"{self.key(key)}: a whole number from {least} to {most}, not {value!r}")
        return value

    def degrees(self, key: str, most: int) -> float:
        value = self.take(key)
        if type(value) not in (int, float) or not abs(value) <= most:
            raise PackError(f"{self.key(key)}: degrees from -{most} to {most}, not {value!r}")
        return float(value)

    def flag(self, key: str) -> bool:
        value = self.take(key)
        if type(value) is not bool:
            raise PackError(f"{self.key(key)}: true or false, not {value!r}")
        return value

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or not value:
            raise PackError(f"{self.key(key)}: a text, not {value!r}")
        return value

    def one_of(self, key: str, choices: type["_Choice"]) -> "_Choice":
        value = self.take(key)
        if value not in list(choices):
            raise PackError(f"{self.key(key)}: {' or '.join(choices)}, not {value!r}")
        return choices(value)

    def texts(self, key: str, least: int, most: int) -> tuple[str, ...]:
        value = self.take(key)
        if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
            raise PackError(f"{self.key(key)}: a list of words, not {value!r}")
        if not least <= len(value) <= most:
            raise PackError(f"{self.key(key)}: {least} to {most} words, not {len(value)}")
        if len(set(value)) < len(value):
            raise PackError(f"{self.key(key)}: a word stands twice")
        return tuple(value)

    def numbers(self, key: str) -> tuple[int, ...]:
        value = self.take(key)
        if not isinstance(value, list) or not all(type(number) is int for number in value):
            raise PackError(f"{self.key(key)}: a list of whole numbers, not {value!r}")
        return tuple(value)

    def table(self, key: str) -> "_Table":
        value = self.take(key)
        if not isinstance(value, dict):
            raise PackError(f"{self.key(key)}: a table, not {value!r}")
        return _Table(value, self.key(key))

    def done(self) -> None:
        for key in self.values:
            raise PackError(f"{self.key(key)}: unknown")


_Choice = TypeVar("_Choice", bound=StrEnum)


def _programme(table: _Table) -> dict[str, Any]:
    facts = {
        "name": table.text("name"), "host_age": table.whole("host_age", 18, 120),
        "student_age": table.whole("student_age", 16, 120), "deposit": table.whole("deposit"),
        "renewable": table.flag("renewable"),
    }  # fmt: skip
    table.done()
    return facts


def _money_and_time(whole: _Table) -> dict[str, Any]:
    rent, help_, stay = whole.table("rent"), whole.table("help"), whole.table("stay")
    least = rent.whole("least")
    facts = {
        "least_rent": least, "most_rent": rent.whole("most", least), "most_hours": help_.whole("most", 0, 168),
        "least_stay": stay.whole("least", 1, 3660),
    }  # fmt: skip
    for table in (rent, help_, stay):
        table.done()
    return facts


def _way(table: _Table) -> dict[str, Any]:
    near = table.whole("near", 0, 1_000_000)
    facts = {
        "measure": table.one_of("measure", Measure), "near": near,
        "longest_way": table.whole("longest", near, 1_000_000),
    }  # fmt: skip
    table.done()
    return facts


def _ground(table: _Table) -> Ground:
    ground = Ground(
        table.degrees("latitude", 90), table.degrees("longitude", 180), table.whole("degree_north", 1, 200_000),
        table.whole("degree_east", 1, 200_000),
    )  # fmt: skip
    table.done()
    return ground


def _words(table: _Table) -> Words:
    sets = {name: table.texts(name, 1, MOST_WORDS) for name in ("tasks", "pets", "allergens", "languages", "spaces")}
    words = Words(**sets, **{name: table.texts(name, 2, MOST_WORDS) for name in ("guests", "quiet")})
    table.done()
    return words


def _missing(table: _Table) -> Mapping[Code, Missing]:
    missing = {code: table.one_of(code, Missing) for code in Code}
    for code in Code:
        if code in NEVER_OFF and missing[code] is Missing.OFF:
            raise PackError(f"{table.key(code)}: cannot be off")
    table.done()
    return MappingProxyType(missing)


def _weights(table: _Table) -> dict[str, Any]:
    student, host = table.table("student"), table.table("host")
    table.done()
    return {"student_weights": _weighed(student, FOR_STUDENT), "host_weights": _weighed(host, FOR_HOST)}


def _weighed(table: _Table, allowed: frozenset[Criterion]) -> Mapping[Criterion, int]:
    """The weights of one side, in the order of the criteria; what is not named counts nothing."""
    named = [criterion for criterion in Criterion if criterion in allowed and criterion in table.values]
    weights = {criterion: table.whole(criterion, 0, POINTS) for criterion in named}
    table.done()
    if sum(weights.values()) != POINTS:
        raise PackError(f"{table.name}: the weights add up to {sum(weights.values())}, not {POINTS}")
    return MappingProxyType(weights)


def _bands(table: _Table) -> dict[str, Any]:
    cuts = {side: table.numbers(side) for side in ("student", "host")}
    table.done()
    for side, numbers in cuts.items():
        if not FEWEST_BANDS <= len(numbers) + 1 <= MOST_BANDS:
            raise PackError(
                f"{table.key(side)}: {FEWEST_BANDS - 1} to {MOST_BANDS - 1} numbers, for {FEWEST_BANDS} to"
                f" {MOST_BANDS} bands, not {len(numbers)}"
            )
        if list(numbers) != sorted(set(numbers), reverse=True) or not (numbers[-1] > 0 and numbers[0] <= POINTS):
            raise PackError(f"{table.key(side)}: falling numbers from {POINTS} to 1, not {list(numbers)}")
    return {"student_bands": cuts["student"], "host_bands": cuts["host"]}
