"""Where definitions are shown: the addresses of the pages of terminology and packages.

A canonical is a URL and may hold anything, so it stands in the query.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

_PAGES = {
    "CodeSystem": "/terminology/code-system",
    "ValueSet": "/terminology/value-set",
    "ConceptMap": "/terminology/concept-map",
}
_ARTIFACT = "/packages/artifact"
_TYPES = "http://hl7.org/fhir/StructureDefinition/"


def address(path: str, pairs: Iterable[tuple[str, object]]) -> str:
    """A path with those of the pairs that have a value."""
    query = urlencode([(name, str(value)) for name, value in pairs if value not in ("", 0, None)])
    return f"{path}?{query}" if query else path


def definition(type: str, canonical: str, version: str = "") -> str:
    """The page of an artifact, by type and `url` or `url|version`."""
    url, _, named = canonical.partition("|")
    pairs = [("url", url), ("version", version or named)]
    if type in _PAGES:
        return address(_PAGES[type], pairs)
    return address(_ARTIFACT, [("type", type), *pairs])


def structure(canonical: str) -> str:
    """The page of a StructureDefinition; of a type by its name."""
    return definition("StructureDefinition", canonical if ":" in canonical else _TYPES + canonical)


def concept(system: str, version: str, code: str) -> str:
    """The page of a concept."""
    pairs = [("system", system), ("version", version), ("code", code)]
    return address("/terminology/concept", pairs)


def package(id: str) -> str:
    """The page of a package, `name#version`."""
    return address("/packages/package", [("id", id)])
