"""Letters about what is new: at once, once a day or never, and ended by their own link."""

import html
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.notifications import queries, service
from marketplace.civic.notifications.models import Cadence, Notice, TopicChoice
from marketplace.kernel import clock, db, jobs
from marketplace.kernel.jobs import Job
from tests import factories
from tests.civic.notifications.conftest import DECISIONS
from tests.conftest import MONDAY
from tests.factories import march


def about(person) -> str:
    return f"account:{person.id}"


def day_after(days: int, hour: float = 8):
    return clock.at(clock.local(MONDAY).date() + timedelta(days=days), round(hour * 60))


def gather() -> int:
    """What the timed job of the morning does."""
    return service.gather_the_day()


# --- as wished ---


def test_a_letter_comes_at_once_unless_one_chose_otherwise(choir, mail):
    now, daily, never = (factories.person() for _ in range(3))
    service.choose(daily.id, "choir", Cadence.DAILY)
    service.choose(never.id, "choir", Cadence.OFF)
    service.tell([now.id, daily.id, never.id], choir, about(now))

    (letter,) = mail()

    assert (letter.to, letter.subject) == (now.email, "The choir sings")
    assert f"Hello {now.name}," in letter.text
    assert "http://localhost/account\n" in letter.text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Notice)) == 3


def test_what_must_be_sent_is_sent_whatever_was_chosen(news, jiwoo, mail):
    told = news(topic=DECISIONS)
    service.choose(jiwoo.id, "decisions", Cadence.OFF)
    service.tell(jiwoo.id, told.name, about(jiwoo))

    (letter,) = mail()
    assert letter.message["List-Unsubscribe"] is None
    assert "/unsubscribe/" not in letter.text + letter.html


def test_nothing_is_sent_to_an_address_that_nobody_confirmed(choir, mail):
    stranger = factories.person(confirmed=False)
    service.tell(stranger.id, choir, about(stranger))

    assert mail() == []
    assert queries.count_unread(stranger) == 1


def test_news_without_a_letter_stay_in_the_inbox(news, jiwoo, mail):
    service.tell(jiwoo.id, news(letter=None).name, about(jiwoo))

    assert mail() == []
    assert queries.count_unread(jiwoo) == 1


def test_a_letter_that_became_pointless_is_not_sent(news, jiwoo, mail):
    told = news(context=lambda _thing, _person, facts: None if facts["over"] else {})
    service.tell(jiwoo.id, told.name, about(jiwoo), over=True)
    service.tell(jiwoo.id, told.name, about(jiwoo), over=False)

    assert len(mail()) == 1


def test_no_letter_is_written_about_what_is_gone(choir, jiwoo, mail):
    service.tell(jiwoo.id, choir, "booking:4711")
    assert mail() == []


def test_a_letter_is_in_the_language_its_reader_reads_now(mail):
    minsu = factories.person(language="ko")
    factories.booking(factories.space("회의실", name_en="Meeting room"), march(10, 18, 20), by=minsu)

    (letter,) = mail()
    assert "3월 10일 수요일" in letter.subject
    assert '<html lang="ko">' in letter.html
    assert "회의실" in letter.html
    assert letter.message["Content-Language"] == "ko"


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\x0b", "\u2028"])
def test_no_name_and_no_title_adds_a_header_or_a_reader(news, mail, break_):
    evil = factories.person(f"Jiwoo{break_}Bcc: name@example.org", "jiwoo@example.org")
    service.tell(evil.id, news(title=f"Hall{break_}Bcc: title@example.org").name, about(evil))
    room = factories.space(f"Hall{break_}Bcc: room@example.org{break_}{break_}<b>x</b>")
    factories.booking(room, march(10, 18, 20), by=evil)

    letters = mail()

    assert len(letters) == 2
    for letter in letters:
        assert letter.to == "jiwoo@example.org"
        assert letter.message["Bcc"] is None
        assert set(letter.message.keys()) == {
            "List-Unsubscribe", "List-Unsubscribe-Post", "Subject", "From", "To", "Date", "Message-ID",
            "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Language",
        }  # fmt: skip
        assert "<b>" not in letter.html


def test_the_html_part_says_what_the_text_says_with_our_own_links_to_follow(mail, jiwoo):
    room = factories.space("Hall", building=factories.building("Library", road_address="1 River Road"))
    made = factories.booking(room, march(10, 18, 20), by=jiwoo, purpose="x")

    (letter,) = mail()

    link = f"http://localhost/spaces/bookings/{made.reference}"
    assert f'<a href="{link}">{link}</a>' in letter.html
    assert '<th scope="row">Room</th><td>Hall, Library</td>' in letter.html
    assert "color-scheme" in letter.html
    assert not re.search(r"<script|<img|style=|src=", letter.html)
    words = re.sub(r"<title>.*?</title>|<style>.*?</style>|<[^>]+>", " ", letter.html, flags=re.DOTALL)
    for word in letter.text.replace(":", " ").split():
        assert word in words.replace(":", " ").replace("&#39;", "'"), word


def test_an_address_that_people_wrote_is_not_made_to_follow(news, jiwoo, mail):
    service.tell(
        jiwoo.id, news(title="See https://evil.example/x and http://localhost.evil.example/").name, about(jiwoo)
    )

    (letter,) = mail()
    assert set(re.findall(r'href="([^"]*)"', letter.html)) == {
        "http://localhost/account", letter.message["List-Unsubscribe"].strip("<>")
    }  # fmt: skip


# --- the letter of the day ---


def test_the_letter_of_the_day_brings_together_what_was_not_read(choir, news, jiwoo, mail):
    service.choose(jiwoo.id, "choir", Cadence.DAILY)
    news("choir.rests", title="The choir rests")
    for name in ("choir.sings", "choir.rests", "choir.sings"):
        service.tell(jiwoo.id, name, about(jiwoo))
    read, rests, _sings = db.session.scalars(sa.select(Notice).order_by(Notice.id))
    service.mark_read(jiwoo, read.id)

    assert gather() == 1
    (letter,) = mail()

    assert letter.subject == "What was new for you"
    assert letter.text.count("The choir sings") == 1
    assert f"The choir rests\nhttp://localhost/inbox/{rests.id}" in letter.text
    assert "/unsubscribe/" in letter.text


def test_the_letter_of_the_day_comes_once_and_only_if_there_is_something(choir, jiwoo, mail, monday):
    service.choose(jiwoo.id, "choir", Cadence.DAILY)
    assert gather() == 0
    service.tell(jiwoo.id, choir, about(jiwoo))
    assert gather() == 1
    assert gather() == 0
    assert len(mail()) == 1
    monday(day_after(1))
    assert gather() == 0
    assert len(mail()) == 1


def test_who_has_read_everything_gets_no_letter_of_the_day(choir, jiwoo, mail):
    service.choose(jiwoo.id, "choir", Cadence.DAILY)
    service.tell(jiwoo.id, choir, about(jiwoo))
    service.mark_read(jiwoo)
    gather()

    assert mail() == []


def test_the_letter_of_the_day_is_queued_each_morning_by_the_clock(choir, jiwoo, monday, mail):
    service.choose(jiwoo.id, "choir", Cadence.DAILY)
    seen: dict[str, int] = {}

    def clock_strikes() -> int:
        """The letters there are once the worker has looked at the clock."""
        db.session.commit()
        jobs.queue_timed(seen)
        return len(mail())

    clock_strikes()
    service.tell(jiwoo.id, choir, about(jiwoo))
    monday(day_after(1, 7.9))
    assert clock_strikes() == 0
    monday(day_after(1, 8))
    assert clock_strikes() == 1


def test_nobody_is_written_to_at_night_even_if_the_worker_comes_back_then(choir, jiwoo, monday, mail):
    service.choose(jiwoo.id, "choir", Cadence.DAILY)
    service.tell(jiwoo.id, choir, about(jiwoo))
    monday(day_after(0, 23.5))
    gather()
    assert mail() == []
    monday(day_after(1, 8))
    assert len(mail()) == 1


@pytest.mark.parametrize(("hour", "then"), [(0.5, 8), (7.9, 8), (8, 8), (14.5, 14.5), (20.9, 20.9), (21, 32)])
def test_a_decent_hour(hour, then):
    assert service.decent(day_after(0, hour)) == day_after(0, then)


# --- choosing ---


def test_everyone_chooses_topic_by_topic(browser, choir, jiwoo):
    factories.sign_in(browser, jiwoo)
    answer = browser.send("/inbox/settings", choir="daily", spaces="off")

    assert answer.status_code == 303, answer.text
    assert queries.choices_of(jiwoo) == {"choir": Cadence.DAILY, "spaces": Cadence.OFF}
    page = browser.get("/inbox/settings").text
    assert re.search(r'name="choir"[^>]*value="daily"[^>]*checked', page)
    assert browser.send("/inbox/settings", choir="now", spaces="off").status_code == 303
    assert queries.choices_of(jiwoo)["choir"] is Cadence.NOW


def test_what_always_comes_is_not_asked_about_and_the_page_says_why(browser, news, jiwoo):
    news(topic=DECISIONS)
    factories.sign_in(browser, jiwoo)
    page = browser.get("/inbox/settings").text

    assert 'name="decisions"' not in page
    assert "These cannot be switched off" in page
    assert "Decisions" in page
    browser.send("/inbox/settings", decisions="off", spaces="now")
    assert "decisions" not in queries.choices_of(jiwoo)


def test_a_choice_that_is_none_is_refused_beside_its_question(browser, choir, jiwoo):
    factories.sign_in(browser, jiwoo)
    answer = browser.send("/inbox/settings", choir="hourly", spaces="off")

    assert answer.status_code == 422
    assert 'href="#choir"' in answer.text
    assert queries.choices_of(jiwoo) == {}


def test_topics_of_the_city_s_work_are_offered_to_those_who_work_for_it(browser, app):
    factories.sign_in(browser, factories.person())
    assert 'name="spaces_requests"' not in browser.get("/inbox/settings").text
    manager = factories.sign_in(app.test_client(), factories.person(roles=[Role.MODERATOR]))
    assert 'name="spaces_requests"' in manager.get("/inbox/settings").text


# --- ending letters by their link (RFC 8058) ---


@pytest.fixture
def link(choir, jiwoo, mail) -> str:
    """The path in the header of a letter about the choir."""
    service.tell(jiwoo.id, choir, about(jiwoo))
    letter = mail()[-1]
    assert letter.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = re.fullmatch(r"<http://localhost(/unsubscribe/[\w-]+)>", letter.message["List-Unsubscribe"])
    assert address
    assert f"http://localhost{address[1]}\n" in letter.text
    return address[1]


def test_a_mail_program_ends_the_letters_with_one_post_and_nothing_else(app, link, choir, jiwoo, mail):
    program = app.test_client()
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example"}
    answer = program.post(link, data={"List-Unsubscribe": "One-Click"}, headers=headers)

    assert answer.status_code == 200
    assert queries.choices_of(jiwoo) == {"choir": Cadence.OFF}
    before = len(mail())
    service.tell(jiwoo.id, choir, about(jiwoo))
    assert len(mail()) == before


def test_a_link_that_is_only_looked_at_ends_nothing(browser, link, jiwoo):
    """Scanners of mail follow every link."""
    page = browser.get(link)

    assert page.status_code == 200
    assert '<form method="post">' in page.text
    assert jiwoo.name not in page.text
    assert jiwoo.email not in page.text
    assert queries.choices_of(jiwoo) == {}


def test_ending_letters_again_and_again_changes_nothing_more(browser, link, jiwoo):
    for _ in range(3):
        assert browser.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200

    assert queries.choices_of(jiwoo) == {"choir": Cadence.OFF}
    assert db.session.scalar(sa.select(sa.func.count()).select_from(TopicChoice)) == 1


def test_a_link_from_before_one_wished_for_letters_again_is_no_longer_in_force(
    browser, link, choir, jiwoo, monday, mail
):
    browser.post(link)
    monday(MONDAY + timedelta(hours=1))
    assert browser.post(link).status_code == 200, "still off: done again, it changes nothing"
    service.choose(jiwoo.id, "choir", Cadence.DAILY)
    service.choose(jiwoo.id, "choir", Cadence.NOW)

    for answer in (browser.get(link), browser.post(link, data={"List-Unsubscribe": "One-Click"})):
        assert answer.status_code == 410, "a mail program must not say that it is done"
        assert "After that letter you chose to get such letters again." in html.unescape(answer.text)
    assert queries.choices_of(jiwoo) == {"choir": Cadence.NOW}

    service.tell(jiwoo.id, choir, about(jiwoo))
    newest = mail()[-1].message["List-Unsubscribe"].strip("<>").removeprefix("http://localhost")
    assert browser.post(newest).status_code == 200
    assert queries.choices_of(jiwoo) == {"choir": Cadence.OFF}


def test_letters_at_another_pace_were_not_wished_for_again(browser, link, jiwoo, monday):
    """Nobody has to find a newer letter because they saved their choices in between."""
    monday(MONDAY + timedelta(hours=1))
    for cadence in (Cadence.NOW, Cadence.DAILY):
        service.choose(jiwoo.id, "choir", cadence)
        assert browser.get(link).status_code == 200
    assert browser.post(link).status_code == 200
    assert queries.choices_of(jiwoo) == {"choir": Cadence.OFF}


@pytest.mark.parametrize(
    "forge",
    [
        lambda link, other: link[:-1] + ("0" if link[-1] != "0" else "1"),
        lambda link, other: re.sub(r"/\d+-", f"/{other}-", link),
        lambda link, other: link.replace("-choir-", "-spaces-"),
        lambda link, other: re.sub(r"-choir-\d+-", "-choir-9999999999999999-", link),
        lambda link, other: re.sub(r"-choir-\d+-", "-choir-", link),
        lambda link, other: link.rpartition("-")[0] + "-",
        lambda link, other: "/unsubscribe/x",
        lambda link, other: "/unsubscribe/1-choir-é",
        lambda link, other: "/unsubscribe/99999999999999999999-choir-0",
    ],
)
def test_a_forged_link_ends_nothing(browser, link, jiwoo, forge):
    forged = forge(link, factories.person().id)
    for answer in (browser.get(forged), browser.post(forged)):
        assert answer.status_code == 404
        assert "This link is not whole" in answer.text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(TopicChoice)) == 0


def test_the_link_of_a_daily_letter_ends_all_that_comes_daily_and_nothing_else(browser, choir, jiwoo, mail):
    service.choose(jiwoo.id, "choir", Cadence.DAILY)
    service.choose(jiwoo.id, "spaces", Cadence.NOW)
    service.tell(jiwoo.id, choir, about(jiwoo))
    gather()
    letter = mail()[-1]

    path = letter.message["List-Unsubscribe"].strip("<>").removeprefix("http://localhost")
    assert browser.post(path).status_code == 200
    assert queries.choices_of(jiwoo) == {"choir": Cadence.OFF, "spaces": Cadence.NOW}


def test_the_link_of_a_daily_letter_leaves_what_was_wished_for_again_since(browser, choir, jiwoo, monday):
    for topic in ("choir", "spaces"):
        service.choose(jiwoo.id, topic, Cadence.DAILY)
    path = f"/unsubscribe/{queries.seal_of(jiwoo.id, service.EVERYTHING)}"
    monday(MONDAY + timedelta(hours=1))
    service.choose(jiwoo.id, "choir", Cadence.OFF)
    service.choose(jiwoo.id, "choir", Cadence.DAILY)

    assert browser.post(path).status_code == 200
    assert queries.choices_of(jiwoo) == {"choir": Cadence.DAILY, "spaces": Cadence.OFF}
    assert browser.post(path).status_code == 410


def test_a_link_of_someone_who_is_gone_is_no_link(browser, link, jiwoo):
    word = queries.seal_of(jiwoo.id + 1000, "choir")
    assert browser.get(f"/unsubscribe/{word}").status_code == 404


def test_a_job_for_a_notice_that_is_gone_does_nothing(choir, jiwoo, mail):
    service.tell(jiwoo.id, choir, about(jiwoo))
    db.session.execute(sa.delete(Notice))

    assert mail() == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Job)) == 0
