"""How people are spoken to, from the settings."""

from __future__ import annotations

from careplane.app.settings import Settings
from careplane.kernel.errors import Incorrect
from careplane.words.audience import is_zone


def zone_of(settings: Settings) -> str:
    """The institution's time zone. Raises Incorrect where there is none of that name."""
    if not is_zone(settings.time_zone):
        raise Incorrect(
            f"CAREPLANE_TIME_ZONE: there is no time zone {settings.time_zone[:64]!r}; write a name "
            "such as America/Bogota."
        )
    return settings.time_zone
