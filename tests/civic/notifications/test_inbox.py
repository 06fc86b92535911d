"""The inbox: what people are told, whether or not a letter goes out."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import Role
from marketplace.civic.notifications import queries, service
from marketplace.civic.notifications.models import Cadence, CalendarFeed, Notice, ReturnedAddress, TopicChoice
from marketplace.kernel import clock, db, hooks
from marketplace.kernel.jobs import Job
from marketplace.sharing.spaces.service import bookings
from tests import factories
from tests.conftest import MONDAY
from tests.factories import march

GOOD = "three tall herons"


def notices(person=None) -> list[Notice]:
    own = sa.select(Notice).order_by(Notice.id)
    return list(db.session.scalars(own.where(Notice.person_id == person.id) if person else own))


def about(person) -> str:
    return f"account:{person.id}"


def test_what_happened_is_told_to_each_in_their_own_language():
    jiwoo, minsu = factories.person(), factories.person(language="ko")
    service.tell([jiwoo.id, minsu.id, jiwoo.id], "accounts.changed", about(jiwoo), what="Your password was changed")

    assert [(told.person_id, told.language, told.title) for told in notices()] == [
        (jiwoo.id, "en", "Your password was changed"),
        (minsu.id, "ko", "비밀번호가 바뀌었습니다"),
    ]


def test_news_that_nobody_registered_is_refused_at_once(jiwoo):
    with pytest.raises(LookupError):
        service.tell(jiwoo.id, "misspelt", about(jiwoo))


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\x0b", "\u2028", "\r\n\r\n"])
def test_a_title_is_one_line_and_no_longer_than_the_inbox_shows(news, jiwoo, break_):
    service.tell(jiwoo.id, news(title=f"Hall{break_}Bcc: all@example.org {'x' * 300}").name, about(jiwoo))

    (told,) = notices(jiwoo)
    assert told.title.startswith("Hall Bcc: all@example.org xxx")
    assert len(told.title) == 200


def test_what_is_told_is_undone_with_the_act_it_tells_of(choir, jiwoo):
    act = db.session.begin_nested()
    service.tell(jiwoo.id, choir, about(jiwoo))
    act.rollback()

    assert notices() == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Job)) == 0


def test_every_page_shows_how_much_is_unread(browser, choir, jiwoo):
    factories.sign_in(browser, jiwoo)
    assert "civic-header__count" not in browser.get("/about").text
    service.tell(jiwoo.id, choir, about(jiwoo))
    service.tell(jiwoo.id, choir, about(jiwoo))
    assert '<span class="civic-header__count">2<' in browser.get("/about").text
    for _ in range(100):
        service.tell(jiwoo.id, choir, about(jiwoo))
    assert '<span class="civic-header__count">99+<' in browser.get("/about").text


def test_the_count_costs_each_page_one_statement_and_strangers_none(browser, app, choir, jiwoo, statements):
    with statements() as strangers:
        app.test_client().get("/about")
    factories.sign_in(browser, jiwoo)
    browser.get("/about")
    with statements() as own:
        browser.get("/about")

    assert not [one for one in strangers if "notices" in one]
    assert len([one for one in own if "FROM notices" in one]) == 1


def test_opening_a_notice_leads_to_the_thing_and_marks_it_read(browser, jiwoo):
    made = factories.booking(factories.space(), march(10, 18, 20), by=jiwoo)
    (told,) = notices(jiwoo)
    factories.sign_in(browser, jiwoo)
    inbox = browser.get("/inbox").text
    assert "Your room is booked: Wed 10 March, 18:00 to 20:00" in inbox

    answer = browser.get(f"/inbox/{told.id}")

    assert (answer.status_code, answer.location) == (303, f"/spaces/bookings/{made.reference}")
    assert "Mark as read" not in browser.get("/inbox").text
    assert "Your room is booked" not in browser.get("/inbox?show=unread").text


def test_a_manager_is_led_to_the_page_that_answers(browser):
    room = factories.space(by_request=True)
    manager = factories.person(roles=[(Role.MANAGER, room.building)])
    made = factories.booking(room, march(10, 18, 20))
    (told,) = notices(manager)

    answer = factories.sign_in(browser, manager).get(f"/inbox/{told.id}")

    assert answer.location == f"/spaces/staff/bookings/{made.reference}"


def test_what_is_gone_leads_back_to_the_inbox_and_says_so(browser, choir, jiwoo):
    service.tell(jiwoo.id, choir, "booking:4711")
    (told,) = notices(jiwoo)
    factories.sign_in(browser, jiwoo)

    assert browser.get(f"/inbox/{told.id}").location == "/inbox"
    assert "What this was about is gone." in browser.get("/inbox").text


def test_nobody_opens_or_marks_what_another_was_told(browser, choir, jiwoo):
    service.tell(jiwoo.id, choir, about(jiwoo))
    (told,) = notices()
    factories.sign_in(browser, factories.person(roles=[Role.ADMINISTRATOR]))

    assert browser.get(f"/inbox/{told.id}").status_code == 404
    assert browser.send(f"/inbox/{told.id}/read").status_code == 404
    assert browser.send("/inbox/read").status_code == 303
    db.session.expire_all()
    assert [one.read_at for one in notices()] == [None]


def test_one_is_marked_read_or_all_that_the_page_showed(browser, choir, jiwoo):
    for _ in range(3):
        service.tell(jiwoo.id, choir, about(jiwoo))
    first, second, late = notices(jiwoo)
    factories.sign_in(browser, jiwoo)

    browser.send(f"/inbox/{first.id}/read")
    assert [one.read_at for one in notices(jiwoo)] == [clock.now(), None, None]
    browser.send("/inbox/read", until=second.id)
    db.session.expire_all()
    assert [one.read_at for one in notices(jiwoo)] == [clock.now(), clock.now(), None]
    assert late.read_at is None
    browser.send("/inbox/read")
    db.session.expire_all()
    assert queries.count_unread(jiwoo) == 0


def test_the_inbox_costs_as_many_statements_for_one_notice_as_for_hundreds(browser, choir, jiwoo, statements):
    factories.sign_in(browser, jiwoo)
    service.tell(jiwoo.id, choir, about(jiwoo))
    browser.get("/inbox")
    with statements() as few:
        browser.get("/inbox")
    for _ in range(100):
        service.tell(jiwoo.id, choir, about(jiwoo))
    with statements() as many:
        page = browser.get("/inbox?page=2")

    assert page.text.count('class="row"') == 20
    assert len(many) == len(few)
    assert browser.get("/inbox?page=99").status_code == 404


def test_telling_ten_or_a_thousand_people_costs_the_same(choir, statements):
    people = [factories.person().id for _ in range(10)]
    with statements() as few:
        service.tell(people[:1], choir, "booking:1")
    with statements() as many:
        service.tell(people, choir, "booking:1")

    assert len(notices()) == 11
    assert len(few) == len(many) == 2 + len([one for one in few if "FROM bookings" in one])


def test_a_new_password_and_a_new_address_come_into_the_inbox_as_well(browser, mail, jiwoo):
    factories.sign_in(browser, jiwoo)
    assert browser.send("/account/password", current=factories.PASSWORD, password=GOOD).status_code == 303
    jiwoo = people.person(jiwoo.id)
    accounts.change_address(jiwoo, "new@example.org", GOOD)
    link = next(letter.text for letter in mail() if letter.to == "new@example.org").partition("/confirm/")[2].split()[0]
    accounts.confirm(link)

    assert [one.title for one in notices(jiwoo)] == ["Your password was changed", "Your e-mail address was changed"]
    assert [letter.to for letter in mail()].count("jiwoo@example.org") == 2  # the direct letters, and no other


def test_what_is_told_of_bookings_comes_into_both_inboxes():
    room = factories.space(by_request=True)
    manager = factories.person(roles=[(Role.MANAGER, room.building)])
    made = factories.booking(room, march(10, 18, 20))
    bookings.cancel(made.person, made)

    assert [one.news for one in notices(made.person)] == ["spaces.requested", "spaces.cancelled"]
    assert [one.news for one in notices(manager)] == ["spaces.asked"]


# --- what is kept, and for how long ---


def test_notices_are_forgotten_after_a_year(choir, jiwoo, monday):
    service.tell(jiwoo.id, choir, about(jiwoo))
    monday(MONDAY + service.KEPT)
    service.sweep()
    assert len(notices()) == 1
    monday(MONDAY + service.KEPT + timedelta(seconds=1))
    service.sweep()
    assert notices() == []


def test_one_gets_a_copy_of_what_one_was_told_but_no_secret(app, choir, jiwoo):
    service.tell(jiwoo.id, choir, about(jiwoo))
    service.open_feed(jiwoo)
    secret = queries.feed_of(jiwoo)
    assert secret
    with app.test_request_context():
        answers = hooks.personal_data.ask(jiwoo)
        extracts = [one for answer in answers for one in (answer if isinstance(answer, list) else [answer])]
        rows = {one.name: [dict(row) for row in one.rows] for one in extracts}

    assert rows["notices"][0]["title"] == "The choir sings"
    assert len(rows["calendar_feed"]) == 1
    assert secret not in str(rows)


def test_erasing_leaves_nothing_here(choir, jiwoo):
    service.tell(jiwoo.id, choir, about(jiwoo))
    service.choose(jiwoo.id, "choir", Cadence.OFF)
    service.open_feed(jiwoo)
    service.mark_returned(db.session(), jiwoo.email, "550 unknown")

    service.erase(jiwoo)

    for table in (Notice, TopicChoice, CalendarFeed, ReturnedAddress):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(table)) == 0, table


def test_the_database_refuses_a_letter_at_once_that_nobody_queued(choir, jiwoo):
    service.tell(jiwoo.id, choir, about(jiwoo))
    with pytest.raises(sa.exc.IntegrityError, match="queued_if_wished"), db.session.begin_nested():
        db.session.execute(sa.text("UPDATE notices SET lettered_at = NULL"))
