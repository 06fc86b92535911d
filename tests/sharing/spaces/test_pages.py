"""The pages of rooms, for residents and for those who run the building, and every wrong way to use them."""

import multiprocessing
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
import sqlalchemy as sa

from marketplace import create_app
from marketplace.civic.accounts.models import PersonSession, Role
from marketplace.kernel import clock, credentials, db, occupancy
from marketplace.kernel.geo import Point
from marketplace.kernel.occupancy import Kind as Holding
from marketplace.settings import Settings
from marketplace.sharing.spaces.models import Booking, BookingState, Closure, Feature, Space
from marketplace.sharing.spaces.queries import bookings as queries
from marketplace.sharing.spaces.queries import rooms
from marketplace.sharing.spaces.service import bookings
from marketplace.sharing.spaces.service import rooms as running
from tests import factories
from tests.conftest import Browser
from tests.factories import PASSWORD, march

EVENING = march(2, 18, 20)
START = "2027-03-02T18:00:00+09:00"
DETAILS = {"people": "5", "purpose": "A reading circle", "rules_accepted": "yes"}
HUGE = "가" * 100_000


def text(answer) -> str:
    return answer.get_data(as_text=True)


def saved(query):
    """What the database says once the page is done."""
    db.session.expire_all()
    return db.session.scalars(query).all()


@pytest.fixture
def resident(browser):
    """Someone signed in, by id: what a test made is forgotten between pages."""
    made = factories.person("Jiwoo Park", "jiwoo@example.org")
    factories.sign_in(browser, made)
    return made


def run_by(browser, room: Space):
    """Sign in as someone who runs the building of a room."""
    manager = factories.person("Manager", roles=[(Role.MANAGER, room.building)])
    factories.sign_in(browser, manager)
    return manager


def hold(browser, room_id: int, start: str = START, minutes: object = 120, **more):
    return browser.send(f"/spaces/{room_id}/hold", start=start, minutes=minutes, **more)


# --- search ---


@pytest.mark.parametrize("query", [
    {}, {"date": "2027-03-02"}, {"date": "2027-03-02", "from": "18:00", "to": "20:00"},
    {"date": "2027-03-02", "from": "18:00", "to": "00:00", "minutes": "120"}, {"date": "2027-03-02", "to": "20:00"},
    {"date": "2027-03-02", "from": "18:00"}, {"date": "2027-02-01"}, {"date": "2029-01-01"},
    {"people": "20", "needs": ["piano", "projector"], "access": ["step_free", "lift"], "kind": "meeting"},
    {"q": "도서관 reading", "near": "Riverside", "district": "1", "building": "1", "free": "yes"},
    {"latitude": "37.5", "longitude": "127.0"}, {"district": "999999"}, {"unknown": "1"}, {"q": "'\"<script>"},
    {"date": "2027-03-02", "from": "18:00", "to": "20:00", "show": "others"}, {"language": "ko"},
])  # fmt: skip
def test_every_question_has_a_page(browser, query):
    library = factories.building(point=Point(37.5, 127.0))
    factories.space(building=library, features=[Feature.PIANO])

    answer = browser.get(f"/spaces/?{urlencode(query, doseq=True)}")

    assert answer.status_code == 200
    assert "<script>" not in text(answer).replace("</script>", "").split("<main")[1].split("</main>")[0]


@pytest.mark.parametrize(("query", "sentence"), [
    ({"date": "0001-01-01"}, "Choose a date in the next months."),
    ({"date": "9999-12-31"}, "Choose a date in the next months."),
    ({"date": "yesterday"}, "Enter a date, such as 2027-06-04."),
    ({"date": "2027-02-30"}, "Enter a date, such as 2027-06-04."),
    ({"date": "2027-03-02", "from": "20:00", "to": "18:00"}, "The end is before the start."),
    ({"date": "2027-03-02", "from": "20:00", "to": "20:00"}, "The end is before the start."),
    ({"date": "2027-03-02", "from": "25:00"}, "Enter a time, such as 14:00."),
    ({"from": "18:00"}, "Choose the day as well."),
    ({"minutes": "60"}, "Choose the day as well."),
    ({"date": "2027-03-02", "minutes": "1"}, "Enter a number from 15 to 1440."),
    ({"people": "0"}, "Enter a number from 1 to 100000."),
    ({"people": "9" * 400}, "Enter a number from 1 to 100000."),
    ({"people": "many"}, "Enter a whole number."),
    ({"needs": "swimming pool"}, "Choose one of: projector, "),
    ({"access": "lift; --"}, "Choose one of the answers offered."),
    ({"kind": "castle"}, "Choose one of: multipurpose, "),
    ({"district": "99999999999999999999"}, "Enter a number from"),
    ({"near": "Atlantis"}, "No public building of that name is known."),
    ({"latitude": "91", "longitude": "0"}, "Enter a number from -90 to 90."),
    ({"latitude": "nan", "longitude": "0"}, "Enter"),
    ({"latitude": "37.5"}, "A point has a latitude and a longitude."),
    ({"q": "\0"}, "There is a problem"),
    ({"q": HUGE}, "Enter at most 200 characters."),
])  # fmt: skip
def test_nonsense_is_explained_beside_what_was_typed(browser, query, sentence):
    factories.space()

    answer = browser.get(f"/spaces/?{urlencode(query, doseq=True)}")

    assert answer.status_code == 422
    assert sentence in text(answer)


@pytest.mark.parametrize("page", ["0", "2", "-1", "1e3", "9" * 30, "x"])
def test_a_page_that_does_not_exist_is_not_found(browser, page):
    factories.space()

    assert browser.get(f"/spaces/?page={page}").status_code == 404


def test_free_rooms_come_first_and_the_others_with_their_next_free_time(browser):
    room, other = factories.space("Free room"), factories.space("Taken room")
    occupancy.claim(other.resource_id, EVENING, kind=Holding.BOOKING)

    page = text(browser.get("/spaces/?date=2027-03-02&from=18:00&to=20:00"))

    assert "1 room is free" in page
    assert "Free 18:00–20:00" in page
    assert "Also here, not free then" in page
    assert "Next free Tue 2 March, 20:00 to 22:00" in page
    assert page.index("Free room") < page.index("Taken room")
    assert f"/spaces/{room.id}?date=2027-03-02&amp;minutes=120" in page


def test_rooms_are_shown_twenty_a_page(browser):
    for n in range(21):
        factories.space(f"Room number {n:02}.")

    first, second = (text(browser.get(f"/spaces/?page={page}")) for page in (1, 2))

    assert len(re.findall(r'id="room-', first)) == 20
    assert len(re.findall(r'id="room-', second)) == 1


# --- a room ---


def test_a_room_shows_its_facts_rules_and_free_times(browser):
    room = factories.space("Blue room", base_minutes=120, base_fee=10_000, house_rules="No shoes.", notice_days=1)
    occupancy.claim(room.resource_id, EVENING, kind=Holding.BOOKING)

    page = text(browser.get(f"/spaces/{room.id}?date=2027-03-02&minutes=120"))

    for words in (
        "Blue room",
        "up to 20 people",
        "₩10,000 for each 2 hours begun",
        "No shoes.",
        "Book 1 to 90 days ahead.",
    ):
        assert words in page
    assert 'value="2027-03-02T01:00:00+00:00"' in page
    assert 'value="2027-03-02T09:00:00+00:00"' not in page


def test_a_length_from_the_search_may_be_chosen_even_between_two_steps(browser):
    room = factories.space()

    page = text(browser.get(f"/spaces/{room.id}?date=2027-03-02&minutes=90"))

    assert '<option value="90" selected>' in page
    assert '<option value="45"' not in text(browser.get(f"/spaces/{room.id}?minutes=45"))


@pytest.mark.parametrize(
    "query", ["date=0001-01-01", "date=9999-12-31", "date=x", "minutes=x", "minutes=99999999", "people=-1"]
)
def test_nonsense_about_a_room_is_explained(browser, query):
    assert browser.get(f"/spaces/{factories.space().id}?{query}").status_code == 422


@pytest.mark.parametrize("path", ["/spaces/99", "/spaces/0", "/spaces/-1", "/spaces/99999999999999999999", "/spaces/x"])
def test_a_room_that_is_not_there_is_not_found(browser, path):
    assert browser.get(path).status_code == 404


def test_a_room_not_offered_is_hidden_from_all_but_its_managers(browser, resident):
    room_id = factories.space(open=False).id
    assert browser.get(f"/spaces/{room_id}").status_code == 404
    assert hold(browser, room_id).status_code == 404

    run_by(browser, rooms.get_space(room_id))
    assert "Not offered at present" in text(browser.get(f"/spaces/{room_id}"))


def test_a_room_always_closed_says_so(browser):
    room = factories.space(hours={})

    assert "The room is closed on all of these days." in text(browser.get(f"/spaces/{room.id}"))


# --- holding and sending ---


def test_from_a_time_to_a_booking(browser, resident):
    room_id = factories.space("Blue room").id

    held = hold(browser, room_id, people="5")
    assert held.status_code == 303
    form = text(browser.get(held.location))
    assert "This time is held for you until <strong>09:10</strong>." in form
    assert 'value="5"' in form
    sent = browser.send(held.location, **DETAILS)

    assert sent.status_code == 303
    page = text(browser.get(sent.location))
    (booking,) = saved(sa.select(Booking))
    assert "The room is booked" in page
    assert booking.reference in page
    assert (booking.state, booking.people) == (BookingState.CONFIRMED, 5)
    assert browser.get(held.location).location.endswith(f"/spaces/bookings/{booking.reference}")
    mine = text(browser.get("/spaces/bookings"))
    assert "Tue 2 March, 18:00 to 20:00" in mine
    entry = browser.get(f"/spaces/bookings/{booking.reference}/booking.ics")
    assert entry.content_type == "text/calendar; charset=utf-8"
    assert "STATUS:CONFIRMED" in text(entry)


def test_who_signs_in_on_the_way_loses_nothing(browser):
    room_id = factories.space().id
    factories.person(email="jiwoo@example.org")

    asked = hold(browser, room_id, people="7")
    assert asked.status_code == 303
    entered = browser.send(asked.location, email="jiwoo@example.org", password=PASSWORD)
    page = text(browser.get(entered.location))
    fields = dict(re.findall(r'name="(start|minutes|people)" value="([^"]*)"', page))
    assert fields == {"start": START, "minutes": "120", "people": "7"}
    assert f'action="/spaces/{room_id}/hold"' in page
    held = browser.send(f"/spaces/{room_id}/hold", **fields)

    assert held.status_code == 303
    assert 'value="7"' in text(browser.get(held.location))
    assert len(saved(sa.select(Booking))) == 1


def test_a_form_sent_twice_makes_one_booking(browser, resident):
    room_id = factories.space().id

    first, second = (hold(browser, room_id, _key="the same") for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    sent = [browser.send(first.location, _key="another", **DETAILS) for _ in range(2)]

    assert sent[0].location == sent[1].location
    assert len(saved(sa.select(Booking))) == 1


def test_what_someone_just_took_is_told_with_alternatives(browser, resident):
    room_id = factories.space().id
    other_id = factories.space("Green room").id
    factories.booking(rooms.get_space(room_id), EVENING)

    answer = hold(browser, room_id, people="5")

    assert answer.status_code == 409
    page = text(answer)
    assert "Someone just took that time." in page
    assert "What you could do instead" in page
    assert "Tue 2 March, 16:00 to 18:00" in page
    assert f"/spaces/{other_id}?date=2027-03-02&amp;minutes=120&amp;people=5" in page


@pytest.mark.parametrize(("start", "minutes", "status"), [
    ("2027-03-02T18:30:00+09:00", 60, 422),  # between two steps
    ("2027-03-02T18:00:01+09:00", 60, 422),
    ("2027-03-02T18:00:00", 60, 422),  # no zone
    ("2027-03-02T18:00:00Z", 60, 422),  # 3 in the morning
    ("0001-01-01T00:00:00+09:00", 60, 422),
    ("9999-12-31T23:59:59+09:00", 60, 422),
    ("2026-03-02T18:00:00+09:00", 60, 422),  # past
    ("2028-03-02T18:00:00+09:00", 60, 422),  # beyond the horizon
    ("now", 60, 422),
    ("", 60, 422),
    (HUGE, 60, 422),
    (START, 0, 422),
    (START, -60, 422),
    (START, "1e9", 422),
    (START, 10_080, 422),
    (START, "9" * 5000, 422),
    (START, "", 422),
    (START, HUGE, 422),
])  # fmt: skip
def test_forged_times_are_refused_and_nothing_is_held(browser, resident, start, minutes, status):
    room_id = factories.space().id

    answer = hold(browser, room_id, start, minutes)

    assert answer.status_code == status
    assert "There is a problem" in text(answer)
    assert saved(sa.select(Booking)) == []


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"people": ""}, "Enter how many people will come."), ({"people": "21"}, "This room holds 20 people."),
    ({"people": "0"}, "Enter a number from 1"), ({"purpose": ""}, "Enter what you will use the room for."),
    ({"purpose": HUGE[:60_000]}, "Enter 1 to 500 characters."),
    ({"rules_accepted": ""}, "Confirm that you have read the rules and will keep them."),
])  # fmt: skip
def test_what_is_missing_is_said_and_what_was_typed_is_kept(browser, resident, fields, sentence):
    held = hold(browser, factories.space().id)

    answer = browser.send(held.location, **DETAILS | fields)

    assert answer.status_code == 422
    assert sentence in text(answer)
    if "purpose" not in fields:
        assert "A reading circle" in text(answer)
    assert browser.send(held.location, **DETAILS).status_code == 303


def test_odd_letters_do_no_harm(browser, resident):
    held = hold(browser, factories.space().id)

    answer = browser.send(held.location, **DETAILS | {"purpose": "<b>\0{name}%s 🎉 '; --"})

    assert answer.status_code in (303, 422)
    if answer.status_code == 303:
        assert "<b>" not in text(browser.get(answer.location))


def test_a_body_of_ten_megabytes_is_refused(browser, resident):
    room_id = factories.space().id

    answer = browser.post(f"/spaces/{room_id}/hold", data={"csrf_token": browser.token(), "start": "x" * 10_000_000})

    assert answer.status_code == 413
    assert "That is too much at once" in text(answer)


def test_who_was_too_slow_reads_what_else_is_free(browser, resident, monday):
    room_id = factories.space().id
    held = hold(browser, room_id)
    monday(clock.now() + timedelta(minutes=11))
    bookings.lapse()
    factories.booking(rooms.get_space(room_id), EVENING)

    answer = browser.send(held.location, **DETAILS)

    assert answer.status_code == 409
    page = text(answer)
    assert "The ten minutes for which this time was kept have run out." in page
    assert "A reading circle" in page
    assert "Tue 2 March, 16:00 to 18:00" in page


def test_who_was_slow_but_lucky_still_books(browser, resident, monday):
    held = hold(browser, factories.space().id)
    monday(clock.now() + timedelta(minutes=11))
    bookings.lapse()

    assert browser.get(held.location).status_code == 200
    assert browser.send(held.location, **DETAILS).status_code == 303


def test_a_time_left_is_free_again(browser, resident):
    room_id = factories.space().id
    held = hold(browser, room_id)
    details = held.location

    left = browser.send(details.replace("/details", "/leave"))

    assert left.location.startswith(f"/spaces/{room_id}")
    assert hold(browser, room_id).status_code == 303
    assert browser.get(details).status_code == 303  # there is nothing to fill in any more
    assert browser.send(details, **DETAILS).status_code in (303, 409)
    assert browser.send(details.replace("/details", "/leave")).status_code == 409


def test_a_newcomer_fills_in_but_confirms_the_address_before_sending(browser):
    factories.sign_in(browser, factories.person(confirmed=False))
    held = hold(browser, factories.space().id)
    assert held.status_code == 303

    answer = browser.send(held.location, **DETAILS)

    assert answer.status_code in (403, 409, 422)
    assert "confirm your e-mail address" in text(answer)
    assert [booking.state for booking in saved(sa.select(Booking))] == [BookingState.HELD]


# --- one's bookings ---


def test_a_booking_is_moved_and_cancelled_on_its_pages(browser, resident):
    room = factories.space()
    reference = factories.booking(room, march(10, 18, 20), by=resident).reference
    path = f"/spaces/bookings/{reference}"

    form = text(browser.get(f"{path}/change"))
    version = re.search(r'name="version" value="(\d+)"', form)
    assert version
    assert 'value="2027-03-10T09:00:00+00:00"' in form  # its own time is no obstacle
    moved = browser.send(f"{path}/change", start="2027-03-11T18:00:00+09:00", minutes="60", version=version[1])
    assert moved.status_code == 303
    page = text(browser.get(moved.location))
    assert "Your booking has been moved." in page
    assert "Thu 11 March, 18:00 to 19:00" in page
    assert "Cancel the booking" in text(browser.get(f"{path}/cancel"))
    assert browser.send(f"{path}/cancel").status_code == 303

    assert queries.get_booking(reference).state is BookingState.CANCELLED
    assert reference not in text(browser.get("/spaces/bookings"))
    assert reference in text(browser.get("/spaces/bookings?show=past"))
    for action in ("change", "cancel", "details"):
        assert browser.get(f"{path}/{action}").status_code in (200, 303)
    assert browser.send(f"{path}/cancel").status_code == 409


def test_a_move_onto_someone_else_keeps_the_old_time(browser, resident):
    room = factories.space()
    mine = factories.booking(room, march(10, 18, 20), by=resident)
    reference, version = mine.reference, mine.version
    factories.booking(room, march(11, 18, 20))

    answer = browser.send(
        f"/spaces/bookings/{reference}/change", start="2027-03-11T19:00:00+09:00", minutes="60", version=version
    )

    assert answer.status_code == 409
    assert "Someone just took that time." in text(answer)
    assert queries.get_booking(reference).interval == march(10, 18, 20)


@pytest.mark.parametrize("version", ["0", "99", "-1"])
def test_who_moves_what_changed_meanwhile_is_told(browser, resident, version):
    reference = factories.booking(factories.space(), march(10, 18, 20), by=resident).reference

    answer = browser.send(
        f"/spaces/bookings/{reference}/change", start="2027-03-11T18:00:00+09:00", minutes="60", version=version
    )

    assert answer.status_code == 409
    assert "Someone changed this while you were looking at it." in text(answer)


def test_after_the_deadline_the_pages_say_whom_to_call(browser, resident, monday):
    library = factories.building(phone="02-123-4567")
    booking = factories.booking(factories.space(building=library), march(10, 18, 20), by=resident)
    path, version = f"/spaces/bookings/{booking.reference}", booking.version
    monday(march(10, 12, 13).starts_at)

    for action in ("", "/change", "/cancel"):
        assert "02-123-4567" in text(browser.get(path + action))
    assert browser.send(f"{path}/cancel").status_code == 409
    late = browser.send(f"{path}/change", start="2027-03-11T18:00:00+09:00", minutes="60", version=version)
    assert late.status_code == 409
    assert "may be cancelled or changed until Tue 9 March, 18:00" in text(late)


OWN_PAGES = ["", "/details", "/change", "/cancel", "/booking.ics"]


@pytest.mark.parametrize("page", OWN_PAGES)
def test_other_peoples_bookings_do_not_exist(browser, resident, page):
    reference = factories.booking(factories.space(), march(10, 18, 20)).reference

    assert browser.get(f"/spaces/bookings/{reference}{page}").status_code == 404
    if page in OWN_PAGES[1:4]:
        assert browser.send(f"/spaces/bookings/{reference}{page}", **DETAILS).status_code == 404
    assert browser.send(f"/spaces/bookings/{reference}/leave").status_code == 404
    assert queries.get_booking(reference).state is BookingState.CONFIRMED


@pytest.mark.parametrize(
    "reference", ["NOTHING1", "x" * 3000, "\0", "%", "예약", "../staff", "\ud800".encode("utf-8", "surrogatepass")]
)
def test_a_reference_of_nothing_is_not_found(browser, resident, reference):
    assert browser.get(f"/spaces/bookings/{quote(reference, safe='')}/change").status_code == 404


def test_a_manager_reads_a_booking_but_does_not_move_it(browser):
    room = factories.space()
    reference = factories.booking(room, march(10, 18, 20)).reference
    run_by(browser, room)

    page = text(browser.get(f"/spaces/bookings/{reference}"))
    assert "Booked by" in page
    assert "Change the time" not in page
    assert browser.get(f"/spaces/bookings/{reference}/cancel").status_code == 403
    assert browser.send(f"/spaces/bookings/{reference}/cancel").status_code == 403


# --- the building ---


def test_a_request_is_answered_at_the_desk(browser):
    room = factories.space(by_request=True)
    first, second = (factories.booking(room, march(day, 18, 20)).reference for day in (10, 11))
    run_by(browser, room)
    assert first in text(browser.get("/spaces/staff/"))

    path = f"/spaces/staff/bookings/{first}"
    assert "A reading circle" in text(browser.get(path))
    assert browser.send(path).status_code == 422
    assert browser.send(path, answer="maybe").status_code == 422
    refused = browser.send(path, answer="decline")
    assert refused.status_code == 422
    assert "Give the reason; the resident reads it." in text(refused)
    assert browser.send(path, answer="accept").status_code == 303
    assert browser.send(path, answer="accept").status_code == 409
    assert browser.send(f"/spaces/staff/bookings/{second}", answer="decline", reason="Full").status_code == 303

    assert queries.get_booking(first).state is BookingState.CONFIRMED
    assert queries.get_booking(second).reason == "Full"
    assert first in text(browser.get("/spaces/staff/?show=coming"))
    assert second not in text(browser.get("/spaces/staff/?show=coming"))


CLOSING = {
    "from_date": "2027-03-08",
    "from_time": "09:00",
    "to_date": "2027-03-12",
    "to_time": "18:00",
    "reason": "Water",
}


def test_a_closure_shows_the_bookings_in_the_way_first(browser):
    room = factories.space()
    booking = factories.booking(room, march(10, 10, 12))
    booking_id, reference, room_id = booking.id, booking.reference, room.id
    run_by(browser, room)
    path = f"/spaces/{room_id}/closures"
    assert "Close the room" in text(browser.get(path))

    shown = browser.send(path, **CLOSING)
    assert shown.status_code == 409
    assert f'name="cancelling" value="{booking_id}"' in text(shown)
    assert "1 booking falls in that time" in text(shown)
    assert queries.get_booking(reference).state is BookingState.CONFIRMED
    done = browser.send(path, **CLOSING, cancelling=[str(booking_id)])

    assert done.status_code == 303
    assert "1 booking was cancelled and its resident told." in text(browser.get(done.location))
    assert queries.get_booking(reference).state is BookingState.CANCELLED
    assert "Water" in text(browser.get(f"/spaces/{room_id}"))
    assert browser.send(path, **CLOSING).status_code == 409
    (closure,) = saved(sa.select(Closure))
    assert browser.send(f"/spaces/closures/{closure.id}/reopen").status_code == 303
    assert browser.send(f"/spaces/closures/{closure.id}/reopen").status_code == 404


@pytest.mark.parametrize("fields", [
    {"to_date": "2027-03-07"}, {"to_date": "2027-03-08", "to_time": "09:00"}, {"to_date": "2028-12-12"}, {"reason": ""},
    {"from_date": "0001-01-01"}, {"to_date": "9999-12-31"}, {"from_time": "noon"}, {"cancelling": "x"},
    {"from_date": "2027-02-01", "to_date": "2027-02-02"}, {"reason": HUGE[:60_000]},
])  # fmt: skip
def test_a_closure_that_cannot_be_is_explained(browser, fields):
    room = factories.space()
    room_id = room.id
    run_by(browser, room)

    answer = browser.send(f"/spaces/{room_id}/closures", **CLOSING | fields)

    assert answer.status_code == 422
    assert "There is a problem" in text(answer)
    assert saved(sa.select(Closure)) == []


RULES = {
    "min_minutes": "30", "max_minutes": "240", "raster_minutes": "30", "before_minutes": "0", "after_minutes": "15",
    "notice_days": "1", "horizon_days": "60", "cancel_hours": "48", "by_request": "yes", "answer_days": "2",
    "house_rules": "No shoes.\nNo shouting.", "open": "yes",
}  # fmt: skip


def test_rules_are_changed_on_their_page(browser):
    room = factories.space()
    room_id, version = room.id, str(room.version)
    run_by(browser, room)
    assert f'name="version" value="{version}"' in text(browser.get(f"/spaces/{room_id}/rules"))

    assert browser.send(f"/spaces/{room_id}/rules", **RULES, version=version).status_code == 303
    stale = browser.send(f"/spaces/{room_id}/rules", **RULES | {"max_minutes": "300"}, version=version)

    assert stale.status_code == 409
    assert "A booking lasts from 30 minutes to 4 hours." in text(stale)  # as saved
    assert 'value="300"' in text(stale)  # as typed
    now = rooms.get_space(room_id)
    assert (now.min_minutes, now.max_minutes, now.by_request, now.open) == (30, 240, True, True)
    assert "No shouting." in text(browser.get(f"/spaces/{room_id}"))


@pytest.mark.parametrize("fields", [
    {"max_minutes": "15"}, {"horizon_days": "0"}, {"raster_minutes": "7"}, {"min_minutes": "-5"}, {"answer_days": "x"},
    {"after_minutes": "99999999999999999999"}, {"house_rules": HUGE[:60_000]},
])  # fmt: skip
def test_rules_that_cannot_be_are_explained(browser, fields):
    room = factories.space()
    room_id, version = room.id, str(room.version)
    run_by(browser, room)

    answer = browser.send(f"/spaces/{room_id}/rules", **RULES | {"version": version} | fields)

    assert answer.status_code == 422
    assert rooms.get_space(room_id).min_minutes == 60


def test_another_building_does_not_exist_for_its_neighbours_manager(browser):
    room = factories.space(by_request=True)
    room_id = room.id
    reference = factories.booking(room, march(10, 18, 20)).reference
    manager = factories.person("Own manager", roles=[(Role.MANAGER, room.building)])
    closure_id = running.close(manager, room, march(12, 9, 18), "Water").id
    run_by(browser, factories.space(building=factories.building("Next door")))

    for path in (f"/spaces/staff/bookings/{reference}", f"/spaces/{room_id}/closures", f"/spaces/{room_id}/rules"):
        assert browser.get(path).status_code == 404
        assert browser.send(path, **RULES, **CLOSING, answer="accept", version="1").status_code == 404
    assert browser.send(f"/spaces/closures/{closure_id}/reopen").status_code == 404
    assert browser.get(f"/spaces/bookings/{reference}").status_code == 404
    for path in ("/spaces/staff/", "/spaces/staff/?show=coming", "/spaces/staff/rooms"):
        assert reference not in text(browser.get(path))


@pytest.mark.parametrize("path", ["/spaces/staff/", "/spaces/staff/rooms", "/spaces/1/closures", "/spaces/1/rules"])
def test_the_desk_does_not_exist_for_residents(browser, resident, path):
    assert browser.get(path).status_code == 404


# --- Korean ---


def test_every_page_is_there_in_korean(browser):
    room = factories.space("회의실", name_en="Meeting room", by_request=True)
    room_id = room.id
    manager = factories.person("Manager", roles=[(Role.MANAGER, room.building)])
    reference = factories.booking(room, march(10, 18, 20)).reference
    own = factories.booking(room, march(11, 18, 20), by=manager).reference
    factories.sign_in(browser, manager)

    for path in (
        "/spaces/?date=2027-03-10&from=18:00&to=20:00", f"/spaces/{room_id}", f"/spaces/bookings/{own}",
        "/spaces/bookings", "/spaces/",
        f"/spaces/bookings/{own}/change", f"/spaces/bookings/{own}/cancel", "/spaces/staff/", "/spaces/staff/rooms",
        f"/spaces/staff/bookings/{reference}", f"/spaces/{room_id}/closures", f"/spaces/{room_id}/rules",
    ):  # fmt: skip
        answer = browser.get(f"{path}{'&' if '?' in path else '?'}language=ko")
        assert answer.status_code == 200
        assert '<html lang="ko"' in text(answer)
        assert "회의실" in text(answer)
        assert "Meeting room" not in text(answer).replace("Meeting rooms", "")


# --- cost ---


def counts(browser, statements, paths: list[str]) -> dict[str, int]:
    """How many statements each page takes."""
    found = {}
    for path in paths:
        browser.get(path)
        with statements() as seen:
            assert browser.get(path).status_code == 200
        found[path] = len(seen)
    return found


def test_pages_take_as_many_statements_for_forty_rooms_as_for_five(browser, statements):
    factories.district()
    library = factories.building(point=Point(37.55, 127.05))
    first = factories.space("Room 0", building=library, features=[Feature.PIANO])
    first_id = first.id
    manager = run_by(browser, first)

    def add(numbers: range) -> None:
        house = db.session.merge(library)
        for n in numbers:
            room = factories.space(f"Room {n}", building=house, features=[Feature.PIANO], by_request=n % 2 == 0)
            resident = db.session.merge(manager) if n % 4 == 0 else factories.person()
            factories.booking(room, march(2 + n % 4, 18, 20), by=resident)

    paths = [
        "/spaces/", "/spaces/?date=2027-03-02&from=18:00&to=20:00&near=Riverside&people=5&needs=piano&q=room",
        "/spaces/?date=2027-03-01&from=20:00&to=22:00&show=others", f"/spaces/{first_id}", "/spaces/bookings",
        "/spaces/staff/", "/spaces/staff/?show=coming", "/spaces/staff/rooms",
    ]  # fmt: skip
    add(range(1, 5))
    few = counts(browser, statements, paths)
    add(range(5, 40))
    many = counts(browser, statements, paths)

    assert many == few
    assert max(many.values()) <= 20


# --- two at the same moment ---

ROUNDS = 6


def compete(url: str, settings: Settings, token: str, room_id: int, barrier, outcomes) -> None:
    """A process of the real application in which one resident wants the room of each evening."""
    app = create_app(replace(settings, database_url=url))
    app.test_client_class = Browser
    browser = app.test_client()
    assert isinstance(browser, Browser)
    with browser.session_transaction() as session:
        session["_user_id"] = token
    for day in range(2, 2 + ROUNDS):
        form = {"start": march(day, 18, 20).starts_at.isoformat(), "minutes": 120, "people": 5}
        barrier.wait(60)
        answer = browser.send(f"/spaces/{room_id}/hold", **form)
        if answer.status_code == 303:
            outcomes.put((day, 303, browser.send(answer.location, **DETAILS).status_code == 303))
        else:
            outcomes.put((day, answer.status_code, "What you could do instead" in text(answer)))


def test_of_two_who_want_one_room_one_gets_it_and_the_other_a_way_on(live_database, settings):
    with db.transaction():
        room_id = factories.space().id
        tokens = [credentials.new_token() for _ in range(2)]
        for token in tokens:
            resident = factories.person()
            db.session.add(PersonSession(token_hash=credentials.digest(token), person_id=resident.id))
    engine = db.session.get_bind()
    assert isinstance(engine, sa.Engine)
    engine.dispose()  # a forked process may not share a connection
    fork = multiprocessing.get_context("fork")
    barrier, outcomes = fork.Barrier(2), fork.SimpleQueue()
    runners = [
        fork.Process(target=compete, args=(live_database, settings, token, room_id, barrier, outcomes))
        for token in tokens
    ]
    for runner in runners:
        runner.start()

    met = [outcomes.get() for _ in range(2 * ROUNDS)]

    for runner in runners:
        runner.join(60)
    for day in range(2, 2 + ROUNDS):
        assert sorted(outcome[1:] for outcome in met if outcome[0] == day) == [(303, True), (409, True)]
    with db.transaction(read_only=True):
        assert [booking.state for booking in db.session.scalars(sa.select(Booking))] == [
            BookingState.CONFIRMED
        ] * ROUNDS


def test_search_engines_read_what_a_room_is_and_in_which_building(browser):
    hall = factories.building("Town hall", point=Point(37.55, 127.05), road_address="1 River Road")
    room = factories.space(
        building=hall, hours={0: [(9, 24)]}, capacity=12, area_m2=30.5, equipment=["Piano"], base_fee=0
    )

    told = browser.linked(f"/spaces/{room.id}")

    assert (told["@type"], told["name"], told["maximumAttendeeCapacity"]) == ("MeetingRoom", "Reading room", 12)
    assert told["floorSize"] == {"@type": "QuantitativeValue", "value": 30.5, "unitCode": "MTK"}
    assert told["amenityFeature"] == [{"@type": "LocationFeatureSpecification", "name": "Piano", "value": True}]
    assert told["isAccessibleForFree"] is True
    (hours,) = told["openingHoursSpecification"]
    assert (hours["dayOfWeek"], hours["opens"], hours["closes"]) == ("https://schema.org/Monday", "09:00", "23:59")
    assert told["containedInPlace"]["address"] == "1 River Road"
    assert told["containedInPlace"]["geo"]["latitude"] == 37.55

    hidden = factories.space(building=hall, open=False)
    factories.sign_in(browser, factories.person(roles=[(Role.MANAGER, hall)]))
    assert browser.linked(f"/spaces/{hidden.id}") is None
