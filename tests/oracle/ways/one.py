"""One resource: reads, batches, deliveries, and changes by criteria."""

from __future__ import annotations

from careplane.records import commands as c
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
_TESTS_ABSURD = b'[{"op":"test","path":"/id","value":"never"}]'


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
    shown = {f"{v.type}/{v.id}" for v in await here.house.door.read_many(here.caller, asked)}
    assert shown <= set(keys)
    return [key for key in keys if key in shown]


WAYS["read many"] = Way(_of_batch, _read_many)


async def _disclose(here: Here, n: int, m: int) -> list[str]:
    keys = _batch_keys(here.sight, n)
    asked = c.Disclose("Subscription/s", tuple((*key.split("/"), 1) for key in keys))  # type: ignore[misc]
    shown = await here.house.door.disclose(here.caller, asked)
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


def _changed_keys(n: int) -> list[str]:
    return list(dict.fromkeys(KEYS[(n * 7 + k * 131) % len(KEYS)] for k in range(8)))


def _may_change(sight: Sight, key: str) -> bool:
    """Whether anything of its type may change."""
    return any(one.startswith(f"{key.split('/')[0]}/") for one in sight.update)


def _of_condition(sight: Sight, n: int, m: int) -> list[str]:
    """A patch by criteria finds what a search would, where something of the type may change."""
    return [k for k in _changed_keys(n) if k in sight.found and _may_change(sight, k)]


async def _condition(here: Here, n: int, m: int) -> list[str]:
    headers, found = {"content-type": "application/json-patch+json"}, []
    for key in _changed_keys(n):
        type, id = key.split("/")
        address = f"{type}?_id={id}"
        answer = await here.http.patch(address, content=_TESTS_ABSURD, headers=headers)
        if answer.status_code in (403, 404):
            continue
        assert answer.status_code in (409, 412, 422), answer.text  # found; it tests nonsense
        if _may_change(here.sight, key) or key not in here.sight.found:
            found.append(key)
    return found


WAYS["conditional"] = Way(_of_condition, _condition)
