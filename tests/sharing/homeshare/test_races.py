"""Processes that a barrier releases together: one application, one appointment at a time, one answer a link."""

from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.sharing.homeshare.models.applications import Application, Side
from marketplace.sharing.homeshare.models.appointments import Appointment, AppointmentKind
from marketplace.sharing.homeshare.queries import applications as queries
from marketplace.sharing.homeshare.queries import references as reference_queries
from marketplace.sharing.homeshare.service import applications, appointments, references
from tests import factories
from tests.conftest import MONDAY
from tests.factories import march
from tests.kernel.test_occupancy_race import Attempt, disconnect, race
from tests.sharing.homeshare.filling import name_two

pytestmark = pytest.mark.usefixtures("app")
PROCESSES, ROUNDS = 6, 2


def someone(person_id: int) -> Person:
    """A person with their roles, read in the process that needs them."""
    return db.session.get_one(Person, person_id, options=[selectinload(Person.grants)])


def outcomes(url: str, attempt: Attempt) -> Counter[str]:
    """How often what became of it, when all tried at once."""
    disconnect()
    return Counter(one for turn in race(url, attempt, PROCESSES, ROUNDS) for one in turn.values())


def test_begun_many_times_in_one_instant_it_is_begun_once(live_database):
    with db.transaction():
        people = [factories.neighbour().id for _ in range(ROUNDS)]

    def attempt(_number: int, turn: int) -> None:
        with clock.frozen(MONDAY):
            applications.begin(someone(people[turn]), Side.HOST)

    assert outcomes(live_database, attempt) == {"done": PROCESSES * ROUNDS}
    with db.transaction(read_only=True):
        assert db.count(sa.select(Application)) == ROUNDS


def test_of_appointments_made_for_one_hour_in_one_instant_one_stands(live_database):
    with db.transaction():
        cora = factories.coordinator().id
        asked = [factories.student(checked=False).reference for _ in range(PROCESSES)]

    def attempt(number: int, turn: int) -> None:
        starts = march(10 + turn, 12, 13).starts_at + timedelta(minutes=5 * number)
        with clock.frozen(MONDAY):
            mine = queries.get_application(asked[number])
            appointments.make(someone(cora), mine, AppointmentKind.INTERVIEW, starts, starts + timedelta(hours=1))

    assert outcomes(live_database, attempt) == {"done": ROUNDS, "busy_then": ROUNDS * (PROCESSES - 1)}
    with db.transaction(read_only=True):
        assert db.count(sa.select(Appointment)) == ROUNDS


def test_a_link_that_is_answered_many_times_in_one_instant_is_answered_once(live_database):
    with db.transaction():
        home = factories.home(checked=False)
        name_two(home)
        links = [reference_queries.link_of(one) for one in queries.references_of(home)]

    def attempt(number: int, turn: int) -> None:
        with clock.frozen(MONDAY):
            references.answer(links[turn], recommends=True, words=f"A good neighbour, says {number}.")

    assert outcomes(live_database, attempt) == {"done": ROUNDS, "link_over": ROUNDS * (PROCESSES - 1)}
