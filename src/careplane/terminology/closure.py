"""$closure (FHIR R4, 4.7.11): a table of codes that a client keeps, and how these subsume others.

The client names codes as it meets them, and hears which of all that it has named stand above or
below them; so it can search by meaning without knowing a code system.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from careplane.fhir.tree import Tree
from careplane.kernel.errors import TooLarge
from careplane.terminology.coded import Coding
from careplane.terminology.lookup import system_of
from careplane.terminology.scope import Scope

MOST = 10_000
"""Codes of one table."""
Pair = tuple[str, str, str]
"""A code system, a code of it, and one that subsumes it."""


class Table(Struct, frozen=True, array_like=True):
    """What a client has named, and which code stands below which; each with the number of the call
    that brought it."""

    number: int = 0
    codes: tuple[tuple[str, str], ...] = ()
    pairs: tuple[tuple[Pair, int], ...] = ()


async def added(scope: Scope, table: Table, codings: Sequence[Coding]) -> Table:
    """The table with more codes. Raises Missing for a code system that is not here, TooLarge."""
    known = dict.fromkeys(table.codes)
    new = [c for c in codings if (c.system, c.code) not in known]
    if not new:
        return table
    known |= dict.fromkeys((c.system, c.code) for c in new)
    if len(known) > MOST:
        raise TooLarge(f"A closure table may have {MOST} codes.")
    fresh = {(c.system, c.code) for c in new}
    pairs: list[Pair] = []
    for system in dict.fromkeys(c.system for c in new):
        concepts = await system_of(scope, Coding(system, "", ""))
        of_system = {code for one, code in known if one == system}
        for code in of_system:
            for above in await concepts.ancestors(code):
                touches = (system, code) in fresh or (system, above) in fresh
                if touches and above in of_system:
                    pairs.append((system, code, above))
    number = table.number + 1
    return Table(number, tuple(known), (*table.pairs, *((p, number) for p in sorted(pairs))))


def since(table: Table, number: int) -> Table:
    """What was brought after a call."""
    return replace(table, pairs=tuple(p for p in table.pairs if p[1] > number))


def concept_map(name: str, table: Table, date: str) -> Tree:
    """The pairs of a table, as the ConceptMap that the operation answers with: the target subsumes
    the source."""
    found: Tree = {
        "resourceType": "ConceptMap",
        "version": str(table.number),
        "name": name,
        "status": "active",
        "experimental": True,
        "date": date,
    }
    groups = list(_groups(pair for pair, _ in table.pairs))
    return found | {"group": groups} if groups else found


def _groups(pairs: Iterable[Pair]) -> Iterable[Tree]:
    systems: dict[str, dict[str, list[str]]] = {}
    for system, code, above in pairs:
        systems.setdefault(system, {}).setdefault(code, []).append(above)
    for system, codes in systems.items():
        elements = [
            {
                "code": code,
                "target": [{"code": one, "equivalence": "subsumes"} for one in above],
            }
            for code, above in codes.items()
        ]
        yield {"source": system, "target": system, "element": elements}
