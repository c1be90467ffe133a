"""Value sets that nobody wrote: the publisher of a code system says what their canonicals mean
(SNOMED CT on FHIR, LOINC on FHIR; FHIR R4, 4.9.8 implicit value sets)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from careplane.fhir.tree import Tree

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
_ASKED = "?fhir_vs"


def system_of(url: str) -> str:
    """The code system that a canonical is an implicit value set of; empty for no such canonical."""
    if url.startswith(SNOMED) and _ASKED in url:
        return SNOMED
    if url == f"{LOINC}/vs" or url.startswith(f"{LOINC}/vs/"):
        return LOINC
    return ""


def versions_for(url: str, held: Sequence[str]) -> Sequence[str]:
    """Of the versions of the code system, those that the canonical is about: it may name an edition
    of SNOMED CT, or one version of it."""
    edition = url.partition("?")[0]
    if edition in (SNOMED, url):
        return held
    return [version for version in held if version == edition or version.startswith(f"{edition}/")]


def value_set(url: str, version: str) -> Tree | None:
    """The value set that the canonical means; None where it means none."""
    made = _of_snomed(url) if system_of(url) == SNOMED else _of_loinc(url)
    if made is None:
        return None
    include = {"system": system_of(url), "version": version, **made}
    return {
        "resourceType": "ValueSet",
        "url": url,
        "version": version,
        "name": "Implicit",
        "title": f"What {url[:200]} means",
        "status": "active",
        "compose": {"include": [include]},
    }


def _of_snomed(url: str) -> Tree | None:
    asked = url.partition(_ASKED)[2]
    if asked == "":
        return {}
    kind, _, rest = unquote(asked.removeprefix("=")).partition("/")
    if kind == "isa" and rest:
        return _filtered("concept", "is-a", rest)
    if kind == "ecl" and rest:
        return _filtered("constraint", "=", rest)
    if kind == "refset":
        members = f"^ {rest}" if rest.isdecimal() else ""
        return _filtered("constraint", "=", members or _ALL_SETS) if members or not rest else None
    return None


def _of_loinc(url: str) -> Tree | None:
    code = url.removeprefix(f"{LOINC}/vs").removeprefix("/")
    if not code:
        return {}
    if code.startswith("LL"):
        return _filtered("LIST", "=", code)
    return _filtered("concept", "is-a", code) if code.startswith("LP") else None


def _filtered(property: str, op: str, value: str) -> Tree:
    return {"filter": [{"property": property, "op": op, "value": value}]}


_ALL_SETS = "< 900000000000455006"
"""Every reference set: what stands below the concept of them all."""
