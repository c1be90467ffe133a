"""Scopes that are not about resources: who signs in, in which context, for how long (SMART App
Launch 2.2, Scopes and Launch Context)."""

from __future__ import annotations

from collections.abc import Iterable

from careplane.access.scopes import Scope, parse_scope

OPENID, FHIR_USER, PROFILE = "openid", "fhirUser", "profile"
LAUNCH, LAUNCH_PATIENT, LAUNCH_ENCOUNTER = "launch", "launch/patient", "launch/encounter"
OFFLINE, ONLINE = "offline_access", "online_access"
CONTEXTS = (
    OPENID,
    FHIR_USER,
    PROFILE,
    LAUNCH,
    LAUNCH_PATIENT,
    LAUNCH_ENCOUNTER,
    OFFLINE,
    ONLINE,
)
_KNOWN = frozenset(CONTEXTS)


def contexts_of(words: Iterable[str]) -> frozenset[str]:
    """Those among some scopes."""
    return _KNOWN.intersection(words)


def resources_of(words: Iterable[str]) -> tuple[Scope, ...]:
    """The scopes about resources among some, in their order. Raises Incorrect for one that is
    neither."""
    return tuple(parse_scope(word) for word in words if word not in _KNOWN)
