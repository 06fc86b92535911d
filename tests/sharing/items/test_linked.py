"""What search engines read of things, libraries and the wanted board: nobody's name, and no home."""

import json
import re
from datetime import date

from marketplace.civic.accounts.models import Role
from marketplace.kernel import cells, clock, db
from marketplace.kernel.geo import Point
from marketplace.sharing.items.models.listing import Audience, Item, Library
from marketplace.sharing.items.models.wanted import WantedPost
from marketplace.sharing.items.service import wanted
from tests import factories
from tests.factories import NEAR_THE_RIVER

LEASE = "http://purl.org/goodrelations/v1#LeaseOut"


def keys(told) -> set[str]:
    """Every name of a fact, however deep."""
    if isinstance(told, list):
        return set().union(*map(keys, told))
    return set(told).union(*map(keys, told.values())) if isinstance(told, dict) else set()


def test_a_thing_is_an_offer_and_its_owner_nobody(browser):
    factories.district()
    drill = factories.item("</script><b>drill", factories.neighbour("Minsu Lee"), fee=3000)

    told = browser.linked(f"/items/{drill.id}")

    assert (told["@context"], told["@type"], told["name"]) == ("https://schema.org", "Product", "</script><b>drill")
    assert told["url"] == f"http://localhost/items/{drill.id}"
    assert told["offers"] == {
        "@type": "Offer", "businessFunction": LEASE, "price": "3000", "priceCurrency": "KRW",
        "areaServed": "Riverside", "offeredBy": {"@type": "Person"},
    }  # fmt: skip


def test_a_home_that_moves_within_its_cell_changes_nothing_and_no_place_is_told(browser):
    factories.district()
    owner = factories.neighbour("Minsu Lee")
    factories.pick_up_place(owner)
    drill = factories.item(owner=owner)
    post = factories.wants(owner)
    path, board = f"/items/{drill.id}", f"/items/wanted/{post.id}"
    before = [browser.linked(path), browser.linked(board)]
    moved = Point(NEAR_THE_RIVER.latitude + 0.0003, NEAR_THE_RIVER.longitude + 0.0003)
    assert cells.cell_of(moved) == cells.cell_of(NEAR_THE_RIVER)

    factories.pick_up_place(db.session.merge(owner), moved)

    assert [browser.linked(path), browser.linked(board)] == before
    for told in before:
        assert not keys(told) & {"geo", "latitude", "longitude", "address", "location"}
        assert not re.search("Minsu|River Road", json.dumps(told))


def test_what_is_not_lent_or_not_for_everyone_says_nothing(browser):
    owner = factories.neighbour("Minsu Lee")
    club = factories.group(by=owner)
    paused = factories.item(owner=owner, paused_at=clock.now())
    tent = factories.item("Club tent", owner, audience=Audience.GROUP, group_id=club.id)
    paths = [f"/items/{paused.id}", f"/items/{tent.id}"]

    assert [browser.linked(path) for path in paths] == [None, None]
    factories.sign_in(browser, db.session.merge(owner))
    assert browser.linked(paths[0]) is None


def test_a_library_is_a_place_with_hours(browser):
    hall = factories.building("Town hall", point=NEAR_THE_RIVER, road_address="1 River Road", phone="02-123-4567")
    made = factories.library(hall, about="Tools for all.")
    saw = factories.item("Saw", of=made)
    path = f"/libraries/{made.id}"

    told = browser.linked(path)

    assert (told["@type"], told["name"], told["description"]) == ("Library", "Riverside tool library", "Tools for all.")
    assert (told["address"], told["telephone"]) == ("1 River Road", "02-123-4567")
    assert told["geo"] == {
        "@type": "GeoCoordinates", "latitude": NEAR_THE_RIVER.latitude, "longitude": NEAR_THE_RIVER.longitude,
    }  # fmt: skip
    assert len(told["openingHoursSpecification"]) == 8
    assert told["openingHoursSpecification"][7] == {
        "@type": "OpeningHoursSpecification", "dayOfWeek": "https://schema.org/PublicHolidays",
        "opens": "09:00", "closes": "18:00",
    }  # fmt: skip
    by = {"@type": "Library", "name": "Riverside tool library"}
    assert browser.linked(f"/items/{saw.id}")["offers"]["offeredBy"] == by

    administrator = factories.person(roles=[Role.ADMINISTRATOR])
    db.session.get_one(Library, made.id).open = False
    factories.sign_in(browser, administrator)
    assert browser.get(path).status_code == 200
    assert browser.linked(path) is None


def test_what_is_looked_for_is_a_demand_for_its_days_until_it_is_found(browser):
    factories.district()
    poster = factories.neighbour("Jiwoo Park")
    post = factories.wants(poster, quantity=2, description="For a ceiling.", last=date(2027, 3, 7))
    path = f"/items/wanted/{post.id}"

    told = browser.linked(path)

    assert told == {
        "@context": "https://schema.org", "@type": "Demand", "name": "A ladder", "description": "For a ceiling.",
        "url": f"http://localhost{path}", "businessFunction": LEASE, "areaServed": "Riverside",
        "itemOffered": {"@type": "Product", "name": "A ladder", "category": "Step ladders"},
        "eligibleQuantity": {"@type": "QuantitativeValue", "value": 2},
        "availabilityStarts": "2027-03-06", "availabilityEnds": "2027-03-07",
    }  # fmt: skip
    wanted.keep_out_of_sight(db.session.get_one(WantedPost, post.id), hidden=True)
    factories.sign_in(browser, db.session.merge(poster))
    assert browser.get(path).status_code == 200
    assert browser.linked(path) is None


def test_the_map_for_programs_tells_areas_alone(browser):
    """Where things are counted is a whole cell, whatever the point of the home in it."""
    drill = factories.item(point=NEAR_THE_RIVER)

    (area,) = browser.get("/api/v1/items.geojson").get_json()["features"]

    assert area["id"] == drill.cell == db.session.get_one(Item, drill.id).cell
    corners = [tuple(corner) for polygon in area["geometry"]["coordinates"] for ring in polygon for corner in ring]
    north, south = max(y for _x, y in corners), min(y for _x, y in corners)
    east, west = max(x for x, _y in corners), min(x for x, _y in corners)
    assert (north - south) * 111_000 > 450
    assert (east - west) * 88_000 > 450
    assert (NEAR_THE_RIVER.longitude, NEAR_THE_RIVER.latitude) not in corners
