"""How a code of an expansion is shown: names, designations, properties (R5, 4.9.9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from careplane.fhir.tree import Tree
from careplane.terminology.concepts import Concept, Concepts, Designation
from careplane.terminology.display import Names, names
from careplane.terminology.gather import Member
from careplane.terminology.options import Options

_BASE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion"
DECLARED = f"{_BASE}.property"
PROPERTY = f"{_BASE}.contains.property"
_URIS = "http://hl7.org/fhir/concept-properties#"
_SD = "http://hl7.org/fhir/StructureDefinition/"
_AS_PROPERTY = {
    f"{_SD}codesystem-label": ("label", "String"),
    f"{_SD}valueset-label": ("label", "String"),
    f"{_SD}codesystem-conceptOrder": ("order", "Decimal"),
    f"{_SD}valueset-conceptOrder": ("order", "Decimal"),
    f"{_SD}itemWeight": ("weight", "Decimal"),
}
"""Extensions that say what R5 has a property for."""
_KNOWN = {"weight": "itemWeight"}
_KEPT = frozenset(
    f"{_SD}{name}"
    for name in (
        "rendering-style", "rendering-xhtml", "valueset-concept-definition", "valueset-deprecated",
        "coding-sctdescid", "structuredefinition-standards-status", "codesystem-alternate",
    )
)  # fmt: skip
"""Extensions that go into the expansion; others are about the definition only."""
_STANDARDS = f"{_SD}structuredefinition-standards-status"


class Shown:
    """Makes entries. `several` are the code systems of which entries have to name the version."""

    def __init__(
        self, options: Options, used: Mapping[str, Concepts], several: frozenset[str]
    ) -> None:
        self._options = options
        self._used = used
        self._several = several
        self._declared: dict[str, str] = {}

    def entry(self, member: Member) -> Tree:
        """ValueSet.expansion.contains of one code."""
        concept, listed = member.concept, member.listed
        all_names = names(concept, member.language, listed)
        best = all_names.best(self._options.languages)
        found: Tree = {"system": member.system} if member.system else {}
        extension = [*_extensions(concept, listed), *self._properties(member)]
        if extension:
            found = {"extension": extension, **found}
        if concept.abstract:
            found["abstract"] = True
        if concept.inactive:
            found["inactive"] = True
        if member.system in self._several and member.version:
            found["version"] = member.version
        found["code"] = concept.code
        if best is not None:
            found["display"] = best.value
        said = list(self._designations(all_names, best)) if self._options.designations else []
        return found | {"designation": said} if said else found

    def declared(self) -> list[Tree]:
        """ValueSet.expansion.property of those that entries have."""
        return [
            {
                "url": DECLARED,
                "extension": [
                    {"url": "code", "valueCode": code},
                    {"url": "uri", "valueUri": uri},
                ],
            }
            for code, uri in self._declared.items()
        ]

    def _designations(self, all_names: Names, best: Designation | None) -> Iterator[Tree]:
        wanted = self._options.designation_uses
        for name in all_names.others(best):
            if wanted and not any(_is_of(name, one) for one in wanted):
                continue
            yield written(name)

    def _properties(self, member: Member) -> Iterator[Tree]:
        for code, (type, value) in self._valued(member).items():
            self._declare(code, member)
            yield {
                "url": PROPERTY,
                "extension": [
                    {"url": "code", "valueCode": code},
                    {"url": "value", f"value{type}": value},
                ],
            }

    def _valued(self, member: Member) -> dict[str, tuple[str, object]]:
        concept = member.concept
        found: dict[str, tuple[str, object]] = {}
        for one in (*concept.extension, *(member.listed or {}).get("extension", ())):
            if one.get("url") in _AS_PROPERTY:
                code, type = _AS_PROPERTY[one["url"]]
                value = next((v for k, v in one.items() if k.startswith("value")), None)
                found[code] = (type, Decimal(str(value)) if type == "Decimal" else value)
        if concept.status not in ("", "active"):
            found["status"] = ("Code", concept.status)
        for code in self._options.properties:
            if code == "definition" and concept.definition:
                found[code] = ("String", concept.definition)
            for p in concept.properties:
                if p.code == code:
                    found[code] = (p.type[:1].upper() + p.type[1:], p.value)
        return found

    def _declare(self, code: str, member: Member) -> None:
        if code not in self._declared:
            canonical = f"{member.system}|{member.version}" if member.version else member.system
            concepts = self._used.get(canonical)
            known = {} if concepts is None else concepts.about.properties.get(code, {})
            self._declared[code] = known.get("uri") or _URIS + _KNOWN.get(code, code)


def written(name: Designation) -> Tree:
    """A designation as expansions and $lookup have it."""
    found: Tree = {}
    if kept := [e for e in name.extension if e.get("url") in _KEPT]:
        found["extension"] = kept
    if name.language:
        found["language"] = name.language
    if name.use is not None:
        found["use"] = name.use
    return found | {"value": name.value}


def _is_of(name: Designation, wanted: str) -> bool:
    """Whether a designation is of a language or a use: `system|code` (4.9.18.1, designation)."""
    system, _, code = wanted.rpartition("|")
    if system == "urn:ietf:bcp:47" or not system:
        return name.language.lower() == code.lower()
    use = name.use or {}
    return bool(use.get("system") == system and use.get("code") == code)


def _extensions(concept: Concept, listed: Tree | None) -> Iterator[Tree]:
    for one in concept.extension:
        if one.get("url") in _KEPT and one.get("url") != _STANDARDS:
            yield one
    for one in () if listed is None else listed.get("extension", ()):
        if one.get("url") in _KEPT:
            yield one
