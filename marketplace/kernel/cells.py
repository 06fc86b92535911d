"""Privacy cells: all that the public learns of where a home is.

The earth is cut into a fixed grid of cells, each about as wide as high. Whatever is told of a home is told of the
centre of its cell, so that asking again, from elsewhere or for another thing of the same home, tells nothing more;
random shifts would be averaged away.
"""

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from marketplace.kernel.geo import EARTH_RADIUS, Point

METRES = 500
"""How high a cell is. In a dense city far more than a hundred households share one."""

_DEGREE = math.radians(1) * EARTH_RADIUS
_HEIGHT = METRES / _DEGREE
_ROWS = math.ceil(180 / _HEIGHT)
_IN_A_ROW = 1 << 20


def cell_of(point: Point) -> int:
    """The cell in which a point lies; its southern and western edges belong to it."""
    row = min(int((point.latitude + 90) / _HEIGHT), _ROWS - 1)
    columns = int(_columns(np.array(row)))
    return row * _IN_A_ROW + min(int((point.longitude + 180) / 360 * columns), columns - 1)


def centre(cell: int) -> Point:
    """The middle of a cell."""
    west, south, east, north = _bounds(cell)
    return Point((south + north) / 2, (west + east) / 2)


def area(cell: int) -> shapely.MultiPolygon:
    """The cell as an area."""
    return shapely.MultiPolygon([shapely.box(*_bounds(cell))])


def distances(point: Point, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Metres from a point to the centre of each cell (n,), as `geo.haversine_m` measures them."""
    row, column = np.divmod(cells, _IN_A_ROW)
    latitude = np.radians((row + 0.5) * _HEIGHT - 90)
    longitude = np.radians((column + 0.5) * 360 / _columns(row) - 180)
    here = math.radians(point.latitude)
    up, along = np.sin((latitude - here) / 2), np.sin((longitude - math.radians(point.longitude)) / 2)
    half = up * up + math.cos(here) * np.cos(latitude) * along * along
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.minimum(half, 1)))


def _columns(row: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many cells lie in a row: as many as are about as wide, at its middle, as they are high."""
    around = 360 * np.cos(np.radians((row + 0.5) * _HEIGHT - 90))
    return np.maximum(1, np.round(around / _HEIGHT)).astype(np.int64)


def _bounds(cell: int) -> tuple[float, float, float, float]:
    row, column = divmod(cell, _IN_A_ROW)
    width, south = 360 / int(_columns(np.array(row))), row * _HEIGHT - 90
    return column * width - 180, south, (column + 1) * width - 180, min(south + _HEIGHT, 90.0)
