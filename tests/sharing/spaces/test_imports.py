"""A city's rooms are taken in from its file again and again, and nothing entered here is lost."""

import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import Building, BuildingPoint
from marketplace.kernel import clock, db, occupancy, search
from marketplace.kernel.geo import Point
from marketplace.kernel.intervals import Interval
from marketplace.sharing.spaces import layouts
from marketplace.sharing.spaces.layouts import columns
from marketplace.sharing.spaces.layouts.writing import line
from marketplace.sharing.spaces.models import Booking, BookingState, Feature, Kind, Space, SpaceHours
from marketplace.sharing.spaces.queries import official
from marketplace.sharing.spaces.queries.rooms import SEARCH_KIND, get_space
from marketplace.sharing.spaces.service import imports

FIXTURE = Path(__file__).parent / "fixtures" / "rooms.csv"
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
    columns.PAID: "Y",
    columns.BASE_HOURS: "2",
    columns.FEE: "10000",
    columns.CAPACITY: "20",
    columns.AREA: "55",
    columns.EQUIPMENT: "빔프로젝터, 의자",
    columns.ROAD_ADDRESS: "가람특별시 가람구 달빛로 1",
    columns.LATITUDE: "37.5",
    columns.LONGITUDE: "127.0",
    columns.PHONE: "02-000-0001",
    columns.PROVIDER_CODE: "9990000",
    columns.PROVIDER_NAME: "가람구",
}
MEETING = {columns.PLACE: "2층 회의실", columns.KIND: "회의실"}
HALL = {columns.PLACE: "대강당", columns.KIND: "강당", columns.CAPACITY: "200"}


def sheet(*rows):
    return line(columns.COLUMNS) + b"".join(line([{**PLAIN, **row}[name] for name in columns.COLUMNS]) for row in rows)


def take_in(*rows):
    return imports.import_rooms(layouts.read(sheet(*rows)), "하늘시")


def spaces():
    db.session.expire_all()
    ids = db.session.scalars(sa.select(Space.id).order_by(Space.id)).all()
    return [get_space(space_id) for space_id in ids]


def export():
    return b"".join(layouts.write(official.official_rooms("하늘시")))


def rooms_in(data):
    return [row for row in layouts.read(data) if isinstance(row, layouts.OfficialRoom)]


def counted(report):
    return report.added, report.updated, report.unchanged, report.refused


def book(space, starts_at, state=BookingState.CONFIRMED):
    person = Person(name="Mina", email=f"{starts_at:%H}@example.org", password_hash="-")
    interval = Interval(starts_at, starts_at + timedelta(hours=2))
    held = occupancy.claim(space.resource_id, interval, kind=occupancy.Kind.BOOKING)
    booking = Booking(
        space_id=space.id, person=person, occupancy=held, starts_at=interval.starts_at, ends_at=interval.ends_at,
        state=state, created_at=clock.now(),
    )  # fmt: skip
    db.session.add(booking)
    db.session.flush()
    return booking


# What a row becomes


def test_a_row_becomes_a_room_with_its_building_hours_fee_and_features():
    take_in({})

    (space,) = spaces()

    assert (space.name, space.kind, space.capacity, space.area_m2) == ("3층 강의실", Kind.LECTURE, 20, 55.0)
    assert (space.building.name, space.building.phone, space.building.step_free) == (
        "달빛동 주민센터",
        "02-000-0001",
        None,
    )
    assert space.week.days[0] == ((540, 1080),)
    assert space.week.days[5] == ((600, 840),)
    assert space.week.days[6] == space.week.days[7] == ()
    assert {feature.feature for feature in space.features} == {Feature.PROJECTOR, Feature.CHAIRS}
    assert (space.fee(120), space.fee(180)) == (10_000, 20_000)
    assert (space.min_minutes, space.max_minutes, space.raster_minutes, space.by_request) == (60, 540, 60, False)
    assert (space.notice_days, space.horizon_days) == (0, 90)
    assert db.session.scalar(sa.select(BuildingPoint.point)) == Point(37.5, 127.0)
    assert db.session.scalars(search.matching(SEARCH_KIND, "달빛동 프로젝터")).all() == [space.id]


@pytest.mark.parametrize(
    ("cells", "fee_note", "by_request"),
    [
        ({columns.FEE: ""}, "", True),
        ({columns.FEE: "50,000(주말 65,000)"}, "50,000(주말 65,000)", True),
        ({columns.CLOSED: "격주 일요일"}, "", True),
        ({columns.CLOSED: "일요일, 행사 시 변경"}, "", True),
        ({columns.PAID: "N", columns.FEE: ""}, "", False),
    ],
)
def test_what_the_file_leaves_open_is_asked_of_the_building(cells, fee_note, by_request):
    take_in(cells)

    (space,) = spaces()

    assert (space.fee_note, space.by_request) == (fee_note, by_request)


@pytest.mark.parametrize(
    ("cells", "rules"),
    [
        ({columns.BASE_HOURS: "50분"}, (50, 540, 60)),
        ({columns.BASE_HOURS: "4"}, (60, 540, 60)),
        ({columns.WEEKDAY_OPENS: "09:30"}, (60, 510, 30)),
        (
            {columns.WEEKDAY_CLOSES: "09:30", columns.WEEKEND_OPENS: "00:00", columns.WEEKEND_CLOSES: "00:00"},
            (30, 30, 60),
        ),
    ],
)
def test_a_room_is_booked_for_an_hour_up_to_its_longest_opening(cells, rules):
    take_in(cells)

    (space,) = spaces()

    assert (space.min_minutes, space.max_minutes, space.raster_minutes) == rules


def test_a_fee_for_one_use_is_charged_once_however_long():
    take_in({columns.BASE_HOURS: ""})

    (space,) = spaces()

    assert space.fee(60) == space.fee(540) == 10_000


def test_rooms_share_a_building_however_its_name_is_spelled():
    take_in(
        {},
        {**MEETING, columns.FACILITY: "달빛동주민센터", columns.ROAD_ADDRESS: "가람특별시 가람구 달빛로 1 (달빛동)"},
        {**HALL, columns.ROAD_ADDRESS: "가람특별시 가람구 달빛로 2"},
    )

    first, second, annex = spaces()

    assert first.building is second.building is not annex.building


# Again


def test_a_second_run_changes_nothing():
    take_in({}, MEETING, HALL)
    before = [(space.version, space.building.version) for space in spaces()]

    again = take_in({}, MEETING, HALL)

    assert counted(again) == (0, 0, 3, 0)
    assert [(space.version, space.building.version) for space in spaces()] == before


def test_a_changed_row_changes_its_room_and_no_other():
    take_in({}, MEETING)
    first, second = (space.version for space in spaces())

    changed = {columns.CAPACITY: "25", columns.WEEKDAY_CLOSES: "21:00", columns.EQUIPMENT: "피아노"}
    report = take_in({**changed}, MEETING)

    assert counted(report) == (0, 1, 1, 0)
    lecture, meeting = spaces()
    assert (lecture.capacity, lecture.week.days[0], lecture.max_minutes) == (25, ((540, 1260),), 720)
    assert [feature.feature for feature in lecture.features] == [Feature.PIANO]
    assert (lecture.version > first, meeting.version) == (True, second)
    assert db.session.scalars(search.matching(SEARCH_KIND, "피아노")).all() == [lecture.id]


def test_a_room_whose_type_or_area_was_corrected_is_the_same_room():
    take_in({}, MEETING)
    ids = [space.id for space in spaces()]

    report = take_in({columns.KIND: "강당", columns.AREA: "60"}, MEETING)

    assert (counted(report), report.vanished) == ((0, 1, 1, 0), 0)
    assert [space.id for space in spaces()] == ids
    assert spaces()[0].kind is Kind.HALL


def test_a_building_whose_address_was_corrected_is_the_same_building():
    take_in({}, MEETING)

    moved = {columns.ROAD_ADDRESS: "가람특별시 가람구 달빛로 12", columns.LATITUDE: "37.51"}
    report = take_in(moved, {**MEETING, **moved})

    assert counted(report) == (0, 2, 0, 0)
    (building,) = db.session.scalars(sa.select(Building))
    assert building.road_address == "가람특별시 가람구 달빛로 12"
    assert db.session.scalar(sa.select(BuildingPoint.point)) == Point(37.51, 127.0)


def test_what_a_manager_set_here_survives_and_a_conflict_is_told():
    take_in({})
    (space,) = spaces()
    here = {"before_minutes": 30, "notice_days": 5, "horizon_days": 60, "by_request": True, "house_rules": "No shoes.",
            "min_minutes": 120, "max_minutes": 240, "capacity": 18, "name_en": "Classroom"}  # fmt: skip
    for name, value in here.items():
        setattr(space, name, value)
    space.building.lift = True
    db.session.flush()

    changed = {columns.CAPACITY: "25", columns.AREA: "60", columns.WEEKDAY_CLOSES: "20:00"}
    report = take_in(changed)

    (space,) = spaces()
    assert {name: getattr(space, name) for name in here} == here
    assert (space.area_m2, space.week.days[0], space.building.lift) == (60.0, ((540, 1200),), True)
    assert [(one.column, one.code) for one in report.remarks] == [(columns.CAPACITY, "kept")]
    assert counted(take_in(changed)) == (
        0,
        0,
        1,
        0,
    )


def test_a_room_that_vanished_from_its_provider_is_told_and_stays():
    take_in({}, MEETING, {**HALL, columns.PROVIDER_CODE: "8880000"})

    report = take_in({})

    assert report.vanished == 1
    assert [(one.line, one.value) for one in report.remarks] == [(None, "달빛동 주민센터 2층 회의실")]
    assert len(spaces()) == 3
    assert all(space.open for space in spaces())


def test_a_booking_outside_new_hours_is_told_and_stays():
    take_in({})
    (space,) = spaces()
    evening = book(space, clock.now() + timedelta(days=1, hours=7))  # Tuesday 16:00
    book(space, clock.now() + timedelta(days=1, hours=2))

    report = take_in({columns.WEEKDAY_CLOSES: "17:00"})

    assert [(one.line, one.code, one.value) for one in report.remarks] == [
        (2, "booking_outside_hours", evening.reference)
    ]
    assert evening.state is BookingState.CONFIRMED


def test_a_row_the_database_refuses_costs_only_itself(monkeypatch):
    facts_of = official.facts_of
    monkeypatch.setattr(
        official, "facts_of", lambda room: facts_of(room) | ({"capacity": -1} if room.capacity == 200 else {})
    )

    report = take_in({}, {**HALL, columns.ROAD_ADDRESS: "가람특별시 가람구 별빛로 9"}, MEETING)

    assert counted(report) == (2, 0, 0, 1)
    assert [(one.line, one.code) for one in report.remarks] == [(3, "database")]
    assert [space.name for space in spaces()] == ["3층 강의실", "2층 회의실"]
    assert db.session.scalar(sa.select(sa.func.count(Building.id))) == 1


def test_the_number_of_statements_of_a_second_run_does_not_grow(engine):
    rows = [{columns.PLACE: f"{number}호실"} for number in range(100, 140)]
    statements: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    counts = []
    for some in (rows[:5], rows):
        take_in(*some)
        statements.clear()
        take_in(*some)
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 4


# Export


def test_what_is_exported_reads_as_what_was_imported():
    rooms = rooms_in(FIXTURE.read_bytes())
    imports.import_rooms(layouts.read(FIXTURE.read_bytes()))

    again = rooms_in(export())

    assert sorted(again, key=lambda room: room.key) == sorted(rooms, key=lambda room: room.key)
    assert counted(imports.import_rooms(layouts.read(export()))) == (0, 0, len(rooms), 0)


def test_what_was_changed_here_is_exported():
    take_in({}, {**MEETING, columns.PHONE: "02-000-0002"})
    lecture, meeting = spaces()
    lecture.capacity, lecture.base_fee, lecture.building.homepage = 18, 12_000, "http://example.org/new"
    meeting.open = False
    db.session.flush()

    (row,) = rooms_in(export())

    assert (row.capacity, row.fee.base_fee, row.fee.base_minutes) == (18, 12_000, 120)
    assert (row.homepage, row.phone, row.area_m2) == ("http://example.org/new", "02-000-0001", 55.0)


def test_a_room_whose_closed_days_are_unclear_stays_by_request_when_its_hours_were_changed_here():
    take_in({columns.CLOSED: "일요일, 행사 시 변경"})
    (space,) = spaces()
    space.hours.append(SpaceHours(weekday=6, opens=600, closes=720))
    db.session.flush()

    imports.import_rooms(layouts.read(export()))

    (space,) = spaces()
    assert (space.by_request, space.week.days[6]) == (True, ((600, 720),))


def test_a_room_made_here_is_exported_and_known_again():
    take_in({})
    (space,) = spaces()
    space.code, space.source = None, {}
    db.session.flush()

    (row,) = rooms_in(export())
    report = imports.import_rooms(layouts.read(export()), "하늘시")

    assert (row.provider_name, row.room_name, row.fee.base_fee) == ("하늘시", "3층 강의실", 10_000)
    assert counted(report) == (0, 1, 0, 0)
    assert len(spaces()) == 1


# The commands


@pytest.fixture
def command(app):
    def run(*arguments):
        db.session.remove()  # a command begins a transaction of its own
        return app.test_cli_runner().invoke(args=["spaces", *map(str, arguments)])

    return run


def figures(result):
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_the_command_ends_with_one_line_of_figures(command, tmp_path, encoding):
    file, report = tmp_path / "rooms.csv", tmp_path / "report.csv"
    file.write_bytes(FIXTURE.read_bytes().decode("utf-8-sig").encode(encoding))

    result = command("import", file, "--report", report)

    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1
    assert figures(result) == {"read": 7, "added": 4, "updated": 0, "unchanged": 0, "refused": 3}
    rows = list(csv.DictReader(report.read_text(encoding="utf-8-sig").splitlines()))
    assert [(row["line"], row["code"]) for row in rows if row["outcome"] == "refused"] == [
        ("5", "never_open"), ("6", "cells"), ("9", "duplicate"),
    ]  # fmt: skip
    assert all(row["reason"] and row["column"] in columns.COLUMNS for row in rows)


def test_a_dry_run_says_the_same_and_leaves_nothing(command):
    dry = command("import", FIXTURE, "--dry-run")

    assert (len(spaces()), db.session.scalar(sa.select(sa.func.count(Building.id)))) == (0, 0)
    assert figures(dry) == figures(command("import", FIXTURE))


def test_no_cell_of_the_report_is_a_formula(command, tmp_path):
    file, report = tmp_path / "rooms.csv", tmp_path / "report.csv"
    file.write_bytes(sheet({columns.CLOSED: "=HYPERLINK(1)"}))

    command("import", file, "--report", report)

    (row,) = csv.DictReader(report.read_text(encoding="utf-8-sig").splitlines())
    assert row["value"] == "'=HYPERLINK(1)"


def test_one_broken_byte_costs_one_row(command, tmp_path):
    good = sheet({}, MEETING).decode("utf-8-sig").encode("cp949")
    at = good.index("2층".encode("cp949"))
    file = tmp_path / "rooms.csv"
    file.write_bytes(good[:at] + b"\xff" + good[at:])

    result = command("import", file)

    assert (figures(result)["added"], figures(result)["refused"]) == (1, 1)
    assert "Line 3 refused" in result.stderr
    assert "CP949" in result.stderr


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", "neither"),
        (b"\x00" * 500, "missing"),
        (b'"never closed\n1,2,3\n', "column names"),
        ("이름,주소\n가,나\n".encode(), "개방시설명"),
    ],
)
def test_a_file_that_is_none_gets_a_sentence_and_writes_nothing(command, tmp_path, data, words):
    file = tmp_path / "rooms.csv"
    file.write_bytes(data)

    result = command("import", file)

    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert result.stderr.startswith("Error: rooms.csv: ")


def test_a_missing_file_and_an_unwritable_report_get_a_sentence(command, tmp_path):
    missing = command("import", tmp_path / "nowhere.csv")
    unwritable = command("import", FIXTURE, "--report", tmp_path / "nowhere" / "report.csv")

    assert (missing.exit_code, unwritable.exit_code) == (1, 1)
    assert "cannot be read" in missing.stderr
    assert "nothing was imported" in unwritable.stderr
    assert spaces() == []


@pytest.mark.parametrize("bad", [b'"' + b"x" * 300_000, b"\x00" * 900, b'"a"b,c'])
def test_a_malformed_row_is_refused_and_the_others_go_on(command, tmp_path, bad):
    head, *rows = sheet({}, MEETING).splitlines(keepends=True)
    file = tmp_path / "rooms.csv"
    file.write_bytes(head + rows[0] + bad + b"\r\n" + rows[1])

    result = command("import", file)

    assert figures(result) == {"read": 3, "added": 2, "updated": 0, "unchanged": 0, "refused": 1}
    assert "Line 3 refused" in result.stderr


def test_the_export_command_writes_a_file_that_imports_unchanged(command, tmp_path):
    command("import", FIXTURE)
    file = tmp_path / "out.csv"

    command("export", "--out", file)
    again = command("import", file)

    assert figures(again) == {"read": 4, "added": 0, "updated": 0, "unchanged": 4, "refused": 0}
    assert command("export").stdout_bytes == file.read_bytes()
