"""Something to report: notes that people pin to a board, made only for these tests."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from marketplace.civic.accounts.models import Method, Person, Role
from marketplace.civic.moderation import policy
from marketplace.civic.moderation.models import Act, Case, Decision, Reason, Report
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.moderation.service import decisions, reports
from marketplace.kernel import clock, db, things
from marketplace.kernel.words import _l
from tests import factories


@dataclass
class Note:
    """A note on the board."""

    id: int
    author_id: int | None
    text: str
    hidden: bool = False
    readers: set[int] | None = None
    """Who may see it; None: everyone."""


@dataclass
class Board:
    """Every note, and how to pin one."""

    notes: dict[int, Note] = field(default_factory=dict)

    def pin(self, author: Person | None, text: str = "Buy cheap pills", readers: set[int] | None = None) -> Note:
        made = Note(len(self.notes) + 1, author.id if author else None, text, readers=readers)
        self.notes[made.id] = made
        return made


def thing(note: Note) -> things.Thing:
    found = things.find(f"note:{note.id}")
    assert found is not None
    return found


@pytest.fixture
def board(app: object, monkeypatch: pytest.MonkeyPatch) -> Board:
    """An empty board, whose notes can be reported."""
    made = Board()
    monkeypatch.setattr(things, "_kinds", dict(things._kinds))

    def may_see(person: Person | None, note: Note) -> bool:
        if note.readers is not None:
            return person is not None and person.id in note.readers
        return not note.hidden or (person is not None and person.id == note.author_id)

    def hide(note: Note, hidden: bool) -> None:
        note.hidden = hidden

    def remove(note: Note) -> None:
        note.text = ""

    things.register(
        things.Kind(
            name="note",
            label=_l("Note"),
            find=lambda ids: {number: made.notes[number] for number in ids if number in made.notes},
            title=lambda note: note.text[:20],
            link=lambda note: f"/notes/{note.id}",
            may_see=may_see,
            author_id=lambda note: note.author_id,
            text=lambda note: note.text,
            hide=hide,
            remove=remove,
        )
    )
    return made


@pytest.fixture
def author() -> Person:
    return factories.person("Author", "author@example.org")


@pytest.fixture
def moderator() -> Person:
    return factories.person("Mina Moderator", "moderator@example.org", roles=[Role.MODERATOR])


@pytest.fixture
def second() -> Person:
    return factories.person("Second Moderator", "second@example.org", roles=[Role.MODERATOR])


def verified(name: str = "Verified") -> Person:
    made = factories.person(name)
    made.verified_at, made.verified_method = clock.now(), Method.COUNTER
    db.session.commit()
    return made


def report(note: Note, by: Person | None = None, reason: Reason = Reason.SPAM, auto_hide: int = 0) -> Report:
    """A report of a note, by someone new unless told otherwise."""
    return reports.report(by or factories.person(), thing(note), reason, "Look at this", auto_hide=auto_hide)


def anew(case: Case) -> Case:
    """The case as it is now, with all that policies ask."""
    return queries.anew(case)


def decided(case: Case, moderator: Person, act: Act = Act.HIDE, days: int | None = None) -> Decision:
    """A decision that people have not been told yet."""
    return decisions.decide(moderator, anew(case), act, reason=Reason.SPAM, days=days)


Settled = Callable[..., Case]


@pytest.fixture
def settled(board: Board, author: Person, moderator: Person, monday: Callable[..., None]) -> Settled:
    """Makes a case of the author's that is decided, and of which people have been told."""

    def make(act: Act = Act.HIDE, days: int | None = None, text: str = "Buy cheap pills") -> Case:
        case = report(board.pin(author, text)).case
        made = decided(case, moderator, act, days)
        monday(clock.now() + policy.UNDO)
        decisions.settle(made.id)
        return anew(case)

    return make
