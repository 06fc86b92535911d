"""Things as pages and programs find them."""

import re
from datetime import date

import pytest

from marketplace.civic.accounts import queries as people
from marketplace.kernel import occupancy
from marketplace.kernel.geo import Point
from marketplace.sharing.items.models.lending import days
from marketplace.sharing.items.models.listing import Audience
from marketplace.sharing.items.queries import listings
from tests import factories

WEDNESDAY, FRIDAY = date(2027, 3, 3), date(2027, 3, 5)
ASKED = {"first": "2027-03-03", "last": "2027-03-05"}


def take(item) -> None:
    """Have a piece of it lent from Wednesday to Friday."""
    piece = listings.get_item(item.id).units[0]
    occupancy.claim(piece.resource_id, days(WEDNESDAY, FRIDAY), kind=occupancy.Kind.LOAN)


# --- programs ---


def test_programs_read_what_is_free_first_and_of_the_others_when(browser):
    taken, free = factories.item("Saw"), factories.item("Ladder")
    take(taken)

    told = browser.items("/api/v1/items", limit=1, latitude=37.55, longitude=127.05, **ASKED)

    assert [(one["id"], one["free"], one["next_free"]) for one in told] == [
        (free.id, True, "2027-03-03"), (taken.id, False, "2027-03-06"),
    ]  # fmt: skip
    assert told[0]["metres"] == told[1]["metres"]
    assert told[0]["metres"] % 10 == 0


def test_parts_of_the_list_add_up_to_all_of_it(browser):
    made = [factories.item(f"Saw {n}") for n in range(5)]
    take(made[2])

    found = [one["id"] for one in browser.items("/api/v1/items", limit=2, **ASKED)]

    assert found == [made[n].id for n in (4, 3, 1, 0, 2)]


def test_programs_read_free_days_and_a_map_of_areas(browser):
    drill = factories.item(units=2)
    factories.item(point=Point(37.60, 127.05))
    take(drill)

    told = browser.get(f"/api/v1/items/{drill.id}/availability?from=2027-03-02&days=2").get_json()
    areas = browser.get("/api/v1/items.geojson").get_json()["features"]

    assert [(day["date"], day["free"]) for day in told["days"]] == [("2027-03-02", 2), ("2027-03-03", 1)]
    assert {area["geometry"]["type"] for area in areas} == {"MultiPolygon"}
    assert [area["properties"]["count"] for area in areas] == [1, 1]
    linked = browser.get(next(area["properties"]["link"] for area in areas if area["id"] == drill.cell))
    assert b"Cordless drill" in linked.data


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"last": "2027-03-05"}, "first"), ({"first": "2027-02-28"}, "first"),
        ({"first": "2027-03-05", "last": "2027-03-03"}, "last"),
        ({"first": "2027-03-05", "last": "2027-09-03"}, "last"),
        ({"near": "nowhere"}, "near"), ({"within": "1000"}, "near"), ({"latitude": "37"}, "longitude"),
        ({"category": "nonsense"}, "category"), ({"today": "true", "first": "2027-03-04"}, "first"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_beside_its_field(browser, asked, field):
    refused = browser.get("/api/v1/items", query_string=asked)
    page = browser.get("/items/", query_string=asked)

    assert (refused.status_code, page.status_code) == (422, 422)
    assert field in refused.get_json()["errors"]
    assert f'href="#{field}"' in page.text


def test_what_is_lent_to_a_group_alone_does_not_exist_for_others(browser):
    owner, member = factories.neighbour("Minsu"), factories.neighbour("Jiwoo")
    club = factories.group(by=owner, members=[member])
    tent = factories.item("Club tent", owner, audience=Audience.GROUP, group_id=club.id)
    member_id = member.id
    paths = [f"/items/{tent.id}", f"/api/v1/items/{tent.id}", f"/api/v1/items/{tent.id}/availability"]
    asking = [f"/items/{tent.id}/borrow", f"/items/{tent.id}/wait", f"/report/item:{tent.id}"]

    assert [browser.get(path).status_code for path in paths] == [404] * 3
    assert browser.get("/api/v1/items.geojson").get_json()["features"] == []
    factories.sign_in(browser, factories.neighbour("Hana"))
    assert [browser.get(path).status_code for path in (*paths, *asking)] == [404] * 6
    browser.send("/sign-out")
    factories.sign_in(browser, people.person(member_id))
    assert [browser.get(path).status_code for path in (paths[0], *asking)] == [200] * 4
    assert "Club tent" in browser.get("/items/").text


# --- pages ---


def test_who_may_not_borrow_a_thing_reads_why_and_finds_it_still(browser):
    here, there = factories.district(), factories.district("Hillside", "언덕구", west=127.2)
    drill = factories.item(audience=Audience.DISTRICT, district_id=here.id)
    factories.sign_in(browser, factories.neighbour(district=there))

    why = "The owner lends this to residents of the same district only."
    assert why in browser.get("/items/").text
    assert why in browser.get(f"/items/{drill.id}").text


def test_a_taken_thing_says_so_in_words_and_offers_the_line(browser):
    drill = factories.item()
    take(drill)

    page = browser.get(f"/items/{drill.id}", query_string=ASKED).text

    assert "It is not free on all of these days." in page
    assert f"/items/{drill.id}/wait" in page
    said = re.findall(r'days__name">([^<]+)</span> <span class="days__said">([^<]+)<', page)
    assert said[:4] == [
        ("Wed 3 March", "taken"), ("Thu 4 March", "taken"), ("Fri 5 March", "taken"), ("Sat 6 March", "free"),
    ]  # fmt: skip


def test_a_page_of_things_costs_the_same_however_many_there_are(browser, statements):
    factories.district()
    counts = []
    for _ in range(2):
        for n in range(6):
            take(factories.item(f"Saw {n}"))
            factories.item(f"Drill {n}", units=2, of=factories.library())
        browser.get("/items/", query_string=ASKED)
        with statements() as seen:
            browser.get("/items/", query_string=ASKED)
        counts.append(len(seen))
    assert counts[0] == counts[1]
