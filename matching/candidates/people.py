"""Students and homes as one would write them down, and the columns made of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import numpy as np

from matching.candidates.facts import (
    NO_LIMIT,
    SCALES,
    SETS,
    UNKNOWN,
    Homes,
    Kind,
    PrivateSpace,
    Students,
    kinds,
)
from matching.candidates.packs import Pack

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Someone:
    """What is asked of both sides alike. None is what nobody has asked yet; words are those of the pack.

    NO_LIMIT stands for amounts and last days that do not matter.
    """

    id: int
    place: tuple[float, float] | None = None
    """Latitude and longitude of the home or of the place of study."""
    guests: str | None = None
    least_guests: str | None = None
    most_guests: str | None = None
    quiet: str | None = None
    least_quiet: str | None = None
    most_quiet: str | None = None
    languages: Collection[str] | None = None
    checked_until: date | int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Student(_Someone):
    """Who looks for a room; `facts.Students` says what each is."""

    campus: int | None = None
    adult: bool | None = None
    wanted_from: date | None = None
    wanted_until: date | int | None = None
    least_stay: int | None = 0
    budget: int | None = None
    hours: int | None = None
    tasks: Collection[str] | None = None
    liked_tasks: Collection[str] | None = ()
    evenings: int | None = None
    smokes: bool | None = None
    pets: Collection[str] | None = None
    avoids: Collection[str] | None = None
    step_free: bool | None = None
    longest_way: int | None = NO_LIMIT
    enrolled_until: date | int | None = None
    people: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Home(_Someone):
    """A home with a room to spare; `facts.Homes` says what each is."""

    zone: int | None = None
    eligible: bool | None = None
    free_from: date | None = None
    free_until: date | int | None = NO_LIMIT
    least_stay: int | None = 0
    rent: int | None = None
    deposit: int | None = 0
    hours: int | None = None
    tasks: Collection[str] | None = None
    welcome_tasks: Collection[str] | None = ()
    evenings: int | None = None
    smoking: bool | None = None
    pets: Collection[str] | None = None
    allergens: Collection[str] | None = None
    steps: int | None = None
    lift: bool | None = None
    rooms: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who someone is and accepts where bathroom and hall are shared; without words for `accepts`, anyone."""

    id: int
    own: Collection[str] | None = None
    accepts: Collection[str] | None = None


def students(people: Sequence[Student], pack: Pack) -> Students:
    """The columns of students; raises ValueError for a word that the pack does not know."""
    return _columns(Students, people, pack)


def homes(people: Sequence[Home], pack: Pack) -> Homes:
    """The columns of homes; raises ValueError for a word that the pack does not know."""
    return _columns(Homes, people, pack)


def wishes(people: Sequence[Wish], pack: Pack) -> PrivateSpace:
    """The columns of wishes for private space; raises ValueError for a word that the pack does not know."""
    anyone = (1 << len(pack.words.spaces)) - 1
    table = _columns(PrivateSpace, people, pack)
    return PrivateSpace(table.ids, table.own, np.where(table.accepts == UNKNOWN, anyone, table.accepts))


_Made = TypeVar("_Made", Students, Homes, PrivateSpace)


def _columns(table: type[_Made], people: Sequence[Any], pack: Pack) -> _Made:
    columns: dict[str, list[int]] = {
        name: [_number(name, kind, getattr(one, name), pack) for one in people]
        for name, kind in kinds(table).items()
        if kind is not Kind.PLACE
    }
    if Kind.PLACE in kinds(table).values():
        places = [pack.ground.metres(*one.place) if one.place else (UNKNOWN, UNKNOWN) for one in people]
        columns |= {"east": [east for east, _ in places], "north": [north for _, north in places]}
    ids = np.array([one.id for one in people], dtype=np.int64)
    return table(ids, **{name: np.array(values, dtype=np.int32) for name, values in columns.items()})


def _number(name: str, kind: Kind, value: Any, pack: Pack) -> int:
    if value is None:
        return UNKNOWN
    if isinstance(value, date):
        return (value - EPOCH).days
    words: Mapping[str, int] = {}
    if kind in SETS | SCALES:
        words = {word: at for at, word in enumerate(getattr(pack.words, kind))}
        for word in [value] if kind in SCALES else value:
            if word not in words:
                raise ValueError(f"{name}: {word!r} is no word of the pack")
    if kind in SETS:
        return sum(1 << words[word] for word in set(value))
    return words[value] if kind in SCALES else int(value)
