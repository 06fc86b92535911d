"""Districts taken in from files, and the buildings they hold."""

import json
from pathlib import Path

import pytest
import shapely
import sqlalchemy as sa

from marketplace.civic.places import queries, service
from marketplace.civic.places.models import District, DistrictShape
from marketplace.kernel import db, geo, words
from tests.factories import building, district

HERE = geo.Point(37.55, 127.05)


def square(west: float = 127.0, *, side: float = 0.1, **properties: object) -> geo.Feature:
    return geo.Feature(shapely.MultiPolygon([shapely.box(west, 37.5, west + side, 37.6)]), properties)


def counts(*features: geo.Feature) -> dict[str, int]:
    return service.import_districts(features).counts


def test_a_second_import_changes_nothing():
    city = [square(code="1", name="강변구", name_eng="Riverside"), square(127.1, code="2", name="산들구")]

    assert counts(*city) == {"read": 2, "added": 2, "updated": 0, "unchanged": 0, "refused": 0}
    db.session.expire_all()
    assert counts(*city) == {"read": 2, "added": 0, "updated": 0, "unchanged": 2, "refused": 0}


@pytest.mark.parametrize(
    "changed",
    [
        square(code="1", name="새강변구", name_eng="Riverside"),
        square(side=0.2, code="1", name="강변구", name_eng="Riverside"),
    ],
)
def test_a_new_name_or_a_new_border_updates_the_district_of_that_code(changed):
    counts(square(code="1", name="강변구", name_eng="Riverside"))

    assert counts(changed)["updated"] == 1
    assert db.session.scalar(sa.select(sa.func.count(District.id))) == 1
    assert counts(changed)["unchanged"] == 1


def test_files_may_name_codes_and_names_in_their_own_ways():
    service.import_districts(
        [
            square(adm_cd="1101053", adm_nm="서울특별시 종로구 사직동", sidonm="서울특별시"),
            square(127.1, EMD_CD=11110515, EMD_KOR_NM="청운동", EMD_ENG_NM="Cheongun-dong"),
            geo.Feature(square().geometry, {"name_en": "Hillside"}, "h-3"),
        ]
    )

    known = {of.code: (of.name_ko, of.name_en) for of in queries.districts()}
    assert known == {
        "1101053": ("종로구 사직동", "종로구 사직동"),
        "11110515": ("청운동", "Cheongun-dong"),
        "h-3": ("Hillside", "Hillside"),
    }


def test_a_feature_without_code_or_name_is_refused_with_a_reason_and_the_others_are_taken():
    done = service.import_districts(
        [square(name="이름만"), square(code="2"), square(code="3", name="x" * 201), square(code="4", name="산들구"),
         square(code="4", name="다시")]
    )  # fmt: skip

    assert done.counts == {"read": 5, "added": 1, "updated": 0, "unchanged": 0, "refused": 4}
    assert [number for number, _ in done.refused] == [1, 2, 3, 5]
    assert "4" in str(done.refused[-1][1])


def test_districts_are_read_in_the_readers_language():
    district("Riverside", "강변구")
    district("Hillside", "산들구", west=127.2)

    assert [of.name for of in queries.districts()] == ["Hillside", "Riverside"]
    words.language.set("ko")
    assert [of.name for of in queries.districts()] == ["강변구", "산들구"]


def test_shapes_come_whole_for_programs_and_with_few_corners_for_maps():
    circle = shapely.MultiPolygon([shapely.Point(127, 37.5).buffer(0.05, quad_segs=200)])
    service.import_districts([geo.Feature(circle, {"code": "1", "name": "강변구", "name_en": "Riverside"})])
    db.session.expire_all()

    ((name, outline),) = queries.district_outlines()
    (feature,) = queries.district_features()

    assert name == "Riverside"
    assert len(outline["coordinates"][0][0]) < 60
    assert feature.geometry.equals_exact(circle, 1e-9)
    assert feature.properties == {"code": "1", "name_en": "Riverside", "name_ko": "강변구"}


# --- which district a building is in ---


def test_a_building_belongs_to_the_district_it_stands_in():
    riverside = district(west=127.0)
    hillside = district("Hillside", "산들구", west=127.1)

    assert building(point=HERE).district_id == riverside.id
    assert building(point=geo.Point(37.55, 127.15), road_address="강변구 강변로 1").district_id == hillside.id


def test_without_a_point_in_any_district_the_address_decides():
    district("Jung-gu", "중구")
    seodaemun = district("Seodaemun-gu", "서대문구", west=127.2)

    assert building(road_address="서울특별시 서대문구 홍은중앙로 85").district_id == seodaemun.id
    assert (
        building(lot_address="서울특별시 서대문구 홍은동 11-853", point=geo.Point(35.1, 129.0)).district_id
        == seodaemun.id
    )
    assert building(road_address="12 Main Street, Seodaemun-gu, Seoul").district_id == seodaemun.id
    assert building(road_address="서울특별시 서대문구청길 1").district_id is None
    assert building().district_id is None


def test_the_longer_name_in_an_address_wins():
    district("Jongno-gu", "종로구")
    sajik = district("Sajik-dong", "종로구 사직동", west=127.2)

    assert building(road_address="서울특별시 종로구 사직로 5 (사직동)").district_id == sajik.id


def test_on_a_border_the_district_known_longest_has_it():
    first = district(west=127.0)
    district(west=127.1)

    assert queries.district_at(geo.Point(37.55, 127.1)) == first.id


def test_buildings_already_there_move_to_new_districts():
    library, school = building(point=HERE), building(road_address="강변구 학교길 3")
    assert {library.district_id, school.district_id} == {None}

    riverside = district("Riverside", "강변구")

    assert {library.district_id, school.district_id} == {riverside.id}
    assert queries.count_buildings(words="riverside") == 2


def test_taking_in_districts_costs_the_same_number_of_statements_for_any_number_of_buildings(statements):
    def taken_in(code: str) -> int:
        with statements() as seen:
            counts(square(code=code, name=code))
        return len(seen)

    building(point=geo.Point(1, 1))
    few = taken_in("1")
    for _ in range(5):
        building(point=geo.Point(1, 1))
    assert taken_in("2") == few


# --- the command ---


def collection(*features: geo.Feature) -> bytes:
    return json.dumps(geo.to_geojson(features)).encode()


@pytest.fixture
def told(app, engine, tmp_path):
    """What `flask places import-districts` answers to a file: exit status, output, errors."""

    def tell(content: bytes) -> tuple[int, str, str]:
        file = Path(tmp_path / "districts.geojson")
        file.write_bytes(content)
        result = app.test_cli_runner().invoke(args=["places", "import-districts", str(file)])
        return result.exit_code, result.stdout, result.stderr

    return tell


def test_the_command_ends_with_one_line_of_figures(told):
    status, out, err = told(collection(square(code="1", name="강변구"), square(name="?")))

    assert status == 0
    assert json.loads(out.splitlines()[-1]) == {"read": 2, "added": 1, "updated": 0, "unchanged": 0, "refused": 1}
    assert "Feature 2 refused" in err


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", "이름,위도\n".encode("cp949"), b'{"type": "Topology"}'])
def test_the_command_refuses_what_is_no_geojson_and_changes_nothing(told, content):
    status, out, err = told(content)

    assert status == 1
    assert out == ""
    assert err.startswith("Error: districts.geojson: This is not GeoJSON")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(DistrictShape)) == 0
