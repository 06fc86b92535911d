"""What moderation keeps about people: given to them, made nameless, forgotten in time."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.moderation.models import Appeal, Case, Concern, ConcernNote, Decision, Outcome, Reason, Report
from marketplace.civic.moderation.service import appeals, keeping, safeguarding
from marketplace.kernel import db
from tests import factories
from tests.civic.moderation.conftest import report, thing

WHY = "It is a poem about pills."


def dump():
    """Every word that the tables hold."""
    tables = (Case, Report, Decision, Appeal, Concern, ConcernNote)
    return repr([db.session.execute(sa.select(table.__table__)).all() for table in tables])


def test_people_get_what_they_reported_and_what_was_decided_about_them(settled, author, board):
    case = settled()
    appeals.appeal(author, case, WHY)
    jiwoo = factories.person()
    report(board.pin(author), jiwoo)
    safeguarding.raise_concern(jiwoo, thing(board.notes[2]), Reason.HARASSMENT, "He waits at my door")

    of_author = {extract.name: list(extract.rows) for extract in keeping.extracts(author)}
    of_reporter = {extract.name: list(extract.rows) for extract in keeping.extracts(jiwoo)}

    assert [(row["reference"], row["appeal"]) for row in of_author["decisions"]] == [(case.reference, WHY)]
    assert of_author["reports"] == of_author["concerns"] == []
    assert [row["note"] for row in of_reporter["reports"]] == ["Look at this"]
    assert [row["note"] for row in of_reporter["concerns"]] == ["He waits at my door"]
    assert "Look at this" not in repr(of_author)


def test_erasing_leaves_the_case_without_name_or_words(settled, author, board):
    case = settled(text="CANARY bicycles")
    appeals.appeal(author, case, "CANARY appeal")
    reporter = factories.person()
    report(board.pin(author, "Other"), reporter)
    keeping.erase(author)
    keeping.erase(reporter)
    db.session.expire_all()

    assert "CANARY" not in dump()
    assert db.session.scalars(sa.select(Report).where(Report.person_id == reporter.id)).all() == []


def test_after_two_years_words_go_and_after_five_concerns(settled, author, board, monday):
    case = settled(text="CANARY bicycles")
    officer = factories.person(roles=[Role.SAFEGUARDING])
    concern = safeguarding.raise_concern(None, thing(board.pin(author)), Reason.AT_RISK, "Help")
    safeguarding.take(officer, concern)
    safeguarding.close(officer, concern, Outcome.NO_RISK, "All well")
    db.session.commit()

    monday(case.settled_at + timedelta(days=729))
    keeping.sweep()
    assert "CANARY" in dump()
    monday(case.settled_at + timedelta(days=731))
    keeping.sweep()
    assert "CANARY" not in dump()
    assert len(db.session.scalars(sa.select(Concern.id)).all()) == 1
    monday(case.settled_at + timedelta(days=5 * 365 + 1))
    keeping.sweep()
    assert db.session.scalars(sa.select(Concern.id)).all() == db.session.scalars(sa.select(ConcernNote.id)).all() == []
