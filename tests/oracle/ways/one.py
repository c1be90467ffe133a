"""One resource: reads, batches and deliveries."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.search.match import Subject
from tests.fhir_house import bundle, entry
from tests.oracle.rights import Sight
from tests.oracle.way import (
    KEYS,
    Here,
    Way,
    is_shown,
    nth,
)

WAYS: dict[str, Way] = {}


def _one(suffix: str, every: bool) -> Way:
    def key(sight: Sight, n: int) -> str:
        return nth(sight, n) if every else KEYS[n * 7 % len(KEYS)]

    async def ask(here: Here, n: int, m: int) -> list[str]:
        wanted = key(here.sight, n)
        return [wanted] if await is_shown(here, wanted, wanted + suffix) else []

    return Way(lambda s, n, m: [k for k in (key(s, n),) if k in s.read], ask)


WAYS["read"] = _one("", True)
WAYS["vread"] = _one("/_history/1", False)
WAYS["history of one"] = _one("/_history", True)


def _batch_keys(sight: Sight, n: int) -> list[str]:
    return list(dict.fromkeys(nth(sight, n + k * 131) for k in range(12)))


async def _batch(here: Here, n: int, m: int) -> list[str]:
    keys = _batch_keys(here.sight, n)
    asked = bundle("batch", *(entry("GET", key) for key in keys))
    entries = (await here.http.post("", content=asked)).json()["entry"]
    statuses = [one["response"]["status"] for one in entries]
    return [key for key, status in zip(keys, statuses, strict=True) if status == "200"]


def _of_batch(sight: Sight, n: int, m: int) -> list[str]:
    return [key for key in _batch_keys(sight, n) if key in sight.read]


WAYS["batch"] = Way(_of_batch, _batch)


async def _read_many(here: Here, n: int, m: int) -> list[str]:
    keys = _batch_keys(here.sight, n)
    asked = c.ReadMany(tuple((key.split("/")[0], key.split("/")[1]) for key in keys))
    versions = await here.house.door.read_many(here.caller, asked)
    for version in versions:
        here.looked(json.parse(whole(version)))
    shown = {f"{v.type}/{v.id}" for v in versions}
    assert shown <= set(keys)
    return [key for key in keys if key in shown]


WAYS["read many"] = Way(_of_batch, _read_many)


async def _disclose(here: Here, n: int, m: int) -> list[str]:
    keys = _batch_keys(here.sight, n)
    asked = c.Disclose("Subscription/s", tuple((*key.split("/"), 1) for key in keys))  # type: ignore[misc]
    shown = await here.house.door.disclose(here.caller, asked)
    for version in filter(None, shown):
        here.looked(json.parse(whole(version)), current=False)
    return [key for key, version in zip(keys, shown, strict=True) if version]


async def _visible(here: Here, n: int, m: int) -> list[str]:
    found = []
    for key in _batch_keys(here.sight, n):
        type, id = key.split("/")
        rows = here.house.rows(here.sight.records[key])
        if await here.house.door.visible(here.caller, Subject(type, id, 0, rows)):
            found.append(key)
    return found


WAYS["disclose"] = Way(_of_batch, _disclose)
WAYS["visible"] = Way(_of_batch, _visible)
