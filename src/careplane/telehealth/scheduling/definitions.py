"""The operations as data: what each is called, where it may be called, and what it takes."""

from __future__ import annotations

from collections.abc import Sequence

from careplane.fhir.definitions import OperationDef, OperationParameter
from careplane.telehealth.scheduling import names

Row = tuple[str, int, int | None, str]
"""Name, least and most (None: any number), and type of a parameter."""
FIND: Sequence[Row] = (
    ("start", 1, 1, "dateTime"),
    ("end", 1, 1, "dateTime"),
    ("specialty", 0, None, "string"),
    ("visit-type", 0, None, "string"),
    ("practitioner", 0, None, "Reference"),
    ("organization", 0, None, "Reference"),
    ("location-string", 0, None, "string"),
    ("location-reference", 0, None, "Reference"),
    ("patient-reference", 0, None, "Reference"),
    ("patient-resource", 0, None, "Patient"),
    ("reason", 0, None, "string"),
    ("referral-identifier", 0, 1, "Identifier"),
    ("timing", 0, 1, "Timing"),
    ("insurance-reference", 0, 1, "Reference"),
)
HOLD: Sequence[Row] = (
    ("appointment-reference", 0, 1, "Reference"),
    ("appointment-resource", 0, 1, "Appointment"),
)
BOOK: Sequence[Row] = (
    *HOLD,
    ("patient-reference", 0, None, "Reference"),
    ("patient-resource", 0, None, "Patient"),
    ("comment", 0, 1, "string"),
    ("overbook", 0, 1, "boolean"),
    ("recurrence", 0, 1, "string"),
    ("count", 0, 1, "positiveInt"),
)
CANCEL: Sequence[Row] = (
    ("appointment-reference", 0, 1, "Reference"),
    ("reason", 0, 1, "string"),
    ("reason-text", 0, 1, "string"),
    ("series", 0, 1, "boolean"),
)
WAIT: Sequence[Row] = (
    ("start", 1, 1, "dateTime"),
    ("end", 1, 1, "dateTime"),
    ("patient-reference", 1, 1, "Reference"),
    ("visit-type", 0, None, "string"),
    ("practitioner", 0, None, "Reference"),
    ("location-reference", 0, None, "Reference"),
    ("reason", 0, None, "string"),
)
SLOTS: Sequence[Row] = (
    ("start", 1, 1, "dateTime"),
    ("end", 1, 1, "dateTime"),
    ("visit-type", 0, None, "string"),
    ("status", 0, 1, "code"),
)


def ihe(code: str, rows: Sequence[Row], *, changes: bool = True) -> OperationDef:
    """An operation of IHE ITI Scheduling, on the type."""
    url = names.DEFINITION + code
    taken = (*_taken(rows), OperationParameter("return", "out", 0, 1, "Bundle", "", (), ()))
    return OperationDef(
        f"appointment-{code}", code, ("Appointment",), False, True, False, changes, taken, url
    )


def ours(
    code: str,
    rows: Sequence[Row] = (),
    *,
    type: bool = False,
    instance: bool = True,
    changes: bool = True,
) -> OperationDef:
    """An operation of our own, on an instance if nothing else is said."""
    url = names.OUR_DEFINITION + code
    return OperationDef(
        f"careplane-appointment-{code}", code, (), False, type, instance, changes, _taken(rows), url
    )


def _taken(rows: Sequence[Row]) -> tuple[OperationParameter, ...]:
    return tuple(OperationParameter(n, "in", low, high, t, "", (), ()) for n, low, high, t in rows)
