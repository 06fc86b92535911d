"""What is known of students, homes and pairs: columns of whole numbers, a row each.

There is a column for what a rule or a score needs and for nothing else. Ages, nationality, religion, health and the
like have no column, and cannot be handed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, NamedTuple, TypeAlias, get_origin, get_type_hints

import numpy as np
from numpy.typing import ArrayLike, NDArray

Whole: TypeAlias = NDArray[np.int32]
Ids: TypeAlias = NDArray[np.int64]
Rows: TypeAlias = NDArray[np.intp]

UNKNOWN = -(2**31)
"""Nobody has asked yet; what that does to a pair is said by the pack."""

NO_LIMIT = 2**31 - 1
"""For amounts and last days: however much, however late."""

LAST_DAY, LONGEST_STAY = 1_000_000, 36_600


class Kind(StrEnum):
    """What the numbers of a column are."""

    FLAG = "flag"  # 0 or 1
    AMOUNT = "amount"  # from 0; NO_LIMIT for however much
    DAY = "day"  # days since 1 January 1970
    LAST_DAY = "last_day"  # the same; NO_LIMIT for however late
    STAY = "stay"  # days
    EVENINGS = "evenings"  # of a week
    PEOPLE = "people"  # from 1
    PLACE = "place"  # metres east or north of the middle of the pack's map
    ROW = "row"  # of a table of travel times
    TASKS = "tasks"  # sets of words of the pack, a bit each
    PETS = "pets"
    ALLERGENS = "allergens"
    LANGUAGES = "languages"
    SPACES = "spaces"
    GUESTS = "guests"  # levels of the pack's scales
    QUIET = "quiet"


SETS = frozenset({Kind.TASKS, Kind.PETS, Kind.ALLERGENS, Kind.LANGUAGES, Kind.SPACES})
SCALES = frozenset({Kind.GUESTS, Kind.QUIET})

_RANGES = {
    Kind.FLAG: (0, 1), Kind.DAY: (0, LAST_DAY), Kind.STAY: (0, LONGEST_STAY), Kind.EVENINGS: (0, 7),
    Kind.PEOPLE: (1, 100), Kind.PLACE: (-10_000_000, 10_000_000), Kind.GUESTS: (0, 30), Kind.QUIET: (0, 30),
}  # fmt: skip
"""From 0 to NO_LIMIT where nothing is said."""


def kinds(table: type) -> Mapping[str, Kind]:
    """The columns of a table, by name."""
    hints = get_type_hints(table, include_extras=True).items()
    return {name: hint.__metadata__[0] for name, hint in hints if get_origin(hint) is Annotated and name != "ids"}


@dataclass(frozen=True, eq=False)
class _Table:
    """Columns of equal length; copied, checked and made unchangeable."""

    ids: Ids

    def __post_init__(self) -> None:
        ids = np.array(self.ids, dtype=np.int64)
        if ids.ndim != 1 or np.unique(ids).size < ids.size:
            raise ValueError("ids: one dimension, nobody twice")
        self._keep("ids", ids)
        for name, kind in kinds(type(self)).items():
            self._keep(name, _checked(name, kind, getattr(self, name), ids.size))

    def _keep(self, name: str, values: NDArray[Any]) -> None:
        values.setflags(write=False)
        object.__setattr__(self, name, values)

    def __len__(self) -> int:
        return int(self.ids.size)

    @cached_property
    def by_id(self) -> Rows:
        """The rows in the order of their ids."""
        return np.argsort(self.ids)

    @cached_property
    def places(self) -> Rows:
        """Where each row stands in that order."""
        places = np.empty(len(self), dtype=np.intp)
        places[self.by_id] = np.arange(len(self))
        return places

    def rows(self, ids: ArrayLike) -> Rows:
        """The rows of ids (n,), -1 for who has none."""
        wanted = np.asarray(ids, dtype=np.int64)
        if not len(self):
            return np.full(wanted.shape, -1, dtype=np.intp)
        at = self.by_id[np.minimum(np.searchsorted(self.ids, wanted, sorter=self.by_id), len(self) - 1)]
        return np.where(self.ids[at] == wanted, at, -1)

    def row(self, id_: int) -> int:
        """The row of an id; raises KeyError if it has none."""
        (row,) = self.rows([id_])
        if row < 0:
            raise KeyError(id_)
        return int(row)


@dataclass(frozen=True, eq=False)
class _Side(_Table):
    """What is asked of both sides alike."""

    east: Annotated[Whole, Kind.PLACE]
    north: Annotated[Whole, Kind.PLACE]
    """The place of study, or the home."""
    guests: Annotated[Whole, Kind.GUESTS]
    least_guests: Annotated[Whole, Kind.GUESTS]
    most_guests: Annotated[Whole, Kind.GUESTS]
    """How often guests come at best, and between which red lines."""
    quiet: Annotated[Whole, Kind.QUIET]
    least_quiet: Annotated[Whole, Kind.QUIET]
    most_quiet: Annotated[Whole, Kind.QUIET]
    """How quiet the nights are, likewise."""
    languages: Annotated[Whole, Kind.LANGUAGES]
    checked_until: Annotated[Whole, Kind.LAST_DAY]
    """The last day on which the checks hold."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for scale in SCALES:
            least, most = getattr(self, f"least_{scale}"), getattr(self, f"most_{scale}")
            if ((least != UNKNOWN) & (most != UNKNOWN) & (least > most)).any():
                raise ValueError(f"least_{scale}: above most_{scale}")


@dataclass(frozen=True, eq=False)
class Students(_Side):
    """Who looks for a room: one student, or two who come together."""

    campus: Annotated[Whole, Kind.ROW]
    adult: Annotated[Whole, Kind.FLAG]
    """Old enough for the pack on the day of the run."""
    wanted_from: Annotated[Whole, Kind.DAY]
    wanted_until: Annotated[Whole, Kind.LAST_DAY]
    """The earliest day to move in, and the day by which to be gone."""
    least_stay: Annotated[Whole, Kind.STAY]
    budget: Annotated[Whole, Kind.AMOUNT]
    hours: Annotated[Whole, Kind.AMOUNT]
    """Of help offered a week."""
    tasks: Annotated[Whole, Kind.TASKS]
    liked_tasks: Annotated[Whole, Kind.TASKS]
    """What they would do, and what of it they would like to do."""
    evenings: Annotated[Whole, Kind.EVENINGS]
    smokes: Annotated[Whole, Kind.FLAG]
    pets: Annotated[Whole, Kind.PETS]
    avoids: Annotated[Whole, Kind.ALLERGENS]
    """What must not be in the home."""
    step_free: Annotated[Whole, Kind.FLAG]
    longest_way: Annotated[Whole, Kind.AMOUNT]
    """In metres or minutes, as the pack measures."""
    enrolled_until: Annotated[Whole, Kind.LAST_DAY]
    """The last day on which that holds."""
    people: Annotated[Whole, Kind.PEOPLE]


@dataclass(frozen=True, eq=False)
class Homes(_Side):
    """Homes of older residents with a room to spare."""

    zone: Annotated[Whole, Kind.ROW]
    eligible: Annotated[Whole, Kind.FLAG]
    """Whether the pack admits the host; worked out before, so that no age comes here."""
    free_from: Annotated[Whole, Kind.DAY]
    free_until: Annotated[Whole, Kind.LAST_DAY]
    least_stay: Annotated[Whole, Kind.STAY]
    rent: Annotated[Whole, Kind.AMOUNT]
    deposit: Annotated[Whole, Kind.AMOUNT]
    hours: Annotated[Whole, Kind.AMOUNT]
    """Of help wanted a week."""
    tasks: Annotated[Whole, Kind.TASKS]
    welcome_tasks: Annotated[Whole, Kind.TASKS]
    """What is needed, and what would be welcome besides."""
    evenings: Annotated[Whole, Kind.EVENINGS]
    smoking: Annotated[Whole, Kind.FLAG]
    """Whether one may smoke."""
    pets: Annotated[Whole, Kind.PETS]
    """What may be brought."""
    allergens: Annotated[Whole, Kind.ALLERGENS]
    """What is in the home."""
    steps: Annotated[Whole, Kind.AMOUNT]
    lift: Annotated[Whole, Kind.FLAG]
    rooms: Annotated[Whole, Kind.AMOUNT]


@dataclass(frozen=True, eq=False)
class PrivateSpace(_Table):
    """With whom someone would share bathroom and hall: the same two questions to both sides, where a pack asks them."""

    own: Annotated[Whole, Kind.SPACES]
    accepts: Annotated[Whole, Kind.SPACES]


class Spaces(NamedTuple):
    """The wishes of both sides; who is missing has none, and has not said what others might wish to know."""

    students: PrivateSpace
    homes: PrivateSpace


@dataclass(frozen=True, eq=False)
class Apart:
    """Pairs that must not be proposed (n,), (n,). It does not matter who asked for it."""

    student_ids: Ids
    home_ids: Ids

    def __post_init__(self) -> None:
        for name in ("student_ids", "home_ids"):
            object.__setattr__(self, name, np.array(getattr(self, name), dtype=np.int64))
        if self.student_ids.shape != self.home_ids.shape or self.student_ids.ndim != 1:
            raise ValueError("a student and a home for each pair")


NOBODY = Apart(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class World:
    """All that is known on the day of a run.

    minutes  (campuses, zones) travel times, UNKNOWN where nobody knows; needed by a pack that measures in minutes
    spaces   only with a pack that asks for private space
    """

    day: int
    students: Students
    homes: Homes
    kept_apart: Apart = NOBODY
    earlier: Apart = NOBODY
    minutes: Whole | None = None
    spaces: Spaces | None = None

    def __post_init__(self) -> None:
        if self.minutes is None:
            return
        table = np.array(self.minutes, dtype=np.int32)
        if table.ndim != 2 or not ((table >= 0) | (table == UNKNOWN)).all():
            raise ValueError("minutes: two dimensions, from 0")
        for name, rows, size in (
            ("campus", self.students.campus, table.shape[0]), ("zone", self.homes.zone, table.shape[1]),
        ):  # fmt: skip
            if rows.size and rows.max() >= size:
                raise ValueError(f"{name}: not in the table of travel times")
        table.setflags(write=False)
        object.__setattr__(self, "minutes", table)

    @cached_property
    def kept_apart_keys(self) -> Ids:
        """The pairs kept apart, as keys of `pair_keys`, in order."""
        return self._keys(self.kept_apart)

    @cached_property
    def earlier_keys(self) -> Ids:
        """The pairs that failed or declined before, likewise."""
        return self._keys(self.earlier)

    def pair_keys(self, students: Rows, homes: Rows) -> Ids:
        """A number for each pair of rows, another for each."""
        return students.astype(np.int64) * len(self.homes) + homes

    def _keys(self, apart: Apart) -> Ids:
        students, homes = self.students.rows(apart.student_ids), self.homes.rows(apart.home_ids)
        here = (students >= 0) & (homes >= 0)
        return np.unique(self.pair_keys(students[here], homes[here]))


def _checked(name: str, kind: Kind, values: ArrayLike, size: int) -> Whole:
    wide = np.array(values)
    if wide.shape != (size,):
        raise ValueError(f"{name}: a value for each id")
    if wide.dtype.kind not in "iub" and size:
        raise ValueError(f"{name}: whole numbers")
    wide = wide.astype(np.int64)
    least, most = _RANGES.get(kind, (0, NO_LIMIT))
    if not ((wide == UNKNOWN) | ((wide >= least) & (wide <= most))).all():
        raise ValueError(f"{name}: from {least} to {most}, or UNKNOWN")
    return wide.astype(np.int32)
