"""`near=latitude|longitude|distance|units` of Location (FHIR R4, Location, search parameters).

The standard leaves the way of measuring to the server: found is what lies in the box around the
circle. A box over the date line is two boxes, one over a pole has every longitude.
"""

from __future__ import annotations

import re
from math import asin, cos, degrees, radians, sin

from careplane.search.criterion import Criterion, Modifiers
from careplane.search.plan import Node, Not, Number, Prefix, Present, all_of, any_of
from careplane.search.rows import Param, part
from careplane.search.syntax import split

DEFAULT_DISTANCE = 50.0
"""Kilometres, where the client names no distance."""
RADIUS = 6371.0
KILOMETRES = {"": 1.0, "km": 1.0, "m": 0.001, "[mi_us]": 1.609347, "[mi_i]": 1.609344}
_NUMBER = re.compile(r"[+-]?\d{1,10}(?:\.\d{1,20})?", re.ASCII)


def _near(criterion: Criterion) -> Node:
    return any_of(*(_one(criterion, value) for value in criterion.values))


def _one(criterion: Criterion, text: str) -> Node:
    parts = [*split(text, "|"), "", "", ""][:4]
    numbers = [word.strip() for word in (parts[0], parts[1], parts[2] or str(DEFAULT_DISTANCE))]
    unit = KILOMETRES.get(parts[3])
    if text.count("|") not in (1, 2, 3) or unit is None or not all(map(_NUMBER.fullmatch, numbers)):
        raise criterion.invalid(
            "write latitude|longitude|distance|units, units one of km, m, [mi_us], [mi_i]"
        )
    latitude, longitude, distance = map(float, numbers)
    if abs(latitude) > 90 or abs(longitude) > 180 or distance < 0:
        raise criterion.invalid("a latitude is within 90, a longitude within 180 degrees")
    return _box(criterion.parameter.param, latitude, longitude, distance * unit)


def _box(param: Param, latitude: float, longitude: float, distance: float) -> Node:
    angle = distance / RADIUS
    high, low = latitude + degrees(angle), latitude - degrees(angle)
    here = _between(part(param, 0), low, high)
    if high >= 90 or low <= -90:
        return here
    width = degrees(asin(min(1.0, sin(angle) / cos(radians(latitude)))))
    return all_of(here, _around(part(param, 1), longitude - width, longitude + width))


def _around(param: Param, west: float, east: float) -> Node:
    if west < -180:
        return any_of(_between(param, -180, east), _between(param, west + 360, 180))
    if east > 180:
        return any_of(_between(param, west, 180), _between(param, -180, east - 360))
    return _between(param, west, east)


def _between(param: Param, low: float, high: float) -> Node:
    return all_of(Number(param, Prefix.GE, low, low), Number(param, Prefix.LE, high, high))


def _missing(criterion: Criterion) -> Node:
    """Whether there is a position at all."""
    present = Present(part(criterion.parameter.param, 0))
    if criterion.values == ("true",):
        return Not(present)
    if criterion.values == ("false",):
        return present
    raise criterion.invalid("write true or false")


MODIFIERS: Modifiers = {"": _near, "missing": _missing}
