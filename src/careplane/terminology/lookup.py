"""$lookup (FHIR R4, 4.8.18.1): all that a code system says of a code."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.fhir.tree import Tree
from careplane.terminology.coded import Coding
from careplane.terminology.concepts import Concept, Concepts, Designation
from careplane.terminology.display import names
from careplane.terminology.findings import Missing
from careplane.terminology.membership import among, unknown
from careplane.terminology.messages import say
from careplane.terminology.scope import Scope
from careplane.terminology.shown import written

_ALWAYS = ("inactive",)
_SAID = ("definition", "designation")
"""What is told where no property was asked for."""


async def lookup(scope: Scope, coding: Coding) -> Tree:
    """The Parameters. Raises Missing for a code, or a code system, that is not here."""
    await scope.supplement()
    concepts = await system_of(scope, coding)
    concept = await concepts.find(coding.code)
    about = concepts.about
    if concept is None:
        id = "Unknown_Code_in_Version" if about.version else "Unknown_Code_in"
        facts = {"code": coding.code, "system": about.url, "version": about.version}
        raise Missing(say(id, coding.at("code"), **facts))
    found: list[Tree] = [
        {"name": "name", "valueString": about.name or about.title or about.url},
        {"name": "code", "valueCode": concept.code},
        {"name": "system", "valueUri": about.url},
        {"name": "abstract", "valueBoolean": concept.abstract},
    ]
    if about.version:
        found.append({"name": "version", "valueString": about.version})
    found += [
        {"name": "used-supplement", "valueCanonical": one}
        for one in scope.supplements_of(about.url)
    ]
    found += await _asked(scope, concepts, concept)
    return {"resourceType": "Parameters", "parameter": found}


async def system_of(scope: Scope, coding: Coding) -> Concepts:
    """The code system of a code, in the version that is meant. Raises Missing."""
    known = await scope.versions(coding.system)
    wanted = scope.wanted(coding.system, coding.version)
    concepts = await scope.chosen(coding.system, wanted.version)
    if concepts is not None:
        return concepts
    if not known:
        raise Missing(unknown(coding))
    facts = {"system": coding.system, "version": wanted.version, "known": among(known)}
    raise Missing(say("UNKNOWN_CODESYSTEM_VERSION", coding.at("system"), **facts))


async def _asked(scope: Scope, concepts: Concepts, concept: Concept) -> list[Tree]:
    asked = scope.options.properties
    everything = "*" in asked
    said = frozenset(asked) if asked else frozenset(_SAID)
    about = concepts.about
    all_names = names(concept, about.language)
    best = all_names.best(scope.options.languages)
    found: list[Tree] = [{"name": "display", "valueString": best.value if best else concept.code}]
    if concept.definition and (everything or "definition" in said):
        found.append({"name": "definition", "valueString": concept.definition})
    if everything or "designation" in said:
        found += map(_designation, all_names.others(None))
    else:
        tags = [one[5:].lower() for one in asked if one.startswith("lang.")]
        languages = (n for n in all_names.others(None) if n.language.lower() in tags)
        found += map(_designation, languages)
    for code in _ALWAYS:
        found.append(_property(code, "valueBoolean", concept.inactive))
    for p in concept.properties:
        if (everything or p.code in said) and p.code not in (*_ALWAYS, "parent", "child"):
            found.append(_property(p.code, f"value{p.type[:1].upper()}{p.type[1:]}", p.value))
    for code, related in await _related(concepts, concept, everything, said):
        found.append(_property(code, "valueCode", related.code, related.display))
    return found


async def _related(
    concepts: Concepts, concept: Concept, everything: bool, said: frozenset[str]
) -> Iterator[tuple[str, Concept]]:
    found: list[tuple[str, Concept]] = []
    if everything or "parent" in said:
        parents = await concepts.many(concept.parents)
        found += [("parent", parent) for parent in parents.values()]
    if everything or "child" in said:
        children = await concepts.many(await concepts.children(concept.code))
        found += [("child", child) for child in children.values()]
    return iter(found)


def _designation(name: Designation) -> Tree:
    said = written(name)
    parts: list[Tree] = []
    if "language" in said:
        parts.append({"name": "language", "valueCode": said["language"]})
    if "use" in said:
        parts.append({"name": "use", "valueCoding": said["use"]})
    parts.append({"name": "value", "valueString": name.value})
    if name.source:
        parts.append({"name": "source", "valueCanonical": name.source})
    return {"name": "designation", "part": parts}


def _property(code: str, key: str, value: object, description: str = "") -> Tree:
    parts: list[Tree] = [{"name": "code", "valueCode": code}, {"name": "value", key: value}]
    if description:
        parts.append({"name": "description", "valueString": description})
    return {"name": "property", "part": parts}
