"""What an assistant is shown by MCP: one resource, a search, a patient in short."""

from __future__ import annotations

import json
from typing import Any

from tests.consent_house import subjects
from tests.oracle.marks import marked
from tests.oracle.rights import Sight
from tests.oracle.way import Here, Way, a_patient, a_type, found_of, nth

WAYS: dict[str, Way] = {}


async def _read(here: Here, n: int, m: int) -> list[str]:
    type, id = here.key(n).split("/")
    speaking = here.rooms.assistant(here.caller)
    result = await speaking.result("read", type=type, id=id)
    if result["isError"]:
        absent = await speaking.result("read", type=type, id="absent")
        assert absent["content"] == result["content"], result
        return []
    here.looked(result["structuredContent"]["resource"], current=False)
    return [f"{type}/{id}"]


WAYS["MCP: read"] = Way(lambda s, n, m: [k for k in (nth(s, n),) if k in s.read], _read)


async def _search(here: Here, n: int, m: int) -> list[str]:
    """All pages, by the cursors."""
    speaking, found = here.rooms.assistant(here.caller), list[str]()
    asked: dict[str, Any] = {"type": a_type(n), "count": 50}
    while asked:
        result = await speaking.result("search", **asked)
        if result["isError"]:
            assert '"forbidden"' in result["content"][0]["text"], result
            return []
        given = result["structuredContent"]
        for tree in given["matches"]:
            here.looked(tree, current=False)
            found.append(f"{tree['resourceType']}/{tree['id']}")
        assert not given.get("without_room"), given
        asked = {"cursor": given["next"]} if given.get("next") else {}
    return sorted(found)


WAYS["MCP: search"] = Way(lambda s, n, m: found_of(s, a_type(n)), _search)
_SECTIONS = {"problems": "Condition", "allergies": "AllergyIntolerance",
             "medications": "MedicationRequest", "results": "Observation",
             "upcoming": "Appointment"}  # fmt: skip


def _of_summary(sight: Sight, n: int, m: int) -> list[str]:
    """Appointments of the days to come: of these rows all."""
    id = a_patient(sight, n)
    if f"Patient/{id}" not in sight.read:
        return []
    found = [f"Patient/{id}"]
    for type in _SECTIONS.values():
        found += found_of(sight, type, lambda r: id in subjects(r))
    return sorted(found)


async def _summary(here: Here, n: int, m: int) -> list[str]:
    """Results have newest ones alone, so at most as many; where something is hidden that a section
    is searched by, that may be withheld."""
    sight, wanted = here.sight, set(_of_summary(here.sight, n, m))
    speaking = here.rooms.assistant(here.caller)
    result = await speaking.result("summary", patient=a_patient(sight, n), count=25)
    if result["isError"]:
        return []
    given = result["structuredContent"]
    found = {given["patient"]["reference"]}
    for name, type in _SECTIONS.items():
        lines = {line["reference"] for line in given[name]["lines"]}
        mine = {key for key in wanted if key.startswith(f"{type}/")}
        if lines < mine and sight.hides(type, "*"):
            lines = mine
        found |= lines
    assert marked(json.dumps(given)) <= found
    return sorted(found)


WAYS["MCP: summary"] = Way(_of_summary, _summary)
