"""What a summary is made of: a bounded look at each section through the door, for one caller.

A section that the caller may not search is `withheld`; what Consents, labels and policies hide is
not there, as everywhere. What entries refer to (who, where, with what) comes along, so that the
document is whole by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.fhir.lines import coded, said
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.commands import Handling
from careplane.records.door import Door
from careplane.records.results import Version
from careplane.records.targets import referred, target
from careplane.sharing.ips.sections import SECTIONS, Ask, Section

_FOLLOWED = frozenset(
    {
        "Device",
        "Location",
        "Medication",
        "Observation",
        "Organization",
        "Practitioner",
        "PractitionerRole",
        "Specimen",
        "Substance",
    }
)
_MOST_REFERRED = 300
_STEPS = 2
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """One section as it was found. `entries` are resources; `withheld` where the caller may not see
    what belongs here, or it is not to be shared; `more` where only the newest are in it."""

    section: Section
    entries: tuple[tuple[Ask, Tree], ...] = ()
    withheld: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """A patient, the sections, and what their entries refer to."""

    patient: Tree
    parts: tuple[Part, ...]
    others: tuple[Tree, ...]


async def gather(
    door: Door, caller: Caller, patient: str, base: str, chosen: frozenset[str] | None = None
) -> Gathered:
    """`chosen` are keys of sections that are to be shared; None: all. Raises NotFound or Forbidden
    for the patient."""
    subject = _tree(await door.read(caller, c.Read("Patient", patient)))
    parts = await asyncio.gather(
        *(_part(door, caller, patient, section, chosen) for section in SECTIONS)
    )
    own = _without_twins(parts)
    trees = [subject, *(tree for part in own for _, tree in part.entries)]
    return Gathered(subject, own, await _referred(door, caller, base, trees))


async def _part(
    door: Door, caller: Caller, patient: str, section: Section, chosen: frozenset[str] | None
) -> Part:
    if chosen is not None and section.key not in chosen:
        return Part(section, withheld=True)
    entries: list[tuple[Ask, Tree]] = []
    refused = more = False
    for ask in section.asks:
        pairs = (("patient", patient), *ask.pairs, ("_count", str(ask.limit)))
        try:
            found = await door.search(caller, c.Search(ask.type, pairs, Handling.STRICT))
        except Forbidden:
            refused = True
            continue
        trees = [tree for tree in map(_tree, found.matches) if ask.keep(tree)]
        entries += [(ask, tree) for tree in (newest(trees) if ask.alike else trees)]
        more = more or found.next is not None
    kept = tuple(entries[: section.most])
    return Part(section, kept, refused and not kept, more or len(kept) < len(entries))


def newest(trees: Iterable[Tree]) -> list[Tree]:
    """The first of each code."""
    found: dict[str, Tree] = {}
    for tree in trees:
        concept = tree.get("code") or tree.get("medicationCodeableConcept")
        found.setdefault(coded(concept) or said(concept) or str(tree["id"]), tree)
    return list(found.values())


def _without_twins(parts: Sequence[Part]) -> tuple[Part, ...]:
    """A resource belongs to the first section that has it, so a document has it once."""
    seen: set[Key] = set()
    made = []
    for part in parts:
        fresh = tuple(
            (ask, tree)
            for ask, tree in part.entries
            if (tree["resourceType"], tree["id"]) not in seen
        )
        seen.update((tree["resourceType"], tree["id"]) for _, tree in fresh)
        made.append(replace(part, entries=fresh))
    return tuple(made)


async def _referred(
    door: Door, caller: Caller, base: str, trees: Sequence[Tree]
) -> tuple[Tree, ...]:
    seen: set[Key] = {(tree["resourceType"], tree["id"]) for tree in trees}
    found: list[Tree] = []
    last: Sequence[Tree] = trees
    for _ in range(_STEPS):
        named = (target(base, text) for tree in last for text in referred(tree))
        keys = dict.fromkeys(key for key in named if key and key[0] in _FOLLOWED)
        wanted = [key for key in keys if key not in seen][: _MOST_REFERRED - len(found)]
        if not wanted:
            break
        seen.update(wanted)
        last = [_tree(one) for one in await door.read_many(caller, c.ReadMany(tuple(wanted)))]
        found += last
    return tuple(found)


def _tree(version: Version) -> Tree:
    return json.parse(whole(version))
