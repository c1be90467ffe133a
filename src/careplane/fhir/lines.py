"""Lines of a summary: what a resource says, in one line each. Pure, from trees to values.

Texts are taken as they stand; nothing is inferred, and what has no text is shown by its code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from careplane.fhir.tree import Tree

_LONGEST = 300


class Line(Struct, frozen=True, omit_defaults=True):
    """One line of a section."""

    reference: Annotated[str, Meta(description="The resource, to be read for more.")]
    what: Annotated[str, Meta(description="Its name, as it is recorded.")]
    code: Annotated[str, Meta(description="Its first code, as system|code.")] = ""
    status: str = ""
    date: str = ""
    detail: Annotated[str, Meta(description="A value with its unit, a dosage or a reaction.")] = ""


def said(concept: Tree | None) -> str:
    """A CodeableConcept as text: its own, or the first name or code of its codings."""
    if not concept:
        return ""
    names = [concept.get("text"), *(c.get("display") for c in concept.get("coding", []))]
    found = next(filter(None, names), None)
    return _cut(str(found or coded(concept)))


def coded(concept: Tree | None) -> str:
    """The first code of a CodeableConcept as `system|code`."""
    for coding in [] if concept is None else concept.get("coding", []):
        if "code" in coding:
            return _cut(f"{coding.get('system', '')}|{coding['code']}")
    return ""


def measured(tree: Tree) -> str:
    """The value of an Observation, or of one of its components."""
    for name, value in tree.items():
        if name.startswith("value"):
            return _VALUES.get(name.removeprefix("value"), _plain)(value)
    parts = [
        f"{said(one.get('code'))} {measured(one)}".strip() for one in tree.get("component", [])
    ]
    return _cut("; ".join(parts) or said(tree.get("dataAbsentReason")))


def _quantity(value: Any) -> str:
    unit = value.get("unit") or value.get("code") or ""
    return f"{value.get('comparator', '')}{value.get('value', '')} {unit}".strip()


def _range(value: Any) -> str:
    return f"{_quantity(value.get('low', {}))} to {_quantity(value.get('high', {}))}"


def _ratio(value: Any) -> str:
    return f"{_quantity(value.get('numerator', {}))} / {_quantity(value.get('denominator', {}))}"


def _period(value: Any) -> str:
    return f"{value.get('start', '')} to {value.get('end', '')}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return _cut(str(value)) if isinstance(value, str | int) else ""


_VALUES: Mapping[str, Callable[[Any], str]] = {
    "Quantity": _quantity,
    "CodeableConcept": said,
    "Range": _range,
    "Ratio": _ratio,
    "Period": _period,
}


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _when(tree: Tree, *names: str) -> str:
    for name in names:
        value = tree.get(name)
        if isinstance(value, dict):
            value = value.get("start") or value.get("end")
        if value:
            return str(value)
    return ""


def problem(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of a Condition."""
    status = " ".join(
        filter(None, (said(tree.get("clinicalStatus")), said(tree.get("verificationStatus"))))
    )
    date = _when(tree, "onsetDateTime", "onsetPeriod", "recordedDate")
    severity = said(tree.get("severity"))
    return Line(reference, said(tree.get("code")), coded(tree.get("code")), status, date, severity)


def allergy(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of an AllergyIntolerance."""
    reactions = [
        ", ".join(map(said, one.get("manifestation", []))) for one in tree.get("reaction", [])
    ]
    parts = (tree.get("criticality") and f"criticality {tree['criticality']}", *reactions)
    status = " ".join(
        filter(None, (said(tree.get("clinicalStatus")), said(tree.get("verificationStatus"))))
    )
    date = _when(tree, "onsetDateTime", "recordedDate")
    detail = _cut("; ".join(filter(None, parts)))
    return Line(reference, said(tree.get("code")), coded(tree.get("code")), status, date, detail)


def medication(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of a MedicationRequest or a MedicationStatement; `names` are of Medications by reference."""
    concept = tree.get("medicationCodeableConcept")
    pointed = tree.get("medicationReference", {})
    what = said(concept) or pointed.get("display") or names.get(pointed.get("reference", ""), "")
    doses = [
        one.get("text") or one.get("patientInstruction") or ""
        for one in (tree.get("dosageInstruction") or tree.get("dosage") or [])
    ]
    return Line(
        reference,
        _cut(str(what)),
        coded(concept),
        tree.get("status", ""),
        _when(tree, "authoredOn", "effectiveDateTime", "effectivePeriod"),
        _cut("; ".join(filter(None, doses))),
    )


def result(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of an Observation."""
    marks = [said(one) for one in tree.get("interpretation", [])]
    value = measured(tree)
    detail = _cut(f"{value} ({', '.join(filter(None, marks))})" if any(marks) else value)
    date = _when(tree, "effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued")
    what = said(tree.get("code"))
    return Line(reference, what, coded(tree.get("code")), tree.get("status", ""), date, detail)


def immunization(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of an Immunization."""
    dose = next(
        (
            str(one.get(key))
            for one in tree.get("protocolApplied", [])
            for key in ("doseNumberPositiveInt", "doseNumberString")
            if one.get(key)
        ),
        "",
    )
    lot = tree.get("lotNumber")
    detail = _cut("; ".join(filter(None, (dose and f"dose {dose}", lot and f"lot {lot}"))))
    what, code = said(tree.get("vaccineCode")), coded(tree.get("vaccineCode"))
    date = _when(tree, "occurrenceDateTime", "occurrenceString")
    return Line(reference, what, code, tree.get("status", ""), date, detail)


def procedure(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of a Procedure."""
    detail = _cut(", ".join(filter(None, map(said, tree.get("bodySite", [])))))
    what = said(tree.get("code"))
    date = _when(tree, "performedDateTime", "performedPeriod", "performedString")
    return Line(reference, what, coded(tree.get("code")), tree.get("status", ""), date, detail)


def device(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of a DeviceUseStatement; `names` are of Devices by reference."""
    pointed = tree.get("device", {})
    what = pointed.get("display") or names.get(pointed.get("reference", ""), "")
    date = _when(tree, "timingDateTime", "timingPeriod", "recordedOn")
    return Line(
        reference, _cut(str(what)), "", tree.get("status", ""), date, said(tree.get("bodySite"))
    )


def plan(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of a CarePlan."""
    kinds = filter(None, map(said, tree.get("category", [])))
    what = _cut(str(tree.get("title") or next(kinds, "") or "Care plan"))
    steps = [
        said(one.get("detail", {}).get("code")) or one.get("detail", {}).get("description", "")
        for one in tree.get("activity", [])
    ]
    detail = _cut("; ".join(filter(None, (tree.get("description", ""), *steps))))
    return Line(reference, what, "", tree.get("status", ""), _when(tree, "period"), detail)


def recommendation(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of an ImmunizationRecommendation."""
    found = [
        said(concept)
        for one in tree.get("recommendation", [])
        for concept in (*one.get("vaccineCode", []), one.get("targetDisease"))
    ]
    what = _cut(", ".join(dict.fromkeys(filter(None, found))) or "Immunization")
    return Line(reference, what, "", "", _when(tree, "date"), "")


def assessment(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of a ClinicalImpression."""
    what = said(tree.get("code")) or tree.get("description", "")
    date = _when(tree, "effectiveDateTime", "effectivePeriod", "date")
    detail = _cut(tree.get("summary", ""))
    code = coded(tree.get("code"))
    return Line(reference, _cut(what), code, tree.get("status", ""), date, detail)


def directive(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of a Consent that is an advance directive."""
    kinds = filter(None, map(said, tree.get("category", [])))
    what = next(kinds, "") or "Advance directive"
    date = _when(tree, "dateTime")
    detail = said(tree.get("policyRule"))
    return Line(reference, what, "", tree.get("status", ""), date, detail)


def alert(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of a Flag."""
    what = said(tree.get("code"))
    date = _when(tree, "period")
    return Line(reference, what, coded(tree.get("code")), tree.get("status", ""), date, "")


def report(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of a DiagnosticReport."""
    date = _when(tree, "effectiveDateTime", "effectivePeriod", "issued")
    detail = _cut(tree.get("conclusion", ""))
    what = said(tree.get("code"))
    return Line(reference, what, coded(tree.get("code")), tree.get("status", ""), date, detail)


def appointment(reference: str, tree: Tree, names: Mapping[str, str]) -> Line:
    """Of an Appointment."""
    kinds = [tree.get("appointmentType"), *tree.get("serviceType", []), *tree.get("reasonCode", [])]
    what = tree.get("description") or next(filter(None, map(said, kinds)), "Appointment")
    who = [one.get("actor", {}).get("display") for one in tree.get("participant", [])]
    detail = _cut(", ".join(filter(None, who)))
    return Line(reference, _cut(what), "", tree.get("status", ""), _when(tree, "start"), detail)


def named(patient: Tree) -> str:
    """The name of a Patient that is in use."""
    names: list[Tree] = patient.get("name", [])
    found = next((n for n in names if n.get("use") in ("official", "usual")), None)
    name = found or (names[0] if names else {})
    parts = [*name.get("given", []), name.get("family")]
    return _cut(name.get("text") or " ".join(str(part) for part in parts if part))
