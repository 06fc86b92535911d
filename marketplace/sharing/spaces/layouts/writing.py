"""Rooms written as a file in the layout."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from marketplace.sharing.spaces.layouts.columns import COLUMNS, guard
from marketplace.sharing.spaces.layouts.equipment import write_equipment
from marketplace.sharing.spaces.layouts.fees import write_fee
from marketplace.sharing.spaces.layouts.hours import write_opening
from marketplace.sharing.spaces.layouts.official import OfficialRoom


def write(rooms: Iterable[OfficialRoom]) -> Iterator[bytes]:
    """The rooms as a file in the layout, row by row: UTF-8 with a byte order mark, lines ending in CR LF.

    Reading it gives the same rooms. Spreadsheets cannot take a cell for a formula.
    """
    yield b"\xef\xbb\xbf" + line(COLUMNS)
    for room in rooms:
        yield line([guard(cell) for cell in _cells(room)])


def line(cells: Sequence[str]) -> bytes:
    """One line of the file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()


def _cells(room: OfficialRoom) -> list[str]:
    return [
        room.facility_name,
        room.place_name,
        room.official_kind,
        *write_opening(room.weekly_hours, room.closed_days, room.closed_note),
        *write_fee(room.fee),
        str(room.capacity or ""),
        f"{room.area_m2:.12g}" if room.area_m2 else "",
        write_equipment(room.equipment, room.equipment_note),
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
