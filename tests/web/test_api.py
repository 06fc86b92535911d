"""What every JSON door does with questions, bodies, cursors, ETags, languages and tokens."""

import base64
import gettext
import json

import pytest

from marketplace.civic.accounts import queries as accounts
from marketplace.civic.accounts.service import revoke_api_token
from marketplace.civic.places import service as places
from marketplace.kernel import words
from tests.factories import bearer, building, district, person, sign_in


@pytest.fixture
def program(browser):
    """A browser's client with the token of a resident."""
    browser.environ_base["HTTP_AUTHORIZATION"] = bearer(person())["Authorization"]
    return browser


def problem(answer, status, code):
    """The refusal that an answer is."""
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    told = answer.get_json()
    assert told["type"] == f"/api#{code}"
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    return told


# --- questions and bodies ---


def test_a_question_that_is_not_known_or_cannot_be_right_is_named(browser):
    told = problem(browser.get("/api/v1/buildings?district=x&within=5&nonsense=1&limit=101"), 422, "unreadable")

    assert told["errors"] == {
        "district": ["Enter a whole number."],
        "limit": ["Enter a number from 1 to 100."],
        "nonsense": ["There is no such question or field here."],
    }


def test_a_question_asked_twice_is_refused_where_one_answer_is_wanted(browser):
    problem(browser.get("/api/v1/spaces?people=5&people=6"), 422, "unreadable")

    assert browser.get("/api/v1/spaces?needs=piano&needs=sound").status_code == 200


def test_nul_reaches_no_database(browser):
    told = problem(browser.get("/api/v1/buildings?q=a%00b"), 422, "unreadable")

    assert told["errors"] == {"q": ["This text cannot be read."]}
    problem(browser.get("/api/v1/bookings/a%00b", headers=bearer(person())), 404, "not_found")


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**30])
def test_a_number_that_no_row_has_is_not_found(browser, number):
    for address in ("/api/v1/districts", "/api/v1/buildings", "/api/v1/spaces", "/spaces"):
        assert browser.get(f"{address}/{number}").status_code == 404


@pytest.mark.parametrize(
    "body",
    ["", "{", '{"people": NaN}', '{"people": 1' + "0" * 5000 + "}", "[" * 100_000, b"\xff\xfe"],
    ids=["empty", "half", "NaN", "endless number", "deep", "no text"],
)
def test_a_body_that_is_not_json_is_refused(program, body):
    problem(program.post("/api/v1/bookings", data=body, content_type="application/json"), 400, "not_json")


@pytest.mark.parametrize("body", ["[]", '"text"', "5", "null"])
def test_a_body_that_is_no_object_is_refused(program, body):
    told = problem(program.post("/api/v1/bookings", data=body, content_type="application/json"), 422, "unreadable")

    assert told["errors"] == {"body": ["Send a JSON object."]}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_read(program, kind):
    problem(program.post("/api/v1/bookings", data="{}", content_type=kind), 415, "unsupported_media_type")


def test_a_body_of_ten_megabytes_is_refused_unread(program):
    answer = program.post("/api/v1/bookings", data=b" " * 10_000_000, content_type="application/json")

    problem(answer, 413, "request_entity_too_large")


def test_every_wrong_field_is_named_with_a_sentence(program):
    body = {
        "space": True, "start": "2027-03-02T10:00:00", "minutes": 60.9, "people": "5", "purpose": "x" * 100_000,
        "more": 1,
    }  # fmt: skip
    told = problem(program.post("/api/v1/bookings", json=body), 422, "unreadable")

    assert told["errors"] == {
        "space": ["Enter a whole number."],
        "start": ["Say which time zone this time is in, such as 2027-06-04T14:00+09:00."],
        "minutes": ["Enter a whole number."],
        "people": ["Enter a whole number."],
        "purpose": ["Enter 1 to 500 characters."],
        "rules_accepted": ["Enter this."],
        "more": ["There is no such question or field here."],
    }


@pytest.mark.parametrize("purpose", ["\0", "a\ud800b"], ids=["NUL", "half a character"])
def test_text_that_no_database_holds_is_refused(program, purpose):
    body = {
        "space": 1, "start": "2027-03-02T10:00:00+09:00", "minutes": 60, "people": 5, "purpose": purpose,
        "rules_accepted": True,
    }  # fmt: skip
    told = problem(program.post("/api/v1/bookings", json=body), 422, "unreadable")

    assert told["errors"] == {"purpose": ["This text cannot be read."]}


# --- lists in parts ---


def test_a_list_followed_by_its_cursors_has_everything_once(browser):
    made = [district(name_en=f"D{n}", west=127 + n / 10).id for n in range(5)]

    assert [item["id"] for item in browser.items("/api/v1/districts", limit=2)] == made


def test_the_link_to_the_next_part_can_be_followed(browser):
    for n in range(3):
        district(west=127 + n / 10)

    link = browser.get("/api/v1/districts?limit=2").headers["Link"]
    address, _, rel = link.partition("; ")

    assert rel == 'rel="next"'
    assert len(browser.get(address.strip("<>")).get_json()["items"]) == 1


def forged(*values):
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "nonsense", "é", forged(), forged("1"), forged(-1), forged(2**31), forged(1, 2), forged(True),
        forged(None), forged([1]), "a" * 500,
    ],
)  # fmt: skip
def test_a_cursor_of_ones_own_is_refused(browser, cursor):
    told = problem(browser.get("/api/v1/districts", query_string={"cursor": cursor}), 422, "unreadable")

    assert list(told["errors"]) == ["cursor"]


@pytest.mark.parametrize(
    "position",
    [("2027-03-01", 1), ("0001-01-01T00:00:00+14:00", 1), (5, 1), ("2027-03-01T00:00:00Z", "1"), ("\0", 1)],
)
def test_a_cursor_with_another_kind_of_moment_is_refused_or_harmless(program, position):
    assert program.get("/api/v1/bookings", query_string={"cursor": forged(*position)}).status_code in (200, 422)


# --- ETags ---


def test_what_a_program_has_already_is_not_sent_again(browser):
    path = f"/api/v1/buildings/{building().id}"

    first = browser.get(path)
    again = browser.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert not first.headers["ETag"].startswith("W/")
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert "private" in first.headers["Cache-Control"]
    assert browser.head(path).headers["ETag"] == first.headers["ETag"]


def test_what_has_changed_is_sent_again(browser):
    made = building("Old name")
    path = f"/api/v1/buildings/{made.id}"
    first = browser.get(path)

    places.save_building(made.code, "New name")
    again = browser.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 200
    assert again.get_json()["name"] == "New name"


# --- who and in what language ---


def test_without_a_token_a_program_is_told_which_kind_is_wanted(browser):
    for headers in ({}, {"Authorization": "Bearer maeul_wrong"}, {"Authorization": "Basic eDp5"}):
        answer = browser.get("/api/v1/bookings", headers=headers)

        problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_cookie_counts_for_nothing(browser):
    sign_in(browser, person())

    assert browser.get("/account").status_code == 200
    assert browser.get("/api/v1/bookings").status_code == 401


def test_a_token_counts_for_nothing_on_pages(browser):
    assert browser.get("/account", headers=bearer(person())).status_code == 303


def test_a_token_revoked_is_refused(program):
    assert program.get("/api/v1/bookings").status_code == 200

    token = accounts.api_token(program.environ_base["HTTP_AUTHORIZATION"].removeprefix("Bearer "))
    assert token
    revoke_api_token(token.person, token.id)

    assert program.get("/api/v1/bookings").status_code == 401


class Marked(gettext.NullTranslations):
    """A language in which every sentence is recognised."""

    def gettext(self, message):
        return f"<{message}>"


def test_sentences_are_in_the_language_asked_for_by_the_header_alone(browser, monkeypatch):
    plain = words._catalogue
    monkeypatch.setattr(words, "_catalogue", lambda code: Marked() if code == "ko" else plain(code))
    path = "/api/v1/buildings?district=x&nonsense=1"

    korean = browser.get(path, headers={"Accept-Language": "ko, en;q=0.5"})
    browser.set_cookie("language", "ko")
    english = browser.get(path)

    told = korean.get_json()
    assert told["detail"].startswith("<")
    assert all(sentence.startswith("<") for sentences in told["errors"].values() for sentence in sentences)
    assert english.get_json()["detail"] == "Some of what was sent cannot be right; see errors."
    assert "Set-Cookie" not in browser.get("/api/v1/districts?language=ko").headers


def test_an_address_or_method_that_is_not_there_is_a_problem_too(browser):
    problem(browser.get("/api/v1/nothing"), 404, "not_found")
    answer = browser.delete("/api/v1/districts")
    problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]
