"""The pages of loans: the borrower's way, the owner's, and every wrong way to use them."""

import re

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role
from marketplace.kernel import clock, db, words
from marketplace.sharing.items.models.lending import Handover, Loan, LoanState
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.service import loans
from tests import factories
from tests.factories import item, loan, neighbour, pick_up_place, sign_in
from tests.sharing.items.test_loans import anew, at, held, march, owner_of

ASKED = {"first": "2027-03-04", "last": "2027-03-06", "message": "For shelves"}


@pytest.fixture
def drill():
    """A drill of someone with an address, for which accessories are counted."""
    owner = neighbour("Minsu Lee", district=factories.district())
    pick_up_place(owner)
    return item(owner=owner, parts={"drill bits": 3})


@pytest.fixture
def borrower(browser) -> Person:
    made = neighbour("Jiwoo Park", email="jiwoo@example.org")
    sign_in(browser, made)
    return made


def the_loan() -> Loan:
    db.session.expire_all()
    return db.session.scalars(sa.select(Loan)).one()


def path(one: Loan, page: str = "") -> str:
    return f"/items/loans/{one.reference}{page}"


def as_owner(browser, one: Loan):
    return sign_in(browser, owner_of(db.session.get_one(Item, one.item_id)))


def as_borrower(browser, one: Loan):
    return sign_in(browser, db.session.get_one(Person, one.borrower_id))


def agreed(browser, drill, monday) -> Loan:
    """Agreed, on the morning of its first day."""
    one = loan(drill, 4, 6)
    loans.accept(owner_of(drill), one)
    db.session.commit()
    monday(at(4, 9))
    return one


# --- asking ---


def test_a_thing_is_asked_for_on_one_page_with_two_required_fields(browser, borrower, drill):
    page = browser.get(f"/items/{drill.id}/borrow?first=2027-03-04&last=2027-03-06").text
    assert 'value="2027-03-04"' in page
    assert "A neighbour in Riverside" in page
    assert "Minsu" not in page

    sent = browser.send(f"/items/{drill.id}/borrow", **ASKED)

    assert sent.status_code == 303
    made = the_loan()
    assert (made.borrower_id, made.state, made.message) == (borrower.id, LoanState.REQUESTED, "For shelves")
    done = browser.get(sent.location).text
    assert "Your request is sent" in done
    assert made.reference in done
    assert "River Road" not in done
    assert "Minsu" not in done
    assert made.reference in browser.get("/items/loans").text


def test_what_was_typed_outlives_the_sign_in(browser, drill):
    neighbour("Jiwoo Park", email="jiwoo@example.org")

    away = browser.send(f"/items/{drill.id}/borrow", **ASKED)
    assert "/sign-in" in away.location
    onward = browser.send(away.location, email="jiwoo@example.org", password=factories.PASSWORD)
    page = browser.get(onward.location).text

    assert "For shelves" in page
    assert "2027-03-04" in page


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"first": ""}, "Choose the first day."),
        ({"first": "tomorrow"}, "Enter a date, such as 2027-06-04."),
        ({"first": "9999-12-31"}, "Choose a date in the next months."),
        ({"last": "2027-03-03"}, "The last day is before the first."),
        ({"quantity": "0"}, "Enter a number from 1 to 1000."),
        ({"quantity": "2"}, "There are only 1 of these."),
        ({"first": "2027-02-28"}, "The first day is in the past."),
        ({"last": "2027-03-20"}, "at most 7 days at a time"),
        ({"message": "가" * 501}, "Enter at most 500 characters."),
    ],
)
def test_bad_input_gets_a_sentence_and_loses_nothing(browser, borrower, drill, typed, sentence):
    answer = browser.send(f"/items/{drill.id}/borrow", **{**ASKED, **typed})

    assert answer.status_code == 422
    assert sentence in answer.text
    assert typed.get("message", "For shelves") in answer.text
    assert db.count(sa.select(Loan.id)) == 0


def test_promised_days_are_refused_with_the_next_free_ones(browser, borrower, drill):
    loans.accept(owner_of(drill), loan(drill, 4, 6))

    answer = browser.send(f"/items/{drill.id}/borrow", **ASKED)

    assert answer.status_code == 409
    assert "free from Sun 7 March" in answer.text
    assert "first=2027-03-07&amp;last=2027-03-09" in answer.text


def test_who_may_not_borrow_reads_why_instead_of_a_form(browser, drill):
    sign_in(browser, factories.person("Not verified"))

    page = browser.get(f"/items/{drill.id}/borrow").text

    assert "Only verified residents borrow things." in page
    assert 'name="first"' not in page
    assert browser.send(f"/items/{drill.id}/borrow", **ASKED).status_code == 403


def test_a_request_sent_twice_is_one_request(browser, borrower, drill):
    key = re.findall(r'name="_key" value="([^"]+)"', browser.get(f"/items/{drill.id}/borrow").text)[0]

    answers = [browser.send(f"/items/{drill.id}/borrow", **ASKED, _key=key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    assert db.count(sa.select(Loan.id)) == 1


# --- answering ---


def test_an_owner_says_yes_by_one_button(browser, drill):
    one = loan(drill, 4, 6)
    as_owner(browser, one)
    page = browser.get(path(one, "/answer")).text
    assert "Jiwoo Park" not in page
    assert "0 loans" in page
    assert path(one, "/answer") in browser.get("/my").text

    assert browser.send(path(one, "/accept")).status_code == 303

    assert the_loan().state is LoanState.ACCEPTED
    assert browser.get(path(one, "/answer")).location.endswith(path(one))


def test_an_owner_names_other_days_which_the_borrower_takes(browser, drill):
    one = loan(drill, 4, 6)
    as_owner(browser, one)
    wrong = browser.send(path(one, "/propose"), first="2027-03-09", last="2027-03-08")
    assert wrong.status_code == 422
    assert '<details class="govuk-details" open' in wrong.text
    browser.send(path(one, "/propose"), first="2027-03-09", last="2027-03-10")

    as_borrower(browser, one)
    assert "Tue 9 March to Wed 10 March instead" in browser.get(path(one)).text
    assert browser.send(path(one, "/take-proposal")).status_code == 303
    assert the_loan().state is LoanState.ACCEPTED


def test_an_owner_declines_with_a_reason_of_the_list(browser, drill):
    one = loan(drill, 4, 6)
    as_owner(browser, one)
    assert browser.send(path(one, "/decline")).status_code == 422
    assert browser.send(path(one, "/decline"), refusal="other").status_code == 422
    browser.send(path(one, "/decline"), refusal="away", words="On a journey")

    as_borrower(browser, one)
    page = browser.get(path(one)).text
    assert "Nobody is there to hand it over · On a journey" in page
    assert browser.send(path(one, "/withdraw")).status_code == 409


def test_a_loan_is_cancelled_with_a_reason(browser, drill):
    one = loan(drill, 4, 6)
    loans.accept(owner_of(drill), one)
    as_borrower(browser, one)

    assert browser.send(path(one, "/cancel")).status_code == 422
    assert browser.send(path(one, "/cancel"), reason="Found one").status_code == 303

    as_owner(browser, one)
    assert "Found one" in browser.get(path(one)).text


def test_others_find_nothing(browser, drill):
    one = loan(drill, 4, 6)
    pages = ("", "/answer", "/cancel", "/loan.ics", "/give/out", "/code/out", "/take/out")
    for stranger in (
        neighbour(),
        factories.person(roles=[Role.ADMINISTRATOR]),
        factories.person(roles=[Role.MODERATOR]),
    ):
        sign_in(browser, stranger)
        assert {browser.get(path(one, page)).status_code for page in pages} == {404}
        for act in ("/accept", "/propose", "/decline", "/withdraw", "/take-proposal", "/cancel"):
            assert browser.send(path(one, act)).status_code == 404


# --- the address ---


def test_the_address_is_shown_to_the_borrower_between_the_agreement_and_the_end(browser, drill, monday):
    one = loan(drill, 4, 6)
    as_borrower(browser, one)
    assert "12 River Road" not in browser.get(path(one)).text
    loans.accept(owner_of(drill), anew(one))
    assert "12 River Road, door 4" in browser.get(path(one)).text
    assert "Minsu Lee" in browser.get(path(one)).text
    assert "River Road" not in browser.get(path(one, "/loan.ics")).text
    loans.cancel(owner_of(drill), anew(one), "It broke.")
    assert "12 River Road" not in browser.get(path(one)).text


# --- handing over ---


def digits_of(browser, one: Loan, way: str = "out", **said) -> str:
    """The code that the giver is shown."""
    sent = browser.send(path(one, f"/give/{way}"), condition="good", **said)
    assert sent.status_code == 303
    answer = browser.get(sent.location)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<svg" in answer.text
    return re.findall(r'class="digits" aria-label="([^"]+)"', answer.text)[0].replace(" ", "")


def test_a_thing_goes_out_and_back_by_its_pages(browser, drill, monday):
    one = agreed(browser, drill, monday)
    as_owner(browser, one)
    code = digits_of(browser, one, count="2", note="One bit is blunt")

    as_borrower(browser, one)
    assert f'value="{code}"' in browser.get(path(one, f"/take/out?code={code}")).text
    look = browser.send(path(one, "/take/out"), code=code)
    assert "One bit is blunt" in look.text
    assert "drill bits: 2 of 3" in look.text
    unanswered = browser.send(path(one, "/take/out"), code=code, seen="true")
    assert unanswered.status_code == 422
    assert "Choose whether it is so." in unanswered.text
    refused = browser.send(path(one, "/take/out"), code=code, answer="no")
    assert refused.status_code == 422
    assert "Say what is different" in refused.text
    assert browser.send(path(one, "/take/out"), code=code, answer="no", remark="Rusty").status_code == 303
    assert the_loan().state is LoanState.OUT
    assert "Rusty" in browser.get(path(one)).text

    code = digits_of(browser, one, "back")
    as_owner(browser, one)
    assert browser.send(path(one, "/take/back"), code=code, answer="yes").status_code == 303
    assert the_loan().state is LoanState.RETURNED
    assert held(drill) == 0
    page = browser.get(path(one)).text
    assert page.index("When it was handed over") < page.index("When it was brought back")


def test_wrong_codes_are_counted_though_the_page_refuses(browser, drill, monday):
    one = agreed(browser, drill, monday)
    as_owner(browser, one)
    code = digits_of(browser, one)
    guess = f"{(int(code) + 1) % 10**6:06}"
    as_borrower(browser, one)

    answers = [browser.send(path(one, "/take/out"), code=guess) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 409]
    assert "You may try 4 more times." in answers[0].text
    assert db.session.scalar(sa.select(Handover.tries)) == 5
    assert browser.send(path(one, "/take/out"), code=code, answer="yes").status_code == 409
    as_owner(browser, one)
    assert "Make a new one." in browser.get(path(one, "/code/out")).text
    fresh = digits_of(browser, one)
    as_borrower(browser, one)
    assert browser.send(path(one, "/take/out"), code=fresh, answer="yes").status_code == 303


def test_the_wrong_side_and_the_wrong_order_are_refused(browser, drill, monday):
    one = agreed(browser, drill, monday)
    as_borrower(browser, one)
    assert browser.send(path(one, "/give/out"), condition="good").status_code == 403
    assert browser.send(path(one, "/give/back"), condition="good").status_code == 409
    assert browser.send(path(one, "/take/out"), code="123456", answer="yes").status_code == 409
    as_owner(browser, one)
    assert browser.get(path(one, "/take/out")).status_code == 403
    assert browser.send(path(one, "/give/out"), condition="splendid").status_code == 422
    assert browser.send(path(one, "/give/out"), condition="good", count="-1").status_code == 422
    assert browser.get(path(one, "/code/out")).location.endswith(path(one))


# --- cost and languages ---


def test_lists_cost_the_same_however_long(browser, borrower, statements):
    def cost() -> int:
        with statements() as seen:
            assert browser.get("/items/loans").status_code == 200
        return len(seen)

    for _ in range(2):
        loan(item(parts={"bits": 1}, units=2), 4, 6, by=db.session.get_one(Person, borrower.id))
    few = cost()
    for _ in range(5):
        loan(item(parts={"bits": 1}, units=2), 4, 6, by=db.session.get_one(Person, borrower.id))

    assert cost() == few


@pytest.mark.parametrize("language", list(words.LANGUAGES))
def test_every_page_opens_in_both_languages(browser, drill, monday, language):
    one = agreed(browser, drill, monday)
    as_owner(browser, one)
    digits_of(browser, one)
    for page in ("", "/cancel", "/give/out", "/code/out"):
        assert browser.get(path(one, page) + f"?language={language}").status_code == 200
    as_borrower(browser, one)
    assert browser.get(path(one, f"/take/out?language={language}")).status_code == 200
    assert browser.get(f"/items/{drill.id}/borrow?language={language}").status_code == 200
    assert clock.now() == at(4, 9)


def test_the_owner_and_the_borrower_are_written_to(browser, drill, letters):
    one = loan(drill, 4, 6)
    loans.accept(owner_of(drill), one)
    db.session.commit()

    asked, accepted = letters()

    assert "Someone asks for: Cordless drill, Thu 4 March to Sat 6 March" in asked.replace("\n ", " ")
    assert "Yours to borrow: Cordless drill" in accepted.replace("\n ", " ")
    assert f"{one.reference}.ics" in accepted
    assert "River Road" not in asked + accepted


def test_an_account_with_a_loan_going_on_is_not_erased(browser, drill):
    one = loan(drill, 4, 6)
    loans.accept(owner_of(drill), one)
    for sign in (as_owner, as_borrower):
        sign(browser, one)
        page = browser.get("/account/erase")
        assert "The loan of Cordless drill is not over yet." in page.text
        assert path(one) in page.text


# --- longer, late, in line ---


def test_a_borrower_asks_for_longer_and_the_owner_answers_on_their_pages(browser, drill, monday):
    one = agreed(browser, drill, monday)
    as_owner(browser, one)
    code = digits_of(browser, one)
    as_borrower(browser, one)
    browser.send(path(one, "/take/out"), code=code, answer="yes")
    assert browser.send(path(one, "/longer"), until="2027-03-06").status_code == 422
    assert browser.send(path(one, "/longer"), until="2027-03-08").status_code == 303
    assert "You asked to keep it until Mon 8 March." in browser.get(path(one)).text

    as_owner(browser, one)
    assert "would like to keep it until Mon 8 March" in browser.get(path(one)).text
    assert browser.send(path(one, "/longer/answer"), answer="yes").status_code == 303
    assert the_loan().last_day == march(8)


def test_waiting_in_line_by_its_page(browser, borrower, drill):
    assert "Nobody else is waiting." in browser.get(f"/items/{drill.id}/wait").text
    refused = browser.send(f"/items/{drill.id}/wait", days="2")
    assert refused.status_code == 409
    assert "it is free from Mon 1 March" in refused.text
    loans.accept(owner_of(drill), held_now := loan(drill, 1, 5))

    assert browser.send(f"/items/{drill.id}/wait", days="2").status_code == 303
    page = browser.get(f"/items/{drill.id}/wait").text
    assert "from Sat 6 March" in page
    assert "You wait for" in browser.get("/items/loans").text

    loans.cancel(owner_of(drill), anew(held_now), "It is free")
    page = browser.get(f"/items/{drill.id}/wait").text
    assert "It is your turn" in page
    assert "first=2027-03-01&amp;last=2027-03-02" in page
    browser.send(f"/items/{drill.id}/wait/leave")
    assert "Join the line" in browser.get(f"/items/{drill.id}/wait").text
    assert held(drill) == 0


def test_staff_read_on_their_desk_what_is_two_weeks_late(browser, drill, monday):
    one = agreed(browser, drill, monday)
    as_owner(browser, one)
    code = digits_of(browser, one)
    as_borrower(browser, one)
    browser.send(path(one, "/take/out"), code=code, answer="yes")
    moderator = factories.person(roles=[Role.MODERATOR])
    sign_in(browser, moderator)
    assert "Everything was brought back" in browser.get("/items/loans/late").text
    monday(at(20, 9))

    sign_in(browser, moderator)
    assert "Things not brought back" in browser.get("/desk").text
    assert one.reference in browser.get("/items/loans/late").text
    as_borrower(browser, one)
    assert browser.get("/items/loans/late").status_code == 404
