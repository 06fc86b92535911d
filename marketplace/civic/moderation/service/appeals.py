"""An author's word: against something hidden by reports alone, and against a decision; and the answer to it."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.moderation import errors, policy
from marketplace.civic.moderation.models import DUE, STATES, Answer, Appeal, Case, CaseState
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.moderation.service import decisions, sight
from marketplace.civic.notifications.service import tell
from marketplace.kernel import audit, clock, db
from marketplace.kernel.access import permit

ANSWERED_IN = timedelta(days=3)


def state(author: Person, case: Case, text: str) -> None:
    """Say something to a thing that the number of reports hid, before anyone decides; it is looked at sooner."""
    fresh = queries.anew(case)
    permit(policy.may_state, author, fresh)
    fresh.statement = text
    fresh.due_at = min(fresh.due_at, clock.now() + DUE[2])
    audit.record(author.id, "moderation.stated", f"case:{fresh.id}")


def appeal(author: Person, case: Case, text: str) -> Appeal:
    """Ask another moderator to look again, once, within 30 days of the letter. Raises AppealOver."""
    fresh = queries.anew(case)
    if fresh.decision is None or not policy.may_appeal(author, fresh):
        raise errors.AppealOver
    made = Appeal(decision_id=fresh.decision.id, decided_by_id=fresh.decision.by_id, text=text)
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except sa.exc.IntegrityError as clash:
        raise errors.AppealOver from clash
    fresh.state = CaseState.APPEALED
    fresh.due_at = clock.now() + ANSWERED_IN
    decisions.unclaim(fresh)
    audit.record(author.id, "moderation.appealed", f"case:{fresh.id}")
    return made


def answer(moderator: Person, case: Case, outcome: Answer, text: str) -> Appeal:
    """Let a decision stand or take it back, with the reason that the author reads at once.

    Raises SomeoneAtIt, or NoLongerWaiting. Whoever decided is refused by the policy, and by the database itself.
    """
    permit(policy.may_answer, moderator, case, queries.moderator_ids())
    if case.state is not CaseState.APPEALED:
        raise errors.NoLongerWaiting(state=STATES[case.state])
    case = decisions.claim(moderator, case)
    if case.state is not CaseState.APPEALED or case.appeal is None:
        raise errors.NoLongerWaiting(state=STATES[case.state])
    found = case.appeal
    found.answer, found.answer_text = outcome, text
    found.answered_by_id, found.answered_at = moderator.id, clock.now()
    case.state = CaseState(outcome.value)
    decisions.unclaim(case)
    sight.refresh(case)
    tell(sight.author_of(case), "moderation.answered", f"case:{case.id}")
    audit.record(moderator.id, f"moderation.{outcome.value}", f"case:{case.id}")
    return found
