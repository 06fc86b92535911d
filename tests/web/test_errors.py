"""Refusals and failures, as a page and as problem+json; nothing of the inside reaches a visitor."""

import pytest
import sqlalchemy as sa
from werkzeug.exceptions import HTTPException

from marketplace.kernel import db
from marketplace.web import errors
from marketplace.web.errors import SENTENCES, TITLES
from tests import factories
from tests.web.stage import CANARY, traces


@pytest.fixture
def failing(staged):
    """The answer to a request that fails in some way."""

    def fail(failure, path="/try/nothing", **headers):
        with staged.test_request_context(path, headers=headers):
            return staged.make_response(staged.handle_user_exception(failure))

    return fail


def said(answer) -> str:
    return answer.get_data(as_text=True)


def http(status: int) -> HTTPException:
    failure = HTTPException()
    failure.code = status
    return failure


@pytest.mark.parametrize("status", sorted(TITLES))
def test_each_status_has_a_page_and_a_problem(failing, status):
    page, problem = failing(http(status)), failing(http(status), "/api/nothing")

    assert (page.status_code, page.mimetype) == (status, "text/html")
    assert str(TITLES[status]) in said(page)
    assert (problem.status_code, problem.mimetype) == (status, "application/problem+json")
    assert problem.json["title"] == str(TITLES[status])
    assert problem.json["status"] == status
    assert problem.json["detail"] == str(SENTENCES.get(status, SENTENCES[400]))
    assert problem.json["type"].startswith("/api#")


def test_pages_and_problems_speak_the_readers_language(visitor):
    asked = {"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.5"}

    assert '<html lang="ko"' in visitor.get("/try/none", headers=asked).text
    assert visitor.get("/api/none", headers=asked).json["title"] == "페이지를 찾을 수 없습니다"


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("rule", 409, "refused"), ("hidden", 404, "not_found"), ("forbidden", 403, "forbidden"), ("bug", 500, "broken"),
        ("overflow", 400, "unreadable"),
    ],
)  # fmt: skip
def test_a_refusal_is_a_problem_for_a_program_and_leaves_nothing(visitor, name, status, code):
    answer = visitor.post("/api/try", json={"name": name})

    assert (answer.status_code, answer.json["type"]) == (status, f"/api#{code}")
    assert CANARY not in answer.text
    assert traces() == []


def test_the_field_of_a_refusal_is_named_to_programs(visitor):
    problem = visitor.post("/api/try", json={"name": "rule"}).json

    assert problem["errors"] == {"name": ["A rule says no to rule."]}
    assert problem["detail"] == "A rule says no to rule."


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_bug_shows_a_kind_page_and_nothing_of_the_inside(visitor, method):
    answer = visitor.open("/try/broken", method=method, data={"csrf_token": visitor.token()})

    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert not any(inside in answer.text for inside in (CANARY, "Traceback", "RuntimeError", "INSERT", "rate_counters"))
    assert traces() == []


def test_what_the_database_refuses_at_the_very_end_is_no_success(visitor):
    answer = visitor.send("/try/clash")

    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert "It is done." not in answer.text
    assert "It is done." not in visitor.get("/try/question").text
    assert not any(inside in answer.text for inside in ("UNIQUE", "duplicate key", "INSERT", "rate_counters"))
    assert "Location" not in answer.headers
    assert traces() == []


class Locked(Exception):
    """What drivers raise while others write."""

    sqlstate = "40001"


def test_a_busy_database_at_the_very_end_is_said_and_may_be_tried_again(visitor):
    def busy(_session):
        raise sa.exc.OperationalError("COMMIT", {}, Locked(CANARY))

    session = visitor.token() and db.session()
    db.session.commit()
    sa.event.listen(session, "before_commit", busy)
    try:
        with visitor.application.test_request_context("/try/answer/200", method="POST"):
            answer = visitor.application.process_response(visitor.application.make_response("said"))
    finally:
        sa.event.remove(session, "before_commit", busy)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert CANARY not in said(answer)


def test_a_busy_database_is_503_and_a_broken_one_500(failing):
    busy = failing(sa.exc.OperationalError("UPDATE x", {}, Locked(CANARY)))
    away = failing(sa.exc.OperationalError("SELECT x", {}, RuntimeError(CANARY)))

    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "5")
    assert away.status_code == 500
    assert CANARY not in said(busy) + said(away)


@pytest.mark.parametrize("address", ["/try/number/99999999999999999999999999", "/try/number/9223372036854775808"])
def test_a_number_no_database_holds_is_the_visitors_mistake(visitor, address):
    assert visitor.get(address).status_code in (400, 404)


def test_a_template_that_cannot_be_filled_in_is_a_bug_with_a_page(visitor):
    answer = visitor.get("/try/misnamed")

    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert "nothing_of_this_name" not in answer.text


def test_an_error_page_that_cannot_be_made_still_says_what_happened(visitor, monkeypatch):
    monkeypatch.setitem(visitor.application.jinja_env.globals, "switch_language_url", None)  # the layout calls it
    answer = visitor.get("/try/none", headers={"Accept-Language": "ko"})

    assert (answer.status_code, answer.content_type) == (404, "text/html; charset=utf-8")
    assert answer.text.startswith('<!DOCTYPE html><html lang="ko">')
    assert len(answer.text) < 600
    assert "Content-Security-Policy" in answer.headers


def test_without_a_database_there_is_still_an_answer(visitor, tmp_path):
    """Someone signed in asks for a page whose error page would ask the database who they are."""
    factories.sign_in(visitor, factories.person())
    working = db.session.get_bind()
    db.session.commit()
    nowhere = db.make_engine(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    db.bind(nowhere)
    try:
        answers = [super(type(visitor), visitor).open(path) for path in ("/try/none", "/try/question", "/api/try/none")]
    finally:
        db.bind(working)

    assert [answer.status_code for answer in answers] == [404, 500, 404]
    assert all("broke on our side" in answers[1].text or "nothing at this address" in answer.text for answer in answers)
    assert not any("unable to open" in answer.text or "sqlite" in answer.text.lower() for answer in answers)


def test_what_is_said_in_a_plain_page_is_escaped(staged, monkeypatch):
    monkeypatch.setattr(errors, "page", lambda *_args, **_more: 1 / 0)
    with staged.test_request_context("/try/none"):
        answer = errors.answer(409, "<b>", "<script>", "x")

    assert "<b>" not in said(answer)
    assert "<script>" not in said(answer)
