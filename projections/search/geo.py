"""Distances on a sphere, in kilometres; degrees are WGS 84."""

from collections.abc import Mapping
from math import asin, cos, degrees, radians, sin
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Double,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
)

RADIUS = 6371.0088  # km, the mean of the Earth's
NEARBY = 10.0  # km, the default distance of a search
_SLACK = 1e-6  # degrees: what rounding may take from the edge of a box; the distance decides
_HALF: ColumnElement[float] = literal_column("0.5")
_ONE: ColumnElement[float] = literal_column("1.0::float8")
_METRES: ColumnElement[float] = literal_column(f"{2000 * radians(RADIUS)}::float8")  # of half a degree


class Point(NamedTuple):
    lat: float
    lon: float


class Box(NamedTuple):
    """Holds everything within a distance. `west` > `east`: it lies across the 180th meridian."""

    south: float
    north: float
    west: float
    east: float

    @property
    def across(self) -> bool:
        return self.west > self.east


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


def inside(lat: Column[float], lon: Column[float], *, across: bool) -> ColumnElement[bool]:
    """Whether a place lies in the box of the `values`: a condition that an index on (lat, lon) serves."""
    west, east = _value("west"), _value("east")
    along = or_(lon >= west, lon <= east) if across else lon.between(west, east)
    return and_(lat.between(_value("south"), _value("north")), along)


def metres(lat: Column[float], lon: Column[float]) -> ColumnElement[int]:
    """The great-circle distance by the haversine formula, in whole metres, so that equal answers sort as equal."""
    up = func.sind((lat - _value("lat")) * _HALF)
    along = func.sind((lon - _value("lon")) * _HALF)
    half = up * up + along * along * func.cosd(lat) * func.cosd(_value("lat"))
    # Rounding may bring the antipode past 1.
    return cast(func.asind(func.sqrt(func.least(_ONE, half))) * _METRES, BigInteger)


def values(center: Point, within: float) -> Mapping[str, float]:
    """The parameters of `inside` and `metres`."""
    return {**center._asdict(), **box(center, within)._asdict()}


def _value(name: str) -> ColumnElement[float]:
    return bindparam(name, type_=Double)
