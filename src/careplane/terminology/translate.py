"""$translate (FHIR R4, 4.10.13.1): what concept maps make of a code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from careplane.fhir.tree import Tree
from careplane.terminology.coded import Coding
from careplane.terminology.findings import Missing
from careplane.terminology.messages import say
from careplane.terminology.scope import Scope
from careplane.terminology.versions import choose, joined, split

_NO_MATCH = ("unmatched", "disjoint")
_DEEPEST = 5
_REVERSED = {
    "wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What to translate, to which code system or value set, by which map; empty: any. `reverse`
    goes from targets to sources."""

    codings: tuple[Coding, ...]
    target_system: str = ""
    source_set: str = ""
    target_set: str = ""
    dependencies: tuple[tuple[str, str], ...] = ()
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """One translation. `map` is the canonical of the map that has it."""

    equivalence: str
    system: str
    code: str
    display: str
    map: str
    source: Coding
    products: tuple[Tree, ...] = ()
    comment: str = ""


async def translate(scope: Scope, asked: Asked, given: Sequence[Tree]) -> Tree:
    """The Parameters; `given` are the maps to use, else all that have the code system count."""
    found: dict[tuple[str, str, str, str], Match] = {}
    for coding in asked.codings:
        maps = given or await scope.library.maps(coding.system)
        for tree in maps:
            if _fits(tree, asked):
                for match in await _matches(scope, tree, asked, coding, 0):
                    found.setdefault(
                        (match.system, match.code, match.equivalence, match.map), match
                    )
    matches = list(found.values())
    result = any(match.equivalence not in _NO_MATCH for match in matches)
    said: list[Tree] = [{"name": "result", "valueBoolean": result}]
    if not result:
        said.append({"name": "message", "valueString": _why(matches)})
    return {"resourceType": "Parameters", "parameter": [*said, *map(_written, matches)]}


async def the_map(scope: Scope, canonical: str, version: str = "") -> Tree:
    """A concept map by canonical. Raises Missing."""
    url, named = split(canonical)
    wanted = version or named
    found = choose(await scope.library.versions("ConceptMap", url), wanted)
    tree = None if found is None else await scope.library.resource("ConceptMap", url, found)
    if tree is None:
        raise Missing(say("CONCEPTMAP_UNKNOWN", map=joined(url, wanted)))
    return tree


def _fits(tree: Tree, asked: Asked) -> bool:
    """Whether a map is between the value sets that are asked for."""
    source = tree.get("sourceUri") or tree.get("sourceCanonical") or ""
    target = tree.get("targetUri") or tree.get("targetCanonical") or ""
    if asked.reverse:
        source, target = target, source
    return all(
        not wanted or split(said)[0] == split(wanted)[0]
        for said, wanted in ((source, asked.source_set), (target, asked.target_set))
    )


async def _matches(
    scope: Scope, tree: Tree, asked: Asked, coding: Coding, depth: int
) -> list[Match]:
    found: list[Match] = []
    for group in tree.get("group", ()):
        near, far = ("target", "source") if asked.reverse else ("source", "target")
        if group.get(near) != coding.system:
            continue
        if asked.target_system and group.get(far) != asked.target_system:
            continue
        elements = _reversed(group, coding) if asked.reverse else _forward(group, coding)
        matches = list(_of(tree, group.get(far, ""), elements, asked, coding))
        if not matches and not asked.reverse:
            matches = await _unmapped(scope, tree, group, asked, coding, depth)
        found += matches
    return found


def _forward(group: Tree, coding: Coding) -> Iterator[tuple[Tree, str]]:
    for element in group.get("element", ()):
        if element.get("code") == coding.code:
            for target in element.get("target", ()):
                yield target, target.get("equivalence", "")


def _reversed(group: Tree, coding: Coding) -> Iterator[tuple[Tree, str]]:
    for element in group.get("element", ()):
        for target in element.get("target", ()):
            if target.get("code") == coding.code:
                said = target.get("equivalence", "")
                turned = {k: v for k, v in element.items() if k in ("code", "display")}
                yield turned, _REVERSED.get(said, said)


def _of(
    tree: Tree, system: str, elements: Iterator[tuple[Tree, str]], asked: Asked, coding: Coding
) -> Iterator[Match]:
    map = joined(tree.get("url", ""), tree.get("version", ""))
    for target, equivalence in elements:
        needs = target.get("dependsOn", ())
        if all((d.get("property", ""), d.get("value", "")) in asked.dependencies for d in needs):
            yield Match(
                equivalence,
                system,
                target.get("code", ""),
                target.get("display", ""),
                map,
                coding,
                tuple(target.get("product", ())),
                target.get("comment", ""),
            )


async def _unmapped(
    scope: Scope, tree: Tree, group: Tree, asked: Asked, coding: Coding, depth: int
) -> list[Match]:
    """What a group says of codes that it does not map."""
    unmapped = group.get("unmapped", {})
    map, system = joined(tree.get("url", ""), tree.get("version", "")), group.get("target", "")
    if any(element.get("code") == coding.code for element in group.get("element", ())):
        return []
    match unmapped.get("mode"):
        case "provided":
            return [Match("equal", system, coding.code, coding.display, map, coding)]
        case "fixed":
            code, display = unmapped.get("code", ""), unmapped.get("display", "")
            return [Match("inexact", system, code, display, map, coding)]
        case "other-map" if depth < _DEEPEST:
            other = await the_map(scope, unmapped.get("url", ""))
            return await _matches(scope, other, asked, coding, depth + 1)
    return []


def _why(matches: Sequence[Match]) -> str:
    if matches:
        return "The concept maps say that there is no match."
    return "No concept map that is here has a translation of this code."


def _written(match: Match) -> Tree:
    parts: list[Tree] = []
    if match.equivalence:
        parts.append({"name": "equivalence", "valueCode": match.equivalence})
    if match.code:
        coding = {"system": match.system, "code": match.code}
        if match.display:
            coding["display"] = match.display
        parts.append({"name": "concept", "valueCoding": coding})
    for product in match.products:
        coding = {"system": product.get("system", ""), "code": product.get("value", "")}
        part = [
            {"name": "element", "valueUri": product.get("property", "")},
            {"name": "concept", "valueCoding": coding},
        ]
        parts.append({"name": "product", "part": part})
    if match.map:
        parts.append({"name": "source", "valueUri": match.map})
    if match.comment:
        parts.append({"name": "comment", "valueString": match.comment})
    return {"name": "match", "part": parts}
