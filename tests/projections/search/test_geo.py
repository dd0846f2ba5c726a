"""A box holds the circle that it is drawn around."""

from math import asin, atan2, cos, degrees, pi, radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.search.geo import RADIUS, Box, Point, box


def on_circle(center: Point, away: float, bearing: float) -> Point:
    """The point so many km away in a direction (radians from north)."""
    lat, angle = radians(center.lat), away / RADIUS
    there = asin(sin(lat) * cos(angle) + cos(lat) * sin(angle) * cos(bearing))
    east = atan2(sin(bearing) * sin(angle) * cos(lat), cos(angle) - sin(lat) * sin(there))
    return Point(degrees(there), (center.lon + degrees(east) + 540) % 360 - 180)


def holds(around: Box, point: Point) -> bool:
    across = (
        around.west <= point.lon <= around.east
        if around.west <= around.east
        else point.lon >= around.west or point.lon <= around.east
    )
    return around.south <= point.lat <= around.north and across


@given(
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.floats(0.001, 500),
    st.floats(0, 1),
    st.floats(0, 2 * pi),
)
def test_whatever_is_within_the_distance_lies_in_the_box(lat, lon, within, part, bearing):
    center = Point(lat, lon)
    assert holds(box(center, within), on_circle(center, within * part, bearing))


@pytest.mark.parametrize("lat", [-60.0, 0.0, 48.85])
def test_away_from_the_poles_it_holds_little_more(lat):
    around = box(Point(lat, 2.35), 10)
    assert around.north - around.south == pytest.approx(2 * degrees(10 / RADIUS), rel=1e-3)
    assert around.east - around.west == pytest.approx(2 * degrees(10 / RADIUS) / cos(radians(lat)), rel=1e-3)


def test_across_the_date_line_it_goes_from_west_to_east():
    around = box(Point(0, 179.99), 10)
    assert around.west > 179
    assert around.east < -179


@pytest.mark.parametrize("lat", [89.99, 90.0, -89.99, -90.0])
def test_with_a_pole_in_it_it_goes_all_the_way_round(lat):
    around = box(Point(lat, 50), 10)
    assert (around.west, around.east) == (-180, 180)
