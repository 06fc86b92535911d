"""Over the city's identity provider and back."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, PersonSession, Role
from marketplace.civic.identity.models import Identity
from marketplace.civic.identity.service import linking
from marketplace.civic.identity.service import provider as protocol
from marketplace.kernel import clock, db, hooks
from tests import factories

NEW = {"name": "Jiwoo Park", "email": "jiwoo@example.org", "language": "en"}


def linked(city, person: Person, subject: str = "jiwoo-1") -> Person:
    db.session.add(Identity(person_id=person.id, issuer=city.issuer, subject=subject))
    db.session.commit()
    return person


def signed_in(browser) -> bool:
    return browser.get("/account").status_code == 200


def sessions() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(PersonSession)) or 0


# --- the plain way ---


def test_without_a_provider_there_is_nothing_to_see(browser):
    assert "Haneul ID" not in browser.get("/sign-in").text
    for path in ("/identity/start", "/identity/callback", "/identity/first"):
        assert browser.get(path).status_code == 404
    factories.sign_in(browser, factories.person())
    assert browser.get("/account/identity").status_code == 404
    assert browser.get("/account").status_code == 200


def test_the_sign_in_page_offers_the_provider_in_both_languages(city, browser):
    assert "Sign in with Haneul ID" in browser.get("/sign-in?language=en").text
    assert "시민 계정" in browser.get("/sign-in?language=ko").text


@pytest.mark.parametrize("path", ["/identity/start", "/identity/callback?code=x&state=x"])
def test_nobody_keeps_the_provider_busy(city, browser, path):
    asked = [browser.get(path).status_code for _ in range(102)]
    assert asked == [303] * 100 + [429] * 2


def test_the_browser_leaves_with_a_state_a_nonce_and_a_challenge(city, browser):
    asked = [parse_qs(urlsplit(browser.get("/identity/start").location).query) for _ in range(2)]
    for one in asked:
        assert one["response_type"] == ["code"]
        assert one["code_challenge_method"] == ["S256"]
        assert one["redirect_uri"] == ["http://localhost/identity/callback"]
        assert one["scope"] == ["openid profile email"]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]


def test_who_is_linked_is_signed_in_and_goes_on(city, come, browser):
    jiwoo = linked(city, factories.person("Jiwoo Park"))
    back = come()
    assert (back.status_code, back.location) == (303, "/buildings/")
    assert "Jiwoo Park" in browser.get("/account").text
    assert db.session.scalars(sa.select(PersonSession.person_id)).all() == [jiwoo.id]


def test_what_was_typed_before_is_still_there_afterwards(city, come, browser):
    linked(city, factories.person())
    asked = browser.send("/account/tokens", name="my calendar", days="30")
    back = come(start=asked.location.replace("/sign-in", "/identity/start"))
    assert back.location == "/go-on"
    assert "my calendar" in browser.get("/go-on").text


def test_where_to_go_on_is_only_ever_a_page_of_ours(city, come, browser):
    linked(city, factories.person())
    assert come(start="/identity/start?next=https://evil.example/").location == "/account"


def test_a_second_factor_shown_there_is_not_asked_for_here(city, come, browser, monkeypatch):
    linked(city, factories.person())
    monkeypatch.setattr(hooks.second_step, "_answerers", [lambda _person: "/sign-in/second-step"])
    assert come().location.startswith("/sign-in/second-step")
    assert not signed_in(browser)
    city.lies(claims={"amr": ["pwd"], "acr": "1"})
    assert come().location.startswith("/sign-in/second-step")
    for claims in ({"amr": ["pwd", "hwk"]}, {"acr": "mfa"}):
        city.lies(claims=claims)
        assert come().location == "/buildings/"
        assert signed_in(browser)
        browser.send("/sign-out")


def test_staff_who_showed_one_there_need_not_set_one_up_here(city, come, browser):
    linked(city, factories.person(roles=[Role.MODERATOR]))
    city.lies(claims={"amr": ["mfa"]})
    assert come().location == "/buildings/"
    with browser.session_transaction() as session:
        assert session["second_step_shown"] is True


# --- the first time ---


def test_who_is_new_may_open_an_account_without_a_password(come, browser):
    back = come()
    assert back.location == "/identity/first?next=/buildings/"
    page = browser.get(back.location).text
    assert 'value="Jiwoo Park"' in page
    assert 'value="jiwoo@example.org"' in page
    assert not signed_in(browser)

    assert browser.send(back.location, **NEW).location == "/buildings/"
    made = db.session.scalars(sa.select(Person)).one()
    assert (made.name, made.has_password, made.is_confirmed) == ("Jiwoo Park", False, True)
    assert signed_in(browser)
    browser.send("/sign-out")
    assert come().location == "/buildings/"
    assert signed_in(browser)


@pytest.mark.parametrize(
    ("subject", "email"), [("minjun-2", "minjun@example.org"), ("jiwoo-1", "someone.else@example.org")]
)
def test_an_address_that_the_provider_did_not_make_sure_of_is_confirmed_by_letter(
    come, browser, letters, subject, email
):
    back = come(subject)
    browser.send(back.location, **NEW | {"email": email})
    assert not db.session.scalars(sa.select(Person)).one().is_confirmed
    [letter] = letters()
    assert f"To: {email}" in letter
    assert "/confirm/" in letter


def test_an_address_of_someone_else_opens_nothing_of_theirs(come, browser, letters):
    """Linked on issuer and subject, never on the address."""
    owner = factories.person("The owner", "jiwoo@example.org")
    back = come()
    assert not signed_in(browser)
    browser.send(back.location, **NEW)
    mine = db.session.scalars(sa.select(Person).where(Person.id != owner.id)).one()
    assert not mine.is_confirmed
    assert "The owner" not in browser.get("/account").text
    assert len(letters()) == 1


def test_who_has_an_account_links_it_by_signing_in_to_it_first(city, come, browser, letters):
    owner = factories.person("The owner", "old@example.org")
    page = browser.get(come().location).text
    assert 'href="/sign-in?next=' in page
    entered = browser.send(
        "/sign-in?next=/account/identity/link?next=/buildings/", email="old@example.org", password=factories.PASSWORD
    )
    page = browser.get(entered.location).text
    assert "Jiwoo Park, jiwoo@example.org" in page
    assert db.session.scalar(sa.select(Identity)) is None, "not before it is meant"

    assert browser.send(entered.location).location == "/buildings/"
    identity = db.session.scalars(sa.select(Identity)).one()
    assert (identity.person_id, identity.issuer, identity.subject) == (owner.id, city.issuer, "jiwoo-1")
    [letter] = letters()
    assert "linked to Haneul ID" in letter


def test_a_refused_form_keeps_what_was_typed(come, browser):
    back = come()
    answer = browser.send(back.location, **NEW | {"email": "not an address"})
    assert answer.status_code == 422
    assert 'value="Jiwoo Park"' in answer.text
    assert browser.send(back.location, **NEW).status_code == 303


def test_who_waits_too_long_begins_again(come, browser, monday):
    back = come()
    monday(clock.now() + timedelta(minutes=31))
    answer = browser.send(back.location, **NEW)
    assert answer.location == "/sign-in?next=/buildings/"
    assert "too old" in browser.get(answer.location).text
    assert db.session.scalar(sa.select(Person)) is None


def test_nobody_chooses_an_account_without_having_been_named(city, browser):
    assert browser.send("/identity/first", **NEW).location.startswith("/sign-in")
    assert db.session.scalar(sa.select(Person)) is None


# --- a provider that lies, fails or is away ---


LIES: dict[str, dict[str, Any]] = {
    "the issuer of the token": {"claims": {"iss": "https://evil.example"}},
    "the issuer with a slash more": {"claims": {"iss": "http://localhost/"}},
    "no issuer": {"claims": {"iss": None}},
    "the audience": {"claims": {"aud": "another-site"}},
    "several audiences, none of them us": {"claims": {"aud": ["a", "b"]}},
    "several audiences without azp": {"claims": {"aud": ["maeul", "another-site"]}},
    "azp of another": {"claims": {"aud": ["maeul", "another-site"], "azp": "another-site"}},
    "azp of another alone": {"claims": {"azp": "another-site"}},
    "the nonce": {"claims": {"nonce": "of another journey"}},
    "no nonce": {"claims": {"nonce": None}},
    "expired": {"claims": {"exp": 1_700_000_000}},
    "never expires": {"claims": {"exp": None}},
    "from the future": {"claims": {"iat": 4_000_000_000}},
    "no subject": {"claims": {"sub": None}},
    "an empty subject": {"claims": {"sub": ""}},
    "a number for a subject": {"claims": {"sub": 7}},
    "an endless subject": {"claims": {"sub": "x" * 256}},
    "not signed": {"alg": "none"},
    "signed with the secret of both": {"alg": "HS256"},
    "signed with another key": {"alg": "other key"},
    "userinfo of another": {"claims": {"email": None}, "userinfo": {"sub": "someone else"}},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_provider_that_lies_is_not_believed_and_nothing_is_lost(city, come, browser, lie):
    linked(city, factories.person())
    asked = browser.send("/account/tokens", name="my calendar", days="30")
    city.lies(**LIES[lie])
    back = come(start=asked.location.replace("/sign-in", "/identity/start"))
    assert back.location == "/sign-in?next=/go-on"
    page = browser.get(back.location).text
    assert "Haneul ID gave an answer that we cannot trust" in page
    assert "Nothing that you typed is lost" in page
    assert sessions() == 0
    with browser.session_transaction() as session:
        assert "identity" not in session
        assert session["typed"]["fields"]


@pytest.mark.parametrize("claimed", ["https://evil.example", "{issuer}/", "HTTP://LOCALHOST", None])
def test_a_provider_that_calls_itself_something_else_is_not_even_asked(city, browser, claimed):
    name = claimed.format(issuer=city.issuer) if claimed else None
    city.lies(description={"issuer": name})
    back = browser.get("/identity/start?next=/buildings/")
    assert back.location == "/sign-in?next=/buildings/"
    assert "cannot trust" in browser.get(back.location).text


def test_a_provider_with_endpoints_that_are_no_addresses_is_not_asked(city, browser):
    city.lies(description={"token_endpoint": "file:///etc/passwd"})
    assert "cannot trust" in browser.get(browser.get("/identity/start").location).text


def test_a_provider_that_is_down_leaves_the_other_ways(city, browser):
    city.lies(down=True)
    back = browser.get("/identity/start?next=/buildings/")
    page = browser.get(back.location).text
    assert "Haneul ID cannot be reached at the moment" in page
    assert 'name="password"' in page


def test_a_provider_that_breaks_off_midway_leaves_the_other_ways(city, browser):
    linked(city, factories.person())
    path = city.signs_in(browser.get("/identity/start").location, "jiwoo-1")
    requests.put(f"{city.issuer}/lie", json={"down": True}, timeout=5)
    back = browser.get(path)
    assert "cannot be reached" in browser.get(back.location).text
    assert sessions() == 0


def test_a_changed_key_is_believed_once_the_provider_shows_it(city, browser):
    linked(city, factories.person())
    path = city.signs_in(browser.get("/identity/start?next=/buildings/").location, "jiwoo-1")
    requests.put(f"{city.issuer}/lie", json={"new_key": "third"}, timeout=5)
    assert browser.get(path).location == "/buildings/"


def test_name_and_address_that_only_userinfo_tells_are_asked_for(city, come, browser):
    city.lies(claims={"email": None, "name": None, "email_verified": None})
    page = browser.get(come().location).text
    assert 'value="jiwoo@example.org"' in page
    assert 'value="Jiwoo Park"' in page


# --- answers that nobody asked for ---


def test_an_answer_counts_once(city, browser):
    linked(city, factories.person())
    path = city.signs_in(browser.get("/identity/start?next=/buildings/").location, "jiwoo-1")
    assert browser.get(path).location == "/buildings/"
    browser.send("/sign-out")
    back = browser.get(path)
    assert back.location.startswith("/sign-in")
    assert "too old, or was used already" in browser.get(back.location).text


def test_a_code_that_was_used_is_refused_by_the_provider_too(city, browser):
    linked(city, factories.person())
    first = city.signs_in(browser.get("/identity/start").location, "jiwoo-1")
    code = parse_qs(urlsplit(first).query)["code"][0]
    browser.get(first)
    browser.send("/sign-out")
    state = parse_qs(urlsplit(browser.get("/identity/start").location).query)["state"][0]
    browser.get(f"/identity/callback?code={code}&state={state}")
    assert not signed_in(browser)


def test_an_answer_for_another_browser_is_refused(app, city, browser):
    """Nobody is signed in to a stranger's account by following the stranger's link."""
    linked(city, factories.person())
    stranger = app.test_client()
    path = city.signs_in(stranger.get("/identity/start").location, "jiwoo-1")
    browser.get("/identity/start")
    for who in (browser, app.test_client()):
        assert "/sign-in" in who.get(path).location
    assert sessions() == 0


@pytest.mark.parametrize(
    "query",
    [
        "", "code=x", "state=x", "code=x&state=x", "error=access_denied", "code=%00&state=%00",
        "state=%ED%95%9C&code=1", "code=a&state=b&state=c",
    ],
)  # fmt: skip
def test_nonsense_is_answered_with_a_sentence(city, browser, query):
    browser.get("/identity/start")
    back = browser.get(f"/identity/callback?{query}")
    assert back.status_code == 303
    assert "too old" in browser.get(back.location).text


def test_an_answer_of_another_provider_is_refused(city, browser):
    """RFC 9207: the answer says whose it is."""
    path = city.signs_in(browser.get("/identity/start").location, "jiwoo-1")
    back = browser.get(f"{path}&iss=https://evil.example")
    assert "cannot trust" in browser.get(back.location).text


def test_who_turns_back_at_the_provider_is_told_how_to_go_on(city, browser):
    path = city.signs_in(browser.get("/identity/start?next=/buildings/").location, "jiwoo-1", action="deny")
    assert "error=access_denied" in path
    with browser.session_transaction() as session:
        state = session["journey"][0]
    back = browser.get(f"/identity/callback?error=access_denied&state={state}")
    assert back.location == "/sign-in?next=/buildings/"
    assert "You did not finish signing in with Haneul ID" in browser.get(back.location).text


def test_a_journey_of_long_ago_is_over(city, browser, monday):
    linked(city, factories.person())
    path = city.signs_in(browser.get("/identity/start").location, "jiwoo-1")
    monday(clock.now() + protocol.JOURNEY_LASTS)
    assert "too old" in browser.get(browser.get(path).location).text


def test_the_cookie_of_a_journey_holds_no_secret_of_the_provider(city, browser):
    browser.get("/identity/start")
    with browser.session_transaction() as session:
        assert "the secret of both" not in str(dict(session))


def test_forgetting_a_person_forgets_the_link(city):
    jiwoo = linked(city, factories.person())
    linking.forget(jiwoo)
    assert db.session.scalar(sa.select(Identity)) is None
