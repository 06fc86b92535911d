"""Forms: reading, refusing, and keeping what was typed."""

import pytest
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from marketplace.kernel import db, words
from marketplace.web.forms import Form, typed_fields
from tests.web.stage import Refused, Wish, trace, traces


@pytest.fixture
def fill_in(staged):
    """A form of wishes as filled in by someone."""

    def fill(language="en", method="POST", **fields):
        typed = MultiDict(fields)
        sent = {"data": typed} if method == "POST" else {"query_string": typed}
        with staged.test_request_context("/try/form", method=method, **sent), words.speaking(language):
            return Form(Wish(), method=method)

    return fill


def test_what_was_typed_is_read_by_its_kind(fill_in):
    form = fill_in(name="  Jiwoo ", number="3", day="2027-06-04", tags=["a", " b ", " ", ""], loud="yes", stray="x")

    assert form.submitted
    assert (form.data["name"], form.data["number"], form.data["day"].isoformat()) == ("Jiwoo", 3, "2027-06-04")
    assert form.data["tags"] == ["a", "b"]
    assert form.data["loud"] is True
    assert "stray" not in form.data


def test_blanks_are_nothing():
    assert typed_fields(Wish(), MultiDict({"name": " ", "number": "", "tags": "  "})) == {"tags": [], "loud": False}


@pytest.mark.parametrize(
    ("typed", "loud"),
    [
        ("yes", True),
        ("true", True),
        ("on", True),
        ("1", True),
        ("no", False),
        ("false", False),
        ("0", False),
        ("", False),
    ],
)
def test_yes_and_no(fill_in, typed, loud):
    assert fill_in(name="a", loud=typed).data["loud"] is loud


@pytest.mark.parametrize(
    ("field", "typed", "english"),
    [
        ("name", "", "Enter this."),
        ("name", "x" * 21, "Enter at most 20 characters."),
        ("number", "many", "Enter a whole number."),
        ("number", "1.5", "Enter a whole number."),
        ("number", "10", "Enter a number from 1 to 9."),
        ("price", "dear", "Enter a number."),
        ("price", "nan", "Enter a number."),
        ("day", "4 June", "Enter a date, such as 2027-06-04."),
        ("day", "2027-02-30", "Enter a date, such as 2027-06-04."),
        ("time", "25:00", "Enter a time, such as 14:00."),
        ("email", "me@", "Enter an e-mail address, such as name@example.org."),
        ("kind", "c", "Choose one of the answers offered."),
        ("code", "abc", "Enter digits."),
        ("tags", ["a", "too long"], "Enter at most 5 characters."),
        ("loud", "perhaps", "Answer yes or no."),
        ("name", "\0", "This text cannot be read."),
        ("tags", ["a", "\0"], "This text cannot be read."),
    ],
)
def test_what_cannot_be_right_is_said_beside_its_field_in_both_languages(fill_in, field, typed, english):
    given = {"name": "a"} | {field: typed}
    form, korean = fill_in(**given), fill_in("ko", **given)

    assert not form.submitted
    assert form.status == 422
    assert form.errors == [(field, english)]
    if english != "Enter digits.":  # a sentence of this test alone
        assert any("가" <= letter <= "힣" for letter in korean.error(field)), korean.error(field)


def test_every_field_that_is_wrong_is_named_at_once(fill_in):
    form = fill_in(number="x", day="y")

    assert {name for name, _ in form.errors} == {"name", "number", "day"}


def test_a_form_not_sent_shows_what_was_there_before(staged):
    with staged.test_request_context("/try/form"):
        form = Form(Wish(), name="as before", number=None)

    assert (form.sent, form.submitted, form.errors, form.status) == (False, False, [], 200)
    assert (form.value("name"), form.value("number"), form.value("day")) == ("as before", "", "")


def test_a_form_sent_shows_what_was_typed_even_where_nothing_was(fill_in):
    form = fill_in(name="", number=" x ", tags=["a", "b"])

    assert (form.value("name"), form.value("number"), form.value("tags")) == ("", " x ", ["a", "b"])


def test_questions_in_an_address_are_read_when_there_are_any(fill_in):
    assert not fill_in(method="GET").sent
    assert fill_in(method="GET", name="a").submitted
    assert fill_in(method="GET", number="x").status == 422


def test_a_form_is_shown_then_refused_then_done(visitor):
    assert visitor.get("/try/form").status_code == 200
    refused = visitor.send("/try/form", name="x" * 21, tags=["<b>", "é"])
    done = visitor.send("/try/form", name="tea")

    assert refused.status_code == 422
    assert "Enter at most 20 characters." in refused.text
    assert "x" * 21 in refused.text
    assert "&lt;b&gt;" in refused.text
    assert refused.text.count('href="#name"') == 1
    assert (done.status_code, done.location) == (303, "/try/done/tea")
    assert traces() == ["before", "tea"]


@pytest.mark.parametrize(("name", "field"), [("rule", "#name"), ("whole", None)])
def test_a_rules_refusal_keeps_what_was_typed_and_undoes_only_the_block(visitor, name, field):
    answer = visitor.send("/try/form", name=name)

    assert answer.status_code == 409
    assert f"A rule says no to {name}." in answer.text
    assert ("#name" in answer.text) is (field is not None)
    assert f'<p id="name-value">{name}</p>' in answer.text
    assert '<p id="refusal">refused</p>' in answer.text
    assert answer.headers["X-Traces"] == "before"  # while the page was made
    assert traces() == []  # as a refused request leaves nothing


def test_what_is_hidden_or_forbidden_is_no_matter_of_the_form(visitor):
    assert visitor.send("/try/form", name="hidden").status_code == 404
    assert visitor.send("/try/form", name="forbidden").status_code == 403
    assert visitor.send("/try/form", name="bug").status_code == 500
    assert traces() == []


def test_the_block_may_fail_in_the_database_and_still_be_refused_kindly(visitor, staged):
    """A service that turns a clash into a refusal, though its own flush has ended the savepoint."""
    with staged.test_request_context("/try/form", method="POST", data={"name": "a"}):
        trace("outside")
        with Form(Wish()) as form:
            trace("same")
            db.session.flush()
            trace("same")
            try:
                db.session.flush()
            except IntegrityError as clash:
                raise Refused(name="a") from clash

        assert (form.status, form.errors) == (409, [(None, "A rule says no to a.")])
        assert traces() == ["outside"]


def test_the_key_of_a_form_stays_until_it_is_done(visitor):
    def key(answer):
        return answer.text.split('name="_key" value="')[1].split('"')[0]

    shown, refused = visitor.get("/try/form"), visitor.send("/try/form", name="", _key="my-key")

    assert len(key(shown)) >= 20
    assert key(shown) != key(visitor.get("/try/form"))
    assert key(refused) == "my-key"
