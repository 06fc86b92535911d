"""Concerns for people's safety: read by those who need to know, locked for everyone else."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.moderation import errors, policy
from marketplace.civic.moderation.models import Concern, ConcernNote, Reason
from marketplace.civic.moderation.queries import cases
from marketplace.civic.moderation.queries import safeguarding as queries
from marketplace.civic.moderation.service import safeguarding
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import db, hooks, vault
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.errors import NotFound
from tests.civic.moderation.conftest import thing
from tests.factories import person, sign_in

NOTE = "He waits at my door every evening"


@pytest.fixture
def officer():
    return person("Olga Officer", roles=[Role.SAFEGUARDING])


@pytest.fixture
def reporter():
    return person("Rana Reporter", "rana@example.org")


@pytest.fixture
def concern(board, author, reporter):
    made = safeguarding.raise_concern(reporter, thing(board.pin(author, "See you tonight")), Reason.HARASSMENT, NOTE)
    db.session.commit()
    return made


def looked(concern):
    entries = sa.select(AuditEntry).where(
        AuditEntry.subject == f"safeguarding:{concern.id}", AuditEntry.action == "moderation.safeguarding.looked"
    )
    return list(db.session.scalars(entries))


def test_what_was_written_cannot_be_read_in_the_database(concern, officer):
    safeguarding.take(officer, concern)
    entry = safeguarding.add_note(officer, concern, "Spoke to Rana on the telephone")
    db.session.flush()
    rows = [db.session.execute(sa.select(table.__table__)).all() for table in (Concern, ConcernNote)]

    for secret in (NOTE, "See you tonight", "Spoke to Rana"):
        assert secret not in repr(rows)
    assert queries.note(concern) == NOTE
    assert queries.said(concern) == "See you tonight\n\nSee you tonight"
    assert queries.text(entry) == "Spoke to Rana on the telephone"


def test_a_note_copied_into_another_row_or_column_cannot_be_read_there(board, author, concern):
    other = safeguarding.raise_concern(person(), thing(board.notes[1]), Reason.AT_RISK, "Another")
    other.note_locked, concern.said_locked = concern.note_locked, concern.note_locked

    for read, row in ((queries.note, other), (queries.said, concern)):
        with pytest.raises(vault.Unreadable):
            read(row)


@pytest.mark.parametrize("roles", [[], [Role.MODERATOR], [Role.ADMINISTRATOR], [Role.MODERATOR, Role.ADMINISTRATOR]])
def test_to_everyone_but_officers_there_is_no_such_list(app, browser, concern, roles):
    someone = person(roles=roles)
    sign_in(browser, someone)
    here = f"/moderation/safeguarding/{concern.reference}"

    assert browser.get("/moderation/safeguarding").status_code == 404
    assert browser.get(here).status_code == 404
    assert browser.send(here, text="Let me in").status_code == 404
    assert browser.send(f"{here}/take").status_code == 404
    if roles:
        assert concern.reference not in browser.get("/moderation/").text
    with app.test_request_context():
        assert not [queue for queue in hooks.waits_at_desk.ask(someone) if "safeguarding" in queue.href]
    assert looked(concern) == []


def test_an_officer_who_is_reported_or_reports_does_not_read_the_concern(board, officer, browser):
    about = safeguarding.raise_concern(person(), thing(board.pin(officer)), Reason.HARASSMENT, NOTE)
    sign_in(browser, officer)

    assert browser.get(f"/moderation/safeguarding/{about.reference}").status_code == 404
    assert about.reference not in browser.get("/moderation/safeguarding").text
    with pytest.raises(NotFound):
        safeguarding.take(officer, about)


def test_no_other_concern_tells_an_officer_that_they_are_reported_themselves(board, author, officer, browser):
    note = board.pin(author, "Speaks for the club")
    earlier = safeguarding.raise_concern(person(), thing(note), Reason.HARASSMENT, NOTE)
    third = safeguarding.raise_concern(person(), thing(note), Reason.HARASSMENT, NOTE)
    note.author_id = officer.id  # who answers for a thing may be someone else by now
    about = safeguarding.raise_concern(person(), thing(note), Reason.HARASSMENT, NOTE)
    shown = sign_in(browser, officer).get(f"/moderation/safeguarding/{earlier.reference}").text

    assert third.reference in shown
    assert about.reference not in shown


def test_each_reading_is_on_record_under_the_concern_and_names_no_one_reported(concern, officer, author, browser):
    sign_in(browser, officer)
    for times in (1, 2):
        assert NOTE in browser.get(f"/moderation/safeguarding/{concern.reference}").text
        assert [entry.actor_id for entry in looked(concern)] == [officer.id] * times
    assert db.session.scalars(sa.select(AuditEntry).where(AuditEntry.subject == f"person:{author.id}")).all() == []


def test_the_record_of_acts_does_not_say_who_raised_a_concern(concern, reporter):
    raised = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.subject == f"safeguarding:{concern.id}")).all()
    assert [(entry.action, entry.actor_id) for entry in raised] == [("moderation.safeguarding.raised", None)]
    assert str(reporter.id) not in repr(raised[0].detail)


def test_the_list_and_the_desk_say_no_more_than_that_there_is_a_concern(app, concern, officer, browser):
    page = sign_in(browser, officer).get("/moderation/safeguarding").text
    assert concern.reference in page
    assert not any(secret in page for secret in (NOTE, "Rana", "See you tonight", "Author"))
    with app.test_request_context():
        [queue] = [one for one in hooks.waits_at_desk.ask(officer) if "safeguarding" in one.href]
    assert (queue.count, queue.waiting[0].harm) == (1, 3)
    assert "Rana" not in repr(queue)


def test_neither_the_reported_nor_moderators_are_told_of_a_concern(concern, author):
    assert db.session.scalars(sa.select(Notice)).all() == []
    assert hooks.reported.ask(concern.subject) == []
    assert cases.about(author) == []


def test_officers_do_not_act_on_each_other_s_concerns_unless_they_take_them_over(concern, officer):
    other = person("Oskar Officer", roles=[Role.SAFEGUARDING])
    safeguarding.take(officer, concern)
    with pytest.raises(errors.NotYours, match="looks after"):
        safeguarding.take(other, concern)
    with pytest.raises(errors.NotYours):
        safeguarding.add_note(other, concern, "Mine")

    safeguarding.take(other, concern, over=True)

    assert concern.officer_id == other.id
    with pytest.raises(errors.NotYours):
        safeguarding.add_note(officer, concern, "Still mine")


def test_a_closed_concern_has_an_outcome_and_takes_no_more_notes(concern, officer, browser):
    here = f"/moderation/safeguarding/{concern.reference}"
    sign_in(browser, officer).send(f"{here}/take")
    assert browser.send(here, text="Spoke to both", outcome="").location == here
    assert browser.send(here, text="The police know", outcome="handed_on").location == here
    page = browser.get(here).text
    assert "Handed on to the police" in page
    assert "Spoke to both" in page
    assert "The police know" in page
    assert browser.send(here, text="One more").status_code == 409
    assert concern.reference in browser.get("/moderation/safeguarding?show=closed").text
    closed = queries.get_concern(concern.reference)
    with pytest.raises(errors.ConcernClosed):
        safeguarding.take(officer, closed)


def test_nobody_raises_the_same_concern_twice(board, concern, reporter):
    with pytest.raises(errors.AlreadyReported):
        safeguarding.raise_concern(reporter, thing(board.notes[1]), Reason.AT_RISK, NOTE)


def test_someone_at_risk_is_due_within_hours(board, author):
    made = safeguarding.raise_concern(None, thing(board.pin(author)), Reason.AT_RISK, NOTE)
    assert made.due_at - made.created_at == timedelta(hours=4)


def test_the_list_takes_the_same_statements_for_one_concern_and_for_many(board, author, officer, browser, statements):
    sign_in(browser, officer)
    counts = []
    for _ in range(2):
        for _ in range(5):
            safeguarding.raise_concern(person(), thing(board.pin(author)), Reason.HARASSMENT, NOTE)
        with statements() as seen:
            browser.get("/moderation/safeguarding")
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 8


def test_an_administrator_gives_the_role_and_still_reads_nothing(concern, browser):
    admin, helper = person(roles=[Role.ADMINISTRATOR]), person()
    sign_in(browser, admin)
    assert "Safeguarding officer" in browser.get(f"/staff/people/{helper.id}/roles").text
    assert not policy.may_read_concern(admin, concern)
