"""Two coordinators release one run in the same instant, in processes that a barrier releases together."""

from collections import Counter
from random import Random

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.queries import person
from marketplace.kernel import clock, db
from marketplace.sharing.homeshare.models.matches import Match
from marketplace.sharing.homeshare.queries import runs as queries
from marketplace.sharing.homeshare.service import runs
from tests.conftest import MONDAY
from tests.factories import coordinator, home, student
from tests.kernel.test_occupancy_race import disconnect, race

pytestmark = pytest.mark.usefixtures("app")
PROCESSES = 4


def test_a_run_is_released_by_one_and_each_pair_is_proposed_once(live_database):
    for _turn in range(3):
        student()
        home()
    people = [coordinator(f"Coordinator {number}").id for number in range(PROCESSES)]
    run_id = runs.keep(runs.make(chance=Random(1), time_limit=5.0), db.session()).id
    db.session.commit()
    db.session.remove()
    disconnect()

    def attempt(number: int, _turn: int) -> None:
        with clock.frozen(MONDAY):
            runs.release(person(people[number]), queries.get_run(run_id))

    (outcomes,) = race(live_database, attempt, processes=PROCESSES, rounds=1)

    assert Counter(outcomes.values()) == {"done": 1, "not_released_any_more": PROCESSES - 1}
    with db.transaction(read_only=True):
        assert db.count(sa.select(Match.id)) == 3
