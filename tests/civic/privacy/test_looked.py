"""Whoever works for the city and reads about a person leaves a trace that the person is shown."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.moderation.models import Reason
from marketplace.kernel import audit, db
from marketplace.kernel.audit import AuditEntry
from tests import factories
from tests.conftest import MONDAY
from tests.factories import march


@pytest.fixture
def library():
    return factories.building("Riverside Library")


def looks(person) -> list[str]:
    own = sa.select(AuditEntry.action).where(
        AuditEntry.subject == f"person:{person.id}", AuditEntry.action.endswith(".looked")
    )
    return list(db.session.scalars(own.order_by(AuditEntry.id)))


def test_a_manager_who_opens_a_booking_is_on_record(browser, library):
    emily = factories.person()
    manager = factories.person("Secret Name", roles=[(Role.MANAGER, library)])
    made = factories.booking(factories.space(building=library, by_request=True), march(11, 10, 11), by=emily)
    factories.sign_in(browser, manager)

    browser.get("/spaces/staff/")
    browser.get(f"/spaces/staff/bookings/{made.reference}")
    browser.get(f"/spaces/bookings/{made.reference}")

    assert looks(emily) == ["spaces.bookings.looked", "spaces.booking.looked"]
    factories.sign_in(browser, emily)
    page = browser.get("/account/looked").text
    assert "A booking of yours" in page
    assert "Building manager, Riverside Library" in page
    assert "Secret Name" not in page


def test_an_administrator_who_opens_an_account_is_on_record_but_not_one_who_searches(browser):
    emily = factories.person("Emily Han")
    factories.sign_in(browser, factories.person(roles=[Role.ADMINISTRATOR]))
    browser.get("/staff/people/?words=Emily")
    assert looks(emily) == []

    for page in ("", "/verify", "/roles"):
        browser.get(f"/staff/people/{emily.id}{page}")

    assert looks(emily) == ["accounts.person.looked"]
    factories.sign_in(browser, emily)
    assert "Administrator" in browser.get("/account/looked").text


def test_there_is_one_entry_an_hour_for_each_reader_and_page(browser, monday):
    emily = factories.person()
    administrators = [factories.person(roles=[Role.ADMINISTRATOR]) for _ in range(2)]
    for reader in administrators:
        for minutes in (0, 30, 61):
            monday(MONDAY + timedelta(minutes=minutes))
            factories.sign_in(browser, reader)
            browser.get(f"/staff/people/{emily.id}")

    assert len(looks(emily)) == 4


def test_reading_about_oneself_is_no_look(browser, library):
    manager = factories.person(roles=[(Role.MANAGER, library)])
    made = factories.booking(factories.space(building=library), march(11, 10, 11), by=manager)
    factories.sign_in(browser, manager)
    browser.get(f"/spaces/bookings/{made.reference}")
    browser.get("/spaces/staff/?show=coming")
    assert looks(manager) == []


def test_programs_of_managers_are_on_record_too(browser, library):
    emily, manager = factories.person(), factories.person(roles=[(Role.MANAGER, library)])
    made = factories.booking(factories.space(building=library), march(11, 10, 11), by=emily)
    answer = browser.get(f"/api/v1/bookings/{made.reference}", headers=factories.bearer(manager))
    assert answer.status_code == 200
    assert looks(emily) == ["spaces.booking.looked"]


def test_who_may_not_see_a_booking_leaves_no_trace(browser):
    emily = factories.person()
    made = factories.booking(factories.space(), march(11, 10, 11), by=emily)
    factories.sign_in(browser, factories.person())
    assert browser.get(f"/spaces/bookings/{made.reference}").status_code == 404
    assert looks(emily) == []


def test_the_page_asks_the_database_as_often_for_many_as_for_one(browser, statements, library):
    emily, reader = factories.person(), factories.person()
    office = {"role": "manager", "building_id": library.id}
    factories.sign_in(browser, emily)

    def asked(count: int) -> int:
        for _ in range(count):
            audit.record(reader.id, "spaces.booking.looked", f"person:{emily.id}", **office)
        db.session.commit()
        with statements() as seen:
            assert browser.get("/account/looked").status_code == 200
        return len(seen)

    assert asked(1) == asked(50)


def test_nobody_reads_about_the_looks_at_someone_else(browser):
    emily, reader = factories.person(), factories.person()
    audit.record(reader.id, "accounts.person.looked", f"person:{emily.id}", role="administrator")
    factories.sign_in(browser, factories.person())
    assert "Nobody has looked so far" in browser.get("/account/looked").text


def test_whose_words_stand_in_the_moderators_queue_reads_that_and_why_but_not_who_reported_them(browser, library):
    manager = factories.person("Secret Reporter", roles=[(Role.MANAGER, library)])
    emily, moderator = factories.person("Emily Han"), factories.person("Secret Name", roles=[Role.MODERATOR])
    asked = factories.booking(factories.space(building=library, by_request=True), march(11, 10, 11), by=emily)
    message = factories.said(emily, f"booking:{asked.id}", "Buy cheap pills")
    case = factories.report(f"message:{message.id}", manager, Reason.SPAM).case
    factories.sign_in(browser, moderator)

    assert "Buy cheap pills" in browser.get("/moderation/").text
    browser.get(f"/moderation/cases/{case.reference}")
    browser.get(f"/moderation/together?case={case.reference}")

    assert looks(emily) == ["moderation.content.looked"], "once an hour, on whichever page of theirs"
    browser.get(f"/conversations/{message.conversation_id}?message={message.id}")
    factories.sign_in(browser, emily)
    page = browser.get("/account/looked").text
    assert page.count("Reported as: Spam or advertising") == 2
    assert "Something of yours that was reported" in page
    assert "Your messages, because of a report" in page
    assert "Secret" not in page


def test_a_moderators_queue_is_no_look_at_what_it_does_not_show(browser):
    """Their own words, and what only safeguarding officers read, are not in it."""
    moderator, emily = factories.person(roles=[Role.MODERATOR]), factories.person()
    own, other = factories.group("Own", by=moderator), factories.group("Other", by=emily)
    factories.report(f"group:{own.id}", emily)
    factories.concern(f"group:{other.id}")
    factories.sign_in(browser, moderator)

    assert browser.get("/moderation/").status_code == 200

    assert looks(moderator) == looks(emily) == []
