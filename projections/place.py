"""How far is it? On a sphere, in kilometres; degrees are WGS 84."""

from math import asin, cos, degrees, radians, sin
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, ColumnElement, and_, cast, func, literal_column, or_

RADIUS = 6371.0088  # km, the mean of the Earth's
NEARBY = 10.0  # km, unless somebody asks for more or less
_HALF: ColumnElement[float] = literal_column("0.5")
_ONE: ColumnElement[float] = literal_column("1.0::float8")  # rounding may bring the antipode past 1
_METRES: ColumnElement[float] = literal_column(f"{2000 * radians(RADIUS)}::float8")  # of half a degree
_SLACK = 1e-6  # degrees: what rounding may take from the edge of a box; the distance decides


class Point(NamedTuple):
    lat: float
    lon: float


class Box(NamedTuple):
    """Holds everything within a distance. `west` > `east`: it lies across the 180th meridian."""

    south: float
    north: float
    west: float
    east: float


def box(center: Point, within: float) -> Box:
    """The least box of latitudes and longitudes around a circle; a pole in it, it goes all the way round."""
    angle = within / RADIUS
    reach = degrees(angle) + _SLACK
    south, north = center.lat - reach, center.lat + reach
    if south <= -90 or north >= 90:
        return Box(max(south, -90.0), min(north, 90.0), -180.0, 180.0)
    aside = degrees(asin(min(1.0, sin(angle) / cos(radians(center.lat))))) + _SLACK
    if aside >= 180:
        return Box(south, north, -180.0, 180.0)
    return Box(south, north, _turned(center.lon - aside), _turned(center.lon + aside))


def _turned(lon: float) -> float:
    """The same longitude, between -180 and 180."""
    return lon - 360 if lon > 180 else lon + 360 if lon < -180 else lon


def inside(lat: Column[float], lon: Column[float], around: Box) -> ColumnElement[bool]:
    """Whether a place lies in the box: what an index on (lat, lon) is asked."""
    across: ColumnElement[bool]
    if around.west <= around.east:
        across = lon.between(around.west, around.east)
    else:
        across = or_(lon >= around.west, lon <= around.east)
    return and_(lat.between(around.south, around.north), across)


def metres(lat: Column[float], lon: Column[float], center: Point) -> ColumnElement[int]:
    """The great-circle distance by the haversine formula, in whole metres: what is told alike is alike."""
    up, along = func.sind((lat - center.lat) * _HALF), func.sind((lon - center.lon) * _HALF)
    half = up * up + along * along * cos(radians(center.lat)) * func.cosd(lat)
    return cast(func.asind(func.sqrt(func.least(_ONE, half))) * _METRES, BigInteger)
