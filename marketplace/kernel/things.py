"""What people can talk about, report and be told of: every kind of record that has a page, found by its subject.

A subject names a record, such as booking:17; audit entries, notices, conversations and reports keep it. Features
register their kinds at start-up, at a door, where links can be made; lower floors ask here without knowing features.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import Text


@dataclass(frozen=True, slots=True)
class Sides:
    """Who may talk about a thing: two sides of one or several people each.

    agreed      whether both have agreed; until then messages warn of telephone and account numbers
    open        whether there is still something to talk about
    one_for     whom the people of one side speak for, such as a building; None: each for themselves
    other_for   the same of the other side
    by_role     whether the people of the other side speak by a role, and so only while they are on duty
    """

    one: frozenset[int]
    other: frozenset[int]
    agreed: bool
    open: bool
    one_for: object | None = None
    other_for: object | None = None
    by_role: bool = False

    @property
    def people(self) -> frozenset[int]:
        """Both sides."""
        return self.one | self.other


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record and what may be asked of it; `record` is what `find` gave.

    find        ids → records by id, in a constant number of statements; ids that are gone are left out
    title       record → its name, in the present language
    link        record → path of its page
    may_see     person, record → whether its page shows itself to the person
    author_id   record → id of the person answerable for it, if anyone is
    kept_by     record → ids of those who look after it, to be told what becomes of it where it has no author
    text        record → what it says, for those who judge a report of it; by default its title
    hide        record, hidden → take it out of sight or show it again; a kind without it cannot be reported
    remove      record → delete its words, pictures and recordings for good; a kind without it can only be hidden
    sides       record → who may talk about it; a kind without it cannot be talked about
    """

    name: str
    label: Text
    find: Callable[[Collection[int]], dict[int, Any]]
    title: Callable[[Any], str]
    link: Callable[[Any], str]
    may_see: Callable[[Any, Any], bool]
    author_id: Callable[[Any], int | None]
    kept_by: Callable[[Any], Collection[int]] | None = None
    text: Callable[[Any], str] | None = None
    hide: Callable[[Any, bool], None] | None = None
    remove: Callable[[Any], None] | None = None
    sides: Callable[[Any], Sides] | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """A record with its kind."""

    subject: str
    kind: Kind
    record: Any

    @property
    def title(self) -> str:
        """Its name, in the present language."""
        return self.kind.title(self.record)

    @property
    def link(self) -> str:
        """The path of its page."""
        return self.kind.link(self.record)

    @property
    def text(self) -> str:
        """What it says."""
        return self.kind.text(self.record) if self.kind.text else self.title

    @property
    def author_id(self) -> int | None:
        """Who is answerable for it."""
        return self.kind.author_id(self.record)

    @property
    def keepers(self) -> Collection[int]:
        """Who looks after it, where it has no author."""
        return self.kind.kept_by(self.record) if self.kind.kept_by and self.author_id is None else ()

    @property
    def sides(self) -> Sides | None:
        """Who may talk about it, if it is something to talk about."""
        return self.kind.sides(self.record) if self.kind.sides else None

    def seen_by(self, person: Any) -> bool:
        """Whether the person may see it."""
        return self.kind.may_see(person, self.record)


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind of record known; registered again, the last one counts."""
    _kinds[kind.name] = kind
    return kind


def kinds() -> list[Kind]:
    """Every kind, in order of name."""
    return [_kinds[name] for name in sorted(_kinds)]


def subject(kind: str, number: int) -> str:
    """How a record is named."""
    return f"{kind}:{number}"


def of(kind: str, record: Any) -> Thing:
    """A record that is at hand already, as a thing."""
    return Thing(subject(kind, record.id), _kinds[kind], record)


def find_all(subjects: Iterable[str]) -> dict[str, Thing]:
    """The records of these subjects, a constant number of statements for each kind; what is gone is left out."""
    wanted: dict[str, set[int]] = {}
    for one in subjects:
        kind, _, number = one.partition(":")
        if kind in _kinds and number.isascii() and number.isdecimal() and len(number) <= 18:
            wanted.setdefault(kind, set()).add(int(number))
    found: dict[str, Thing] = {}
    for name, numbers in wanted.items():
        for key, record in _kinds[name].find(numbers).items():
            found[subject(name, key)] = Thing(subject(name, key), _kinds[name], record)
    return found


def find(one: str) -> Thing | None:
    """The record of a subject, if it is known and still there."""
    return find_all([one]).get(one)


def seen(person: Any, one: str) -> Thing:
    """The record of a subject. Raises NotFound if it is gone or the person may not see it."""
    thing = find(one)
    if thing is None or not thing.seen_by(person):
        raise NotFound
    return thing
