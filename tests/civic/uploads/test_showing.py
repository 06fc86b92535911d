"""Who sees a file, and how it is answered."""

import pytest

from marketplace.civic.accounts.models import Role
from marketplace.civic.uploads import service
from marketplace.civic.uploads.models import State
from marketplace.kernel import db, storage
from tests.civic.uploads.conftest import pdf, picture, stored
from tests.factories import person, sign_in


@pytest.fixture
def reader(app, browser):
    """The browser of someone signed in, or of nobody."""
    return lambda who: sign_in(app.test_client(), who) if who else app.test_client()


def ask(browser, path, **headers):
    return browser.get(path, headers=headers, buffered=True)


def path_of(upload, part=None):
    return f"/uploads/{upload.key}/{part or upload.best}"


def test_an_unattached_file_is_its_owner_s_alone(add, reader):
    jiwoo = person()
    upload = add(jiwoo, picture())
    others = [None, person(), person(roles=[Role.MODERATOR]), person(roles=[Role.ADMINISTRATOR])]
    readers, path = [reader(who) for who in (jiwoo, *others)], path_of(upload)

    assert [ask(one, path).status_code for one in readers] == [200, 404, 404, 404, 404]


def test_an_attached_file_is_seen_by_whoever_may_see_the_thing(add, reader, notes):
    jiwoo, minho, other = person(), person(), person()
    upload = add(jiwoo, picture())
    notes[7] = frozenset({minho.id})
    service.attach(jiwoo, [upload.id], "note:7")

    readers, path = [reader(who) for who in (jiwoo, minho, other, None)], path_of(upload)

    assert [ask(one, path).status_code for one in readers] == [200, 200, 404, 404]
    del notes[7]
    assert [ask(one, path).status_code for one in readers] == [200, 404, 404, 404]


def test_a_file_not_ready_or_refused_is_at_no_address(add, reader):
    jiwoo = person()
    waiting = add(jiwoo, picture())
    waiting.state = State.WAITING
    refused = add(jiwoo, b"%PDF-1.7\n")
    db.session.commit()

    own, paths = reader(jiwoo), [path_of(waiting), path_of(refused)]
    assert [ask(own, path).status_code for path in paths] == [404, 404]


@pytest.mark.parametrize("part", ["original", "huge", "small.webp", "..", "%2e%2e"])
def test_only_what_was_made_has_an_address(add, reader, part):
    jiwoo = person()
    assert ask(reader(jiwoo), path_of(add(jiwoo, picture()), part)).status_code in (404, 308)


def test_a_file_lost_from_the_storage_is_not_found(add, reader):
    jiwoo = person()
    upload = add(jiwoo, picture())
    storage.store().delete(upload.stored("large"))
    assert ask(reader(jiwoo), path_of(upload)).status_code == 404


def test_a_picture_is_answered_as_what_we_wrote_and_can_do_nothing(add, reader):
    jiwoo = person()
    upload = add(jiwoo, picture(), "page.html")
    answer = ask(reader(jiwoo), path_of(upload, "small"))

    assert answer.data == stored(upload, "small")
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Content-Disposition"] == "inline"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, max-age=3600"


def test_a_document_is_for_keeping_not_for_showing(add, reader):
    jiwoo = person()
    answer = ask(reader(jiwoo), path_of(add(jiwoo, pdf(), "평면도.pdf")))

    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%ED%8F%89%EB%A9%B4%EB%8F%84.pdf"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_player_asks_for_a_stretch_and_gets_it(add, reader, recorded):
    jiwoo = person()
    upload = add(jiwoo, recorded("mp4"))
    content = stored(upload, "play")
    whole = ask(reader(jiwoo), path_of(upload))
    part = ask(reader(jiwoo), path_of(upload), Range="bytes=100-199")
    rest = ask(reader(jiwoo), path_of(upload), Range=f"bytes={len(content) - 5}-")
    beyond = ask(reader(jiwoo), path_of(upload), Range=f"bytes={len(content)}-")

    assert (whole.status_code, whole.data, whole.headers["Accept-Ranges"]) == (200, content, "bytes")
    assert (part.status_code, part.data) == (206, content[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    assert (rest.status_code, rest.data) == (206, content[-5:])
    assert beyond.status_code == 416
    assert whole.headers["Content-Type"] == "video/mp4"


def test_what_a_browser_has_already_is_not_sent_again(add, reader):
    jiwoo = person()
    upload = add(jiwoo, picture())
    tag = ask(reader(jiwoo), path_of(upload)).headers["ETag"]
    again = ask(reader(jiwoo), path_of(upload), **{"If-None-Match": tag})

    assert (again.status_code, again.data) == (304, b"")


def test_seeing_a_file_takes_the_same_few_statements_however_many_there_are(add, browser, statements):
    jiwoo = person()
    upload = add(jiwoo, picture())
    sign_in(browser, jiwoo)
    browser.get(f"/uploads/{upload.key}/small", buffered=True)
    for _ in range(3):
        add(jiwoo, picture())
    with statements() as seen:
        browser.get(f"/uploads/{upload.key}/small", buffered=True)
    assert len(seen) <= 3
