"""Distances on the globe, taken as a sphere of its mean radius: right to half a percent."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

RADIUS = 6371.0088
"""Kilometres: the mean radius of WGS 84."""


def great_circle(latitude: float, longitude: float, other: float, across: float) -> float:
    """Kilometres between two positions in degrees, by the haversine formula."""
    high = sin(radians(other - latitude) / 2)
    wide = sin(radians(across - longitude) / 2)
    chord = high * high + cos(radians(latitude)) * cos(radians(other)) * wide * wide
    return 2 * RADIUS * asin(min(1.0, sqrt(chord)))
