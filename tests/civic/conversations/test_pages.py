"""Conversations as people see them: both sides, strangers, moderators; with warnings, days, links and files."""

import io
import re
import sys
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from PIL import Image

from marketplace.civic.accounts.models import Role
from marketplace.civic.conversations import policy, queries, schemas, service
from marketplace.civic.conversations.models import Conversation, Message, Seat, Side
from marketplace.kernel import clock, db, hooks, jobs, things
from marketplace.kernel.audit import AuditEntry
from tests.factories import person, said, sign_in

PHONE = "Call me: 010-1234-5678"


@pytest.fixture(autouse=True)
def numbers_from_one(database: None) -> None:
    """The first message is message 1: PostgreSQL does not take numbers back with a test, SQLite does."""
    if not db.is_sqlite():
        for table in ("conversations", "messages"):
            db.session.execute(sa.text(f"ALTER SEQUENCE {table}_id_seq RESTART"))


def picture():
    """A small picture as a browser sends it."""
    made = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(made, "PNG")
    made.seek(0)
    return made, "stone.png"


def answered(app, who, path):
    """What someone is answered, the whole of it read."""
    return sign_in(app.test_client(), who).get(path, buffered=True).status_code


def lines(answer):
    """Each message of a page as (whose side, what it says)."""
    found = []
    for part in answer.text.split('<li class="talk__line')[1:]:
        head, _, body = part.split("</li>")[0].partition(">")
        found.append(("ours" if "--ours" in head else "theirs", " ".join(re.sub("<[^>]+>", " ", body).split())))
    return found


@pytest.fixture
def two(stone):
    """Two neighbours and something between them."""
    jiwoo, minseo = person("Jiwoo"), person("Minseo")
    return jiwoo, minseo, stone(jiwoo, minseo)


@pytest.fixture
def reported(monkeypatch):
    """Messages that were reported, by name."""
    subjects: set[str] = set()
    monkeypatch.setattr(hooks, "reported", hooks.Hook())
    hooks.reported.register(lambda subject: subject in subjects or None)
    return subjects


# --- writing ---


def test_a_first_message_is_sent_from_the_page_about_the_thing_and_then_that_page_leads_on(app, browser, two):
    jiwoo, minseo, it = two
    sign_in(browser, jiwoo)
    assert "Write to Minseo" in browser.get(f"/conversations/about/{it.subject}").text

    sent = browser.send(f"/conversations/about/{it.subject}", text="Is it\r\nheavy? <b>")
    assert (sent.status_code, sent.location) == (303, "/conversations/1#message-1")
    again = browser.get(f"/conversations/about/{it.subject}")
    assert (again.status_code, again.location) == (303, "/conversations/1#newest")
    assert lines(browser.get("/conversations/1"))[0][0] == "ours"

    theirs = sign_in(app.test_client(), minseo).get("/conversations/1")
    assert lines(theirs)[0][0] == "theirs"
    assert "Jiwoo" in lines(theirs)[0][1]
    assert "Is it\nheavy? &lt;b&gt;" in theirs.text


def test_sent_twice_it_is_written_once(browser, two):
    jiwoo, _, it = two
    sign_in(browser, jiwoo)
    answers = [browser.send(f"/conversations/about/{it.subject}", text="Once", _key="same") for _ in range(2)]

    assert [answer.location for answer in answers] == ["/conversations/1#message-1"] * 2
    assert db.session.scalar(sa.select(sa.func.count(Message.id))) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Write something first."),
        ("   \n ", "Write something first."),
        ("x" * 2001, "Write at most 2000 characters."),
        ("a\0b", "This text cannot be read."),
    ],
)
def test_what_cannot_be_sent_is_explained_and_kept(browser, two, text, sentence):
    jiwoo, _, it = two
    answer = sign_in(browser, jiwoo).send(f"/conversations/about/{it.subject}", text=text)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert text.strip() in answer.text
    assert not db.session.scalars(sa.select(Conversation)).all()


def test_a_number_is_warned_of_and_sent_all_the_same_if_its_writer_is_sure(app, browser, two):
    jiwoo, minseo, it = two
    sign_in(browser, jiwoo)
    warning = browser.send(f"/conversations/about/{it.subject}", text=PHONE)
    assert warning.status_code == 422
    assert "<strong>010-1234-5678</strong> – looks like a telephone number" in warning.text
    assert f">{PHONE}</textarea>" in warning.text
    assert not db.session.scalars(sa.select(Message)).all()

    path = browser.send(f"/conversations/about/{it.subject}", text=PHONE, sure="yes").location
    caution = "nothing is agreed yet. Do not pay anyone"
    assert caution not in browser.get(path).text
    assert caution in sign_in(app.test_client(), minseo).get(path).text
    it.agreed = True
    assert caution not in sign_in(app.test_client(), minseo).get(path).text


def test_a_changed_message_is_looked_at_again(browser, two):
    jiwoo, _, it = two
    sign_in(browser, jiwoo)
    browser.send(f"/conversations/about/{it.subject}", text=PHONE)

    assert browser.send(f"/conversations/about/{it.subject}", text="Call 02-123-4567").status_code == 422
    assert browser.send(f"/conversations/about/{it.subject}", text="Let us talk here").status_code == 303


def test_a_picture_comes_with_a_message_and_only_the_two_sides_see_it(app, browser, two):
    jiwoo, minseo, it = two
    sign_in(browser, jiwoo)
    warned = browser.send(f"/conversations/about/{it.subject}", text=PHONE, files=picture())
    kept = re.search(r'name="files" type="checkbox" value="(\d+)" checked', warned.text)
    assert kept, "the picture need not be sent again"
    path, message = browser.send(f"/conversations/about/{it.subject}", text="This one", files=kept[1]).location.split(
        "#"
    )

    jobs.run_pending()
    shown = re.search(r'src="(/uploads/\w+/small)"', browser.get(path).text)
    assert shown
    assert [answered(app, who, shown[1]) for who in (jiwoo, minseo, person())] == [200, 200, 404]

    browser.send(f"/conversations/messages/{message.removeprefix('message-')}/delete")
    assert [answered(app, who, shown[1]) for who in (jiwoo, minseo)] == [200, 404]


def test_a_thread_that_is_over_is_read_and_not_written(browser, two):
    jiwoo, minseo, it = two
    said(minseo, it.subject, "Thanks!")
    it.open = False
    sign_in(browser, jiwoo)
    shown = browser.get("/conversations/1").text

    assert "Thanks!" in shown
    assert "This conversation is closed, because what it was about is over." in shown
    assert "<textarea" not in shown
    refused = browser.send("/conversations/1", text="One more")
    assert refused.status_code == 409
    assert "One more" not in browser.get("/conversations/1").text


# --- reading ---


def test_strangers_other_managers_and_moderators_find_nothing(app, two):
    jiwoo, _, it = two
    said(jiwoo, it.subject)
    for who in (person(), person(roles=[Role.MODERATOR]), person(roles=[Role.ADMINISTRATOR])):
        client = sign_in(app.test_client(), who)
        for path in (f"about/{it.subject}", "1", "1?message=1", "1/block", "messages/1/delete"):
            assert client.get(f"/conversations/{path}").status_code == 404, path
            assert client.send(f"/conversations/{path}", text="Let me in").status_code == 404, path


@pytest.mark.parametrize("query", ["before=x", "after=-1", "message=²", "before=" + "9" * 30, "after="])
def test_an_address_that_names_no_message_is_not_found(browser, two, query):
    jiwoo, _, it = two
    said(jiwoo, it.subject)

    assert sign_in(browser, jiwoo).get(f"/conversations/1?{query}").status_code == 404


def test_each_day_begins_under_its_date_and_what_is_new_is_marked(browser, two, monday):
    jiwoo, minseo, it = two
    first = said(minseo, it.subject, "Sunday talk")
    service.read(jiwoo.id, first.conversation_id, first.id)
    monday(clock.now() + timedelta(days=1))
    said(minseo, it.subject, "New talk")
    sign_in(browser, jiwoo)

    shown = browser.get("/conversations/1").text
    marks = re.findall(r"talk__(?:date|new)\">([^<]+)", shown)
    assert marks == ["Mon 1 March", "Tue 2 March", "New messages"]
    assert "New messages" not in browser.get("/conversations/1").text


def test_the_list_shows_the_latest_first_and_marks_what_is_unread_until_it_is_read(browser, stone, monday):
    jiwoo, minseo = person("Jiwoo"), person("Minseo")
    old, new = stone(jiwoo, minseo), stone(jiwoo, minseo)
    said(minseo, old.subject, "Old news")
    monday(clock.now() + timedelta(hours=1))
    said(minseo, new.subject, "New news")
    sign_in(browser, jiwoo)
    browser.get("/conversations/2")

    shown = browser.get("/conversations/").text
    assert shown.index("Minseo: New news") < shown.index("Minseo: Old news")
    assert [("tag--later" in part) for part in shown.split('<li class="row"')[1:]] == [False, True]


def test_a_manager_speaks_for_the_building_and_a_colleague_is_on_the_same_side(app, stone):
    jiwoo, manager, colleague = person("Jiwoo"), person("Manager"), person("Colleague")
    it = stone(jiwoo, [manager, colleague], other_for="Riverside Library")
    said(manager, it.subject, "The key is at the desk.")
    seen = {one: sign_in(app.test_client(), one).get("/conversations/1") for one in (jiwoo, manager, colleague)}

    assert "Messages with Riverside Library" in seen[jiwoo].text
    assert [lines(seen[one])[0] for one in (jiwoo, manager, colleague)] == [
        ("theirs", "Manager for Riverside Library · 09:00 The key is at the desk. Report this : message of 09:00"),
        ("ours", "You for Riverside Library · 09:00 The key is at the desk. Delete your message of 09:00"),
        ("ours", "Manager for Riverside Library · 09:00 The key is at the desk."),
    ]


def test_what_waits_for_whom_is_on_my_page_or_at_the_desk(app, stone):
    jiwoo, manager = person("Jiwoo"), person("Manager")
    said(jiwoo, stone(jiwoo, manager, other_for="Library").subject)
    minseo = person("Minseo")
    said(minseo, stone(jiwoo, minseo).subject)
    db.session.commit()

    def waiting(hook, who):
        with app.test_request_context():
            return [one.title for queue in hook.ask(who) for one in queue.waiting if "/conversations/" in one.href]

    assert waiting(hooks.waits_at_desk, manager) == ["Jiwoo wrote about Stone 1"]
    assert waiting(hooks.waits_for_me, manager) == []
    assert waiting(hooks.waits_for_me, jiwoo) == ["Minseo wrote about Stone 2"]


# --- addresses of pages ---


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("See https://example.org/a?b=1&c=2.", "https://example.org/a?b=1&c=2"),
        ("(https://example.org/a_(b))", "https://example.org/a_(b)"),
        ("https://example.org에서 봐요", "https://example.org"),
        ("http://example.org", None),
        ("javascript:alert(1)", None),
        ("https://bank.example@evil.example/", None),
        ("https://localhost/x", None),
        ("https://[::1", None),
        ("https://", None),
        ('https://example.org/"onclick=x', "https://example.org/"),
    ],
)
def test_only_whole_honest_https_addresses_can_be_followed(text, link):
    found = schemas.pieces(text)

    assert "".join(piece for piece, _ in found) == text
    assert [one for _, one in found if one] == ([link] if link else [])


def test_a_link_leads_away_without_credit(browser, two):
    jiwoo, _, it = two
    said(jiwoo, it.subject, "https://example.org/<script>")

    shown = sign_in(browser, jiwoo).get("/conversations/1").text
    assert (
        '<a class="govuk-link" href="https://example.org/" rel="nofollow noopener">https://example.org/</a>&lt;'
        in shown
    )


# --- taking back, hiding ---


def test_a_message_is_taken_back_after_a_second_look(app, browser, two):
    jiwoo, minseo, it = two
    said(jiwoo, it.subject, "A slip")
    sign_in(browser, jiwoo)
    assert "A slip" in browser.get("/conversations/messages/1/delete").text

    assert browser.send("/conversations/messages/1/delete").location == "/conversations/1#message-1"
    for who in (jiwoo, minseo):
        shown = sign_in(app.test_client(), who).get("/conversations/1").text
        assert "This message was deleted." in shown
        assert "A slip" not in shown
    assert browser.send("/conversations/messages/1/delete").status_code == 303


def test_too_late_one_reads_why(browser, two, monday):
    jiwoo, _, it = two
    said(jiwoo, it.subject)
    monday(clock.now() + policy.REGRET + timedelta(minutes=1))

    answer = sign_in(browser, jiwoo).send("/conversations/messages/1/delete")
    assert answer.status_code == 409
    assert "can no longer be deleted. That is possible for 10 minutes after sending." in answer.text


def test_a_hidden_message_is_out_of_sight_for_both_and_comes_back(app, two):
    jiwoo, minseo, it = two
    said(jiwoo, it.subject, "Rude words")
    thing = things.find("message:1")
    assert thing is not None
    assert (thing.text, thing.author_id, thing.title) == ("Rude words", jiwoo.id, "Message by Jiwoo")
    assert thing.kind.hide is not None
    for hidden in (True, False):
        thing.kind.hide(queries.message(1), hidden)
        for who in (jiwoo, minseo):
            client = sign_in(app.test_client(), who)
            for path in ("/conversations/1", "/conversations/"):
                shown = client.get(path).text
                assert ("Hidden by moderation." in shown, "Rude words" in shown) == (hidden, not hidden)
        assert things.find("message:1").seen_by(minseo) is not hidden  # type: ignore[union-attr]


# --- moderators ---


def test_a_moderator_reads_after_a_report_cannot_write_and_both_sides_are_told(app, browser, two, reported):
    jiwoo, minseo, it = two
    said(jiwoo, it.subject, "Rude words")
    said(minseo, it.subject, "Please stop")
    reported.add("message:1")
    moderator = person("Moderator", roles=[Role.MODERATOR])
    client = sign_in(app.test_client(), moderator)
    thing = things.find("message:1")
    assert thing is not None
    with app.test_request_context():
        path = thing.link

    assert path == "/conversations/1?message=1#message-1"
    shown = client.get("/conversations/1?message=1").text
    assert "Rude words" in shown
    assert "Please stop" in shown
    assert "<textarea" not in shown
    assert client.send("/conversations/1?message=1", text="Be kind").status_code == 404
    assert [client.get(f"/conversations/1{query}").status_code for query in ("", "?message=2")] == [404, 404]

    kept = db.session.execute(
        sa.select(AuditEntry.actor_id, AuditEntry.subject, AuditEntry.detail)
        .where(AuditEntry.action == "conversations.looked").order_by(AuditEntry.id)
    ).all()  # fmt: skip
    assert [(one.actor_id, one.subject) for one in kept] == [
        (moderator.id, "conversation:1"), (moderator.id, f"person:{jiwoo.id}"), (moderator.id, f"person:{minseo.id}")
    ]  # fmt: skip
    assert kept[0].detail["because_of"] == "message:1"
    for who in (jiwoo, minseo):
        assert "A moderator read this conversation on Mon 1 March, 09:00" in (
            sign_in(app.test_client(), who).get("/conversations/1").text
        )


def test_every_reading_of_a_moderator_is_on_record(app, two, reported):
    jiwoo, _, it = two
    said(jiwoo, it.subject)
    reported.add("message:1")
    client = sign_in(app.test_client(), person(roles=[Role.MODERATOR]))
    for query in ("message=1", "message=1&before=1", "message=1"):
        assert client.get(f"/conversations/1?{query}").status_code == 200

    looks = sa.select(AuditEntry).where(AuditEntry.subject == "conversation:1")
    assert [one.detail["part"] for one in db.session.scalars(looks.order_by(AuditEntry.id))] == [
        "message=1", "message=1&before=1", "message=1"
    ]  # fmt: skip


def test_a_report_opens_the_conversation_to_no_other_staff_and_to_no_other_conversation(app, stone, reported):
    jiwoo, minseo = person(), person()
    for it in (stone(jiwoo, minseo), stone(jiwoo, minseo)):
        said(jiwoo, it.subject)
    reported.add("message:1")

    for who in (person(roles=[Role.ADMINISTRATOR]), person()):
        assert sign_in(app.test_client(), who).get("/conversations/1?message=1").status_code == 404
    moderator = sign_in(app.test_client(), person(roles=[Role.MODERATOR]))
    assert moderator.get("/conversations/2?message=1").status_code == 404


# --- blocking ---


def test_blocking_is_asked_twice_listed_and_undone(app, browser, two):
    jiwoo, minseo, it = two
    said(minseo, it.subject)
    sign_in(browser, jiwoo)
    assert 'href="/conversations/1/block"' in browser.get("/conversations/1").text
    assert "Minseo is not told that you blocked them." in browser.get("/conversations/1/block").text

    assert browser.send("/conversations/1/block").location == "/conversations/blocked"
    assert "Minseo" in browser.get("/conversations/blocked").text
    assert "You have blocked Minseo." in browser.get("/conversations/1").text
    theirs = sign_in(app.test_client(), minseo).get("/conversations/1").text
    assert "You cannot write in this conversation at the moment." in theirs
    assert "<textarea" not in theirs

    browser.send(f"/conversations/blocked/{minseo.id}/unblock")
    assert "You have blocked nobody" in browser.get("/conversations/blocked").text
    assert "<textarea" in browser.get("/conversations/1").text


def test_who_speaks_for_a_building_cannot_be_blocked(browser, stone):
    jiwoo, manager = person(), person()
    said(jiwoo, stone(jiwoo, manager, other_for="Library").subject)
    sign_in(browser, jiwoo)

    assert "/block" not in browser.get("/conversations/1").text.replace("/conversations/blocked", "")
    assert browser.get("/conversations/1/block").status_code == 404
    assert browser.send("/conversations/1/block").status_code == 404


# --- speed ---


def test_a_long_thread_is_paged_from_its_end_at_a_constant_cost(browser, two, statements):
    jiwoo, minseo, it = two
    said(minseo, it.subject)
    rows = [
        {"conversation_id": 1, "author_id": (jiwoo.id, minseo.id)[n % 2], "side": (Side.ONE, Side.OTHER)[n % 2],
         "text": f"Message {n}.", "flags": [], "hidden": False, "written_at": clock.now() + timedelta(minutes=n)}
        for n in range(2, 10_001)
    ]  # fmt: skip
    sign_in(browser, jiwoo)
    browser.get("/conversations/1")
    with statements() as short:
        browser.get("/conversations/1")
    db.session.execute(sa.insert(Message), rows)
    newest = db.session.scalar(sa.select(sa.func.max(Message.id)))
    db.session.execute(sa.update(Conversation).values(last_id=newest))
    db.session.execute(sa.update(Seat).values(read_id=newest))
    pages, begun = {}, time.perf_counter()
    for query in ("", "?before=9000", "?before=60", "?after=5000", "?message=5000"):
        with statements() as seen:
            pages[query] = browser.get(f"/conversations/1{query}").text
        assert len(seen) <= len(short) + 1, seen
    took = (time.perf_counter() - begun) / len(pages) * 1000
    sys.stdout.write(f"{len(short)} statements, {took:.0f} ms a page of a thread of 10,000\n")

    texts = {query: re.findall(r"(Message \d+\.|Hello!)", shown) for query, shown in pages.items()}
    assert texts[""] == [f"Message {n}." for n in range(9951, 10_001)]
    assert texts["?before=9000"] == [f"Message {n}." for n in range(8950, 9000)]
    assert texts["?before=60"][0] == "Message 10."
    assert texts["?after=5000"] == [f"Message {n}." for n in range(5001, 5051)]
    assert texts["?message=5000"] == [f"Message {n}." for n in range(4990, 5040)]
    assert 'href="/conversations/1?before=9951">Earlier messages' in pages[""]
    assert "Later messages" not in pages[""]
    assert 'href="/conversations/1?after=8999">Later messages' in pages["?before=9000"]


def test_the_list_costs_the_same_however_many_conversations_there_are(browser, stone, statements):
    jiwoo, minseo = person(), person()
    sign_in(browser, jiwoo)
    counts = []
    for many in (1, 15):
        for _ in range(many):
            said(minseo, stone(jiwoo, minseo).subject)
        with statements() as seen:
            assert browser.get("/conversations/").status_code == 200
        counts.append(len(seen))

    assert counts[0] == counts[1]


def test_reading_on_page_by_page_shows_every_message_once(two):
    jiwoo, _, it = two
    written = [said(jiwoo, it.subject, f"{n}").text for n in range(queries.PART * 2 + 7)]
    conversation = queries.by_subject(it.subject)
    assert conversation is not None
    found: list[str] = []
    stretch = queries.newest(conversation)
    while True:
        found = [one.text for one in stretch.messages] + found
        if not stretch.earlier:
            break
        stretch = queries.newest(conversation, before=stretch.messages[0].id)

    assert found == written
