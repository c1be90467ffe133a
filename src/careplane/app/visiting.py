"""Video visits, wired from the settings."""

from __future__ import annotations

from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect
from careplane.kernel.ids import secret_id
from careplane.records.door import Door
from careplane.rest.links import Pages
from careplane.storage.ports.state import StateStore
from careplane.telehealth.visits.turn import Ice
from careplane.telehealth.visits.visits import Choice, Visits


def visiting(settings: Settings, key: Keys, state: StateStore, door: Door, clock: Clock) -> Visits:
    """Raises Incorrect for relays without a secret."""
    turn, stun = _listed(settings.turn_urls), _listed(settings.stun_urls)
    if turn and not settings.turn_secret:
        raise Incorrect("CAREPLANE_TURN_URLS needs CAREPLANE_TURN_SECRET.")
    if settings.turn_only and not turn:
        raise Incorrect("CAREPLANE_TURN_ONLY needs CAREPLANE_TURN_URLS.")
    ice = Ice(turn, stun, settings.turn_secret, settings.turn_seconds, settings.turn_only)
    choice = Choice(
        settings.visit_early_minutes,
        settings.visit_late_minutes,
        settings.visit_phone,
        ice,
        settings.visit_recording,
        settings.keep_photo_places,
    )
    return Visits(door, state, Pages(key.derive("visits")), clock, secret_id, choice)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
