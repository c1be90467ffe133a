"""UCUM: units of measure (ucum.org; FHIR R4, 4.3.8). The filter `canonical` asks for the unit that
one is converted to."""

from __future__ import annotations

from decimal import Decimal

from careplane.fhir.tree import Tree
from careplane.fhir.ucum import NotAUnit, canonicalise
from careplane.terminology.concepts import About, Concept, Designation, Filter
from careplane.terminology.filters import Test
from careplane.terminology.grammars.grammar import Grammar

_SYNONYM: Tree = {"system": "http://snomed.info/sct", "code": "900000000000013009"}


def units() -> Grammar:
    """The code system."""
    about = About(
        url="http://unitsofmeasure.org",
        version="2.2",
        name="UCUM",
        title="Unified Code for Units of Measure (UCUM)",
        language="en",
        status="active",
        filters={"canonical": frozenset({"="})},
        header={"resourceType": "CodeSystem", "status": "active"},
        listed_by="http://hl7.org/fhir/ValueSet/ucum-common",
    )
    return Grammar(about, _read, _filter)


def _read(code: str, listed: Tree) -> Concept | None:
    if not code or _canonical(code) is None:
        return None
    name = listed.get("display", "")
    designations = (Designation(name, "en", _SYNONYM),) if name and name != code else ()
    return Concept(code, code, designations=designations)


def _canonical(code: str) -> str | None:
    try:
        return canonicalise(Decimal(1), code)[1]
    except NotAUnit:
        return None


def _filter(filter: Filter) -> Test | None:
    if filter.property != "canonical" or filter.op != "=":
        return None
    return lambda concept: _canonical(concept.code) == filter.value
