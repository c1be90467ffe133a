"""What a policy speaks of: entities, the one who asks, groups of types, and what it cannot say."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.access.scopes import Permission
from careplane.fhir.definitions import RESOURCE_TYPES

UNASSIGNED = "unassigned"
"""The role of a caller who has none."""

PURPOSES = frozenset({"TREAT", "HPAYMT", "HOPERAT", "HRESCH", "PUBHLTH", "ETREAT", "PATRQT", "BTG"})
"""Purposes of use, by their codes in v3-ActReason."""


def _types(names: str) -> frozenset[str]:
    return frozenset(names.split())


_DIRECTORY = _types(
    "CatalogEntry DeviceDefinition Endpoint HealthcareService InsurancePlan Location Medication "
    "MedicationKnowledge Organization OrganizationAffiliation Practitioner PractitionerRole "
    "Substance"
)
_KNOWLEDGE = _types(
    "ActivityDefinition CapabilityStatement ChargeItemDefinition CodeSystem CompartmentDefinition "
    "ConceptMap EffectEvidenceSynthesis EventDefinition Evidence EvidenceVariable ExampleScenario "
    "GraphDefinition ImplementationGuide Library Measure MedicinalProductInteraction "
    "MessageDefinition NamingSystem "
    "ObservationDefinition OperationDefinition PlanDefinition Questionnaire ResearchDefinition "
    "ResearchElementDefinition RiskEvidenceSynthesis SearchParameter SpecimenDefinition "
    "StructureDefinition StructureMap TerminologyCapabilities TestScript ValueSet"
)
_AUDIT = frozenset({"AuditEvent"})

GROUPS: dict[str, frozenset[str]] = {
    "record": frozenset(RESOURCE_TYPES) - _DIRECTORY - _KNOWLEDGE - _AUDIT,
    "directory": _DIRECTORY,
    "knowledge": _KNOWLEDGE,
    "audit": _AUDIT,
    "administrative": _types(
        "Account Appointment AppointmentResponse Coverage Patient RelatedPerson Schedule Slot"
    ),
    "billing": _types(
        "Account ChargeItem Claim ClaimResponse Contract Coverage CoverageEligibilityRequest "
        "CoverageEligibilityResponse EnrollmentRequest EnrollmentResponse ExplanationOfBenefit "
        "Invoice PaymentNotice PaymentReconciliation"
    ),
}
"""`resource in Types::"record"`. The first four hold every type once: `record` is whatever is not
known to be free of patients' data, so that a type which nobody thought of counts as clinical."""


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity of Cedar, such as `Practitioner::"17"`."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Asker:
    """The principal: who it is, its roles, and the patients in whose name it acts."""

    entity: Entity
    roles: frozenset[str]
    patients: frozenset[Entity]
    purpose: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What one decision is about. `probe`: at load, when nobody asks yet; what hangs on the asker
    is then left open, so that every part of a policy is looked at that any asker could reach."""

    asker: Asker
    permission: Permission
    type: str
    probe: bool = False


class Unfit(Exception):
    """A policy says what no search can be restricted by; the text says what, and what to write."""


def asker_of(caller: Caller) -> Asker:
    """The caller as policies see it: `Practitioner/17` is `Practitioner::"17"`."""
    who = caller.principal or caller.id
    type, slash, id = who.partition("/")
    entity = Entity(type, id) if slash else Entity("client", who)
    patients = frozenset({Entity("Patient", caller.patient)} if caller.patient else ())
    return Asker(entity, caller.roles or frozenset({UNASSIGNED}), patients, caller.purpose)
