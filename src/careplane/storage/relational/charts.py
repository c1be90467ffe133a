"""Which parameters make up a chart: a patient, a code, a date, for each type that is read by them.

Searches that name a patient and codes start from the table `chart`: a few rows, where each of the
parameters alone has hundreds or millions. Measured with and without: docs/store.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from careplane.search.rows import Param

UNDATED = 3
"""`chart.wide` where there is not exactly one date."""


@dataclass(frozen=True, slots=True, eq=False)  # each is one of the few below
class Chart:
    """The parameters of one type. A patient may be found under either name."""

    links: frozenset[Param]
    code: Param
    date: Param


def _chart(type: str, code: str, date: str) -> Chart:
    links = frozenset({Param(f"{type}.subject"), Param(f"{type}.patient")})
    return Chart(links, Param(f"{type}.{code}"), Param(f"{type}.{date}"))


CHARTS = tuple(
    _chart(type, code, date)
    for type, code, date in (
        ("AllergyIntolerance", "code", "date"),
        ("Condition", "code", "onset-date"),
        ("DiagnosticReport", "code", "date"),
        ("DocumentReference", "type", "date"),
        ("Encounter", "type", "date"),
        ("Immunization", "vaccine-code", "date"),
        ("MedicationAdministration", "code", "effective-time"),
        ("MedicationRequest", "code", "authoredon"),
        ("MedicationStatement", "code", "effective"),
        ("Observation", "code", "date"),
        ("Procedure", "code", "date"),
        ("ServiceRequest", "code", "authored"),
    )
)
BY_CODE: dict[Param, Chart] = {chart.code: chart for chart in CHARTS}
