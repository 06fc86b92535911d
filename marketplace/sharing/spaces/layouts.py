"""Korea's national standard layout for opened public facilities (29 columns), read and written.

How a row is understood; where the file leaves it open, the room is closed rather than open and the row gets a
caution.

Names    Some offices write the building first, others the room. The part that the other begins with is the building;
         otherwise the one that sounds like a building. A room named like its building is called by its type.
Hours    00:00-00:00, and a span without a start or an end, is no hours. 09:00-00:00 ends at midnight. 00:00-17:00
         lacks its opening hour (00:00 is the file's "not entered") and 00:00-24:00 is all day. Ends before it starts:
         no hours. A row left with no hour at all is refused.
Closed   Weekdays in any spelling, ranges, weekends, "2nd and 4th Sunday". A day with hours that the prose closes is
         closed, and so is a day without hours that the prose leaves open. An unknown word beside a weekday closes
         that weekday every week and all public holidays; prose with nothing to recognise refuses the row. "Last" of
         the month closes the fourth and the fifth.
Holidays Closed if the prose names them or only some of them (New Year, Chuseok), if it is blank or unclear; otherwise
         the hours of the weekend, if the room is open on Sundays at all.
Fees     An amount makes the room charged even where the flag says free; a charged room without one clear amount has
         base_fee None (ask). A discount in brackets stays in the note; a surcharge there makes the amount unclear. No
         base time: the fee is for one use. Zero for extra time means that no rate was stated.
Points   Outside the bounds given: no point. Swapped numbers are put right only where the given order is impossible
         and the other fits.
Identity key = provider, building, room, type, area; rows that share all of these but differ in people, hours or fee
         have these in their key too. It never depends on a row's place in the file. Rows that agree in all of it are
         one room: the later is refused, also where another provider lists the same room (same names, type, area and
         address). `name_key` (provider, building, room) lets an importer recognise a room whose type or area was
         corrected, if it is the only one of its name before and after.

What `write` cannot say in the official columns it adds to the prose in square brackets, and `read` takes that at its
word.
"""

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from marketplace.kernel.words import Text, _l

MAX_ROWS = 200_000
MAX_CELL = 5_000
MAX_NAME = 200
MIDNIGHT = 24 * 60
HOLIDAY = 7

FACILITY, PLACE, KIND, CLOSED = "개방시설명", "개방장소명", "개방시설유형구분", "휴관일"
WEEKDAY_OPENS, WEEKDAY_CLOSES = "평일운영시작시각", "평일운영종료시각"
WEEKEND_OPENS, WEEKEND_CLOSES = "주말운영시작시각", "주말운영종료시각"
PAID, BASE_HOURS, FEE, EXTRA_HOURS, EXTRA_FEE = (
    "유료사용여부",
    "사용기준시간",
    "사용료",
    "초과사용단위시간",
    "초과사용료",
)
CAPACITY, AREA, EQUIPMENT, APPLY, PICTURE = "수용가능인원수", "면적", "부대시설정보", "신청방법구분", "시설사진정보"
ROAD_ADDRESS, LOT_ADDRESS, OPERATOR, DEPARTMENT = "소재지도로명주소", "소재지지번주소", "관리기관명", "담당부서명"
PHONE, HOMEPAGE, LATITUDE, LONGITUDE = "사용안내전화번호", "홈페이지주소", "위도", "경도"
REFERENCE_DATE, PROVIDER_CODE, PROVIDER_NAME = "데이터기준일자", "제공기관코드", "제공기관명"

_HOURS = (WEEKDAY_OPENS, WEEKDAY_CLOSES, WEEKEND_OPENS, WEEKEND_CLOSES)
_FEES = (PAID, BASE_HOURS, FEE, EXTRA_HOURS, EXTRA_FEE)
COLUMNS = (
    *(FACILITY, PLACE, KIND, CLOSED, *_HOURS, *_FEES, CAPACITY, AREA, EQUIPMENT, APPLY, PICTURE),
    *(ROAD_ADDRESS, LOT_ADDRESS, OPERATOR, DEPARTMENT, PHONE, HOMEPAGE, LATITUDE, LONGITUDE),
    *(REFERENCE_DATE, PROVIDER_CODE, PROVIDER_NAME),
)
REQUIRED = (FACILITY, PLACE, KIND, CLOSED, *_HOURS, PAID, FEE, CAPACITY, ROAD_ADDRESS, PROVIDER_CODE)

REASONS = {
    "quotes": _l("The quotation marks of this row do not close where they should."),
    "cells": _l("The row has {found} cells, the header has {expected}: its values may stand in the wrong columns."),
    "too_long": _l("The text is longer than {limit} characters."),
    "no_name": _l("The row names neither a facility nor a place."),
    "no_provider": _l("The row does not say which institution provides it."),
    "no_address": _l("The row has neither an address nor a usable position, so nobody could find the room."),
    "closed_unreadable": _l("The closed days cannot be understood, so we cannot tell when the room is open."),
    "never_open": _l("No opening hours are left once the closed days are taken out."),
    "duplicate": _l("This is the same room as in line {other}, with the same type, area, people, hours and fee."),
    "other_provider": _l("Another institution lists this same room in line {other}."),
}
CAUTIONS = {
    "one_name": _l("Only one of the two names is given; it is used for the building."),
    "shared_name": _l("Several rows have this name; they are told apart by type, area, people, hours or fee."),
    "hours_unreadable": _l("The hours cannot be read, so the room counts as closed on these days."),
    "hours_empty": _l("The room would close at the minute it opens, so it counts as closed on these days."),
    "hours_backwards": _l("The hours end before they start, so the room counts as closed on these days."),
    "hours_from_midnight": _l(
        "The opening hour seems to be missing (00:00), so the room counts as closed on these days."
    ),
    "no_hours": _l(
        "No hours are given for these days; the room counts as closed, though not all are listed as closed."
    ),
    "closed_despite_hours": _l(
        "Hours are given for days that are all listed as closed; the room stays closed on them."
    ),
    "closed_blank": _l("No closed days are given; the room counts as closed on public holidays."),
    "closed_some_holidays": _l("Only some holidays are named; the room counts as closed on all public holidays."),
    "closed_more": _l("The closed days say more than opening hours can hold; the words are shown to residents."),
    "closed_unclear": _l(
        "A part of the closed days is not understood; the days it names and all public holidays count as closed."
    ),
    "paid_unclear": _l("It is not clear whether the room is free; it counts as charged."),
    "fee_unknown": _l("The room is charged but no amount is given; residents are told to ask."),
    "fee_unclear": _l("The fee has no single clear amount; the words are shown and residents are told to ask."),
    "fee_more": _l("The fee says more than its amount; the words are shown to residents."),
    "fee_despite_free": _l("The room is marked free but has a fee; the fee counts."),
    "fee_per_use": _l("The fee has no base time; it counts for one use, however long."),
    "extra_unstated": _l("The rate for extra time is zero or lacks its unit; it counts as not stated."),
    "number_unreadable": _l("This is not a number that makes sense here; it is left out."),
    "date_unreadable": _l("This is not a date; it is left out."),
    "no_point": _l("The position is missing or not a number; the room is placed by its address only."),
    "outside": _l("The position lies outside the city; the room is placed by its address only."),
    "swapped": _l("Latitude and longitude were swapped and have been put right."),
    "no_address": _l("The row has no address; the room is placed by its position only."),
}

Bounds = tuple[float, float, float, float]
"""Smallest latitude, smallest longitude, largest latitude, largest longitude."""
Hours = tuple[tuple[int, int, int], ...]
"""(weekday 0 Monday to 6 Sunday, or 7 for public holidays; opening minute; closing minute up to 1440), rising."""
ClosedDays = tuple[tuple[int, int], ...]
"""(weekday, nth of the month from 1 to 5), rising."""
Span = tuple[int, int]


class LayoutError(Exception):
    """The file as a whole is not one in this layout."""

    def __init__(self, message: Text) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class Kind(StrEnum):
    """Our own short list of types of room."""

    MULTIPURPOSE = "multipurpose"
    LECTURE = "lecture"
    MEETING = "meeting"
    HALL = "hall"
    GYM = "gym"
    TENNIS = "tennis"
    FOOTBALL = "football"
    COURT = "court"
    GOLF = "golf"
    EXHIBITION = "exhibition"
    LOUNGE = "lounge"
    OTHER = "other"


_KIND_WORDS = (
    (Kind.MULTIPURPOSE, "다목적"),
    (Kind.TENNIS, "테니스"),
    (Kind.FOOTBALL, "축구|풋살"),
    (Kind.COURT, "족구|배드|농구|배구"),
    (Kind.GOLF, "골프"),
    (Kind.GYM, "체육|체력|헬스|탁구"),
    (Kind.EXHIBITION, "전시|갤러리"),
    (Kind.HALL, "강당|공연|홀"),
    (Kind.MEETING, "회의|세미나"),
    (Kind.LECTURE, "강의|강좌|교육|교실"),
    (Kind.LOUNGE, "사랑방|쉼터|카페"),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that is not imported, and why."""

    line: int
    column: str
    value: str
    reason_code: str
    sentence: Text


@dataclass(frozen=True, slots=True)
class Caution:
    """Something in an imported row that a clerk may want to correct."""

    line: int
    column: str
    value: str
    code: str
    sentence: Text


@dataclass(frozen=True, slots=True)
class Fee:
    """What the room costs, in won. No base_fee: free, or one has to ask. No base_minutes: the fee is for one use."""

    free: bool
    base_minutes: int | None = None
    base_fee: int | None = None
    extra_minutes: int | None = None
    extra_fee: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialRoom:
    """One row, understood. The two names stand as in the file; building_name and room_name say which is which."""

    key: str = ""
    facility_name: str
    place_name: str
    official_kind: str
    weekly_hours: Hours
    closed_days: ClosedDays = ()
    closed_note: str = ""
    fee: Fee
    capacity: int | None = None
    area_m2: float | None = None
    equipment: tuple[str, ...] = ()
    equipment_note: str = ""
    apply_how: str = ""
    picture_url: str = ""
    road_address: str = ""
    lot_address: str = ""
    operator: str = ""
    department: str = ""
    phone: str = ""
    homepage: str = ""
    latitude: float | None = None
    longitude: float | None = None
    reference_date: date | None = None
    provider_code: str
    provider_name: str = ""
    line: int = field(default=0, compare=False)
    cautions: tuple[Caution, ...] = field(default=(), compare=False)

    @property
    def building_name(self) -> str:
        return names(self.facility_name, self.place_name, self.official_kind)[0]

    @property
    def room_name(self) -> str:
        return names(self.facility_name, self.place_name, self.official_kind)[1]

    @property
    def kind(self) -> Kind:
        return kind(self.official_kind)

    @property
    def name_key(self) -> str:
        return _digest(self.provider_code or self.provider_name, _tight(self.building_name), _tight(self.room_name))


# Reading a file


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: dict[str, str]
    fault: tuple[str, dict[str, object]] | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """The rows of a file: its length is known, its rooms and refusals come one by one in the order of the file."""

    encoding: str
    bounds: Bounds | None
    records: tuple[_Record, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[OfficialRoom | Refusal]:
        shared, crowded = self._namesakes()
        lines: dict[tuple[object, ...], int] = {}
        elsewhere: dict[tuple[object, ...], tuple[str, int]] = {}
        for record in self.records:
            row = _Row(record, self.bounds)
            facts = row.read()
            if isinstance(facts, Refusal):
                yield facts
                continue
            identity, details = _identity(record.cells), _details(facts)
            place = (*identity[1:], _tight(str(facts["road_address"] or facts["lot_address"])))
            provider, other = elsewhere.setdefault(place, (identity[0], record.line))
            if (first := lines.setdefault((*identity, details), record.line)) != record.line:
                yield row.refuse("duplicate", PLACE, other=first)
            elif provider != identity[0] and facts["area_m2"] is not None:
                yield row.refuse("other_provider", PROVIDER_CODE, other=other)
            else:
                if identity[:3] in shared:
                    row.warn("shared_name", PLACE)
                key = _digest(*identity, *([details] if identity in crowded else []))
                yield OfficialRoom(key=key, line=record.line, cautions=tuple(row.cautions), **facts)  # type: ignore[arg-type]

    def _namesakes(self) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
        """The names that several rows share, and the identities under which there are different facts."""
        rows: dict[tuple[str, ...], list[_Record]] = defaultdict(list)
        named: dict[tuple[str, ...], int] = defaultdict(int)
        for record in self.records:
            if not record.fault:
                identity = _identity(record.cells)
                rows[identity].append(record)
                named[identity[:3]] += 1
        crowded = set()
        for identity, alike in rows.items():
            if len(alike) > 1:
                understood = [_Row(record, self.bounds).read() for record in alike]
                if len({_details(facts) for facts in understood if not isinstance(facts, Refusal)}) > 1:
                    crowded.add(identity)
        return {name for name, count in named.items() if count > 1}, crowded


def read(data: bytes, bounds: Bounds | None = None) -> Layout:
    """Read a file in the layout: UTF-8 with or without a byte order mark, or CP949; columns in any order.

    bounds   the city's box; positions outside it are left out with a caution. None accepts any position on Earth.
    raises   LayoutError if the text, the header or the number of rows is not that of such a file.

    A bad row never stops the reading: it comes out as a Refusal.
    """
    text, encoding = _decode(data)
    return Layout(encoding, bounds, tuple(_records(list(io.StringIO(text, newline="")))))


def _decode(data: bytes) -> tuple[str, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise LayoutError(_l("The file is in UTF-16. Save it as CSV in UTF-8 and try again."))
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as fault:
        if "개방".encode() in data[:4096]:
            line = data.count(b"\n", 0, fault.start) + 1
            raise LayoutError(_l("The file is UTF-8 but damaged in line {line}.", line=line)) from fault
    try:
        return data.decode("cp949"), "cp949"
    except UnicodeDecodeError as fault:
        raise LayoutError(
            _l("The file is neither in UTF-8 nor in CP949. Save it as CSV in UTF-8 and try again.")
        ) from fault


def _records(lines: Sequence[str]) -> Iterator[_Record]:
    """Cut the lines of a file into rows; after a row with broken quotes go on with the line after its first."""
    header: list[str] = []
    count = at = 0
    while at < len(lines):
        start, reader = at, csv.reader((lines[i] for i in range(at, len(lines))), strict=True)
        try:
            for cells in reader:
                line, start = start + 1, at + reader.line_num
                if not any(cell.strip() for cell in cells):
                    continue
                if not header:
                    header = _header(cells)
                    continue
                count += 1
                if count > MAX_ROWS:
                    raise LayoutError(
                        _l("The file has more than {limit} rows. Split it and import the parts.", limit=MAX_ROWS)
                    )
                yield _record(line, header, cells)
            return
        except csv.Error as fault:
            if not header:
                raise LayoutError(_l("The first line is not a list of column names.")) from fault
            count += 1
            code = "too_long" if "limit" in str(fault) else "quotes"
            yield _Record(start + 1, {FACILITY: clean(lines[start][:MAX_NAME])}, (code, {"limit": MAX_CELL}))
            at = start + 1
    if not header:
        raise LayoutError(_l("The file is empty."))


def _header(cells: Sequence[str]) -> list[str]:
    header = [_tight(clean(cell)) for cell in cells]
    for column in COLUMNS:
        if header.count(column) > 1:
            raise LayoutError(_l("The column {column} stands twice in the header.", column=column))
        if column in REQUIRED and column not in header:
            raise LayoutError(_l("The column {column} is missing from the header.", column=column))
    return header


def _record(line: int, header: Sequence[str], cells: Sequence[str]) -> _Record:
    known = dict.fromkeys(COLUMNS, "")
    known.update((column, clean(cell)) for column, cell in zip(header, cells, strict=False) if column in known)
    if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
        return _Record(line, known, ("cells", {"found": len(cells), "expected": len(header)}))
    return _Record(line, known)


_GUARDED = re.compile(r"'*[=+\-@\t\r]")
_NUMBER_LIKE = re.compile(r"[+-]?\d[\d\s().-]*")
_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))


def clean(cell: str) -> str:
    """A cell as it is meant: composed, without control characters, outer spaces and the guard against formulas."""
    cell = cell.strip()
    if cell.startswith("'") and _GUARDED.match(cell):
        cell = cell[1:].strip()
    return unicodedata.normalize("NFC", cell.replace("\r\n", "\n").replace("\r", "\n")).translate(_CONTROLS).strip()


def guard(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; numbers and phone numbers stay as they are."""
    return f"'{cell}" if _GUARDED.match(cell) and not _NUMBER_LIKE.fullmatch(cell) else cell


# Reading a row


class _Refused(Exception):
    def __init__(
        self, code: str, column: str, value: str | None = None, parts: dict[str, object] | None = None
    ) -> None:
        self.code, self.column, self.value, self.parts = code, column, value, parts or {}


class _Row:
    """One row on its way to becoming a room, collecting cautions."""

    def __init__(self, record: _Record, bounds: Bounds | None) -> None:
        self.line, self.cells, self.fault, self.bounds = record.line, record.cells, record.fault, bounds
        self.cautions: list[Caution] = []

    def warn(self, code: str, column: str, value: str | None = None) -> None:
        shown = self.cells[column] if value is None else value
        self.cautions.append(Caution(self.line, column, shown[:MAX_NAME], code, CAUTIONS[code]))

    def refuse(self, code: str, column: str, value: str | None = None, **parts: object) -> Refusal:
        shown = self.cells.get(column, "") if value is None else value
        return Refusal(self.line, column, shown[:MAX_NAME], code, REASONS[code].filled(**parts))

    def read(self) -> dict[str, object] | Refusal:
        """The facts of the room, or why there is none."""
        try:
            return self._facts()
        except _Refused as no:
            return self.refuse(no.code, no.column, no.value, **no.parts)

    def _facts(self) -> dict[str, object]:
        if self.fault:
            raise _Refused(self.fault[0], FACILITY, parts=self.fault[1])
        for column in COLUMNS:
            limit = MAX_NAME if column in (FACILITY, PLACE, KIND) else MAX_CELL
            if len(self.cells[column]) > limit:
                raise _Refused("too_long", column, parts={"limit": limit})
        cells = self.cells
        if not cells[FACILITY] and not cells[PLACE]:
            raise _Refused("no_name", FACILITY)
        if not cells[PROVIDER_CODE] and not cells[PROVIDER_NAME]:
            raise _Refused("no_provider", PROVIDER_CODE)
        if not cells[FACILITY] or not cells[PLACE]:
            self.warn("one_name", PLACE if cells[FACILITY] else FACILITY)
        latitude, longitude = self._point()
        if not cells[ROAD_ADDRESS] and not cells[LOT_ADDRESS]:
            if latitude is None:
                raise _Refused("no_address", ROAD_ADDRESS)
            self.warn("no_address", ROAD_ADDRESS)
        weekly_hours, closed_days, closed_note = self._opening()
        equipment, equipment_note = read_equipment(cells[EQUIPMENT])
        return {
            "facility_name": cells[FACILITY] or cells[PLACE],
            "place_name": cells[PLACE] or cells[FACILITY],
            "official_kind": cells[KIND],
            "weekly_hours": weekly_hours,
            "closed_days": closed_days,
            "closed_note": closed_note,
            "fee": self._fee(),
            "capacity": self._capacity(),
            "area_m2": self._area(),
            "equipment": equipment,
            "equipment_note": equipment_note,
            "apply_how": cells[APPLY],
            "picture_url": _url(cells[PICTURE], bare=False),
            "road_address": cells[ROAD_ADDRESS],
            "lot_address": cells[LOT_ADDRESS],
            "operator": cells[OPERATOR],
            "department": cells[DEPARTMENT],
            "phone": cells[PHONE],
            "homepage": _url(cells[HOMEPAGE], bare=True),
            "latitude": latitude,
            "longitude": longitude,
            "reference_date": self._date(),
            "provider_code": cells[PROVIDER_CODE],
            "provider_name": cells[PROVIDER_NAME],
        }

    def _opening(self) -> tuple[Hours, ClosedDays, str]:
        cells = self.cells
        if exact := read_timetable(cells[CLOSED]):
            return exact
        closed = read_closed(cells[CLOSED])
        if closed is None:
            raise _Refused("closed_unreadable", CLOSED)
        weekday, weekend = (self._span(opens, closes) for opens, closes in (_HOURS[:2], _HOURS[2:]))
        hours = timetable(weekday, weekend, closed)
        if not hours:
            shown = "{}-{} / {}-{}, {}".format(*(cells[column] for column in (*_HOURS, CLOSED)))
            raise _Refused("never_open", WEEKDAY_OPENS, shown)
        for span, days, column in ((weekday, range(5), WEEKDAY_OPENS), (weekend, range(5, 7), WEEKEND_OPENS)):
            if span and closed.weekly.issuperset(days):
                self.warn("closed_despite_hours", column)
            elif not span and not closed.weekly.issuperset(days) and not any(c.column == column for c in self.cautions):
                self.warn("no_hours", column)
        for code in closed.cautions:
            self.warn(code, CLOSED)
        return hours, closed.monthly, cells[CLOSED]

    def _span(self, opens: str, closes: str) -> Span | None:
        span, code = read_span(self.cells[opens], self.cells[closes])
        if code:
            self.warn(code, opens, f"{self.cells[opens]}-{self.cells[closes]}")
        return span

    def _fee(self) -> Fee:
        fee, cautions = read_fee(*(self.cells[column] for column in _FEES))
        for code, column in cautions:
            self.warn(code, column)
        return fee

    def _capacity(self) -> int | None:
        text = self.cells[CAPACITY]
        found = re.search(r"\d[\d,]*", text)
        people = int(found[0].replace(",", "")) if found and len(found[0]) < 9 else 0
        if text and not 0 < people <= 100_000:
            self.warn("number_unreadable", CAPACITY)
            return None
        return people or None

    def _area(self) -> float | None:
        area = _area(self.cells[AREA])
        if self.cells[AREA] and area is None:
            self.warn("number_unreadable", AREA)
        return area

    def _date(self) -> date | None:
        day = _date(self.cells[REFERENCE_DATE])
        if self.cells[REFERENCE_DATE] and day is None:
            self.warn("date_unreadable", REFERENCE_DATE)
        return day

    def _point(self) -> tuple[float, float] | tuple[None, None]:
        shown = f"{self.cells[LATITUDE]}, {self.cells[LONGITUDE]}"
        try:
            latitude, longitude = float(self.cells[LATITUDE]), float(self.cells[LONGITUDE])
        except ValueError:
            self.warn("no_point", LATITUDE, shown)
            return None, None
        south, west, north, east = self.bounds or (-90.0, -180.0, 90.0, 180.0)
        if south <= latitude <= north and west <= longitude <= east and (latitude, longitude) != (0, 0):
            return latitude, longitude
        if south <= longitude <= north and west <= latitude <= east and (latitude, longitude) != (0, 0):
            self.warn("swapped", LATITUDE, shown)
            return longitude, latitude
        self.warn("outside", LATITUDE, shown)
        return None, None


def _area(text: str) -> float | None:
    found = re.fullmatch(r"(\d[\d,]*(?:\.\d+)?)\s*(?:㎡|m2|m²|제곱미터)?", text)
    area = float(found[1].replace(",", "")) if found else 0.0
    return area if 2 <= area <= 1_000_000 else None


def _date(text: str) -> date | None:
    found = re.fullmatch(r"(\d{4})[-./]?\s?(\d{1,2})[-./]?\s?(\d{1,2})\.?", text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _url(text: str, *, bare: bool) -> str:
    if re.match(r"https?://[^\s/]", text):
        return text
    return f"http://{text}" if bare and re.fullmatch(r"[\w-]+(\.[\w-]+)+([/?#]\S*)?", text, re.ASCII) else ""


# Names and identity

_FLOOR = re.compile(r"\d층|지하|지층|옥상")
_ROOM = re.compile(r"(실|방|홀|당|룸|카페|까페|교실|호|코트|마루)\d*호?$")
_OFFICE = re.compile(r"(주민센터|구청|시청|청사|읍사무소|면사무소|군청)$")
_BUILDING = re.compile(
    r"(센터|회관|복지관|도서관|학습관|교육원|체육관|수련관|독서실|활력소|문화의집|자치회관|공원|학교)$"
)


def _tight(text: str) -> str:
    return "".join(text.split())


def _roomness(name: str) -> int:
    """How much a name sounds like a room rather than a building."""
    plain = re.sub(r"\([^)]*\)", "", _tight(name))
    points = 2 * bool(_FLOOR.search(_tight(name)))
    if _OFFICE.search(plain):
        return points - 3
    return points - 2 if _BUILDING.search(plain) else points + bool(_ROOM.search(plain))


def _rest(building: str, room: str) -> str | None:
    """What a room's name says after the building it begins with, a district aside; None if it does not begin so."""
    head, body = _tight(building), _tight(room)
    at = body.find(head)
    if at < 0 or (at and body[at - 1] not in "시도군구"):
        return None
    skip, end = at + len(head), 0
    while skip:
        skip -= not room[end].isspace()
        end += 1
    rest = room[end:].strip()
    whole = re.fullmatch(r"\(([^()]*)\)", rest)
    return whole[1].strip() if whole else rest


@lru_cache(maxsize=4096)
def names(facility: str, place: str, official_kind: str) -> tuple[str, str]:
    """Which of the two names is the building and which the room; asked about its own answer it answers the same."""
    if official_kind and official_kind in (facility, place):
        building, room = (facility, place) if official_kind == place else (place, facility)
    elif (rest := _rest(facility, place)) is not None:
        building, room = facility, rest
    elif (rest := _rest(place, facility)) is not None:
        building, room = place, rest
    elif _roomness(facility) > _roomness(place):
        building, room = place, facility
    else:
        building, room = facility, place
    room = room or official_kind or building
    return (building, room) if (building, room) == (facility, place) else names(building, room, official_kind)


def kind(official_kind: str) -> Kind:
    """Our type for the official words."""
    return next((kind for kind, words in _KIND_WORDS if re.search(words, official_kind)), Kind.OTHER)


def _digest(*parts: str) -> str:
    return sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _identity(cells: dict[str, str]) -> tuple[str, ...]:
    building, room = names(cells[FACILITY] or cells[PLACE], cells[PLACE] or cells[FACILITY], cells[KIND])
    area = _area(cells[AREA])
    provider = cells[PROVIDER_CODE] or cells[PROVIDER_NAME]
    return provider, _tight(building), _tight(room), _tight(cells[KIND]), "" if area is None else repr(area)


def _details(facts: dict[str, object]) -> str:
    """The facts that tell rooms of one identity apart."""
    return repr([facts[name] for name in ("capacity", "weekly_hours", "closed_days", "fee")])


# Hours and closed days


@lru_cache(maxsize=4096)
def minute(text: str) -> int | None:
    """A time of day as minutes after midnight, or None if it is not one."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::\d{2})?|(\d{1,2})(\d{2})|(\d{1,2})시\s*(?:(\d{1,2})분)?", text)
    if not found:
        return None
    hour, past = (int(part or 0) for part in (found[1] or found[3] or found[5], found[2] or found[4] or found[6]))
    return hour * 60 + past if past < 60 and hour * 60 + past <= MIDNIGHT else None


def read_span(opens: str, closes: str) -> tuple[Span | None, str]:
    """The hours between two cells and the code of what is wrong with them, if something is."""
    if not opens and not closes:
        return None, ""
    start, end = minute(opens), minute(closes)
    if start is None or end is None:
        return None, "hours_unreadable"
    if start == end == 0:
        return None, ""
    if start == end:
        return None, "hours_empty"
    if end == 0:
        return (start, MIDNIGHT), ""
    if start == 0 and end < MIDNIGHT:
        return None, "hours_from_midnight"
    return ((start, end), "") if start < end else (None, "hours_backwards")


@dataclass(frozen=True, slots=True)
class Closed:
    """What the prose of closed days says."""

    weekly: frozenset[int] = frozenset()
    monthly: ClosedDays = ()
    holidays: bool = False
    cautions: tuple[str, ...] = ()


_DAYS = "월화수목금토일"
_DAY_RANGE = re.compile(rf"([{_DAYS}])(?:요일)?\s*[~∼～-]\s*([{_DAYS}])(?:요일)?(?![가-힣])")
_DAY_WORD = re.compile(rf"(?:매주|매월|매일|매)?([{_DAYS}]+)(?:요일)?")
_NTH = {
    "첫": 1,
    "둘": 2,
    "두": 2,
    "셋": 3,
    "세": 3,
    "넷": 4,
    "네": 4,
    "다섯": 5,
    "1": 1,
    "2": 2,
    "3": 3,
    "4": 4,
    "5": 5,
}
_NTH_WORD = re.compile(
    rf"(?:매월|매달|매주)?제?(마지막|{'|'.join(_NTH)})(?:번째|째)?(?:주차|주)?([{_DAYS}]+요일|(?<=[째주])[{_DAYS}]|$)"
)
_HOLIDAYS = re.compile(r"(?:법정|대체|임시|명절|국가|매주)*(?:공휴일|국경일|휴일)")
_SOME_HOLIDAYS = re.compile(
    r"(?:매년|음력)?(?:설날?|구정|신정|추석|명절|연휴|성탄절|1월1일)(?:설|추석|명절|연휴|당일|및)*"
)
_REMARK = re.compile(r"변경|지정|별도|사정|공연|협의|문의|기타|수시|근로자|노동절|행사|점검")
_FILLER = re.compile(r"(?:매주|매월|매달|매일|정기|정기휴관|휴관|휴관일|휴무|휴무일|휴일없음|등)?")
_NEVER = re.compile(r"(?:휴관일?|휴무일?)?없음|해당없음|(?:연중)?무휴|연중개방|상시개방|-|×|X|x")
_SEPARATORS = re.compile(r"[,./+·ㆍ・&;|\n()\[\]]|및|또는|그리고")


@lru_cache(maxsize=4096)
def read_closed(prose: str) -> Closed | None:
    """The rules in the prose of closed days; None if nothing in it is recognised."""
    if not prose:
        return Closed(holidays=True, cautions=("closed_blank",))
    text = re.sub(r"\(대체\)\s*", "대체", prose)
    text = re.sub(rf"(?<=[{_DAYS}])\s*(?=(?:법정|대체)?공휴일)", ",", text)
    text = _DAY_RANGE.sub(lambda found: ",".join(_DAYS[day] for day in _between(found[1], found[2])) + ",", text)
    words = [word for part in _SEPARATORS.split(text) for word in _words(part) if not _FILLER.fullmatch(word)]
    weekly: set[int] = set()
    monthly: set[tuple[int, int]] = set()
    holidays = never = False
    cautions: set[str] = set()
    waiting: set[int] = set()
    for word in words:
        if found := _DAY_WORD.fullmatch(word):
            days = _days(found[1])
            if waiting:
                monthly |= {(day, nth) for day in days for nth in waiting}
            else:
                weekly |= days
            waiting = set()
            continue
        if found := _NTH_WORD.fullmatch(word):
            waiting |= {4, 5} if found[1] == "마지막" else {_NTH[found[1]]}
            if found[2]:
                monthly |= {(day, nth) for day in _days(found[2].removesuffix("요일")) for nth in waiting}
                waiting = set()
            continue
        if waiting:
            cautions.add("closed_unclear")
            waiting = set()
        if word in ("주말", "매주주말"):
            weekly |= {5, 6}
        elif word in ("평일", "주중", "매주평일", "매주주중"):
            weekly |= set(range(5))
        elif _HOLIDAYS.fullmatch(word):
            holidays = True
        elif _SOME_HOLIDAYS.fullmatch(word):
            cautions.add("closed_some_holidays")
        elif _NEVER.fullmatch(word):
            never = True
        else:
            days = _days("".join(re.findall(rf"([{_DAYS}])요일", word)))
            weekly |= days | ({5, 6} if "주말" in word else set()) | (set(range(5)) if "평일" in word else set())
            holidays |= "공휴일" in word
            cautions.add("closed_more" if _REMARK.search(word) and not days else "closed_unclear")
    if waiting:
        cautions.add("closed_unclear")
    if not (weekly or monthly or holidays or never or cautions - {"closed_unclear"}):
        return None
    if holidays:
        cautions.discard("closed_some_holidays")
    kept = tuple(sorted(pair for pair in monthly if pair[0] not in weekly))
    shut = holidays or bool(cautions & {"closed_unclear", "closed_some_holidays"})
    return Closed(frozenset(weekly), kept, shut, tuple(sorted(cautions)))


def _days(letters: str) -> set[int]:
    return {_DAYS.index(letter) for letter in letters}


def _between(first: str, last: str) -> list[int]:
    start, end = _DAYS.index(first), _DAYS.index(last)
    return [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]


def _words(part: str) -> list[str]:
    """A part as one word if that is understood, else its words between spaces."""
    whole = re.sub(r"(?<=.)(?:은|는)?(?:휴관일?|휴무일?)$", "", _tight(part))
    known = (_FILLER, _DAY_WORD, _NTH_WORD, _HOLIDAYS, _SOME_HOLIDAYS, _NEVER)
    if any(pattern.fullmatch(whole) for pattern in known) or _REMARK.search(whole):
        return [whole] if whole else []
    return [re.sub(r"(?<=.)(?:은|는)?(?:휴관일?|휴무일?)$", "", word) for word in part.split()]


def timetable(weekday: Span | None, weekend: Span | None, closed: Closed) -> Hours:
    """The hours of the week; holidays have those of the weekend if Sundays are open and the prose allows it."""
    spans = [(day, weekday) for day in range(5)] + [(day, weekend) for day in (5, 6)]
    hours = [(day, *span) for day, span in spans if span and day not in closed.weekly]
    if weekend and not closed.holidays and 6 not in closed.weekly:
        hours.append((HOLIDAY, *weekend))
    return tuple(hours)


_EXACT_TIMES = re.compile(r"(.*?) ?\[시간표 ([^\[\]]*)\]", re.DOTALL)
_EXACT_DAY = re.compile(rf"([{_DAYS}]|공휴일)((?: \d\d:\d\d~\d\d:\d\d)+)")
_LABELS = (*_DAYS, "공휴일")


def read_timetable(prose: str) -> tuple[Hours, ClosedDays, str] | None:
    """The timetable that `write` has added to the prose, the closed days in it, and the prose alone."""
    found = _EXACT_TIMES.fullmatch(prose)
    if not found:
        return None
    hours: list[tuple[int, int, int]] = []
    monthly: list[tuple[int, int]] = []
    for part in found[2].split(" / "):
        if day := _EXACT_DAY.fullmatch(part):
            for span in day[2].split():
                start, end = map(minute, span.split("~"))
                if start is None or end is None or start >= end:
                    return None
                hours.append((_LABELS.index(day[1]), start, end))
        elif closed := re.fullmatch(rf"휴관((?: [1-5]째[{_DAYS}])+)", part):
            monthly += [(_DAYS.index(label[2]), int(label[0])) for label in closed[1].split()]
        else:
            return None
    return (tuple(sorted(set(hours))), tuple(sorted(set(monthly))), found[1]) if hours else None


def _write_opening(room: OfficialRoom) -> list[str]:
    """The closed days and the four hours, with an exact timetable in brackets where these cannot say it."""
    cells = [room.closed_note]
    for days in (range(5), (5, 6)):
        opens, closes = next(((start, end) for day, start, end in room.weekly_hours if day in days), (0, 0))
        cells += [_clock(opens), _clock(closes if opens == 0 else closes % MIDNIGHT)]
    closed = None if _EXACT_TIMES.fullmatch(room.closed_note) else read_closed(room.closed_note)
    if closed:
        hours = timetable(read_span(*cells[1:3])[0], read_span(*cells[3:5])[0], closed)
        if (hours, closed.monthly) == (room.weekly_hours, room.closed_days):
            return cells
    parts = [
        _LABELS[day]
        + "".join(f" {_clock(start)}~{_clock(end)}" for other, start, end in room.weekly_hours if other == day)
        for day in dict.fromkeys(day for day, _, _ in room.weekly_hours)
    ]
    if room.closed_days:
        parts.append("휴관" + "".join(f" {nth}째{_DAYS[day]}" for day, nth in room.closed_days))
    return [f"{room.closed_note} [시간표 {' / '.join(parts)}]".strip(), *cells[1:]]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


# Fees

_WON = re.compile(r"[₩￦]?\s*(\d[\d,]*)(?:\.0+)?\s*원?")
_AMOUNT = re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+|\d{3,})(?![\d.,]*\s*(?:\d|시간|분|층|명|㎡|%))")
_DURATION = re.compile(r"(?<!\d)([1-9]\d?)\s*시간(?:\s*(\d{1,2})\s*분)?")
_EXACT_FEE = re.compile(r"(.*?) ?\[(?:(\d+)원|금액미정|무료)\]", re.DOTALL)
_MOST_WON = 1_000_000_000


def _won(text: str) -> int | None:
    found = _WON.fullmatch(text)
    amount = int(found[1].replace(",", "")) if found and len(found[1]) < 14 else -1
    return amount if 0 <= amount <= _MOST_WON else None


def _minutes(text: str) -> int | None:
    """A number of hours (or "50분") as minutes; None if it is empty, zero or not a number."""
    if found := re.fullmatch(r"(\d{1,5})\s*분", text):
        minutes = float(found[1])
    elif found := re.fullmatch(r"(\d{1,3}(?:\.\d{1,4})?)\s*(?:시간)?", text):
        minutes = float(found[1]) * 60
    else:
        return None
    return int(minutes) if minutes == int(minutes) and 0 < minutes <= 31 * MIDNIGHT else None


def _amounts(text: str) -> list[int]:
    return [int(found.replace(",", "")) for found in _AMOUNT.findall(text) if len(found) < 14]


def _durations(text: str) -> list[int]:
    return [60 * int(hours) + int(minutes or 0) for hours, minutes in _DURATION.findall(text)]


def _prose_fee(prose: str) -> tuple[int | None, int | None, tuple[int, int] | None]:
    """The one clear amount in a fee told in prose, its base minutes and the rate for extra time, where there are."""
    brackets = re.findall(r"\(([^)]*)\)", prose)
    outside = re.sub(r"\([^)]*\)", " ", prose)
    extra = next((text for text in brackets if ("추가" in text or "초과" in text) and "주말" not in text), "")
    amounts, within = _amounts(outside), [amount for text in brackets if text != extra for amount in _amounts(text)]
    if len(amounts) != 1 or not 0 < amounts[0] <= _MOST_WON or max(within, default=0) > amounts[0]:
        return None, None, None
    durations, units, rates = _durations(outside), _durations(extra), _amounts(extra)
    rate = (units[0], rates[0]) if len(rates) == len(units) == 1 else None
    return amounts[0], durations[0] if len(durations) == 1 else None, rate


def read_fee(paid: str, base: str, amount: str, extra_unit: str, extra_fee: str) -> tuple[Fee, list[tuple[str, str]]]:
    """The fee that five cells tell, and (code of a caution, column) for each doubt about it."""
    times = ((BASE_HOURS, base), (EXTRA_HOURS, extra_unit))
    doubts = [("number_unreadable", column) for column, text in times if _odd(text)]
    base_minutes, extra_minutes, note = _minutes(base), _minutes(extra_unit), ""
    rate, won = _won(extra_fee) or None, _won(amount)
    if extra_fee and _won(extra_fee) is None:
        doubts.append(("number_unreadable", EXTRA_FEE))
    exact = _EXACT_FEE.fullmatch(amount)
    if exact:
        note, won = exact[1], int(exact[2]) if exact[2] and len(exact[2]) < 11 else None
    elif amount in ("무료", "없음", "-"):
        won = 0
    elif amount and won is None:
        note, (won, told, told_rate) = amount, _prose_fee(amount)
        if told and base_minutes and told != base_minutes:
            won = None
        elif told:
            base_minutes = told
        if told_rate and won and not rate:
            extra_minutes, rate = told_rate
        doubts.append(("fee_more" if won else "fee_unclear", FEE))
    free = _is_free(paid, amount, won)
    if free is None:
        doubts.append(("paid_unclear", PAID))
    elif paid.upper() in _FREE and won:
        doubts.append(("fee_despite_free", FEE))
    if not free and not won and not note and not exact:
        doubts.append(("fee_unknown", FEE))
    if won and not base_minutes:
        doubts.append(("fee_per_use", BASE_HOURS))
    if rate and not extra_minutes:
        rate = None
        doubts.append(("extra_unstated", EXTRA_HOURS))
    elif won and extra_fee and _won(extra_fee) == 0 and not rate and extra_minutes:
        doubts.append(("extra_unstated", EXTRA_FEE))
    if free:
        return Fee(True, base_minutes, None, extra_minutes, None, note), doubts
    return Fee(False, base_minutes, won or None, extra_minutes, rate, note), doubts


_FREE, _CHARGED = ("N", "무료", "무", "NO"), ("Y", "유료", "유", "YES")


def _is_free(paid: str, amount: str, won: int | None) -> bool | None:
    """Whether the room is free; None if the cells do not say."""
    if won:
        return False
    if paid.upper() in _FREE:
        return True
    if paid.upper() in _CHARGED:
        return False
    return True if won == 0 and amount == "무료" else None


def _odd(text: str) -> bool:
    return bool(text) and _minutes(text) is None and not re.fullmatch(r"0+(\.0+)?(시간|분)?|-", text)


def _write_fee(fee: Fee) -> list[str]:
    """The five cells of a fee, with the exact amount in brackets where its prose does not say it."""
    units = _span_of(fee.base_minutes), "", _span_of(fee.extra_minutes)
    cells = ["N" if fee.free else "Y", *units, str(fee.extra_fee or "")]
    sure = "무료" if fee.free else f"{fee.base_fee}원" if fee.base_fee else "금액미정"
    for amount in (fee.note or str(fee.base_fee or ""), f"{fee.note} [{sure}]".strip()):
        cells[2] = amount
        if read_fee(*cells)[0] == fee:
            break
    return cells


def _span_of(minutes: int | None) -> str:
    if not minutes:
        return ""
    return f"{minutes / 60:g}" if minutes % 30 == 0 else f"{minutes}분"


# Equipment

_NOTHING = re.compile(r"없음|해당\s*없음|-|무|x|X")
_SENTENCE = re.compile(r"(음|됨|함|니다|다|요|가능|바람|요망|문의)\.?$")


@lru_cache(maxsize=4096)
def read_equipment(prose: str) -> tuple[tuple[str, ...], str]:
    """The things in a list of equipment, and what is no list: a sentence, or the lines after the first."""
    first, _, note = prose.partition("\n")
    if len(first) > 15 and " " in first and _SENTENCE.search(first):
        return (), prose
    parts = re.split(r"[+/_·ㆍ;]|,(?!\d)|(?<!\d),|\s및\s", first)
    things = (re.sub(r"\s*(?:\s등|\s포함)$", "", part.strip()).strip() for part in parts)
    return tuple(dict.fromkeys(thing for thing in things if thing and not _NOTHING.fullmatch(thing))), note.strip()


def _write_equipment(things: Sequence[str], note: str) -> str:
    listed = ", ".join(things)
    if not note or (not listed and read_equipment(note) == ((), note)):
        return listed or note
    return f"{listed or '없음'}\n{note}"


# Writing


def write(rooms: Iterable[OfficialRoom]) -> Iterator[bytes]:
    """The rooms as a file in the layout, row by row: UTF-8 with a byte order mark, lines ending in CR LF.

    Reading it gives the same rooms. Spreadsheets cannot take a cell for a formula.
    """
    yield b"\xef\xbb\xbf" + _line(COLUMNS)
    for room in rooms:
        yield _line([guard(cell) for cell in _cells(room)])


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()


def _cells(room: OfficialRoom) -> list[str]:
    return [
        room.facility_name,
        room.place_name,
        room.official_kind,
        *_write_opening(room),
        *_write_fee(room.fee),
        str(room.capacity or ""),
        f"{room.area_m2:.12g}" if room.area_m2 else "",
        _write_equipment(room.equipment, room.equipment_note),
        room.apply_how,
        room.picture_url,
        room.road_address,
        room.lot_address,
        room.operator,
        room.department,
        room.phone,
        room.homepage,
        "" if room.latitude is None else repr(room.latitude),
        "" if room.longitude is None else repr(room.longitude),
        room.reference_date.isoformat() if room.reference_date else "",
        room.provider_code,
        room.provider_name,
    ]
