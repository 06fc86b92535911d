"""A file in the layout, read row by row."""

import io
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from marketplace.sharing.spaces.layouts.columns import (
    APPLY,
    AREA,
    CAPACITY,
    CLOSED,
    COLUMNS,
    DEPARTMENT,
    EQUIPMENT,
    FACILITY,
    FEES,
    HOMEPAGE,
    HOURS,
    KIND,
    LATITUDE,
    LIMITS,
    LONGITUDE,
    LOT_ADDRESS,
    MAX_NAME,
    OPERATOR,
    PHONE,
    PICTURE,
    PLACE,
    PROVIDER_CODE,
    PROVIDER_NAME,
    REFERENCE_DATE,
    ROAD_ADDRESS,
    WEEKDAY_OPENS,
    WEEKEND_OPENS,
)  # fmt: skip
from marketplace.sharing.spaces.layouts.equipment import read_equipment
from marketplace.sharing.spaces.layouts.fees import Fee, read_fee
from marketplace.sharing.spaces.layouts.files import Record, decode, records
from marketplace.sharing.spaces.layouts.hours import (
    ClosedDays,
    Hours,
    Span,
    read_closed,
    read_span,
    read_timetable,
    timetable,
)
from marketplace.sharing.spaces.layouts.names import digest, names, tight
from marketplace.sharing.spaces.layouts.official import OfficialRoom
from marketplace.sharing.spaces.layouts.remarks import CAUTIONS, REASONS, Caution, Refusal

Bounds = tuple[float, float, float, float]
"""Smallest latitude, smallest longitude, largest latitude, largest longitude."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The rows of a file: its length is known, its rooms and refusals come one by one in the order of the file."""

    encoding: str
    bounds: Bounds | None
    records: tuple[Record, ...] = field(repr=False)

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
            place = (*identity[1:], tight(str(facts["road_address"] or facts["lot_address"])))
            provider, other = elsewhere.setdefault(place, (identity[0], record.line))
            if (first := lines.setdefault((*identity, details), record.line)) != record.line:
                yield row.refuse("duplicate", PLACE, other=first)
            elif provider != identity[0] and facts["area_m2"] is not None:
                yield row.refuse("other_provider", PROVIDER_CODE, other=other)
            else:
                if identity[:3] in shared:
                    row.warn("shared_name", PLACE)
                key = digest(*identity, *([details] if identity in crowded else []))
                yield OfficialRoom(key=key, line=record.line, cautions=tuple(row.cautions), **facts)  # type: ignore[arg-type]

    def _namesakes(self) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
        """The names that several rows share, and the identities under which there are different facts."""
        rows: dict[tuple[str, ...], list[Record]] = defaultdict(list)
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
    text, encoding = decode(data)
    return Layout(encoding, bounds, tuple(records(list(io.StringIO(text, newline="")), encoding)))


class _Refused(Exception):
    def __init__(
        self, code: str, column: str, value: str | None = None, parts: dict[str, object] | None = None
    ) -> None:
        self.code, self.column, self.value, self.parts = code, column, value, parts or {}


class _Row:
    """One row on its way to becoming a room, collecting cautions."""

    def __init__(self, record: Record, bounds: Bounds | None) -> None:
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
            if len(self.cells[column]) > LIMITS[column]:
                raise _Refused("too_long", column, parts={"limit": LIMITS[column]})
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
        weekday, weekend = (self._span(opens, closes) for opens, closes in (HOURS[:2], HOURS[2:]))
        hours = timetable(weekday, weekend, closed)
        if not hours:
            shown = "{}-{} / {}-{}, {}".format(*(cells[column] for column in (*HOURS, CLOSED)))
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
        fee, cautions = read_fee(*(self.cells[column] for column in FEES))
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


def _identity(cells: dict[str, str]) -> tuple[str, ...]:
    building, room = names(cells[FACILITY] or cells[PLACE], cells[PLACE] or cells[FACILITY], cells[KIND])
    area = _area(cells[AREA])
    provider = cells[PROVIDER_CODE] or cells[PROVIDER_NAME]
    return provider, tight(building), tight(room), tight(cells[KIND]), "" if area is None else repr(area)


def _details(facts: dict[str, object]) -> str:
    """The facts that tell rooms of one identity apart."""
    return repr([facts[name] for name in ("capacity", "weekly_hours", "closed_days", "fee")])
