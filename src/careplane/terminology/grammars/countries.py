"""Countries (ISO 3166-1, two letters), as R4 lists them; and the codes that the standard leaves to
its users: AA, QM to QZ, XA to XZ, ZZ."""

from __future__ import annotations

import re

from careplane.fhir.tree import Tree
from careplane.terminology.concepts import About, Concept
from careplane.terminology.grammars.grammar import Grammar

_USERS = re.compile(r"AA|Q[M-Z]|X[A-Z]|ZZ")


def countries() -> Grammar:
    """The code system."""
    about = About(
        url="urn:iso:std:iso:3166",
        name="ISO3166Part1",
        title="ISO 3166-1 Codes for the representation of names of countries, alpha-2",
        language="en",
        status="active",
        header={"resourceType": "CodeSystem", "status": "active"},
        listed_by="http://hl7.org/fhir/ValueSet/iso3166-1-2",
    )
    return Grammar(about, _read)


def _read(code: str, listed: Tree) -> Concept | None:
    if listed:
        return Concept(code, listed.get("display", code))
    return Concept(code, "User-assigned") if _USERS.fullmatch(code) else None
