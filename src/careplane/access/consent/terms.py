"""The codes that consents and labels speak in, and which of them include which."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.search.rows import Param

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
SECURITY = Param("Resource._security")
LEVELS = ("U", "L", "M", "N", "R", "V")
"""v3-Confidentiality, lowest first; what has no such label is N."""
PART2 = "42CFRPart2"
"""v3-ActCode: information of a program under 42 CFR Part 2."""
NO_REDISCLOSURE = "NODSCLCD"
"""v3-ActCode: no disclosure without the subject's authorization."""
NOT_FOR_PATIENTS = "NOPAT"
"""v3-ActCode: not to be shown to the patient, their family or those who act for them."""

BREAK_GLASS = "BTG"
_WIDER = {
    "BTG": "ETREAT", "ETREAT": "TREAT", "CAREMGT": "TREAT", "CLINTRCH": "HRESCH",
    "BIORCH": "HRESCH", "DSRCH": "HRESCH", "POARCH": "HRESCH", "TRANSRCH": "HRESCH",
    "HSYSADMIN": "HOPERAT", "HQUALIMP": "HOPERAT", "HAUDIT": "HOPERAT", "DISASTER": "PUBHLTH",
    "THREAT": "PUBHLTH",
}  # fmt: skip


def purposes_of(purpose: str) -> frozenset[str]:
    """A purpose of use and those that include it (v3-ActReason, PurposeOfUse)."""
    found = [purpose]
    while found[-1] in _WIDER:
        found.append(_WIDER[found[-1]])
    return frozenset(found)


COLLECT = "collect"
_LOOKING = frozenset({"access", "use", "disclose"})
_CHANGING = _LOOKING | {"correct"}
ACTIONS: dict[Permission, frozenset[str]] = {
    Permission.READ: _LOOKING,
    Permission.SEARCH: _LOOKING,
    Permission.UPDATE: _CHANGING,
    Permission.DELETE: _CHANGING,
    Permission.CREATE: frozenset({COLLECT}),
}
"""What a permission is in consentaction. Whatever leaves is accessed, used and disclosed at once:
what becomes of it behind the door cannot be seen here. Who changes a record sees it."""

SCOPES: dict[str, frozenset[str] | None] = {
    "patient-privacy": None,
    "treatment": frozenset({"TREAT"}),
    "research": frozenset({"HRESCH"}),
}
"""The scopes of consents that bear on information, and the purposes that they bear on; None is all.
Advance directives (`adr`) say nothing of it."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The one who asks, as provisions see it: by id, for these purposes, doing these actions."""

    id: str
    purposes: frozenset[str]
    actions: frozenset[str]


def asking(caller: Caller, permission: Permission) -> Asking:
    """The caller as provisions see it."""
    return Asking(caller.id, purposes_of(caller.purpose), ACTIONS[permission])
