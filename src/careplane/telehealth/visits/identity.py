"""That the person before the camera is the patient: checked by who gives the visit, and written
into the consent to telehealth (R4 Consent.verification)."""

from __future__ import annotations

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Incorrect
from careplane.telehealth.visits.appointment import Booked
from careplane.telehealth.visits.documents import Person

EXTENSION = "https://github.com/careplane/careplane/StructureDefinition/identity-check"
"""Of Consent.verification: `how` (one of `WAYS`) and `by`."""
WAYS = {
    "document": "Photo identification was shown",
    "asked": "Date of birth and address were asked for",
    "known": "Known to the clinician in person",
}
"""Code → what was done."""


def checked(consent: Tree, visit: Booked, how: str, by: Person, now: int) -> Tree:
    """The consent with one more check. Raises Incorrect for a way that is none of `WAYS`."""
    if how not in WAYS:
        raise Incorrect(f"how is one of: {', '.join(WAYS)}.")
    check: Tree = {
        "extension": [
            {
                "url": EXTENSION,
                "extension": [
                    {"url": "how", "valueCodeableConcept": _concept(how)},
                    {"url": "by", "valueReference": by.reference()},
                ],
            }
        ],
        "verified": True,
        "verifiedWith": {"reference": visit.patient},
        "verificationDate": format_instant(now),
    }
    return {**consent, "verification": [*consent.get("verification", []), check]}


def is_checked(consent: Tree) -> bool:
    """Whether somebody has."""
    return any(
        part.get("verified") is True
        and any(one.get("url") == EXTENSION for one in part.get("extension", []))
        for part in consent.get("verification", [])
    )


def _concept(how: str) -> Tree:
    system = "https://github.com/careplane/careplane/CodeSystem/identity-check"
    return {"coding": [{"system": system, "code": how}], "text": WAYS[how]}
