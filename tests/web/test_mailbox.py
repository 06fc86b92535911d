"""The development mailbox."""

from dataclasses import replace

import pytest
from flask import Flask

from marketplace.web import letters, mailbox


@pytest.fixture
def written(staged, settings):
    """The names of letters just written, newest first."""
    folder = letters.mailbox(settings)
    for old in folder.glob("*.eml"):
        old.unlink()
    with staged.test_request_context():
        for subject in ("the elder", "<b>둘째</b>"):
            ics = {"R-1.ics": (b"BEGIN:VCALENDAR", "text/calendar")}
            body = "Follow http://localhost/confirm/abc\n\n<script>alert(1)</script>"
            letters.send("jiwoo@example.org", "en", "try/letter", subject=subject, body=body, attachments=ics)
    return sorted((file.stem for file in folder.glob("*.eml")), reverse=True)


def test_letters_are_listed_newest_first_as_text(visitor, written):
    page = visitor.get("/dev/mailbox").text

    assert page.index("&lt;b&gt;둘째&lt;/b&gt;") < page.index("the elder")
    assert "<b>둘째</b>" not in page


def test_a_letter_shows_its_links_and_runs_nothing(visitor, written):
    page = visitor.get(f"/dev/mailbox/{written[0]}").text

    assert 'href="http://localhost/confirm/abc"' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


def test_what_is_enclosed_can_be_saved(visitor, written):
    answer = visitor.get(f"/dev/mailbox/{written[0]}/0")

    assert (answer.data, answer.mimetype) == (b"BEGIN:VCALENDAR", "text/calendar")
    assert answer.headers["Content-Disposition"] == "attachment; filename=R-1.ics"
    assert visitor.get(f"/dev/mailbox/{written[0]}/1").status_code == 404


@pytest.mark.parametrize("name", ["nothing", "..%2F..%2Fsecret_key", "..", "%00"])
def test_nothing_else_can_be_read(visitor, written, name):
    assert visitor.get(f"/dev/mailbox/{name}").status_code == 404


@pytest.mark.no_database
def test_where_people_rely_on_it_there_is_no_mailbox(settings):
    app = Flask("production")
    mailbox.install(app, replace(settings, maeul_env="production"))

    assert "/dev/mailbox" not in {str(rule) for rule in app.url_map.iter_rules()}
