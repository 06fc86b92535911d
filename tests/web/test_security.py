"""What protects every request: forgery, floods, headers, cookies, one transaction."""

import re
from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy.exc import OperationalError

from marketplace.kernel import db
from marketplace.web import security
from tests import factories
from tests.conftest import MONDAY, Browser
from tests.web.stage import traces

HTTPS = "https://city.example.org"


@pytest.fixture
def over_https(secured):
    return Browser(secured, secured.response_class)


# --- forgery ---


def test_a_form_needs_the_token_of_its_own_browser(visitor, staged):
    visitor.token()
    strangers = Browser(staged, staged.response_class).token()

    assert visitor.send("/try/form", name="tea").status_code == 303
    assert visitor.post("/try/form", data={"name": "milk"}).status_code == 400
    assert visitor.post("/try/form", data={"name": "milk", "csrf_token": strangers}).status_code == 400
    assert visitor.post("/try/form", data={"name": "milk", "csrf_token": "x" * 50}).status_code == 400
    assert traces() == ["before", "tea"]


def test_a_token_outlives_a_long_evening(visitor, monday):
    token = visitor.token()
    monday(MONDAY + timedelta(days=3))

    assert visitor.post("/try/form", data={"name": "tea", "csrf_token": token}).status_code == 303


@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("same-origin", 303), ("same-site", 303), ("none", 303), (None, 303)],
)
def test_a_browser_that_says_it_comes_from_another_site_is_refused(visitor, site, status):
    headers = {"Sec-Fetch-Site": site} if site else {}
    answer = visitor.post("/try/form", data={"name": "tea", "csrf_token": visitor.token()}, headers=headers)

    assert answer.status_code == status


def test_following_a_link_from_another_site_is_no_forgery(visitor):
    assert visitor.get("/try/form", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_over_https_the_page_a_form_came_from_counts(over_https):
    def send(referrer):
        return over_https.post(
            "/try/form", base_url=HTTPS, data={"name": "tea", "csrf_token": token}, headers={"Referer": referrer}
        ).status_code

    page = over_https.get("/try/form", base_url=HTTPS).text
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[-1]

    assert send("https://evil.example/form") == 400
    assert send(f"{HTTPS}/try/form") == 303


# --- floods ---


def test_a_body_may_be_two_megabytes(visitor):
    body = b"x" * (2 * security.MEGABYTE + 1)
    page = visitor.post("/try/form", data=body, content_type="application/octet-stream")
    form = visitor.post("/try/form", data={"name": "x" * 300_000, "csrf_token": visitor.token(), "f": (BytesIO(), "")})
    problem = visitor.post("/api/try", data=body, content_type="application/json")

    assert (page.status_code, form.status_code, problem.status_code) == (413, 413, 413)
    assert "Nothing was saved." in form.text
    assert problem.mimetype == "application/problem+json"
    assert traces() == []


def test_a_field_of_a_hundred_thousand_characters_is_refused_beside_it(visitor):
    answer = visitor.send("/try/form", name="가" * 100_000)

    assert answer.status_code == 422
    assert "Enter at most 20 characters." in answer.text


def test_a_form_may_have_two_hundred_parts(visitor):
    parts = {f"f{number}": "x" for number in range(200)} | {"csrf_token": visitor.token(), "name": "tea"}

    assert visitor.post("/try/form", data=parts, content_type="multipart/form-data").status_code == 413


def test_what_is_tried_too_often_has_to_wait_and_learns_how_long(visitor, monday):
    first, second, third = (visitor.send("/try/limited") for _ in range(3))

    assert (first.text, second.text, third.status_code) == ("tried", "tried", 429)
    assert third.headers["Retry-After"] == "1800"
    assert "wait 30 minutes" in third.text
    monday(MONDAY + timedelta(minutes=30))
    assert visitor.send("/try/limited").text == "tried"


@pytest.mark.parametrize("name", ["rule", "bug"])
def test_a_try_that_fails_counts(visitor, name):
    answers = [visitor.send("/try/limited", name=name).status_code for _ in range(3)]

    assert answers[0] >= 400
    assert answers[2] == 429


def test_reading_spends_nothing(visitor):
    for _ in range(3):
        assert visitor.get("/try/limited").status_code == 405
    assert visitor.send("/try/limited").text == "tried"


# --- headers ---


def test_the_content_policy_allows_nothing_from_elsewhere(visitor):
    policy = visitor.get("/try/form").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "img-src 'self' data:;" in policy


def test_scripts_carry_the_nonce_of_their_own_answer(visitor):
    answer = visitor.get("/try/form")
    nonces = set(re.findall(r'nonce="([^"]+)"', answer.text))

    assert len(nonces) == 1
    assert f"script-src 'nonce-{nonces.pop()}' 'strict-dynamic'" in answer.headers["Content-Security-Policy"]


def test_tiles_are_the_only_exception_and_only_where_a_city_set_them(over_https):
    policy = over_https.get("/try/form", base_url=HTTPS).headers["Content-Security-Policy"]

    assert "img-src 'self' data: https://tiles.example.org:8443;" in policy
    assert policy.count("http") == 1


def test_only_https_is_told_to_stay(visitor, over_https):
    assert "Strict-Transport-Security" not in visitor.get("/try/form").headers
    assert over_https.get("/try/form", base_url=HTTPS).headers["Strict-Transport-Security"] == (
        "max-age=63072000; includeSubDomains"
    )


def test_pages_are_not_kept_and_files_by_their_content_are_kept_for_good(visitor):
    page = visitor.get("/try/form")
    named = re.search(r'href="(/static/maeul\.css\?v=[^"]+)"', page.text)
    assert named

    assert page.headers["Cache-Control"] == "private, no-cache"
    assert visitor.get("/try/none").headers["Cache-Control"] == "private, no-cache"
    assert visitor.get(named[1], buffered=True).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "immutable" not in visitor.get("/static/maeul.css", buffered=True).headers["Cache-Control"]


def test_every_request_has_a_number_of_its_own(visitor):
    numbers = {visitor.get("/try/form").headers["X-Request-Id"] for _ in range(3)}

    assert len(numbers) == 3


def flags(answer):
    """Name → flags of each cookie set."""
    return {
        cookie.partition("=")[0]: {flag.strip().partition("=")[0].lower() for flag in cookie.split(";")[1:]}
        for cookie in answer.headers.getlist("Set-Cookie")
    }


def test_over_http_cookies_have_plain_names(visitor):
    cookies = flags(visitor.get("/try/form?language=ko"))

    assert {"maeul", "language"} <= set(cookies)
    assert {"httponly", "samesite"} <= cookies["maeul"] & cookies["language"]
    assert "secure" not in cookies["maeul"]


def test_over_https_cookies_are_bound_to_the_host(over_https):
    answer = over_https.get("/try/form?language=ko", base_url=HTTPS)
    cookies = flags(answer)

    assert {"__Host-maeul", "language"} == set(cookies)
    assert {"secure", "httponly", "samesite", "path"} <= cookies["__Host-maeul"]
    assert "domain" not in cookies["__Host-maeul"]
    assert "secure" in cookies["language"]
    assert "Path=/" in [part.strip() for part in answer.headers.getlist("Set-Cookie")[-1].split(";")]


# --- one transaction ---


@pytest.mark.parametrize("status", [200, 201, 204, 302, 303])
def test_an_answer_below_400_keeps_what_was_done(visitor, status):
    assert visitor.send(f"/try/answer/{status}").status_code == status
    db.session.rollback()
    assert traces() == [str(status)]


@pytest.mark.parametrize("status", [400, 404, 409, 422, 429, 500, 503])
def test_any_other_keeps_nothing(visitor, status):
    assert visitor.send(f"/try/answer/{status}").status_code == status
    assert traces() == []


def test_a_program_sends_no_cookie_and_gets_none(visitor):
    factories.sign_in(visitor, factories.person())
    answer = visitor.get("/api/try/residents")

    assert answer.status_code == 401
    assert answer.headers.getlist("Set-Cookie") == []


def test_work_for_afterwards_is_done_once_and_its_failure_harms_no_one(visitor, staged):
    done = []

    def busy():
        raise OperationalError("", {}, Exception("database is locked"))

    with staged.test_request_context("/try/form"):
        security.afterwards(lambda: done.append("first"))
        security.afterwards(busy)
        security.afterwards(lambda: done.append("last"))
        assert done == []

    assert done == ["first", "last"]
