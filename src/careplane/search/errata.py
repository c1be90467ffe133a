"""The search parameters of R4 4.0.1 with its known slips put right. Extractors start here, too."""

from __future__ import annotations

from dataclasses import replace

from careplane.fhir.definitions import Component, SearchParam, search_parameters


def r4_search_parameters() -> tuple[SearchParam, ...]:
    """Every search parameter of R4."""
    return tuple(map(_mended, search_parameters()))


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
