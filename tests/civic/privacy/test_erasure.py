"""Leaving: what stands in the way, what is given up, a week to change one's mind, and what is left."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.privacy import queries
from marketplace.civic.privacy.errors import NotUnderstood, SomethingOpen
from marketplace.civic.privacy.service import erasure
from marketplace.kernel import audit, db, hooks, jobs
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.hooks import Obstacle
from marketplace.sharing.spaces.models import Booking, BookingState
from tests import factories
from tests.conftest import MONDAY
from tests.factories import march

WEEK = timedelta(days=7)


def work():
    erasure.queue_due()
    db.session.commit()
    jobs.run_pending()
    db.session.expire_all()


def leaving(name: str = "Emily Han") -> Person:
    emily = factories.person(name)
    erasure.ask(emily, understood=True)
    return emily


def test_leaving_gives_up_what_is_agreed_and_signs_out(browser, app):
    emily = factories.person("Emily Han", "emily@example.org")
    made = factories.booking(factories.space(cancel_hours=24 * 30), march(11, 10, 11), by=emily)
    over_room, room = factories.space(), factories.space(by_request=True)
    asked = factories.booking(room, march(12, 10, 11), by=emily)
    header = factories.bearer(emily)
    factories.sign_in(browser, emily)

    page = browser.send("/account/erase", understood="true")

    assert page.status_code == 200
    assert "Your account will be erased" in page.text
    states = set(db.session.scalars(sa.select(Booking.state).where(Booking.id.in_([made.id, asked.id]))))
    assert states == {BookingState.CANCELLED}, "also past the room's deadline"
    assert browser.get("/account").headers["Location"].startswith("/sign-in")
    assert app.test_client().get("/api/v1/bookings", headers=header).status_code == 401
    assert over_room.open


def test_nobody_leaves_by_a_slip_of_the_finger(browser):
    emily = factories.person()
    factories.sign_in(browser, emily)
    answer = browser.send("/account/erase")
    assert answer.status_code == 422
    assert "Tick the box" in answer.text
    with pytest.raises(NotUnderstood):
        erasure.ask(emily, understood=False)
    assert emily.erase_at is None


@pytest.mark.parametrize(
    ("roles", "sentence"),
    [([Role.ADMINISTRATOR], "You are the only administrator"), ([Role.MODERATOR], "Ask an administrator")],
)
def test_who_works_for_the_city_gives_the_role_up_first(browser, roles, sentence):
    staff = factories.person(roles=roles)
    with pytest.raises(SomethingOpen):
        erasure.ask(staff, understood=True)
    assert [sentence in str(one.sentence) for one in queries.obstacles(staff)] == [True]


def test_what_other_features_still_have_open_is_in_the_way(browser, monkeypatch):
    monkeypatch.setattr(hooks.erasure_obstacles, "_answerers", [lambda _person: [Obstacle("A case is open.", "/case")]])
    factories.sign_in(browser, factories.person())

    page = browser.get("/account/erase").text

    assert '<a class="govuk-link" href="/case">A case is open.</a>' in page
    assert "Erase my account" not in page
    assert browser.send("/account/erase", understood="true").status_code == 409


def test_for_a_week_signing_in_leads_to_the_question_whether_to_stay(browser, monkeypatch):
    emily = leaving()
    factories.sign_in(browser, emily)

    for path in ("/account", "/spaces/bookings", "/account/tokens"):
        assert browser.get(path).headers["Location"] == "/account/erase", path
    assert browser.get("/spaces/").status_code == 200
    assert "Keep my account" in browser.get("/account/erase").text
    assert browser.get("/account/data").status_code == 200
    assert browser.send("/account/erase/stop").status_code == 303
    assert browser.get("/account").status_code == 200
    work()
    assert db.session.get_one(Person, emily.id).name == "Emily Han"


def test_programs_of_someone_leaving_are_refused(browser):
    emily = factories.person()
    header = factories.bearer(emily)
    db.session.execute(sa.update(Person).where(Person.id == emily.id).values(erase_at=MONDAY + WEEK))
    db.session.expire_all()
    answer = browser.get("/api/v1/bookings", headers=header)
    assert (answer.status_code, answer.get_json()["type"]) == (403, "/api#about_to_be_erased")


def test_after_a_week_the_account_names_nobody(monday):
    emily = leaving()
    address = emily.email
    monday(MONDAY + WEEK - timedelta(seconds=1))
    work()
    assert emily.erased_at is None

    monday(MONDAY + WEEK)
    work()

    gone = db.session.get_one(Person, emily.id)
    assert (gone.erased_at, gone.erase_at, gone.confirmed_at) == (MONDAY + WEEK, None, None)
    assert gone.email.endswith("@erased.invalid")
    assert people.by_email(address) is None
    assert not db.session.scalars(people.search_people("Former")).all()
    again = accounts.register("Emily", address, "three tall herons")
    assert again.id != emily.id, "the address is free for a new account"


def test_others_still_see_that_there_was_someone(browser, monday):
    library = factories.building()
    emily, manager = factories.person("Emily Han"), factories.person(roles=[(Role.MANAGER, library)])
    room = factories.space(building=library)
    reference = factories.booking(room, march(1, 15, 16), by=emily, purpose="A choir").reference
    erasure.ask(emily, understood=True)
    monday(MONDAY + WEEK)
    work()

    factories.sign_in(browser, manager)
    page = browser.get(f"/spaces/bookings/{reference}").text

    assert "Former resident" in page
    assert "Emily" not in page
    assert "A choir" not in page


def test_something_new_in_the_way_puts_it_off(monday, monkeypatch):
    emily = leaving()
    monday(MONDAY + WEEK)
    monkeypatch.setattr(hooks.erasure_obstacles, "_answerers", [lambda _person: Obstacle("A case is open.")])
    work()
    assert (emily.erased_at, emily.erase_at) == (None, MONDAY + WEEK + erasure.LATER)

    monkeypatch.setattr(hooks.erasure_obstacles, "_answerers", [])
    monday(MONDAY + WEEK + erasure.LATER)
    work()
    assert emily.erased_at is not None


def test_a_feature_that_fails_undoes_the_whole_erasure(monday, monkeypatch):
    emily = leaving()

    def fail(_person: Person) -> None:
        raise RuntimeError

    monkeypatch.setattr(hooks.erasing, "_answerers", [fail, *hooks.erasing._answerers])
    monday(MONDAY + WEEK)
    work()
    assert (emily.name, emily.erased_at) == ("Emily Han", None)


def test_who_changed_their_mind_is_not_erased_by_a_job_on_its_way(monday):
    emily = leaving()
    monday(MONDAY + WEEK)
    erasure.queue_due()
    erasure.stay(emily)
    db.session.commit()
    jobs.run_pending()
    db.session.expire_all()
    assert emily.erased_at is None


def test_a_letter_says_when_and_how_to_stay(browser, letters):
    emily = factories.person(email="emily@example.org")
    erasure.ask(emily, understood=True)
    told = [letter for letter in letters() if "emily@example.org" in letter]
    assert any("/sign-in" in letter and "will be erased" in letter for letter in told)


def test_the_record_stays_whole_and_names_nobody(monday):
    emily = leaving("Emily Han")
    monday(MONDAY + WEEK)
    work()
    entries = list(db.session.scalars(sa.select(AuditEntry).where(AuditEntry.subject == f"person:{emily.id}")))
    assert [one.action for one in entries] == ["privacy.erasure_asked", "privacy.erased"]
    assert audit.verify() == []


def test_whom_a_backup_brings_back_is_erased_again(app):
    back, gone = factories.person("Emily Han"), leaving()
    gone.erase_at, gone.erased_at = None, MONDAY
    db.session.commit()
    shell = app.test_cli_runner()

    assert shell.invoke(args=["privacy", "erased"]).output.split() == [str(gone.id)]
    assert "1 to be erased" in shell.invoke(args=["privacy", "erase", str(back.id), str(gone.id), "999999"]).output
    work()
    assert db.session.get_one(Person, back.id).name == "Former resident"
