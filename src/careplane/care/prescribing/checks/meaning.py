"""What codes mean, asked of the terminology that is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError
from careplane.records import commands as c
from careplane.records.door import Door
from careplane.terminology.coded import Coding
from careplane.terminology.library import Library
from careplane.terminology.options import Options
from careplane.terminology.scope import Scope
from careplane.terminology.subsumes import subsumes

_MOST: Final = 400
"""Pairs of codes that are compared for one prescription."""


@dataclass(frozen=True, slots=True)
class Codes:
    """`Meaning` over the door: as the caller sees the code systems."""

    door: Door
    caller: Caller

    async def within(self, pairs: Sequence[tuple[Tree, Tree]]) -> Sequence[bool]:
        """One operation for all pairs, in the audit trail as `subsumes`."""
        told = [_same(one, other) for one, other in pairs]
        left = [at for at, is_same in enumerate(told) if not is_same]
        asked = [(at, a, b) for at in left for a, b in _codings(*pairs[at])][:_MOST]
        if not asked:
            return told

        async def work(library: Library, instance: Tree | None) -> dict[str, Any]:
            scope = Scope(library, Options())
            return {"found": [at for at, a, b in asked if await _below(scope, a, b)]}

        try:
            found = await self.door.ask(self.caller, c.Ask("subsumes", "CodeSystem", work))
        except CareplaneError:  # the codes themselves are all that can be gone by
            return told
        for at in found["found"]:
            told[at] = True
        return told


def _same(one: Tree, other: Tree) -> bool:
    return any(a == b for a, b in _codings(one, other))


def _codings(one: Tree, other: Tree) -> Iterator[tuple[Coding, Coding]]:
    for a in one.get("coding", ()):
        for b in other.get("coding", ()):
            if (
                a.get("system")
                and a.get("system") == b.get("system")
                and "code" in a
                and "code" in b
            ):
                system = str(a["system"])
                yield Coding(system, "", str(a["code"])), Coding(system, "", str(b["code"]))


async def _below(scope: Scope, a: Coding, b: Coding) -> bool:
    try:
        return await subsumes(scope, a, b) in ("equivalent", "subsumed-by")
    except CareplaneError:  # not loaded, or of another version
        return False
