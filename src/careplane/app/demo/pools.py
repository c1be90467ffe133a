"""Who answers messages in the demo hospital: two pools, and the synthetic people in them."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.telehealth.messages.names import TOPIC, TOPICS

# id, name, topics, people with their names
_POOLS: tuple[tuple[str, str, tuple[str, ...], dict[str, str]], ...] = (
    ("demo-questions", "Medical questions", ("medical", "prescription", "other"), {
        "demo-cardiologist": "Dr. Elizbeth Ratke", "demo-hf-nurse": "Grace Okonkwo",
        "demo-family-doctor": "Dr. Anders Lindqvist",
    }),
    ("demo-office", "Appointments and billing", ("appointment", "billing"), {
        "demo-front-desk": "Sam Whitfield",
    }),
)  # fmt: skip

_CLERK: Tree = {
    "resourceType": "Practitioner",
    "id": "demo-front-desk",
    "active": True,
    "name": [{"use": "official", "family": "Whitfield", "given": ["Sam"]}],
}


def bundle() -> bytes:
    """A transaction of updates with fixed ids."""
    trees = [_CLERK, *(tree for pool in _POOLS for tree in _trees(*pool))]
    entries = [
        {
            "resource": tree,
            "request": {"method": "PUT", "url": f"{tree['resourceType']}/{tree['id']}"},
        }
        for tree in trees
    ]
    return json.dump({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _trees(id: str, name: str, topics: tuple[str, ...], people: dict[str, str]) -> list[Tree]:
    place = {"reference": "Organization/demo-hospital", "display": "Demo Hospital"}
    pool: Tree = {
        "resourceType": "HealthcareService",
        "id": id,
        "active": True,
        "providedBy": place,
        "type": [
            {"coding": [{"system": TOPIC, "code": one, "display": TOPICS[one]}]} for one in topics
        ],
        "name": name,
    }
    roles: list[Tree] = [
        {
            "resourceType": "PractitionerRole",
            "id": f"{id}-{who}",
            "active": True,
            "practitioner": {"reference": f"Practitioner/{who}", "display": shown},
            "organization": place,
            "healthcareService": [{"reference": f"HealthcareService/{id}", "display": name}],
        }
        for who, shown in people.items()
    ]
    return [pool, *roles]
