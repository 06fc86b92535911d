"""Files that come with a form: received whatever else is wrong, and never to be chosen twice."""

import io
import re

import pytest
import sqlalchemy as sa
from flask import Blueprint, redirect
from jinja2 import ChoiceLoader, DictLoader
from marshmallow import Schema, fields, validate
from werkzeug.datastructures import FileStorage
from werkzeug.test import stream_encode_multipart

from marketplace import create_app
from marketplace.civic.uploads import queries, service
from marketplace.civic.uploads.models import Kind, Upload
from marketplace.kernel import db, storage
from marketplace.kernel.errors import Conflict
from marketplace.kernel.files import Files
from marketplace.kernel.words import _l
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.once import IdempotencyKey
from marketplace.web.security import takes_files
from tests.civic.uploads.conftest import names, pdf, picture
from tests.conftest import Browser
from tests.factories import person, sign_in

PAGE = """
{% extends "layout/form.html" %}
{% from "parts/forms.html" import hidden_fields, text_field %}{% from "parts/uploads.html" import shown, upload_field %}
{% block title %}Try{% endblock %}
{% block form %}<form method="post" enctype="multipart/form-data">{{ hidden_fields(form) }}
{{ text_field(form, "text", "Text") }}{{ upload_field(form, "pictures", "Pictures") }}</form>{% endblock %}
"""


class Closed(Conflict):
    """A rule said no."""

    message = _l("It is closed.")


class Message(Schema):
    """Words and pictures."""

    text = fields.String(required=True, validate=validate.Length(max=20))
    pictures = Files(Kind.PICTURE, most=3)


bp = Blueprint("try_files", __name__)


@bp.route("/try/message", methods=["GET", "POST"])
@residents
@takes_files
def message():
    """Say something with pictures."""
    with Form(Message()) as form:
        if form.submitted:
            uploads = service.attach(current_person(), form.data["pictures"], "note:1", most=3)
            if form.data["text"] == "closed":
                raise Closed
            return redirect(f"/try/{len(uploads)}", 303)
    return form.page("try/message.html")


@bp.post("/try/small")
@residents
def small():
    """Takes no files."""
    return redirect("/", 303)


@pytest.fixture(scope="session")
def staged(app, settings):
    """The application with a page that takes words and pictures."""
    before = storage.store()
    made = create_app(settings)
    storage.use(before)
    made.register_blueprint(bp)
    made.jinja_loader = ChoiceLoader([DictLoader({"try/message.html": PAGE}), *filter(None, [made.jinja_loader])])
    made.test_client_class = Browser
    return made


@pytest.fixture
def jiwoo():
    return person()


@pytest.fixture
def visitor(staged, jiwoo):
    return sign_in(staged.test_client(), jiwoo)


def file(content=None, name="river.jpg"):
    return io.BytesIO(picture() if content is None else content), name


def rows():
    return list(db.session.scalars(sa.select(Upload).order_by(Upload.id)))


def ticked(answer):
    return re.findall(r'name="pictures" type="checkbox" value="(\d+)" checked', answer.text)


def test_a_form_takes_words_and_files_in_one_step(visitor):
    answer = visitor.send("/try/message", text="Look", pictures=[file(), file(name="bridge.jpg")])

    assert (answer.status_code, answer.location) == (303, "/try/2")
    assert [upload.name for upload in queries.of_subjects(["note:1"])["note:1"]] == ["river.jpg", "bridge.jpg"]


def test_a_form_without_files_is_as_before(visitor):
    empty = (io.BytesIO(b""), "")  # what a browser sends of a field in which nothing is chosen
    assert visitor.send("/try/message", text="Look", pictures=[empty]).location == "/try/0"
    assert visitor.send("/try/message", text="Look").location == "/try/0"


def test_files_are_kept_while_something_else_is_put_right(visitor):
    answer = visitor.send("/try/message", text="x" * 21, pictures=[file(), file(name="bridge.jpg")])
    kept = ticked(answer)

    assert answer.status_code == 422
    assert "Enter at most 20 characters." in answer.text
    assert [str(upload.id) for upload in rows()] == kept
    assert "river.jpg" in answer.text
    answer = visitor.send("/try/message", text="Look", pictures=kept)
    assert answer.location == "/try/2"
    assert len(rows()) == 2


def test_a_file_added_while_something_is_put_right_joins_those_kept(visitor):
    [kept] = ticked(visitor.send("/try/message", text="", pictures=[file()]))
    answer = visitor.send("/try/message", text="Look", pictures=[kept, file(name="bridge.jpg")])
    assert answer.location == "/try/2"


def test_files_are_kept_when_a_rule_says_no_and_nothing_else_is(visitor):
    answer = visitor.send("/try/message", text="closed", pictures=[file()], _key="one-key")

    assert answer.status_code == 409
    assert "It is closed." in answer.text
    [upload] = rows()
    assert (ticked(answer), upload.subject) == ([str(upload.id)], None)
    assert db.session.scalars(sa.select(IdempotencyKey)).all() == []


def test_a_refused_file_does_not_cost_the_others(visitor):
    answer = visitor.send("/try/message", text="Look", pictures=[file(), file(pdf(), "plan.pdf"), file(b"", "no.jpg")])

    assert answer.status_code == 422
    assert "“plan.pdf” is not a file that can be added here." in answer.text
    assert "“no.jpg” is empty." in answer.text
    assert 'href="#pictures"' in answer.text
    assert [upload.name for upload in rows()] == ["river.jpg"]
    assert 'value="Look"' in answer.text


def test_a_form_takes_so_many_files_and_says_so(visitor):
    answer = visitor.send("/try/message", text="Look", pictures=[file() for _ in range(4)])

    assert "You can add at most 3 files here." in answer.text
    assert len(rows()) == 3
    [*_, last] = kept = ticked(answer)
    assert visitor.send("/try/message", text="Look", pictures=kept).location == "/try/3"
    assert last


def test_nobody_names_the_files_of_others_in_a_form(visitor, staged):
    sign_in(staged.test_client(), person()).send("/try/message", text="", pictures=[file()])
    [theirs] = rows()
    answer = visitor.send("/try/message", text="", pictures=[str(theirs.id)])

    assert ticked(answer) == []
    assert "river.jpg" not in answer.text


def test_a_click_repeated_receives_nothing_twice(visitor):
    answers = [visitor.send("/try/message", text="Look", pictures=[file()], _key="same") for _ in range(2)]

    assert [answer.location for answer in answers] == ["/try/1"] * 2
    assert answers[1].headers["Idempotent-Replay"] == "true"
    assert len(rows()) == 1


def test_the_same_words_with_another_file_are_another_message(visitor):
    for content in (picture(), picture(colour="red", size=(50, 50))):
        visitor.send("/try/message", text="Look", pictures=[file(content)], _key="same")
    assert len(rows()) == 2


def test_a_page_that_offers_to_record_and_no_other_may_ask_for_the_microphone(browser, jiwoo):
    sign_in(browser, jiwoo)
    mine, other = browser.get("/uploads/"), browser.get("/account")

    assert "camera=(self)" in mine.headers["Permissions-Policy"]
    assert "microphone=(self)" in mine.headers["Permissions-Policy"]
    assert "camera=()" in other.headers["Permissions-Policy"]
    assert "microphone=()" in other.headers["Permissions-Policy"]
    assert "media-src 'self' blob:" in mine.headers["Content-Security-Policy"]
    assert re.search(r'<div class="recorder"[^>]* hidden>', mine.text)


def much(browser):
    """Three megabytes of a document with its form, as a request."""
    document = FileStorage(io.BytesIO(b"%PDF-" + b"x" * (3 << 20)), "a.pdf")
    parts = {"csrf_token": browser.token(), "text": "Look", "pictures": document}
    body, length, boundary = stream_encode_multipart(parts, use_tempfile=False)
    return {"data": body.read(length), "content_type": f"multipart/form-data; boundary={boundary}"}


@pytest.mark.parametrize(("path", "status"), [("/try/message", 422), ("/try/small", 413)])
def test_only_where_files_are_taken_may_much_be_sent(visitor, path, status):
    assert visitor.post(path, **much(visitor)).status_code == status


def test_a_stranger_may_not_send_much_anywhere(staged, browser):
    stranger = staged.test_client()
    answer = stranger.post("/try/message", **much(stranger))
    assert answer.status_code == 413
    assert "Nothing was saved." in answer.text


def test_the_page_of_one_s_files_shows_what_became_of_each(browser, jiwoo, add, notes):
    ready, refused = add(jiwoo, picture(), "river.jpg"), add(jiwoo, b"%PDF-1.7\n", "plan.pdf")
    used = add(jiwoo, picture(), "bridge.jpg")
    service.receive(jiwoo, io.BytesIO(picture()), "new.jpg")
    notes[1] = frozenset()
    service.attach(jiwoo, [used.id], "note:1")
    sign_in(browser, jiwoo)
    page = browser.get("/uploads/").text

    assert f'src="/uploads/{ready.key}/small" alt="Picture: river.jpg"' in page
    assert "The file is damaged or incomplete." in page
    assert "new.jpg is being checked. It appears in a moment." in page
    assert "Belongs to: Note 1" in page
    assert f"/uploads/{refused.key}/delete" in page
    assert f"/uploads/{used.key}/delete" not in page
    assert "Today you have added 4 of 100 files and 0 of 500 MB." in page


def test_a_file_is_added_and_deleted_on_the_page_of_one_s_files(browser, jiwoo):
    sign_in(browser, jiwoo)
    assert browser.send("/uploads/", files=[file(), file(name="bridge.jpg")]).status_code == 303
    assert "2 files are added." in browser.get("/uploads/").text
    first = rows()[0].key
    assert browser.send(f"/uploads/{first}/delete").status_code == 303
    assert [upload.name for upload in rows()] == ["bridge.jpg"]
    assert "Choose a file." in browser.send("/uploads/").text


def test_nobody_deletes_the_files_of_others(browser, jiwoo, add):
    theirs = add(person(), picture()).key
    sign_in(browser, jiwoo)
    assert browser.send(f"/uploads/{theirs}/delete").status_code == 404
    assert len(names()) == 2


def test_the_page_takes_the_same_statements_however_many_files_there_are(browser, jiwoo, add, statements):
    sign_in(browser, jiwoo)

    def cost():
        browser.get("/uploads/")
        with statements() as seen:
            browser.get("/uploads/")
        return len(seen)

    add(jiwoo, picture())
    one = cost()
    for _ in range(4):
        add(jiwoo, picture())
    assert cost() == one
