"""What services of care ask of the door: records as trees, and who it is that asks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door

Pairs = Sequence[tuple[str, str]]
_AUTHORS: Final = frozenset({"Device", "Organization", "Patient", "Practitioner",
                             "PractitionerRole", "RelatedPerson"})  # fmt: skip


def author(caller: Caller) -> Tree:
    """A Reference to the caller; of a program its name alone."""
    type = caller.id.partition("/")[0]
    named: Tree = {"display": caller.name} if caller.name else {}
    return {"reference": caller.id, **named} if type in _AUTHORS else named


async def search(door: Door, caller: Caller, type: str, pairs: Pairs) -> list[Tree]:
    """One page of what the caller finds. Raises Incorrect for a parameter that is not known."""
    found = await door.search(caller, c.Search(type, tuple(pairs), c.Handling.STRICT))
    return [json.parse(whole(version)) for version in found.matches]


async def several(door: Door, caller: Caller, *asked: tuple[str, Pairs]) -> list[list[Tree]]:
    """Searches side by side; nothing of a type that is not for the caller."""

    async def glance(type: str, pairs: Pairs) -> list[Tree]:
        try:
            return await search(door, caller, type, pairs)
        except Forbidden:
            return []

    return list(await asyncio.gather(*(glance(type, pairs) for type, pairs in asked)))


async def read(door: Door, caller: Caller, type: str, id: str) -> Tree:
    """The current version. Raises NotFound."""
    return json.parse(whole(await door.read(caller, c.Read(type, id))))
