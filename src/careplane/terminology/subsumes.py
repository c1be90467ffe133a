"""$subsumes (FHIR R4, 4.8.18.3): whether one concept is the other, or stands above or below it."""

from __future__ import annotations

from typing import Literal

from careplane.kernel.errors import Incorrect
from careplane.terminology.coded import Coding
from careplane.terminology.concepts import Concepts
from careplane.terminology.findings import Missing
from careplane.terminology.lookup import system_of
from careplane.terminology.messages import say
from careplane.terminology.scope import Scope

Outcome = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]


async def subsumes(scope: Scope, a: Coding, b: Coding) -> Outcome:
    """How A stands to B. Raises Missing for one that is not there, Incorrect for two systems."""
    if a.system != b.system:
        raise Incorrect("Both codes must be of one code system: $subsumes knows no mapping.")
    if a.version and b.version and a.version != b.version:
        raise Incorrect("Both codes must be of one version of the code system.")
    concepts = await system_of(scope, a if a.version else b)
    return await relation(concepts, await _known(concepts, a), await _known(concepts, b))


async def relation(concepts: Concepts, a: str, b: str) -> Outcome:
    """How two codes that are there stand to each other."""
    if a == b:
        return "equivalent"
    if await concepts.is_a(b, a):
        return "subsumes"
    return "subsumed-by" if await concepts.is_a(a, b) else "not-subsumed"


async def _known(concepts: Concepts, coding: Coding) -> str:
    found = await concepts.find(coding.code)
    if found is None:
        about = concepts.about
        id = "Unknown_Code_in_Version" if about.version else "Unknown_Code_in"
        facts = {"code": coding.code, "system": about.url, "version": about.version}
        raise Missing(say(id, coding.at("code"), **facts))
    return found.code
