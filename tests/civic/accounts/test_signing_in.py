from datetime import timedelta

import argon2
import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import service
from marketplace.civic.accounts.errors import (
    WrongSignIn,
)
from marketplace.civic.accounts.models import Person, PersonSession, Role
from marketplace.kernel import credentials, db
from tests import factories
from tests.civic.accounts.conftest import GOOD
from tests.conftest import MONDAY


def test_signing_in_through_the_form(browser):
    jiwoo = factories.person(email="jiwoo@example.org")

    wrong = browser.send("/sign-in", email="jiwoo@example.org", password="not this one")
    assert wrong.status_code == 422
    assert b"not this one" not in wrong.data
    answer = browser.send("/sign-in?next=/account/sessions", email=" JIWOO@example.org ", password=factories.PASSWORD)

    assert (answer.status_code, answer.location) == (303, "/account/sessions")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert b"This browser" in browser.get("/account/sessions").data
    stored = db.session.scalar(sa.select(Person.password_hash).where(Person.id == jiwoo.id))
    assert stored is not None
    assert not credentials.is_outdated(stored), "the hash is renewed when its parameters are old"


def test_an_unknown_account_takes_as_long_as_a_wrong_password(monkeypatch):
    checked = []

    class Counting(argon2.PasswordHasher):
        def verify(self, *given):
            checked.append(given)
            return super().verify(*given)

    monkeypatch.setattr(credentials, "_hasher", Counting(time_cost=2, memory_cost=19 * 1024, parallelism=1))
    factories.person(email="known@example.org")

    for email in ("known@example.org", "unknown@example.org"):
        with pytest.raises(WrongSignIn):
            service.recognise(email, "whatever")
    assert len(checked) == 2


def test_trying_passwords_ends_soon_for_this_account_and_not_for_others(browser):
    factories.person(email="jiwoo@example.org")
    for _ in range(10):
        assert browser.send("/sign-in", email="jiwoo@example.org", password="wrong wrong").status_code == 422

    refused = browser.send("/sign-in", email="Jiwoo@example.org", password=factories.PASSWORD)
    assert refused.status_code == 429
    assert browser.send("/sign-in", email="other@example.org", password="wrong wrong").status_code == 422


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "evil", "/\t/evil"]
)
def test_signing_in_never_leads_elsewhere(browser, path):
    factories.sign_in(browser, factories.person())
    assert browser.get("/sign-in", query_string={"next": path}).location == "/account"


def test_a_form_without_its_token_is_refused(browser):
    person = factories.person(email="jiwoo@example.org")
    answer = browser.post("/sign-in", data={"email": person.email, "password": factories.PASSWORD})
    assert answer.status_code == 400


def test_the_session_is_another_one_after_signing_in(browser):
    browser.get("/sign-in")
    with browser.session_transaction() as before:
        old = before.get("csrf_token")
    factories.person(email="jiwoo@example.org")
    browser.send("/sign-in", email="jiwoo@example.org", password=factories.PASSWORD)
    with browser.session_transaction() as after:
        assert old
        assert after.get("csrf_token") != old


def test_what_was_typed_before_signing_in_is_sent_after_it(browser):
    asked = browser.send("/account/tokens", name="my  calendar 달력", days="30", _key="kept-key")
    assert asked.location == "/sign-in?next=/go-on"
    assert b"Nothing that you typed is lost" in browser.get(asked.location).data

    factories.person(email="jiwoo@example.org")
    answer = browser.send("/sign-in?next=/go-on", email="jiwoo@example.org", password=factories.PASSWORD)
    for _ in range(2):
        page = browser.get(answer.location).get_data(as_text=True)
        assert 'action="/account/tokens"' in page
        assert 'name="name" value="my  calendar 달력"' in page
        assert 'name="_key" value="kept-key"' in page

    assert browser.send("/account/tokens", name="my calendar", days="30", _key="kept-key").status_code == 303
    assert browser.get("/go-on").location == "/account"


def test_what_was_typed_survives_registering(browser, mail):
    browser.send("/account/tokens", name="calendar", days="30")
    browser.send("/register?next=/go-on", name="Jiwoo", email="jiwoo@example.org", password=GOOD, language="ko")
    assert b"calendar" in browser.get("/go-on?language=en").data

    [(_, _, link)] = mail()
    assert browser.send(link).location == "/go-on"
    assert b"calendar" in browser.get("/go-on").data


def test_a_password_typed_is_never_kept(browser):
    browser.send("/account/password", current="old secret", password="new secret")
    with browser.session_transaction() as session:
        assert "secret" not in str(dict(session))


@pytest.mark.parametrize(
    ("roles", "idle", "signed_in"),
    [
        ([], timedelta(days=13), True),
        ([], timedelta(days=14), False),
        ([Role.MODERATOR], timedelta(minutes=29), True),
        ([Role.MODERATOR], timedelta(minutes=30), False),
    ],
)
def test_a_session_ends_when_idle_sooner_for_staff(browser, monday, roles, idle, signed_in):
    factories.sign_in(browser, factories.person(roles=roles))
    monday(MONDAY + idle)
    assert (browser.get("/account").status_code == 200) is signed_in


@pytest.mark.parametrize(
    ("roles", "step", "longest"),
    [([], timedelta(days=5), timedelta(days=30)), ([Role.MODERATOR], timedelta(minutes=20), timedelta(hours=12))],
)
def test_a_session_ends_at_last_however_busy(browser, monday, roles, step, longest):
    factories.sign_in(browser, factories.person(roles=roles))
    since = timedelta(0)
    while (since := since + step) < longest:
        monday(MONDAY + since)
        assert browser.get("/account").status_code == 200
    monday(MONDAY + longest)
    assert browser.get("/account").status_code == 303


def test_being_seen_is_written_down_at_most_once_a_minute(browser, monday):
    factories.sign_in(browser, factories.person())
    seen = sa.select(PersonSession.seen_at)
    monday(MONDAY + timedelta(seconds=59))
    browser.get("/account")
    assert db.session.scalar(seen) == MONDAY
    monday(MONDAY + timedelta(seconds=60))
    browser.get("/account")
    assert db.session.scalar(seen) == MONDAY + timedelta(seconds=60)


def test_signing_out_ends_the_session_on_the_server(browser):
    factories.sign_in(browser, factories.person())
    cookie = browser.get_cookie("maeul")
    browser.send("/sign-out")
    browser.set_cookie("maeul", cookie.value)
    assert browser.get("/account").status_code == 303


def test_one_ends_ones_own_sessions_and_nobody_elses(app, browser):
    jiwoo = factories.person()
    phone = factories.sign_in(app.test_client(), jiwoo, "Safari, iPhone")
    stranger = factories.sign_in(app.test_client(), factories.person())
    factories.sign_in(browser, jiwoo)
    assert b"Safari, iPhone" in browser.get("/account/sessions").data
    theirs = {row.person_id: row.id for row in db.session.scalars(sa.select(PersonSession))}

    assert stranger.send(f"/account/sessions/{theirs[jiwoo.id]}/end").status_code == 404
    browser.send("/account/sessions/end-others")

    assert phone.get("/account").status_code == 303
    assert browser.get("/account").status_code == 200
    assert stranger.get("/account").status_code == 200


def test_a_cookie_of_a_made_up_session_is_nobody(browser):
    with browser.session_transaction() as session:
        session["_user_id"] = "made up"
    assert browser.get("/account").status_code == 303
    assert browser.get("/nothing-here").status_code == 404
