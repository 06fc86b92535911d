"""Points and areas on the earth, and the distances between them. The only place that knows SpatiaLite from PostGIS."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from geoalchemy2 import Geometry, WKBElement
from sqlalchemy.sql import ColumnElement

from marketplace.kernel import db
from marketplace.kernel.errors import Invalid
from marketplace.kernel.words import Text, _l

SRID = 4326
EARTH_RADIUS = 6_371_008.8
"""Metres: the mean radius of WGS 84, which PostGIS uses too."""

LARGEST_FILE = 10 * 1024 * 1024
LONGITUDE_LIMIT, LATITUDE_LIMIT = 180, 90
DEGREE_NAMES = ("CRS84", "4326")
"""How a file may name the one coordinate system read here: degrees of longitude and latitude."""


class NotOnEarth(Invalid):
    """A pair of numbers that is no place on earth."""

    message = _l("A latitude goes from -90 to 90 and a longitude from -180 to 180.")


class NotGeoJSON(Invalid):
    """Text that cannot be read as a collection of areas."""

    message = _l("This is not GeoJSON that can be read here: {reason}")


@dataclass(frozen=True, slots=True)
class Point:
    """A place on earth, in degrees of WGS 84."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (abs(self.latitude) <= LATITUDE_LIMIT and abs(self.longitude) <= LONGITUDE_LIMIT):
            raise NotOnEarth  # also for NaN, which is smaller than nothing


def haversine_m(here: Point, there: Point) -> float:
    """Metres between two points along the surface of a round earth."""
    up = math.radians(there.latitude - here.latitude)
    along = math.radians(there.longitude - here.longitude)
    scale = math.cos(math.radians(here.latitude)) * math.cos(math.radians(there.latitude))
    half = math.sin(up / 2) ** 2 + scale * math.sin(along / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(math.sqrt(min(1.0, half)))


# --- columns ---


class PointColumn(sa.TypeDecorator[Point]):
    """A point, with a spatial index made along with the table."""

    impl = Geometry
    cache_ok = True

    def __init__(self) -> None:
        super().__init__("POINT", srid=SRID)

    def process_bind_param(self, value: Point | None, dialect: sa.Dialect) -> str | None:
        """Write x before y: longitude first."""
        return None if value is None else f"SRID={SRID};POINT({value.longitude!r} {value.latitude!r})"

    def process_result_value(self, value: WKBElement | None, dialect: sa.Dialect) -> Point | None:
        """Read a point."""
        if value is None:
            return None
        point = shapely.from_wkb(value.desc)
        return Point(point.y, point.x)


class AreaColumn(sa.TypeDecorator[shapely.MultiPolygon]):
    """One or more polygons, with a spatial index made along with the table."""

    impl = Geometry
    cache_ok = True

    def __init__(self) -> None:
        super().__init__("MULTIPOLYGON", srid=SRID)

    def process_bind_param(self, value: shapely.MultiPolygon | None, dialect: sa.Dialect) -> str | None:
        """Write every digit."""
        return None if value is None else f"SRID={SRID};{value.wkt}"

    def process_result_value(self, value: WKBElement | None, dialect: sa.Dialect) -> shapely.MultiPolygon | None:
        """Read an area."""
        return None if value is None else shapely.from_wkb(value.desc)


# --- questions to the database ---


def distance(column: Any, point: Point) -> ColumnElement[float]:
    """Metres from a column of points to a point, as SQL."""
    if not db.is_sqlite():
        return sa.func.ST_DistanceSphere(column, sa.literal(point, PointColumn()), type_=sa.Float)
    latitude, longitude = sa.func.ST_Y(column), sa.func.ST_X(column)
    up = sa.func.sin(sa.func.radians(latitude - point.latitude) * 0.5)
    along = sa.func.sin(sa.func.radians(longitude - point.longitude) * 0.5)
    scale = sa.func.cos(sa.func.radians(latitude)) * math.cos(math.radians(point.latitude))
    half = sa.func.min(1.0, up * up + scale * along * along)
    return sa.type_coerce(2 * EARTH_RADIUS * sa.func.asin(sa.func.sqrt(half)), sa.Float())


def within(column: Any, point: Point, metres: float) -> ColumnElement[bool]:
    """Whether a column's point is at most so far from a point; the spatial index finds the few worth measuring."""
    return sa.and_(_touches(column, *_box(point, metres)), distance(column, point) <= metres)


def containing(column: Any, where: Any) -> ColumnElement[bool]:
    """Whether a column's area holds a point, or the point in another column; its edge belongs to it."""
    spot = sa.literal(where, PointColumn()) if isinstance(where, Point) else where
    x, y = (where.longitude, where.latitude) if isinstance(where, Point) else (sa.func.ST_X(spot), sa.func.ST_Y(spot))
    return sa.and_(_touches(column, x, y, x, y), sa.func.ST_Intersects(column, spot))


def _touches(column: Any, west: Any, south: Any, east: Any, north: Any) -> ColumnElement[bool]:
    """Whether the box around a column's geometry touches a box, answered from the spatial index."""
    if not db.is_sqlite():
        return column.bool_op("&&")(sa.func.ST_MakeEnvelope(west, south, east, north, SRID))
    own = column.__clause_element__() if hasattr(column, "__clause_element__") else column
    (key,) = own.table.primary_key
    boxes = sa.table(f"idx_{own.table.name}_{own.name}", *map(sa.column, ("pkid", "xmin", "xmax", "ymin", "ymax"))).c
    return key.in_(
        sa.select(boxes.pkid).where(boxes.xmin <= east, boxes.xmax >= west, boxes.ymin <= north, boxes.ymax >= south)
    )


def _box(point: Point, metres: float) -> tuple[float, float, float, float]:
    """West, south, east and north of all that is so near; all longitudes near a pole or the date line."""
    angle = metres / EARTH_RADIUS
    up = math.degrees(angle) * (1 + 1e-9)
    south, north = max(point.latitude - up, -LATITUDE_LIMIT), min(point.latitude + up, LATITUDE_LIMIT)
    whole = -LONGITUDE_LIMIT, south, LONGITUDE_LIMIT, north
    if south == -LATITUDE_LIMIT or north == LATITUDE_LIMIT:
        return whole
    along = math.degrees(math.asin(math.sin(angle) / math.cos(math.radians(point.latitude)))) * (1 + 1e-9)
    west, east = point.longitude - along, point.longitude + along
    return whole if west < -LONGITUDE_LIMIT or east > LONGITUDE_LIMIT else (west, south, east, north)


# --- GeoJSON ---


@dataclass(frozen=True, slots=True)
class Feature:
    """A place with what is known about it. `repaired`: its lines crossed each other and were untangled."""

    geometry: Any  # a Point, or a MultiPolygon of shapely, which has no types
    properties: Mapping[str, Any] = field(default_factory=dict)
    id: str | int | None = None
    repaired: bool = False


def to_geojson(features: Iterable[Feature]) -> dict[str, Any]:
    """Features as a GeoJSON FeatureCollection (RFC 7946)."""
    return {"type": "FeatureCollection", "features": [_feature_json(feature) for feature in features]}


def _feature_json(feature: Feature) -> dict[str, Any]:
    own = {} if feature.id is None else {"id": feature.id}
    geometry = geometry_json(feature.geometry)
    return {"type": "Feature", **own, "properties": dict(feature.properties), "geometry": geometry}


def geometry_json(place: Any, digits: int = 7) -> dict[str, Any]:
    """A Point or a MultiPolygon as GeoJSON; seven digits are a centimetre."""
    if isinstance(place, Point):
        return {"type": "Point", "coordinates": [round(place.longitude, digits), round(place.latitude, digits)]}
    rounded = shapely.transform(place, lambda positions: positions.round(digits))
    parts = [[ring.coords for ring in (part.exterior, *part.interiors)] for part in rounded.geoms]
    rings = [[[list(position) for position in ring] for ring in part] for part in parts]
    return {"type": "MultiPolygon", "coordinates": rings}


def outline(area: shapely.MultiPolygon, degrees: float) -> shapely.MultiPolygon:
    """An area with fewer corners, none of them moved further than so many degrees."""
    return _polygons(shapely.make_valid(area.simplify(degrees))) or area


def parse_geojson(text: str | bytes) -> list[Feature]:
    """The areas in a GeoJSON FeatureCollection, each as a MultiPolygon; lines that cross are untangled.

    Raises NotGeoJSON, naming the feature, unless every feature is a Polygon or MultiPolygon in degrees.
    """
    document = _read_json(text)
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise NotGeoJSON(reason=_l("it holds no FeatureCollection."))
    system = json.dumps(document.get("crs"))
    if document.get("crs") and not any(name in system for name in DEGREE_NAMES):
        raise NotGeoJSON(reason=_l("it is not in degrees of longitude and latitude (EPSG:4326). Convert it first."))
    features = document.get("features")
    if not isinstance(features, list):
        raise NotGeoJSON(reason=_l("its features are not a list."))
    return [_parse_feature(number, feature) for number, feature in enumerate(features, 1)]


def _read_json(text: str | bytes) -> Any:
    if len(text) > LARGEST_FILE:
        raise NotGeoJSON(reason=_l("it is larger than 10 MB. Simplify it first."))
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return json.loads(decoded, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise NotGeoJSON(reason=_l("it is not UTF-8 text.")) from None
    except json.JSONDecodeError as failure:
        raise NotGeoJSON(
            reason=_l("line {line}, column {column} is not JSON.", line=failure.lineno, column=failure.colno)
        ) from None
    except (RecursionError, ValueError):
        raise NotGeoJSON(reason=_l("it holds something that JSON does not allow.")) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _parse_feature(number: int, feature: Any) -> Feature:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise NotGeoJSON(reason=_l("feature {number} is no Feature.", number=number))
    properties, geometry, own_id = feature.get("properties") or {}, feature.get("geometry"), feature.get("id")
    if not isinstance(properties, dict) or not isinstance(own_id, str | int | None):
        raise NotGeoJSON(reason=_l("feature {number} has properties or an id of a wrong kind.", number=number))
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in ("Polygon", "MultiPolygon"):
        sentence = _l("feature {number} is a {kind}; only Polygon and MultiPolygon are areas.")
        raise NotGeoJSON(reason=sentence.filled(number=number, kind=str(kind)[:40]))
    parts = geometry.get("coordinates")
    try:
        drawn = shapely.MultiPolygon([_polygon(part) for part in _listed([parts] if kind == "Polygon" else parts)])
    except NotOnEarth:
        raise NotGeoJSON(reason=_wrong_place(number)) from None
    except (ValueError, TypeError, OverflowError):
        raise NotGeoJSON(reason=_l("the coordinates of feature {number} are no rings.", number=number)) from None
    area = drawn if drawn.is_valid else _polygons(shapely.make_valid(drawn))
    if area is None or area.is_empty:
        raise NotGeoJSON(reason=_l("feature {number} has no area.", number=number))
    return Feature(area, properties, own_id, repaired=area is not drawn)


def _wrong_place(number: int) -> Text:
    return _l(
        "feature {number} lies off the earth: its positions must be longitude then latitude, in degrees.",
        number=number,
    )


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ValueError("not a list")
    return value


def _polygon(rings: Any) -> shapely.Polygon:
    outer, *holes = [_ring(ring) for ring in _listed(rings)]
    return shapely.Polygon(outer, holes)


def _ring(positions: Any) -> Any:
    """The positions of a closed ring as (n, 2) floats; heights are dropped."""
    ring = np.array(_listed(positions))
    if ring.dtype.kind not in "if" or ring.ndim != 2 or ring.shape[0] < 4 or ring.shape[1] < 2:
        raise ValueError("not a ring")
    ring = ring[:, :2].astype(float)
    if (np.abs(ring) > (LONGITUDE_LIMIT, LATITUDE_LIMIT)).any():
        raise NotOnEarth
    if (ring[0] != ring[-1]).any():
        raise ValueError("not closed")
    return ring


def _polygons(geometry: Any) -> shapely.MultiPolygon | None:
    """The polygons of whatever a repair left, without stray lines and points."""
    parts = [
        part
        for piece in shapely.get_parts(geometry)
        for part in shapely.get_parts(piece)
        if part.geom_type == "Polygon" and part.area > 0
    ]
    return shapely.MultiPolygon(parts) if parts else None
