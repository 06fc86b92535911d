"""Rooms as rows of the official layout: what a row says in our columns, and what our columns say in a row."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.places.models import Building
from marketplace.kernel import db
from marketplace.sharing.spaces import layouts
from marketplace.sharing.spaces.layouts import MIDNIGHT, Fee, OfficialRoom
from marketplace.sharing.spaces.models import Space

UNSURE = {"closed_unclear", "closed_more"}
"""Cautions about closed days after which the building has to confirm that the room is open at all."""

ROW_NAMES = {
    "capacity": "capacity", "area_m2": "area_m2", "equipment": "equipment", "about": "equipment_note",
    "closed_note": "closed_note", "apply_note": "apply_how",
}  # fmt: skip
"""What a room's columns are called in a row."""
HOUSE_FACTS = ("road_address", "lot_address", "phone", "homepage")

HOUR = 60
HALF_HOUR = 30


def facts_of(room: OfficialRoom) -> dict[str, Any]:
    """What a row says, in the columns of a room."""
    return {
        "name": room.room_name,
        "kind": room.kind,
        "official_kind": room.official_kind,
        "capacity": room.capacity,
        "area_m2": room.area_m2,
        "equipment": list(room.equipment),
        "about": room.equipment_note,
        "closed_note": room.closed_note,
        "apply_note": room.apply_how,
        **tariff(room.fee),
    }


def tariff(fee: Fee) -> dict[str, Any]:
    """A fee in the columns of a room. One for a single use covers a whole day."""
    extra = bool(fee.base_fee) and fee.extra_fee is not None
    return {
        "base_minutes": fee.base_minutes or (MIDNIGHT if fee.base_fee else HOUR),
        "base_fee": 0 if fee.free else fee.base_fee,
        "extra_minutes": fee.extra_minutes if extra else None,
        "extra_fee": fee.extra_fee if extra else None,
        "fee_note": fee.note,
    }


def rules_of(room: OfficialRoom) -> dict[str, Any]:
    """The rules under which a room of the file is offered until its building sets others.

    An hour is enough, also where the fee is for two: the base time says what is paid for, not how long one has to
    stay, and an hour given back is free for somebody else. The longest booking is the longest opening.
    """
    longest = max(closes - opens for _, opens, closes in room.weekly_hours)
    return {
        "min_minutes": min(HOUR, room.fee.base_minutes or HOUR, longest),
        "max_minutes": longest,
        "raster_minutes": HALF_HOUR if any(opens % HOUR for _, opens, _ in room.weekly_hours) else HOUR,
        "by_request": is_unsure(room),
    }


def is_unsure(room: OfficialRoom) -> bool:
    """Whether the building has to answer, because the file leaves the fee or the closed days open."""
    closed = layouts.read_closed(room.closed_note)
    asks = not room.fee.free and room.fee.base_fee is None
    return asks or (closed is not None and not UNSURE.isdisjoint(closed.cautions))


def row_of(space: Space) -> OfficialRoom | None:
    """The row of the official file from which a room was last brought up to date."""
    row: Any = space.source.get("row")
    return OfficialRoom.from_json(row) if row else None


def official_rooms(city: str) -> Iterator[OfficialRoom]:
    """Every room offered, as a row of the layout: what its file said, with what was changed here since.

    city   provides the rooms that came from no file.
    """
    query = sa.select(Space).where(Space.offered).order_by(Space.building_id, Space.name, Space.id)
    loaded = query.options(
        joinedload(Space.building).joinedload(Building.location),
        selectinload(Space.hours),
        selectinload(Space.closed_days),
    )
    houses: dict[int, list[Space]] = defaultdict(list)
    for space in db.session.scalars(loaded):
        houses[space.building_id].append(space)
    for spaces in houses.values():
        rows = [(space, row_of(space)) for space in spaces]
        said = [_building_facts(row) for _, row in rows if row]
        for space, row in rows:
            if space.hours:
                yield _brought_up_to_date(row, space, said) if row else _own_row(space, city)


def _building_facts(row: OfficialRoom) -> dict[str, Any]:
    facts: dict[str, Any] = {name: getattr(row, name) for name in HOUSE_FACTS}
    return {**facts, "point": {"latitude": row.latitude, "longitude": row.longitude}}


def _own_row(space: Space, city: str) -> OfficialRoom:
    building, point = space.building, space.building.point
    return OfficialRoom(
        facility_name=building.name,
        place_name=space.name,
        official_kind=space.official_kind or layouts.official_kind_of(space.kind),
        capacity=space.capacity,
        area_m2=space.area_m2,
        equipment=tuple(space.equipment),
        equipment_note=space.about,
        apply_how=space.apply_note,
        closed_note=space.closed_note,
        **_opening(space),
        fee=_fee(space),
        road_address=building.road_address,
        lot_address=building.lot_address,
        phone=building.phone,
        homepage=building.homepage,
        latitude=point.latitude if point else None,
        longitude=point.longitude if point else None,
        provider_code="",
        provider_name=city,
    )


def _brought_up_to_date(row: OfficialRoom, space: Space, said: list[dict[str, Any]]) -> OfficialRoom:
    """The row with what was changed here. Rows of one building differ about it: what none of them says was changed."""
    own, before = _own_row(space, ""), facts_of(row)
    changes: dict[str, Any] = {
        name: getattr(own, name) for column, name in ROW_NAMES.items() if getattr(space, column) != before[column]
    }
    if space.kind is not row.kind:
        changes["official_kind"] = layouts.official_kind_of(space.kind)
    if any(getattr(space, column) != value for column, value in tariff(row.fee).items()):
        changes["fee"] = own.fee
    if (own.weekly_hours, own.closed_days) != (row.weekly_hours, row.closed_days):
        changes |= _opening(space)
    if space.name != row.room_name or layouts.tight(space.building.name) != layouts.tight(row.building_name):
        changes |= {"facility_name": own.facility_name, "place_name": own.place_name}
    for name, value in _building_facts(own).items():
        if all(facts[name] != value for facts in said) and value != {"latitude": None, "longitude": None}:
            changes |= value if name == "point" else {name: value}
    return replace(row, **changes)


def _opening(space: Space) -> dict[str, Any]:
    return {
        "weekly_hours": tuple(sorted((span.weekday, span.opens, span.closes) for span in space.hours)),
        "closed_days": tuple(sorted((day.weekday, day.nth) for day in space.closed_days)),
    }


def _fee(space: Space) -> Fee:
    if not space.base_fee:
        return Fee(space.base_fee == 0, space.base_minutes, note=space.fee_note)
    base = None if space.base_minutes == MIDNIGHT else space.base_minutes
    return Fee(False, base, space.base_fee, space.extra_minutes, space.extra_fee, space.fee_note)
