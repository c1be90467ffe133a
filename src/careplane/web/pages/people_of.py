"""People and problems behind references, for pages that show records of others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from careplane.fhir.tree import Tree
from careplane.web.chart.banner import Person, person
from careplane.web.say import types
from careplane.web.visit import Visit

_AT_ONCE = 50


async def people(visit: Visit, references: Iterable[str]) -> dict[str, Person]:
    """The patients behind references such as `Patient/17`, by reference."""
    ids = sorted({r.removeprefix("Patient/") for r in references if r.startswith("Patient/")})
    parts = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
    pages = await asyncio.gather(
        *(
            visit.reader.glance("Patient", [("_id", ",".join(part)), ("_count", str(_AT_ONCE))])
            for part in parts
        )
    )
    found = (person(tree, visit.today) for page in pages for tree in page.trees)
    return {f"Patient/{one.id}": one for one in found}


async def reasons(visit: Visit, tree: Tree) -> list[str]:
    """Why something was ordered: in its own words, and the problems that it refers to."""
    said = [types.concept(one) for one in tree.get("reasonCode", ())]
    references = [str(r.get("reference", "")) for r in tree.get("reasonReference", ())]
    ids = [r[10:] for r in references if r.startswith("Condition/")][:_AT_ONCE]
    if ids:
        page = await visit.reader.glance("Condition", [("_id", ",".join(ids))])
        said += [types.concept(one.get("code", {})) for one in page.trees]
    return [text for text in said if text]


async def staff(visit: Visit, references: Iterable[str]) -> dict[str, str]:
    """Names of the practitioners behind references, at most 50."""
    ids = sorted({r[13:] for r in references if r.startswith("Practitioner/")})[:_AT_ONCE]
    if not ids:
        return {}
    pairs = [("_id", ",".join(ids)), ("_count", str(_AT_ONCE))]
    page = await visit.reader.glance("Practitioner", pairs)
    return {f"Practitioner/{t['id']}": person(t, visit.today).name.text for t in page.trees}
