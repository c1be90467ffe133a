"""Every resource type of R4 as a class, loaded when it is first named; data types are in
`careplane.client.types`. The list is long because type checkers read it; a test compares it with
`RESOURCE_TYPES`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from careplane.fhir import structs
from careplane.fhir.definitions import is_resource

if TYPE_CHECKING:
    from careplane.fhir.generated.structs.account import Account as Account
    from careplane.fhir.generated.structs.activitydefinition import (
        ActivityDefinition as ActivityDefinition,
    )
    from careplane.fhir.generated.structs.adverseevent import AdverseEvent as AdverseEvent
    from careplane.fhir.generated.structs.allergyintolerance import (
        AllergyIntolerance as AllergyIntolerance,
    )
    from careplane.fhir.generated.structs.appointment import Appointment as Appointment
    from careplane.fhir.generated.structs.appointmentresponse import (
        AppointmentResponse as AppointmentResponse,
    )
    from careplane.fhir.generated.structs.auditevent import AuditEvent as AuditEvent
    from careplane.fhir.generated.structs.basic import Basic as Basic
    from careplane.fhir.generated.structs.binary import Binary as Binary
    from careplane.fhir.generated.structs.biologicallyderivedproduct import (
        BiologicallyDerivedProduct as BiologicallyDerivedProduct,
    )
    from careplane.fhir.generated.structs.bodystructure import BodyStructure as BodyStructure
    from careplane.fhir.generated.structs.bundle import Bundle as Bundle
    from careplane.fhir.generated.structs.capabilitystatement import (
        CapabilityStatement as CapabilityStatement,
    )
    from careplane.fhir.generated.structs.careplan import CarePlan as CarePlan
    from careplane.fhir.generated.structs.careteam import CareTeam as CareTeam
    from careplane.fhir.generated.structs.catalogentry import CatalogEntry as CatalogEntry
    from careplane.fhir.generated.structs.chargeitem import ChargeItem as ChargeItem
    from careplane.fhir.generated.structs.chargeitemdefinition import (
        ChargeItemDefinition as ChargeItemDefinition,
    )
    from careplane.fhir.generated.structs.claim import Claim as Claim
    from careplane.fhir.generated.structs.claimresponse import ClaimResponse as ClaimResponse
    from careplane.fhir.generated.structs.clinicalimpression import (
        ClinicalImpression as ClinicalImpression,
    )
    from careplane.fhir.generated.structs.codesystem import CodeSystem as CodeSystem
    from careplane.fhir.generated.structs.communication import Communication as Communication
    from careplane.fhir.generated.structs.communicationrequest import (
        CommunicationRequest as CommunicationRequest,
    )
    from careplane.fhir.generated.structs.compartmentdefinition import (
        CompartmentDefinition as CompartmentDefinition,
    )
    from careplane.fhir.generated.structs.composition import Composition as Composition
    from careplane.fhir.generated.structs.conceptmap import ConceptMap as ConceptMap
    from careplane.fhir.generated.structs.condition import Condition as Condition
    from careplane.fhir.generated.structs.consent import Consent as Consent
    from careplane.fhir.generated.structs.contract import Contract as Contract
    from careplane.fhir.generated.structs.coverage import Coverage as Coverage
    from careplane.fhir.generated.structs.coverageeligibilityrequest import (
        CoverageEligibilityRequest as CoverageEligibilityRequest,
    )
    from careplane.fhir.generated.structs.coverageeligibilityresponse import (
        CoverageEligibilityResponse as CoverageEligibilityResponse,
    )
    from careplane.fhir.generated.structs.detectedissue import DetectedIssue as DetectedIssue
    from careplane.fhir.generated.structs.device import Device as Device
    from careplane.fhir.generated.structs.devicedefinition import (
        DeviceDefinition as DeviceDefinition,
    )
    from careplane.fhir.generated.structs.devicemetric import DeviceMetric as DeviceMetric
    from careplane.fhir.generated.structs.devicerequest import DeviceRequest as DeviceRequest
    from careplane.fhir.generated.structs.deviceusestatement import (
        DeviceUseStatement as DeviceUseStatement,
    )
    from careplane.fhir.generated.structs.diagnosticreport import (
        DiagnosticReport as DiagnosticReport,
    )
    from careplane.fhir.generated.structs.documentmanifest import (
        DocumentManifest as DocumentManifest,
    )
    from careplane.fhir.generated.structs.documentreference import (
        DocumentReference as DocumentReference,
    )
    from careplane.fhir.generated.structs.effectevidencesynthesis import (
        EffectEvidenceSynthesis as EffectEvidenceSynthesis,
    )
    from careplane.fhir.generated.structs.encounter import Encounter as Encounter
    from careplane.fhir.generated.structs.endpoint import Endpoint as Endpoint
    from careplane.fhir.generated.structs.enrollmentrequest import (
        EnrollmentRequest as EnrollmentRequest,
    )
    from careplane.fhir.generated.structs.enrollmentresponse import (
        EnrollmentResponse as EnrollmentResponse,
    )
    from careplane.fhir.generated.structs.episodeofcare import EpisodeOfCare as EpisodeOfCare
    from careplane.fhir.generated.structs.eventdefinition import EventDefinition as EventDefinition
    from careplane.fhir.generated.structs.evidence import Evidence as Evidence
    from careplane.fhir.generated.structs.evidencevariable import (
        EvidenceVariable as EvidenceVariable,
    )
    from careplane.fhir.generated.structs.examplescenario import ExampleScenario as ExampleScenario
    from careplane.fhir.generated.structs.explanationofbenefit import (
        ExplanationOfBenefit as ExplanationOfBenefit,
    )
    from careplane.fhir.generated.structs.familymemberhistory import (
        FamilyMemberHistory as FamilyMemberHistory,
    )
    from careplane.fhir.generated.structs.flag import Flag as Flag
    from careplane.fhir.generated.structs.goal import Goal as Goal
    from careplane.fhir.generated.structs.graphdefinition import GraphDefinition as GraphDefinition
    from careplane.fhir.generated.structs.group import Group as Group
    from careplane.fhir.generated.structs.guidanceresponse import (
        GuidanceResponse as GuidanceResponse,
    )
    from careplane.fhir.generated.structs.healthcareservice import (
        HealthcareService as HealthcareService,
    )
    from careplane.fhir.generated.structs.imagingstudy import ImagingStudy as ImagingStudy
    from careplane.fhir.generated.structs.immunization import Immunization as Immunization
    from careplane.fhir.generated.structs.immunizationevaluation import (
        ImmunizationEvaluation as ImmunizationEvaluation,
    )
    from careplane.fhir.generated.structs.immunizationrecommendation import (
        ImmunizationRecommendation as ImmunizationRecommendation,
    )
    from careplane.fhir.generated.structs.implementationguide import (
        ImplementationGuide as ImplementationGuide,
    )
    from careplane.fhir.generated.structs.insuranceplan import InsurancePlan as InsurancePlan
    from careplane.fhir.generated.structs.invoice import Invoice as Invoice
    from careplane.fhir.generated.structs.library import Library as Library
    from careplane.fhir.generated.structs.linkage import Linkage as Linkage
    from careplane.fhir.generated.structs.list import List as List
    from careplane.fhir.generated.structs.location import Location as Location
    from careplane.fhir.generated.structs.measure import Measure as Measure
    from careplane.fhir.generated.structs.measurereport import MeasureReport as MeasureReport
    from careplane.fhir.generated.structs.media import Media as Media
    from careplane.fhir.generated.structs.medication import Medication as Medication
    from careplane.fhir.generated.structs.medicationadministration import (
        MedicationAdministration as MedicationAdministration,
    )
    from careplane.fhir.generated.structs.medicationdispense import (
        MedicationDispense as MedicationDispense,
    )
    from careplane.fhir.generated.structs.medicationknowledge import (
        MedicationKnowledge as MedicationKnowledge,
    )
    from careplane.fhir.generated.structs.medicationrequest import (
        MedicationRequest as MedicationRequest,
    )
    from careplane.fhir.generated.structs.medicationstatement import (
        MedicationStatement as MedicationStatement,
    )
    from careplane.fhir.generated.structs.medicinalproduct import (
        MedicinalProduct as MedicinalProduct,
    )
    from careplane.fhir.generated.structs.medicinalproductauthorization import (
        MedicinalProductAuthorization as MedicinalProductAuthorization,
    )
    from careplane.fhir.generated.structs.medicinalproductcontraindication import (
        MedicinalProductContraindication as MedicinalProductContraindication,
    )
    from careplane.fhir.generated.structs.medicinalproductindication import (
        MedicinalProductIndication as MedicinalProductIndication,
    )
    from careplane.fhir.generated.structs.medicinalproductingredient import (
        MedicinalProductIngredient as MedicinalProductIngredient,
    )
    from careplane.fhir.generated.structs.medicinalproductinteraction import (
        MedicinalProductInteraction as MedicinalProductInteraction,
    )
    from careplane.fhir.generated.structs.medicinalproductmanufactured import (
        MedicinalProductManufactured as MedicinalProductManufactured,
    )
    from careplane.fhir.generated.structs.medicinalproductpackaged import (
        MedicinalProductPackaged as MedicinalProductPackaged,
    )
    from careplane.fhir.generated.structs.medicinalproductpharmaceutical import (
        MedicinalProductPharmaceutical as MedicinalProductPharmaceutical,
    )
    from careplane.fhir.generated.structs.medicinalproductundesirableeffect import (
        MedicinalProductUndesirableEffect as MedicinalProductUndesirableEffect,
    )
    from careplane.fhir.generated.structs.messagedefinition import (
        MessageDefinition as MessageDefinition,
    )
    from careplane.fhir.generated.structs.messageheader import MessageHeader as MessageHeader
    from careplane.fhir.generated.structs.molecularsequence import (
        MolecularSequence as MolecularSequence,
    )
    from careplane.fhir.generated.structs.namingsystem import NamingSystem as NamingSystem
    from careplane.fhir.generated.structs.nutritionorder import NutritionOrder as NutritionOrder
    from careplane.fhir.generated.structs.observation import Observation as Observation
    from careplane.fhir.generated.structs.observationdefinition import (
        ObservationDefinition as ObservationDefinition,
    )
    from careplane.fhir.generated.structs.operationdefinition import (
        OperationDefinition as OperationDefinition,
    )
    from careplane.fhir.generated.structs.operationoutcome import (
        OperationOutcome as OperationOutcome,
    )
    from careplane.fhir.generated.structs.organization import Organization as Organization
    from careplane.fhir.generated.structs.organizationaffiliation import (
        OrganizationAffiliation as OrganizationAffiliation,
    )
    from careplane.fhir.generated.structs.parameters import Parameters as Parameters
    from careplane.fhir.generated.structs.patient import Patient as Patient
    from careplane.fhir.generated.structs.paymentnotice import PaymentNotice as PaymentNotice
    from careplane.fhir.generated.structs.paymentreconciliation import (
        PaymentReconciliation as PaymentReconciliation,
    )
    from careplane.fhir.generated.structs.person import Person as Person
    from careplane.fhir.generated.structs.plandefinition import PlanDefinition as PlanDefinition
    from careplane.fhir.generated.structs.practitioner import Practitioner as Practitioner
    from careplane.fhir.generated.structs.practitionerrole import (
        PractitionerRole as PractitionerRole,
    )
    from careplane.fhir.generated.structs.procedure import Procedure as Procedure
    from careplane.fhir.generated.structs.provenance import Provenance as Provenance
    from careplane.fhir.generated.structs.questionnaire import Questionnaire as Questionnaire
    from careplane.fhir.generated.structs.questionnaireresponse import (
        QuestionnaireResponse as QuestionnaireResponse,
    )
    from careplane.fhir.generated.structs.relatedperson import RelatedPerson as RelatedPerson
    from careplane.fhir.generated.structs.requestgroup import RequestGroup as RequestGroup
    from careplane.fhir.generated.structs.researchdefinition import (
        ResearchDefinition as ResearchDefinition,
    )
    from careplane.fhir.generated.structs.researchelementdefinition import (
        ResearchElementDefinition as ResearchElementDefinition,
    )
    from careplane.fhir.generated.structs.researchstudy import ResearchStudy as ResearchStudy
    from careplane.fhir.generated.structs.researchsubject import ResearchSubject as ResearchSubject
    from careplane.fhir.generated.structs.riskassessment import RiskAssessment as RiskAssessment
    from careplane.fhir.generated.structs.riskevidencesynthesis import (
        RiskEvidenceSynthesis as RiskEvidenceSynthesis,
    )
    from careplane.fhir.generated.structs.schedule import Schedule as Schedule
    from careplane.fhir.generated.structs.searchparameter import SearchParameter as SearchParameter
    from careplane.fhir.generated.structs.servicerequest import ServiceRequest as ServiceRequest
    from careplane.fhir.generated.structs.slot import Slot as Slot
    from careplane.fhir.generated.structs.specimen import Specimen as Specimen
    from careplane.fhir.generated.structs.specimendefinition import (
        SpecimenDefinition as SpecimenDefinition,
    )
    from careplane.fhir.generated.structs.structuredefinition import (
        StructureDefinition as StructureDefinition,
    )
    from careplane.fhir.generated.structs.structuremap import StructureMap as StructureMap
    from careplane.fhir.generated.structs.subscription import Subscription as Subscription
    from careplane.fhir.generated.structs.substance import Substance as Substance
    from careplane.fhir.generated.structs.substancenucleicacid import (
        SubstanceNucleicAcid as SubstanceNucleicAcid,
    )
    from careplane.fhir.generated.structs.substancepolymer import (
        SubstancePolymer as SubstancePolymer,
    )
    from careplane.fhir.generated.structs.substanceprotein import (
        SubstanceProtein as SubstanceProtein,
    )
    from careplane.fhir.generated.structs.substancereferenceinformation import (
        SubstanceReferenceInformation as SubstanceReferenceInformation,
    )
    from careplane.fhir.generated.structs.substancesourcematerial import (
        SubstanceSourceMaterial as SubstanceSourceMaterial,
    )
    from careplane.fhir.generated.structs.substancespecification import (
        SubstanceSpecification as SubstanceSpecification,
    )
    from careplane.fhir.generated.structs.supplydelivery import SupplyDelivery as SupplyDelivery
    from careplane.fhir.generated.structs.supplyrequest import SupplyRequest as SupplyRequest
    from careplane.fhir.generated.structs.task import Task as Task
    from careplane.fhir.generated.structs.terminologycapabilities import (
        TerminologyCapabilities as TerminologyCapabilities,
    )
    from careplane.fhir.generated.structs.testreport import TestReport as TestReport
    from careplane.fhir.generated.structs.testscript import TestScript as TestScript
    from careplane.fhir.generated.structs.valueset import ValueSet as ValueSet
    from careplane.fhir.generated.structs.verificationresult import (
        VerificationResult as VerificationResult,
    )
    from careplane.fhir.generated.structs.visionprescription import (
        VisionPrescription as VisionPrescription,
    )


def __getattr__(name: str) -> Any:
    """The class of a type."""
    if is_resource(name):
        return structs.struct(name)
    raise AttributeError(name)
