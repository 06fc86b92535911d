"""Who may come in, and what becomes of what was typed before signing in."""

import html
import io
import random
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from marketplace.civic.accounts.models import Role
from marketplace.web import access
from tests import factories
from tests.conftest import Browser

TEXT = "독서 모임 & <b>tea</b>"


@pytest.fixture
def resident(visitor):
    return factories.sign_in(visitor, factories.person())


@pytest.fixture
def manager(visitor):
    return factories.sign_in(visitor, factories.person(roles=[(Role.MANAGER, factories.building())]))


def next_of(answer) -> str:
    return parse_qs(urlsplit(answer.location).query)["next"][0]


@pytest.mark.no_database
def test_a_route_that_does_not_say_who_may_use_it_stops_the_start():
    app = Flask("unmarked", static_folder=".")
    app.add_url_rule("/open", "open", access.public(lambda: ""))
    access.check(app)
    app.add_url_rule("/secret", "secret", lambda: "")

    with pytest.raises(RuntimeError, match=r"without an access mark: secret$"):
        access.check(app)


def test_marks_can_be_read():
    assert str(access.Mark(everyone=True)) == "public"
    assert str(access.Mark()) == "residents"
    assert str(access.Mark(roles=("manager", "staff"))) == "staff: manager, staff"


def test_a_page_of_staff_does_not_exist_for_others(resident):
    answer = resident.get("/try/managers")

    assert answer.status_code == 404
    assert "There is nothing at this address, or it is not yours to see." in answer.text


def test_a_page_of_staff_opens_for_their_role(manager):
    assert manager.get("/try/managers").text == "yours"


def test_a_stranger_signs_in_first_and_comes_back_to_the_same_question(visitor):
    answer = visitor.get("/try/residents?q=%ED%9A%8C%EC%9D%98+a&b=1")

    assert answer.status_code == 303
    assert next_of(answer) == "/try/residents?q=%ED%9A%8C%EC%9D%98+a&b=1"


def test_a_program_without_a_token_is_told_so(visitor):
    answer = visitor.get("/api/try/residents")

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def fields_of(page: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page):
        found.setdefault(html.unescape(name), []).append(html.unescape(value))
    return found


def test_what_was_typed_is_sent_on_after_signing_in(visitor):
    person = factories.person()
    refused = visitor.send("/try/residents", text=TEXT, day=["a", "b"], password="not kept")
    signed_in = visitor.send(refused.location, email=person.email, password=factories.PASSWORD)
    onward = visitor.get(signed_in.location)
    sent = visitor.post("/try/residents", data=fields_of(onward.text))

    assert refused.status_code == 303
    assert next_of(refused) == "/go-on"
    assert signed_in.location == "/go-on"
    assert 'action="/try/residents"' in onward.text
    assert sent.text == f"text={TEXT},day=a,day=b"
    assert visitor.get("/go-on").status_code == 303  # nothing is left to send


def test_what_was_typed_survives_a_wrong_password_and_a_refusal(visitor):
    person = factories.person()
    refused = visitor.send("/try/residents", text=TEXT)
    assert visitor.send(refused.location, email=person.email, password="wrong").status_code == 422
    assert "Nothing that you typed is lost" in visitor.get(refused.location).text
    visitor.send(refused.location, email=person.email, password=factories.PASSWORD)

    assert fields_of(visitor.get("/go-on").text)["text"] == [TEXT]


def syllables(count: int) -> str:
    """Korean that no compression makes much shorter."""
    return "".join(random.Random(1).choices([chr(number) for number in range(0xAC00, 0xD7A4)], k=count))


def test_as_much_is_kept_as_a_cookie_holds(visitor):
    text = syllables(700)
    answer = visitor.send("/try/residents", text=text)

    assert len(answer.headers["Set-Cookie"]) < 4096
    with visitor.session_transaction() as kept:
        assert dict(kept["typed"]["fields"])["text"] == text


def test_more_than_a_cookie_holds_is_not_kept_by_half_nor_mistaken_for_what_was_kept_before(visitor):
    visitor.send("/try/residents", text="before")
    answer = visitor.send("/try/residents", text=syllables(5000))

    assert answer.status_code == 303
    with visitor.session_transaction() as kept:
        assert "typed" not in kept
    assert "too long to be kept" in visitor.get(answer.location).text


def test_that_a_file_is_not_kept_is_said(visitor):
    answer = visitor.send("/try/residents", text="beside it", file=(io.BytesIO(b"a picture"), "picture.jpg"))

    assert "Files are not kept meanwhile" in visitor.get(answer.location).text
    with visitor.session_transaction() as kept:
        assert dict(kept["typed"]["fields"])["text"] == "beside it"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
        "/%09/evil.example\n", "javascript:alert(1)", "evil.example", "http:evil", "///evil.example", "/\x00/evil", "",
    ],
)  # fmt: skip
def test_signing_in_never_leads_away(staged, elsewhere):
    person = factories.person()
    browser = Browser(staged, staged.response_class)
    browser.token()
    data = {"csrf_token": browser.token(), "email": person.email, "password": factories.PASSWORD}
    answer = browser.post("/sign-in", query_string={"next": elsewhere}, data=data)
    already = browser.get("/sign-in", query_string={"next": elsewhere})

    assert (answer.status_code, answer.location) == (303, "/account")
    assert (already.status_code, already.location) == (303, "/account")
    assert "evil" not in "".join(re.findall(r'(?:href|action)="([^"]*)"', browser.get("/account").text))


def test_an_address_of_ours_is_where_one_goes_on(visitor):
    person = factories.person()
    answer = visitor.send("/sign-in?next=/spaces/%3Fq=a%26b=%ED%95%9C", email=person.email, password=factories.PASSWORD)

    assert answer.location == "/spaces/?q=a&b=%ED%95%9C"
