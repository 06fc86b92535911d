"""Reporting something, and hiding what many verified residents report."""

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.moderation import errors, policy
from marketplace.civic.moderation.models import DUE, HARM, Case, CaseState, Reason, Report
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.moderation.service import sight
from marketplace.civic.notifications.service import tell
from marketplace.kernel import audit, clock, db
from marketplace.kernel.access import reveal
from marketplace.kernel.things import Thing


def report(person: Person | None, thing: Thing, reason: Reason, note: str = "", *, auto_hide: int = 0) -> Report:
    """Tell moderators what is wrong with a thing; its reports gather in one case.

    auto_hide   by so many different verified residents reported, a thing is hidden until someone decides; 0 is never.
    Raises AlreadyReported, or OwnThing.
    """
    reveal(policy.may_report, person, thing)
    expect_new(person, thing)
    case = _case_of(thing, reason)
    made = Report(
        case=case,
        subject=thing.subject,
        person_id=person.id if person else None,
        verified=person is not None and person.is_verified,
        reason=reason,
        note=note,
    )
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except sa.exc.IntegrityError as clash:
        expect_new(person, thing)
        raise clash
    _take_seriously(case, reason)
    _hide_if_many(case, thing, auto_hide)
    audit.record(person.id if person else None, "moderation.reported", f"case:{case.id}", reason=reason)
    return made


def expect_new(person: Person | None, thing: Thing) -> None:
    """Go on only if the person did not write the thing, and has not reported it yet."""
    if person is None:
        return
    if thing.author_id == person.id:
        raise errors.OwnThing
    if (earlier := queries.reports_of(thing.subject, person.id)) is not None:
        raise errors.AlreadyReported(reference=earlier.reference)


def _case_of(thing: Thing, reason: Reason) -> Case:
    """The case that gathers the thing's reports, a new one if there is none; nobody else changes it meanwhile."""
    for _attempt in range(3):  # someone may settle the case found just now
        if (found := db.session.scalar(queries.gathering(thing.subject))) is not None:
            return found
        case = Case(
            subject=thing.subject,
            title=thing.title[:200],
            said=thing.text,
            author_id=thing.author_id,
            reason=reason,
            harm=HARM[reason],
            due_at=clock.now() + DUE[HARM[reason]],
        )
        try:
            with db.session.begin_nested():
                db.session.add(case)
        except sa.exc.IntegrityError as clash:
            if not db.violates(clash, "moderation_cases"):
                raise
            continue
        return case
    raise errors.NoLongerWaiting(state=CaseState.DECIDED)


def _take_seriously(case: Case, reason: Reason) -> None:
    """A case is as harmful as its worst report, and due as soon as its most urgent."""
    if HARM[reason] > case.harm:
        case.reason, case.harm = reason, HARM[reason]
    if case.state is CaseState.OPEN:
        case.due_at = min(case.due_at, clock.now() + DUE[case.harm])


def _hide_if_many(case: Case, thing: Thing, auto_hide: int) -> None:
    """Hide it once enough different verified residents have reported it.

    Only what a resident wrote: nobody shall take the city's own rooms off the search by calling three friends. The
    case is locked, so that of two reports in the same instant exactly one is the last that was missing.
    """
    db.session.flush()
    due = auto_hide and case.author_id is not None and case.auto_hidden_at is None and case.state is CaseState.OPEN
    if not due or queries.count_verified(case) < auto_hide:
        return
    case.auto_hidden_at = clock.now()
    case.due_at = min(case.due_at, clock.now() + DUE[2])
    sight.refresh(case)
    audit.record(None, "moderation.hidden_by_reports", f"case:{case.id}")
    tell(sight.author_of(case), "moderation.hidden", f"case:{case.id}")
