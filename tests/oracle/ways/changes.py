"""Writes by id: update, patch and delete; by themselves, in a batch and in a transaction. What was
written is taken back."""

from __future__ import annotations

from tests.oracle.rights import Sight
from tests.oracle.way import Here, Way
from tests.oracle.writing import (
    CHANGED,
    NOTHING,
    REFUSED,
    content_of,
    is_gone,
    patch_of,
    send,
    taken_back,
)

WAYS: dict[str, Way] = {}


def _key(n: int) -> str:
    return CHANGED[n * 7 % len(CHANGED)]


def _of_update(sight: Sight, n: int, m: int) -> list[str]:
    """Who does not see all of a record cannot replace it."""
    key = _key(n)
    after = {**content_of(n, key), "id": key.split("/")[1]}
    allowed = key in sight.update and sight.may("bring", after)
    return [key] if allowed and not sight.hidden(key).leaves else [REFUSED]


async def _update(here: Here, n: int, m: int) -> list[str]:
    key = _key(n)
    content = {**content_of(n, key), "id": key.split("/")[1]}
    answer = await send(here, n, "PUT", key, content)
    return await _came_of(here, key, answer.status, _of_update(here.sight, n, m))


def _of_patch(sight: Sight, n: int, m: int) -> list[str]:
    key = _key(n)
    after = patch_of(n, key)[1](sight.records[key])
    allowed = key in sight.update and sight.may("bring", after)
    return [key] if allowed and "*" not in sight.hidden(key).leaves else [REFUSED]


async def _patch(here: Here, n: int, m: int) -> list[str]:
    key = _key(n)
    answer = await send(here, n, "PATCH", key, patch_of(n, key)[0])
    return await _came_of(here, key, answer.status, _of_patch(here.sight, n, m))


async def _came_of(here: Here, key: str, status: int, wanted: list[str]) -> list[str]:
    """What was changed; what was wanted, where it is refused by a mask that may hide more."""
    if status == 200:
        await taken_back(here, key)
        return [key]
    assert status in (403, 404), status
    return [REFUSED] if here.sight.hidden(key).exact else wanted


def _of_delete(sight: Sight, n: int, m: int) -> list[str]:
    key = _key(n)
    if sight.may("delete", sight.records[key]):
        return [key]
    return [REFUSED if key in sight.read else NOTHING]


async def _delete(here: Here, n: int, m: int) -> list[str]:
    """Where nothing of the type may be deleted, that is refused before anything is looked at."""
    key = _key(n)
    answer = await send(here, n, "DELETE", key)
    if await is_gone(here, key):
        assert answer.status == 204, answer
        await taken_back(here, key)
        return [key]
    type = key.split("/")[0]
    if answer.status == 403 and not here.sight.deletes(type):
        return _of_delete(here.sight, n, m)
    return [{403: REFUSED, 204: NOTHING}[answer.status]]


WAYS["update"] = Way(_of_update, _update)
WAYS["patch"] = Way(_of_patch, _patch)
WAYS["delete"] = Way(_of_delete, _delete)
