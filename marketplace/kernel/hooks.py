"""Questions that lower floors ask of the features above them, without knowing which features there are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

Answerer = TypeVar("Answerer", bound=Callable[..., Any])


class Hook:
    """A question that any number of features answer: they register at start-up, the asker collects."""

    def __init__(self) -> None:
        self._answerers: list[Callable[..., Any]] = []

    def register(self, answerer: Answerer) -> Answerer:
        """Add an answerer; usable as a decorator."""
        if answerer not in self._answerers:
            self._answerers.append(answerer)
        return answerer

    def ask(self, *about: Any) -> list[Any]:
        """Every answer, in the order of registration, leaving out None."""
        return [answer for answerer in self._answerers if (answer := answerer(*about)) is not None]


building_contents = Hook()
"""building → a section (title, list of (text, href)) of what a building offers, for its page."""

coming_up = Hook()
"""person → a section (title, list of (text, href)) of what the person has agreed to, for the account page."""

own_words = Hook()
"""person → a section (title, list of (text, href)) of what the person has said or reported, for my page."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for a person's act: what, where, until when, and how much harm waiting may do (0 to 3)."""

    title: str
    href: str
    due_at: datetime | None = None
    harm: int = 0


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in one place, the most urgent first: some of it, how much there is in all, and the page of all."""

    title: object
    href: str
    count: int
    waiting: list[Waiting]


waits_for_me = Hook()
"""person → a Queue of what waits for the person as a resident (an answer, a confirmation), for my page."""

waits_at_desk = Hook()
"""person → a Queue of what waits for the person as someone who works for the city, for the desk."""


@dataclass(frozen=True, slots=True)
class Extract:
    """What one table or feature holds about a person: rows of plain values, and files by name.

    name   of the file in the export, in ASCII
    title  what it is, for people
    """

    name: str
    title: object
    rows: list[dict[str, object]]
    files: dict[str, bytes] | None = None


personal_data = Hook()
"""person → an Extract of all that a feature holds about the person, for the export of one's data."""

erasing = Hook()
"""person → None: a feature deletes, or makes nameless where the record must stay, what it holds about the person."""

reported = Hook()
"""subject → True if a report of it is open or was upheld: only then may moderators look at what is private."""

sides_changed = Hook()
"""person's id → None: the person now speaks for a building or a group, or no longer does."""
