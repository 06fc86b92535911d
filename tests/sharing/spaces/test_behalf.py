"""Bookings for a group, and bookings that the building makes for someone at its counter or on the telephone."""

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts.models import Caller, Person, Role
from marketplace.civic.groups import queries as groups
from marketplace.civic.groups.errors import NotYourGroup
from marketplace.civic.groups.models import Channel, GroupMember
from marketplace.civic.groups.models import Role as Office
from marketplace.civic.groups.service.behalf import Behalf, for_group
from marketplace.civic.groups.service.groups import close, hide
from marketplace.civic.moderation.models import Act, Decision
from marketplace.civic.notifications.models import Notice
from marketplace.civic.privacy.service import erasure
from marketplace.kernel import clock, db
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.errors import Forbidden
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.models import Booking, BookingOnBehalf, BookingState
from marketplace.sharing.spaces.queries import bookings as queries
from marketplace.sharing.spaces.service import bookings
from tests import factories
from tests.factories import bearer, group, march, officer, person, sign_in, space

TIME = march(3, 18, 20)
START = TIME.starts_at.isoformat()
TOLD: dict[str, Any] = {"people": 5, "purpose": "A reading circle", "rules_accepted": True}
FORM: dict[str, Any] = {
    "start": START,
    "minutes": 120,
    "people": 5,
    "purpose": "Reading",
    "rules_accepted": "yes",
    "language": "en",
}


def the_booking() -> Booking:
    db.session.expire_all()
    [reference] = db.session.scalars(sa.select(Booking.reference))
    return queries.get_booking(reference)


def entry(action: str) -> AuditEntry:
    [found] = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == action))
    return found


# --- for a group ---


@pytest.fixture
def founder():
    return person("Jiwoo Park", "founder@example.org")


@pytest.fixture
def club(founder):
    return group("Riverside Readers", by=founder)


def test_an_officer_chooses_the_group_and_everybody_reads_it(browser, club, founder, letters):
    second = officer(club)
    room = space()
    sign_in(browser, founder).send(f"/spaces/{room.id}/hold", start=START, minutes=120)
    details = f"/spaces/bookings/{the_booking().reference}/details"
    assert "For whom?" in browser.get(details).text
    sent = browser.send(details, people=5, purpose="Novels", rules_accepted="yes", group=club.id)
    assert sent.status_code == 303

    made = the_booking()
    assert made.group
    assert made.group.id == club.id
    assert entry("spaces.confirmed").detail == {"for_group": club.id}
    shown = browser.get(f"/spaces/bookings/{made.reference}").text
    assert "Riverside Readers" in shown
    assert any("For: Riverside Readers" in letter for letter in letters())
    sign_in(browser, second)
    assert "For Riverside Readers" in browser.get("/spaces/bookings").text
    assert "Cancel the booking" in browser.get(f"/spaces/bookings/{made.reference}").text
    assert browser.send(f"/spaces/bookings/{made.reference}/cancel").status_code == 303
    assert the_booking().state is BookingState.CANCELLED


def test_every_officer_is_told_what_becomes_of_the_group_s_booking_until_the_group_is_hidden(club, founder):
    second = officer(club)
    club = groups.get_group(club.id)
    made = bookings.book(founder, space(), TIME, **TOLD, behalf=Behalf(group=club))
    hide(club, True)
    bookings.cancel(founder, made)

    told = db.session.execute(sa.select(Notice.person_id, Notice.news).order_by(Notice.id)).all()
    assert sorted(told) == sorted(
        [(founder.id, "spaces.confirmed"), (second.id, "spaces.confirmed"), (founder.id, "spaces.cancelled")]
    )


@pytest.mark.parametrize("hidden", [False, True])
def test_an_officer_who_leaves_gives_back_nothing_that_others_booked_for_the_group(club, founder, hidden):
    second = officer(club)
    made = bookings.book(founder, space(), TIME, **TOLD, behalf=Behalf(group=groups.get_group(club.id)))
    hide(club, hidden)
    db.session.commit()

    erasure.ask(people.person(second.id), understood=True)

    assert made.state is BookingState.CONFIRMED
    assert the_booking().state is BookingState.CONFIRMED


def test_who_acts_for_no_group_is_not_asked(browser):
    room = space()
    sign_in(browser, person()).send(f"/spaces/{room.id}/hold", start=START, minutes=120)
    assert "For whom?" not in browser.get(f"/spaces/bookings/{the_booking().reference}/details").text


def test_members_other_groups_officers_and_strangers_neither_act_nor_see(browser, club, founder):
    other, stranger, member = officer(group("Chess")), person(), person()
    db.session.add(GroupMember(group_id=club.id, person_id=member.id))
    made = bookings.book(founder, space(), TIME, **TOLD, behalf=Behalf(group=club))
    found = queries.get_booking(made.reference)
    for nobody in (other, stranger, member, None):
        assert not policy.may_see(nobody, found)
        assert not policy.may_change(nobody, found)
    for nobody in (other, stranger, member):
        with pytest.raises(NotYourGroup):
            for_group(nobody, club.id)
        assert sign_in(browser, nobody).get(f"/spaces/bookings/{made.reference}").status_code == 404


def test_nobody_acts_for_a_closed_or_unknown_group(club, founder):
    close(founder, club)
    for number in (club.id, 999_999):
        with pytest.raises(NotYourGroup):
            for_group(founder, number)
    assert for_group(founder, None) is None
    assert for_group(founder, 0) is None


def test_officers_who_manage_the_building_do_not_answer_their_group_s_request(club, founder):
    room = space(by_request=True)
    manager = person(roles=[(Role.MANAGER, room.building)])
    db.session.add(GroupMember(group_id=club.id, person_id=manager.id, role=Office.OFFICER))
    club = groups.get_group(club.id, lock=True)
    made = bookings.book(founder, room, TIME, **TOLD, behalf=Behalf(group=club))
    with pytest.raises(Forbidden):
        bookings.accept(manager, queries.get_booking(made.reference))


def test_a_program_books_for_a_group_and_reads_it_back(browser, club, founder):
    room, headers = space(), bearer(founder)
    body = {"space": room.id, "start": START, "minutes": 60, **TOLD}
    made = browser.post("/api/v1/bookings", json={**body, "group": club.id}, headers=headers)
    assert made.status_code == 201
    assert made.get_json()["group"]["name"] == "Riverside Readers"
    assert made.get_json()["channel"] is None
    refused = browser.post("/api/v1/bookings", json={**body, "group": 999_999}, headers=headers)
    assert refused.status_code == 422
    assert refused.get_json()["type"] == "/api#not_your_group"


def test_a_list_of_bookings_takes_the_same_few_statements_with_many_groups(browser, founder, statements):
    sign_in(browser, founder)

    def count() -> int:
        with statements() as seen:
            assert browser.get("/spaces/bookings").status_code == 200
        return len(seen)

    def book(day: int) -> None:
        club = group(f"Club {day}", by=person())
        bookings.book(founder, space(f"Room {day}"), march(day, 10, 11), **TOLD, behalf=Behalf(group=club))

    for day in (3, 4):
        book(day)
    few = count()
    for day in range(5, 15):
        book(day)
    assert count() == few


# --- for someone at the counter or on the telephone ---


@pytest.fixture
def room():
    return space()


@pytest.fixture
def manager(browser, room):
    made = person("The manager", "manager@example.org", roles=[(Role.MANAGER, room.building)])
    sign_in(browser, made)
    return made


def test_whoever_has_the_address_finds_the_booking_and_is_told_who_made_it(browser, room, manager, letters):
    resident = person("Jiwoo Park", "jiwoo@example.org")
    sent = browser.send(
        f"/spaces/{room.id}/counter", **FORM, channel="counter", name="Ji-woo", email="JIWOO@example.org"
    )
    made = the_booking()
    assert sent.location == f"/spaces/bookings/{made.reference}"
    assert (made.person_id, made.channel) == (resident.id, Channel.COUNTER)
    done = entry("spaces.confirmed")
    assert (done.actor_id, done.detail) == (manager.id, {"for_person": resident.id, "channel": "counter"})
    assert entry("groups.caller.looked").subject == f"person:{resident.id}"
    assert "at the counter of Riverside Library" in browser.get(sent.location).text
    written = [letter for letter in letters() if "To: jiwoo@example.org" in letter]
    assert len(written) == 1
    assert "Made: at the counter of Riverside Library" in written[0]
    assert "no account yet" not in written[0]
    sign_in(browser, resident)
    assert room.title in browser.get("/spaces/bookings").text


def test_the_counter_does_not_learn_why_someone_is_suspended(browser, room, manager):
    resident, moderator = person("Jiwoo Park", "jiwoo@example.org"), person(roles=[Role.MODERATOR])
    case = factories.judged_case(moderator, resident)
    until = clock.now() + timedelta(days=7)
    db.session.execute(sa.update(Decision).values(act=Act.SUSPEND, days=7, until=until))
    resident.suspended_until = until
    db.session.commit()
    own = sign_in(browser.application.test_client(), resident)
    assert case.reference in own.send(f"/spaces/{room.id}/hold", start=START, minutes=120).text

    told = browser.send(f"/spaces/{room.id}/counter", **FORM, channel="counter", name="Ji", email="jiwoo@example.org")

    assert "This person cannot book at present." in told.text
    assert case.reference not in told.text
    assert db.session.scalar(sa.select(sa.func.count(Booking.id))) == 0


def test_a_suspended_manager_books_for_nobody(browser, room, manager):
    until = clock.now() + timedelta(days=7)
    db.session.execute(sa.update(Person).where(Person.id == manager.id).values(suspended_until=until))
    told = browser.send(
        f"/spaces/{room.id}/counter", **FORM, channel="phone", name="Minseo", email="minseo@example.org"
    )
    assert told.status_code == 403
    assert db.session.scalar(sa.select(sa.func.count(Booking.id))) == 0


def test_a_caller_without_an_account_gets_a_letter_and_may_claim_the_booking(app, browser, room, manager, letters):
    browser.send(f"/spaces/{room.id}/counter", **FORM, channel="phone", name="Minseo Kim", email="minseo@example.org")
    made = the_booking()
    reference = made.reference
    assert (made.person.name, made.person.is_confirmed) == ("Minseo Kim", False)
    [written] = [letter for letter in letters() if "To: minseo@example.org" in letter]
    assert "on the telephone by Riverside Library" in written
    assert "/forgot-password" in written

    caller = app.test_client()
    caller.send("/forgot-password", email="minseo@example.org")
    link = next(found[1] for text in letters() if (found := re.search(r"http://localhost(/new-password/\S*)", text)))
    caller.send(link, password="three tall herons")
    assert caller.send("/sign-in", email="minseo@example.org", password="three tall herons").status_code == 303
    assert reference in caller.get("/spaces/bookings").text


def test_a_caller_with_a_telephone_alone_is_known_again_and_nothing_is_written_to(browser, room, manager, letters):
    for hour in (10, 14):
        form = {**FORM, "start": march(4, hour, hour + 2).starts_at.isoformat()}
        browser.send(f"/spaces/{room.id}/counter", **form, channel="phone", name="Old Mr Kim", phone="02-123-4567")
    assert len(list(db.session.scalars(sa.select(Caller)))) == 1
    assert len(set(db.session.scalars(sa.select(Booking.person_id)))) == 1
    assert [letter for letter in letters() if "Your room is booked" in letter] == []


def test_nobody_signs_in_as_a_caller(browser, room, manager, app):
    browser.send(f"/spaces/{room.id}/counter", **FORM, channel="phone", name="Kim", phone="02-123-4567")
    stranger = app.test_client()
    for email in ("", " ", "kim@example.org"):
        assert stranger.send("/sign-in", email=email, password="").status_code == 422
        assert stranger.send("/sign-in", email=email, password="anything").status_code == 422


def test_an_address_someone_only_claimed_is_not_taken_for_theirs(browser, room, manager):
    claimed = person("Thief", "victim@example.org", confirmed=False)
    browser.send(f"/spaces/{room.id}/counter", **FORM, channel="counter", name="Victim", email="victim@example.org")
    assert the_booking().person_id != claimed.id


def test_the_building_cancels_what_it_entered_but_no_other_booking(browser, room, manager):
    own = factories.booking(space("Hall", building=room.building), march(5, 10, 11))
    browser.send(f"/spaces/{room.id}/counter", **FORM, channel="phone", name="Kim", phone="02-123-4567")
    entered = db.session.scalar(sa.select(Booking.reference).join(BookingOnBehalf))
    assert browser.send(f"/spaces/bookings/{entered}/cancel").status_code == 303
    assert browser.send(f"/spaces/bookings/{own.reference}/cancel").status_code == 403


def test_only_who_manages_the_building_books_at_its_counter(browser, room):
    elsewhere = person(roles=[(Role.MANAGER, factories.building("Museum"))])
    for nobody in (elsewhere, person(), person(roles=[Role.MODERATOR])):
        sign_in(browser, nobody)
        assert browser.get(f"/spaces/{room.id}/counter").status_code == 404
        sent = browser.send(f"/spaces/{room.id}/counter", **FORM, channel="phone", name="Kim", phone="02-123-4567")
        assert sent.status_code == 404
    with pytest.raises(Forbidden):
        bookings.book(person(), room, TIME, **TOLD, behalf=Behalf(entered_by=elsewhere, channel=Channel.PHONE))
    assert list(db.session.scalars(sa.select(Booking))) == []


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"name": "Kim"}, 422, "Enter an e-mail address or a telephone number"),
        ({"phone": "02-123-4567"}, 422, "Enter a name."),
        ({"name": "Kim", "phone": "call me"}, 422, "Enter a telephone number, such as"),
        ({"name": "Kim", "email": "kim"}, 422, "Enter an e-mail address, such as"),
        ({"name": "http://evil.example", "phone": "02-123-4567"}, 422, "Enter a name without"),
        ({"name": "Me", "email": "manager@example.org"}, 422, "This is your own address."),
        ({"name": "Kim", "phone": "02-123-4567", "channel": "pigeon"}, 422, "counter, phone"),
        ({"name": "Kim", "phone": "02-123-4567", "start": ""}, 422, "Choose one of the free times."),
        ({"name": "Kim", "phone": "02-123-4567", "rules_accepted": ""}, 422, "Confirm that you have read the rules"),
        ({"name": "Kim", "phone": "02-123-4567", "people": 500}, 422, "This room holds 20 people."),
    ],
)
def test_nonsense_at_the_counter_is_explained_and_nothing_is_kept(browser, room, manager, fields, status, sentence):
    people = db.session.scalar(sa.select(sa.func.count(Person.id)))
    answer = browser.send(f"/spaces/{room.id}/counter", **{**FORM, "channel": "phone", **fields})
    assert answer.status_code == status
    assert sentence in answer.text
    assert fields.get("name", "") in answer.text
    assert db.session.scalar(sa.select(sa.func.count(Person.id))) == people
    assert list(db.session.scalars(sa.select(Booking))) == []


def test_a_time_taken_meanwhile_is_refused_at_the_counter_as_everywhere(browser, room, manager):
    factories.booking(room, TIME)
    answer = browser.send(f"/spaces/{room.id}/counter", **FORM, channel="phone", name="Kim", phone="02-123-4567")
    assert answer.status_code == 409
    assert "Someone just took that time." in answer.text


def test_a_record_on_behalf_of_nobody_is_refused_by_the_database():
    made = factories.booking(space(), TIME)
    db.session.add(BookingOnBehalf(booking_id=made.id))
    with pytest.raises(sa.exc.IntegrityError):
        db.session.flush()


# --- many times ---


def test_a_room_with_a_fine_raster_shows_half_hours_first_and_all_times_if_asked(browser):
    fine = space(raster_minutes=10)
    page = f"/spaces/{fine.id}?date=2027-03-03&minutes=60"
    few, every = (len(re.findall('type="radio"', browser.get(page + more).text)) for more in ("", "&times=all"))
    assert few * 2 < every
    assert "Show every start, 10 minutes apart" in browser.get(page).text
    assert "Show every start" not in browser.get(page + "&times=all").text
    assert "Show every start" not in browser.get(f"/spaces/{space().id}").text
