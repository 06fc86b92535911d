"""What moderation keeps about people: giving it to them, making it nameless, forgetting it in time."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.moderation.models import Appeal, Case, Concern, ConcernNote, Decision, Report
from marketplace.civic.moderation.queries import safeguarding
from marketplace.kernel import clock, db, hooks
from marketplace.kernel.hooks import Extract
from marketplace.kernel.words import _l

WORDS_KEPT = timedelta(days=730)
CONCERNS_KEPT = timedelta(days=5 * 365)
NOTHING = "–"


def extracts(person: Person) -> list[Extract]:
    """All that moderation holds about the person. What others told in confidence about them is not the person's."""
    reports = sa.select(Report.reference, Report.subject, Report.reason, Report.note, Report.created_at)
    about = (
        sa.select(
            Case.reference, Case.subject, Case.title, Case.said, Case.state, Case.statement, Case.opened_at,
            Case.auto_hidden_at, Decision.act, Decision.reason, Decision.note, Decision.at, Decision.until,
            Appeal.text.label("appeal"), Appeal.answer, Appeal.answer_text,
        )
        .outerjoin(Decision, sa.and_(Decision.case_id == Case.id, Decision.undone_at.is_(None)))
        .outerjoin(Appeal, Appeal.decision_id == Decision.id)
        .where(sa.or_(Case.settled_at.is_not(None), Case.auto_hidden_at.is_not(None)))
    )  # fmt: skip
    own_concerns = db.session.scalars(sa.select(Concern).where(Concern.reporter_id == person.id).order_by(Concern.id))
    return [
        hooks.extract("reports", _l("What you reported"), reports.where(Report.person_id == person.id)),
        hooks.extract("decisions", _l("Decisions about what you wrote"), about.where(Case.author_id == person.id)),
        Extract(
            "concerns",
            _l("What you told the safeguarding officers"),
            [
                {"reference": one.reference, "reason": one.reason, "note": safeguarding.note(one), "at": one.created_at}
                for one in own_concerns
            ],
        ),
    ]


def erase(person: Person) -> None:
    """Take name and words out of what has to stay. Concerns keep their locked words: others may still need help."""
    cases = sa.select(Case.id).where(Case.author_id == person.id)
    _blank(Case.id.in_(cases))
    db.session.execute(sa.update(Report).where(Report.person_id == person.id).values(person_id=None, note=""))
    db.session.execute(sa.update(Concern).where(Concern.reporter_id == person.id).values(reporter_id=None))


def sweep() -> None:
    """Forget words and names of cases long settled, and concerns long closed."""
    before = clock.now() - WORDS_KEPT
    old = sa.select(Case.id).where(Case.settled_at < before, Case.title != NOTHING)
    ids = list(db.session.scalars(old.limit(1000)))
    if ids:
        _blank(Case.id.in_(ids))
        db.session.execute(sa.update(Report).where(Report.case_id.in_(ids)).values(person_id=None, note=""))
        db.session.execute(sa.update(Decision).where(Decision.case_id.in_(ids)).values(note=""))
    closed = sa.select(Concern.id).where(Concern.closed_at < clock.now() - CONCERNS_KEPT)
    db.session.execute(sa.delete(ConcernNote).where(ConcernNote.concern_id.in_(closed)))
    db.session.execute(sa.delete(Concern).where(Concern.id.in_(closed)))


def _blank(which: sa.ColumnElement[bool]) -> None:
    """Take the author's words out of cases and appeals."""
    cases = sa.select(Case.id).where(which)
    appealed = sa.select(Decision.id).where(Decision.case_id.in_(cases))
    without_sync = {"synchronize_session": False}
    db.session.execute(
        sa.update(Appeal).where(Appeal.decision_id.in_(appealed)).values(text=""), execution_options=without_sync
    )
    db.session.execute(
        sa.update(Case).where(which).values(title=NOTHING, said="", statement=""), execution_options=without_sync
    )
