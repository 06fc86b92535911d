"""Privacy cells: what is told of a home is the same wherever in its cell it stands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel import cells, geo

CITY = st.builds(geo.Point, st.floats(37.4, 37.7), st.floats(126.7, 127.2))
EARTH = st.builds(geo.Point, st.floats(-90, 90), st.floats(-180, 180))


@given(EARTH)
def test_every_point_lies_in_its_cell(point):
    cell = cells.cell_of(point)
    west, south, east, north = cells.area(cell).bounds
    assert west - 1e-9 <= point.longitude <= east + 1e-9
    assert south - 1e-9 <= point.latitude <= north + 1e-9


@given(EARTH)
def test_the_centre_of_a_cell_lies_in_it(point):
    cell = cells.cell_of(point)
    assert cells.cell_of(cells.centre(cell)) == cell


@given(CITY)
def test_a_cell_is_about_500_m_wide_and_high(point):
    west, south, east, north = cells.area(cells.cell_of(point)).bounds
    corner = geo.Point(south, west)
    assert geo.haversine_m(corner, geo.Point(north, west)) == pytest.approx(500, rel=0.01)
    assert geo.haversine_m(corner, geo.Point(south, east)) == pytest.approx(500, rel=0.01)


@given(CITY, CITY)
def test_a_distance_is_measured_to_the_centre(here, home):
    cell = cells.cell_of(home)
    (measured,) = cells.distances(here, np.array([cell]))
    assert measured == pytest.approx(geo.haversine_m(here, cells.centre(cell)), abs=0.001)


def test_a_home_that_moves_within_its_cell_stays_where_it_is_for_the_public():
    cell = cells.cell_of(geo.Point(37.55, 126.99))
    west, south, east, north = cells.area(cell).bounds
    corners = [(south, west), (north, west), (south, east), (north, east)]
    inside = [
        geo.Point(latitude * 0.999 + 0.001 * (south + north) / 2, longitude * 0.999 + 0.001 * (west + east) / 2)
        for latitude, longitude in corners
    ]
    assert {cells.cell_of(point) for point in inside} == {cell}
