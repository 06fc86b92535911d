"""Attacks that once worked, and some that never did: each is tried again as an attacker would."""

import re
from email import message_from_string, policy

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import queries, service
from marketplace.civic.accounts.errors import LinkOver
from marketplace.civic.accounts.models import Person, PersonSession, Role
from marketplace.kernel import clock, db
from marketplace.kernel.occupancy import Expired
from marketplace.sharing.spaces import errors
from marketplace.sharing.spaces.layouts import clean, guard
from marketplace.sharing.spaces.models import Booking
from marketplace.sharing.spaces.queries import bookings as booking_queries
from marketplace.sharing.spaces.queries import rooms
from marketplace.sharing.spaces.service import bookings
from marketplace.web import security
from marketplace.web.pages import whole_address
from tests import factories
from tests.conftest import MONDAY
from tests.factories import PASSWORD, bearer, march, person, sign_in, space
from tests.kernel.test_occupancy_race import disconnect, race

GOOD = "three tall herons"
VICTIM = "victim@example.org"


@pytest.fixture
def links(letters):
    """Do the waiting jobs; the link of each letter by who got it, the latest of each."""

    def read() -> dict[str, str]:
        found = {}
        for text in letters():
            letter = message_from_string(text, policy=policy.default)
            body = letter.get_body(("plain",))
            if body and (link := re.search(r"http://localhost(/(?:confirm|new-password)/\S*)", body.get_content())):
                found[str(letter["To"])] = link[1]
        return found

    return read


def last(link: str) -> str:
    return link.rpartition("/")[2]


# --- taking over an account ---


@pytest.mark.parametrize("way", ["change", "reset"])
def test_a_new_password_shuts_out_who_asked_for_another_address_before(links, way):
    victim = person(email=VICTIM)
    service.change_address(victim, "thief@example.org", PASSWORD)  # by someone who knew the password
    theirs = last(links()["thief@example.org"])
    if way == "change":
        service.change_password(queries.person(victim.id), PASSWORD, GOOD)
    else:
        service.ask_for_new_password(VICTIM)
        service.reset_password(last(links()[VICTIM]), GOOD)

    with pytest.raises(LinkOver):
        service.confirm(theirs)
    assert queries.person(victim.id).email == VICTIM


def test_who_took_an_account_over_by_its_address_cannot_be_undone_by_an_older_link(links):
    trap = person(email="thief@example.org")
    service.change_address(trap, "thief2@example.org", PASSWORD)
    service.change_address(trap, VICTIM, PASSWORD)
    sent = links()
    service.confirm(last(sent[VICTIM]))

    with pytest.raises(LinkOver):
        service.confirm(last(sent["thief2@example.org"]))
    assert queries.person(trap.id).email == VICTIM


def test_a_strangers_account_is_not_made_good_by_the_letter_it_sends_to_its_victim(app, browser, links):
    thief = app.test_client()
    thief.send("/register", name="A", email=VICTIM, password=GOOD, language="en")
    link = links()[VICTIM]

    page = browser.get(link)
    assert b'name="password"' in page.data
    assert browser.send(link).status_code == 422
    assert browser.send(link, password="what the victim thinks").status_code == 422

    [trap] = db.session.scalars(sa.select(Person).where(Person.email == VICTIM))
    assert not trap.is_confirmed


def test_a_letter_opened_on_another_device_confirms_and_signs_in_there(app, browser, links):
    app.test_client().send("/register", name="Jiwoo", email=VICTIM, password=GOOD, language="en")
    answer = browser.send(links()[VICTIM], password=GOOD)

    assert (answer.status_code, answer.location) == (303, "/account")
    assert b"We sent a letter" not in browser.get("/account").data


def test_an_address_that_changes_hands_leaves_nothing_to_its_thief(app, browser, links):
    """Someone registers with an address not theirs, waits signed in; its owner asks for a new password."""
    thief = app.test_client()
    thief.send("/register", name="A", email=VICTIM, password=GOOD, language="en")
    browser.send("/forgot-password", email=VICTIM)
    browser.send(links()[VICTIM], password="two quiet otters")

    assert thief.get("/account").status_code == 303
    assert thief.send("/sign-in", email=VICTIM, password=GOOD).status_code == 422
    assert browser.send("/sign-in", email=VICTIM, password="two quiet otters").status_code == 303


def test_a_stolen_cookie_dies_with_the_password(browser, app):
    jiwoo = person()
    sign_in(browser, jiwoo)
    with browser.session_transaction() as session:
        stolen = session["_user_id"]
    assert browser.send("/account/password", current=PASSWORD, password=GOOD).status_code == 303

    assert browser.get("/account").status_code == 200
    assert queries.session_of(stolen) is None
    assert len(list(db.session.scalars(sa.select(PersonSession).where(PersonSession.person_id == jiwoo.id)))) == 1


# --- trying passwords, and letters nobody asked for ---


def test_spaces_around_an_address_do_not_give_more_tries(browser):
    person(email=VICTIM)
    tried = [
        browser.send("/sign-in", email=" " * padding + VICTIM.upper(), password="wrong", _key="").status_code
        for padding in (0, 1, 100, 235, 236, 240, 245, 250, 253, 254, 300, 5)
    ]
    assert tried == [422] * 10 + [429] * 2


def test_nobody_is_sent_more_than_a_few_letters_an_hour_through_the_page_for_another_address(app):
    sent = []
    for _ in range(3):
        sender = sign_in(app.test_client(), person(confirmed=False))
        sent += [sender.send("/account/email", email=VICTIM, password=PASSWORD).status_code for _ in range(3)]
    assert sent == [303] * 5 + [429] * 4


@pytest.mark.parametrize(
    "name",
    ["Win at http://evil.example", "//evil.example/x", "A\nYour account is closed", "a@evil.example", "\u202etxt"],
)
def test_a_name_brings_no_link_and_no_line_into_a_letter_to_somebody_else(browser, name):
    answer = browser.send("/register", name=name, email=VICTIM, password=GOOD, language="en")
    assert answer.status_code == 422


@pytest.mark.parametrize("name", ["김지우", "Anne-Marie O'Neill", "J. R. Müller", "Nguyễn Văn A", "Sammy Davis, Jr."])
def test_names_of_people_are_names(browser, name):
    assert browser.send("/register", name=name, email=VICTIM, password=GOOD, language="en").status_code == 303


# --- keeping rooms from others ---


def test_one_person_cannot_book_the_city_out(browser, monkeypatch):
    monkeypatch.setattr(bookings, "MOST_COMING", 2)
    room, headers = space(), bearer(person())
    asked = {"space": room.id, "minutes": 60, "people": 1, "purpose": "mine", "rules_accepted": True}
    answers = [
        browser.post("/api/v1/bookings", json={**asked, "start": f"2027-03-0{day}T10:00:00+09:00"}, headers=headers)
        for day in (2, 3, 4)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 409]
    assert answers[2].get_json()["type"] == "/api#too_many_bookings"
    assert len(list(db.session.scalars(sa.select(Booking)))) == 2


def test_holds_asked_for_at_the_same_instant_are_counted_too(live_database):
    with clock.frozen(MONDAY):
        greedy = person().id
        room_ids = [space(f"Room {number}").id for number in range(8)]
        db.session.commit()
        disconnect()

        def attempt(number: int, _turn: int) -> None:
            try:
                bookings.hold(queries.person(greedy), rooms.get_space(room_ids[number]), march(3, 10, 11))
            except errors.TooManyHolds as refusal:
                raise Expired from refusal  # one of the refusals that a race knows

        outcomes = race(live_database, attempt, processes=8, rounds=1)[0]
        assert sorted(outcomes.values()) == ["done"] * bookings.MOST_HOLDS + ["expired"] * 5
        assert booking_queries.count_holds(queries.person(greedy)) == bookings.MOST_HOLDS


def test_a_request_whose_time_has_come_is_not_granted_any_more(monday):
    room = space(by_request=True)
    manager = person(roles=[(Role.MANAGER, room.building)])
    asked = factories.booking(room, march(3, 10, 11))
    monday(asked.starts_at)
    with pytest.raises(errors.NoLongerOpen):
        bookings.accept(manager, asked)


def test_an_address_nobody_confirmed_holds_a_few_times_and_no_more():
    newcomer, room = person(confirmed=False), space()
    for hour in range(bookings.MOST_UNCONFIRMED):
        bookings.leave(newcomer, bookings.hold(newcomer, room, march(3, 10 + hour, 11 + hour)))
    with pytest.raises(errors.ConfirmAddressFirst):
        bookings.hold(newcomer, room, march(3, 20, 21))


# --- what a request claims about itself ---


def test_a_calendar_leads_to_the_site_whatever_the_request_calls_it(browser):
    jiwoo = person()
    made = factories.booking(space(), march(3, 10, 11), by=jiwoo)
    db.session.commit()
    path = f"/spaces/bookings/{made.reference}/booking.ics"
    answer = sign_in(browser, jiwoo).get(path, headers={"X-Forwarded-Host": "evil.example"})
    assert "URL:http://localhost/spaces/bookings/" in answer.text
    with browser.application.test_request_context(base_url="http://evil.example"):
        assert whole_address("/x") == "http://localhost/x"


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7", "203.0.113.7"),
        ("", "unknown"),
    ],
)
def test_one_network_is_one_address(app, given, counted):
    with app.test_request_context(environ_base={"REMOTE_ADDR": given}, headers={"X-Forwarded-For": "198.51.100.1"}):
        assert security.address() == counted


# --- what breaks a program ---


def test_half_a_character_as_a_name_is_refused_and_breaks_nothing(browser):
    body = '{"\\ud800": 1}'
    headers = {**bearer(person()), "Content-Type": "application/json"}
    assert browser.post("/api/v1/bookings", data=body, headers=headers).status_code == 422


@pytest.mark.parametrize("cell", ["＝1+1", "＋82", "－1+1", "＠SUM(A1)", "=1+1", "@x"])
def test_no_cell_of_an_official_file_is_a_formula(cell):
    assert guard(cell) == f"'{cell}"
    assert clean(guard(cell)) == cell


# --- the next person at this computer ---


def test_signing_out_leaves_no_page_behind_and_a_token_is_not_kept(browser):
    sign_in(browser, person())
    assert browser.send("/account/tokens", name="calendar").status_code == 303
    shown = browser.get("/account/tokens")
    assert b"mt_" in shown.data
    assert shown.headers["Cache-Control"] == "no-store"
    assert b"mt_" not in browser.get("/account/tokens").data
    assert browser.send("/sign-out").headers["Clear-Site-Data"] == '"cache"'
