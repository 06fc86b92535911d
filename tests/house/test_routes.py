"""Every route: who may use it, and what protects it whoever asks."""

import difflib
import os
from pathlib import Path

import pytest

from marketplace.web import access
from tests import factories

REVIEWED = Path(__file__).parent / "routes.txt"


def methods(rule):
    return sorted(rule.methods - {"HEAD", "OPTIONS"})


def forms(app):
    """An address of each form: of all that is posted to but by programs, or with a seal in place of a token."""
    at = app.url_map.bind("localhost")
    return [
        (method, path)
        for method, path, _ in addresses(app, unsafe=True)
        if not path.startswith("/api/") and not getattr(app.view_functions[at.match(path, method)[0]], "sealed", False)
    ]


def addresses(app, *, unsafe):
    """An address of each route with each of its safe or unsafe methods."""
    at = app.url_map.bind("localhost")
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        parts = dict.fromkeys(rule.arguments, 1) | ({"filename": "favicon.svg"} if rule.endpoint == "static" else {})
        for method in methods(rule):
            if (method not in access.SAFE_METHODS) is unsafe:
                yield method, at.build(rule.endpoint, parts, method), access.mark_of(app, rule.endpoint)


@pytest.fixture
def ask(browser):
    """Send a request and read the whole answer."""
    return lambda path, method="GET", **request: browser.open(path, method=method, buffered=True, **request)


def listed(app):
    """Every route as a line: its mark, its methods, its address."""
    return sorted(
        f"{access.mark_of(app, rule.endpoint)!s:32} {' '.join(methods(rule)):12} {rule}\n"
        for rule in app.url_map.iter_rules()
    )


def test_every_route_and_its_mark_were_reviewed(app):
    """Look at the difference; if it is meant: ACCEPT_ROUTES=1 .venv/bin/python -m pytest tests/house/test_routes.py"""
    now = listed(app)
    if os.environ.get("ACCEPT_ROUTES"):
        REVIEWED.write_text("".join(now))
    reviewed = REVIEWED.read_text().splitlines(keepends=True)

    difference = "".join(difflib.unified_diff(reviewed, now, "reviewed", "now", n=0))
    assert not difference, f"{difference}\n{test_every_route_and_its_mark_were_reviewed.__doc__}"


def test_a_form_without_its_token_is_refused(app, ask):
    answers = {
        (method, path): ask(path, method, data={"anything": "at all"}).status_code for method, path in forms(app)
    }

    assert answers
    assert {request: status for request, status in answers.items() if status != 400} == {}


def test_a_form_from_another_site_is_refused(app, browser, ask):
    answers = {
        (method, path): ask(
            path, method, data={"csrf_token": browser.token()}, headers={"Sec-Fetch-Site": "cross-site"}
        ).status_code
        for method, path in forms(app)
    }

    assert {request: status for request, status in answers.items() if status != 403} == {}


def test_where_a_person_signs_in_a_program_needs_a_token_and_no_cookie_will_do(app, browser, ask):
    factories.sign_in(browser, factories.person())
    answers = {
        (method, path): ask(path, method, json={}).status_code
        for unsafe in (True, False)
        for method, path, mark in addresses(app, unsafe=unsafe)
        if path.startswith("/api/") and (unsafe or not mark.everyone)
    }

    assert {request: status for request, status in answers.items() if status != 401} == {}


def test_a_stranger_is_sent_to_sign_in_where_not_everyone_may_go(app, ask):
    answers = {
        path: ask(path)
        for _, path, mark in addresses(app, unsafe=False)
        if not path.startswith("/api/") and not mark.everyone
    }

    assert answers
    assert {path for path, answer in answers.items() if "/sign-in" not in answer.headers.get("Location", "")} == set()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_public_address_answers_a_stranger(app, language, ask):
    answers = {
        path: ask(path, query_string={"language": language}).status_code
        for _, path, mark in addresses(app, unsafe=False)
        if mark.everyone
    }

    assert {path: status for path, status in answers.items() if status >= 500} == {}


def test_every_kind_of_answer_carries_the_headers_that_protect_it(app, browser, ask):
    answers = [ask(path) for _, path, _ in addresses(app, unsafe=False)]
    answers += [ask("/no-such-page"), ask("/api/no-such-thing"), ask("/static/no-such-file")]
    answers += [ask(path, method) for method, path, _ in addresses(app, unsafe=True)]
    answers += [ask("/static/favicon.svg", "PUT", data={"csrf_token": browser.token()})]
    answers += [ask("/", "POST", data=b"x" * 3_000_000, content_type="application/octet-stream")]

    assert {answer.status_code for answer in answers} >= {200, 303, 400, 404, 405}
    for answer in answers:
        policy = answer.headers.get("Content-Security-Policy", "")
        assert policy.startswith("default-src 'none'; script-src 'nonce-"), answer.request.path
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Permissions-Policy"]
        assert "Cache-Control" in answer.headers or "/static/" in answer.request.path
        assert len(answer.headers["X-Request-Id"]) == 16, answer.request.path


def test_no_two_pages_share_a_nonce(ask):
    first, second = (ask("/no-such-page").headers["Content-Security-Policy"] for _ in range(2))

    assert first != second


def test_a_cookie_is_out_of_reach_of_scripts_and_other_sites(app, ask):
    cookies = [
        cookie
        for _, path, mark in addresses(app, unsafe=False)
        if mark.everyone
        for cookie in ask(path, query_string={"language": "ko"}).headers.getlist("Set-Cookie")
    ]

    assert cookies
    assert [cookie for cookie in cookies if "HttpOnly" not in cookie or "SameSite=Lax" not in cookie] == []


def test_a_program_neither_sends_nor_gets_a_cookie(app, browser, ask):
    browser.token()  # opens a session
    answers = [ask(path) for _, path, _ in addresses(app, unsafe=False) if path.startswith("/api/")]

    assert [answer.request.path for answer in answers if answer.headers.getlist("Set-Cookie")] == []
