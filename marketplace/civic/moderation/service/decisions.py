"""Claiming a case, deciding it, undoing that, telling people."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.moderation import errors, policy
from marketplace.civic.moderation.models import (
    HIDING,
    ON_AUTHOR,
    STATES,
    WAITING,
    Act,
    Case,
    CaseState,
    Decision,
    Reason,
    ReasonWords,
)
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.moderation.service import sight
from marketplace.civic.notifications.service import tell
from marketplace.kernel import audit, clock, db, jobs, things
from marketplace.kernel.access import permit
from marketplace.kernel.errors import DomainError

WIPED_AT_ONCE = 200


def claim(moderator: Person, case: Case) -> Case:
    """Keep a waiting case for oneself for half an hour; again, to keep it longer.

    One statement decides, so that of two who click at the same moment one gets it. Raises SomeoneAtIt.
    """
    permit(policy.may_look, moderator, case)
    now = clock.now()
    free = sa.or_(Case.claimed_by_id.is_(None), Case.claimed_by_id == moderator.id, Case.claimed_until <= now)
    mine = sa.update(Case).where(Case.id == case.id, Case.state.in_(WAITING), free)
    claimed = mine.values(claimed_by_id=moderator.id, claimed_until=now + policy.CLAIM, version=Case.version + 1)
    taken = db.changed(claimed, synchronize_session=False)
    fresh = queries.anew(case)
    if not taken:
        _expect(fresh, *WAITING)
        assert fresh.claimed_by is not None  # noqa: S101 - or the statement would have found it free
        raise errors.SomeoneAtIt(name=fresh.claimed_by.name, until=fresh.claimed_until)
    return fresh


def release(moderator: Person, case: Case) -> None:
    """Leave a claimed case to others."""
    fresh = queries.anew(case)
    permit(policy.may_look, moderator, fresh)
    if fresh.claimed_by_id == moderator.id:
        unclaim(fresh)


def unclaim(case: Case) -> None:
    """Nobody is at it any more."""
    case.claimed_by_id = case.claimed_until = None
    db.session.flush()


def decide(
    moderator: Person, case: Case, act: Act, *, reason: Reason | None = None, days: int | None = None, note: str = ""
) -> Decision:
    """Decide a case: what is seen, and who may post, changes at once; people are told ten minutes later.

    Raises SomeoneAtIt, NoLongerWaiting, ReasonMissing, NoAuthor, OnlyHidden or DaysMissing.
    """
    case = queries.anew(case)
    permit(policy.may_decide, moderator, case)
    _expect(case, CaseState.OPEN)
    if act is not Act.KEEP and reason is None:
        raise errors.ReasonMissing(field="reason")
    if act in ON_AUTHOR and case.author_id is None:
        raise errors.NoAuthor(field="act")
    if act is Act.REMOVE and not policy.may_be_removed(things.find(case.subject)):
        raise errors.OnlyHidden(field="act")
    if act is Act.SUSPEND and days is None:
        raise errors.DaysMissing(field="days")
    case = claim(moderator, case)
    made = Decision(
        case_id=case.id,
        act=act,
        reason=None if act is Act.KEEP else reason,
        note=note,
        days=days if act is Act.SUSPEND else None,
        until=clock.now() + timedelta(days=days) if act is Act.SUSPEND and days else None,
        by_id=moderator.id,
        at=clock.now(),
    )
    db.session.add(made)
    case.state = CaseState.DECIDED
    unclaim(case)
    sight.refresh(case)
    jobs.enqueue("moderation.settle", run_at=made.at + policy.UNDO, decision_id=made.id)
    audit.record(moderator.id, "moderation.decided", f"case:{case.id}", act=act, reason=reason, days=days)
    return made


def decide_all(
    moderator: Person, chosen: Sequence[Case], act: Act, **more: Any
) -> tuple[list[Case], list[tuple[Case, DomainError]]]:
    """Decide several cases alike; those that refuse it (someone else is at them, say) are left as they are."""
    done: list[Case] = []
    left: list[tuple[Case, DomainError]] = []
    for case in chosen:
        try:
            with db.session.begin_nested():
                decide(moderator, case, act, **more)
            done.append(case)
        except (errors.ReasonMissing, errors.DaysMissing):
            raise  # wrong for all of them alike
        except DomainError as refusal:
            left.append((case, refusal))
    return done, left


def undo(moderator: Person, case: Case) -> None:
    """Take a decision back before anyone was told: the case waits again, all else is as it was. Raises UndoOver."""
    fresh = queries.anew(case)
    if fresh.decision is None or fresh.state is not CaseState.DECIDED or clock.now() >= fresh.decision.at + policy.UNDO:
        raise errors.UndoOver
    permit(policy.may_undo, moderator, fresh)
    fresh.decision.undone_at = clock.now()
    fresh.state = CaseState.OPEN
    sight.refresh(fresh)
    audit.record(moderator.id, "moderation.undone", f"case:{fresh.id}", act=fresh.decision.act)


def settle(decision_id: int) -> None:
    """Tell the author and the reporters, now that the decision can no longer be undone."""
    made = db.session.get(Decision, decision_id)
    if made is None:
        return
    case = queries.anew(db.session.get_one(Case, made.case_id))
    if case.state is not CaseState.DECIDED or case.decision is None or case.decision.id != decision_id:
        return  # undone, or done already
    case.state, case.settled_at = CaseState.SETTLED, clock.now()
    db.session.flush()
    if made.act is not Act.KEEP or case.auto_hidden_at is not None:
        tell(sight.author_of(case), "moderation.decided", f"case:{case.id}")
    if made.act in HIDING:
        sight.tell_keepers(case, "moderation.out_of_sight", reason=made.reason)
    reporters = {report.person_id for report in case.reports if report.person_id is not None}
    tell(reporters, "moderation.outcome", f"case:{case.id}", acted=made.act is not Act.KEEP, names=case.author_id)


def wipe() -> None:
    """Delete for good what was removed, once neither undoing nor an appeal can bring it back."""
    for case_id in list(db.session.scalars(queries.to_wipe(clock.now() - policy.APPEAL).limit(WIPED_AT_ONCE))):
        case = queries.anew(db.session.get_one(Case, case_id))
        if case.decision is None or not policy.is_final(case):
            continue  # appealed this instant
        thing = things.find(case.subject)
        if thing is not None and thing.kind.remove is not None:
            thing.kind.remove(thing.record)
        case.decision.wiped_at = clock.now()
    db.session.flush()


def restore(moderator: Person, case: Case) -> None:
    """Show again what was hidden, because it has been put right."""
    fresh = queries.anew(case)
    permit(policy.may_restore, moderator, fresh)
    fresh.state = CaseState.RESTORED
    sight.refresh(fresh)
    tell(sight.author_of(fresh), "moderation.restored", f"case:{fresh.id}")
    sight.tell_keepers(fresh, "moderation.in_sight")
    audit.record(moderator.id, "moderation.restored", f"case:{fresh.id}")


def save_words(moderator: Person, reason: Reason, *, en: str, ko: str, version: int) -> ReasonWords:
    """Change what authors are told for a reason. Raises ChangedMeanwhile if someone else did since it was shown."""
    row = queries.words_of(reason)
    if row.version != version:
        raise errors.ChangedMeanwhile
    if row.version == 0:
        row = ReasonWords(reason=reason, version=1)
    row.en, row.ko, row.changed_by_id, row.changed_at = en, ko, moderator.id, clock.now()
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except sa.exc.IntegrityError as clash:
        raise errors.ChangedMeanwhile from clash
    audit.record(moderator.id, "moderation.words_changed", f"reason:{reason.value}")
    return row


def _expect(case: Case, *states: CaseState) -> None:
    if case.state not in states:
        raise errors.NoLongerWaiting(state=STATES[case.state])
