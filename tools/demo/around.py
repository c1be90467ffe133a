"""What stands around the care of some patients: cover, family, consent, teams, notes, a bill."""

from __future__ import annotations

from tools.demo.hospital import HOSPITAL, STAFF
from tools.demo.shapes import HL7, LOINC, SNOMED, Tree, at, coded, day, new_id, note, ref

INSURER = "demo-insurer"
TEAMS: dict[str, tuple[str, ...]] = {
    "silvana-cremin": ("demo-family-doctor", "demo-practice-nurse", "demo-pharmacist"),
    "layla-haddad": ("demo-obstetrician", "demo-practice-nurse"),
    "barrett-cummings": ("demo-family-doctor", "demo-practice-nurse"),
    "junita-labadie": ("demo-paediatrician",),
}
ROLES = {
    "doctor": ("59058001", "General physician"),
    "nurse": ("106292003", "Professional nurse"),
    "pharmacist": ("46255001", "Pharmacist"),
}
COVERED = ("devin-bailey", "silvana-cremin", "barrett-cummings", "layla-haddad", "kenichi-sato")
NOTES: dict[str, tuple[str, str, str, int]] = {
    "silvana-cremin": (
        "Diabetes review",
        "HbA1c 6.9 % after 9.4 % fifteen months ago. Walks daily, takes metformin with the evening "
        "meal. Feet: sensation reduced at both big toes, skin intact.\n\nPlan: eye examination "
        "this year; HbA1c again in three months.",
        "demo-family-doctor", -19,
    ),
    "layla-haddad": (
        "Antenatal visit",
        "Week 31. Feels well, baby moves. Blood pressure 122/80. Interpreter for Arabic there.\n\n"
        "Plan: next visit in one week; latex-free delivery room noted.",
        "demo-obstetrician", -2,
    ),
    "barrett-cummings": (
        "Blood pressure review",
        "Amlodipine 5 mg added three months ago, well tolerated, no ankle swelling. Pressures at "
        "goal for four weeks.\n\nPlan: continue; check again next week.",
        "demo-family-doctor", -7,
    ),
}  # fmt: skip


def insurer() -> Tree:
    """The organisation that pays."""
    return {
        "resourceType": "Organization",
        "id": INSURER,
        "active": True,
        "type": [coded(HL7 + "organization-type", "ins", "Insurance Company")],
        "name": "Demo Health Plan",
    }


def around(patient: str) -> list[Tree]:
    """All of it that this patient has."""
    out: list[Tree] = []
    if patient in COVERED:
        out.append(_coverage(patient))
    if patient in TEAMS:
        out.append(_team(patient, TEAMS[patient]))
    if patient in NOTES:
        title, text, author, days = NOTES[patient]
        kind = coded(LOINC, "11506-3", "Progress note")
        out.append(note(patient, at(days, "12:05"), kind, title, text, author))
    if patient == "barrett-cummings":
        out.append(_father(patient))
    if patient == "layla-haddad":
        out.append(_consent(patient))
    if patient == "silvana-cremin":
        out.append(_claim(patient))
    return out


def _coverage(patient: str) -> Tree:
    return {
        "resourceType": "Coverage",
        "id": f"{patient}-coverage",
        "status": "active",
        "type": coded(HL7 + "v3-ActCode", "HIP", "health insurance plan policy"),
        "beneficiary": ref("Patient", patient),
        "period": {"start": day(-300)},
        "payor": [ref("Organization", INSURER, "Demo Health Plan")],
    }


def _team(patient: str, members: tuple[str, ...]) -> Tree:
    staff = {row[0]: row for row in STAFF}
    return {
        "resourceType": "CareTeam",
        "id": f"{patient}-team",
        "status": "active",
        "name": "Care team",
        "subject": ref("Patient", patient),
        "participant": [
            {
                "role": [coded(SNOMED, *ROLES[staff[id][5]])],
                "member": ref("Practitioner", id, f"{staff[id][2]} {staff[id][1]}"),
            }
            for id in members
        ],
    }


def _father(patient: str) -> Tree:
    return {
        "resourceType": "FamilyMemberHistory",
        "id": f"{patient}-father",
        "status": "completed",
        "patient": ref("Patient", patient),
        "date": day(-180),
        "relationship": coded(HL7 + "v3-RoleCode", "FTH", "father"),
        "condition": [
            {
                "code": coded(SNOMED, "22298006", "Myocardial infarction"),
                "onsetAge": {
                    "value": 61,
                    "unit": "years",
                    "system": "http://unitsofmeasure.org",
                    "code": "a",
                },
            }
        ],
    }


def _consent(patient: str) -> Tree:
    return {
        "resourceType": "Consent",
        "id": f"{patient}-consent",
        "status": "active",
        "scope": coded(HL7 + "consentscope", "patient-privacy", "Privacy Consent"),
        "category": [coded(LOINC, "59284-0", "Consent Document")],
        "patient": ref("Patient", patient),
        "dateTime": at(-160, "10:20"),
        "organization": [ref("Organization", HOSPITAL, "Demo Hospital")],
        "policyRule": coded(HL7 + "v3-ActCode", "OPTIN", "opt-in"),
        "provision": {"type": "permit", "period": {"start": day(-160)}},
    }


def _claim(patient: str) -> Tree:
    return {
        "resourceType": "Claim",
        "id": new_id(patient, "Claim", "review"),
        "status": "active",
        "type": coded(HL7 + "claim-type", "professional", "Professional"),
        "use": "claim",
        "patient": ref("Patient", patient),
        "created": day(-19),
        "provider": ref("Organization", HOSPITAL, "Demo Hospital"),
        "priority": coded(HL7 + "processpriority", "normal", "Normal"),
        "insurance": [
            {"sequence": 1, "focal": True, "coverage": ref("Coverage", f"{patient}-coverage")}
        ],
        "item": [
            {
                "sequence": 1,
                "productOrService": coded(SNOMED, "390906007", "Follow-up encounter"),
                "net": {"value": 120, "currency": "USD"},
            }
        ],
        "total": {"value": 120, "currency": "USD"},
    }
