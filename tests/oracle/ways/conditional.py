"""Writes by criteria: create, update, patch and delete; by themselves, in a batch and in a
transaction. What was written is taken back.

`want` says what must come of it; where a caller has no such right on what matches, a refusal may
come before anything is looked for, and both are right (`_or_refused`).
"""

from __future__ import annotations

from typing import NamedTuple

from tests.consent_house import subjects
from tests.oracle.population import WORLD
from tests.oracle.rights import Sight
from tests.oracle.way import Here, Way
from tests.oracle.writing import (
    CHANGED,
    NOTHING,
    REFUSED,
    SEVERAL,
    content_of,
    is_gone,
    patch_of,
    raised,
    send,
    taken_back,
)
from tests.policy_house import Record

WAYS: dict[str, Way] = {}


class _Aim(NamedTuple):
    """The record that is meant, criteria, and what they match of all the rows."""

    key: str
    criteria: str
    matches: tuple[str, ...]

    @property
    def type(self) -> str:
        return self.key.split("/")[0]

    @property
    def url(self) -> str:
        return f"{self.type}?{self.criteria}"

    def found(self, sight: Sight) -> list[str]:
        return [key for key in self.matches if key in sight.found]


def _aim(n: int, m: int) -> _Aim:
    """By id; by the ids of two; by patient, or name; by what nothing has."""
    key = CHANGED[n * 7 % len(CHANGED)]
    type, id = key.split("/")
    same = [one for one in CHANGED if one.startswith(f"{type}/")]
    if n % 5 == 0:
        return _Aim(key, "_id=nobody", ())
    if m == 0 or n % 5 < 3:
        return _Aim(key, f"_id={id}", (key,))
    if m == 1:
        other = same[(n * 11 + 1) % len(same)]
        return _Aim(key, f"_id={id},{other.split('/')[1]}", tuple(sorted({key, other})))
    if type == "Patient":
        name = WORLD[key]["name"][0]["family"]
        return _Aim(key, f"family={name}", tuple(k for k in same if _is_named(WORLD[k], name)))
    about = min(subjects(WORLD[key]))
    of = tuple(k for k in same if about in subjects(WORLD[k]))
    return _Aim(key, f"patient=Patient/{about}", of)


def _is_named(record: Record, name: str) -> bool:
    return any(one["family"] == name for one in record["name"])


def _or_refused(want: list[str], got: list[str], here: Here, right: bool) -> list[str]:
    """What came of it; what was wanted, where a refusal came earlier that may."""
    return want if got == [REFUSED] and not right else got


def _may_create(sight: Sight, content: Record, type: str) -> bool:
    return sight.may("create", {**content, "resourceType": type, "id": "new"})


# --- create ---------------------------------------------------------------------------------------


def _of_create(sight: Sight, n: int, m: int) -> list[str]:
    aim = _aim(n, m)
    found = aim.found(sight)
    if len(found) > 1:
        return [SEVERAL]
    if found:
        return found
    return ["new"] if _may_create(sight, content_of(n, aim.key), aim.type) else [REFUSED]


async def _create(here: Here, n: int, m: int) -> list[str]:
    aim = _aim(n, m)
    content = content_of(n, aim.key)
    answer = await send(here, n, "POST", aim.type, content, aim.criteria)
    got = {412: [SEVERAL], 403: [REFUSED], 200: [answer.key], 201: ["new"]}[answer.status]
    if answer.status == 201:
        await taken_back(here, answer.key)
    right = _may_create(here.sight, content, aim.type) and _searches(here.sight, aim.type)
    return _or_refused(_of_create(here.sight, n, m), got, here, right)


def _searches(sight: Sight, type: str) -> bool:
    """Whether something of a type is found; where nothing is, the search itself is refused."""
    return bool(sight.found.of(type))


# --- update ---------------------------------------------------------------------------------------


def _of_update(sight: Sight, n: int, m: int) -> list[str]:
    aim = _aim(n, m)
    found = aim.found(sight)
    content = content_of(n, aim.key)
    if len(found) > 1:
        return [SEVERAL]
    if not found:
        return ["new"] if _may_create(sight, content, aim.type) else [REFUSED]
    return found if _may_replace(sight, found[0], content) else [REFUSED]


def _may_replace(sight: Sight, key: str, content: Record) -> bool:
    """Who does not see all of a record cannot replace it."""
    after = raised(sight.records[key], {**content, "id": key.split("/")[1]})
    whole = not sight.hidden(key).leaves
    return key in sight.update and sight.may("bring", after) and whole


async def _update(here: Here, n: int, m: int) -> list[str]:
    aim = _aim(n, m)
    content = content_of(n, aim.key)
    for other in aim.matches:
        if other != aim.key and content not in here.earlier.setdefault(other, []):
            here.earlier[other].append(content)
    answer = await send(here, n, "PUT", aim.url, content)
    got = {412: [SEVERAL], 403: [REFUSED], 200: [answer.key], 201: ["new"]}[answer.status]
    if answer.status < 300:
        await taken_back(here, answer.key)
    found = aim.found(here.sight)
    exact = all(here.sight.hidden(key).exact for key in found)
    right = (
        _updates(here.sight, aim.type, content)
        and _searches(here.sight, aim.type)
        and (len(found) != 1 or exact)
    )
    return _or_refused(_of_update(here.sight, n, m), got, here, right)


def _updates(sight: Sight, type: str, content: Record) -> bool:
    """Whether something of a type may change: else that is refused before anything is sought."""
    some = bool(sight.update.of(type))
    return some or sight.may("update", {**content, "id": "new"})


# --- patch ----------------------------------------------------------------------------------------


def _of_patch(sight: Sight, n: int, m: int) -> list[str]:
    aim = _aim(n, m)
    found = aim.found(sight)
    if len(found) != 1:
        return [SEVERAL] if found else [REFUSED]
    after = patch_of(n, aim.key)[1](sight.records[found[0]])
    allowed = found[0] in sight.update and sight.may("bring", after)
    return found if allowed and "*" not in sight.hidden(found[0]).leaves else [REFUSED]


async def _patch(here: Here, n: int, m: int) -> list[str]:
    """What matches nothing, and what may not be patched, are alike here: nothing is patched."""
    aim = _aim(n, m)
    answer = await send(here, n, "PATCH", aim.url, patch_of(n, aim.key)[0])
    refused = [REFUSED]
    got = {412: [SEVERAL], 403: refused, 404: refused, 200: [answer.key]}[answer.status]
    if answer.status == 200:
        await taken_back(here, answer.key)
    found = aim.found(here.sight)
    exact = all(here.sight.hidden(key).exact for key in found)
    several = len(found) != 1 and _updates(here.sight, aim.type, content_of(n, aim.key))
    right = (len(found) == 1 and exact) or several
    return _or_refused(_of_patch(here.sight, n, m), got, here, right)


# --- delete ---------------------------------------------------------------------------------------


def _of_delete(sight: Sight, n: int, m: int) -> list[str]:
    found = _aim(n, m).found(sight)
    if len(found) != 1:
        return [SEVERAL] if found else [NOTHING]
    gone = sight.may("delete", sight.records[found[0]])
    return found if gone else [REFUSED if found[0] in sight.read else NOTHING]


async def _delete(here: Here, n: int, m: int) -> list[str]:
    """What there was before, and is not after; of several that match none."""
    aim = _aim(n, m)
    answer = await send(here, n, "DELETE", aim.url)
    gone = [key for key in aim.matches if await is_gone(here, key)]
    for key in gone:
        await taken_back(here, key)
    got = {412: [SEVERAL], 403: [REFUSED], 204: gone or [NOTHING]}[answer.status]
    assert not gone or answer.status == 204, answer
    right = here.sight.deletes(aim.type) and _searches(here.sight, aim.type)
    return _or_refused(_of_delete(here.sight, n, m), got, here, right)


WAYS["conditional create"] = Way(_of_create, _create)
WAYS["conditional update"] = Way(_of_update, _update)
WAYS["conditional patch"] = Way(_of_patch, _patch)
WAYS["conditional delete"] = Way(_of_delete, _delete)
