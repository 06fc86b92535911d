"""The pages on which it is told how loans went: both sides' way, who reads what where, and the figures beside it."""

import re

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.vouches import service as vouches
from marketplace.kernel import db, words
from marketplace.sharing.items.models.lending import Loan
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.models.reviews import Review
from marketplace.sharing.items.queries.loans import get_loan
from tests import factories
from tests.conftest import MONDAY
from tests.factories import bearer, building, item, loan, neighbour, pick_up_place, sign_in
from tests.sharing.items.test_loans import anew, at, owner_of, returned
from tests.sharing.items.test_loans_pages import as_borrower, as_owner, path
from tests.sharing.items.test_problems import back, moderator
from tests.sharing.items.test_reviews import BORROWER, OWNER, WEEK, answer, both, tell

SECRET = "The chuck wobbles a little."


def ask_again(one, title: str = "Ladder"):
    """The same borrower asks another owner for something."""
    owner = neighbour("Another owner")
    return loan(item(title, owner), 20, 21, by=db.session.get_one(Person, one.borrower_id))


def test_both_sides_tell_it_by_the_pages(browser, monday):
    one = back(monday)
    as_borrower(browser, one)
    assert path(one, "/review") in browser.get(path(one)).text
    assert "Say how it went: Cordless drill" in browser.get("/my").text
    empty = browser.send(path(one, "/review"), good=" ", bad="")
    assert (empty.status_code, "Fill in at least one of the two" in empty.text) == (422, True)
    assert browser.send(path(one, "/review"), good="It is strong.", bad=SECRET).status_code == 303
    page = browser.get(path(one)).text
    assert ("Only you read it" in page, SECRET in page) == (True, True)
    assert "Say how it went" not in browser.get("/my").text
    assert SECRET in browser.get(path(one, "/review")).text, "to be changed"
    assert browser.send(path(one, "/review"), good="It is very strong.", bad=SECRET).status_code == 303

    as_owner(browser, one)
    page = browser.get(path(one)).text
    assert (SECRET in page, "Say how it went" in page) == (False, True)
    assert browser.get(path(one, "/review/reply")).status_code == 404
    assert browser.send(path(one, "/review"), good="", bad="A day late.").status_code == 303
    page = browser.get(path(one)).text
    assert ("It is very strong." in page, SECRET in page) == (True, True)
    assert browser.send(path(one, "/review"), good="Rather.").status_code == 409
    assert browser.send(path(one, "/review/reply")).status_code == 422
    assert browser.send(path(one, "/review/reply"), words="I tightened it.").status_code == 303
    assert browser.send(path(one, "/review/reply"), words="Twice.").status_code == 409

    as_borrower(browser, one)
    page = browser.get(path(one)).text
    assert ("A day late." in page, "I tightened it." in page, "Reply once" in page) == (True, True, True)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_is_sealed_stands_nowhere_for_anyone_but_its_author(browser, app, monday, letters, language):
    reference, sealed = back(monday).reference, {}
    one = get_loan(reference)
    owner = owner_of(one.item)
    pick_up_place(owner)
    house = building("Mullae Community Centre")
    asked = ask_again(one)
    readers = {
        "the owner": owner, "a stranger": neighbour("A stranger"), "a moderator": moderator(),
        "an administrator": factories.person(roles=[Role.ADMINISTRATOR]),
        "a manager": factories.person(roles=[(Role.MANAGER, house)]),
        "another owner": owner_of(asked.item),
    }  # fmt: skip
    elsewhere = path(asked, "/answer")
    tell(one, BORROWER, "Words under seal.", SECRET)
    review_id = db.session.scalars(sa.select(Review.id)).one()
    number = get_loan(reference).item_id
    paths = [
        f"/items/{number}", f"/items/{number}/reviews", f"/items/loans/{reference}", f"/items/loans/{reference}/review",
        f"/items/loans/{reference}/review/reply", elsewhere, "/items/", "/my", "/desk", "/inbox",
        "/moderation/", f"/moderation/report?subject=review:{review_id}", f"/conversations/about/loan:{number}",
        "/api/v1/items", f"/api/v1/items/{number}", f"/api/v1/items/{number}/availability", "/account/data",
    ]  # fmt: skip
    for name, reader in {"nobody": None, **readers}.items():
        client = app.test_client()
        if reader is not None:
            sign_in(client, reader)
        headers = bearer(reader) if reader is not None else {}
        sealed[name] = [
            place for place in paths
            if "under seal" in (text := client.get(
                f"{place}{'&' if '?' in place else '?'}language={language}",
                headers=headers if place.startswith("/api/") else {},
            ).text) or SECRET in text
        ]  # fmt: skip
    assert sealed == {name: [] for name in sealed}
    assert not any("under seal" in letter or SECRET in letter for letter in letters())

    author = sign_in(app.test_client(), db.session.get_one(Person, get_loan(reference).borrower_id))
    assert SECRET in author.get(f"/items/loans/{reference}").text


def test_what_borrowers_say_stands_on_the_things_page_without_names(browser, monday):
    one = back(monday)
    both(one, "A good drill.")
    answer(one, OWNER, "Thank you, come again.")
    number = anew(one).item_id

    for place in (f"/items/{number}", f"/items/{number}/reviews"):
        page = browser.get(place).text
        assert "A borrower, March 2027" in page
        assert ("A good drill." in page, "Thank you, come again." in page) == (True, True)
        assert "Clean and on time." not in page, "what was said of the borrower"
        assert ("Sunhee Kim" in page, "Minsu Lee" in page) == (False, False)
        assert re.search(r"/report[?/](subject=)?review(:|%3A)\d", page)
        assert re.search(r"/report[?/](subject=)?review_reply(:|%3A)\d", page)


def test_who_runs_a_library_with_others_reads_what_a_colleague_wrote_as_their_sides(browser, monday):
    house = building("Library", point=factories.NEAR_THE_RIVER)
    author, colleague = (factories.person(roles=[(Role.MANAGER, house)]) for _ in range(2))
    thing = item(of=factories.library(house))
    returned(thing, neighbour(), day=25, back=25)
    past = db.session.scalars(sa.select(Loan)).one()
    sign_in(browser, author)
    assert browser.send(path(past, "/review"), good="Brought back clean.").status_code == 303
    assert "You wrote" in browser.get(path(past)).text
    assert "What went well?" in browser.get(path(past, "/review")).text
    sign_in(browser, colleague)
    page = browser.get(path(past)).text
    assert ("Brought back clean." in page, "Say how it went" in page) == (False, False)
    page = browser.get(path(past, "/review")).text
    assert ("Brought back clean." in page, "What went well?" in page) == (False, False)
    monday(at(8, 9))
    sign_in(browser, colleague)  # staff are signed out soon
    page = browser.get(path(past)).text
    assert ("Your side wrote" in page, "Brought back clean." in page) == (True, True)


def test_a_few_stand_on_the_page_and_all_on_their_own(browser, monday):
    drill = item()
    for number in range(5):
        monday(MONDAY)
        one = back(monday, thing=db.session.get_one(Item, drill.id))
        both(one, f"Good for hole {number}.")
    page = browser.get(f"/items/{drill.id}").text
    assert page.count("Good for hole") == 3
    assert f"/items/{drill.id}/reviews" in page
    assert browser.get(f"/items/{drill.id}/reviews").text.count("Good for hole") == 5


def test_moderators_are_led_to_a_page_only_where_it_shows_itself_to_them(app, monday):
    one = back(monday)
    by_borrower, by_owner = both(one)
    judge = moderator()
    readers = {by_borrower.id: neighbour("A reader"), by_owner.id: db.session.get_one(Person, one.borrower_id)}
    pages = {}
    for number, reader in readers.items():
        reference = factories.report(f"review:{number}", reader).case.reference
        pages[number] = sign_in(app.test_client(), judge).get(f"/moderation/cases/{reference}").text

    assert re.findall('href="([^"]+)">See it on its page', pages[by_borrower.id]) == [
        f"/items/{one.item_id}/reviews#review-{by_borrower.id}"
    ]
    assert "Clean and on time." in pages[by_owner.id], "read here, as it stands on the page of the loan only"
    assert "See it on its page" not in pages[by_owner.id]


def test_nothing_is_said_of_a_thing_that_one_may_not_find(browser, monday):
    one = back(monday)
    both(one)
    number = one.item_id
    db.session.execute(sa.update(Item).where(Item.id == number).values(paused_at=MONDAY))
    assert browser.get(f"/items/{number}/reviews").status_code == 404
    as_owner(browser, anew(one))
    assert browser.get(f"/items/{number}/reviews").status_code == 200


def test_the_owner_who_is_asked_reads_what_can_be_said_of_who_asks(browser, monday):
    one = back(monday)
    both(one)
    drill = item("Saw", neighbour("Somebody"))
    borrower = db.session.get_one(Person, one.borrower_id)
    for late in (0, 0, 1):
        returned(drill, borrower, day=10, back=10 + late)
    house = building("Mullae Community Centre")
    vouches.agree(borrower, vouches.vouch(factories.person(roles=[(Role.MANAGER, house)]), house.id, borrower))
    asked = ask_again(one)

    as_owner(browser, asked)
    page = browser.get(path(asked, "/answer")).text
    assert "since Mon 1 March 2027" in page
    assert "3 of 4" in page
    assert "Mullae Community Centre" in page
    assert "What these figures are made of" in page
    assert ("An owner, March 2027" in page, "Clean and on time." in page) == (True, True)
    assert "Minsu Lee" not in page
    assert "A good drill." not in page


def test_the_borrower_reads_what_can_be_said_of_a_neighbour_who_lends(browser, monday):
    drill = item()
    owner = owner_of(drill)
    house = building("Mullae Community Centre")
    vouches.agree(owner, vouches.vouch(factories.person(roles=[(Role.MANAGER, house)]), house.id, owner))
    returned(drill, neighbour("Somebody"), day=10, back=10)
    asked = loan(drill, 4, 6)

    as_borrower(browser, asked)
    page = browser.get(path(asked)).text
    assert "About the owner" in page
    assert "Lent and got back" in page
    assert "Mullae Community Centre" not in page, "a name would nearly be told before it is agreed"
    as_owner(browser, asked)
    assert "About the owner" not in browser.get(path(asked)).text
    assert browser.send(path(asked, "/accept")).status_code == 303
    as_borrower(browser, asked)
    page = browser.get(path(asked)).text
    assert ("Mullae Community Centre" in page, "since Mon 1 March 2027" in page) == (True, True)


def test_the_public_page_tells_counts_and_nothing_else(browser):
    drill = item()
    owner = owner_of(drill)
    house = building("Mullae Community Centre")
    vouches.agree(owner, vouches.vouch(factories.person(roles=[(Role.MANAGER, house)]), house.id, owner))
    returned(drill, neighbour("Somebody"), day=10, back=10)

    page = browser.get(f"/items/{drill.id}").text
    assert "About the lender" in page
    assert ("Mullae" in page, "Minsu Lee" in page, "since" in page.split("About the lender")[1]) == (
        False,
        False,
        False,
    )
    shelf = item("Saw", of=factories.library())
    assert "About the lender" not in browser.get(f"/items/{shelf.id}").text


def test_pages_of_many_reviews_take_as_many_statements_as_of_few(browser, monday, statements):
    one = back(monday)
    both(one)
    thing, borrower = db.session.get_one(Item, one.item_id), db.session.get_one(Person, one.borrower_id)
    asked = ask_again(one)
    as_owner(browser, asked)
    places = (f"/items/{thing.id}", f"/items/{thing.id}/reviews", path(asked, "/answer"), "/my")

    def taken() -> list[int]:
        counts = []
        for place in places:
            browser.get(place)
            with statements() as seen:
                assert browser.get(place).status_code == 200
            counts.append(len(seen))
        return counts

    few = taken()
    for day in (1, 2):
        returned(thing, borrower, day=day, back=day)
    for past in db.session.scalars(sa.select(Loan).where(Loan.item_id == thing.id, Loan.id != one.id)):
        told(past, thing)
    assert browser.get(places[1]).text.count("A borrower, ") >= 3
    assert taken() == few


def told(past: Loan, thing: Item) -> None:
    """Both sides of a loan of the past told that it went well."""
    week_later = (past.returned_at or MONDAY) + WEEK
    for by_borrower in (BORROWER, OWNER):
        db.session.add(
            Review(
                loan_id=past.id, by_borrower=by_borrower, author_id=past.borrower_id if by_borrower else thing.owner_id,
                borrower_id=past.borrower_id, owner_id=thing.owner_id, for_group=False, good="Well.",
                written_at=past.returned_at, opens_at=week_later, closes_at=week_later,
            )
        )  # fmt: skip
    db.session.commit()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_pages_speak_the_readers_language(browser, monday, language):
    one = back(monday)
    tell(one, OWNER, "깨끗하게 돌아왔어요.")
    monday(at(6, 12) + WEEK)
    as_borrower(browser, one)
    page = browser.get(path(one) + f"?language={language}").text
    with words.speaking(language):
        assert words._("The owner wrote") in page
        assert words._("How it went") in page
    if language == "en":
        assert '<span lang="ko">깨끗하게 돌아왔어요' in page
