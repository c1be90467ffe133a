"""Histories of a type and of everything."""

from __future__ import annotations

from tests.fhir_house import link
from tests.oracle.way import (
    Here,
    Way,
    a_type,
    found_of,
)

WAYS: dict[str, Way] = {}


async def _told(here: Here, url: str | None) -> list[str]:
    found: set[str] = set()
    while url is not None:
        answer = await here.http.get(url)
        if answer.status_code == 403:
            return []
        assert answer.status_code == 200, answer.text
        for one in answer.json().get("entry", ()):
            if "resource" in one:  # others are deletions
                found.add(f"{one['resource']['resourceType']}/{one['resource']['id']}")
        url = link(answer, "next")
    return sorted(found & here.sight.records.keys())  # not Consents of the rounds before


WAYS["history of a type"] = Way(
    lambda s, n, m: found_of(s, a_type(n)),
    lambda h, n, m: _told(h, f"{a_type(n)}/_history?_count=1000"),
)
WAYS["history of all"] = Way(
    lambda s, n, m: sorted(s.found), lambda h, n, m: _told(h, "_history?_count=1000")
)
