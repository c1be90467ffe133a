"""From the tree of a snapshot to rules: what a profile asks beyond the base type.

What R4's own definition of an element says as well has been checked before, and is left out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, cast

from careplane.fhir.definitions import Element, Invariant, TypeDef, type_definition
from careplane.fhir.profiles.rules import (
    Bound,
    Discriminator,
    Program,
    Rule,
    Slicing,
    Strength,
    TypeRule,
)
from careplane.fhir.profiles.spots import Spot
from careplane.fhir.tree import Tree

_EXTENSIONS = "http://hl7.org/fhir/StructureDefinition/"
_MIN_LENGTH = _EXTENSIONS + "minLength"
_REGEX = _EXTENSIONS + "regex"
_MAXIMUM = _EXTENSIONS + "elementdefinition-maxValueSet"
_ADDITIONAL = (
    "http://hl7.org/fhir/tools/StructureDefinition/additional-binding",
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.binding.additional",
)
# R4 binds all units of vital signs to a list that lacks those of its own panels (L/min of oxygen).
_TOO_STRICT = frozenset({"http://hl7.org/fhir/ValueSet/ucum-vitals-common"})
_ANY = frozenset({"BackboneElement", "Element", "Resource", "DomainResource"})
# Checked of every element by the base, whatever a snapshot repeats.
_UNIVERSAL = frozenset({"ele-1", "ext-1"})


def compiled(definition: Tree, tree: Spot) -> Program:
    """The program of a StructureDefinition, whose snapshot is the tree."""
    type_name = str(definition.get("type", tree.name)).rpartition("/")[2]
    url, version = str(definition.get("url", "")), str(definition.get("version", ""))
    root = _Compiler(url).root(tree, type_name)
    name, kind = str(definition.get("name", "")), str(definition.get("kind", ""))
    return Program(url, version, name, type_name, kind, root, definition)


class _Compiler:
    def __init__(self, url: str) -> None:
        self._url = url
        self._by_id: dict[str, Rule] = {}
        self._links: list[tuple[Rule, str]] = []

    def root(self, tree: Spot, type_name: str) -> Rule:
        """The rules of the whole; links of content to content are tied at the end."""
        owner = _type(type_name)
        rule = self._rule(tree, None, f"{self._url}#{tree.name}", owner)
        rule.min, rule.max, rule.types = 0, None, ()
        self._fill(rule, tree, owner, tree.name)
        for linked, id in self._links:
            meant = self._by_id.get(id)
            if meant is not None:
                linked.children = meant.children
        return rule

    def _fill(self, rule: Rule, spot: Spot, owner: TypeDef | None, id: str) -> None:
        """Children and slices. `owner` is the type that the element has."""
        self._by_id[id] = rule
        for child in (spot.children or {}).values():
            one = self._element(child, owner, f"{id}.{child.name}")
            if one is not None:
                rule.children[one.name] = one
        reference = spot.definition.get("contentReference")
        if isinstance(reference, str) and spot.children is None:
            self._links.append((rule, reference.rpartition("#")[2]))

    def _element(self, spot: Spot, owner: TypeDef | None, id: str) -> Rule | None:
        name = spot.name.removesuffix("[x]")
        base = owner.elements.get(name) if owner is not None else None
        below = _below(spot, base)
        rule = self._rule(spot, base, f"{self._url}#{id}", below)
        self._fill(rule, spot, below, id)
        slices = []
        for slice_name, one in spot.slices.items():
            slices.append(self._slice(one, base, f"{id}:{slice_name}"))
        rule.slices = tuple(slices)
        if not slices:
            rule.slicing = None
        is_link = isinstance(spot.definition.get("contentReference"), str)
        return None if rule.is_idle and not is_link else rule

    def _slice(self, spot: Spot, base: Element | None, id: str) -> Rule:
        below = _below(spot, base)
        rule = self._rule(spot, None, f"{self._url}#{id}", below)
        rule.binding, rule.additional = _bindings(spot.definition, base)
        rule.invariants = tuple(_invariants(spot.definition, base, below))
        rule.slice_name = str(spot.definition.get("sliceName", id.rpartition(":")[2]))
        self._fill(rule, spot, below, id)
        unsliced = id.rpartition(":")[0]
        rule.slices = tuple(
            self._slice(one, base, f"{unsliced}:{name}") for name, one in spot.slices.items()
        )
        return rule

    def _rule(self, spot: Spot, base: Element | None, source: str, below: TypeDef | None) -> Rule:
        said = spot.definition
        rule = Rule(spot.name.removesuffix("[x]"), source)
        least = said.get("min", 0)
        rule.min = least if isinstance(least, int) and least > (base.min if base else 0) else 0
        most = said.get("max", "*")
        ceiling = int(most) if isinstance(most, str) and most.isdecimal() else None
        rule.max = None if base is not None and base.max == ceiling else ceiling
        rule.types = _types(said, base)
        rule.fixed, rule.pattern = _value(said, "fixed"), _value(said, "pattern")
        rule.least, rule.most = _typed(said, "minValue"), _typed(said, "maxValue")
        length = said.get("maxLength")
        rule.max_length = length if isinstance(length, int) else None
        shortest = _extension(said, _MIN_LENGTH)
        rule.min_length = shortest if isinstance(shortest, int) else None
        pattern = _extension(said, _REGEX)
        rule.regex = pattern if isinstance(pattern, str) and base is not None else ""
        rule.language = str(_extension(said, _LANGUAGES) or "")
        rule.binding, rule.additional = _bindings(said, base)
        rule.invariants = tuple(_invariants(said, base, below))
        rule.slicing = _slicing(said)
        return rule


_LANGUAGES = _EXTENSIONS + "narrative-language-control"


def _type(name: str) -> TypeDef | None:
    try:
        return type_definition(name)
    except KeyError:
        return None


def _below(spot: Spot, base: Element | None) -> TypeDef | None:
    """The type whose elements stand in this one, None where it may be several."""
    said = [str(t.get("code")) for t in spot.types]
    names = base.types if base is not None else ()
    if len(names) == 1 and (not said or said[0] in _ANY - {"Resource"} or "." in names[0]):
        return _type(names[0])
    if len(set(said)) == 1:
        return _type(said[0])
    return _type(names[0]) if len(names) == 1 else None


def _types(said: Tree, base: Element | None) -> tuple[TypeRule, ...]:
    rows = [t for t in said.get("type", ()) if isinstance(t, dict)]
    if any(str(t.get("code", "")).startswith("http") for t in rows):
        return ()
    found = tuple(
        TypeRule(
            str(t.get("code", "")),
            _canonicals(t.get("profile")),
            _canonicals(t.get("targetProfile")),
            frozenset(str(a) for a in t.get("aggregation", ())),
            str(t.get("versioning", "either")),
        )
        for t in rows
    )
    if base is None:
        return found
    if any(t.profiles or t.aggregation or t.versioning != "either" for t in found):
        return found
    codes = frozenset(t.code for t in found)
    same_types = not codes or codes >= frozenset(base.types) or bool(codes & _ANY)
    targets = {u.removeprefix(_EXTENSIONS) for t in found for u in t.targets}
    same_targets = not targets or targets >= (set(base.targets) or {"Resource"})
    return () if same_types and same_targets else found


def _canonicals(value: Any) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def _typed(said: Tree, stem: str) -> tuple[str, Any] | None:
    for key, value in said.items():
        if key.startswith(stem) and key != stem:
            return key.removeprefix(stem), value
    return None


def _value(said: Tree, stem: str) -> Any:
    found = _typed(said, stem)
    return None if found is None else found[1]


def _extensions(owner: Any, url: str) -> list[Tree]:
    found = owner.get("extension") if isinstance(owner, dict) else None
    rows = found if isinstance(found, list) else []
    return [e for e in rows if isinstance(e, dict) and e.get("url") == url]


def _extension(owner: Any, url: str) -> Any:
    for one in _extensions(owner, url):
        return _value(one, "value")
    return None


def _bindings(said: Tree, base: Element | None) -> tuple[Bound | None, tuple[Bound, ...]]:
    binding = said.get("binding")
    if not isinstance(binding, dict):
        return None, ()
    strength, url = binding.get("strength", "example"), binding.get("valueSet")
    maximum = str(_extension(binding, _MAXIMUM) or "")
    additional = tuple(_additional(one) for url in _ADDITIONAL for one in _extensions(binding, url))
    bound = None
    if isinstance(url, str) and (strength != "example" or maximum):
        bound = Bound(cast(Strength, strength), url, maximum)
    if bound and bound.value_set.partition("|")[0] in _TOO_STRICT:
        bound = replace(bound, strength="extensible")
    stated = base.binding if base is not None else None
    if bound and stated and not maximum and stated.strength == strength:
        bound = None if stated.value_set == bound.value_set.partition("|")[0] else bound
    return bound, additional


def _additional(extension: Tree) -> Bound:
    parts: dict[str, list[Any]] = {}
    for part in extension.get("extension", ()):
        if isinstance(part, dict):
            parts.setdefault(str(part.get("url")), []).append(_value(part, "value"))
    purpose = str(_first(parts, "purpose"))
    return Bound(
        "required" if purpose in ("required", "maximum") else "extensible",
        str(_first(parts, "valueSet")),
        "",
        purpose,
        tuple(u for u in parts.get("usage", ()) if isinstance(u, dict)),
        _first(parts, "any") is True or _first(parts, "scope") is True,
    )


def _first(parts: dict[str, list[Any]], name: str) -> Any:
    return next(iter(parts.get(name, ())), None)


def _invariants(said: Tree, base: Element | None, below: TypeDef | None) -> list[Invariant]:
    known = set(_UNIVERSAL)
    for one in (*(base.invariants if base else ()), *(below.invariants if below else ())):
        known.add(one.key)
    found = []
    for row in said.get("constraint", ()):
        if isinstance(row, dict) and row.get("key") not in known and row.get("expression"):
            severity: Literal["error", "warning"] = (
                "error" if row.get("severity") == "error" else "warning"
            )
            found.append(
                Invariant(
                    str(row.get("key")), severity, str(row.get("human", "")), str(row["expression"])
                )
            )
    return found


def _slicing(said: Tree) -> Slicing | None:
    row = said.get("slicing")
    if not isinstance(row, dict):
        return None
    return Slicing(
        tuple(
            Discriminator(str(d.get("type")), str(d.get("path")))
            for d in row.get("discriminator", ())
            if isinstance(d, dict)
        ),
        row.get("ordered") is True,
        row.get("rules", "open"),
    )
