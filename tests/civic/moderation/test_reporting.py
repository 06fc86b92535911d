"""Reporting something: who may, once, what gathers, and what hides by itself."""

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts.models import Role
from marketplace.civic.moderation import errors, policy
from marketplace.civic.moderation.models import Act, Case, CaseState, Concern, Reason, Report
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.moderation.service import decisions, reports
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import db
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.errors import NotFound
from tests import factories
from tests.civic.moderation.conftest import anew, decided, report, thing, verified
from tests.conftest import MONDAY
from tests.factories import person, sign_in


def count(table):
    return db.session.scalar(sa.select(sa.func.count()).select_from(table))


def told(someone):
    return list(db.session.scalars(sa.select(Notice.news).where(Notice.person_id == someone.id).order_by(Notice.id)))


def test_all_reports_of_a_thing_gather_in_one_case_as_harmful_as_the_worst(board, author):
    note = board.pin(author)
    first, second = report(note, reason=Reason.SPAM), report(note, reason=Reason.DANGEROUS)

    assert first.case_id == second.case_id
    case = anew(first.case)
    assert (case.reason, case.harm, len(case.reports)) == (Reason.DANGEROUS, 3, 2)
    assert (case.due_at - case.opened_at).total_seconds() == 4 * 3600
    assert (case.title, case.said, case.author_id) == ("Buy cheap pills", "Buy cheap pills", author.id)


def test_a_milder_report_does_not_make_a_case_less_urgent(board, author):
    note = board.pin(author)
    report(note, reason=Reason.DANGEROUS)
    case = anew(report(note, reason=Reason.SPAM).case)

    assert (case.reason, case.harm) == (Reason.DANGEROUS, 3)


def test_nobody_reports_the_same_thing_twice(board, author):
    note, jiwoo = board.pin(author), person()
    earlier = report(note, jiwoo)

    with pytest.raises(errors.AlreadyReported) as refusal:
        report(note, jiwoo)
    assert earlier.reference in str(refusal.value.sentence)
    assert count(Report) == 1


def test_the_database_itself_refuses_a_second_report_by_the_same_person(board, author):
    first = report(board.pin(author), person())
    values = {"case_id": first.case_id, "subject": first.subject, "person_id": first.person_id, "verified": False,
              "reason": Reason.SPAM, "note": "", "reference": "OTHER"}  # fmt: skip

    with pytest.raises(sa.exc.IntegrityError), db.session.begin_nested():
        db.session.execute(sa.insert(Report).values(values))


def test_the_database_itself_refuses_a_second_open_case_of_a_thing(board, author):
    first = report(board.pin(author)).case
    values = {"reference": "OTHER", "subject": first.subject, "title": "", "said": "", "reason": Reason.SPAM, "harm": 0,
              "due_at": first.due_at, "statement": "", "version": 1}  # fmt: skip

    with pytest.raises(sa.exc.IntegrityError), db.session.begin_nested():
        db.session.execute(sa.insert(Case).values(values))


def test_nobody_reports_what_they_wrote_themselves(board, author):
    with pytest.raises(errors.OwnThing):
        report(board.pin(author), author)
    assert count(Case) == 0


def test_what_one_may_not_see_cannot_be_reported(board, author, browser):
    note = board.pin(author, readers={author.id})

    with pytest.raises(NotFound):
        report(note)
    assert browser.get(f"/report/note:{note.id}").status_code == 404
    assert sign_in(browser, person()).get(f"/report/note:{note.id}").status_code == 404


@pytest.mark.parametrize("subject", ["case:1", "booking:1", "note:99", "stone:1", "note", "note:1/x"])
def test_what_is_no_thing_or_cannot_be_hidden_cannot_be_reported(board, author, browser, subject):
    report(board.pin(author))

    assert sign_in(browser, person()).get(f"/report/{subject}").status_code == 404


def test_a_report_after_a_decision_everyone_knows_opens_a_new_case(board, settled, author):
    case = settled(Act.KEEP)

    other = report(board.notes[1])

    assert other.case_id != case.id
    assert anew(other.case).state is CaseState.OPEN


def test_a_report_while_a_decision_can_be_undone_joins_it_and_gets_the_same_answer(board, author, moderator):
    note = board.pin(author)
    case = report(note).case
    decided(case, moderator, Act.WARN)

    assert report(note).case_id == case.id
    assert count(Case) == 1


# --- hidden by reports alone ---


def test_enough_verified_residents_hide_a_thing_and_its_author_is_told(board, author):
    note = board.pin(author)
    for _ in range(2):
        report(note, verified(), auto_hide=3)
    assert not note.hidden

    case = anew(report(note, verified(), auto_hide=3).case)

    assert note.hidden
    assert case.auto_hidden_at is not None
    assert case.state is CaseState.OPEN
    assert told(author) == ["moderation.hidden"]


def test_residents_nobody_verified_and_visitors_hide_nothing(board, author):
    note = board.pin(author)
    for _ in range(5):
        report(note, auto_hide=1)
    for _ in range(3):
        report_by_visitor(note)

    assert not note.hidden
    assert told(author) == []


def report_by_visitor(note):
    from_nobody = reports.report(None, thing(note), Reason.SPAM, auto_hide=1)
    assert from_nobody.person_id is None
    return from_nobody


def test_with_nought_nothing_hides_by_itself(board, author):
    note = board.pin(author)
    for _ in range(4):
        report(note, verified(), auto_hide=0)
    assert not note.hidden


def test_what_the_city_itself_says_is_not_hidden_by_reports_alone(board):
    note = board.pin(None, "The library is closed on Mondays")
    for _ in range(4):
        report(note, verified(), auto_hide=2)
    assert not note.hidden


def test_a_thing_that_was_kept_is_not_hidden_by_those_who_reported_it_before(board, settled, author):
    settled(Act.KEEP)
    note = board.notes[1]
    for _ in range(2):
        report(note, verified(), auto_hide=3)
    assert not note.hidden


# --- pages ---


def test_a_resident_reports_and_reads_what_happens_next(board, author, browser):
    note, jiwoo = board.pin(author), person()
    sign_in(browser, jiwoo)
    page = browser.get(f"/report/note:{note.id}").text
    assert "tel:112" in page
    assert "tel:119" in page

    answer = browser.send(f"/report/note:{note.id}", reason="offensive", note="It insults my neighbour")

    [made] = db.session.scalars(sa.select(Report))
    assert (answer.status_code, answer.location) == (303, f"/report/sent/{made.reference}")
    assert (made.person_id, made.note, made.reason) == (jiwoo.id, "It insults my neighbour", Reason.OFFENSIVE)
    assert made.reference in browser.get(answer.location).text
    assert "Buy cheap pills" in browser.get("/moderation/mine").text


def test_a_report_without_a_reason_loses_nothing_that_was_typed(board, author, browser):
    note = board.pin(author)
    answer = sign_in(browser, person()).send(f"/report/note:{note.id}", note="It insults my neighbour")

    assert answer.status_code == 422
    assert "Choose what is wrong with it." in answer.text
    assert "It insults my neighbour" in answer.text
    assert count(Case) == 0


def test_a_visitor_without_an_account_reports_what_everyone_sees(board, author, browser):
    note = board.pin(author)
    answer = browser.send(f"/report/note:{note.id}", reason="spam")

    [made] = db.session.scalars(sa.select(Report))
    assert made.person_id is None
    assert browser.get(answer.location).status_code == 200


def test_what_fills_in_the_hidden_field_is_thanked_and_forgotten(board, author, browser):
    note = board.pin(author)
    answer = browser.send(f"/report/note:{note.id}", reason="spam", homepage="http://pills.example")

    assert answer.status_code == 303
    assert browser.get(answer.location).status_code == 200
    assert count(Report) == count(Case) == 0


def test_a_visitor_reports_one_thing_a_few_times_a_day_and_no_more(board, author, browser):
    note = board.pin(author)
    answers = [browser.send(f"/report/note:{note.id}", reason="spam", note=str(n)).status_code for n in range(7)]
    assert answers == [303] * 5 + [429] * 2


def test_each_reading_of_a_case_is_on_record_under_the_case(board, author, moderator, browser):
    case = report(board.pin(author)).case
    assert sign_in(browser, moderator).get(f"/moderation/cases/{case.reference}").status_code == 200

    looked = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "moderation.looked")).all()
    assert [(one.actor_id, one.subject, one.detail) for one in looked] == [(moderator.id, f"case:{case.id}", {})]


def test_someone_else_s_report_is_not_shown_by_its_reference(board, author, browser, settled):
    case = settled(Act.HIDE)
    reference = case.reports[0].reference

    assert "something was done" not in sign_in(browser, person()).get(f"/report/sent/{reference}").text


def test_a_second_report_says_that_there_is_one(board, author, browser):
    note = board.pin(author)
    sign_in(browser, person()).send(f"/report/note:{note.id}", reason="spam")
    answer = browser.send(f"/report/note:{note.id}", reason="offensive")

    assert answer.status_code == 409
    assert "You have reported this already" in answer.text


def test_a_room_is_reported_hidden_and_found_by_nobody_but_its_manager_who_is_told(browser, moderator, monday, letters):
    library = factories.building()
    manager = factories.person(roles=[(Role.MANAGER, library)])
    factories.person("Elsewhere", roles=[(Role.MANAGER, factories.building())])
    room = factories.space("Cellar", about="Bring your own rats", building=library)
    link = f'href="/report/space:{room.id}"'
    assert link in browser.get(f"/spaces/{room.id}").text
    browser.send(f"/report/space:{room.id}", reason="wrong")
    case = queries.get_case(db.session.scalars(sa.select(Case.reference)).one())
    assert case.said == "Bring your own rats"

    reference, decision_id = case.reference, decided(case, moderator, Act.HIDE).id

    assert browser.get(f"/spaces/{room.id}").status_code == 404
    assert "Cellar" not in browser.get("/spaces/").text
    monday(MONDAY + policy.UNDO)
    decisions.settle(decision_id)
    [letter] = letters()
    assert f"To: {manager.email}" in letter
    decisions.restore(people.person(moderator.id), queries.get_case(reference))
    told = sa.select(Notice.id, Notice.title).where(Notice.person_id == manager.id).order_by(Notice.id)
    notices = db.session.execute(told).all()
    assert [one.title for one in notices] == [
        "Hidden by a moderator until it is put right (Spam or advertising): Cellar, Riverside Library",
        "Shown again: Cellar, Riverside Library",
    ]
    inbox = sign_in(browser, manager).get(f"/inbox/{notices[0].id}").location
    assert inbox == f"/spaces/{room.id}"
    assert browser.get(inbox).status_code == 200


def test_harassment_does_not_come_to_the_common_queue(board, author, browser):
    note = board.pin(author)
    for reason in ("harassment", "at_risk"):
        sign_in(browser, person()).send(f"/report/note:{note.id}", reason=reason, note="He waits at my door")

    assert count(Case) == count(Report) == 0
    assert count(Concern) == 2
