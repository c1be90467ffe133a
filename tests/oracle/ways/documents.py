"""`$document`: a Composition with all that it refers to, or none of it."""

from __future__ import annotations

from tests.consent_house import refers
from tests.oracle.rights import Sight
from tests.oracle.way import KEYS, Here, Way

WAYS: dict[str, Way] = {}
_NOTES = tuple(key for key in KEYS if key.startswith("Composition/"))


def _key(n: int) -> str:
    return _NOTES[n * 7 % len(_NOTES)]


def _of(sight: Sight, n: int, m: int) -> list[str]:
    key = _key(n)
    named = refers(sight.records[key])
    return sorted({key} | named) if key in sight.read and named <= sight.found else []


async def _document(here: Here, n: int, m: int) -> list[str]:
    """A conflict only where the Composition itself may be read."""
    key = _key(n)
    answer = await here.http.get(f"{key}/$document")
    if answer.status_code == 409:
        assert key in here.sight.read, answer.text
        return []
    if answer.status_code in (403, 404):
        return []
    assert answer.status_code == 200, answer.text
    resources = [one["resource"] for one in answer.json()["entry"]]
    assert f"Composition/{resources[0]['id']}" == key
    return sorted(f"{one['resourceType']}/{one['id']}" for one in resources)


WAYS["$document"] = Way(_of, _document)
