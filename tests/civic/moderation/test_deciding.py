"""Claiming a case, deciding it, undoing that; who may; what people are told, and when."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts.errors import Suspended
from marketplace.civic.accounts.models import Role
from marketplace.civic.accounts.policy import expect_may_act, may_act
from marketplace.civic.moderation import errors, policy
from marketplace.civic.moderation.models import Act, CaseState, Decision, Reason
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.moderation.service import decisions
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import clock, db, hooks, jobs
from marketplace.kernel.errors import Forbidden
from tests import factories
from tests.civic.moderation.conftest import anew, decided, report, verified
from tests.conftest import MONDAY
from tests.factories import march, person, sign_in, space


def told(someone):
    return list(db.session.scalars(sa.select(Notice.news).where(Notice.person_id == someone.id).order_by(Notice.id)))


@pytest.fixture
def case(board, author):
    return anew(report(board.pin(author)).case)


# --- claiming ---


def test_what_one_moderator_is_at_no_other_takes_or_decides(case, moderator, second):
    decisions.claim(moderator, case)

    with pytest.raises(errors.SomeoneAtIt, match=r"is at this case"):
        decisions.claim(second, anew(case))
    with pytest.raises(errors.SomeoneAtIt):
        decided(case, second)


def test_a_claim_lapses_after_half_an_hour(case, moderator, second, monday):
    decisions.claim(moderator, case)
    monday(MONDAY + policy.CLAIM)

    assert decisions.claim(second, anew(case)).claimed_by_id == second.id


def test_a_case_given_back_is_free_for_others(case, moderator, second):
    decisions.claim(moderator, case)
    decisions.release(second, case)
    assert anew(case).claimed_by_id == moderator.id
    decisions.release(moderator, case)
    assert anew(case).claimed_by_id is None


# --- who may ---


def test_nobody_decides_about_what_they_wrote_or_reported_themselves(board, moderator, author, second):
    own = report(board.pin(moderator)).case
    reported = report(board.pin(author), second).case

    assert not policy.may_look(moderator, anew(own))
    with pytest.raises(Forbidden):
        decided(own, moderator)
    with pytest.raises(Forbidden):
        decided(reported, second)
    assert db.session.scalars(queries.queue(moderator)).unique().all() == [reported]


@pytest.mark.parametrize("roles", [[], [Role.ADMINISTRATOR], [Role.SAFEGUARDING]])
def test_only_moderators_decide(case, roles):
    with pytest.raises(Forbidden):
        decided(case, person(roles=roles))


# --- what each decision does ---


@pytest.mark.parametrize(
    ("act", "hidden"), [(Act.KEEP, False), (Act.HIDE, True), (Act.REMOVE, True), (Act.WARN, False), (Act.SUSPEND, True)]
)
def test_what_is_decided_is_seen_at_once(case, board, moderator, act, hidden):
    decided(case, moderator, act, days=7 if act is Act.SUSPEND else None)

    assert board.notes[1].hidden is hidden


def test_a_decision_shows_again_what_reports_alone_had_hidden(board, author, moderator):
    note = board.pin(author)
    case = report(note, verified(), auto_hide=1).case
    assert note.hidden
    decided(case, moderator, Act.KEEP)
    assert not note.hidden


def test_a_decision_needs_a_reason_a_suspension_its_days_and_a_warning_an_author(board, case, moderator):
    with pytest.raises(errors.ReasonMissing):
        decisions.decide(moderator, case, Act.HIDE)
    with pytest.raises(errors.DaysMissing):
        decided(case, moderator, Act.SUSPEND)
    with pytest.raises(errors.NoAuthor):
        decided(report(board.pin(None)).case, moderator, Act.WARN)


def test_the_database_itself_refuses_a_second_standing_decision(case, moderator):
    made = decided(case, moderator)
    values = {"case_id": made.case_id, "act": Act.KEEP, "by_id": moderator.id, "note": "", "at": clock.now()}

    with pytest.raises(sa.exc.IntegrityError), db.session.begin_nested():
        db.session.execute(sa.insert(Decision).values(values))


# --- suspension ---


def test_a_suspended_person_may_not_act_until_the_days_are_over(case, author, moderator, monday):
    decided(case, moderator, Act.SUSPEND, days=7)
    db.session.refresh(author, ["suspended_until"])

    assert not may_act(author)
    with pytest.raises(Suspended) as refusal:
        expect_may_act(author)
    sentence = str(refusal.value.sentence)
    assert "Mon 8 March, 09:00" in sentence
    assert "It is advertising" in sentence
    assert f"/moderation/decisions/{case.reference}" in sentence
    monday(MONDAY + timedelta(days=7))
    assert may_act(author)


def test_asking_whether_someone_is_suspended_costs_no_statement(author, statements):
    found = people.person(author.id)
    with statements() as seen:
        assert may_act(found)
    assert seen == []


def test_a_suspended_person_looks_and_cancels_but_does_not_book(case, author, moderator, browser):
    room = space()
    booked = factories.booking(room, march(12, 10, 11), by=author)
    decided(case, moderator, Act.SUSPEND, days=7)
    sign_in(browser, author)

    page = browser.get(f"/spaces/{room.id}")
    assert "Your account is suspended for a time" in page.text
    answer = browser.send(f"/spaces/{room.id}/hold", start=march(11, 10, 11).starts_at.isoformat(), minutes=60)
    assert answer.status_code == 403
    assert "Mon 8 March, 09:00" in answer.text
    assert browser.get("/account").status_code == 200
    assert browser.get(f"/moderation/decisions/{case.reference}").status_code == 200
    assert browser.send(f"/spaces/bookings/{booked.reference}/cancel").status_code == 303


def test_while_suspended_nobody_acts_by_a_role_but_everyone_reads_why_and_appeals(board, moderator, browser):
    library = factories.building()
    manager = person(roles=[(Role.MANAGER, library), Role.MODERATOR])
    asked = factories.booking(space(building=library, by_request=True), march(12, 10, 11))
    program, booking = factories.bearer(manager), f"/api/v1/bookings/{asked.reference}"
    reference = report(board.pin(manager)).case.reference
    sign_in(browser, manager)
    pages = ["/moderation/", "/desk", f"/spaces/staff/bookings/{asked.reference}"]
    assert [browser.get(page).status_code for page in pages] == [200, 200, 200]
    assert browser.get(booking, headers=program).status_code == 200

    decided(queries.get_case(reference), people.person(moderator.id), Act.SUSPEND, days=7)

    answers = [browser.get(page) for page in pages]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert all(f"/moderation/decisions/{reference}" in answer.text for answer in answers)
    assert browser.get(f"/spaces/bookings/{asked.reference}").status_code == 404, "not even where residents may go"
    assert browser.get(booking, headers=program).status_code == 404
    own = browser.get(f"/moderation/decisions/{reference}")
    assert own.status_code == 200
    assert "Your role opens nothing until then." in own.text
    resident = sign_in(browser, person())
    assert resident.get("/moderation/").status_code == 404, "to others the page does not exist"


def test_of_two_suspensions_the_longer_counts_and_stays_when_the_other_is_undone(board, author, moderator):
    short, long = report(board.pin(author)).case, report(board.pin(author)).case
    decided(short, moderator, Act.SUSPEND, days=1)
    decided(long, moderator, Act.SUSPEND, days=30)
    assert until(author) == MONDAY + timedelta(days=30)
    decisions.undo(moderator, long)
    assert until(author) == MONDAY + timedelta(days=1)
    decisions.undo(moderator, short)
    assert until(author) is None


def until(someone):
    db.session.refresh(someone, ["suspended_until"])
    return someone.suspended_until


# --- undoing and telling ---


def test_for_ten_minutes_a_decision_can_be_undone_and_nobody_was_told(case, board, author, moderator, monday):
    decided(case, moderator, Act.SUSPEND, days=7)
    monday(MONDAY + policy.UNDO - timedelta(seconds=1))
    jobs.run_pending()

    decisions.undo(people.person(moderator.id), queries.get_case(case.reference))

    monday(MONDAY + timedelta(hours=1))
    jobs.run_pending()
    case = queries.get_case(case.reference)
    assert case.state is CaseState.OPEN
    assert not board.notes[1].hidden
    assert people.person(author.id).suspended_until is None
    assert told(author) == []
    assert len(queries.undone(case)) == 1


def test_undoing_leaves_hidden_what_reports_alone_had_hidden(board, author, moderator):
    note = board.pin(author)
    case = report(note, verified(), auto_hide=1).case
    decided(case, moderator, Act.KEEP)
    decisions.undo(moderator, case)
    assert note.hidden


def test_a_case_that_was_undone_is_decided_anew(case, author, moderator, second, monday):
    decided(case, moderator, Act.HIDE)
    decisions.undo(moderator, case)
    decided(case, second, Act.WARN)
    monday(MONDAY + policy.UNDO)
    jobs.run_pending()
    assert db.session.scalars(sa.select(Decision.act).where(Decision.undone_at.is_(None))).all() == [Act.WARN]
    assert told(author) == ["moderation.decided"]


def test_after_ten_minutes_the_author_and_the_reporters_are_told_once(board, author, moderator, monday, letters):
    jiwoo = person("Jiwoo Park", "jiwoo@example.org")
    case = report(board.pin(author), jiwoo).case
    decisions.decide(moderator, anew(case), Act.HIDE, reason=Reason.SPAM, note="Please stop.")
    monday(MONDAY + policy.UNDO)
    db.session.commit()

    written = letters()

    assert (told(author), told(jiwoo)) == (["moderation.decided"], ["moderation.outcome"])
    [to_author] = [letter for letter in written if "To: author@example.org" in letter]
    assert "It is advertising" in to_author
    assert "Please stop." in to_author
    assert f"/moderation/decisions/{case.reference}" in to_author
    [to_reporter] = [letter for letter in written if "To: jiwoo@example.org" in letter]
    assert "A moderator agreed with you" in to_reporter
    assert "Author" not in to_reporter
    assert not any("Jiwoo" in letter or "jiwoo@" in letter for letter in [to_author])
    with pytest.raises(errors.UndoOver):
        decisions.undo(moderator, case)
    decisions.settle(db.session.scalars(sa.select(Decision.id)).one())
    assert told(author) == ["moderation.decided"]


def test_an_author_is_not_troubled_with_reports_that_came_to_nothing(settled, author):
    case = settled(Act.KEEP)
    assert told(author) == []
    assert queries.about(author) == []
    assert case.state is CaseState.SETTLED


def test_what_was_hidden_is_shown_again_once_it_is_put_right(settled, board, author, moderator):
    case = settled(Act.HIDE)
    decisions.restore(moderator, case)
    assert not board.notes[1].hidden
    assert anew(case).state is CaseState.RESTORED
    assert told(author)[-1] == "moderation.restored"


def test_what_was_removed_is_not_simply_shown_again(settled, moderator):
    with pytest.raises(Forbidden):
        decisions.restore(moderator, settled(Act.REMOVE))


# --- several at once ---


def test_several_are_decided_with_one_reason_and_those_in_other_hands_are_left(board, author, moderator, second):
    cases = [anew(report(board.pin(author)).case) for _ in range(3)]
    decisions.claim(second, cases[1])

    done, left = decisions.decide_all(moderator, cases, Act.HIDE, reason=Reason.SPAM)

    assert done == [cases[0], cases[2]]
    assert [(one, type(refusal)) for one, refusal in left] == [(cases[1], errors.SomeoneAtIt)]
    assert [note.hidden for note in board.notes.values()] == [True, False, True]


# --- what others ask ---


def test_a_thing_counts_as_reported_while_open_and_if_upheld(board, author, moderator, monday):
    note = board.pin(author)
    subject = f"note:{note.id}"
    assert hooks.reported.ask(subject) == []
    case = report(note).case
    assert hooks.reported.ask(subject) == [Reason.SPAM]
    decided(case, moderator, Act.KEEP)
    assert hooks.reported.ask(subject) == []
    decisions.undo(moderator, case)
    decided(case, moderator, Act.HIDE)
    assert hooks.reported.ask(subject) == [Reason.SPAM]


# --- pages ---


@pytest.fixture
def desk(browser, moderator):
    return sign_in(browser, moderator)


def test_a_moderator_takes_a_case_decides_it_and_undoes_that(desk, case, board):
    here = f"/moderation/cases/{case.reference}"
    assert "Buy cheap pills" in desk.get("/moderation/").text
    assert "What is to be done?" not in desk.get(here).text
    assert desk.send(f"{here}/claim").location == here
    assert "What is to be done?" in desk.get(here).text

    assert desk.send(here, act="hide", reason="spam").location == "/moderation/"

    assert board.notes[1].hidden
    assert "Decided a moment ago" in desk.get("/moderation/").text
    assert desk.send(f"{here}/undo").location == here
    assert not board.notes[1].hidden


def test_a_decision_without_a_reason_is_asked_for_it(desk, case):
    answer = desk.send(f"/moderation/cases/{case.reference}", act="hide", note="Please stop.")
    assert answer.status_code == 422
    assert "Choose the reason that its author is told." in answer.text
    assert "Please stop." in answer.text


def test_several_cases_are_chosen_and_decided_on_one_page(desk, board, author):
    references = [report(board.pin(author, f"Pills {n}")).case.reference for n in range(3)]
    page = desk.get("/moderation/together", query_string={"case": references[:2]}).text
    assert "Pills 1" in page
    assert "Pills 2" not in page
    assert desk.send("/moderation/together", case=references[:2], act="hide", reason="spam").location == "/moderation/"
    assert [note.hidden for note in board.notes.values()] == [True, True, False]
    assert desk.get("/moderation/together").location == "/moderation/"


def test_the_most_harmful_and_most_urgent_come_first(desk, board, author, monday):
    for text, reason in (("mild", Reason.SPAM), ("grave", Reason.DANGEROUS), ("bad", Reason.PRIVACY)):
        report(board.pin(author, text), reason=reason)
    page = desk.get("/moderation/").text
    assert page.index("grave") < page.index("bad") < page.index("mild")


def test_earlier_decisions_about_the_author_are_told_to_the_moderator(settled, board, author, moderator):
    settled(Act.WARN)
    case = report(board.pin(author)).case
    assert queries.before([case])[case.id] == (0, 1)
    again = report(board.notes[1]).case
    assert queries.before([again])[again.id] == (1, 1)


def test_the_queue_takes_the_same_statements_for_one_case_and_for_many(desk, board, author, statements):
    report(board.pin(author))
    with statements() as few:
        desk.get("/moderation/")
    for _ in range(8):
        note = board.pin(person())
        report(note)
        report(note)
    with statements() as many:
        desk.get("/moderation/")
    assert len(many) == len(few) <= 17


def test_moderators_write_what_authors_are_told_and_see_each_other_s_changes(desk, moderator):
    assert "It is advertising" in desk.get("/moderation/words").text
    here = "/moderation/words/spam"
    assert desk.send(here, en="No advertising, please.", ko="광고는 안 됩니다.", version=0).status_code == 303
    assert queries.told(Reason.SPAM, "ko") == "광고는 안 됩니다."
    answer = desk.send(here, en="Mine", ko="제 글입니다", version=0)
    assert answer.status_code == 409
    assert "Mine" in answer.text
    assert "No advertising, please." in answer.text
    assert desk.get("/moderation/words/harassment").status_code == 404


@pytest.mark.parametrize("roles", [[], [Role.SAFEGUARDING]])
def test_to_everyone_else_the_moderators_pages_are_not_there(browser, case, roles):
    sign_in(browser, person(roles=roles))
    for path in ("/moderation/", f"/moderation/cases/{case.reference}", "/moderation/words", "/moderation/together"):
        assert browser.get(path).status_code == 404


def test_an_administrator_sees_no_case_that_is_not_appealed(browser, case):
    sign_in(browser, person(roles=[Role.ADMINISTRATOR]))
    assert "Nothing waits" in browser.get("/moderation/").text
    assert browser.get(f"/moderation/cases/{case.reference}").status_code == 404


def test_the_desk_tells_moderators_what_waits(app, case, moderator):
    with app.test_request_context():
        [queue] = [one for one in hooks.waits_at_desk.ask(moderator) if one.href == "/moderation/"]
    assert queue.count == 1
    assert queue.waiting[0].href == f"/moderation/cases/{case.reference}"
