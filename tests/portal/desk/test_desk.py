"""The desk: what waits for those who work for the city, in one list."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.civic.accounts.models import Role
from marketplace.kernel import clock
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.portal.desk.views import Item, urgency
from tests import factories
from tests.conftest import MONDAY
from tests.factories import march, person, sign_in, space

QUEUE = Queue("Requests", "/requests", 0, [])


def item(name: str, hours: int | None = None, harm: int = 0) -> Item:
    due = MONDAY + timedelta(hours=hours) if hours is not None else None
    return Item(Waiting(name, "/", due, harm), QUEUE)


def test_great_harm_comes_first_then_the_day_it_is_due_and_harm_on_a_day():
    items = [
        item("whenever"),
        item("whenever, harmful", harm=1),
        item("tomorrow", 24),
        item("later today", 5),
        item("today, harmful", 8, harm=2),
        item("yesterday", -24),
        item("in danger", harm=3),
    ]
    assert [one.waiting.title for one in sorted(items, key=urgency)] == [
        "in danger", "yesterday", "today, harmful", "later today", "tomorrow", "whenever, harmful", "whenever",
    ]  # fmt: skip


def test_only_what_was_due_before_now_is_overdue():
    assert item("an hour ago", -1).is_overdue
    assert not item("in an hour", 1).is_overdue
    assert not item("whenever").is_overdue


@pytest.fixture
def hall():
    return space("Hall", by_request=True)


@pytest.fixture
def manager(browser, hall):
    made = person("The manager", roles=[(Role.MANAGER, hall.building)])
    sign_in(browser, made)
    return made


def test_a_manager_finds_the_requests_of_the_own_buildings_and_no_others(browser, hall, manager):
    factories.booking(hall, march(5, 10, 11), by=person("Jiwoo Park"))
    elsewhere = space("Cellar", building=factories.building("Museum"), by_request=True)
    factories.booking(elsewhere, march(5, 10, 11), by=person("Minseo Kim"))
    shown = browser.get("/desk").text
    assert "Jiwoo Park" in shown
    assert "Minseo Kim" not in shown
    assert "Requests for rooms (1)" in shown


def test_overdue_is_said_in_words(browser, hall, manager, monday):
    factories.booking(hall, march(20, 10, 11))
    assert "Overdue" not in browser.get("/desk").text
    monday(datetime(2027, 3, 10, tzinfo=UTC))
    sign_in(browser, manager)
    shown = browser.get("/desk").text
    assert "Overdue" in shown
    assert "1 is overdue." in shown


def test_one_queue_is_shown_alone_and_an_unknown_one_is_everything(browser, hall, manager):
    factories.booking(hall, march(5, 10, 11), by=person("Jiwoo Park"))
    for queue in ("/spaces/staff/", "/nowhere", "//evil.example", "<script>"):
        answer = browser.get("/desk", query_string={"queue": queue})
        assert answer.status_code == 200
        assert "Jiwoo Park" in answer.text


def test_an_empty_desk_says_so(browser, manager):
    assert "Nothing waits for you" in browser.get("/desk").text


def test_residents_have_no_desk_and_no_link_to_one(browser):
    sign_in(browser, person())
    assert browser.get("/desk").status_code == 404
    assert 'href="/desk"' not in browser.get("/my").text


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.ADMINISTRATOR])
def test_everyone_who_works_for_the_city_has_one(browser, role):
    sign_in(browser, person(roles=[role]))
    assert browser.get("/desk").status_code == 200
    assert 'href="/desk"' in browser.get("/my").text


def test_the_same_few_statements_however_much_waits(browser, hall, manager, statements):
    def count() -> int:
        with statements() as seen:
            assert browser.get("/desk").status_code == 200
        return len(seen)

    for day in (3, 4):
        factories.booking(hall, march(day, 10, 11), by=person(f"Resident {day}"))
    few = count()
    for day in range(5, 30):
        factories.booking(hall, march(day, 10, 11), by=person(f"Resident {day}"))
    assert count() == few


def test_more_than_fits_is_reached_by_pages_and_by_the_queue_s_own_page(browser, hall, manager):
    for number in range(52):
        start = march(3 + number // 12, 9 + number % 12, 10 + number % 12)
        factories.booking(hall, start, by=person(f"Resident {number}"))
    shown = browser.get("/desk").text
    assert "Requests for rooms (52)" in shown
    assert "Requests for rooms: see all 52" in shown
    assert browser.get("/desk?page=3").status_code == 200
    assert browser.get("/desk?page=4").status_code == 404
    assert clock.now() == MONDAY
