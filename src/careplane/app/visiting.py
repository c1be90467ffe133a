"""Video visits, wired from the settings."""

from __future__ import annotations

from urllib.parse import urlsplit

from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect
from careplane.kernel.ids import secret_id
from careplane.records.door import Door
from careplane.rest.links import Pages
from careplane.storage.ports.state import StateStore
from careplane.telehealth.visits.media.livekit.calls import Calls
from careplane.telehealth.visits.media.livekit.grants import Grants
from careplane.telehealth.visits.media.livekit.hall import LiveKit
from careplane.telehealth.visits.media.turn import Ice
from careplane.telehealth.visits.visits import Choice, Visits

_SECRET = 32
_AT_HOME = ("localhost", "127.0.0.1", "::1")


def visiting(settings: Settings, key: Keys, state: StateStore, door: Door, clock: Clock) -> Visits:
    """Raises Incorrect for relays or a media server that miss a part."""
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
        livekit_of(settings, key, ice, clock),
        frozenset(_listed(settings.livekit_types)),
        settings.keep_photo_places,
    )
    return Visits(door, state, Pages(key.derive("visits")), clock, secret_id, choice)


def livekit_of(settings: Settings, key: Keys, ice: Ice, clock: Clock) -> LiveKit | None:
    """The media server of larger groups, where there is one. Raises Incorrect."""
    url = settings.livekit_url.rstrip("/")
    if not url:
        return None
    at = urlsplit(url)
    if at.scheme not in ("ws", "wss") or not at.hostname or at.query or at.username:
        raise Incorrect("CAREPLANE_LIVEKIT_URL is an address such as wss://livekit.example.org.")
    if at.scheme == "ws" and at.hostname not in _AT_HOME:
        raise Incorrect("CAREPLANE_LIVEKIT_URL is wss: browsers open no other from a page of TLS.")
    if not settings.livekit_key or len(settings.livekit_secret) < _SECRET:
        raise Incorrect(
            "CAREPLANE_LIVEKIT_URL needs CAREPLANE_LIVEKIT_KEY, and CAREPLANE_LIVEKIT_SECRET of "
            f"{_SECRET} characters or more."
        )
    base = settings.livekit_api_url or f"http{url.removeprefix('ws')}"
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
        raise Incorrect("CAREPLANE_LIVEKIT_API_URL is an address such as http://livekit:7880.")
    grants = Grants(settings.livekit_key, settings.livekit_secret)
    calls = Calls(base, grants, clock)
    naming = key.derive("livekit-rooms")
    return LiveKit(url, grants, calls, naming, settings.livekit_most, ice)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
