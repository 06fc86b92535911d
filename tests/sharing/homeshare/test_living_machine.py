"""Matches driven at random, step by step, beside a model so simple that it is surely right."""

from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from marketplace.kernel import clock, db
from marketplace.kernel.errors import DomainError
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.matches import GOING_ON, Answer, EndReason, NoReason
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service import agreements, checkins, living, matches, meetings
from tests.conftest import MONDAY
from tests.sharing.homeshare.living import proposed

SIDES = st.sampled_from(list(Side))
MOVES = {
    "proposed": {"proposed", "meeting", "declined", "expired", "withdrawn"},
    "meeting": {"meeting", "agreeing", "withdrawn"},
    "agreeing": {"agreeing", "trial", "withdrawn"},
    "trial": {"trial", "living", "ended"},
    "living": {"living", "ended"},
}
"""Where a match may go from where it stands, as docs/homeshare.md draws it; from all others nowhere."""


class Living(RuleBasedStateMachine):
    """Two people, their coordinator and the clock do things in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.now: datetime = MONDAY
        self.clock = self.stack.enter_context(ExitStack())
        self.clock.enter_context(clock.frozen(self.now))
        self.two = proposed()
        self.stands = "proposed"
        self.answers: dict[Side, str] = {}
        self.signed: set[Side] = set()

    def teardown(self) -> None:
        db.session.rollback()
        self.stack.close()

    def person(self, side: Side):
        return self.two.match.of(side).person

    def tried(self, act, *args, **more) -> bool:
        """Whether it was done; a refusal changes nothing."""
        savepoint = db.session.begin_nested()
        try:
            act(*args, **more)
        except DomainError:
            savepoint.rollback()
            return False
        savepoint.commit()
        return True

    @rule(side=SIDES, said=st.sampled_from(list(Answer)))
    def answer(self, side, said):
        reason = NoReason.RENT if said is Answer.NO else None
        if self.tried(matches.answer, self.person(side), self.two.match, said, reason) and self.stands == "proposed":
            self.answers[side] = said.value

    @rule()
    def meet(self):
        self.tried(
            meetings.arrange, self.two.coordinator, self.two.match, clock.now() + timedelta(hours=1), "Riverside House"
        )

    @rule()
    def go_on(self):
        if self.tried(meetings.go_on, self.two.coordinator, self.two.match) and self.stands == "meeting":
            self.signed = set()

    @rule(rent=st.sampled_from([210_000, 220_000]))
    def change(self, rent):
        before = queries.agreement_of(self.two.match)
        terms = {"rent": rent, "moves_in_on": clock.today().isoformat()}
        done = self.tried(agreements.change, self.two.coordinator, self.two.match, terms)
        if done and (before is None or queries.get_agreement(self.two.match).id != before.id):
            assert self.signed != set(Side)
            self.signed = set()

    @rule(side=SIDES)
    def sign(self, side):
        current = queries.agreement_of(self.two.match)
        if current is not None and self.tried(agreements.sign, self.person(side), self.two.match, current.digest):
            self.signed.add(side)

    @rule(side=SIDES, goes_on=st.booleans())
    def say(self, side, goes_on):
        self.tried(living.say, self.person(side), self.two.match, goes_on)

    @rule(side=SIDES)
    def step_back(self, side):
        self.tried(matches.step_back, self.person(side), self.two.match, EndReason.OTHER)

    @rule(side=SIDES)
    def give_notice(self, side):
        self.tried(living.give_notice, self.person(side), self.two.match, EndReason.MOVES)

    @rule(side=SIDES)
    def end_at_once(self, side):
        self.tried(living.end_at_once, self.person(side), self.two.match, "Help.")

    @rule(days=st.sampled_from([1, 3, 8, 24]))
    def time_passes(self, days):
        self.now += timedelta(days=days)
        self.clock.close()
        self.clock.enter_context(clock.frozen(self.now))
        for job in (matches.run_out, matches.remind, living.run_out, checkins.run_out, living.ask_whether_to_go_on):
            job()
            self.stands_as_drawn()

    @invariant()
    def stands_as_drawn(self):
        found = self.two.match
        state = found.state.value
        assert state in MOVES.get(self.stands, {self.stands}), (self.stands, state)
        if state in ("meeting", "agreeing", "trial", "living"):
            assert self.answers == {Side.HOST: "yes", Side.STUDENT: "yes"}
        if state in ("trial", "living"):
            assert self.signed == set(Side)
        assert (found.state in GOING_ON) == (found.ended_at is None)
        assert policy.shows_names(found) == (state in ("meeting", "agreeing", "trial", "living"))
        self.stands = state


@pytest.mark.usefixtures("app", "monday")
def test_a_match_goes_only_where_it_is_drawn_to_go():
    run_state_machine_as_test(
        Living,
        settings=settings(
            max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
