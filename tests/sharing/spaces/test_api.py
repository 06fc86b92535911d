"""Rooms, free times and bookings as programs find, make, move and cancel them."""

import itertools
import threading

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role
from marketplace.kernel import db
from marketplace.kernel.geo import Point
from marketplace.sharing.spaces.models import Booking, BookingState, Feature
from tests.factories import bearer, booking, building, march, person, space


def wish(room, start="2027-03-02T10:00:00+09:00", minutes=120, **more):
    """What a program sends to book a room, by default on Tuesday from 10 to 12."""
    return {
        "space": room.id, "start": start, "minutes": minutes, "people": 5, "purpose": "Reading", "rules_accepted": True,
        **more,
    }  # fmt: skip


def items(browser, **asked):
    answer = browser.get("/api/v1/spaces", query_string=asked)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["items"]


def times(told):
    """A day's or a refusal's times as people say them."""
    return [f"{one['starts_at'][5:16]} {one['ends_at'][11:16]}" for one in told]


def count(state=None):
    query = sa.select(sa.func.count(Booking.id))
    return db.session.scalar(query.where(Booking.state == state) if state else query)


# --- rooms ---


def test_rooms_free_then_come_first_and_the_others_tell_when(browser):
    taken, free = space("A", capacity=10), space("B", capacity=30)
    booking(taken, march(2, 10, 12))

    first, second = items(browser, date="2027-03-02", **{"from": "10:00", "to": "12:00"})

    assert (first["id"], second["id"]) == (free.id, taken.id)
    assert times([first["free"]]) == ["03-02T10:00 12:00"]
    assert first["next_free"] == first["free"]
    assert second["free"] is None
    assert times([second["next_free"]]) == ["03-02T12:00 14:00"]


def test_without_a_time_every_room_tells_when_it_is_free_next(browser):
    space()

    (told,) = items(browser)

    assert told["free"] is None
    assert times([told["next_free"]]) == ["03-01T09:00 10:00"]


def test_the_questions_of_the_page_are_the_questions_of_the_api(browser):
    hall = building("Town hall", point=Point(37.55, 127.05), step_free=True)
    wanted = space("Piano room", building=hall, features=[Feature.PIANO, Feature.SOUND], capacity=50)
    space("Cellar", capacity=5)

    asked = {
        "q": "piano", "people": 40, "needs": ["piano", "sound"], "access": "step_free", "kind": "meeting",
        "building": hall.id, "near": "Town hall", "free": "true", "date": "2027-03-02", "minutes": 90,
    }  # fmt: skip
    (told,) = items(browser, **asked)

    assert told["id"] == wanted.id
    assert told["metres"] == 0
    assert told["features"] == ["piano", "sound"]
    assert items(browser, **asked | {"people": 60}) == []


def test_a_name_that_no_building_has_is_refused(browser):
    answer = browser.get("/api/v1/spaces?near=nowhere")

    assert answer.status_code == 422
    assert answer.get_json()["type"] == "/api#no_such_place"
    assert list(answer.get_json()["errors"]) == ["near"]


@pytest.mark.parametrize("asked", [{}, {"date": "2027-03-02", "from": "10:00", "to": "12:00"}])
def test_parts_of_the_list_add_up_to_all_of_it(browser, asked):
    rooms = [space(f"Room {n}", capacity=n // 2 + 1) for n in range(7)]
    booking(rooms[0], march(2, 10, 12), people=1)
    booking(rooms[6], march(2, 10, 12), people=1)
    every = [one["id"] for one in items(browser, **asked)]

    found = [one["id"] for one in browser.items("/api/v1/spaces", limit=2, **asked)]

    assert found == every
    assert len(set(found)) == 7


def test_a_room_taken_between_two_parts_hides_no_other(browser):
    rooms = [space(f"Room {n}") for n in range(6)]
    asked = {"limit": 2, "date": "2027-03-02", "from": "10:00", "to": "12:00"}
    first = browser.get("/api/v1/spaces", query_string=asked).get_json()

    booking(rooms[1], march(2, 10, 12))
    second = browser.get("/api/v1/spaces", query_string=asked | {"cursor": first["next"]}).get_json()

    assert [one["id"] for one in first["items"]] == [rooms[0].id, rooms[1].id]
    assert {rooms[2].id, rooms[3].id} & {one["id"] for one in second["items"]}


def test_a_room_tells_its_hours_and_rules(browser):
    made = space(hours={0: [(9, 12), (13, 24)]}, closed_days=[(0, 2)], base_minutes=120, base_fee=10_000)

    told = browser.get(f"/api/v1/spaces/{made.id}").get_json()

    assert told["hours"] == [
        {"weekday": 0, "opens": "09:00", "closes": "12:00"},
        {"weekday": 0, "opens": "13:00", "closes": "24:00"},
    ]
    assert told["closed_days"] == [{"weekday": 0, "nth": 2}]
    assert (told["base_minutes"], told["base_fee"], told["currency"]) == (120, 10_000, "KRW")
    assert told["building"]["id"] == made.building_id


def test_a_room_that_is_not_offered_is_not_there(browser):
    hidden = space(open=False)
    manager = bearer(person(roles=[(Role.MANAGER, hidden.building)]))
    address = f"/api/v1/spaces/{hidden.id}"

    for path in (address, f"{address}/free-times"):
        assert browser.get(path).status_code == 404
        assert browser.get(path, headers=manager).status_code == 200
    assert items(browser) == []


def test_free_times_are_those_that_can_be_booked(browser):
    room = space(hours={1: [(9, 13)], 2: [(9, 13)]}, base_minutes=120, base_fee=3000)
    booking(room, march(2, 10, 12))

    told = browser.get(f"/api/v1/spaces/{room.id}/free-times?from=2027-03-01&days=3&minutes=120").get_json()

    assert [day["date"] for day in told["days"]] == ["2027-03-01", "2027-03-02", "2027-03-03"]
    assert [day["holiday"] for day in told["days"]] == [True, False, False]
    assert [times(day["times"]) for day in told["days"]] == [
        [], [], ["03-03T09:00 11:00", "03-03T10:00 12:00", "03-03T11:00 13:00"],
    ]  # fmt: skip
    assert told["fee"] == 3000


def test_free_times_of_a_length_that_is_never_booked_are_refused(browser):
    path = f"/api/v1/spaces/{space(min_minutes=60, max_minutes=120).id}/free-times"

    for minutes, code in ((30, "too_short"), (180, "too_long")):
        answer = browser.get(f"{path}?minutes={minutes}")
        assert answer.status_code == 422
        assert answer.get_json()["type"] == f"/api#{code}"
    assert browser.get(path).get_json()["minutes"] == 60
    assert browser.get(f"{path}?days=32").status_code == 422


def test_a_longer_list_asks_the_database_no_more(browser, statements):
    resident = person()
    headers = bearer(resident)

    def asked():
        browser.get("/api/v1/bookings", headers=headers)  # puts down today's use of the token
        with statements() as seen:
            browser.get("/api/v1/spaces?limit=100&date=2027-03-02&from=10:00&to=12:00&latitude=37.5&longitude=127")
            browser.get("/api/v1/bookings?limit=100", headers=headers)
        return len(seen)

    booking(space(), march(2, 10, 12), by=resident)
    space()
    few = asked()
    for day in range(3, 13):
        booking(space(), march(day, 10, 12), by=resident)
        booking(space(), march(2, 10, 12))

    assert asked() == few


# --- bookings ---


def test_a_booking_is_made_read_moved_and_cancelled(browser, letters):
    room, resident = space(base_fee=3000), person()
    headers = bearer(resident)

    made = browser.post("/api/v1/bookings", json=wish(room), headers=headers)
    told = made.get_json()
    assert made.status_code == 201
    assert (told["state"], told["fee"], told["people"], told["purpose"]) == ("confirmed", 6000, 5, "Reading")
    assert times([told]) == ["03-02T10:00 12:00"]
    address = made.headers["Location"]
    read = browser.get(address, headers=headers)
    assert read.get_json() == told
    assert read.headers["ETag"] == made.headers["ETag"]

    change = {"start": "2027-03-03T10:00:00+09:00", "minutes": 60, "version": told["version"]}
    moved = browser.patch(address, json=change, headers=headers)
    assert moved.status_code == 200
    assert (times([moved.get_json()]), moved.get_json()["fee"]) == (["03-03T10:00 11:00"], 3000)

    gone = browser.delete(address, headers=headers)
    assert (gone.status_code, gone.data) == (204, b"")
    assert browser.get(address, headers=headers).get_json()["state"] == "cancelled"
    assert len(letters()) == 3


def test_a_room_that_needs_an_answer_is_asked_for(browser):
    told = browser.post("/api/v1/bookings", json=wish(space(by_request=True)), headers=bearer(person())).get_json()

    assert told["state"] == "requested"
    assert told["due_at"] == "2027-03-02T10:00:00+09:00"


def test_someone_who_lost_the_race_is_offered_other_times_and_rooms(browser):
    hall = building(point=Point(37.55, 127.05))
    room, other = space("A", building=hall, hours={1: [(9, 17)]}), space("B", building=hall)
    booking(room, march(2, 10, 12))
    other_id = other.id

    answer = browser.post("/api/v1/bookings", json=wish(room), headers=bearer(person()))
    told = answer.get_json()

    assert (answer.status_code, told["type"]) == (409, "/api#already_taken")
    assert times(told["alternatives"]["times"]) == ["03-02T12:00 14:00", "03-02T13:00 15:00", "03-02T14:00 16:00"]
    assert [one["space"] for one in told["alternatives"]["rooms"]] == [other_id]
    assert told["alternatives"]["rooms"][0]["metres"] == 0
    assert count() == 1


@pytest.mark.parametrize(
    ("rules", "more", "code", "fact"),
    [
        ({"notice_days": 5}, {}, "too_soon", {"days": 5, "earliest": "2027-03-06T09:00:00+09:00"}),
        ({"horizon_days": 0}, {}, "too_far", {"days": 0, "opens": "2027-03-02T00:00:00+09:00"}),
        ({"hours": {2: [(9, 12)]}}, {}, "closed_until", {"earliest": "2027-03-03T09:00:00+09:00"}),
        ({"min_minutes": 180}, {}, "too_short", {"length_minutes": 180}),
        ({"max_minutes": 60}, {}, "too_long", {"length_minutes": 60}),
        ({}, {"start": "2027-03-02T10:30:00+09:00"}, "off_raster", {"length_minutes": 60}),
        ({"capacity": 4}, {}, "too_many_people", {"capacity": 4}),
        ({}, {"start": "2027-02-28T10:00:00+09:00"}, "in_the_past", {}),
    ],
)
def test_a_refusal_names_the_rule_and_when_it_would_be_kept(browser, rules, more, code, fact):
    answer = browser.post("/api/v1/bookings", json=wish(space(**rules), **more), headers=bearer(person()))
    told = answer.get_json()

    assert (answer.status_code, told["type"]) == (422, f"/api#{code}")
    assert fact.items() <= told.items()
    assert count() == 0


def test_a_booking_beyond_the_last_or_before_the_first_calendar_is_refused(browser):
    headers, body = bearer(person()), wish(space())
    for start in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2031-01-01T00:00:00Z"):
        answer = browser.post("/api/v1/bookings", json=body | {"start": start}, headers=headers)
        assert answer.status_code == 422
        assert list(answer.get_json()["errors"]) == ["start"]


def test_an_unknown_room_and_an_unconfirmed_address_are_refused(browser):
    resident, body = person(), wish(space())
    headers, resident_id = bearer(resident), resident.id

    unknown = browser.post("/api/v1/bookings", json=body | {"space": 2**31 - 1}, headers=headers)
    db.session.get_one(Person, resident_id).confirmed_at = None
    unconfirmed = browser.post("/api/v1/bookings", json=body, headers=headers)

    assert (unknown.status_code, unknown.get_json()["type"]) == (404, "/api#not_found")
    assert (unconfirmed.status_code, unconfirmed.get_json()["type"]) == (409, "/api#confirm_address_first")


def test_a_change_to_a_taken_time_leaves_the_booking_where_it_was(browser):
    room, resident = space(), person()
    made = booking(room, march(2, 10, 12), by=resident)
    booking(room, march(3, 10, 12))
    address, headers = f"/api/v1/bookings/{made.reference}", bearer(resident)

    change = {"start": "2027-03-03T10:00:00+09:00", "minutes": 120, "version": made.version}
    answer = browser.patch(address, json=change, headers=headers)

    assert (answer.status_code, answer.get_json()["type"]) == (409, "/api#already_taken")
    assert "03-03T12:00 14:00" in times(answer.get_json()["alternatives"]["times"])
    assert times([browser.get(address, headers=headers).get_json()]) == ["03-02T10:00 12:00"]


def test_a_change_to_what_someone_else_changed_is_refused(browser):
    resident = person()
    made = booking(space(), march(2, 10, 12), by=resident)
    address, headers = f"/api/v1/bookings/{made.reference}", bearer(resident)
    tag = browser.get(address, headers=headers).headers["ETag"]
    change = {"start": "2027-03-03T10:00:00+09:00", "minutes": 60, "version": made.version}

    assert browser.patch(address, json=change, headers={**headers, "If-Match": tag}).status_code == 200
    stale = browser.patch(address, json=change, headers=headers)
    unmatched = browser.delete(address, headers={**headers, "If-Match": tag})

    assert (stale.status_code, stale.get_json()["type"]) == (409, "/api#changed_meanwhile")
    assert (unmatched.status_code, unmatched.get_json()["type"]) == (412, "/api#read_again")
    assert browser.delete(address, headers={**headers, "If-Match": "*"}).status_code == 204


def test_what_is_cancelled_or_too_late_stays_as_it_is(browser, monday):
    resident = person()
    made = booking(space(cancel_hours=24), march(3, 10, 12), by=resident)
    address, headers = f"/api/v1/bookings/{made.reference}", bearer(resident)

    monday(march(2, 11, 12).starts_at)
    late = browser.delete(address, headers=headers)
    monday(march(1, 11, 12).starts_at)
    assert browser.delete(address, headers=headers).status_code == 204
    twice = browser.delete(address, headers=headers)

    assert (late.status_code, late.get_json()["type"]) == (409, "/api#too_late_to_cancel")
    assert late.get_json()["until"] == "2027-03-02T10:00:00+09:00"
    assert (twice.status_code, twice.get_json()["type"]) == (409, "/api#no_longer_open")


def test_bookings_of_others_are_not_there_except_for_who_manages_the_room(browser):
    room = space()
    made = booking(room, march(2, 10, 12))
    address = f"/api/v1/bookings/{made.reference}"
    manager = bearer(person(roles=[(Role.MANAGER, room.building)]))
    stranger = bearer(person())
    change = {"start": "2027-03-03T10:00:00+09:00", "minutes": 60, "version": made.version}

    assert browser.get(address, headers=stranger).status_code == 404
    assert browser.patch(address, json=change, headers=stranger).status_code == 404
    assert browser.delete(address, headers=stranger).status_code == 404
    assert browser.get(address, headers=manager).status_code == 200
    assert browser.delete(address, headers=manager).status_code == 403
    assert browser.get("/api/v1/bookings", headers=manager).get_json()["items"] == []


@pytest.mark.parametrize("when", ["upcoming", "past"])
def test_ones_own_bookings_in_parts(browser, when, monday):
    room, resident = space(), person()
    references = [booking(room, march(day, 10, 12), by=resident).reference for day in (4, 2, 5, 3)]
    booking(room, march(6, 10, 12))
    soonest = [references[n] for n in (1, 3, 0, 2)]
    headers = bearer(resident)
    if when == "past":
        monday(march(20, 10, 12).starts_at)

    found = [one["reference"] for one in browser.items("/api/v1/bookings", headers, when=when, limit=3)]

    assert found == (soonest if when == "upcoming" else soonest[::-1])


# --- nothing twice ---


def test_the_same_request_sent_again_is_done_once(browser):
    headers, body = bearer(person()) | {"Idempotency-Key": "one"}, wish(space())

    answers = [browser.post("/api/v1/bookings", json=body, headers=headers) for _ in range(5)]

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert [answer.headers.get("Idempotent-Replay") for answer in answers] == [None, *["true"] * 4]
    assert count() == 1


def test_a_key_means_one_request_of_one_person(browser):
    room, mine, theirs = space(), bearer(person()), bearer(person())
    key = {"Idempotency-Key": "one"}
    browser.post("/api/v1/bookings", json=wish(room), headers=mine | key)

    other = browser.post("/api/v1/bookings", json=wish(room, minutes=60), headers=mine | key)
    else_ = browser.post("/api/v1/bookings", json=wish(room, "2027-03-04T10:00:00+09:00"), headers=theirs | key)

    assert (other.status_code, other.get_json()["type"]) == (409, "/api#other_request")
    assert else_.status_code == 201


def test_a_refusal_may_be_tried_again_with_its_key(browser):
    body, headers, someone = wish(room := space()), bearer(person()) | {"Idempotency-Key": "one"}, person()
    taken, theirs = f"/api/v1/bookings/{booking(room, march(2, 10, 12), by=someone).reference}", bearer(someone)

    refused = browser.post("/api/v1/bookings", json=body, headers=headers)
    browser.delete(taken, headers=theirs)
    done = browser.post("/api/v1/bookings", json=body, headers=headers)

    assert (refused.status_code, done.status_code) == (409, 201)


def at_once(app, requests):
    """The answers to requests that are all sent in the same instant, each (body, headers)."""
    barrier, answers = threading.Barrier(len(requests)), []

    def send(body, headers):
        client = app.test_client()
        barrier.wait(30)
        answers.append(client.post("/api/v1/bookings", json=body, headers=headers))

    senders = [threading.Thread(target=send, args=request) for request in requests]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    return answers


def test_the_same_request_twenty_times_at_once_is_done_once(app, live_database):
    body, headers = wish(space()), bearer(person()) | {"Idempotency-Key": "one"}
    db.session.commit()

    answers = at_once(app, [(body, headers)] * 20)

    assert [answer.status_code for answer in answers] == [201] * 20
    assert len({answer.data for answer in answers}) == 1
    assert count() == 1


def test_twenty_people_at_once_get_one_room_once(app, live_database):
    body = wish(space())
    tokens = [bearer(person()) for _ in range(20)]
    db.session.commit()

    answers = at_once(app, [*zip(itertools.repeat(body, 20), tokens, strict=True)])

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert {answer.get_json()["type"] for answer in answers if answer.status_code == 409} == {"/api#already_taken"}
    assert count(BookingState.CONFIRMED) == 1
