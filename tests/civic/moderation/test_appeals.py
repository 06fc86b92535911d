"""An author's word against a decision, answered by someone else."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.moderation import errors, policy
from marketplace.civic.moderation.models import Act, Answer, Appeal, CaseState
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.moderation.service import appeals, decisions
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import clock, db
from marketplace.kernel.errors import Forbidden
from tests.civic.moderation.conftest import anew, decided, report, verified
from tests.factories import person, sign_in

WHY = "It is a poem about pills."


def told(someone):
    return list(db.session.scalars(sa.select(Notice.news).where(Notice.person_id == someone.id).order_by(Notice.id)))


@pytest.mark.parametrize(
    ("act", "days", "answer", "hidden", "suspended"),
    [
        (Act.HIDE, None, Answer.OVERTURNED, False, False),
        (Act.HIDE, None, Answer.UPHELD, True, False),
        (Act.REMOVE, None, Answer.OVERTURNED, False, False),
        (Act.SUSPEND, 30, Answer.OVERTURNED, False, False),
        (Act.SUSPEND, 30, Answer.UPHELD, True, True),
    ],
)
def test_overturned_undoes_the_act_and_upheld_leaves_it(
    settled, board, author, second, act, days, answer, hidden, suspended
):
    case = settled(act, days)
    appeals.appeal(author, case, WHY)
    assert anew(case).state is CaseState.APPEALED

    appeals.answer(second, anew(case), answer, "We have read it again.")

    assert anew(case).state.value == answer.value
    assert board.notes[1].hidden is hidden
    db.session.refresh(author, ["suspended_until"])
    assert author.is_suspended is suspended
    assert told(author) == ["moderation.decided", "moderation.answered"]


def test_whoever_decided_does_not_answer_the_appeal(settled, author, moderator):
    case = settled()
    appeals.appeal(author, case, WHY)
    with pytest.raises(Forbidden):
        appeals.answer(moderator, anew(case), Answer.UPHELD, "I was right.")


def test_the_database_itself_refuses_an_answer_by_whoever_decided(settled, author, moderator, second):
    made = appeals.appeal(author, settled(), WHY)
    answered = {"answer": Answer.UPHELD, "answered_at": clock.now(), "answer_text": "x"}
    change = sa.update(Appeal).where(Appeal.id == made.id)

    for forged in ({"answered_by_id": moderator.id}, {"answered_by_id": moderator.id, "decided_by_id": second.id}):
        with pytest.raises(sa.exc.IntegrityError), db.session.begin_nested():
            db.session.execute(change.values(**answered, **forged))


def test_an_administrator_answers_only_where_there_is_no_other_moderator(settled, author, moderator):
    admin = person(roles=[Role.ADMINISTRATOR])
    case = settled()
    appeals.appeal(author, case, WHY)
    case = anew(case)

    assert policy.may_answer(admin, case, queries.moderator_ids())
    other = person(roles=[Role.MODERATOR])
    assert not policy.may_answer(admin, case, queries.moderator_ids())
    assert policy.may_answer(other, case, queries.moderator_ids())
    other.suspended_until = clock.now() + timedelta(days=7)
    db.session.flush()
    assert policy.may_answer(admin, case, queries.moderator_ids()), "who is suspended answers nobody"
    assert not policy.may_answer(other, case, queries.moderator_ids())


def test_a_moderator_who_reported_it_does_not_answer(board, author, moderator, second, monday):
    case = report(board.pin(author), second).case
    made = decided(case, moderator)
    monday(clock.now() + policy.UNDO)
    decisions.settle(made.id)
    appeals.appeal(author, anew(case), WHY)
    assert not policy.may_answer(second, anew(case), queries.moderator_ids())


def test_an_appeal_is_possible_once(settled, author, second):
    case = settled()
    appeals.appeal(author, case, WHY)
    with pytest.raises(errors.AppealOver):
        appeals.appeal(author, case, WHY)
    appeals.answer(second, anew(case), Answer.UPHELD, "It stays.")
    with pytest.raises(errors.AppealOver):
        appeals.appeal(author, case, WHY)


def test_an_appeal_is_possible_for_thirty_days_from_the_letter(settled, author, monday):
    case = settled()
    monday(case.settled_at + timedelta(days=30) - timedelta(minutes=1))
    assert policy.may_appeal(author, case)
    monday(case.settled_at + timedelta(days=30))
    with pytest.raises(errors.AppealOver):
        appeals.appeal(author, case, WHY)


def test_nobody_appeals_for_somebody_else(settled):
    with pytest.raises(errors.AppealOver):
        appeals.appeal(person(), settled(), WHY)


def test_what_its_author_says_to_a_thing_hidden_by_reports_alone_makes_it_urgent(board, author, moderator):
    note = board.pin(author)
    case = report(note, verified(), auto_hide=1).case
    appeals.state(author, case, WHY)
    assert anew(case).statement == WHY
    with pytest.raises(Forbidden):
        appeals.state(moderator, case, WHY)


# --- pages ---


def test_the_author_reads_the_decision_appeals_and_reads_the_answer(settled, board, author, second, browser):
    case = settled(Act.HIDE)
    here = f"/moderation/decisions/{case.reference}"
    sign_in(browser, author)
    assert "Buy cheap pills" in browser.get("/moderation/mine").text
    page = browser.get(here).text
    assert "It is advertising" in page
    assert "Mina Moderator" not in page
    assert browser.send(here).status_code == 422
    assert browser.send(here, text=WHY).location == here
    assert "Another moderator answers by" in browser.get(here).text

    sign_in(browser, second)
    there = f"/moderation/cases/{case.reference}"
    assert WHY in browser.get("/moderation/").text or WHY in browser.get(there).text
    browser.send(f"{there}/claim")
    assert browser.send(there, answer="overturned").status_code == 422
    assert browser.send(there, answer="overturned", text="A poem is not advertising.").status_code == 303
    assert not board.notes[1].hidden

    sign_in(browser, author)
    page = browser.get(here).text
    assert "The decision is taken back" in page
    assert "A poem is not advertising." in page
    assert "Second Moderator" not in page


def test_an_appeal_too_late_keeps_what_was_typed(settled, author, browser, monday):
    case = settled()
    monday(case.settled_at + timedelta(days=31))
    answer = sign_in(browser, author).send(f"/moderation/decisions/{case.reference}", text=WHY)
    assert answer.status_code == 409
    assert "This can no longer be appealed" in answer.text


def test_a_decision_is_there_for_nobody_but_its_author_and_only_once_told(board, author, moderator, browser, settled):
    pending = report(board.pin(author)).case
    here = f"/moderation/decisions/{pending.reference}"
    assert sign_in(browser, author).get(here).status_code == 404
    case = settled()
    assert sign_in(browser, person()).get(f"/moderation/decisions/{case.reference}").status_code == 404
    assert sign_in(browser, moderator).get(f"/moderation/decisions/{case.reference}").status_code == 404


def test_the_author_never_learns_who_reported(board, author, moderator, browser, monday, letters):
    informer = person("Zoe Informer", "zoe@example.org")
    case = report(board.pin(author), informer).case
    made = decided(case, moderator)
    monday(clock.now() + policy.UNDO)
    decisions.settle(made.id)
    db.session.commit()
    sign_in(browser, author)
    seen = [browser.get(path).text for path in ("/moderation/mine", f"/moderation/decisions/{case.reference}")]
    seen += [letter for letter in letters() if "To: author@example.org" in letter]

    assert len(seen) == 3
    assert not any("Zoe" in text or "zoe@" in text for text in seen)
