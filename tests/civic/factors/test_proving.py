"""Proving again who one is, before what matters."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import PersonSession, Role
from marketplace.civic.factors.service import codes
from marketplace.kernel import db
from marketplace.web import access
from tests import factories
from tests.civic.factors.conftest import code, is_in, sentence, with_app, with_passkey
from tests.conftest import MONDAY

LATER = MONDAY + access.PROVED_FOR
SENSITIVE = {
    "accounts.email", "accounts.tokens", "accounts_staff.grant", "accounts_staff.revoke", "factors.app",
    "factors.remove_app", "factors.recovery_codes", "factors.new_passkey", "factors.new_passkey_question",
    "factors.remove_passkey", "factors_staff.reset", "notifications.calendar", "notifications.open_feed",
}  # fmt: skip


def prove(browser, onward: str = "/account/tokens", **proof: str):
    return browser.send(f"/account/prove?next={onward}", **proof)


def test_what_matters_wears_the_mark(app):
    marked = {name for name, view in app.view_functions.items() if getattr(view, "stepped_up", False)}
    assert marked >= SENSITIVE


def test_nobody_is_asked_again_within_a_quarter_of_an_hour(browser, jiwoo, monday):
    factories.sign_in(browser, jiwoo)
    monday(LATER - timedelta(seconds=1))
    assert browser.get("/account/tokens").status_code == 200
    monday(LATER)
    assert browser.get("/account/tokens").location == "/account/prove?next=/account/tokens"
    assert browser.get("/account").status_code == 200


def test_a_session_of_before_the_update_has_proved_nothing(browser, jiwoo):
    factories.sign_in(browser, jiwoo)
    db.session.execute(sa.update(PersonSession).values(proved_at=None))
    assert browser.get("/account/tokens").location == "/account/prove?next=/account/tokens"


def test_by_the_password_one_goes_on_and_nothing_typed_is_lost(browser, jiwoo, monday):
    factories.sign_in(browser, jiwoo)
    monday(LATER)
    asked = browser.send("/account/tokens", name="my calendar", days="30")
    assert asked.location == "/account/prove?next=/go-on"
    assert "nothing that you typed is lost" in browser.get(asked.location).text
    wrong = browser.send(asked.location, way="password", password="not this one")
    assert (wrong.status_code, sentence(wrong)) == (422, "That is not your present password.")
    right = browser.send(asked.location, way="password", password=factories.PASSWORD)

    assert right.location == "/go-on"
    assert 'value="my calendar"' in browser.get("/go-on").text
    assert browser.send("/account/tokens", name="my calendar", days="30").status_code == 303
    assert browser.get("/go-on").location == "/account"


def test_proving_gives_the_browser_another_token(app, browser, jiwoo, monday):
    factories.sign_in(browser, jiwoo)
    stolen = app.test_client()
    stolen.set_cookie("maeul", browser.get_cookie("maeul").value)
    monday(LATER)
    prove(browser, way="password", password=factories.PASSWORD)

    assert browser.get("/account/tokens").status_code == 200
    assert not is_in(stolen)


def test_who_has_a_second_factor_proves_by_it_and_not_by_the_password(browser, jiwoo, monday):
    secret = with_app(jiwoo)
    factories.sign_in(browser, jiwoo)
    monday(LATER)
    assert 'name="password"' not in browser.get("/account/prove").text
    refused = prove(browser, way="password", password=factories.PASSWORD)
    assert sentence(refused) == "Use your second factor: the password alone is not enough here."
    assert prove(browser, way="app", code=code(secret)).location == "/account/tokens"
    assert browser.get("/account/tokens").status_code == 200


def test_a_passkey_or_a_recovery_code_proves_as_well(browser, jiwoo, monday):
    device = with_passkey(browser, jiwoo)
    on_paper = codes.new_recovery_codes(jiwoo)
    monday(LATER)
    options = browser.get("/sign-in/passkey/question").get_json()
    assert prove(browser, way="passkey", credential=device.sign(options)).status_code == 303
    assert browser.get("/account/tokens").status_code == 200
    monday(LATER + access.PROVED_FOR)
    assert prove(browser, way="paper", recovery_code=on_paper[0]).status_code == 303
    assert browser.get("/account/tokens").status_code == 200


def test_someone_elses_passkey_proves_nothing(app, browser, jiwoo, monday):
    thiefs = with_passkey(app.test_client(), factories.person())
    factories.sign_in(browser, jiwoo)
    monday(LATER)
    signed = thiefs.sign(browser.get("/sign-in/passkey/question").get_json())
    assert prove(browser, way="passkey", credential=signed).status_code == 422
    assert browser.get("/account/tokens").status_code == 303


def test_a_stolen_browser_with_the_password_does_not_rid_itself_of_the_second_factor(browser, jiwoo, monday):
    """Changing the password opens a new session; it is as old as the one before."""
    with_app(jiwoo)
    factories.sign_in(browser, jiwoo)
    monday(LATER)
    good = "three tall herons"
    assert browser.send("/account/password", current=factories.PASSWORD, password=good).status_code == 303
    assert browser.send("/account/second-factor/app/remove").location.startswith("/account/prove?")
    assert "Set up on" in browser.get("/account/second-factor").text


def test_guessing_ends_soon(browser, jiwoo, monday):
    factories.sign_in(browser, jiwoo)
    monday(LATER)
    tried = [prove(browser, way="password", password=f"guess {number}").status_code for number in range(11)]
    assert tried == [422] * 10 + [429]


def test_giving_a_role_asks_again(browser, monday):
    resident = factories.person()
    factories.sign_in(browser, factories.person(roles=[Role.ADMINISTRATOR]))
    monday(LATER)
    asked = browser.send(f"/staff/people/{resident.id}/roles", role="moderator")
    assert asked.location == "/account/prove?next=/go-on"
    prove(browser, way="password", password=factories.PASSWORD)
    page = browser.get("/go-on").text
    assert f'action="/staff/people/{resident.id}/roles"' in page


def test_a_stranger_at_a_sensitive_page_signs_in_first(browser):
    assert browser.get("/account/tokens").location == "/sign-in?next=/account/tokens"


def test_a_program_does_nothing_sensitive(app, jiwoo, monkeypatch):
    headers = factories.bearer(jiwoo)
    db.session.commit()
    monkeypatch.setattr(app.view_functions["accounts.profile"], "stepped_up", True, raising=False)
    own = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == "accounts.profile")
    with app.test_request_context("/api/v1/anything", headers=headers) as context:
        context.request.url_rule = own
        with pytest.raises(access.NotForPrograms):
            access._admit()


def test_the_page_leads_nowhere_else(browser, jiwoo):
    factories.sign_in(browser, jiwoo)
    assert prove(browser, "//evil.example", way="password", password=factories.PASSWORD).location == "/account"
