"""Questions that lower floors ask of the features above them, without knowing which features there are."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, TypeVar

import sqlalchemy as sa

from marketplace.kernel import db

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
        return list(self.each(*about))

    def each(self, *about: Any) -> Iterator[Any]:
        """The same one by one, each asked for only when the one before is done with."""
        return (answer for answerer in self._answerers if (answer := answerer(*about)) is not None)

    def tell_from_above(self, *about: Any) -> None:
        """Ask the features registered last first: what they still do below them is then seen to there."""
        for answerer in reversed(self._answerers):
            answerer(*about)


building_contents = Hook()
"""building → a section (title, list of (text, href)) of what a building offers, for its page."""

offered_beside = Hook()
"""what is looked for ("rooms", "libraries") → (text, href) of something else that may fit, for the page of a search."""

belongs_to = Hook()
"""subject, person → (text, href) of the whole, if the person sees it, that a record is given up with, for its page."""

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

fund_links = Hook()
"""→ a page (text, href) of what the insurance fund has to pay, for those who keep it."""

account_links = Hook()
"""person → a section (title, list of (text, href)) of pages about the person's own account, for my page."""


@dataclass(frozen=True, slots=True)
class Extract:
    """What one table or feature holds about a person: rows of plain values, and files by name.

    name   of the file in the export, in ASCII
    title  what it is, for people
    rows   each with the same keys; better made as they are read than kept in memory, as `extract` does
    files  the bytes of each, or a function that opens it
    """

    name: str
    title: object
    rows: Iterable[Mapping[str, object]]
    files: Mapping[str, bytes | Callable[[], IO[bytes]]] | None = None


def extract(name: str, title: object, query: sa.Select[*tuple[Any, ...]]) -> Extract:
    """What a query over columns finds, read only when it is asked for, a thousand rows at a time."""

    def rows() -> Iterator[Mapping[str, object]]:
        for row in db.session.execute(query, execution_options={"yield_per": 1000}):
            yield row._asdict()

    return Extract(name, title, rows())


personal_data = Hook()
"""person → an Extract, or a list of them, of all that a feature holds about the person, for the copy of one's data."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why someone cannot be erased yet, in a sentence that says what to do, and where it can be done."""

    sentence: object
    href: str | None = None


erasure_obstacles = Hook()
"""person → an Obstacle, or a list of them: what has to be settled before the person can be erased."""

leaving = Hook()
"""person → None: the person asked to be erased; what was agreed for days to come is given up at once."""

erasing = Hook()
"""person → None: a feature deletes, or makes nameless where the record must stay, what it holds about the person.

Asked in one transaction, from the highest feature to the lowest, before the person's own row is made nameless: name
and address are still there.
"""

barred = Hook()
"""person → why the person is suspended, and where to appeal, as a Text; asked only when an act is refused."""

entering_by_role = Hook()
"""person → None: a page that only their role opens is asked for; who knows why not at present raises it."""

reported = Hook()
"""subject → as what it is reported, if a report is open or was upheld: only then do moderators see what is private."""

sides_changed = Hook()
"""person's id → None: the person now speaks for a building or a group, or no longer does."""

second_step = Hook()
"""person → path of the page that asks for their second factor, if they have one: the password alone opens nothing."""

second_step_missing = Hook()
"""person → path of the page where a second factor is set up, if their roles need one and this request shows none."""

ways_in = Hook()
"""path to go on to → (text, href) of another way to sign in than by password, for the sign-in page."""

proofs = Hook()
"""person, path to go on to → (text, href) of another way to prove again who one is than by what accounts ask."""

taken_over = Hook()
"""person → None: the owner of an address made an account theirs by letter that someone else may have opened with it.

Whatever else opened the account until then opens it no more.
"""

sign_in_facts = Hook()
"""person → rows (name, state, href, action) of the account page's part on signing in."""

acts_on_person = Hook()
"""administrator, person → (text, href) of what the one may do about the other's account, for its page."""

calendar_entries = Hook()
"""person → list of ical.Entry: what the person has agreed to, lately given up included, for the calendar feed."""

account_changed = Hook()
"""person, what happened (Text) → None: something that matters for the safety of the account, told in the inbox."""

address_confirmed = Hook()
"""e-mail address → None: its owner has just shown that letters arrive there."""

idle = Hook()
"""→ None: this worker finds nothing more to do for now; what its jobs kept open for the next one is closed."""

letter_returned = Hook()
"""e-mail address, reason → None: the mail server says that no letter will ever arrive there."""
