"""The demo hospital: one organisation, its departments and people. All of it is made up."""

from __future__ import annotations

from tools.demo.shapes import HL7, SNOMED, Tree, coded, ref

HOSPITAL = "demo-hospital"
STAFF_SYSTEM = "https://demo.careplane.example/staff"

DEPARTMENTS: tuple[tuple[str, str], ...] = (
    ("demo-cardiology", "Demo Hospital, Cardiology"),
    ("demo-primary-care", "Demo Hospital, Primary Care"),
    ("demo-womens-health", "Demo Hospital, Women's Health"),
    ("demo-paediatrics", "Demo Hospital, Paediatrics"),
    ("demo-laboratory", "Demo Hospital, Laboratory"),
)

# id, family, given, gender, department, role code and display (HL7 practitioner-role), specialty
STAFF: tuple[tuple[str, str, str, str, str, str, str, tuple[str, str] | None], ...] = (
    ("demo-cardiologist", "Ratke", "Elizbeth", "female", "demo-cardiology", "doctor", "Doctor",
     ("394579002", "Cardiology")),
    ("demo-hf-nurse", "Okonkwo", "Grace", "female", "demo-cardiology", "nurse", "Nurse", None),
    ("demo-family-doctor", "Lindqvist", "Anders", "male", "demo-primary-care", "doctor", "Doctor",
     ("394814009", "General practice (specialty)")),
    ("demo-practice-nurse", "Ferreira", "Joana", "female", "demo-primary-care", "nurse", "Nurse",
     None),
    ("demo-obstetrician", "Moreau", "Camille", "female", "demo-womens-health", "doctor", "Doctor",
     ("394585009", "Obstetrics and gynecology")),
    ("demo-paediatrician", "Novak", "Petra", "female", "demo-paediatrics", "doctor", "Doctor",
     ("394537008", "Pediatric specialty")),
    ("demo-pharmacist", "Tanaka", "Yuki", "female", "demo-primary-care", "pharmacist",
     "Pharmacist", None),
)  # fmt: skip


def resources() -> list[Tree]:
    """Organisations, locations, practitioners and the roles they have."""
    out = [_organization(HOSPITAL, "Demo Hospital", None)]
    out += [_organization(id, name, HOSPITAL) for id, name in DEPARTMENTS]
    out += [_location(id, name) for id, name in DEPARTMENTS]
    for id, family, given, gender, department, code, display, specialty in STAFF:
        out.append(_practitioner(id, family, given, gender, code))
        out.append(_role(id, department, code, display, specialty))
    return out


def _organization(id: str, name: str, parent: str | None) -> Tree:
    kind = ("prov", "Healthcare Provider") if parent is None else ("dept", "Hospital Department")
    tree: Tree = {
        "resourceType": "Organization",
        "id": id,
        "active": True,
        "type": [coded(HL7 + "organization-type", *kind)],
        "name": name,
        "telecom": [{"system": "phone", "value": "555-0100", "use": "work"}],
    }
    return tree | {"partOf": ref("Organization", parent)} if parent else tree


def _location(id: str, name: str) -> Tree:
    return {
        "resourceType": "Location",
        "id": id,
        "status": "active",
        "name": name,
        "mode": "instance",
        "managingOrganization": ref("Organization", id),
    }


def _practitioner(id: str, family: str, given: str, gender: str, code: str) -> Tree:
    name: Tree = {"use": "official", "family": family, "given": [given]}
    if code == "doctor":
        name["prefix"] = ["Dr."]
    return {
        "resourceType": "Practitioner",
        "id": id,
        "identifier": [{"system": STAFF_SYSTEM, "value": id.removeprefix("demo-")}],
        "active": True,
        "name": [name],
        "gender": gender,
    }


def _role(
    id: str, department: str, code: str, display: str, specialty: tuple[str, str] | None
) -> Tree:
    tree: Tree = {
        "resourceType": "PractitionerRole",
        "id": id,
        "active": True,
        "practitioner": ref("Practitioner", id),
        "organization": ref("Organization", department),
        "code": [coded(HL7 + "practitioner-role", code, display)],
        "location": [ref("Location", department)],
    }
    return tree | {"specialty": [coded(SNOMED, *specialty)]} if specialty else tree
