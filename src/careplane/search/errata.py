"""The search parameters of R4 4.0.1 with its known slips put right. Extractors start here, too."""

from __future__ import annotations

from dataclasses import replace

from careplane.fhir.definitions import Component, SearchParam, search_parameters


def r4_search_parameters() -> tuple[SearchParam, ...]:
    """Every search parameter of R4, and `patient` of Binary."""
    return (*map(_mended, search_parameters()), _BINARY_PATIENT)


_BINARY_PATIENT = SearchParam(
    "careplane-Binary-patient",
    "patient",
    "reference",
    ("Binary",),
    "Binary.securityContext.where(resolve() is Patient)",
    ("Patient",),
    (),
    True,
    True,
    (),
    (),
    (),
)
"""R4 has a Binary's securityContext decide who may see it and gives no way to ask for it. Where it
is a patient, the file is in that patient's compartment (docs/clarifications.md)."""


def _mended(definition: SearchParam) -> SearchParam:
    """`DocumentReference-relationship` names its two components the wrong way round: the one
    read from `code` is said to be a reference, the one from `target` a token."""
    if definition.id != "DocumentReference-relationship":
        return definition
    components = (
        Component("DocumentReference-relation", "code"),
        Component("DocumentReference-relatesto", "target"),
    )
    return replace(definition, components=components)
