"""Points, areas and distances, the same on both databases."""

import json
import math
from typing import Any

import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from marketplace.civic.places.models import Building, BuildingPoint, DistrictShape
from marketplace.kernel import db, geo
from tests.factories import building, district

CITY_HALL = geo.Point(37.5663, 126.9779)
SEOUL_STATION = geo.Point(37.5547, 126.9707)
BUSAN_STATION = geo.Point(35.1152, 129.0422)
SYDNEY, LONDON = geo.Point(-33.8688, 151.2093), geo.Point(51.5074, -0.1278)

SQUARE = [[127.0, 37.0], [127.1, 37.0], [127.1, 37.1], [127.0, 37.1], [127.0, 37.0]]
BOW_TIE = [[127.0, 37.0], [127.1, 37.1], [127.1, 37.0], [127.0, 37.1], [127.0, 37.0]]


def collection(*geometries: object, **more: object) -> str:
    features = [{"type": "Feature", "properties": {}, "geometry": geometry} for geometry in geometries]
    return json.dumps({"type": "FeatureCollection", "features": features, **more})


def polygon(*rings: object) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": list(rings)}


# --- points and distances ---


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(91, 0), (-90.1, 0), (0, 181), (0, -180.5), (math.nan, 0), (0, math.inf)]
)
def test_a_point_off_the_earth_is_refused(latitude, longitude):
    with pytest.raises(geo.NotOnEarth):
        geo.Point(latitude, longitude)


@pytest.mark.parametrize(
    ("here", "there", "metres"),  # published great-circle distances
    [
        (geo.Point(0, 0), geo.Point(0, 1), 111_195),
        (geo.Point(0, 0), geo.Point(1, 0), 111_195),
        (geo.Point(90, 0), geo.Point(-90, 0), 20_015_115),
        (LONDON, SYDNEY, 16_993_900),
        (geo.Point(50.066389, -5.714722), geo.Point(58.643889, -3.07), 968_900),  # Land's End to John o' Groats
        (geo.Point(36.12, -86.67), geo.Point(33.94, -118.40), 2_886_448),  # Nashville to Los Angeles
    ],
)
def test_distances_are_those_of_the_books(here, there, metres):
    assert geo.haversine_m(here, there) == pytest.approx(metres, rel=0.001)
    assert geo.haversine_m(there, here) == geo.haversine_m(here, there)


@pytest.mark.parametrize(
    "there", [CITY_HALL, SEOUL_STATION, BUSAN_STATION, SYDNEY, LONDON, geo.Point(-37.5663, -53.0221)]
)
def test_the_database_measures_as_python_does(there):
    building(point=there)

    measured = db.session.scalar(sa.select(geo.distance(BuildingPoint.point, CITY_HALL)))

    assert measured == pytest.approx(geo.haversine_m(CITY_HALL, there), rel=0.005, abs=0.01)


def test_a_point_comes_back_as_it_was_stored():
    odd = geo.Point(37.56630000000001, -126.97790000000003)
    made = building(point=odd)
    db.session.expire_all()

    assert db.session.scalar(sa.select(BuildingPoint.point).filter_by(building_id=made.id)) == odd


# --- what is near ---


@pytest.mark.parametrize(
    ("centre", "metres"),
    [(CITY_HALL, 1_500), (CITY_HALL, 400_000), (geo.Point(89.9, 10), 50_000), (geo.Point(-17, 179.95), 30_000),
     (geo.Point(0, 0), 25_000_000)],
)  # fmt: skip
def test_within_finds_exactly_what_is_near_even_at_the_poles_and_the_date_line(centre, metres):
    spots = [CITY_HALL, SEOUL_STATION, BUSAN_STATION, SYDNEY, LONDON, geo.Point(89.9, -170), geo.Point(-17, -179.95)]
    made = {building(point=spot).id: spot for spot in spots}

    found = set(
        db.session.scalars(sa.select(BuildingPoint.building_id).where(geo.within(BuildingPoint.point, centre, metres)))
    )

    assert found == {key for key, spot in made.items() if geo.haversine_m(centre, spot) <= metres}


def test_within_steps_into_the_spatial_index():
    spread = {f"far {n}": geo.Point(33 + n / 400, 126 + n % 50 / 20) for n in range(2000)}
    db.session.execute(sa.insert(Building), [{"code": code, "name": code} for code in spread])
    ids = dict(row for row in db.session.execute(sa.select(Building.code, Building.id)))
    db.session.execute(
        sa.insert(BuildingPoint), [{"building_id": ids[code], "point": point} for code, point in spread.items()]
    )
    db.session.execute(sa.text("ANALYZE building_points"))

    plan = explained(sa.select(BuildingPoint.building_id).where(geo.within(BuildingPoint.point, CITY_HALL, 1_500)))

    assert "SCAN building_points" not in plan, plan
    assert "Seq Scan" not in plan, plan
    assert ("VIRTUAL TABLE INDEX" if db.is_sqlite() else "idx_building_points_point") in plan, plan


def explained(query: sa.Select) -> str:
    """How the database goes about a query, with the values it is really asked with."""
    caught: list[tuple[str, Any]] = []

    def catch(_connection, _cursor, statement, parameters, *_):
        caught.append((statement, parameters))

    connection = db.session.connection()
    sa.event.listen(connection, "before_cursor_execute", catch)
    db.session.execute(query).all()
    sa.event.remove(connection, "before_cursor_execute", catch)
    ((statement, parameters),) = caught
    how = "EXPLAIN QUERY PLAN " if db.is_sqlite() else "EXPLAIN "
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(how + statement, parameters))


# --- what holds a point ---


def test_an_area_holds_its_inside_and_its_edge():
    district(west=127.0, south=37.5, side=0.1)

    def held(point: geo.Point) -> bool:
        return db.session.scalar(sa.select(sa.func.count()).where(geo.containing(DistrictShape.shape, point))) == 1

    assert held(geo.Point(37.55, 127.05))
    assert held(geo.Point(37.5, 127.05))
    assert not held(geo.Point(37.4999, 127.05))
    assert not held(geo.Point(37.55, 127.2))


# --- GeoJSON ---


def test_a_polygon_and_several_are_read_alike():
    hole = [[127.02, 37.02], [127.02, 37.04], [127.04, 37.04], [127.04, 37.02], [127.02, 37.02]]
    several = {"type": "MultiPolygon", "coordinates": [[SQUARE, hole]]}

    one, same = geo.parse_geojson(collection(polygon(SQUARE, hole), several))

    assert one.geometry.equals(same.geometry)
    assert one.geometry.area == pytest.approx(0.01 - 0.0004)
    assert not one.repaired


def test_crossing_lines_are_untangled_and_said_to_be():
    (feature,) = geo.parse_geojson(collection(polygon(BOW_TIE)))

    assert feature.repaired
    assert feature.geometry.is_valid
    assert feature.geometry.area == pytest.approx(0.005)


def test_heights_and_a_byte_order_mark_do_no_harm():
    high = [[*position, 12.5] for position in SQUARE]

    (feature,) = geo.parse_geojson(b"\xef\xbb\xbf" + collection(polygon(high)).encode())

    assert feature.geometry.area == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1"),
        ("{", "not JSON"),
        ("[" * 100_000, "JSON"),
        ('{"type": NaN}', "JSON does not allow"),
        (b"\xff\xfe\x00", "UTF-8"),
        ("개방시설명,개방장소명".encode("cp949"), "UTF-8"),
        ("[]", "FeatureCollection"),
        ("7", "FeatureCollection"),
        ('{"type": "FeatureCollection"}', "list"),
        ('{"type": "FeatureCollection", "features": [3]}', "feature 1"),
        ('{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": 3}]}', "properties"),
        (collection(None), "None"),
        (collection({"type": "Point", "coordinates": [127, 37]}), "Point"),
        (collection(polygon(SQUARE), {"type": "LineString", "coordinates": SQUARE}), "feature 2"),
        (collection(polygon()), "no rings"),
        (collection(polygon(SQUARE[:-1])), "no rings"),
        (collection(polygon(SQUARE[:3])), "no rings"),
        (collection(polygon([[127.0], [127.1], [127.0], [127.0]])), "no rings"),
        (collection(polygon([["a", "b"]] * 4)), "no rings"),
        (collection(polygon([[None, None]] * 4)), "no rings"),
        (collection(polygon([[127, 37], [127, 37, 1], [127], [127, 37]])), "no rings"),
        (collection(polygon([[10**400, 1]] * 4)), "no rings"),
        (collection({"type": "Polygon", "coordinates": "here"}), "no rings"),
        (collection({"type": "MultiPolygon", "coordinates": [SQUARE]}), "no rings"),
        (collection(polygon([[37.0, 127.0], [37.1, 127.0], [37.1, 127.1], [37.0, 127.0]])), "off the earth"),
        (collection(polygon([[953_000, 1_952_000], [954_000, 1_952_000], [954_000, 1_953_000]] * 2)), "off the earth"),
        (collection(polygon([[127, 37], [127.1, 37.1], [127, 37], [127, 37]])), "no area"),
        (collection(polygon(SQUARE), crs={"type": "name", "properties": {"name": "EPSG:5179"}}), "degrees"),
        (" " * (10 * 1024 * 1024 + 1), "10 MB"),
    ],
)  # fmt: skip
def test_what_is_no_map_of_areas_is_refused_in_a_sentence(text, says):
    with pytest.raises(geo.NotGeoJSON) as refusal:
        geo.parse_geojson(text)

    assert says in str(refusal.value.sentence)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5),
)


@given(JSON)
def test_no_coordinates_break_the_reader(coordinates):
    try:
        (feature,) = geo.parse_geojson(collection({"type": "MultiPolygon", "coordinates": coordinates}))
    except geo.NotGeoJSON:
        return
    assert feature.geometry.is_valid


def test_what_is_written_is_read_again():
    (feature,) = geo.parse_geojson(collection(polygon(SQUARE)))
    known = geo.Feature(feature.geometry, {"code": "11"}, 7)

    (again,) = geo.parse_geojson(json.dumps(geo.to_geojson([known])))

    assert again == known
    assert geo.geometry_json(geo.Point(37.5, 127.0)) == {"type": "Point", "coordinates": [127.0, 37.5]}


def test_an_outline_has_fewer_corners_and_the_same_place():
    circle = shapely.MultiPolygon([shapely.Point(127, 37.5).buffer(0.05, quad_segs=500)])

    fewer = geo.outline(circle, 0.0003)

    assert len(shapely.get_coordinates(fewer)) < len(shapely.get_coordinates(circle)) / 10
    assert fewer.hausdorff_distance(circle) <= 0.0003
