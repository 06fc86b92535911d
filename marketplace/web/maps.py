"""A small drawing of districts and numbered places, made on the server; Leaflet may then move and enlarge it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape as geometry_of
from shapely.geometry.base import BaseGeometry

MARGIN = 24  # pixels kept free around what matters, so that no pin is cut
NARROWEST = 0.05  # degrees shown at least (about 5 km): one pin alone still sees its surroundings
TALLEST = 1.25  # height of what matters to its width, at most
LETTER, WIDE_LETTER = 7, 13  # pixels that a Latin letter and a Hangul syllable of a name take
PIN = 16  # pixels from a pin's middle to its rim


@dataclass(frozen=True, slots=True)
class Shape:
    """A district on the drawing; labelled if its name fits."""

    name: str
    path: str
    x: float
    y: float
    labelled: bool


@dataclass(frozen=True, slots=True)
class Pin:
    """A numbered place on the drawing; its number and href lead to the list beside it."""

    number: int
    label: str
    href: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Picture:
    """The drawing, its size in pixels and its edges in degrees."""

    width: int
    height: int
    west: float
    south: float
    east: float
    north: float
    shapes: list[Shape]
    pins: list[Pin]


def draw(
    districts: Iterable[tuple[str, Any]],
    pins: Iterable[tuple[int, str, str, float, float]] = (),
    *,
    width: int = 420,
    close: bool = False,
) -> Picture:
    """Draw districts and pins in Web Mercator, the projection of every tile.

    districts  (name, GeoJSON mapping or shapely geometry in degrees)
    pins       (number, label, href, longitude, latitude)
    close      frame the pins instead of the whole city
    """
    areas = [(name, shapely.make_valid(shapely.transform(_geometry(area), _mercator))) for name, area in districts]
    places = list(pins)
    points = _mercator(np.array([[longitude, latitude] for *_, longitude, latitude in places]).reshape(-1, 2))
    west, north, east, south = _frame([area for _, area in areas], points, close=close)
    inner = width - 2 * MARGIN
    scale = min(inner / (east - west), inner * TALLEST / (south - north))
    height = max(round((south - north) * scale), inner // 2) + 2 * MARGIN
    left, top = (west + east) / 2 - width / 2 / scale, (north + south) / 2 - height / 2 / scale
    right, bottom = left + width / scale, top + height / scale

    pixels = np.round((points - (left, top)) * scale, 1).tolist()
    (west, south), (east, north) = _degrees(np.array([[left, bottom], [right, top]])).round(6).tolist()
    marks = [Pin(number, label, href, *pixel) for (number, label, href, *_), pixel in zip(places, pixels, strict=True)]
    shapes = [_shape(name, area, (left, top, right, bottom), scale) for name, area in areas]
    return Picture(width, height, west, south, east, north, _uncrowded(shapes, marks, width, height), marks)


def _geometry(area: Any) -> BaseGeometry:
    return area if isinstance(area, BaseGeometry) else geometry_of(area)


def _mercator(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitude and latitude to Mercator: x east, y south (as on a screen), in degrees of the equator."""
    return np.column_stack([degrees[:, 0], -np.degrees(np.arcsinh(np.tan(np.radians(degrees[:, 1]))))])


def _degrees(mercator: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([mercator[:, 0], np.degrees(np.arctan(np.sinh(np.radians(-mercator[:, 1]))))])


def _frame(areas: list[BaseGeometry], points: NDArray[np.float64], *, close: bool) -> tuple[float, float, float, float]:
    """The least box around all that matters, never narrower than a neighbourhood."""
    if areas and not (close and len(points)):
        west, north, east, south = shapely.total_bounds(areas).tolist()
    elif len(points):
        (west, north), (east, south) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    else:
        raise ValueError("a map needs a district or a place")
    grow_x, grow_y = (max(0.0, NARROWEST - span) / 2 for span in (east - west, south - north))
    return west - grow_x, north - grow_y, east + grow_x, south + grow_y


def _shape(name: str, area: BaseGeometry, window: tuple[float, float, float, float], scale: float) -> Shape:
    """A district in pixels, with the spot of its visible part where its name would stand."""
    corner, visible = window[:2], shapely.intersection(area, shapely.box(*window))
    outline = shapely.transform(area.simplify(0.6 / scale), lambda points: np.round((points - corner) * scale, 1))
    rings = [
        ring
        for part in shapely.get_parts(outline)
        if part.geom_type == "Polygon"
        for ring in (part.exterior, *part.interiors)
    ]
    path = "".join("M" + " ".join(f"{x:g},{y:g}" for x, y in ring.coords[:-1]) + "z" for ring in rings)
    if visible.is_empty:
        return Shape(name, path, 0, 0, labelled=False)
    spot = shapely.transform(visible.representative_point(), lambda points: np.round((points - corner) * scale, 1))
    room = (visible.bounds[2] - visible.bounds[0]) * scale
    return Shape(name, path, spot.x, spot.y, labelled=room > _length(name))


def _length(name: str) -> int:
    return sum(LETTER if letter.isascii() else WIDE_LETTER for letter in name)


def _uncrowded(shapes: list[Shape], pins: list[Pin], width: int, height: int) -> list[Shape]:
    """The shapes, keeping only names that stand whole and cover no pin and no earlier name."""
    sheet = shapely.box(0, 0, width, height)
    covered = [shapely.box(pin.x - PIN, pin.y - PIN, pin.x + PIN, pin.y + PIN) for pin in pins]
    kept = []
    for shape in shapes:
        half = _length(shape.name) / 2
        plate = shapely.box(shape.x - half, shape.y - LETTER, shape.x + half, shape.y + LETTER)
        labelled = shape.labelled and plate.within(sheet) and not shapely.intersects(plate, covered).any()
        if labelled:
            covered.append(plate)
        kept.append(replace(shape, labelled=labelled))
    return kept
