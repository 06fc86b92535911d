"""A city's own rooms taken in from a file in the official layout, again and again.

A fact follows the file unless somebody changed it here since the last import: then it stays, and the report says so.
What the file does not speak of is never touched, and a room that vanished from the file stays as it is.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import shapely
import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import joinedload

from marketplace.civic.places import queries as places
from marketplace.civic.places.models import Building
from marketplace.civic.places.service import place_building
from marketplace.kernel import audit, clock, db, occupancy, search
from marketplace.kernel.geo import Point
from marketplace.kernel.words import Text, _l
from marketplace.sharing.spaces import layouts, policy
from marketplace.sharing.spaces.layouts import Caution, Layout, OfficialRoom, Refusal, columns
from marketplace.sharing.spaces.models import AGREED, Booking, Space, SpaceClosedDay, SpaceFeature, SpaceHours
from marketplace.sharing.spaces.queries import official, rooms

BATCH = 200
MARGIN = 0.02
"""Degrees around the districts that still count as the city: about two kilometres, for buildings on its edge."""

LISTS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "hours": (SpaceHours, ("weekday", "opens", "closes")),
    "closed_days": (SpaceClosedDay, ("weekday", "nth")),
    "features": (SpaceFeature, ("feature",)),
}
"""What a room has several of: its table, and the columns that say what."""
OPENING = {"hours", "closed_days"}
NAMED_IN_FILE = {
    "name": columns.PLACE, "kind": columns.KIND, "official_kind": columns.KIND, "capacity": columns.CAPACITY,
    "area_m2": columns.AREA, "equipment": columns.EQUIPMENT, "about": columns.EQUIPMENT, "closed_note": columns.CLOSED,
    "apply_note": columns.APPLY, "base_minutes": columns.BASE_HOURS, "base_fee": columns.FEE, "fee_note": columns.FEE,
    "extra_minutes": columns.EXTRA_HOURS, "extra_fee": columns.EXTRA_FEE,
    "hours": columns.WEEKDAY_OPENS, "closed_days": columns.CLOSED, "features": columns.EQUIPMENT,
}  # fmt: skip

KEPT = _l("This was changed both here and in the file; what was entered here stays.")
VANISHED = _l(
    "No usable row of the file is this room any more. It stays as it is; close it if it is no longer offered."
)
REFUSED = _l("The database does not take this row: {reason}")
OUTSIDE_HOURS = _l("A booking agreed earlier no longer lies within the opening hours: {interval}. It stays.")

_Facts = dict[str, Any]
Row = TypeVar("Row")


class Progress(Protocol):
    """Shows how far a walk through so many things has come."""

    def __call__(self, things: Iterable[Row], total: int, doing: Text) -> Iterable[Row]: ...


@dataclass(frozen=True, slots=True)
class Remark:
    """A line of the report. `outcome` is refused, caution or vanished; there is no line in the file for the last."""

    line: int | None
    outcome: str
    column: str
    value: str
    code: str
    sentence: Text


@dataclass(slots=True)
class Report:
    """What became of a file of rooms."""

    read: int
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    vanished: int = 0
    remarks: list[Remark] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The figures every importer ends with."""
        return {name: getattr(self, name) for name in ("read", "added", "updated", "unchanged", "refused")}

    def note(self, outcome: str, found: Refusal | Caution) -> None:
        """Take over what the reader said about a row."""
        code = found.reason_code if isinstance(found, Refusal) else found.code
        self.remarks.append(Remark(found.line, outcome, found.column, found.value, code, found.sentence))


@dataclass(frozen=True, slots=True)
class _Match:
    """A room of the file, and the one it is here, with the row from which that was last brought up to date."""

    room: OfficialRoom
    space: Space | None
    before: OfficialRoom | None


def city_bounds() -> layouts.Bounds | None:
    """The box around all districts, with a margin; None while there are none."""
    areas = [feature.geometry for feature in places.district_features()]
    if not areas:
        return None
    west, south, east, north = map(float, shapely.total_bounds(areas))
    return south - MARGIN, west - MARGIN, north + MARGIN, east + MARGIN


def import_rooms(layout: Layout, city: str = "", progress: Progress = lambda things, total, doing: things) -> Report:
    """Take in the rooms of a file; a row that cannot be taken in is refused and the others go on.

    city   provides the rooms that came from no file, so that an export of them is recognised.

    A room is known by its key, or by its name if that is the only one of its kind in the file and here. Rooms of the
    file's providers that it no longer has are reported.
    """
    report, found = Report(len(layout)), list[OfficialRoom]()
    for row in progress(layout, len(layout), _l("Reading")):
        if isinstance(row, Refusal):
            report.note("refused", row)
            report.refused += 1
        else:
            found.append(row)
            for caution in row.cautions:
                report.note("caution", caution)
    known = list(db.session.scalars(sa.select(Space).options(joinedload(Space.building))))
    matches = _matched(found, known, city)
    _report_vanished(report, known, matches)
    writer = _Writer(report, {_building_code(room) for room in found})
    batch: list[_Match] = []
    for match in progress(matches, len(matches), _l("Writing")):
        if match.before == match.room:
            report.unchanged += 1
            continue
        batch.append(match)
        if len(batch) == BATCH:
            writer.take_in(batch)
            batch = []
    writer.take_in(batch)
    report.remarks.sort(key=lambda remark: (remark.line is None, remark.line))
    if report.added or report.updated:
        audit.record(None, "spaces.import", "spaces", **report.counts)
    return report


# --- which room is which ---


def _matched(found: list[OfficialRoom], known: list[Space], city: str) -> list[_Match]:
    by_code = {space.code: space for space in known}
    rows = {space.id: official.row_of(space) for space in known}
    names = {space.id: _name_key(space, rows[space.id], city) for space in known}
    here, there = Counter(names.values()), Counter(room.name_key for room in found)
    keys = {room.key for room in found}
    by_name = {names[space.id]: space for space in known if space.code not in keys and here[names[space.id]] == 1}
    matches = []
    for room in found:
        space = by_code.get(room.key) or (by_name.get(room.name_key) if there[room.name_key] == 1 else None)
        matches.append(_Match(room, space, rows[space.id] if space else None))
    return matches


def _name_key(space: Space, row: OfficialRoom | None, city: str) -> str:
    if row:
        return row.name_key
    building, room = layouts.names(space.building.name, space.name, space.official_kind)
    return layouts.digest(city, layouts.tight(building), layouts.tight(room))


def _report_vanished(report: Report, known: list[Space], matches: list[_Match]) -> None:
    providers = {match.room.provider_code or match.room.provider_name for match in matches}
    still_there = {match.space.id for match in matches if match.space}
    for space in known:
        row = official.row_of(space)
        if row and space.open and space.id not in still_there and (row.provider_code or row.provider_name) in providers:
            shown = f"{space.building.name} {space.name}"
            report.remarks.append(Remark(None, "vanished", columns.PLACE, shown, "vanished", VANISHED))
            report.vanished += 1


_STREET_NUMBER = re.compile(r".*?(?:로|길)\s*\d+(?:-\d+)?")


def _place(name: str, address: str) -> tuple[str, str]:
    """What makes it one building, whoever spells it: the name and the address as far as the number in the street."""
    street = _STREET_NUMBER.match(address)
    return layouts.tight(name), layouts.tight(street[0] if street else address)


def _building_code(room: OfficialRoom) -> str:
    name, address = _place(room.building_name, _address(room))
    return f"official-{layouts.digest(name, address or room.provider_code or room.provider_name)}"


# --- writing ---


class _Writer:
    """Takes in batches of rooms, keeping in mind the buildings known so far and where they stand."""

    def __init__(self, report: Report, codes: set[str]) -> None:
        self.report, self.codes = report, codes
        buildings = list(db.session.scalars(sa.select(Building).options(joinedload(Building.location))))
        self.by_code = {building.code: building for building in buildings}
        self.by_place = {_place(building.name, building.address): building for building in buildings}
        self.points = {building: building.point for building in buildings}

    def take_in(self, batch: list[_Match]) -> None:
        """Write a batch as a whole; if the database refuses that, its halves, down to the row that is refused."""
        if not batch:
            return
        memory = dict(self.by_code), dict(self.by_place), dict(self.points)
        try:
            with db.session.begin_nested():
                remarks = self._write(batch)
        except (IntegrityError, DataError) as refusal:
            self.by_code, self.by_place, self.points = memory
            if len(batch) == 1:
                self._refuse(batch[0].room, str(refusal.orig).split("\n")[0])
                return
            middle = len(batch) // 2
            self.take_in(batch[:middle])
            self.take_in(batch[middle:])
            return
        self.report.remarks += remarks
        self.report.added += sum(match.space is None for match in batch)
        self.report.updated += sum(match.space is not None for match in batch)

    def _refuse(self, room: OfficialRoom, reason: str) -> None:
        sentence = REFUSED.filled(reason=reason)
        self.report.note("refused", Refusal(room.line, columns.PLACE, room.place_name, "database", sentence))
        self.report.refused += 1

    def _write(self, batch: list[_Match]) -> list[Remark]:
        known = [match.space.id for match in batch if match.space]
        fresh = sa.select(Space).where(Space.id.in_(known)).options(joinedload(Space.building))
        db.session.scalars(fresh, execution_options={"populate_existing": True}).all()
        here = _lists_here(known)
        resources = [None if match.space else occupancy.add_resource() for match in batch]
        buildings = [self._building(match) for match in batch]
        wanted: dict[Space, _Facts] = {}
        remarks: list[Remark] = []
        for match, resource, building in zip(batch, resources, buildings, strict=True):
            space, lists, kept = match.space, _lists_of(match.room), list[str]()
            if space is None:
                space = Space(resource_id=resource.id if resource else None, **official.facts_of(match.room))
                _set(space, official.rules_of(match.room))
                db.session.add(space)
                wanted[space] = lists
            else:
                due, kept = _due_facts(space, match)
                _set(space, due)
                due, kept_lists = _due(here[space.id], _lists_of(match.before) if match.before else None, lists)
                wanted[space], kept = due, kept + kept_lists
            space.building, space.code = building, match.room.key
            space.source = {"row": match.room.as_json()}
            named = dict.fromkeys(NAMED_IN_FILE[name] for name in kept if name in NAMED_IN_FILE)
            remarks += [Remark(match.room.line, "caution", name, match.room.room_name, "kept", KEPT) for name in named]
        db.session.flush()
        _write_lists({space.id: lists for space, lists in wanted.items()})
        for space in wanted:
            db.session.expire(space, LISTS)
        search.index_many(rooms.SEARCH_KIND, ((space.id, rooms.words_of(space)) for space in wanted))
        lines = {
            match.space.id: match.room.line for match in batch if match.space and wanted[match.space].keys() & OPENING
        }
        return remarks + _bookings_outside_hours(lines)

    def _building(self, match: _Match) -> Building:
        """The building of a room, made or corrected if need be."""
        room, before, code = match.room, match.before, _building_code(match.room)
        here = match.space.building if match.space else None
        if here and before and _building_code(before) == code:
            found: Building | None = here
        else:
            found = self.by_code.get(code) or self.by_place.get(_place(room.building_name, _address(room)))
        if not found and here and here.code not in self.codes:
            found, here.code = here, code  # no row stands for it any more: its name or address was corrected
        facts, point = _building_facts(room), _point(room)
        if not found:
            found = Building(code=code, **facts)
            db.session.add(found)
            place_building(found, point)
            self.points[found] = point
        else:
            due, moves = dict[str, Any](), self.points[found] is None and point is not None
            if found is here and before:
                due = _due({name: getattr(found, name) for name in facts}, _building_facts(before), facts)[0]
                moves = moves or self.points[found] == _point(before) != point
            if due or moves:
                _set(found, due)
                place_building(found, point if moves else None)
                self.points[found] = point if moves and point else self.points[found]
        self.by_code[code] = self.by_place[_place(found.name, found.address)] = found
        return found


def _due(now: _Facts, before: _Facts | None, said: _Facts) -> tuple[_Facts, list[str]]:
    """What is to be written, and what stays because it was changed both here and in the file since the last import."""
    changed = {name: value for name, value in said.items() if before is None or before[name] != value}
    due = {name: value for name, value in changed.items() if before is None or now[name] == before[name]}
    return due, [name for name, value in changed.items() if name not in due and now[name] != value]


def _due_facts(space: Space, match: _Match) -> tuple[_Facts, list[str]]:
    """What is to be written in a room's own columns; the rules follow only while nobody has set others."""
    said, before = official.facts_of(match.room), None
    if match.before:
        said |= official.rules_of(match.room)
        before = official.facts_of(match.before) | official.rules_of(match.before)
    due, kept = _due({name: getattr(space, name) for name in said}, before, said)
    shortest, longest = (due.get(name, getattr(space, name)) for name in ("min_minutes", "max_minutes"))
    return {**due, "max_minutes": max(shortest, longest)}, kept


def _set(record: Building | Space, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if getattr(record, name) != value:
            setattr(record, name, value)


def _address(room: OfficialRoom) -> str:
    return room.road_address or room.lot_address


def _point(room: OfficialRoom) -> Point | None:
    return None if room.latitude is None or room.longitude is None else Point(room.latitude, room.longitude)


def _building_facts(room: OfficialRoom) -> _Facts:
    return {"name": room.building_name, **{name: getattr(room, name) for name in official.HOUSE_FACTS}}


# --- what a room has several of ---


def _lists_of(room: OfficialRoom) -> _Facts:
    features = sorted(((feature,) for feature in room.features), key=str)
    return {"hours": room.weekly_hours, "closed_days": room.closed_days, "features": tuple(features)}


def _lists_here(space_ids: list[int]) -> dict[int, _Facts]:
    """The lists of rooms as they stand, in a statement for each."""
    here: dict[int, dict[str, list[Any]]] = {space_id: {name: [] for name in LISTS} for space_id in space_ids}
    for name, (model, facts) in LISTS.items():
        query = sa.select(model.space_id, *(getattr(model, fact) for fact in facts)).where(
            model.space_id.in_(space_ids)
        )
        for space_id, *values in db.session.execute(query):
            here[space_id][name].append(tuple(values))
    return {
        space_id: {name: tuple(sorted(values, key=_in_order)) for name, values in lists.items()}
        for space_id, lists in here.items()
    }


def _in_order(values: tuple[Any, ...]) -> Any:
    return values if isinstance(values[0], int) else str(values)


def _write_lists(wanted: Mapping[int, _Facts]) -> None:
    """Replace the lists given, in two statements for each of the three."""
    for name, (model, facts) in LISTS.items():
        space_ids = [space_id for space_id, lists in wanted.items() if name in lists]
        gone = sa.delete(model).where(model.space_id.in_(space_ids))
        db.session.execute(gone, execution_options={"synchronize_session": False})
        rows = [
            {"space_id": space_id, **dict(zip(facts, values, strict=True))}
            for space_id in space_ids
            for values in wanted[space_id][name]
        ]
        if rows:
            db.session.execute(sa.insert(model), rows)


def _bookings_outside_hours(lines: Mapping[int, int]) -> list[Remark]:
    """The coming bookings of rooms with new hours that lie outside them; they stay."""
    if not lines:
        return []
    agreed = sa.select(Booking).where(
        Booking.space_id.in_(lines), Booking.state.in_(AGREED), Booking.ends_at > clock.now()
    )
    coming = db.session.scalars(agreed.order_by(Booking.starts_at, Booking.id)).all()
    spaces = {space.id: space for space in rooms.spaces(list({booking.space_id for booking in coming}))}
    remarks = []
    for booking in coming:
        first, last = (clock.local(moment).date() for moment in (booking.starts_at, booking.ends_at))
        opened = policy.openings(spaces[booking.space_id], first - timedelta(days=1), last)
        if not any(opening.contains(booking.interval) for opening in opened):
            sentence = OUTSIDE_HOURS.filled(interval=booking.interval)
            line, column = lines[booking.space_id], columns.WEEKDAY_OPENS
            remarks.append(Remark(line, "caution", column, booking.reference, "booking_outside_hours", sentence))
    return remarks
