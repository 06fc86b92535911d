"""The calendar's secret address, read back by an independent reader of the format."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from icalendar import Calendar

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import EmailToken
from marketplace.civic.notifications import queries, service
from marketplace.civic.notifications.models import CalendarFeed
from marketplace.kernel import credentials, db
from marketplace.sharing.spaces.queries.bookings import get_booking
from marketplace.sharing.spaces.service import bookings
from marketplace.web.access import PROVED_FOR
from tests import factories
from tests.conftest import MONDAY
from tests.factories import march


@pytest.fixture
def address(jiwoo):
    """The path of Jiwoo's calendar."""
    service.open_feed(jiwoo)
    return f"/calendar/{queries.feed_of(jiwoo)}.ics"


def read(browser, address: str):
    answer = browser.get(address)
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    return Calendar.from_ical(answer.data).events


def test_everything_agreed_to_is_in_the_calendar_on_the_citys_clocks(browser, address, jiwoo):
    made = factories.booking(factories.space("Hall"), march(10, 18, 20), by=jiwoo)
    factories.booking(factories.space(), march(11, 18, 20))

    file = browser.get(address).data
    (entry,) = Calendar.from_ical(file).events

    assert entry["UID"] == f"{made.reference}@maeul"
    assert (entry.start, entry.end) == (made.starts_at, made.ends_at)
    assert entry["DTSTART"].params["TZID"] == "Asia/Seoul"
    assert [zone["TZID"] for zone in Calendar.from_ical(file).walk("VTIMEZONE")] == ["Asia/Seoul"]
    assert entry["STATUS"] == "CONFIRMED"
    assert entry["URL"] == f"http://localhost/spaces/bookings/{made.reference}"


def test_korean_is_folded_between_characters(browser):
    minsu = factories.person(language="ko")
    name = "마을 도서관 3층 어르신 스마트폰 교실과 다목적 회의실, 준비물; 돋보기 그리고 아주 긴 이름"
    factories.booking(factories.space(name, name_en="Hall"), march(10, 18, 20), by=minsu)
    service.open_feed(minsu)

    file = browser.get(f"/calendar/{queries.feed_of(minsu)}.ics").data

    lines = file.split(b"\r\n")
    assert max(len(line) for line in lines) <= 75
    assert [line.decode() for line in lines]  # no character is cut in two
    assert b"\n" not in file.replace(b"\r\n", b"")
    assert str(Calendar.from_ical(file).events[0]["SUMMARY"]).startswith(name)


def test_a_request_is_tentative_and_a_change_counts_up(browser, address, jiwoo):
    made = factories.booking(factories.space(by_request=True), march(10, 18, 20), by=jiwoo)
    (before,) = read(browser, address)
    made = get_booking(made.reference)
    bookings.move(made.person, made, march(11, 18, 20), version=made.version)
    (after,) = read(browser, address)

    assert before["STATUS"] == after["STATUS"] == "TENTATIVE"
    assert before["UID"] == after["UID"]
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert after.start == march(11, 18, 20).starts_at


def test_what_is_cancelled_says_so_for_thirty_days_and_is_gone_then(browser, address, jiwoo, monday):
    made = factories.booking(factories.space(), march(10, 18, 20), by=jiwoo)
    before = made.changed
    bookings.cancel(made.person, made)

    (entry,) = read(browser, address)
    assert (entry["STATUS"], entry["SEQUENCE"]) == ("CANCELLED", before + 1)
    monday(MONDAY + timedelta(days=30))
    assert len(read(browser, address)) == 1
    monday(march(10, 18, 20).ends_at + timedelta(days=30))
    assert read(browser, address) == []


def test_a_time_only_held_is_not_agreed(browser, address, jiwoo):
    held = bookings.hold(jiwoo, factories.space(), march(10, 18, 20))
    assert read(browser, address) == []
    bookings.leave(jiwoo, held)
    assert read(browser, address) == []


def test_a_calendar_that_knows_the_newest_is_told_so_without_reading_it_again(browser, address, jiwoo, monday):
    first = browser.get(address)
    monday(MONDAY + timedelta(hours=1))
    again = browser.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")

    factories.booking(factories.space(), march(10, 18, 20), by=jiwoo)
    changed = browser.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_no_search_engine_keeps_it_and_nobody_caches_it_for_others(browser, address):
    answer = browser.get(address)
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "private" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers


def test_the_secret_address_is_shown_and_made_only_to_who_proved_lately_who_they_are(browser, address, jiwoo, monday):
    factories.sign_in(browser, jiwoo)
    assert address in browser.get("/calendar").text
    monday(MONDAY + PROVED_FOR)
    assert browser.get("/calendar").location == "/account/prove?next=/calendar"
    assert browser.send("/calendar/open").location == "/account/prove?next=/go-on"
    assert browser.get(address).status_code == 200, "nothing changed"
    assert browser.send("/calendar/close").status_code == 303, "whoever wants less shown need prove nothing"


def test_an_address_that_was_never_made_opens_nothing(browser):
    assert browser.get("/calendar/guess.ics").status_code == 404


def test_a_new_address_stops_the_old_one_at_once_and_a_stopped_one_opens_nothing(browser, app, jiwoo):
    stranger = app.test_client()
    factories.sign_in(browser, jiwoo)
    assert "/calendar/" not in browser.get("/calendar").text.replace("/calendar/open", "")
    browser.send("/calendar/open")
    first = queries.feed_of(jiwoo)
    page = browser.get("/calendar")
    assert f"http://localhost/calendar/{first}.ics" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert f"http://localhost/calendar/{first}.ics" in browser.get("/calendar").text  # calendars ask for it again

    browser.send("/calendar/open")
    second = queries.feed_of(jiwoo)
    assert stranger.get(f"/calendar/{first}.ics").status_code == 404
    assert stranger.get(f"/calendar/{second}.ics").status_code == 200

    browser.send("/calendar/close")
    assert stranger.get(f"/calendar/{second}.ics").status_code == 404
    assert queries.feed_of(jiwoo) is None


def test_whoever_opened_an_account_with_someone_s_address_reads_its_calendar_no_more(browser):
    squatter = factories.person(email="owner@example.org", confirmed=False)
    service.open_feed(squatter)
    address = f"/calendar/{queries.feed_of(squatter)}.ics"
    accounts.ask_for_new_password("owner@example.org")
    token = db.session.scalars(sa.select(EmailToken)).one()

    accounts.reset_password(people.link_of(token), "three tall herons")

    assert browser.get(address).status_code == 404


def test_a_stolen_database_opens_no_calendar(jiwoo):
    service.open_feed(jiwoo)
    secret = queries.feed_of(jiwoo)
    row = db.session.execute(sa.select(CalendarFeed.__table__)).one()

    assert secret
    assert secret not in str(row)
    assert row.secret_hash == credentials.digest(secret)


def test_a_calendar_costs_as_many_statements_for_one_booking_as_for_ten(browser, address, jiwoo, statements):
    room = factories.space()
    factories.booking(room, march(2, 18, 20), by=jiwoo)
    browser.get(address)
    with statements() as few:
        browser.get(address)
    for day in range(3, 12):
        factories.booking(room, march(day, 18, 20), by=jiwoo)
    db.session.commit()
    with statements() as many:
        assert len(read(browser, address)) == 10

    assert len(many) == len(few)
