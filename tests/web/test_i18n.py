"""Which language a page speaks."""

import html
import re

import pytest

from marketplace.kernel import words
from marketplace.web import i18n
from tests import factories


def language_of(answer) -> str:
    return re.search(r'<html lang="(\w+)"', answer.text)[1]  # type: ignore[index]


def switch_of(answer) -> str:
    return html.unescape(re.search(r'href="([^"]*)" lang="\w+" hreflang', answer.text)[1])  # type: ignore[index]


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (None, "en"), ("ko", "ko"), ("ko-KR,ko;q=0.9,en-US;q=0.8", "ko"), ("fr-FR,ko;q=0.5", "ko"), ("fr", "en"),
        ("en-GB,ko;q=0.9", "en"), ("*", "en"), ("nonsense;;;q=", "en"),
    ],
)  # fmt: skip
def test_a_browsers_wish_is_heard(visitor, asked, language):
    assert language_of(visitor.get("/try/form", headers={"Accept-Language": asked} if asked else {})) == language


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("세종대로 110, 3층", '<span lang="ko">세종대로 110, 3층</span>'),
        ("Hall (강당) & stage", 'Hall (<span lang="ko">강당</span>) &amp; stage'),
        ("<b>빔</b>", '&lt;b&gt;<span lang="ko">빔</span>&lt;/b&gt;'),
        ("Hall", "Hall"),
    ],
)
def test_korean_on_an_english_page_is_marked_as_korean(written, shown):
    assert str(i18n.spoken(written)) == shown


def test_korean_on_a_korean_page_is_left_alone():
    with words.speaking("ko"):
        assert i18n.spoken("세종대로") == "세종대로"


def test_a_choice_is_remembered_and_beats_the_browsers_wish(visitor):
    assert language_of(visitor.get("/try/form?language=ko")) == "ko"
    assert language_of(visitor.get("/try/form", headers={"Accept-Language": "en"})) == "ko"
    assert language_of(visitor.get("/try/form?language=en")) == "en"
    assert language_of(visitor.get("/try/form", headers={"Accept-Language": "ko"})) == "en"


def test_the_choice_is_a_cookie_for_a_year_that_no_script_reads(visitor):
    cookie = next(
        line for line in visitor.get("/try/form?language=ko").headers.getlist("Set-Cookie") if line[:8] == "language"
    )

    assert cookie.startswith("language=ko;")
    assert "Max-Age=31536000" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_an_unknown_language_is_no_choice(visitor):
    answer = visitor.get("/try/form?language=xx")

    assert language_of(answer) == "en"
    assert not [line for line in answer.headers.getlist("Set-Cookie") if line.startswith("language")]
    visitor.set_cookie("language", "../../etc")
    assert language_of(visitor.get("/try/form")) == "en"


def test_the_switch_keeps_the_question(visitor):
    asked = visitor.get("/try/question?name=%ED%9A%8C%EC%9D%98+a%26b&tags=x&tags=y&language=en")

    assert switch_of(asked) == "/try/question?name=%ED%9A%8C%EC%9D%98+a%26b&tags=x&tags=y&language=ko"
    assert 'id="name-value">회의 a&amp;b<' in visitor.get(switch_of(asked)).text
    assert switch_of(visitor.get(switch_of(asked))).endswith("&language=en")


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "///evil.example/"])
def test_the_switch_never_leads_to_another_site(visitor, path):
    answer = visitor.get("/", environ_overrides={"PATH_INFO": path})

    assert answer.status_code == 404
    assert re.match(r"/[^/\\]", switch_of(answer))


def test_what_is_wrong_with_a_form_is_said_in_korean(visitor):
    visitor.get("/try/form?language=ko")
    refused = visitor.send("/try/form", name="")

    assert language_of(refused) == "ko"
    assert "Enter this." not in refused.text


def test_a_refusal_before_the_view_is_in_the_readers_language_too(visitor):
    visitor.get("/try/form?language=ko")

    assert language_of(visitor.post("/try/form", data={})) == "ko"
    assert language_of(visitor.get("/none")) == "ko"


def test_signing_in_brings_ones_own_language_unless_one_was_chosen_here(visitor):
    person = factories.person(language="ko")
    visitor.send("/sign-in", email=person.email, password=factories.PASSWORD)

    assert language_of(visitor.get("/try/form")) == "ko"


def test_a_program_asks_for_its_language_and_is_given_no_cookie(visitor):
    korean = visitor.get("/api/none", headers={"Accept-Language": "ko"})

    assert any("가" <= sign <= "힣" for sign in korean.json["title"])
    assert visitor.get("/api/none?language=ko").headers.getlist("Set-Cookie") == []
