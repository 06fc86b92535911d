"""The official layout of opened facilities is read as a clerk would read it, and written so that nothing is lost."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.sharing.spaces import layouts
from marketplace.sharing.spaces.layouts import Fee, LayoutError, OfficialRoom, Refusal, columns, files
from marketplace.sharing.spaces.layouts.equipment import read_equipment
from marketplace.sharing.spaces.layouts.fees import read_fee
from marketplace.sharing.spaces.layouts.hours import joined, read_closed, read_span
from marketplace.sharing.spaces.layouts.writing import line
from marketplace.sharing.spaces.models import Feature, Kind

pytestmark = pytest.mark.no_database

FIXTURE = (Path(__file__).parent / "fixtures" / "rooms.csv").read_bytes()
CITY = (37.0, 126.5, 38.0, 127.5)
NINE_TO_SIX, TEN_TO_TWO = (540, 1080), (600, 840)
PLAIN = {
    **dict.fromkeys(columns.COLUMNS, ""),
    columns.FACILITY: "달빛동 주민센터",
    columns.PLACE: "3층 강의실",
    columns.KIND: "강의실",
    columns.CLOSED: "일요일, 공휴일",
    columns.WEEKDAY_OPENS: "09:00",
    columns.WEEKDAY_CLOSES: "18:00",
    columns.WEEKEND_OPENS: "10:00",
    columns.WEEKEND_CLOSES: "14:00",
    columns.PAID: "N",
    columns.CAPACITY: "20.0",
    columns.AREA: "55",
    columns.ROAD_ADDRESS: "가람특별시 가람구 달빛로 1",
    columns.LATITUDE: "37.5",
    columns.LONGITUDE: "127.0",
    columns.REFERENCE_DATE: "2020-01-01",
    columns.PROVIDER_CODE: "9990000",
    columns.PROVIDER_NAME: "가람구",
}


def sheet(*rows, columns=columns.COLUMNS):
    """A file of rows like the plain one, each with the cells given changed."""
    lines = [line([{**PLAIN, **row}.get(column, "x") for column in columns]) for row in rows]
    return line(columns) + b"".join(lines)


def reading(data, bounds=None):
    return layouts.read(data, bounds)


def closing(prose):
    return read_closed(prose)


def only(**cells):
    """What becomes of the plain row with these cells changed, named as the constants of the module."""
    (found,) = reading(sheet({getattr(columns, name): value for name, value in cells.items()}), CITY)
    return found


def codes(room):
    return [caution.code for caution in room.cautions]


def days(room):
    return {day for day, _, _ in room.weekly_hours}


# The file


def test_every_row_becomes_a_room_or_a_refusal_and_the_count_is_known_before():
    layout = reading(FIXTURE, CITY)

    found = list(layout)

    assert len(layout) == len(found) == 7
    assert [type(one).__name__ for one in found] == ["OfficialRoom"] * 2 + ["Refusal"] * 2 + ["OfficialRoom"] * 2 + [
        "Refusal"
    ]
    assert [one.reason_code for one in found if isinstance(one, Refusal)] == ["never_open", "cells", "duplicate"]


def test_line_numbers_are_those_of_the_file_despite_quoted_line_breaks():
    assert [one.line for one in reading(FIXTURE, CITY)] == [2, 3, 5, 6, 7, 8, 9]


def test_a_row_is_understood_whole():
    room = next(iter(reading(FIXTURE, CITY)))

    assert (room.building_name, room.room_name, room.kind) == ("달빛동 주민센터", "3층 강좌실", Kind.LECTURE)
    assert room.weekly_hours == (*((day, 540, 1260) for day in range(5)), (5, 600, 840))
    assert room.fee == Fee(False, 120, 20_000, 60, 10_000)
    assert (room.capacity, room.area_m2, room.equipment) == (20, 55.0, ("칠판", "책상", "의자"))
    assert (room.homepage, room.reference_date) == ("http://www.example.org", date(2020, 1, 1))
    assert room.cautions == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_the_same_rooms_come_from_every_encoding(encoding):
    assert list(reading(FIXTURE.decode().encode(encoding), CITY)) == list(reading(FIXTURE, CITY))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00", "UTF-16"),
        (b"\xff\xff\xff\xff", "neither"),
        (FIXTURE.replace("휴관일,".encode(), b"", 1), "휴관일"),
        (FIXTURE.replace("면적,".encode(), "휴관일,".encode(), 1), "twice"),
        (b'"never closed\n1,2,3\n', "column names"),
    ],
)
def test_a_file_that_is_not_in_the_layout_says_why(data, words):
    with pytest.raises(LayoutError, match=words):
        reading(data)


def test_a_file_of_too_many_rows_is_refused(monkeypatch):
    monkeypatch.setattr(files, "MAX_ROWS", 3)
    with pytest.raises(LayoutError, match="more than 3 rows"):
        reading(sheet({}, {}, {}, {}))


def test_columns_come_in_any_order_and_others_are_ignored():
    usual, turned = sheet({}), sheet({}, columns=("비고", *reversed(columns.COLUMNS)))

    assert list(reading(usual)) == list(reading(turned))


def test_an_unclosed_quotation_mark_costs_one_row_only():
    good, other = sheet({}, {columns.PLACE: "4층 회의실"}).splitlines(keepends=True)[1:]
    data = line(columns.COLUMNS) + good + b'"' + good + other

    assert [getattr(one, "reason_code", "room") for one in reading(data)] == ["room", "quotes", "room"]


@pytest.mark.parametrize("length", [100_000, 200_000])
def test_an_endless_cell_is_refused_and_the_next_row_is_read(length):
    found = list(reading(sheet({columns.EQUIPMENT: "가" * length}, {})))

    assert [getattr(one, "reason_code", "room") for one in found] == ["too_long", "room"]


@given(st.binary(max_size=300))
def test_no_bytes_after_the_header_break_the_reader(noise):
    data = line(columns.COLUMNS) + noise
    try:
        found = list(reading(data))
    except LayoutError:
        return
    assert all(isinstance(one, Refusal) for one in found)


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_a_byte_that_is_no_text_costs_its_row_only(encoding):
    good, other = (
        row.decode().encode(encoding) for row in sheet({}, {columns.PLACE: "4층 회의실"}).splitlines(True)[1:]
    )
    data = line(columns.COLUMNS).decode().encode(encoding) + good + other[:8] + b"\xff" + other[8:] + good

    room, refusal, again = reading(data)

    assert isinstance(room, OfficialRoom)
    assert (refusal.line, refusal.reason_code, again.reason_code) == (3, "damaged", "duplicate")
    refusal.value.encode()


# Refusals


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"FACILITY": "", "PLACE": ""}, "no_name"),
        ({"PROVIDER_CODE": "", "PROVIDER_NAME": ""}, "no_provider"),
        ({"ROAD_ADDRESS": "", "LATITUDE": "34.4"}, "no_address"),
        ({"CLOSED": "추후 공고"}, "closed_unreadable"),
        ({"CLOSED": "월~금", "WEEKEND_OPENS": "00:00", "WEEKEND_CLOSES": "00:00"}, "never_open"),
        ({"FACILITY": "가" * 201}, "too_long"),
    ],
)
def test_a_row_nobody_could_use_is_refused(cells, code):
    assert only(**cells).reason_code == code


def test_the_same_row_twice_is_refused_the_second_time_naming_the_first():
    _, second = reading(sheet({}, {columns.PHONE: "02-000-0000"}))

    assert second.reason_code == "duplicate"
    assert "line 2" in str(second.sentence)


def test_a_room_listed_by_two_institutions_is_imported_once():
    _, second = reading(sheet({}, {columns.PROVIDER_CODE: "B000001", columns.CAPACITY: "30"}))

    assert second.reason_code == "other_provider"


# Names and identity


@pytest.mark.parametrize(
    ("facility", "place", "building", "room"),
    [
        ("달빛동 주민센터", "가람구 달빛동주민센터 2층 강당", "달빛동 주민센터", "2층 강당"),
        ("가람구 달빛동 주민센터 2층 강당", "달빛동주민센터", "달빛동주민센터", "2층 강당"),
        ("달빛동주민센터(5층 사랑방)", "달빛동주민센터", "달빛동주민센터", "5층 사랑방"),
        ("회의실", "달빛동주민센터", "달빛동주민센터", "회의실"),
        ("달빛동주민센터", "라온방", "달빛동주민센터", "라온방"),
        ("달빛동 자치회관 3층 대강당", "달빛동주민센터", "달빛동주민센터", "달빛동 자치회관 3층 대강당"),
        ("햇살체육관", "햇살체육관", "햇살체육관", "강의실"),
        ("햇살체육관", "", "햇살체육관", "강의실"),
    ],
)
def test_the_building_and_the_room_are_told_apart_whichever_comes_first(facility, place, building, room):
    found = only(FACILITY=facility, PLACE=place)

    assert (found.building_name, found.room_name) == (building, room)


def test_a_room_keeps_its_key_when_written_with_the_names_we_gave_it():
    room = only(FACILITY="가람구 달빛동 주민센터 2층 강당", PLACE="달빛동주민센터")

    (again,) = reading(
        b"".join(layouts.write([replace(room, facility_name=room.building_name, place_name=room.room_name)]))
    )

    assert again.key == room.key


def test_the_key_outlives_changes_of_hours_fee_people_and_neighbours():
    changed = {
        columns.PAID: "Y",
        columns.FEE: "5000",
        columns.CAPACITY: "30",
        columns.WEEKDAY_OPENS: "10:00",
        columns.PHONE: "1",
    }
    alone, *_ = reading(sheet({}))
    _, among, _ = reading(sheet({columns.KIND: "회의실"}, changed, {columns.AREA: "20"}))

    assert among.key == alone.key
    assert among.name_key == alone.name_key
    assert codes(among).count("shared_name") == 1


def test_rooms_of_one_name_type_and_area_are_told_apart_by_what_differs_whatever_the_order():
    morning, evening, hall = (
        {columns.WEEKDAY_CLOSES: "12:00"},
        {columns.WEEKDAY_OPENS: "13:00"},
        {columns.CAPACITY: "9"},
    )
    keys = [room.key for room in reading(sheet(morning, evening, hall))]

    assert len(set(keys)) == 3
    assert [room.key for room in reading(sheet(hall, morning))] == [keys[2], keys[0]]


# Hours


@pytest.mark.parametrize(
    ("opens", "closes", "span", "code"),
    [
        ("09:00", "18:00", NINE_TO_SIX, ""),
        ("9시", "18시", NINE_TO_SIX, ""),
        ("0900", "18:00:00", NINE_TO_SIX, ""),
        ("09:00", "00:00", (540, 1440), ""),
        ("00:00", "24:00", (0, 1440), ""),
        ("00:00", "00:00", None, ""),
        ("", "", None, ""),
        ("00:00", "17:00", None, "hours_from_midnight"),
        ("18:00", "18:00", None, "hours_empty"),
        ("18:00", "09:00", None, "hours_backwards"),
        ("09:00", "", None, "hours_unreadable"),
        ("09:61", "18:00", None, "hours_unreadable"),
        ("아침", "25:00", None, "hours_unreadable"),
    ],
)
def test_hours_are_read_and_doubtful_hours_are_closed(opens, closes, span, code):
    assert read_span(opens, closes) == (span, code)
    assert codes(only(CLOSED="월요일", WEEKDAY_OPENS=opens, WEEKDAY_CLOSES=closes)) == (
        [code] if code else [] if span else ["no_hours"]
    )


def test_weekend_hours_do_not_open_a_weekend_that_is_listed_as_closed():
    room = only(CLOSED="토, 일, 공휴일")

    assert days(room) == {0, 1, 2, 3, 4}
    assert codes(room) == ["closed_despite_hours"]


def test_a_weekend_without_hours_stays_closed_although_nothing_closes_it():
    room = only(CLOSED="연중무휴", WEEKEND_OPENS="00:00", WEEKEND_CLOSES="00:00")

    assert days(room) == {0, 1, 2, 3, 4}
    assert codes(room) == ["no_hours"]


@pytest.mark.parametrize(
    ("prose", "open_days"),
    [
        ("연중무휴", {0, 1, 2, 3, 4, 5, 6, 7}),
        ("월요일", {1, 2, 3, 4, 5, 6, 7}),
        ("일요일", {0, 1, 2, 3, 4, 5}),
        ("공휴일", {0, 1, 2, 3, 4, 5, 6}),
        ("설/추석", {0, 1, 2, 3, 4, 5, 6}),
        ("", {0, 1, 2, 3, 4, 5, 6}),
        ("둘째, 넷째 일요일", {0, 1, 2, 3, 4, 5, 6, 7}),
    ],
)
def test_holidays_follow_sundays_unless_the_prose_closes_them(prose, open_days):
    assert days(only(CLOSED=prose)) == open_days


# Closed days


@pytest.mark.parametrize(
    ("prose", "weekly", "monthly", "holidays"),
    [
        ("일", "일", "", False),
        ("일요일, 공휴일", "일", "", True),
        ("매주토,일요일", "토일", "", False),
        ("토.일요일", "토일", "", False),
        ("토일", "토일", "", False),
        ("토 일 공휴일", "토일", "", True),
        ("일공휴일", "일", "", True),
        ("토요일/일요일/공휴일", "토일", "", True),
        ("공휴일/토,일요일", "토일", "", True),
        ("월,수,금,토,일,법정공휴일", "월수금토일", "", True),
        ("월+화+수+금+일", "월화수금일", "", False),
        ("매주, 목,금,토,일요일", "목금토일", "", False),
        ("매주 월~수요일,일요일", "월화수일", "", False),
        ("월~금,일", "월화수목금일", "", False),
        ("금~월", "금토일월", "", False),
        ("월요일~수요일", "월화수", "", False),
        ("매주 평일+매주 일요일", "월화수목금일", "", False),
        ("주중, 일요일, 공휴일", "월화수목금일", "", True),
        ("매주 화요일+매일 일요일", "화일", "", False),
        ("매주 주말", "토일", "", False),
        ("매주 월요일 휴관", "월", "", False),
        ("월요일, 국경일", "월", "", True),
        ("일요일 및 대체공휴일", "일", "", True),
        ("둘째, 넷째 일요일", "", "2일4일", False),
        ("매월 1,3주 월요일", "", "1월3월", False),
        ("1,3주 일요일 및 법정공휴일", "", "1일3일", True),
        ("매월 둘째, 넷째주 일요일, (대체)공휴일", "", "2일4일", True),
        ("매월 둘째일요일, 명절공휴일", "", "2일", True),
        ("매월 마지막 주 월요일", "", "4월5월", False),
        ("둘째 월요일, 일요일", "일", "2월", False),
        ("없음", "", "", False),
        ("-", "", "", False),
    ],
)
def test_closed_days_are_read_in_any_spelling(prose, weekly, monthly, holidays):
    closed = closing(prose)

    assert closed.weekly == {"월화수목금토일".index(day) for day in weekly}
    assert {f"{nth}{'월화수목금토일'[day]}" for day, nth in closed.monthly} == {
        monthly[i : i + 2] for i in range(0, len(monthly), 2)
    }
    assert closed.holidays is holidays
    assert closed.cautions == ()


@pytest.mark.parametrize(
    ("prose", "weekly", "holidays", "code"),
    [
        ("일(시설 사정에 따라 변경가능)", {6}, False, "closed_more"),
        ("휴관일없음(시설 사정에 따라 변경가능)", set(), False, "closed_more"),
        ("월요일, 법정공휴일, 운영기관 별도 지정 휴관일", {0}, True, "closed_more"),
        ("설/추석", set(), True, "closed_some_holidays"),
        ("월요일, 1월 1일, 설날", {0}, True, "closed_some_holidays"),
        ("격주 일요일", {6}, True, "closed_unclear"),
        ("월요일(월요일이 공휴일인 경우 다음날)", {0}, True, "closed_unclear"),
        ("토요일오전, 일요일", {5, 6}, True, "closed_unclear"),
        ("매월 1,3주, 공휴일", set(), True, "closed_unclear"),
        ("월요일, 매월 5일", {0}, True, "closed_unclear"),
    ],
)
def test_what_is_not_understood_closes_more_rather_than_less_and_keeps_its_words(prose, weekly, holidays, code):
    closed = closing(prose)

    assert (closed.weekly, closed.holidays, closed.cautions) == (weekly, holidays, (code,))
    assert only(CLOSED=prose).closed_note == prose


# Fees


@pytest.mark.parametrize(
    ("cells", "fee", "doubts"),
    [
        (("N", "", "", "", ""), Fee(True), []),
        (("N", "2", "무료", "", ""), Fee(True, 120), []),
        (("N", "0", "0", "0", "0"), Fee(True), []),
        (("Y", "2", "10,000원", "1", "5000"), Fee(False, 120, 10_000, 60, 5_000), []),
        (("Y", "1", "7500", "0.5", "3750"), Fee(False, 60, 7_500, 30, 3_750), []),
        (("Y", "50분", "1000", "", ""), Fee(False, 50, 1_000), []),
        (("Y", "2", "0", "0", "0"), Fee(False, 120), ["fee_unknown"]),
        (("Y", "", "", "", ""), Fee(False), ["fee_unknown"]),
        (("N", "2", "15000", "1", "7500"), Fee(False, 120, 15_000, 60, 7_500), ["fee_despite_free"]),
        (("", "2", "", "", ""), Fee(False, 120), ["paid_unclear", "fee_unknown"]),
        (("Y", "", "5,000", "", ""), Fee(False, None, 5_000), ["fee_per_use"]),
        (("Y", "0", "5,000", "", ""), Fee(False, None, 5_000), ["fee_per_use"]),
        (("Y", "4", "180000", "1", "0"), Fee(False, 240, 180_000, 60), ["extra_unstated"]),
        (("Y", "1", "5000", "", "100"), Fee(False, 60, 5_000), ["extra_unstated"]),
        (("Y", "두 시간", "5000", "", ""), Fee(False, None, 5_000), ["number_unreadable", "fee_per_use"]),
        (("Y", "1", "15,000~", "", ""), Fee(False, 60, 15_000, note="15,000~"), ["fee_more"]),
        (("Y", "1", "10000원(구민5000원)", "", ""), Fee(False, 60, 10_000, note="10000원(구민5000원)"), ["fee_more"]),
        (("Y", "1", "50,000(주말 65,000)", "", ""), Fee(False, 60, note="50,000(주말 65,000)"), ["fee_unclear"]),
        (
            ("Y", "", "3시간 20,000원(추가 1시간 10,000원)", "", ""),
            Fee(False, 180, 20_000, 60, 10_000, "3시간 20,000원(추가 1시간 10,000원)"),
            ["fee_more"],
        ),
        (("Y", "2", "3시간 20,000원", "", ""), Fee(False, 120, note="3시간 20,000원"), ["fee_unclear"]),
        (
            ("Y", "3", "평일 44,000원 / 주말 57,200원", "", ""),
            Fee(False, 180, note="평일 44,000원 / 주말 57,200원"),
            ["fee_unclear"],
        ),
        (("Y", "1", "1인 1음료", "", ""), Fee(False, 60, note="1인 1음료"), ["fee_unclear"]),
    ],
)
def test_fees_are_read_and_unclear_ones_are_left_to_ask(cells, fee, doubts):
    found, cautions = read_fee(*cells)

    assert found == fee
    assert [code for code, _ in cautions] == doubts


# Other facts


@pytest.mark.parametrize(
    ("prose", "things", "note"),
    [
        ("", (), ""),
        ("없음", (), ""),
        ("해당없음", (), ""),
        ("책상+의자_빔프로젝터", ("책상", "의자", "빔프로젝터"), ""),
        ("화이트보드 등", ("화이트보드",), ""),
        ("음향 및 냉난방 포함", ("음향", "냉난방"), ""),
        ("보유장서 5,737권+북카페", ("보유장서 5,737권", "북카페"), ""),
        ("실제 개방시간은 프로그램에 따라 다를 수 있음", (), "실제 개방시간은 프로그램에 따라 다를 수 있음"),
    ],
)
def test_equipment_is_a_list_of_things_and_prose_is_a_note(prose, things, note):
    assert read_equipment(prose) == (things, note)


@pytest.mark.parametrize(
    ("things", "features"),
    [
        ((), ()),
        (("빔 프로젝트 1대", "이동형책상", "의자 80개"), (Feature.PROJECTOR, Feature.TABLES, Feature.CHAIRS)),
        (
            ("유무선마이크각1개", "화이트 보드", "책상 의자"),
            (Feature.SOUND, Feature.BOARD, Feature.TABLES, Feature.CHAIRS),
        ),
        (("다목적 PC", "전면거울", "취사설비"), (Feature.COMPUTER, Feature.MIRROR, Feature.KITCHEN)),
        (
            ("냉난방기", "Wi-Fi", "탈의실", "주차장"),
            tuple(map(Feature, ("air_conditioning", "wifi", "shower", "parking"))),
        ),
        (("주차 불가", "취사금지", "스크린골프", "보유장서 5,737권"), ()),
    ],
)
def test_equipment_in_prose_is_found_by_what_people_search_for(things, features):
    assert layouts.features(things) == features


@pytest.mark.parametrize(
    ("latitude", "longitude", "point", "code"),
    [
        ("37.5", "127.0", (37.5, 127.0), []),
        ("127.0", "37.5", (37.5, 127.0), ["swapped"]),
        ("34.479877", "126.98", (None, None), ["outside"]),
        ("37.5", "120.0", (None, None), ["outside"]),
        ("0", "0", (None, None), ["outside"]),
        ("nan", "127", (None, None), ["outside"]),
        ("", "", (None, None), ["no_point"]),
        ("37도", "127도", (None, None), ["no_point"]),
    ],
)
def test_a_position_outside_the_city_costs_the_point_and_not_the_room(latitude, longitude, point, code):
    room = only(LATITUDE=latitude, LONGITUDE=longitude)

    assert (room.latitude, room.longitude) == point
    assert codes(room) == code


def test_without_bounds_only_an_impossible_latitude_is_swapped():
    (room,) = reading(sheet({columns.LATITUDE: "127.0", columns.LONGITUDE: "37.5"}))

    assert (room.latitude, room.longitude) == (37.5, 127.0)


@pytest.mark.parametrize(
    ("cells", "fact", "value", "code"),
    [
        ({"CAPACITY": "약 30명"}, "capacity", 30, []),
        ({"CAPACITY": "0"}, "capacity", None, ["number_unreadable"]),
        ({"AREA": "1"}, "area_m2", None, ["number_unreadable"]),
        ({"AREA": "1,152.5㎡"}, "area_m2", 1152.5, []),
        ({"REFERENCE_DATE": "2020.2.30"}, "reference_date", None, ["date_unreadable"]),
        ({"REFERENCE_DATE": "20200229"}, "reference_date", date(2020, 2, 29), []),
        ({"PICTURE": "예약시스템에 등록"}, "picture_url", "", []),
        ({"PICTURE": "javascript:alert(1)"}, "picture_url", "", []),
        ({"HOMEPAGE": "example.org/a"}, "homepage", "http://example.org/a", []),
        ({"PHONE": "'=1+1"}, "phone", "=1+1", []),
    ],
)
def test_small_facts_are_read_or_left_out_with_a_caution(cells, fact, value, code):
    room = only(**cells)

    assert getattr(room, fact) == value
    assert codes(room) == code


@pytest.mark.parametrize(
    ("official", "kind"),
    [
        ("다목적실", "multipurpose"),
        ("대강당", "hall"),
        ("풋살경기장", "football"),
        ("배드맨턴장", "court"),
        ("주민사랑방", "lounge"),
        ("기타", "other"),
    ],
)
def test_official_types_map_to_ours(official, kind):
    assert layouts.kind(official) is Kind(kind)


# Writing


@given(st.sampled_from(Kind))
def test_our_own_types_have_an_official_name(kind):
    assert layouts.kind(layouts.official_kind_of(kind)) is kind


LETTERS = st.text(alphabet="가나다라마abc 0123456789()[]=+-@',\"\n원~/", max_size=20).map(layouts.clean)
THINGS = st.lists(st.text(alphabet="책상의자빔탁칠판", min_size=2, max_size=6), max_size=4, unique=True).map(tuple)
SPANS = st.tuples(st.integers(0, 7), st.integers(0, 1438), st.integers(1, 1440)).filter(lambda span: span[1] < span[2])
MINUTES, WON = st.none() | st.integers(1, 1440), st.none() | st.integers(1, 10**9)
FEES = st.builds(Fee, st.just(True), MINUTES, st.none(), MINUTES, st.none(), LETTERS) | st.tuples(
    MINUTES, WON, MINUTES, WON, LETTERS
).map(lambda parts: Fee(False, *parts[:3], parts[3] if parts[2] else None, parts[4]))
NOTES = LETTERS | st.sampled_from(
    ["일요일, 공휴일", "연중무휴", "설/추석", "둘째 월요일", "없음 [시간표 월 09:00~10:00]"]
)
ROOMS = st.builds(
    OfficialRoom,
    facility_name=LETTERS.filter(bool),
    place_name=LETTERS.filter(bool),
    official_kind=LETTERS,
    weekly_hours=st.sets(SPANS, min_size=1, max_size=9).map(joined),
    closed_days=st.sets(st.tuples(st.integers(0, 6), st.integers(1, 5)), max_size=4).map(
        lambda pairs: tuple(sorted(pairs))
    ),
    closed_note=NOTES,
    fee=FEES,
    capacity=st.none() | st.integers(1, 100_000),
    area_m2=st.none() | st.integers(200, 10**6).map(lambda hundredths: hundredths / 100),
    equipment=THINGS,
    equipment_note=LETTERS,
    apply_how=LETTERS,
    road_address=LETTERS.filter(bool),
    operator=LETTERS,
    phone=st.sampled_from(["", "+82-2-000-0000", "02-000-0000"]),
    latitude=st.just(-37.5),
    longitude=st.just(-127.25),
    reference_date=st.none() | st.dates(date(1990, 1, 1)),
    provider_code=LETTERS.filter(bool),
)


@given(ROOMS)
def test_reading_what_was_written_gives_the_same_room(room):
    (again,) = reading(b"".join(layouts.write([room])))

    assert again == replace(room, key=again.key)
    assert OfficialRoom.from_json(json.loads(json.dumps(again.as_json()))) == again


PROSE = st.lists(
    st.sampled_from(
        [
            "월",
            "토",
            "일요일",
            "매주",
            "둘째",
            "1",
            "3주",
            "~",
            ",",
            " ",
            "공휴일",
            "명절",
            "(",
            ")",
            "변경",
            "격주",
            "없음",
            "5일",
        ]
    ),
    max_size=8,
)
AMOUNTS = st.lists(
    st.sampled_from(["3시간", "10,000원", "5000", "(", ")", "추가 1시간", "무료", " ", "/", "주말", "[5000원]"]),
    max_size=5,
)
CLOCKS = st.sampled_from(["", "00:00", "09:00", "12:30", "18:00", "24:00", "9시"])


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                columns.CLOSED: PROSE.map("".join),
                columns.FEE: AMOUNTS.map("".join),
                columns.PAID: st.sampled_from(["Y", "N", "", "유료"]),
                columns.PLACE: st.sampled_from(["3층 강당", "달빛동 주민센터", "달빛동주민센터 회의실"]),
                **dict.fromkeys(
                    (columns.BASE_HOURS, columns.EXTRA_HOURS, columns.EXTRA_FEE),
                    st.sampled_from(["", "0", "1", "0.5", "x"]),
                ),
                **dict.fromkeys(columns.HOURS, CLOCKS),
                columns.AREA: st.sampled_from(["1", "20", ""]),
                columns.PROVIDER_CODE: st.sampled_from(["1", "2"]),
            }
        ),
        max_size=4,
    )
)
def test_writing_what_was_read_loses_nothing_and_no_key_moves(rows):
    rooms = [one for one in reading(sheet(*rows)) if isinstance(one, OfficialRoom)]

    assert list(reading(b"".join(layouts.write(rooms)))) == rooms
    assert len({room.key for room in rooms}) == len(rooms)


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "'=1", "\t=1"])
def test_no_written_cell_is_a_formula(cell):
    assert layouts.guard(cell).startswith("'")
    assert layouts.clean(layouts.guard(cell)) == cell.strip()


@pytest.mark.parametrize("cell", ["+82-2-000-0000", "-127.25", "02-000-0000", "-", "달빛동"])
def test_phone_numbers_and_coordinates_are_written_as_they_are(cell):
    assert layouts.guard(cell) == (f"'{cell}" if cell == "-" else cell)
