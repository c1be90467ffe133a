"""Names of tests for people who are no clinicians, where a release of LOINC that has them was
loaded (the Consumer Name of LOINC, a designation here)."""

from __future__ import annotations

from collections.abc import Sequence

from careplane.terminology.library import Library

LOINC = "http://loinc.org"
CONSUMER_NAME = "ConsumerName"
"""The use of the designation that is such a name."""


async def consumer_names(library: Library, codes: Sequence[str]) -> dict[str, str]:
    """Those of the LOINC codes that have one, by the code; the newest version that has it wins."""
    found: dict[str, str] = {}
    for version in sorted(await library.versions("CodeSystem", LOINC), reverse=True):
        wanted = [code for code in codes if code not in found]
        concepts = await library.concepts(LOINC, version) if wanted else None
        if concepts is None:
            continue
        for code, concept in (await concepts.many(wanted)).items():
            for one in concept.designations:
                if (one.use or {}).get("code") == CONSUMER_NAME:
                    found[code] = one.value
    return found
