"""A case driven at random beside a model that knows only the drawing in docs/moderation.md."""

from contextlib import ExitStack
from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from marketplace.civic.accounts.models import Role
from marketplace.civic.moderation import policy
from marketplace.civic.moderation.models import Act, Answer, CaseState, Reason
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.moderation.service import appeals, decisions
from marketplace.kernel import clock, db
from marketplace.kernel.errors import DomainError
from tests import factories
from tests.civic.moderation.conftest import Board, report
from tests.conftest import MONDAY

OPEN, DECIDED, SETTLED, APPEALED = CaseState.OPEN, CaseState.DECIDED, CaseState.SETTLED, CaseState.APPEALED


class Moderation(RuleBasedStateMachine):
    """Two moderators, an author and time; each act is tried whether or not it is allowed."""

    board: ClassVar[Board]

    def __init__(self) -> None:
        super().__init__()
        self.time, self.stack = MONDAY, ExitStack()
        self.stack.enter_context(clock.frozen(MONDAY))
        self.transaction = db.session.begin_nested()
        self.author = factories.person()
        self.judges = [factories.person(roles=[Role.MODERATOR]) for _ in range(2)]
        self.note = self.board.pin(self.author)
        self.case = queries.anew(report(self.note).case)
        self.state, self.act, self.judge, self.since = OPEN, None, None, MONDAY

    def teardown(self) -> None:
        self.stack.close()
        db.session.rollback()

    def attempt(self, allowed, verb, *arguments, **more) -> bool:
        """Try it; it succeeds exactly if the model says so."""
        try:
            verb(*arguments, **more)
        except DomainError:
            assert not allowed
            return False
        assert allowed
        return True

    @rule(minutes=st.sampled_from([1, 9, 10, 31, 60 * 24 * 29, 60 * 24 * 30]))
    def wait(self, minutes):
        self.time += timedelta(minutes=minutes)
        self.stack.enter_context(clock.frozen(self.time))

    @rule(who=st.integers(0, 1), act=st.sampled_from(Act))
    def decide(self, who, act):
        days = 7 if act is Act.SUSPEND else None
        more = {"reason": Reason.SPAM, "days": days}
        if self.attempt(self.state is OPEN, decisions.decide, self.judges[who], self.case, act, **more):
            self.state, self.act, self.judge, self.since = DECIDED, act, who, self.time

    @rule(who=st.integers(0, 1))
    def undo(self, who):
        fresh = self.state is DECIDED and self.time < self.since + policy.UNDO
        if self.attempt(fresh, decisions.undo, self.judges[who], self.case):
            self.state, self.act = OPEN, None

    @rule()
    def settle(self):
        decision = queries.anew(self.case).decision
        if decision is not None and self.state is DECIDED:
            decisions.settle(decision.id)
            self.state, self.since = SETTLED, self.time

    @rule()
    def appeal(self):
        in_time = self.state is SETTLED and self.act is not Act.KEEP and self.time < self.since + policy.APPEAL
        if self.attempt(in_time, appeals.appeal, self.author, self.case, "No, it is a poem."):
            self.state = APPEALED

    @rule(who=st.integers(0, 1), answer=st.sampled_from(Answer))
    def answer(self, who, answer):
        allowed = self.state is APPEALED and who != self.judge
        if self.attempt(allowed, appeals.answer, self.judges[who], queries.anew(self.case), answer, "Read again."):
            self.state = CaseState(answer.value)

    @rule(who=st.integers(0, 1))
    def restore(self, who):
        allowed = self.state in (SETTLED, CaseState.UPHELD) and self.act is Act.HIDE
        if self.attempt(allowed, decisions.restore, self.judges[who], self.case):
            self.state = CaseState.RESTORED

    @invariant()
    def what_is_seen_and_who_may_act_follow_from_the_state(self):
        standing = self.state in (DECIDED, SETTLED, APPEALED, CaseState.UPHELD)
        db.session.flush()
        db.session.refresh(self.author, ["suspended_until"])
        assert queries.anew(self.case).state is self.state
        assert self.note.hidden is (standing and self.act in (Act.HIDE, Act.REMOVE, Act.SUSPEND))
        assert (self.author.suspended_until is not None) is (standing and self.act is Act.SUSPEND)


@pytest.mark.usefixtures("database")
def test_a_case_moves_as_drawn_and_never_otherwise(board):
    Moderation.board = board
    checked = settings(max_examples=60, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Moderation, settings=checked)
