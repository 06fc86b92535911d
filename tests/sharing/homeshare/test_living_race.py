"""Processes that a barrier releases together: answers, coordinators and signatures in the same instant."""

from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.sharing.homeshare.models.agreements import Agreement, Signature
from marketplace.sharing.homeshare.models.checkins import Outcome
from marketplace.sharing.homeshare.models.matches import Answer, Match, MatchState, NoReason
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service import agreements, matches, matters, meetings
from tests.conftest import MONDAY
from tests.kernel.test_occupancy_race import disconnect
from tests.kernel.test_occupancy_race import race as processes
from tests.sharing.homeshare.living import meeting, proposed

pytestmark = pytest.mark.usefixtures("app")
ROUNDS = 3


def made(make):
    """For each round two of a match: its number, and who student, host and coordinator are."""
    with clock.frozen(MONDAY), db.transaction():
        twos = [make() for _turn in range(ROUNDS)]
        known = [(two.id, *(one.id for one in two.both), two.coordinator.id) for two in twos]
    disconnect()
    return known


def person(number):
    return db.session.get_one(Person, number, options=[selectinload(Person.grants)])


def states():
    with db.transaction(read_only=True):
        return list(db.session.scalars(sa.select(Match.state)))


def told(rounds):
    return Counter(outcome for one in rounds for outcome in one.values())


def test_two_yeses_in_one_instant_lead_to_one_meeting(live_database):
    known = made(proposed)

    def attempt(number, turn):
        with clock.frozen(MONDAY):
            match_id, *both, _coordinator = known[turn]
            matches.answer(person(both[number % 2]), queries.held(match_id), Answer.YES)

    assert told(processes(live_database, attempt, 4, ROUNDS)) == {"done": 4 * ROUNDS}
    assert states() == [MatchState.MEETING] * ROUNDS


def test_yes_no_and_the_end_of_the_time_in_one_instant_leave_one_whole_state(live_database):
    known = made(proposed)
    late = MONDAY + timedelta(days=5)

    def attempt(number, turn):
        match_id, student, host, _coordinator = known[turn]
        with clock.frozen(late if number == 2 else late - timedelta(seconds=1)):
            if number == 2:
                matches.run_out()
            elif number == 1:
                matches.answer(person(host), queries.held(match_id), Answer.YES)
            else:
                matches.answer(person(student), queries.held(match_id), Answer.NO, NoReason.RENT)

    outcomes = told(processes(live_database, attempt, 3, ROUNDS))

    assert outcomes.keys() <= {"done", "match_went_on"}, outcomes
    assert set(states()) <= {MatchState.DECLINED, MatchState.EXPIRED}


def test_two_coordinators_do_not_both_settle_a_matter(live_database):
    with clock.frozen(MONDAY), db.transaction():
        two = meeting()
        matter_id = matters.ask_mediation(two.home.person, two.match).id
        match_id, coordinator_id = two.id, two.coordinator.id
    disconnect()

    def attempt(_number, _turn):
        with clock.frozen(MONDAY):
            found = queries.held(match_id)
            outcome = Outcome.AGREED
            matters.settle(person(coordinator_id), found, queries.get_matter(found, matter_id), outcome)

    assert told(processes(live_database, attempt, 4, 1)) == {"done": 1, "settled_already": 3}


def test_nobody_signs_what_is_changed_in_the_same_instant(live_database):
    with clock.frozen(MONDAY), db.transaction():
        two = meeting()
        meetings.arrange(two.coordinator, two.match, clock.now() + timedelta(hours=1), "Riverside House")
    with clock.frozen(MONDAY + timedelta(hours=2)), db.transaction():
        two.coordinator = person(two.coordinator.id)
        meetings.go_on(two.coordinator, queries.held(two.id))
        digest = queries.get_agreement(queries.held(two.id)).digest
        student, host, coordinator = two.student.person_id, two.home.person_id, two.coordinator.id
    disconnect()

    def attempt(number, _turn):
        with clock.frozen(MONDAY + timedelta(hours=3)):
            found = queries.held(two.id)
            if number == 2:
                agreements.change(person(coordinator), found, {"rent": 210_000})
            else:
                agreements.sign(person((student, host)[number]), found, digest)

    outcomes = told(processes(live_database, attempt, 3, 1))

    assert outcomes.keys() <= {"done", "agreement_changed", "signed_by_both", "match_went_on"}, outcomes
    with db.transaction(read_only=True):
        current = db.session.scalars(sa.select(Agreement).where(Agreement.replaced_at.is_(None))).one()
        signed = db.session.scalars(sa.select(Signature.digest).where(Signature.agreement_id == current.id)).all()
        assert set(signed) <= {current.digest}
        assert (len(signed) == 2) == (current.number == 1)
