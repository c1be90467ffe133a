"""What a person can untick on the consent screen: each scope, and of a scope for all types the
parts of a record that people have words for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from msgspec import Struct

from careplane.access.decide import SHARED_WITH_PATIENTS
from careplane.access.scopes import Permission, Scope
from careplane.access.smart.contexts import FHIR_USER, OFFLINE, ONLINE, OPENID, PROFILE
from careplane.access.smart.launch.offer import Offer, ordered
from careplane.search.compartments import compartment_types

PARTS = (
    "Patient",
    "AllergyIntolerance",
    "Condition",
    "MedicationRequest",
    "Observation",
    "DiagnosticReport",
    "Immunization",
    "Procedure",
    "Encounter",
    "DocumentReference",
    "CarePlan",
    "CareTeam",
    "Goal",
    "Device",
    "Coverage",
)
"""Types that stand for themselves; `REST` is all others of a record."""
REST = "rest"
_OTHERS = tuple(
    sorted((frozenset(compartment_types("Patient")) | SHARED_WITH_PATIENTS) - frozenset(PARTS))
)
_KEPT = frozenset({OFFLINE, ONLINE, OPENID, FHIR_USER, PROFILE})
_LOOKING = frozenset({Permission.READ, Permission.SEARCH})


class Choice(Struct, frozen=True):
    """One box. `key` is its value in the form; `part` is a type, `REST`, or a scope of CONTEXTS;
    `looks` and `writes`, what the app could do; `arguments` restrict what it is about; `everyone`,
    where it is not about one patient."""

    key: str
    part: str
    looks: bool = False
    writes: bool = False
    arguments: str = ""
    everyone: bool = False


def choices(offer: Offer) -> tuple[Choice, ...]:
    """The boxes of an offer, in an order that people can read."""
    found = [box for scope in offer.resources for box in _boxes(scope)]
    found.sort(key=lambda box: (_rank(box.part), box.key))
    context = (Choice(one, one) for one in ordered(offer.contexts & _KEPT))
    return (*dict.fromkeys(found), *context)


def chosen(offer: Offer, ticked: Iterable[str]) -> Offer:
    """What is left of an offer where only these boxes are ticked; never more than it."""
    keys = frozenset(ticked)
    resources: dict[Scope, str] = {}
    for scope, word in offer.resources.items():
        boxes = _boxes(scope)
        if all(box.key in keys for box in boxes):
            resources[scope] = word
            continue
        for box in boxes if scope.type is None else ():
            if box.key in keys:
                resources |= _parts(scope, box.part)
    contexts = frozenset(one for one in offer.contexts if one not in _KEPT or one in keys)
    if OPENID not in contexts:
        contexts -= {FHIR_USER, PROFILE}
    return Offer(resources, contexts)


def _boxes(scope: Scope) -> list[Choice]:
    if scope.type is not None:
        return [_box(scope, scope.type)]
    return [*(_box(replace(scope, type=part), part) for part in PARTS), _box(scope, REST)]


def _box(scope: Scope, part: str) -> Choice:
    return Choice(
        str(scope),
        part,
        bool(scope.permissions & _LOOKING),
        bool(scope.permissions - _LOOKING),
        scope.arguments,
        scope.context != "patient",
    )


def _parts(scope: Scope, part: str) -> Mapping[Scope, str]:
    types = _OTHERS if part == REST else (part,)
    return {one: str(one) for one in (replace(scope, type=type) for type in types)}


def _rank(part: str) -> int:
    return PARTS.index(part) if part in PARTS else len(PARTS) + (part == REST)
