"""Districts and buildings as programs read them."""

import pytest

from marketplace.kernel import geo
from tests.factories import building, district

HERE = geo.Point(37.55, 127.05)


def items(browser, **asked):
    answer = browser.get("/api/v1/buildings", query_string=asked)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["items"]


def test_a_district_is_told_by_its_id(browser):
    made = district("Riverside", "강변구")

    told = browser.get(f"/api/v1/districts/{made.id}").get_json()

    assert told == {"id": made.id, "code": made.code, "name_en": "Riverside", "name_ko": "강변구"}
    assert browser.get("/api/v1/districts").get_json() == {"items": [told], "next": None}


def test_districts_are_a_map_in_degrees(browser):
    made = district(west=127.0, south=37.5, side=0.1)

    answer = browser.get("/api/v1/districts.geojson")
    (feature,) = answer.get_json()["features"]

    assert answer.content_type == "application/geo+json"
    assert feature["id"] == made.id
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert min(feature["geometry"]["coordinates"][0][0]) == [127.0, 37.5]


def test_a_building_tells_what_is_known_and_null_where_nothing_is(browser):
    where = district(west=127.0, south=37.5)
    made = building("도서관", name_en="Library", point=HERE, step_free=True, lift=False)

    told = browser.get(f"/api/v1/buildings/{made.id}").get_json()

    assert (told["name"], told["name_en"]) == ("도서관", "Library")
    assert told["district"]["id"] == where.id
    assert told["point"] == {"latitude": 37.55, "longitude": 127.05}
    assert (told["step_free"], told["lift"], told["hearing_loop"]) == (True, False, None)


def test_buildings_are_found_by_district_and_words(browser):
    north, south = district("North", "북구", south=37.6), district("South", "남구", south=37.5)
    library = building("Library", point=geo.Point(37.65, 127.05))
    hall = building("Hall", point=geo.Point(37.55, 127.05))

    assert [one["id"] for one in items(browser)] == [library.id, hall.id]
    assert [one["id"] for one in items(browser, district=south.id)] == [hall.id]
    assert [one["id"] for one in items(browser, q="librar")] == [library.id]
    assert items(browser, q="library", district=south.id) == []
    assert items(browser, district=north.id)[0]["metres"] is None


def test_the_nearest_come_first_and_only_those_near_enough(browser):
    far, near, nowhere = (building(point=geo.Point(37.56, 127.05)), building(point=HERE), building())

    found = items(browser, near="37.55,127.05")
    close = items(browser, near="37.55, 127.05", within=500)

    assert [one["id"] for one in found] == [near.id, far.id]
    assert found[0]["metres"] == 0
    assert 1100 < found[1]["metres"] < 1120
    assert [one["id"] for one in close] == [near.id]
    assert nowhere.id in [one["id"] for one in items(browser)]


@pytest.mark.parametrize("asked", [{}, {"near": "37.55,127.05"}], ids=["by id", "by distance"])
def test_parts_of_the_list_add_up_to_all_of_it(browser, asked):
    for n in range(7):
        building(f"Hall {n}", point=geo.Point(37.55 + n // 2 / 100, 127.05))
    every = [one["id"] for one in items(browser, **asked)]

    found = [one["id"] for one in browser.items("/api/v1/buildings", limit=2, **asked)]

    assert found == every
    assert len(set(found)) == 7


@pytest.mark.parametrize("near", ["here", "91,0", "0,181", "37.5", "37.5,127,1", "nan,nan", "1e400,0", "37,5;127,0"])
def test_a_point_off_the_earth_is_refused(browser, near):
    answer = browser.get("/api/v1/buildings", query_string={"near": near})

    assert answer.status_code == 422
    assert answer.get_json()["errors"] == {"near": ["Enter a latitude and a longitude, such as 37.55,127.05."]}


def test_a_distance_needs_a_point(browser):
    assert browser.get("/api/v1/buildings?within=5").get_json()["errors"] == {"within": ["Say from where, in `near`."]}


def test_the_map_shows_the_buildings_asked_for_whose_place_is_known(browser):
    known = building("Hall", point=HERE)
    building("Hall without a place")
    building("Library", point=HERE)

    answer = browser.get("/api/v1/buildings.geojson?q=hall")
    (feature,) = answer.get_json()["features"]

    assert answer.content_type == "application/geo+json"
    assert feature["id"] == known.id
    assert feature["geometry"] == {"type": "Point", "coordinates": [127.05, 37.55]}
    assert feature["properties"]["name"] == "Hall"


def test_a_longer_list_asks_the_database_no_more(browser, statements):
    def asked():
        with statements() as seen:
            browser.get("/api/v1/buildings?limit=100&near=37.55,127.05")
            browser.get("/api/v1/buildings.geojson")
        return len(seen)

    building(point=HERE)
    few = asked()
    for _ in range(20):
        building(point=HERE)

    assert asked() == few == 2
