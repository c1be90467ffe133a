"""Who may be taken in the demo: the people of the demo hospital and one of its patients.

The scopes say what each may do; the pages show what the scopes allow.
"""

from __future__ import annotations

from careplane.access.caller import Caller
from careplane.access.people.user import Charge
from careplane.access.scopes import parse_scopes
from careplane.storage.ports.records import Tenant
from careplane.web.session import DemoRole
from careplane.words.catalogues import mark

_NURSE = (
    "Patient.rs Encounter.rs Condition.rs AllergyIntolerance.cruds Immunization.cruds "
    "MedicationRequest.rs MedicationAdministration.cruds Observation.cruds DiagnosticReport.rs "
    "CarePlan.cruds CareTeam.rs Goal.cruds Flag.cruds Task.cruds Communication.cruds "
    "DocumentReference.crus Binary.crs Composition.cruds Provenance.rs Questionnaire.rs "
    "QuestionnaireResponse.crus "
    "Appointment.rs Schedule.rs Procedure.rs ServiceRequest.rs Device.rs "
    "Practitioner.rs PractitionerRole.rs Organization.rs Location.rs RelatedPerson.rs "
    "HealthcareService.rs"
)
_PHARMACY = (
    "Patient.rs Encounter.rs Condition.rs AllergyIntolerance.rs Immunization.rs Observation.rs "
    "DiagnosticReport.rs MedicationRequest.rs MedicationDispense.cruds MedicationStatement.cruds "
    "DetectedIssue.cruds Medication.cruds MedicationKnowledge.rs MedicinalProductInteraction.rs "
    "Task.cruds CareTeam.rs Flag.rs Practitioner.rs PractitionerRole.rs Organization.rs"
)
_DESK = (
    "Patient.crus Appointment.cruds RelatedPerson.crus Coverage.crus Consent.crus "
    "Schedule.crus Slot.rs Practitioner.rs PractitionerRole.rs Organization.rs Location.rs "
    "HealthcareService.rs Communication.crus Task.crus"
)
_PATIENT = (
    "patient/*.rs patient/Appointment.cu patient/Consent.cu patient/Communication.c "
    "patient/QuestionnaireResponse.cu"
)

# key, title, what it is for, id, name, scopes, patient
_ROLES: tuple[tuple[str, str, str, str, str, str, str | None], ...] = (
    ("physician", mark("Physician"),
     mark("The whole chart: alerts, results, problems, medications."),
     "Practitioner/demo-cardiologist", "Dr. Elizbeth Ratke", "user/*.cruds", None),
    ("nurse", mark("Nurse"),
     mark("The chart and its care tasks; no claims, no administration."),
     "Practitioner/demo-hf-nurse", "Grace Okonkwo", _NURSE, None),
    ("pharmacist", mark("Pharmacist"),
     mark("What was prescribed, and what stands against it."),
     "Practitioner/demo-pharmacist", "Yuki Tanaka", _PHARMACY, None),
    ("front-desk", mark("Front desk"),
     mark("Who the patients are and when they come; nothing clinical."),
     "Practitioner/demo-front-desk", "Sam Whitfield", _DESK, None),
    ("patient", mark("Patient"),
     mark("One's own record and no other: Devin Bailey, heart failure."),
     "Patient/devin-bailey", "Devin Bailey", _PATIENT, "devin-bailey"),
    ("proxy", mark("Parent"),
     mark("Acts for a child: Alex Labadie, for Junita, who is in school."),
     "RelatedPerson/junita-labadie-parent", "Alex Labadie",
     "patient/*.rs patient/Appointment.cu patient/Communication.c patient/QuestionnaireResponse.cu",
     "junita-labadie"),
    ("administrator", mark("Administrator"),
     mark("Every type of record, for those who run the server."),
     "Practitioner/demo-administrator", "Robin Castellanos", "system/*.cruds", None),
)  # fmt: skip

_MORE = {"proxy": frozenset({"acting-proxy"}), "administrator": frozenset({"intake"})}
_CHILD = "Junita Labadie"


def roles(tenant: Tenant) -> tuple[DemoRole, ...]:
    """The roles of the picker, as callers of one tenant."""
    return tuple(
        DemoRole(key, title, says, Caller(
            tenant=tenant, id=id, name=name, scopes=parse_scopes(_scopes(scopes)),
            patient=patient, roles=_MORE.get(key, frozenset()) | {key},
        ), _charges(id, patient))
        for key, title, says, id, name, scopes, patient in _ROLES
    )  # fmt: skip


def _charges(id: str, patient: str | None) -> tuple[Charge, ...]:
    """Whom a RelatedPerson acts for."""
    return (Charge(id, patient, _CHILD),) if patient and id.startswith("RelatedPerson/") else ()


def _scopes(text: str) -> str:
    """A list of types stands for scopes of a user."""
    return " ".join(part if "/" in part else f"user/{part}" for part in text.split())
