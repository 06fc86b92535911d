"""The drawing of districts and pins that needs no script."""

import pytest
from shapely import MultiPolygon, box
from shapely.geometry import mapping

from marketplace.web import maps

WEST_WARD = ("West", box(126.90, 37.50, 127.00, 37.60))
EAST_WARD = ("East", box(127.00, 37.50, 127.10, 37.60))
HALL = (1, "Hall", "#room-1", 127.02, 37.54)


def test_pins_stand_where_they_belong_inside_the_drawing():
    picture = maps.draw([WEST_WARD, EAST_WARD], [HALL], width=400)

    pin = picture.pins[0]

    assert 0 < pin.x < picture.width
    assert 0 < pin.y < picture.height
    assert pin.x / picture.width == pytest.approx((127.02 - picture.west) / (picture.east - picture.west), abs=0.001)


def test_north_is_up():
    picture = maps.draw([WEST_WARD], [HALL, (2, "Mill", "#room-2", 126.95, 37.58)])

    assert picture.pins[1].y < picture.pins[0].y
    assert picture.south < 37.54 < 37.58 < picture.north


def test_a_name_never_covers_a_pin():
    middle = (1, "Hall", "#room-1", 126.95, 37.55)

    west, east = maps.draw([WEST_WARD, EAST_WARD], [middle]).shapes

    assert not west.labelled
    assert east.labelled


def test_a_district_may_be_geojson_in_several_parts():
    islands = mapping(MultiPolygon([box(127.0, 37.0, 127.1, 37.1), box(127.2, 37.0, 127.3, 37.1)]))

    assert maps.draw([("Isles", islands)]).shapes[0].path.count("M") == 2


def test_one_place_alone_still_shows_its_surroundings():
    picture = maps.draw([WEST_WARD, EAST_WARD], [HALL], close=True)

    assert 0.05 <= picture.east - picture.west < 0.08


def test_nothing_to_show_is_refused():
    with pytest.raises(ValueError, match="district or a place"):
        maps.draw([])
