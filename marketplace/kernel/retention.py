"""What is kept about people: why, for how long, which timed job ends it, and what becomes of it when someone leaves.

Each feature registers its tables at a door (tasks.py), beside the job that thins them. The page on privacy is made of
this register, and tests/house/test_personal_data.py refuses a table about people that is not in it.
"""

from dataclasses import dataclass
from enum import StrEnum

from marketplace.kernel.words import Text, _l


class Erased(StrEnum):
    """What erasing a person does to a table."""

    DELETED = "deleted"
    NAMELESS = "nameless"
    KEPT = "kept"

    @property
    def words(self) -> Text:
        """The same as people read it."""
        return {
            "deleted": _l("Deleted when you have your account erased."),
            "nameless": _l("Stays without your name and your words when you have your account erased."),
            "kept": _l("Stays when you have your account erased: it names nobody."),
        }[self.value]


@dataclass(frozen=True, slots=True)
class Kept:
    """A table that holds something about people.

    table    its name in the database
    what     what it holds, and
    why      what for, each a sentence or less
    period   for how long, and why as long as that
    erased   what erasing a person does to their rows
    job      the timed job that deletes or thins them; none where they live as long as the account
    stays    columns whose words stay after an erasure, because they are the city's own and not the person's
    """

    table: str
    what: Text
    why: Text
    period: Text
    erased: Erased
    job: str | None = None
    stays: frozenset[str] = frozenset()


_kept: dict[str, Kept] = {}


def register(*tables: Kept) -> None:
    """Make known what tables keep; registered again, the last one counts."""
    _kept.update((one.table, one) for one in tables)


def all_kept() -> list[Kept]:
    """Everything kept about people, in the order of registration."""
    return list(_kept.values())
