"""`$graph`: a resource and what a GraphDefinition says belongs to it (FHIR R4, Resource-graph).

A link leads along a path, or backwards by search parameters in which `{ref}` stands for where it
starts. Everything is read under the caller's rights, and within bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from careplane.access.scopes import Permission
from careplane.fhir.codec import json
from careplane.fhir.definitions import is_resource
from careplane.fhir.fhirpath import Environment, Node, evaluate, parse
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, NotFound, TooLarge, Unsupported
from careplane.records import commands as c
from careplane.records import fetch
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.matching import matching
from careplane.records.notices import notices
from careplane.records.parts import Parts
from careplane.records.read import read
from careplane.records.results import Found, Version
from careplane.records.targets import target
from careplane.search.parse import criteria
from careplane.search.parse import parse as parse_search
from careplane.search.plan import Query
from careplane.storage.ports.records import Key

MOST = 1_000
_DEEPEST = 8
_STEPS = 200_000


async def graph(parts: Parts, account: Account, command: c.Graph) -> Found:
    """The resource, and the others in the order in which the graph leads to them."""
    definition = await defined(parts, account, command.graph)
    start = await read(parts, account, c.Read(command.type, command.id))
    account.query = f"{command.type}/{command.id}/$graph"
    found = await follow(parts, account, definition, start)
    account.saw(found)
    told = notices(parts, account.caller.tenant, (start, *found))
    return Found(matches=(start, *found), issues=told)


async def defined(parts: Parts, account: Account, name: str) -> Tree:
    """A GraphDefinition by its canonical URL (with `|version`), or by type and id."""
    key = target(parts.base, name)
    if key is not None and key[0] == "GraphDefinition":
        return json.parse(whole(await read(parts, account, c.Read(*key))))
    url, _, version = name.partition("|")
    pairs = [("url", url), *([("version", version)] if version else [])]
    asked = parse_search(parts.setting(), ("GraphDefinition",), pairs, strict=True)
    parts.decider.require(account.caller, Permission.SEARCH, "GraphDefinition")
    last: Version | None = None
    async for one in matching(parts, account.caller, "GraphDefinition", asked.query.where):
        last = one if last is None or one.last_updated >= last.last_updated else last
    if last is None:
        raise NotFound("There is no GraphDefinition of this url here.")
    account.saw((last,))
    return json.parse(whole(last))


async def follow(
    parts: Parts, account: Account, definition: Tree, start: Version
) -> tuple[Version, ...]:
    """What the links of the definition lead to, without the start."""
    if definition.get("start") != start.type:
        raise Invalid(f"This graph does not start at a {start.type}.")
    walk = _Walk(parts, account)
    walk.found[start.type, start.id] = start
    await walk.links(definition.get("link", ()), start, 0)
    return tuple(walk.found.values())[1:]


@dataclass(slots=True)
class _Walk:
    parts: Parts
    account: Account
    found: dict[Key, Version] = field(default_factory=dict)
    walked: set[tuple[int, Key]] = field(default_factory=set)

    async def links(self, links: Sequence[Tree], version: Version, depth: int) -> None:
        if depth > _DEEPEST:
            raise TooLarge(f"A graph may have {_DEEPEST} links one after another.")
        for link in links:
            if (id(link), (version.type, version.id)) not in self.walked:
                self.walked.add((id(link), (version.type, version.id)))
                await self._link(link, version, depth)

    async def _link(self, link: Tree, version: Version, depth: int) -> None:
        most = MOST if link.get("max", "*") == "*" else _number(link["max"])
        path = link.get("path")
        there = await self._along(path, version) if path else []
        for aim in link.get("target", ()):
            _check(aim)
            if not path:
                there = await self._backwards(aim, version, most)
            for one in [v for v in there if aim["type"] in (v.type, "Resource")][:most]:
                self._take(one)
                await self.links(aim.get("link", ()), one, depth + 1)

    async def _along(self, path: str, version: Version) -> list[Version]:
        tree = json.parse(whole(version))
        try:
            nodes = evaluate(parse(path), tree, Environment(budget=_STEPS))
        except EvaluationError as error:
            raise Invalid(f"A path of the graph cannot be followed: {error.text}") from None
        texts = [n.value.get("reference") for n in nodes if isinstance(n, Node) and _is_object(n)]
        keys = [key for text in texts if (key := target(self.parts.base, text))]
        known = await fetch.by_keys(self.parts, self.account.caller, set(keys))
        by_key = {(v.type, v.id): v for v in known}
        return [by_key[key] for key in dict.fromkeys(keys) if key in by_key]

    async def _backwards(self, aim: Tree, version: Version, most: int) -> list[Version]:
        params, type = aim.get("params"), aim["type"]
        if not params or "{ref}" not in params or not is_resource(type):
            raise Invalid("A link without a path needs a target with a type and params with {ref}.")
        query = params.replace("{ref}", f"{version.type}/{version.id}")
        where = criteria(self.parts.setting(), type, query)
        asked = Query(frozenset({type}), where)
        return await fetch.by_query(self.parts, self.account.caller, asked, min(most, MOST + 1))

    def _take(self, version: Version) -> None:
        self.found.setdefault((version.type, version.id), version)
        if len(self.found) > MOST:
            raise TooLarge(f"This graph has more than {MOST} resources.")


def _is_object(node: Node) -> bool:
    return isinstance(node.value, dict)


def _number(text: Any) -> int:
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 9):
        raise Invalid("The max of a link is a whole number or *.")
    return int(text)


def _check(aim: Tree) -> None:
    if any(rule.get("use") == "requirement" for rule in aim.get("compartment", ())):
        raise Unsupported("Compartment rules of a GraphDefinition are not evaluated.")
    if not isinstance(aim.get("type"), str):
        raise Invalid("Each target of a graph needs a type.")
