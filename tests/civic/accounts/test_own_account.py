import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import queries, service
from marketplace.civic.accounts.errors import (
    ChangedMeanwhile,
    NotConfirmed,
)
from marketplace.kernel import db
from marketplace.kernel.errors import NotFound
from marketplace.web.access import current_person
from tests import factories
from tests.civic.accounts.conftest import GOOD
from tests.conftest import MONDAY


def test_the_second_window_sees_what_the_first_one_saved(browser):
    jiwoo = factories.person(name="Jiwoo")
    factories.sign_in(browser, jiwoo)
    version = str(jiwoo.version)
    assert browser.send("/account", name="Ji-woo", language="en", version=version).status_code == 303

    late = browser.send("/account", name="J. Park", language="en", version=version)
    page = late.get_data(as_text=True)
    assert late.status_code == 409
    assert "Ji-woo" in page
    assert "J. Park" in page
    newest = re.search(r'name="version" value="(\d+)"', page)
    assert newest
    assert browser.send("/account", name="J. Park", language="en", version=newest[1]).status_code == 303


def test_two_edits_that_agree_do_not_clash():
    jiwoo = factories.person(name="Jiwoo")
    service.change_profile(jiwoo, "Jiwoo", "en", None, version=0)
    with pytest.raises(ChangedMeanwhile):
        service.change_profile(jiwoo, "Jiwoo", "ko", None, version=0)


def test_a_token_is_shown_once_and_works_until_revoked(browser, monday):
    factories.sign_in(browser, factories.person())
    browser.send("/account/tokens", name="calendar", days="30")
    found = re.search(r"mt_[\w-]+", browser.get("/account/tokens").get_data(as_text=True))
    assert found
    assert "mt_" not in browser.get("/account/tokens").get_data(as_text=True)
    assert "mt_" not in str(db.session.execute(sa.text("SELECT * FROM idempotency_keys")).all())
    token = queries.api_token(found[0])
    assert token is not None

    monday(MONDAY + timedelta(days=30))
    assert queries.api_token(found[0]) is None
    monday(MONDAY)
    browser.send(f"/account/tokens/{token.id}/revoke")
    assert queries.api_token(found[0]) is None


def test_programs_are_known_by_their_token_and_not_by_a_cookie(app, browser):
    jiwoo = factories.person()
    secret = service.create_api_token(jiwoo, "calendar", None)
    db.session.commit()
    factories.sign_in(browser, jiwoo)

    def known(headers: dict[str, str], path: str = "/api/v1/anything") -> bool:
        with app.test_request_context(path, headers=headers):
            return current_person() is not None

    assert known({"Authorization": f"Bearer {secret}"})
    assert not known({"Authorization": f"Bearer {secret}x"})
    assert not known({"Authorization": f"Bearer {secret}"}, "/account")
    assert not known({"Cookie": f"maeul={browser.get_cookie('maeul').value}"})


def test_nobody_makes_tokens_before_the_address_is_confirmed():
    with pytest.raises(NotConfirmed):
        service.create_api_token(factories.person(confirmed=False), "calendar", None)


def test_nobody_revokes_another_persons_token(browser):
    theirs = factories.person()
    service.create_api_token(theirs, "calendar", None)
    with pytest.raises(NotFound):
        service.revoke_api_token(factories.person(), queries.api_tokens_of(theirs)[0].id)


def test_a_new_password_makes_every_token_useless_as_a_reset_does(browser):
    jiwoo = factories.person()
    secret = service.create_api_token(jiwoo, "calendar", None)
    factories.sign_in(browser, jiwoo)
    assert b"programs need new tokens" in browser.get("/account/password").data
    assert browser.send("/account/password", current=factories.PASSWORD, password=GOOD).status_code == 303

    assert queries.api_token(secret) is None


def test_spaces_around_a_password_count_wherever_it_is_typed(browser, mail):
    spaced, respaced = f" {GOOD} ", "  two quiet otters"
    browser.send("/register", name="Jiwoo", email="jiwoo@example.org", password=spaced, language="en")
    [(_, _, link)] = mail()
    browser.send(link)

    def opens(password: str) -> bool:
        browser.send("/sign-out")
        return browser.send("/sign-in", email="jiwoo@example.org", password=password).status_code == 303

    assert not opens(GOOD)
    assert opens(spaced)
    assert browser.send("/account/email", email="new@example.org", password=GOOD).status_code == 422
    assert browser.send("/account/password", current=GOOD, password=respaced).status_code == 422
    assert browser.send("/account/password", current=spaced, password=respaced).status_code == 303
    assert not opens(respaced.strip())
    assert opens(respaced)

    browser.send("/sign-out")
    browser.send("/forgot-password", email="jiwoo@example.org")
    browser.send(mail()[-1][2], password=spaced)
    assert not opens(GOOD)
    assert opens(spaced)
