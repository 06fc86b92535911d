"""Kits as residents, managers and programs meet them."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.kernel import clock, db, things
from marketplace.portal.kits.models import Kit, KitBooking
from marketplace.portal.kits.service import booking
from marketplace.sharing.items.errors import NotOffered
from tests import factories
from tests.factories import march, neighbour, party, sign_in

TIME = {"start": march(10, 18, 20).starts_at.isoformat(), "minutes": 120}
TOLD = {"people": 20, "purpose": "A birthday", "rules_accepted": "yes"}


def booked(of, by=None) -> KitBooking:
    made = booking.book(by or neighbour(), of, march(10, 18, 20), people=20, purpose="A feast", rules_accepted=True)
    db.session.commit()
    return made


def manager(of):
    return factories.person("Manager", roles=[(Role.MANAGER, of.building)])


# --- residents ---


def test_a_kit_is_found_from_everywhere(browser):
    of = party()
    link = f"/kits/{of.id}"

    assert link in browser.get("/kits/").text
    assert link in browser.get(f"/buildings/{of.building_id}").text
    for page in ("/spaces/", "/libraries/", f"/libraries/{of.things[0][0].library_id}", "/"):
        assert 'href="/kits/"' in browser.get(page).text


def test_the_page_offers_times_at_which_everything_is_free(browser):
    of = party()
    sign_in(browser, neighbour())
    booked(of)

    page = browser.get(f"/kits/{of.id}?date=2027-03-09&minutes=120").text

    assert "Chair × 30" in page
    assert f'value="{march(9, 18, 20).starts_at.isoformat()}"' in page
    assert f'value="{march(10, 10, 12).starts_at.isoformat()}"' not in page  # the chairs are lent that day


def test_booking_in_four_pages(browser):
    of = party()
    sign_in(browser, neighbour())
    page = browser.get(f"/kits/{of.id}/book?{urlencode(TIME)}").text
    assert "Wed 10 March, 18:00 to 20:00" in page

    sent = browser.send(f"/kits/{of.id}/book", **TIME, **TOLD)

    assert sent.status_code == 303
    page = browser.get(sent.headers["Location"]).text
    made = db.session.scalars(sa.select(KitBooking)).one()
    assert "The kit is booked" in page
    assert made.reference in page


def test_without_a_time_nothing_is_lost_but_the_time_is_asked_for(browser):
    of = party()
    sign_in(browser, neighbour())

    answer = browser.get(f"/kits/{of.id}/book?minutes=120")

    assert answer.status_code == 422
    assert "Choose one of the free times." in answer.text


def test_whoever_comes_second_reads_which_part_and_when_instead(browser):
    of = party()
    booked(of)
    sign_in(browser, neighbour())

    answer = browser.send(f"/kits/{of.id}/book", **TIME, **TOLD)

    assert answer.status_code == 409
    assert "Hall: Someone just took that time. Nothing was booked." in answer.text
    assert "Take Thu 11 March, 09:00 to 11:00 instead" in answer.text
    assert "A birthday" in answer.text


def test_whoever_is_not_verified_reads_so_before_filling_in(browser):
    of = party()
    sign_in(browser, factories.person())

    assert "rules_accepted" not in browser.get(f"/kits/{of.id}/book?{urlencode(TIME)}").text


def test_the_booked_kit_shows_its_parts_and_they_show_the_kit(browser):
    resident = neighbour()
    made = booked(party(), resident)
    sign_in(browser, resident)

    page = browser.get(f"/kits/bookings/{made.reference}").text
    for path in (f"/spaces/bookings/{made.bookings[0].reference}", f"/items/loans/{made.loans[0].reference}"):
        assert path in page
        assert f"/kits/bookings/{made.reference}" in browser.get(path).text
    assert "all of it is given up" in browser.get(f"/spaces/bookings/{made.bookings[0].reference}/cancel").text
    assert made.reference in browser.get("/kits/bookings").text
    assert f"/kits/bookings/{made.reference}" in browser.get("/my").text


def test_officers_who_lend_a_part_are_led_to_no_kit_that_is_not_for_them(app):
    club, house = factories.group(), factories.building("Riverside House", point=factories.NEAR_THE_RIVER)
    projector = factories.item("Projector", of=factories.library(house, group_id=club.id))
    resident, keeper = neighbour(), factories.person("Manager", roles=[(Role.MANAGER, house)])
    made = booked(factories.kit(factories.space("Hall", building=house), things={projector: 1}), resident)
    whole, part = f"/kits/bookings/{made.reference}", f"/items/loans/{made.loans[0].reference}"

    led = {}
    for reader in (resident, keeper, factories.officer(club)):
        client = sign_in(app.test_client(), reader)
        led[reader.id] = (whole in client.get(part).text, client.get(whole).status_code)

    assert list(led.values()) == [(True, 200), (True, 200), (False, 404)]


def test_cancelling_the_whole(browser):
    resident = neighbour()
    made = booked(party(), resident)
    sign_in(browser, resident)

    assert browser.send(f"/kits/bookings/{made.reference}/cancel").status_code == 422
    sent = browser.send(f"/kits/bookings/{made.reference}/cancel", reason="We are ill.")

    assert sent.status_code == 303
    assert "given up" in browser.get(sent.headers["Location"]).text
    assert browser.send(f"/kits/bookings/{made.reference}/cancel", reason="Again.").status_code == 409


def test_too_late_is_said_with_the_rule_of_the_part(browser, monday):
    resident = neighbour()
    made = booked(party(), resident)
    monday(march(10, 18, 20).starts_at - timedelta(hours=2))
    sign_in(browser, resident)

    answer = browser.send(f"/kits/bookings/{made.reference}/cancel", reason="We are ill.")

    assert answer.status_code == 409
    assert "Hall: This room may be cancelled or changed until" in answer.text


def test_each_page_asks_the_same_number_of_statements_whatever_belongs_to_it(browser, statements):
    small, large = party(chairs=2), party(chairs=30)
    extra = factories.item("Lamp", of=large.things[0][0].library)
    kit = factories.kit(
        large.rooms[0], factories.space("Kitchen", building=large.building), things={extra: 1, large.things[1][0]: 3}
    )
    asked = []
    for one in (small, kit):
        resident = neighbour()
        made = booked(one, resident)
        sign_in(browser, resident)
        for path in (f"/kits/{one.id}", f"/kits/{one.id}/book?{urlencode(TIME)}", f"/kits/bookings/{made.reference}"):
            with statements() as seen:
                assert browser.get(path).status_code == 200
            asked.append(len(seen))

    assert asked[:3] == asked[3:]


# --- managers ---


def test_a_kit_is_made_part_by_part_and_then_offered(browser):
    of = party()
    (hall,), (projector, _one) = of.rooms, of.things[0]
    sign_in(browser, manager(of))

    sent = browser.send("/kits/staff/new", building=of.building_id, name="회의 꾸러미", name_en="Meeting set")
    kit = db.session.scalars(sa.select(Kit).order_by(Kit.id.desc())).first()
    assert kit is not None
    assert sent.headers["Location"].endswith(f"/kits/{kit.id}/change")
    says = {"name": "회의 꾸러미", "name_en": "Meeting set"}
    early = browser.send(f"/kits/{kit.id}/change", **says, published="yes", version=1)
    assert early.status_code == 409
    assert "put a room and at least one more part into it" in early.text

    for part in (f"space:{hall.id}", f"item:{projector.id}"):
        assert browser.send(f"/kits/{kit.id}/parts", part=part, quantity=1).status_code == 303
    assert browser.send(f"/kits/{kit.id}/change", **says, published="yes", version=3).status_code == 303

    assert "Meeting set" in browser.get("/kits/").text
    assert "Meeting set" in browser.get("/kits/staff/").text


@pytest.mark.parametrize(
    ("part", "quantity", "sentence"),
    [
        ("hall", 1, "That is in the kit already."),
        ("kitchen", 2, "A room is there once."),
        ("half", 1, "One of these rooms is part of the other"),
        ("elsewhere", 1, "Choose a room of the building"),
        ("neighbour's", 1, "Choose a room of the building"),
        ("lamp", 2, "The library has 1 of them."),
        ("nothing", 1, "Choose one of the answers offered."),
    ],
)
def test_what_cannot_be_a_part_is_refused_in_words(browser, part, quantity, sentence):
    of = party()
    parts = {
        "hall": f"space:{of.rooms[0].id}",
        "kitchen": f"space:{factories.space('Kitchen', building=of.building).id}",
        "half": f"space:{factories.space('Half', part_of=of.rooms[0]).id}",
        "elsewhere": f"space:{factories.space('Studio').id}",
        "neighbour's": f"item:{factories.item().id}",
        "lamp": f"item:{factories.item('Lamp', of=of.things[0][0].library).id}",
        "nothing": "room",
    }
    sign_in(browser, manager(of))

    answer = browser.send(f"/kits/{of.id}/parts", part=parts[part], quantity=quantity)

    assert answer.status_code in (409, 422)
    assert sentence in answer.text


def test_a_part_that_is_not_offered_makes_the_kit_not_available_and_only_the_manager_reads_why(browser):
    of = party()
    of.things[0][0].paused_at = clock.now()
    db.session.commit()

    page = browser.get(f"/kits/{of.id}").text
    assert "Not available at present" in page
    assert "Why it cannot be booked" not in page
    sign_in(browser, manager(of))
    page = browser.get(f"/kits/{of.id}").text
    assert "Why it cannot be booked" in page
    assert f"Projector: {NotOffered().sentence}" in page


def test_taking_a_part_out_of_too_little_ends_the_offer(browser):
    of = party()
    sign_in(browser, manager(of))

    browser.send(f"/kits/{of.id}/parts/{of.parts[0].id}/remove")

    assert db.session.scalar(sa.select(Kit.published).where(Kit.id == of.id)) is False


def test_the_second_editor_sees_both_versions(browser):
    of = party()
    sign_in(browser, manager(of))
    assert browser.send(f"/kits/{of.id}/change", name="First", published="yes", version=of.version).status_code == 303

    late = browser.send(f"/kits/{of.id}/change", name="Second", published="yes", version=1)

    assert late.status_code == 409
    assert "First" in late.text
    assert "Second" in late.text


def test_moderators_can_hide_it(browser):
    of = party()
    path, thing = f"/kits/{of.id}", things.find(f"kit:{of.id}")
    assert thing is not None
    assert thing.kind.hide
    thing.kind.hide(thing.record, True)
    db.session.commit()

    assert browser.get(path).status_code == 404
    assert path not in browser.get("/kits/").text


# --- programs ---


def test_programs_read_kits_and_their_free_times(browser):
    of, other = party(name="Another"), party()
    factories.kit(of.rooms[0], things={of.things[0][0]: 1}, name="Hidden", published=False)

    assert [one["id"] for one in browser.items("/api/v1/kits", limit=1)] == [of.id, other.id]
    assert [one["id"] for one in browser.items("/api/v1/kits", building=of.building_id)] == [of.id]
    told = browser.get(f"/api/v1/kits/{of.id}").get_json()
    assert [(part["title"], part["quantity"], part["missing"]) for part in told["parts"]] == [
        ("Hall", 1, None), ("Projector", 1, None), ("Chair × 30", 30, None),
    ]  # fmt: skip
    assert told["available"] is True
    booked(of)
    days = browser.get(f"/api/v1/kits/{of.id}/free-times?from=2027-03-09&days=2&minutes=120").get_json()["days"]
    assert [len(day["times"]) for day in days] == [12, 0]


def test_programs_book_once_however_often_they_ask(browser):
    of, resident = party(), neighbour()
    headers = factories.bearer(resident) | {"Idempotency-Key": "once"}
    body = TIME | TOLD | {"kit": of.id, "rules_accepted": True}

    first = browser.post("/api/v1/kit-bookings", json=body, headers=headers)
    again = browser.post("/api/v1/kit-bookings", json=body, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    told = browser.get(first.headers["Location"], headers=factories.bearer(resident)).get_json()
    assert (told["state"], len(told["bookings"]), [one["quantity"] for one in told["loans"]]) == (
        "confirmed",
        1,
        [1, 30],
    )
    assert db.count(sa.select(KitBooking.id)) == 1


def test_programs_learn_which_part_is_refused_and_when_all_is_free(browser):
    of = party()
    booked(of)
    body = TIME | TOLD | {"kit": of.id, "rules_accepted": True}

    answer = browser.post("/api/v1/kit-bookings", json=body, headers=factories.bearer(neighbour()))

    assert answer.status_code == 409
    told = answer.get_json()
    assert (told["part"], told["cause"], told["earliest"]) == ("Hall", "already_taken", "2027-03-11T09:00:00+09:00")
    assert db.count(sa.select(KitBooking.id)) == 1
