"""What our extensions, systems and definitions are called."""

from __future__ import annotations

_OURS = "https://github.com/careplane/careplane/StructureDefinition/"
_IHE = "https://profiles.ihe.net/ITI/Scheduling/"

RULE = _OURS + "schedule-rule"
VISIT_TYPE = _OURS + "schedule-visit-type"
CLOSED = _OURS + "schedule-closed"
TERMS = _OURS + "schedule-terms"
TIME_ZONE = "http://hl7.org/fhir/StructureDefinition/timezone"
"""The standard extension; on a Location, or on a Schedule where that differs."""

HELD_UNTIL = _OURS + "appointment-held-until"
OFFER_OF = _OURS + "appointment-offer-of"
OFFERED = _OURS + "appointment-offered"
OVERBOOKED = _OURS + "appointment-overbooked"
OVERBOOKED_WHY = _OURS + "appointment-overbooked-reason"
MEDIUM = _OURS + "appointment-medium"
"""How a visit is held, by v3-ParticipationMode."""
CLOSED_WHY = _OURS + "schedule-closed-reason"
"""On the period of a closing: what for, such as leave."""
PARTICIPATION_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
SERIES = "urn:careplane:appointment-series"
"""System of the identifier that visits of one series share."""

STATUS_REASON = _IHE + "CodeSystem/status-reason"
CANCEL_REASON = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
DEFINITION = _IHE + "OperationDefinition/appointment-"
OUR_DEFINITION = "https://github.com/careplane/careplane/OperationDefinition/appointment-"
