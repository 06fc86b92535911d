"""Two who have come further, made by the same verbs as in the city."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.matches import Answer, Match
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service import agreements, matches, meetings
from tests import factories

CARD = {
    "findings": [
        {"code": "no_deposit", "verdict": 1, "student": 0, "home": 0, "unit": "won", "short_by": None},
        {"code": "tasks", "verdict": 1, "student": 63, "home": 5, "unit": "tasks", "short_by": None},
        {"code": "rent_in_budget", "verdict": 1, "student": 280_000, "home": 250_000, "unit": "won", "short_by": None},
        {"code": "guests", "verdict": 1, "student": 2, "home": 2, "unit": "levels", "short_by": None},
    ],
    "student": {
        "points": 731, "band": 0,
        "parts": [
            {"criterion": "way", "points": 300, "of": 300, "student": 8000, "home": 850, "unit": "metres"},
            {"criterion": "rent", "points": 100, "of": 200, "student": 280_000, "home": 250_000, "unit": "won"},
        ],
    },
    "host": {
        "points": 612, "band": 1,
        "parts": [
            {"criterion": "hours", "points": 90, "of": 150, "student": 8, "home": 5, "unit": "hours"},
            {"criterion": "guests", "points": 100, "of": 100, "student": 2, "home": 2, "unit": "levels"},
        ],
    },
}  # fmt: skip


@dataclass
class Two:
    """A student, a host, the coordinator, and the number of their match."""

    student: Application
    home: Application
    coordinator: Person
    id: int

    @property
    def match(self) -> Match:
        """The match as it stands."""
        return queries.held(self.id)

    @property
    def both(self) -> tuple[Person, Person]:
        """Student and host."""
        return self.student.person, self.home.person


def proposed(**answers: Any) -> Two:
    """Two who were proposed to each other just now."""
    student, home, coordinator = factories.student(**answers), factories.home(), factories.coordinator()
    db.session.refresh(student, ["person"])
    db.session.refresh(home, ["person"])
    return Two(student, home, coordinator, matches.propose(student, home, None, CARD).id)


def meeting() -> Two:
    """Two who both said yes."""
    two = proposed()
    for person in two.both:
        matches.answer(person, two.match, Answer.YES)
    return two


def agreeing(move: Any) -> Two:
    """Two who met; `move` is how the test moves the clock. Their agreement begins today."""
    two = meeting()
    meetings.arrange(two.coordinator, two.match, clock.now() + timedelta(hours=1), "Riverside House", at_home=False)
    move(clock.now() + timedelta(hours=2))
    meetings.go_on(two.coordinator, two.match)
    agreements.change(two.coordinator, two.match, {"moves_in_on": clock.today().isoformat()})
    return two


def on_trial(move: Any) -> Two:
    """Two who live together since today."""
    two = agreeing(move)
    for person in two.both:
        agreements.sign(person, two.match, queries.get_agreement(two.match).digest)
    return two
