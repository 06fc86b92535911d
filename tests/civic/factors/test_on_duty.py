"""Whoever works for the city has the powers of their roles only where the second factor was shown, on every page."""

from datetime import timedelta

import pytest

from marketplace.civic.accounts.models import Role
from marketplace.kernel import clock, db
from marketplace.sharing.items.models.listing import Library
from tests import factories
from tests.civic.factors.conftest import with_app

pytestmark = pytest.mark.usefixtures("strict")


@pytest.fixture
def library():
    return factories.building("Riverside Library")


@pytest.fixture
def manager(library):
    return factories.person("Manager", roles=[(Role.MANAGER, library)])


@pytest.fixture
def booking(library):
    room = factories.space(building=library, by_request=True)
    return factories.booking(room, factories.march(3, 10, 11), by=factories.person("Jiwoo"))


def pages_of(booking, message):
    """Where a manager reads about a resident on pages that every resident may have."""
    return [
        f"/spaces/bookings/{booking.reference}",
        f"/conversations/about/booking:{booking.id}",
        f"/conversations/{message.conversation_id}",
    ]


def test_a_managers_role_opens_no_booking_and_no_conversation_without_a_second_factor(browser, manager, booking):
    message = factories.said(booking.person, f"booking:{booking.id}")
    pages = pages_of(booking, message)
    factories.sign_in(browser, manager)
    assert [browser.get(page).status_code for page in pages] == [404, 404, 404]
    assert browser.send(f"{pages[0]}/cancel").status_code == 404

    with_app(manager)

    factories.sign_in(browser, manager)
    assert [browser.get(page, follow_redirects=True).status_code for page in pages] == [200, 200, 200]


def test_a_moderators_role_opens_no_reported_message_without_a_second_factor(browser, booking, manager):
    message = factories.said(booking.person, f"booking:{booking.id}")
    with_app(manager)
    factories.report(f"message:{message.id}", manager)
    moderator = factories.person("Moderator", roles=[Role.MODERATOR])
    look = f"/conversations/{message.conversation_id}?message={message.id}"
    factories.sign_in(browser, moderator)
    assert browser.get(look).status_code == 404
    with_app(moderator)
    factories.sign_in(browser, moderator)
    assert browser.get(look).status_code == 200


def test_a_token_has_no_powers_of_a_role_without_a_second_factor_of_the_account(app, manager, booking):
    path = f"/api/v1/bookings/{booking.reference}"
    headers = factories.bearer(manager)
    browser = app.test_client()
    with browser.session_transaction() as session:
        session["second_step_shown"] = True  # of someone else's session, sent along with a stolen token
    assert browser.get(path, headers=headers).status_code == 404

    with_app(manager)

    assert browser.get(path, headers=factories.bearer(manager)).status_code == 200


def test_a_second_factor_shown_at_the_citys_own_sign_in_counts_in_that_browser(browser, manager, booking):
    factories.sign_in(browser, manager)
    with browser.session_transaction() as session:
        session["second_step_shown"] = True
    assert browser.get(f"/spaces/bookings/{booking.reference}").status_code == 200


def test_whoever_is_off_duty_is_told_so_and_is_a_resident_like_any_other(browser, manager, library):
    own = factories.booking(factories.space(building=library), factories.march(4, 10, 11), by=manager)
    factories.sign_in(browser, manager)
    page = browser.get(f"/spaces/bookings/{own.reference}")
    assert page.status_code == 200
    assert "your role opens nothing" in page.text
    with_app(manager)
    factories.sign_in(browser, manager)
    assert "your role opens nothing" not in browser.get(f"/spaces/bookings/{own.reference}").text


def test_what_stands_on_a_role_asks_as_many_statements_for_residents_as_without_the_rule(browser, booking, statements):
    factories.sign_in(browser, booking.person)
    browser.get("/account/sessions")
    with statements() as seen:
        browser.get("/account/sessions")
    assert not [one for one in seen if "passkeys" in one]


def test_whoever_runs_a_library_is_led_to_set_one_up_and_then_on_to_its_pages(browser, manager, library):
    tools = factories.library(library)
    saw = factories.item("Saw", of=tools)
    own = f"/libraries/{tools.id}"
    pages = ["counter", "things", "members", "members/new", "labels", "catalogue", "change", "repairs", "stock"]
    paths = [*(f"{own}/{page}" for page in pages), f"/items/{saw.id}/change"]
    factories.sign_in(browser, manager)

    for path in paths:
        answer = browser.get(path)
        assert (answer.status_code, answer.location) == (303, f"/account/second-factor?next={path}"), path
    sent = browser.send(f"{own}/change", name="Mine", open="yes", version=1)
    assert (sent.status_code, sent.location) == (303, "/account/second-factor?next=/go-on")
    assert browser.get(own).status_code == 200
    db.session.expire_all()
    assert db.session.get_one(Library, tools.id).name == "Riverside tool library"

    with_app(manager)
    factories.sign_in(browser, manager)
    assert [browser.get(path).status_code for path in paths] == [200] * len(paths)


def test_whom_a_library_does_not_concern_finds_nothing_second_factor_or_not(browser, library):
    tools = factories.library(library)
    elsewhere = factories.person("Elsewhere", roles=[(Role.MANAGER, factories.building("Museum"))])
    suspended = factories.person("Suspended", roles=[(Role.MANAGER, library)])
    suspended.suspended_until = clock.now() + timedelta(days=1)
    for someone in (elsewhere, suspended, factories.person()):
        factories.sign_in(browser, someone)
        assert browser.get(f"/libraries/{tools.id}/counter").status_code == 404
