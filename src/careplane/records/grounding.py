"""A restriction made to hang on one record alone: what it asks of others is asked of the store.

Whoever writes must lie within the caller's restriction with what is written, which no search finds
yet. So a chain becomes the references that lead to what is there and matches, and a `_has` becomes
yes or no. What cannot be known, since the record is there no more, is refused.
"""

from __future__ import annotations

from careplane.access.caller import Caller
from careplane.records.parts import Parts
from careplane.search.match import Subject
from careplane.search.plan import (
    EVERYTHING,
    And,
    Chain,
    Has,
    Keys,
    Node,
    Not,
    Nothing,
    Or,
    Query,
    Reference,
    all_of,
    any_of,
)
from careplane.storage.ports.records import Key


async def grounded(
    parts: Parts, caller: Caller, node: Node, subject: Subject, *, new: bool
) -> Node:
    """A node without chains and `_has` that matches the subject if this one does."""
    here = (subject.type, subject.id)
    if not new and _asks_who_refers(node) and not await _found(parts, caller, {here}, EVERYTHING):
        return Nothing()
    return await _Ground(parts, caller, subject, new).node(node)


class _Ground:
    def __init__(self, parts: Parts, caller: Caller, subject: Subject, new: bool) -> None:
        self._parts = parts
        self._caller = caller
        self._subject = subject
        self._new = new

    async def node(self, node: Node) -> Node:
        match node:
            case And(inner):
                return all_of(*[await self.node(part) for part in inner])
            case Or(inner):
                return any_of(*[await self.node(part) for part in inner])
            case Not(part):
                return Not(await self.node(part))
            case Chain():
                return await self._chain(node)
            case Has():
                return await self._has(node)
            case _:
                return node

    async def _chain(self, node: Chain) -> Node:
        named = {
            (row.type, row.id)
            for row in self._subject.rows.references
            if row.param == node.param and row.type in node.types
        }
        found = await _found(self._parts, self._caller, named, node.where)
        return Reference(node.param, found) if found else Nothing()

    async def _has(self, node: Has) -> Node:
        if self._new:
            return Nothing()
        here = {(self._subject.type, self._subject.id)}
        return EVERYTHING if await _found(self._parts, self._caller, here, node) else Nothing()


async def _found(parts: Parts, caller: Caller, keys: set[Key], where: Node) -> frozenset[Key]:
    """Those of these resources that are there and match."""
    if not keys:
        return frozenset()
    types = frozenset(type for type, _ in keys)
    query = Query(types, all_of(Keys(frozenset(keys)), where), count=len(keys))
    page = await parts.store.search(caller.tenant, query)
    return frozenset((version.type, version.id) for version in page.versions)


def _asks_who_refers(node: Node) -> bool:
    match node:
        case And(inner) | Or(inner):
            return any(map(_asks_who_refers, inner))
        case Not(part):
            return _asks_who_refers(part)
        case _:
            return isinstance(node, Has)
