"""Finding districts and buildings."""

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.places import errors
from marketplace.civic.places.models import ACCESSIBILITY, Building, BuildingPoint, District, DistrictShape
from marketplace.kernel import cells, db, geo, search
from marketplace.kernel.errors import NotFound
from marketplace.kernel.writing import show_list

SEARCH_KIND = "building"
MOST_NAMED = 5


# --- districts ---


def districts() -> list[District]:
    """Every district, by name in the reader's language."""
    return sorted(db.session.scalars(sa.select(District)), key=lambda district: district.name)


def district_by_code(code: str) -> District | None:
    """The district of an official code."""
    return db.session.scalar(sa.select(District).where(District.code == code))


def district_outlines() -> list[tuple[str, dict[str, Any]]]:
    """(name, GeoJSON geometry with few corners) of every district, for the base of a map."""
    rows = sa.select(District, DistrictShape.outline).join(DistrictShape, DistrictShape.district_id == District.id)
    return [(district.name, outline) for district, outline in db.session.execute(rows.order_by(District.id))]


def district_features() -> list[geo.Feature]:
    """Every district with its full area."""
    rows = sa.select(District, DistrictShape.shape).join(DistrictShape, DistrictShape.district_id == District.id)
    return [
        geo.Feature(shape, {"code": of.code, "name_en": of.name_en, "name_ko": of.name_ko}, of.id)
        for of, shape in db.session.execute(rows.order_by(District.id))
    ]


def district_at(point: geo.Point) -> int | None:
    """The id of the district that holds a point; on a border, the one known longest."""
    return db.session.scalar(
        sa.select(sa.func.min(DistrictShape.district_id)).where(geo.containing(DistrictShape.shape, point))
    )


def district_around(point: geo.Point) -> int | None:
    """The id of the district of the middle of the privacy cell in which a point lies. Raises OutsideTheCity."""
    here = district_at(cells.centre(cells.cell_of(point)))
    if here is None and district_at(point) is None and districts():
        raise errors.OutsideTheCity(field="near")
    return here


def district_named_in(address: str, among: list[District]) -> int | None:
    """The id of the district whose name stands word for word in an address; the longest name wins."""
    words = set(re.findall(r"[\w-]+", address))
    named = [
        (-len(name), district.id)
        for district in among
        for name in (district.name_ko, district.name_en)
        if words.issuperset(name.split())
    ]
    return min(named)[1] if named else None


# --- buildings ---


def get_building(building_id: int) -> Building:
    """A building with its district and location. Raises NotFound."""
    building = db.session.scalar(_whole().where(Building.id == building_id))
    if building is None:
        raise NotFound
    return building


def building_by_code(code: str) -> Building | None:
    """The building of an import key."""
    return db.session.scalar(sa.select(Building).where(Building.code == code))


def buildings(
    district_id: int | None = None, words: str = "", *, limit: int | None = None, offset: int = 0
) -> list[Building]:
    """Buildings by name, each with its district and location."""
    found = _whole().where(*_asked(district_id, words)).order_by(Building.name, Building.id)
    return list(db.session.scalars(found.limit(limit).offset(offset)))


def point_of(near: str, latitude: float | None, longitude: float | None) -> geo.Point | None:
    """The point that someone names: that of a public building, else where their device is.

    Raises NoSuchPlace, or SeveralPlaces for a name that is not the whole name of one.
    """
    if not near:
        return geo.Point(latitude, longitude) if latitude is not None and longitude is not None else None
    found = [building for building in buildings(words=near, limit=50) if building.point]
    whole = [building for building in found if near.casefold() in (building.name.casefold(), building.title.casefold())]
    if not found:
        raise errors.NoSuchPlace(field="near")
    if len(found) > 1 and len(whole) != 1:
        names = sorted({building.title for building in found})[:MOST_NAMED]
        raise errors.SeveralPlaces(names=show_list(names), field="near")
    return (whole or found)[0].point


def count_buildings(district_id: int | None = None, words: str = "") -> int:
    """How many buildings `buildings` would find."""
    return db.session.scalar(sa.select(sa.func.count(Building.id)).where(*_asked(district_id, words))) or 0


def near(point: geo.Point, metres: float, *, limit: int = 50) -> list[tuple[Building, float]]:
    """Buildings no further than so many metres, nearest first, each with its distance."""
    away = geo.distance(BuildingPoint.point, point).label("away")
    found = (
        _whole()
        .add_columns(away)
        .join(BuildingPoint, BuildingPoint.building_id == Building.id)
        .where(geo.within(BuildingPoint.point, point, metres))
        .order_by(away, Building.id)
        .limit(limit)
    )
    return [(building, distance) for building, distance in db.session.execute(found)]


def buildings_after(
    last: tuple[Any, ...] | None,
    *,
    limit: int | None = None,
    district_id: int | None = None,
    words: str = "",
    near: geo.Point | None = None,
    metres: float | None = None,
) -> list[tuple[Building, float | None]]:
    """Buildings after a position in their list, each with its distance from a point: nearest first, else by id.

    A position is (distance, id) where a point is given, otherwise (0.0, id). One statement.
    """
    away: sa.ColumnElement[Any] = sa.null() if near is None else geo.distance(BuildingPoint.point, near)
    found = _whole().add_columns(away).where(*_asked(district_id, words)).limit(limit)
    if near is not None:
        found = found.join(BuildingPoint, BuildingPoint.building_id == Building.id).order_by(away)
    if near is not None and metres is not None:
        found = found.where(geo.within(BuildingPoint.point, near, metres))
    if last is not None:
        later = Building.id > last[1]
        found = found.where(later if near is None else sa.or_(away > last[0], sa.and_(away == last[0], later)))
    return [(building, distance) for building, distance in db.session.execute(found.order_by(Building.id))]


def get_district(district_id: int) -> District:
    """A district. Raises NotFound."""
    if (district := db.session.get(District, district_id)) is None:
        raise NotFound
    return district


def districts_after(last: int, limit: int) -> list[District]:
    """Districts by id, from after one of them on."""
    return list(db.session.scalars(sa.select(District).where(District.id > last).order_by(District.id).limit(limit)))


def building_feature(building: Building) -> geo.Feature | None:
    """A building on the map, or None if nobody knows where it stands."""
    if building.point is None:
        return None
    facts = {name: getattr(building, name) for name in ("code", "name", "name_en", "address", "phone", *ACCESSIBILITY)}
    district = building.district.code if building.district else None
    return geo.Feature(building.point, {**facts, "district": district}, building.id)


def _whole() -> sa.Select[Building]:
    return sa.select(Building).options(joinedload(Building.district), joinedload(Building.location))


def _asked(district_id: int | None, words: str) -> list[sa.ColumnElement[bool]]:
    asked: list[sa.ColumnElement[bool]] = []
    if district_id is not None:
        asked.append(Building.district_id == district_id)
    if words.strip():
        asked.append(Building.id.in_(search.matching(SEARCH_KIND, words)))
    return asked
