"""The topics that are always there: a change of each type, and the moments that hospitals ask for.

Which Encounters are admissions follows HL7 v2 A01 and A03: an inpatient (IMP, ACUTE, NONAC) or
emergency (EMER) encounter that begins, and one that is finished.
"""

from __future__ import annotations

import re
from functools import cache

from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.interop.subscriptions.names import TOPICS
from careplane.interop.subscriptions.topic import Topic, Trigger

_WORD = re.compile(r"(?<!^)(?=[A-Z])")
_INPATIENT = "class=IMP,ACUTE,NONAC,EMER"
_REPORTED = "status=final,amended,corrected"
_STARTED = "status=arrived,triaged,in-progress"
_SILENT = frozenset({"AuditEvent", "OperationOutcome", "Parameters"})
"""Types that are never announced: they are the server's own, or are never stored."""


def change_of(type: str) -> str:
    """The topic of every change of a type: `urn:careplane:topic:medication-request-change`."""
    return f"{TOPICS}{_WORD.sub('-', type).lower()}-change"


def _becomes(type: str, before: str, after: str) -> Trigger:
    """A record begins to match, by being created or changed."""
    return Trigger(
        type,
        frozenset({"create", "update"}),
        previous=before,
        current=after,
        on_create=True,
        both=True,
    )


def _moment(name: str, title: str, *triggers: Trigger) -> Topic:
    return Topic(TOPICS + name, title, triggers)


@cache
def catalogue() -> dict[str, Topic]:
    """Every ready topic by its address."""
    laboratory = "category=laboratory"
    not_begun = "status:not=arrived,triaged,in-progress"
    moments = (
        _moment(
            "encounter-start", "An encounter begins", _becomes("Encounter", not_begun, _STARTED)
        ),
        _moment(
            "encounter-end",
            "An encounter is finished",
            _becomes("Encounter", "status:not=finished", "status=finished"),
        ),
        _moment(
            "admission",
            "A patient is admitted",
            _becomes("Encounter", not_begun, f"{_STARTED}&{_INPATIENT}"),
        ),
        _moment(
            "discharge",
            "A patient is discharged",
            _becomes("Encounter", "status:not=finished", f"status=finished&{_INPATIENT}"),
        ),
        _moment(
            "new-lab-result",
            "A laboratory result is reported",
            _becomes(
                "Observation",
                "status:not=final,amended,corrected",
                f"{_REPORTED}&{laboratory}",
            ),
            _becomes(
                "DiagnosticReport",
                "status:not=final,amended,corrected",
                f"{_REPORTED}&category=LAB",
            ),
        ),
    )
    changes = (
        Topic(change_of(type), f"A {type} is created, changed or deleted", (Trigger(type),))
        for type in RESOURCE_TYPES
        if type not in _SILENT
    )
    return {topic.url: topic for topic in (*moments, *changes)}
