"""The ground of the fictional city: a river, and districts on its two banks. No database."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from marketplace.kernel.geo import Point

MIDDLE = Point(37.5, 127.0)
KM_UP, KM_ALONG = 111.2, 88.2
"""Kilometres in a degree of latitude, and of longitude at the city's latitude."""

CORNERS = 240
PATCHES = 50
"""How many small Voronoi cells a district is put together from, so that its borders wind as real ones do."""


@dataclass(frozen=True, slots=True)
class Land:
    """The areas of the districts in kilometres around the middle; they touch, and leave the river out."""

    districts: tuple[Any, ...]

    def areas(self) -> list[Any]:
        """Every district in degrees."""
        return [shapely.MultiPolygon(shapely.get_parts(shapely.transform(of, _degrees))) for of in self.districts]

    def spots(self, random: Random, district: int, count: int) -> list[Point]:
        """Places for buildings inside a district, away from its border."""
        area = self.districts[district].buffer(-0.15)
        shapely.prepare(area)
        west, south, east, north = area.bounds
        found: list[Point] = []
        while len(found) < count:
            x, y = random.uniform(west, east), random.uniform(south, north)
            if shapely.contains_xy(area, x, y):
                longitude, latitude = _degrees(np.array([[x, y]]))[0]
                found.append(Point(round(float(latitude), 6), round(float(longitude), 6)))
        return found


def make(random: Random, districts: int) -> Land:
    """Lay out so many districts of some eighteen square kilometres each."""
    radius = 2.4 * math.sqrt(districts)
    outline = _outline(random, radius)
    bed = _River(radius, random.uniform(0.15, 0.25) * radius, random.uniform(0, math.tau))
    land = outline.difference(bed.water())
    sites = _sprinkle(random, land, PATCHES * districts)
    north = sites[:, 1] > bed.middle(sites[:, 0])
    in_north = min(max(round(districts * float(north.mean())), 1), districts - 1)
    centres = np.vstack([_centres(sites[north], in_north), _centres(sites[~north], districts - in_north)])
    centre_north = np.arange(districts) < in_north

    pieces: list[list[Any]] = [[] for _ in range(districts)]
    cells = shapely.voronoi_polygons(shapely.MultiPoint(sites), extend_to=outline.buffer(radius))
    for cell in shapely.get_parts(cells):
        for piece in shapely.get_parts(cell.intersection(land)):
            spot = np.array(piece.representative_point().coords[0])
            away = np.hypot(*(centres - spot).T)
            away[centre_north != (spot[1] > bed.middle(spot[0]))] = math.inf
            pieces[int(away.argmin())].append(piece)
    return Land(tuple(shapely.union_all(parts) for parts in pieces))


@dataclass(frozen=True, slots=True)
class _River:
    radius: float
    swing: float
    phase: float

    def middle(self, x: Any) -> Any:
        return self.swing * np.sin(x / self.radius * 2.2 + self.phase) - 0.05 * self.radius

    def water(self) -> Any:
        x = np.linspace(-2 * self.radius, 2 * self.radius, 200)
        return shapely.LineString(np.column_stack([x, self.middle(x)])).buffer(0.035 * self.radius)


def _outline(random: Random, radius: float) -> Any:
    waves = [(k, random.uniform(0.02, 0.16 / k**0.5), random.uniform(0, math.tau)) for k in (2, 3, 4, 5)]
    angles = [math.tau * corner / CORNERS for corner in range(CORNERS)]
    reach = [radius * (1 + sum(size * math.cos(k * a + phase) for k, size, phase in waves)) for a in angles]
    return shapely.Polygon(
        [(1.15 * r * math.cos(a), 0.9 * r * math.sin(a)) for a, r in zip(angles, reach, strict=True)]
    )


def _sprinkle(random: Random, land: Any, count: int) -> NDArray[np.float64]:
    shapely.prepare(land)
    west, south, east, north = land.bounds
    found: list[tuple[float, float]] = []
    while len(found) < count:
        x, y = random.uniform(west, east), random.uniform(south, north)
        if shapely.contains_xy(land, x, y):
            found.append((x, y))
    return np.array(found)


def _centres(sites: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Spread centres evenly over the sites. Method: farthest point first, then Lloyd's iteration."""
    chosen: Sequence[int] = [0]
    while len(chosen) < count:
        away = np.min([np.hypot(*(sites - sites[one]).T) for one in chosen], axis=0)
        chosen = [*chosen, int(away.argmax())]
    centres = sites[list(chosen)].copy()
    for _ in range(12):
        nearest = np.argmin([np.hypot(*(sites - centre).T) for centre in centres], axis=0)
        for one in range(count):
            if (nearest == one).any():
                centres[one] = sites[nearest == one].mean(axis=0)
    return centres


def _degrees(kilometres: NDArray[np.float64]) -> NDArray[np.float64]:
    return kilometres / (KM_ALONG, KM_UP) + (MIDDLE.longitude, MIDDLE.latitude)
