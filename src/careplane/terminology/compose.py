"""The content of a value set, understood (FHIR R4, 4.9.7 ValueSet.compose): value sets that it
imports are looked up, circles and what has no end refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid
from careplane.terminology.concepts import Filter, Operator
from careplane.terminology.findings import Finding, Missing, Refusal
from careplane.terminology.messages import say
from careplane.terminology.resource import ResourceConcepts
from careplane.terminology.scope import Scope, Wanted
from careplane.terminology.versions import joined

_MOST = 2000
"""Includes and excludes of a value set, with those of all that it imports."""
_PARAMETER = "http://hl7.org/fhir/StructureDefinition/valueset-expansion-parameter"
_OPERATOR = (
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.compose.include.filter.op"
)


@dataclass(frozen=True, slots=True)
class Part:
    """An include or exclude. What it names has to be in all of `sets`. Without a code system these
    are all that it says; `listed` are the codes that it lists, None where it lists none."""

    place: str
    wanted: Wanted | None = None
    listed: Mapping[str, Tree] | None = None
    filters: tuple[Filter, ...] = ()
    sets: tuple[Composed, ...] = ()

    @property
    def system(self) -> str:
        """Of the code system; empty where it names none."""
        return "" if self.wanted is None else self.wanted.system

    def stand_in(self) -> ResourceConcepts | None:
        """What is known of a code system that is not here: the codes that the value set itself
        lists. It is a fragment."""
        if not self.listed or self.filters or self.wanted is None:
            return None
        return ResourceConcepts(
            {
                "resourceType": "CodeSystem",
                "url": self.wanted.system,
                "version": self.wanted.version,
                "status": "active",
                "content": "fragment",
                "concept": list(self.listed.values()),
            }
        )


@dataclass(frozen=True, slots=True)
class Composed:
    """A value set. `stored` is what its expansion lists, where it says no more than that;
    `active_only` where it leaves out what is inactive; `contained` where it stands in another."""

    tree: Tree
    includes: tuple[Part, ...] = ()
    excludes: tuple[Part, ...] = ()
    active_only: bool = False
    stored: tuple[Tree, ...] | None = None
    contained: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def canonical(self) -> str:
        """`url|version`; empty where it has no url."""
        return joined(self.tree.get("url", ""), self.tree.get("version", ""))


class _Budget:
    def __init__(self) -> None:
        self.left = _MOST

    def take(self, tree: Tree) -> None:
        self.left -= 1
        if self.left < 0:
            raise Refusal(
                say("VALUESET_TOO_COSTLY", vs=tree.get("url", ""), limit=f"{_MOST} includes")
            )


async def compose(scope: Scope, tree: Tree) -> Composed:
    """Understand a value set. Raises Missing where it imports one that is not here, Refusal for a
    circle, too many includes or a filter without a value."""
    return await _Composer(scope).understand(tree, ())


class _Composer:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._budget = _Budget()
        self._done: dict[str, Composed] = {}

    async def understand(self, tree: Tree, way: tuple[str, ...]) -> Composed:
        known = joined(tree.get("url", ""), tree.get("version", ""))
        if known and known in way:
            raise Refusal(_circle(known, way))
        if known in self._done:
            return self._done[known]
        written = tree.get("compose")
        if written is None:
            return Composed(
                tree, stored=tuple(_flat(tree.get("expansion", {}).get("contains", ())))
            )
        onward = (*way, known) if known else way
        composed = Composed(
            tree,
            await self._parts(tree, "include", onward),
            await self._parts(tree, "exclude", onward),
            written.get("inactive") is False,
            parameters=_parameters(written),
        )
        if known:
            self._done[known] = composed
        return composed

    async def _parts(self, tree: Tree, kind: str, way: tuple[str, ...]) -> tuple[Part, ...]:
        found = []
        for place, written in enumerate(tree["compose"].get(kind, ())):
            self._budget.take(tree)
            where = f"ValueSet.compose.{kind}[{place}]"
            found.append(await self._part(tree, written, where, way))
        return tuple(found)

    async def _part(self, tree: Tree, written: Tree, where: str, way: tuple[str, ...]) -> Part:
        system = written.get("system", "")
        sets = [await self._import(tree, one, way) for one in written.get("valueSet", ())]
        concepts = written.get("concept")
        return Part(
            where,
            self._scope.wanted(system, written.get("version", "")) if system else None,
            None if concepts is None else {c.get("code", ""): c for c in concepts},
            _filters(written.get("filter", ()), system, where),
            tuple(sets),
        )

    async def _import(self, tree: Tree, canonical: str, way: tuple[str, ...]) -> Composed:
        if canonical.startswith("#"):
            inside = (c for c in tree.get("contained", ()) if c.get("id") == canonical[1:])
            found = next((c for c in inside if c.get("resourceType") == "ValueSet"), None)
        else:
            found = await self._scope.value_set(canonical)
        if found is None:
            pinned = "" if "|" in canonical else self._scope.options.value_sets.get(canonical, "")
            raise Missing(say("Unable_to_resolve_value_Set_", vs=joined(canonical, pinned)))
        composed = await self.understand(found, way)
        return replace(composed, contained=True) if canonical.startswith("#") else composed


def _filters(written: Sequence[Tree], system: str, where: str) -> tuple[Filter, ...]:
    found = []
    for place, one in enumerate(written):
        property, op, value = one.get("property", ""), one.get("op", ""), one.get("value", "")
        for extension in one.get("_op", {}).get("extension", ()):
            if extension.get("url") == _OPERATOR:
                op = str(extension.get("valueCode", op))
        if not value:
            at = f"{where}.filter[{place}]"
            facts = {"system": system, "property": property, "op": op}
            raise Refusal(say("UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE", at, **facts))
        found.append(Filter(property, cast(Operator, op), value))
    return tuple(found)


def _circle(known: str, way: tuple[str, ...]) -> Finding:
    names = ", ".join((*way[way.index(known) + 1 :], known))
    return say("VALUESET_CIRCULAR_REFERENCE", vs=known, way=names)


def _parameters(written: Tree) -> dict[str, str]:
    """Parameters of the expansion that the value set itself names."""
    found = {}
    for extension in written.get("extension", ()):
        if extension.get("url") == _PARAMETER:
            said = {part.get("url"): part for part in extension.get("extension", ())}
            name, value = said.get("name", {}), said.get("value", {})
            values = [v for key, v in value.items() if key.startswith("value")]
            if values and isinstance(values[0], str):
                found[str(name.get("valueCode") or name.get("valueUri") or "")] = values[0]
    return found


def _flat(contains: Sequence[Tree]) -> list[Tree]:
    found: list[Tree] = []
    waiting = list(reversed(contains))
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting.extend(reversed(one.get("contains", ())))
        if len(found) > 100_000:
            raise Invalid("The stored expansion of a value set has too many codes.")
    return found
