"""Neighbours lend and borrow: two people at once, each with a browser; and the counter of a library of things."""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from marketplace.kernel import clock
from marketplace.kernel.jobs import Job
from marketplace.portal.demo.queries import DOMAIN
from marketplace.sharing.items.models.lending import Loan, LoanState
from marketplace.sharing.items.models.libraries import LibraryMember
from marketplace.sharing.items.models.listing import ItemUnit
from marketplace.sharing.items.service.loans import CLOSED_AFTER
from tests.journeys.conftest import like
from tests.journeys.test_by_keyboard import Typist
from tests.journeys.test_message import picture, wait_for

MOST_PAGES, MOST_FIELDS = 4, 5
BOTH = pytest.mark.parametrize(
    ("language", "scripts", "width"), [("en", True, 1280), ("ko", False, 320)], ids=["en", "ko-no-scripts-320"]
)


class Borrower:
    """Someone who counts the pages they come to and the fields they fill in."""

    def __init__(self, visitor):
        self.visitor = visitor
        self.pages: list[str] = []
        self.filled: list[str] = []
        visitor.page.on("framenavigated", lambda frame: self.pages.append(urlsplit(frame.url).path))

    def fill(self, label, value):
        self.visitor.field(label).fill(str(value))
        self.filled.append(label)


def title_of(kind, language):
    """What a thing of a story is called, in every language of its own."""
    return {"en": f"Green {kind}", "ko": f"초록 {kind}"}[language]


def list_a_thing(owner, title):
    """Offer a thing with a picture, three answers and the hours at which it can be fetched; its address."""
    owner.go("/items/new")
    owner.field("What is it?").fill(title)
    owner.field("Category").select_option("drills")
    owner.page.locator("input[name=condition]").nth(1).check()
    owner.page.locator("input[type=file][name=pictures]").set_input_files(picture())
    owner.page.locator("summary", has_text=owner.word("Fetching it: days and hours")).click()
    owner.field("From").select_option("0")
    owner.field("To").select_option("1440")
    owner.press("List it")
    owner.reads("It is listed")
    owner.follow("See it as neighbours do")
    return urlsplit(owner.page.url).path


def reference_of(someone):
    """The number of the loan on the page."""
    return urlsplit(someone.page.url).path.split("/")[3]


def ask_for(someone, address, first, last):
    """Ask for a thing, from its own page."""
    someone.go(address)
    someone.field("From").fill(str(first))
    someone.field("Until").fill(str(last))
    someone.press("Go on")
    someone.press("Send the request")
    return reference_of(someone)


def from_the_inbox(someone, news, title):
    """Come by the notice about this thing."""
    someone.click(wait_for(someone, "/inbox?show=unread", f".row__title a:has-text('{title}')", like(news)))


def hand_over(giver, taker, reference, act, *pictures):
    """One says how it is and shows six digits; the other enters them and agrees; both may add pictures."""
    giver.go(f"/items/loans/{reference}")
    giver.press(act)
    giver.page.locator("input[type=file][name=pictures]").set_input_files(pictures)
    giver.press("Show the code")
    digits = re.sub(r"\D", "", giver.page.locator(".digits").inner_text())
    assert len(digits) == 6
    taker.go(f"/items/loans/{reference}")
    taker.press("Enter the code")
    wrong = f"{(int(digits) + 1) % 10**6:06}"
    taker.field("Code").fill(wrong)
    taker.press("Continue")
    assert taker.page.locator(".govuk-error-summary").is_visible()
    taker.field("Code").fill(f"{digits[:3]} {digits[3:]}")
    taker.press("Continue")
    taker.reads("What the other side says")
    taker.field("Yes, it is as they say").check()
    taker.page.locator("input[type=file][name=pictures]").set_input_files(pictures)
    taker.press("Confirm that I have it")
    taker.reads("Both of you have confirmed it.")


@BOTH
def test_a_thing_is_listed_found_lent_and_brought_back(visitor, city, language, scripts, width):
    owner, borrower = (visitor(language, scripts=scripts, width=width) for _ in range(2))
    title, today = title_of("drill", language), clock.today()
    city.typed.append(title)
    owner.sign_in("resident")
    address = list_a_thing(owner, title)
    borrower.sign_in("staff")
    counted = Borrower(borrower)

    borrower.go("/items/")
    counted.fill("What do you need?", title)
    counted.fill("From", today)
    counted.fill("Until", today + timedelta(days=1))
    borrower.press("Show things")
    borrower.reads("Free on these days")
    borrower.follow(title)
    borrower.press("Go on")
    borrower.press("Send the request")
    borrower.reads("Your request is sent")
    assert len(set(counted.pages)) <= MOST_PAGES, counted.pages
    assert len(counted.filled) <= MOST_FIELDS, counted.filled
    reference = reference_of(borrower)

    from_the_inbox(owner, "Someone asks for: {item}, {when}", title)
    owner.press("Answer the request")
    owner.press("Yes, lend it")
    owner.reads("Promised. The borrower has been told.")
    hand_over(owner, borrower, reference, "Hand it over", picture())
    hand_over(borrower, owner, reference, "Bring it back", picture())
    for someone in (owner, borrower):
        wait_for(someone, f"/items/loans/{reference}", ".handovers .uploads__picture >> nth=3")
        someone.reads("It was brought back. A day after that, the loan is over.")

    both_tell_how_it_went(city, owner, borrower, reference, address)
    a_day_passes(city, reference)
    for someone in (owner, borrower):
        wait_for(someone, f"/items/loans/{reference}", "p", like("Nothing more. This loan is {state}."))


SAID = {
    "en": ("A fine drill, and easy to fetch.", "It came back clean.", "Come again."),
    "ko": ("좋은 드릴이고 받기 쉬웠어요.", "깨끗하게 돌아왔어요.", "또 오세요."),
}


def both_tell_how_it_went(city, owner, borrower, reference, address):
    """What the borrower wrote is sealed until the owner has written too; then all read it, and the owner replies."""
    of_the_drill, of_the_borrower, reply = SAID[owner.language]
    city.typed += [of_the_drill, of_the_borrower, reply]
    page = f"/items/loans/{reference}"
    borrower.go("/my")
    borrower.click(borrower.page.locator(f"a[href='{page}/review']"))
    borrower.page.locator("#good").fill(of_the_drill)
    borrower.press("Save")
    borrower.reads("Only you read it")
    for place in (page, address, f"{address}/reviews"):
        owner.go(place)
        assert of_the_drill not in owner.page.locator("body").inner_text()
    owner.go(page)
    owner.press("Say how it went")
    owner.page.locator("#bad").fill(of_the_borrower)
    owner.press("Save")
    owner.reads("Both of you have written, so both can be read now.")
    assert of_the_drill in owner.page.locator("body").inner_text()
    owner.follow("Reply once")
    owner.field("Your reply").fill(reply)
    owner.press("Send the reply")
    borrower.go(page)
    assert {of_the_borrower, reply} <= set(borrower.page.locator("main").inner_text().split("\n"))
    borrower.go(address)
    said = borrower.page.locator("main").inner_text()
    assert of_the_drill in said
    assert of_the_borrower not in said


def a_day_passes(city, reference):
    """Nobody said that anything was wrong."""
    returned = clock.now() - CLOSED_AFTER - timedelta(minutes=1)
    city.change(sa.update(Loan).where(Loan.reference == reference).values(returned_at=returned))
    at_once = {"name": "items.run_out", "payload": {}, "run_at": clock.now(), "created_at": clock.now(), "attempts": 0}
    city.change(sa.insert(Job).values(**at_once))


@BOTH
def test_other_days_are_proposed_and_taken_by_keyboard(visitor, city, language, scripts, width):
    owner, borrower = (visitor(language, scripts=scripts, width=width) for _ in range(2))
    title, day = title_of("ladder", language), clock.today() + timedelta(days=3)
    city.typed.append(title)
    owner.sign_in("resident")
    address = list_a_thing(owner, title)
    borrower.sign_in("staff")
    reference = ask_for(borrower, address, day, day)

    from_the_inbox(owner, "Someone asks for: {item}, {when}", title)
    typist, others = Typist(owner), [day + timedelta(days=n) for n in (4, 5)]
    typist.send(owner.page.get_by_role("button", name=owner.word("Answer the request"), exact=True))
    typist.tab_to(owner.page.locator("summary", has_text=owner.word("Propose other days")))
    owner.page.keyboard.press("Enter")
    for label, other in zip(("From", "Until"), others, strict=True):
        typist.tab_to(owner.field(label))
        owner.page.keyboard.type(other.strftime("%m%d%Y"))
    typist.send(owner.page.get_by_role("button", name=owner.word("Propose these days"), exact=True))
    owner.reads("Proposed. The borrower has been told.")

    from_the_inbox(borrower, "Other days are proposed: {item}", title)
    take = borrower.page.get_by_role("button", name=borrower.word("Take these days"), exact=True)
    Typist(borrower).send(take)
    borrower.reads("It is yours to borrow")
    agreed = sa.select(Loan.first_day).where(Loan.reference == reference, Loan.state == LoanState.ACCEPTED)
    assert city.ask(agreed) == others[0]


@BOTH
def test_a_piece_goes_out_and_comes_back_across_the_counter(visitor, city, language, scripts, width):
    manager, title = visitor(language, scripts=scripts, width=width), title_of("tent", language)
    city.typed.append(title)
    of_the_resident = LibraryMember.person.has(email=f"resident@{DOMAIN}")
    card, library = (
        city.ask(sa.select(what).where(of_the_resident)) for what in (LibraryMember.card, LibraryMember.library_id)
    )
    manager.sign_in("manager")
    manager.go(f"/libraries/{library}/change")
    for weekday in range(8):
        manager.page.locator(f"#hours_{weekday}").fill("00:00-24:00")
    manager.press("Save")
    manager.go(f"/libraries/{library}/things/new")
    manager.field("What is it?").fill(title)
    manager.page.locator("#category").select_option("tents")
    manager.page.locator("input[name=condition]").first.check()
    manager.press("Add it")
    code = city.ask(sa.select(ItemUnit.code).order_by(ItemUnit.id.desc()))

    manager.go(f"/libraries/{library}/counter")
    scan(manager, card)
    scan(manager, code)
    manager.press("Lend it")
    assert like("Lent to {name} until {day}.").search(manager.page.locator("body").inner_text())
    manager.go(f"/libraries/{library}/counter")
    scan(manager, code)
    manager.press("Take back")
    assert like("Taken back from {name}.").search(manager.page.locator("body").inner_text())

    manager.go(f"/libraries/{library}/things")
    manager.click(manager.page.get_by_role("link", name=manager.word("Labels")).last)
    with manager.page.expect_download() as download:
        manager.page.get_by_role("button", name=manager.word("Make the PDF"), exact=True).click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")


def scan(someone, code):
    """What a scanner does: it types a code where the cursor is, and Enter."""
    someone.page.locator("#code:focus").wait_for()
    someone.page.keyboard.type(code)
    with someone.page.expect_navigation():
        someone.page.keyboard.press("Enter")
    someone.look()


def test_whoever_waits_in_line_is_offered_it_next(visitor, city):
    owner, borrower, waiting = visitor("en"), visitor("ko", scripts=False), visitor("ko", width=320)
    title, today = title_of("sewing machine", "en"), clock.today()
    city.typed.append(title)
    owner.sign_in("resident")
    address = list_a_thing(owner, title)
    borrower.sign_in("staff")
    reference = ask_for(borrower, address, today, today + timedelta(days=2))
    owner.go(f"/items/loans/{reference}/answer")
    owner.press("Yes, lend it")
    hand_over(owner, borrower, reference, "Hand it over")

    waiting.sign_in("moderator")
    waiting.go(f"/items/?q={title}&first={today}&last={today + timedelta(days=1)}")
    waiting.click(waiting.page.locator(f"a[href^='{address}/wait']"))
    waiting.press("Join the line")
    waiting.reads("You are in line. We write to you when it is your turn.")
    hand_over(borrower, owner, reference, "Bring it back")
    from_the_inbox(waiting, "It is your turn: {item} is kept for you for a day", title)
    waiting.click(waiting.page.get_by_role("button", name=waiting.word("Ask for it now"), exact=True))
    waiting.press("Send the request")
    waiting.reads("Your request is sent")
