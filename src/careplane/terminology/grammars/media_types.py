"""Media types (BCP 13, RFC 6838): `type/subtype`, with parameters or without."""

from __future__ import annotations

import re

from careplane.fhir.tree import Tree
from careplane.terminology.concepts import About, Concept
from careplane.terminology.grammars.grammar import Grammar

_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+\-]{0,126}"
_TYPE = re.compile(rf"{_NAME}/{_NAME}( *; *{_NAME}=({_NAME}|\"[^\"]*\"))*")


def media_types() -> Grammar:
    """The code system."""
    about = About(
        url="urn:ietf:bcp:13",
        name="MediaTypes",
        title="Media Type Specifications (BCP 13)",
        case_sensitive=False,
        status="active",
        header={"resourceType": "CodeSystem", "status": "active"},
        listed_by="http://hl7.org/fhir/ValueSet/mimetypes",
    )
    return Grammar(about, _read)


def _read(code: str, listed: Tree) -> Concept | None:
    return Concept(code, code) if _TYPE.fullmatch(code) else None
