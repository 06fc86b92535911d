"""Concerns for people's safety: raised by anyone, read and looked after by safeguarding officers only."""

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.moderation import errors, policy
from marketplace.civic.moderation.models import DUE, HARM, Concern, ConcernNote, Outcome, Reason
from marketplace.civic.moderation.queries import safeguarding as queries
from marketplace.kernel import audit, clock, db, vault
from marketplace.kernel.access import reveal
from marketplace.kernel.things import Thing


def raise_concern(person: Person | None, thing: Thing, reason: Reason, note: str = "") -> Concern:
    """Tell the officers, and nobody else, that someone is harassed or at risk. Raises AlreadyReported.

    The record of acts names neither the reporter nor the reported: it says only that a concern was raised.
    """
    reveal(policy.may_report, person, thing)
    if person is not None and (earlier := queries.raised_by(person.id, thing.subject)) is not None:
        raise errors.AlreadyReported(reference=earlier.reference)
    made = Concern(
        subject=thing.subject,
        about_id=thing.author_id,
        reporter_id=person.id if person else None,
        reason=reason,
        due_at=clock.now() + DUE[HARM[reason]],
        note_locked="",
        said_locked="",
    )
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except sa.exc.IntegrityError as clash:
        earlier = queries.raised_by(person.id, thing.subject) if person else None
        if earlier is None:
            raise
        raise errors.AlreadyReported(reference=earlier.reference) from clash
    made.note_locked = vault.lock(note, queries.place(made, "note"))
    made.said_locked = vault.lock(f"{thing.title}\n\n{thing.text}", queries.place(made, "said"))
    db.session.flush()
    audit.record(None, "moderation.safeguarding.raised", f"safeguarding:{made.id}")
    return made


def looked(officer_id: int, concern_id: int) -> None:
    """Put on record that an officer read a concern.

    Under the concern, not under a person: the reported may see who looked at their data, and must not learn of it here.
    """
    audit.record(officer_id, "moderation.safeguarding.looked", f"safeguarding:{concern_id}")


def take(officer: Person, concern: Concern, *, over: bool = False) -> None:
    """Look after a concern from now on; `over` from the officer who did until now. Raises NotYours."""
    reveal(policy.may_read_concern, officer, concern)
    mine = sa.update(Concern).where(Concern.id == concern.id, Concern.closed_at.is_(None))
    if not over:
        mine = mine.where(sa.or_(Concern.officer_id.is_(None), Concern.officer_id == officer.id))
    taken = db.changed(mine.values(officer_id=officer.id, version=Concern.version + 1), synchronize_session=False)
    db.session.refresh(concern, ["officer_id", "closed_at", "version"])
    db.session.expire(concern, ["officer"])
    if not taken:
        raise _refusal(concern)
    audit.record(officer.id, "moderation.safeguarding.taken", f"safeguarding:{concern.id}")


def add_note(officer: Person, concern: Concern, text: str) -> ConcernNote:
    """Write down what was done or learned; it stays as it is. Raises NotYours or ConcernClosed."""
    _expect_own(officer, concern)
    made = ConcernNote(concern_id=concern.id, by_id=officer.id, text_locked="")
    db.session.add(made)
    db.session.flush()
    made.text_locked = vault.lock(text, queries.place(made, "text"))
    db.session.flush()
    db.session.expire(concern, ["notes"])
    audit.record(officer.id, "moderation.safeguarding.noted", f"safeguarding:{concern.id}")
    return made


def close(officer: Person, concern: Concern, outcome: Outcome, text: str) -> None:
    """End a concern with its outcome and a last note. Raises NotYours or ConcernClosed."""
    add_note(officer, concern, text)
    concern.outcome, concern.closed_at = outcome, clock.now()
    db.session.flush()
    audit.record(officer.id, "moderation.safeguarding.closed", f"safeguarding:{concern.id}", outcome=outcome)


def _expect_own(officer: Person, concern: Concern) -> None:
    reveal(policy.may_read_concern, officer, concern)
    if concern.closed_at is not None or concern.officer_id != officer.id:
        raise _refusal(concern)


def _refusal(concern: Concern) -> Exception:
    """Why an officer may not act on it."""
    if concern.closed_at is not None:
        return errors.ConcernClosed()
    officer = queries.get_concern(concern.reference).officer
    return errors.NotYours(name=officer.name if officer else "–")
