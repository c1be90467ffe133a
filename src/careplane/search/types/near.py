"""`near=latitude|longitude|distance|units` of Location (FHIR R4, Location, search parameters).

Found is what lies within the circle, by the great-circle distance; the box around it is where an
index looks. A box over the date line is two boxes, one over a pole has every longitude.
"""

from __future__ import annotations

import re
from decimal import Decimal
from math import asin, cos, degrees, radians, sin

from careplane.fhir import ucum
from careplane.search.criterion import Criterion, Modifiers
from careplane.search.globe import RADIUS
from careplane.search.plan import Near, Node, Not, Number, Prefix, Present, all_of, any_of
from careplane.search.rows import Param, part
from careplane.search.syntax import split, unescape

DEFAULT_DISTANCE = 50.0
"""Kilometres, where the client names no distance."""
_EDGE = 1e-9
"""Degrees that the box is wider, so that rounding leaves nothing out."""
_NUMBER = re.compile(r"[+-]?\d{1,10}(?:\.\d{1,20})?", re.ASCII)


def _near(criterion: Criterion) -> Node:
    return any_of(*(_one(criterion, value) for value in criterion.values))


def _one(criterion: Criterion, text: str) -> Node:
    parts = [*split(text, "|"), "", "", ""][:4]
    numbers = [word.strip() for word in (parts[0], parts[1], parts[2] or str(DEFAULT_DISTANCE))]
    unit = _kilometres(unescape(parts[3]))
    if text.count("|") not in (1, 2, 3) or unit is None or not all(map(_NUMBER.fullmatch, numbers)):
        raise criterion.invalid(
            "write latitude|longitude|distance|units, units a length of UCUM such as km or [mi_i]"
        )
    latitude, longitude, distance = map(float, numbers)
    if abs(latitude) > 90 or abs(longitude) > 180 or distance < 0:
        raise criterion.invalid("a latitude is within 90, a longitude within 180 degrees")
    param, kilometres = criterion.parameter.param, distance * unit
    box = _box(param, latitude, longitude, kilometres)
    return all_of(box, Near(param, latitude, longitude, kilometres))


def _kilometres(unit: str) -> float | None:
    """How many kilometres a unit is; None for what is no length."""
    try:
        return float(ucum.convert(Decimal(1), unit or "km", "km"))
    except (ucum.NotAUnit, ucum.NotComparable):
        return None


def _box(param: Param, latitude: float, longitude: float, distance: float) -> Node:
    angle = distance / RADIUS
    reach = degrees(angle) + _EDGE
    high, low = latitude + reach, latitude - reach
    here = _between(part(param, 0), low, high)
    if high >= 90 or low <= -90:
        return here
    width = degrees(asin(min(1.0, sin(angle) / cos(radians(latitude))))) + _EDGE
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
