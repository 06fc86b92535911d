"""My page: the one civic account."""

import pytest

from tests import factories
from tests.factories import group, march, person, sign_in, space


@pytest.fixture
def jiwoo(browser):
    made = person("Jiwoo Park", "jiwoo@example.org")
    sign_in(browser, made)
    return made


def test_it_shows_what_is_coming_my_groups_and_the_pages_about_my_account(browser, jiwoo):
    factories.booking(space("Music room"), march(5, 10, 11), by=jiwoo)
    group("Riverside Readers", by=jiwoo)
    shown = browser.get("/my").text
    for words in ("Music room", "Riverside Readers · Officer and contact", "jiwoo@example.org", "English", "Inbox"):
        assert words in shown
    for path in ("/account", "/account/email", "/groups/mine"):
        assert f'href="{path}' in shown


def test_nothing_is_said_where_there_is_nothing(browser, jiwoo):
    shown = browser.get("/my").text
    assert "Nothing is coming up" in shown
    assert "Waits for you" not in shown


def test_nobody_sees_another_s(browser, jiwoo):
    factories.booking(space("Music room"), march(5, 10, 11), by=person())
    assert "Music room" not in browser.get("/my").text


def test_every_link_on_it_leads_somewhere(browser, jiwoo):
    group("Riverside Readers", by=jiwoo)
    body = browser.get("/my").text.split("<main")[1].split("</main>")[0]
    links = {part.split('"')[0] for part in body.split('href="')[1:]}
    assert links
    for link in links:
        assert browser.get(link.replace("&amp;", "&").partition("#")[0]).status_code in (200, 303), link


def test_the_header_leads_to_it_and_to_my_bookings(browser, jiwoo):
    header = browser.get("/").text.split("</header>")[0]
    assert 'href="/my"' in header
    assert 'href="/spaces/bookings"' in header


def test_the_same_few_statements_however_much_there_is(browser, jiwoo, statements):
    def count() -> int:
        with statements() as seen:
            assert browser.get("/my").status_code == 200
        return len(seen)

    def add(numbers: range) -> None:
        for number in numbers:
            factories.booking(space(f"Room {number}"), march(5 + number, 10, 11), by=jiwoo)
            group(f"Club {number}", members=[jiwoo])

    add(range(2))
    few = count()
    add(range(2, 12))
    assert count() == few
