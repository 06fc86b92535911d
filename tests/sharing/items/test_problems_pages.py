"""The pages of problems: both sides' way to a settlement, the mediator's page, and who reads what."""

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.kernel import audit, db, words
from marketplace.sharing.items.models.problems import Problem, ProblemState, Remedy, Trouble
from marketplace.sharing.items.service import problems
from tests import factories
from tests.conftest import MONDAY
from tests.factories import neighbour, sign_in
from tests.sharing.items.test_loans import anew, owner_of
from tests.sharing.items.test_loans_pages import as_borrower, as_owner, path
from tests.sharing.items.test_problems import WAITING, again, back, brought_to, moderator, out, reported

REPORT = {"trouble": "damaged", "words": "The chuck is bent."}


def at_problem(one, page: str = "") -> str:
    return path(one, f"/problem{page}")


def the_problem() -> Problem:
    db.session.expire_all()
    return db.session.scalars(sa.select(Problem)).one()


def test_a_problem_is_reported_answered_and_settled_by_its_pages(browser, monday):
    one = back(monday)
    as_owner(browser, one)
    assert at_problem(one, "/report") in browser.get(path(one)).text
    assert browser.send(at_problem(one, "/report"), trouble="damaged").status_code == 422
    assert browser.send(at_problem(one, "/report"), words="x", trouble="not_back").status_code == 409
    assert browser.send(at_problem(one, "/report"), **REPORT).status_code == 303
    page = browser.get(path(one)).text
    assert "what becomes of it waits for the problem to be settled" in page
    assert "The loan is not over before." in page

    as_borrower(browser, one)
    assert "The chuck is bent." in browser.get(at_problem(one)).text
    assert browser.send(at_problem(one, "/answer"), words="I used it as told.").status_code == 303
    refused = browser.send(at_problem(one, "/offer"), remedy="sum", amount="90000")
    assert refused.status_code == 422
    assert "At most ₩80,000 can be due" in refused.text
    assert browser.send(at_problem(one, "/offer"), remedy="sum", amount="40000").status_code == 303

    as_owner(browser, one)
    page = browser.get(at_problem(one)).text
    assert "I used it as told." in page
    assert "Of the deposit, ₩30,000 is kept and ₩0 returned" in page
    assert "To be paid beyond the deposit: ₩10,000" in page
    offer = the_problem().id and db.session.scalar(sa.text("SELECT id FROM loan_problem_offers"))
    assert browser.send(at_problem(one, "/accept"), offer=str(offer)).status_code == 303
    assert the_problem().state is ProblemState.SETTLED
    assert "Money is settled between the two of you." in browser.get(at_problem(one)).text


def test_a_mediator_sees_both_sides_on_one_page_and_it_is_on_record(browser, monday):
    one = back(monday)
    found = brought_to(WAITING, one, monday)
    owner, borrower, judge = owner_of(one.item), found.loan.borrower, moderator()
    said = factories.said(borrower, f"loan:{one.id}", "It was bent before.")
    db.session.commit()
    place, talk = f"/items/problems/{found.id}", f"/conversations/{said.conversation_id}?message={said.id}"

    sign_in(browser, judge)
    assert place in browser.get("/desk").text
    assert place in browser.get("/items/problems").text
    page = browser.get(place).text
    assert "The chuck is bent." in page
    assert page.index("When it was handed over") < page.index("When it was brought back")
    assert "It was bent before." not in page
    assert talk.replace("&", "&amp;") in page
    assert "It was bent before." in browser.get(talk).text
    assert browser.send(place, remedy="nothing").status_code == 422
    assert browser.send(place, remedy="deposit", amount="10000", reason="Both are right.").status_code == 303
    assert browser.send(place, remedy="nothing", reason="No, nothing.").status_code == 403

    looks = sa.select(audit.AuditEntry.subject).where(audit.AuditEntry.action == "items.problem.looked")
    assert set(db.session.scalars(looks)) == {f"person:{owner.id}", f"person:{borrower.id}"}
    for sign in (as_owner, as_borrower):
        sign(browser, one)
        assert "Both are right." in browser.get(at_problem(one)).text


def test_a_conversation_is_read_only_once_its_loan_is_before_mediators(browser, monday):
    other = out(monday)
    elsewhere = factories.said(other.borrower, f"loan:{other.id}", "Another loan.")
    monday(MONDAY)
    one = back(monday)
    found = reported(one)
    said = factories.said(found.loan.borrower, f"loan:{one.id}", "It was bent before.")
    sign_in(browser, moderator())
    talks = [f"/conversations/{each.conversation_id}?message={each.id}" for each in (said, elsewhere)]
    assert [browser.get(talk).status_code for talk in talks] == [404, 404]
    assert browser.get(f"/items/problems/{found.id}").status_code == 404

    problems.ask_mediator(found.loan.borrower, again(found))
    assert [browser.get(talk).status_code for talk in talks] == [200, 404]


def test_an_appeal_by_its_page_reaches_another_mediator(browser, monday):
    one = back(monday)
    found = brought_to(ProblemState.DECIDED, one, monday)
    as_borrower(browser, one)
    assert browser.send(at_problem(one, "/appeal")).status_code == 422
    assert browser.send(at_problem(one, "/appeal"), words="Look at picture two.").status_code == 303
    sign_in(browser, moderator("Another"))
    page = browser.get(f"/items/problems/{found.id}").text
    assert "Look at picture two." in page
    assert 'value="20000"' in page
    assert browser.send(f"/items/problems/{found.id}", remedy="nothing", reason="It was old.").status_code == 303
    assert the_problem().state is ProblemState.FINAL
    as_owner(browser, one)
    assert "It was old." in browser.get(at_problem(one)).text


def test_pictures_are_seen_by_both_sides_and_the_mediator_and_nobody_else(browser, monday):
    one = anew(back(monday))
    owner = owner_of(one.item)
    picture = factories.upload(owner)
    found = problems.report(owner, one, Trouble.DAMAGED, "See the picture.", pictures=[picture.id])
    problems.ask_mediator(owner, found)
    db.session.commit()
    shown = f"/uploads/{picture.key}/small"
    people = [owner, one.borrower, moderator(), neighbour("A stranger"), factories.person(roles=[Role.ADMINISTRATOR])]
    answers = []
    for person in people:
        sign_in(browser, person)
        answers.append(browser.get(shown, buffered=True).status_code)
    assert answers == [200, 200, 200, 404, 404]


def test_others_find_nothing(browser, monday):
    one = back(monday)
    found = brought_to(WAITING, one, monday)
    db.session.commit()
    for stranger in (neighbour(), factories.person(roles=[Role.ADMINISTRATOR]), moderator()):
        sign_in(browser, stranger)
        assert {browser.get(at_problem(one, page)).status_code for page in ("", "/report")} == {404}
        for act in ("/answer", "/offer", "/accept", "/mediator", "/withdraw", "/appeal"):
            assert browser.send(at_problem(one, act)).status_code == 404
    as_owner(browser, one)
    assert browser.get(f"/items/problems/{found.id}").status_code == 404


def test_letters_say_what_is_due_and_why(browser, monday, letters):
    found = brought_to(ProblemState.DECIDED, back(monday), monday)
    told = [letter for letter in letters() if "A mediator decided" in letter]
    assert len(told) == 2
    for letter in told:
        assert "The borrower owes" in letter
        assert "It was whole before." in letter
    assert found.remedy is Remedy.SUM


def test_the_mediators_list_costs_the_same_however_long(browser, monday, statements):
    sign_in(browser, moderator())

    def cost() -> int:
        with statements() as seen:
            assert browser.get("/items/problems").status_code == 200
        return len(seen)

    for _ in range(2):
        brought_to(WAITING, back(monday), monday)
        monday(MONDAY)
    few = cost()
    for _ in range(3):
        brought_to(WAITING, back(monday), monday)
        monday(MONDAY)
    assert cost() == few


@pytest.mark.parametrize("language", list(words.LANGUAGES))
def test_every_page_opens_in_both_languages(browser, monday, language):
    one = back(monday)
    as_owner(browser, one)
    assert browser.get(at_problem(one, f"/report?language={language}")).status_code == 200
    found = brought_to(ProblemState.FINAL, one, monday)
    for sign in (as_owner, as_borrower):
        sign(browser, one)
        assert browser.get(at_problem(one, f"?language={language}")).status_code == 200
    sign_in(browser, moderator())
    assert browser.get(f"/items/problems/{found.id}?language={language}").status_code == 200
    assert browser.get(f"/items/problems?language={language}").status_code == 200
