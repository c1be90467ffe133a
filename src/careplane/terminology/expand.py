"""$expand (FHIR R4, 4.9.18.1): a value set with the codes that it has, ready to be shown.

What R5 says of a code in `property`, R4 has no place for: it stands in the extensions that R5
defines for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from careplane.fhir.tree import Tree
from careplane.terminology import status
from careplane.terminology.compose import Composed, compose
from careplane.terminology.findings import Missing
from careplane.terminology.gather import Gathered, Member, gather
from careplane.terminology.languages import wished
from careplane.terminology.messages import say
from careplane.terminology.scope import Scope
from careplane.terminology.shown import Shown
from careplane.terminology.versions import joined

_KEPT = (
    "resourceType", "id", "language", "url", "identifier", "version", "name", "title", "status",
    "experimental",
)  # fmt: skip
_ECHOED = {
    "activeOnly": "Boolean",
    "count": "Integer",
    "excludeNested": "Boolean",
    "filter": "String",
    "includeDefinition": "Boolean",
    "includeDesignations": "Boolean",
    "offset": "Integer",
    "designation": "String",
}
_UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
_REASON = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed-reason"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes one expansion different from the next: its identifier, and the instant."""

    identifier: str
    timestamp: str


async def expand(scope: Scope, value_set: Tree, stamp: Stamp) -> Tree:
    """The value set with its expansion. Raises Missing for what it needs and is not here, Refusal
    where it has too many codes or cannot be evaluated."""
    await scope.supplement(value_set)
    try:
        composed = await compose(scope, value_set)
    except Missing as missing:
        raise _pinned(scope, missing) from None
    scope = _spoken(scope, composed)
    gathered = await gather(scope, composed)
    several = _several(composed, gathered.members)
    shown = Shown(scope.options, gathered.used, several)
    contains = await _contains(scope, gathered, shown)
    expansion: Tree = {
        "extension": [*_unclosed(gathered), *shown.declared()],
        "identifier": stamp.identifier,
        "timestamp": stamp.timestamp,
    }
    if not expansion["extension"]:
        del expansion["extension"]
    if gathered.total is not None:
        expansion["total"] = gathered.total
    if any(name == "offset" for name, _ in scope.options.given):
        expansion["offset"] = scope.options.offset
    if parameters := _parameters(scope, composed, gathered):
        expansion["parameter"] = parameters
    if contains:
        expansion["contains"] = contains
    kept = _KEPT if not scope.options.definition else (*_KEPT, "extension", "compose")
    return {name: value_set[name] for name in kept if name in value_set} | {"expansion": expansion}


def _pinned(scope: Scope, missing: Missing) -> Missing:
    """An import whose version a parameter names, and that is not here."""
    for url, version in scope.options.value_sets.items():
        canonical = joined(url, version)
        if f"'{canonical}'" in missing.text:
            return Missing(say("VS_EXP_IMPORT_UNK_PINNED", vs=canonical))
    return missing


def _spoken(scope: Scope, value_set: Composed) -> Scope:
    """The language that the value set itself asks for, where the caller asked for none."""
    own = value_set.parameters.get("displayLanguage")
    if scope.options.languages or not own:
        return scope
    scope.options = replace(scope.options, languages=wished(own))
    return scope


def _several(value_set: Composed, members: Sequence[Member]) -> frozenset[str]:
    """The code systems of which there, or in the value set's own words, is more than one
    version."""
    versions: dict[str, set[str]] = {}
    for part in value_set.includes:
        if part.wanted is not None and part.wanted.written:
            versions.setdefault(part.system, set()).add(part.wanted.written)
    if all(len(found) < 2 for found in versions.values()):
        versions.clear()
    for member in members:
        versions.setdefault(member.system, set()).add(member.version)
    return frozenset(system for system, found in versions.items() if len(found) > 1)


async def _contains(scope: Scope, gathered: Gathered, shown: Shown) -> list[Tree]:
    options = scope.options
    paged = options.count is not None or options.offset > 0
    if options.exclude_nested or paged:
        return [shown.entry(member) for member in gathered.members]
    roots: list[Tree] = []
    entries: dict[tuple[str, str, str], Tree] = {}
    for member in gathered.members:
        entry = shown.entry(member)
        if member.nests:
            entries[member.key] = entry
        above = await _above(gathered, member, entries)
        (roots if above is None else above.setdefault("contains", [])).append(entry)
    return roots


async def _above(
    gathered: Gathered, member: Member, entries: dict[tuple[str, str, str], Tree]
) -> Tree | None:
    """The entry that one stands under: of its nearest ancestor that is there."""
    if not member.nests or not member.concept.parents:
        return None
    concepts = gathered.used.get(joined(member.system, member.version))
    ancestors = () if concepts is None else await concepts.ancestors(member.concept.code)
    for ancestor in ancestors:
        found = entries.get((member.system, member.version, ancestor))
        if found is not None:
            return found
    return None


def _unclosed(gathered: Gathered) -> list[Tree]:
    used = [concepts.about for concepts in gathered.used.values()]
    fragments = ", ".join(one.url for one in used if one.content == "fragment")
    endless = next((one for one in used if one.listed_by), None)
    if fragments:
        reason = f"This extension is based on a fragment of the code system {fragments}"
    elif endless is not None:
        reason = (
            f"The code System '{endless.url}' has a grammar and so has infinite members. This "
            f"extension is based on {endless.listed_by}"
        )
    else:
        return []
    return [
        {"url": _UNCLOSED, "valueBoolean": True},
        {"url": _REASON, "valueString": reason},
    ]


def _parameters(scope: Scope, value_set: Composed, gathered: Gathered) -> list[Tree]:
    """What the expansion was made with, and of."""
    found = list(_given(scope))
    for rule, system in gathered.rules:
        value = joined(system, scope.options.rule(rule, system))
        found.append({"name": rule, "valueUri": value})
    for canonical, concepts in gathered.used.items():
        found.append({"name": "used-codesystem", "valueUri": canonical})
        if concepts.about.content == "fragment":
            found.append({"name": "used-fragment", "valueUri": canonical})
        for supplement in scope.supplements_of(concepts.about.url):
            found.append({"name": "used-supplement", "valueUri": supplement})
        for said in status.statuses(concepts.about.header, value_set.tree):
            found.append({"name": f"warning-{said}", "valueUri": canonical})
    pinned = scope.options.value_sets
    for one in status.value_sets(value_set):
        if (url := one.tree.get("url", "")) in pinned and one is not value_set:
            value = joined(url, pinned[url])
            found.append({"name": "default-valueset-version", "valueUri": value})
        if one is not value_set and not one.contained:
            found.append({"name": "used-valueset", "valueUri": one.canonical})
        for said in status.statuses(one.tree, value_set.tree):
            found.append({"name": f"warning-{said}", "valueUri": one.canonical})
    return sorted(found, key=lambda p: p["name"])


def _given(scope: Scope) -> list[Tree]:
    options = scope.options
    found: list[Tree] = []
    if options.languages:
        found.append({"name": "displayLanguage", "valueCode": options.languages.text})
    for name, value in options.given:
        type = _ECHOED.get(name)
        if type == "Boolean":
            found.append({"name": name, "valueBoolean": value in (True, "true")})
        elif type == "Integer":
            found.append({"name": name, "valueInteger": int(str(value))})
        elif type:
            found.append({"name": name, "valueString": value})
    return found
