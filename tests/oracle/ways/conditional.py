"""Writes by criteria: create, update, patch and delete; by themselves, in a batch and in a
transaction. What was written is taken back.

`want` says what must come of it; where a caller has no such right on what matches, a refusal may
come before anything is looked for, and both are right (`_or_refused`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.consent_house import subjects
from tests.fhir_house import bundle, entry
from tests.oracle.population import WORLD
from tests.oracle.rights import Sight
from tests.oracle.way import BROUGHT, Here, Way
from tests.policy_house import Record

WAYS: dict[str, Way] = {}
_TYPES = ("Observation", "Patient", "Condition", "Encounter")
"""What is deleted for a moment must not be what Consents look into, such as a CareTeam."""
_KEYS = tuple(key for key in WORLD if key.split("/")[0] in _TYPES)
_REFUSED, _SEVERAL, _NOTHING = "refused", "several", "nothing"


class _Aim(NamedTuple):
    """The record that is meant, criteria, and what they match of all the rows."""

    key: str
    criteria: str
    matches: tuple[str, ...]

    @property
    def type(self) -> str:
        return self.key.split("/")[0]

    def found(self, sight: Sight) -> list[str]:
        return [key for key in self.matches if key in sight.found]


def _aim(n: int, m: int) -> _Aim:
    """By id; by the ids of two; by patient, or name; by what nothing has."""
    key = _KEYS[n * 7 % len(_KEYS)]
    type, id = key.split("/")
    same = [one for one in _KEYS if one.startswith(f"{type}/")]
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


def _content(n: int, key: str) -> Record:
    """The record without its id: as it is, changed, or moved to another patient."""
    record = {name: value for name, value in WORLD[key].items() if name != "id"}
    if n % 3 == 0:
        return record
    if n % 3 == 1 or "subject" not in record:
        return {**record, **BROUGHT}
    return {**record, **BROUGHT, "subject": {"reference": f"Patient/{_elsewhere(n)}"}}


def _elsewhere(n: int) -> str:
    return f"p{n * 13 % 60}"


class _Answer(NamedTuple):
    status: int
    key: str


async def _send(
    here: Here, n: int, method: str, aim: _Aim, body: Any = None, *, create: bool = False
) -> _Answer:
    """By itself, in a batch or in a transaction."""
    url = aim.type if create else f"{aim.type}?{aim.criteria}"
    if n % 4 < 2:
        headers = {"if-none-exist": aim.criteria} if create else {}
        if method == "PATCH":
            headers["content-type"] = "application/json-patch+json"
        content = None if body is None else json.dumps(body)
        answer = await here.http.request(method, url, content=content, headers=headers)
        return _Answer(answer.status_code, _key_in(answer.headers.get("location", "")))
    if method == "PATCH":
        data = base64.b64encode(json.dumps(body).encode()).decode()
        body = {"resourceType": "Binary", "contentType": "application/json-patch+json",
                "data": data}  # fmt: skip
    more = {"ifNoneExist": aim.criteria} if create else {}
    asked = bundle(("batch", "transaction")[n % 2], entry(method, url, body, **more))
    answer = await here.http.post("", content=asked)
    if answer.status_code != 200:
        return _Answer(answer.status_code, "")
    (one,) = answer.json()["entry"]
    response = one["response"]
    return _Answer(int(response["status"][:3]), _key_in(response.get("location", "")))


def _key_in(location: str) -> str:
    return "/".join(location.split("/_history/")[0].split("/")[-2:])


async def _taken_back(here: Here, key: str) -> None:
    """Put a record of the population back, or away what is none."""
    answer = await (here.plain.put(WORLD[key]) if key in WORLD else here.plain.http.delete(key))
    assert answer.status_code in (200, 201, 204), answer.text


async def _is_gone(here: Here, key: str) -> bool:
    return (await here.plain.http.get(key)).status_code == 410


def _or_refused(want: list[str], got: list[str], here: Here, right: bool) -> list[str]:
    """What came of it; what was wanted, where a refusal came earlier that may."""
    return want if got == [_REFUSED] and not right else got


def _may_create(sight: Sight, content: Record, type: str) -> bool:
    return sight.may("create", {**content, "resourceType": type, "id": "new"})


# --- create ---------------------------------------------------------------------------------------


def _of_create(sight: Sight, n: int, m: int) -> list[str]:
    aim = _aim(n, m)
    found = aim.found(sight)
    if len(found) > 1:
        return [_SEVERAL]
    if found:
        return found
    return ["new"] if _may_create(sight, _content(n, aim.key), aim.type) else [_REFUSED]


async def _create(here: Here, n: int, m: int) -> list[str]:
    aim = _aim(n, m)
    content = _content(n, aim.key)
    answer = await _send(here, n, "POST", aim, content, create=True)
    got = {412: [_SEVERAL], 403: [_REFUSED], 200: [answer.key], 201: ["new"]}[answer.status]
    if answer.status == 201:
        await _taken_back(here, answer.key)
    right = _may_create(here.sight, content, aim.type) and _searches(here.sight, aim.type)
    return _or_refused(_of_create(here.sight, n, m), got, here, right)


def _searches(sight: Sight, type: str) -> bool:
    """Whether something of a type is found; where nothing is, the search itself is refused."""
    return any(key.startswith(f"{type}/") for key in sight.found)


# --- update ---------------------------------------------------------------------------------------


def _of_update(sight: Sight, n: int, m: int) -> list[str]:
    aim = _aim(n, m)
    found = aim.found(sight)
    content = _content(n, aim.key)
    if len(found) > 1:
        return [_SEVERAL]
    if not found:
        return ["new"] if _may_create(sight, content, aim.type) else [_REFUSED]
    return found if _may_replace(sight, found[0], content) else [_REFUSED]


def _may_replace(sight: Sight, key: str, content: Record) -> bool:
    """Who does not see all of a record cannot replace it."""
    after = {**content, "id": key.split("/")[1]}
    whole = not sight.hidden(key).leaves
    return key in sight.update and sight.may("bring", after) and whole


async def _update(here: Here, n: int, m: int) -> list[str]:
    aim = _aim(n, m)
    content = _content(n, aim.key)
    answer = await _send(here, n, "PUT", aim, content)
    got = {412: [_SEVERAL], 403: [_REFUSED], 200: [answer.key], 201: ["new"]}[answer.status]
    if answer.status < 300:
        await _taken_back(here, answer.key)
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
    some = any(key.startswith(f"{type}/") for key in sight.update)
    return some or sight.may("update", {**content, "id": "new"})


# --- patch ----------------------------------------------------------------------------------------


def _patch_of(n: int, key: str) -> tuple[list[Record], Callable[[Record], Record]]:
    """A JSON patch, and what it makes of a record: of another language, or of another patient; of
    another language it cannot make what shows a few elements alone."""
    if n % 3 and "subject" in WORLD[key]:
        aim = f"Patient/{_elsewhere(n)}"
        return (
            [{"op": "add", "path": "/language", "value": "de"},
             {"op": "replace", "path": "/subject/reference", "value": aim}],
            lambda r: {**r, **BROUGHT, "subject": {"reference": aim}},
        )  # fmt: skip
    return [{"op": "add", "path": "/language", "value": "de"}], lambda r: {**r, **BROUGHT}


def _of_patch(sight: Sight, n: int, m: int) -> list[str]:
    aim = _aim(n, m)
    found = aim.found(sight)
    if len(found) != 1:
        return [_SEVERAL] if found else [_REFUSED]
    after = _patch_of(n, aim.key)[1](sight.records[found[0]])
    allowed = found[0] in sight.update and sight.may("bring", after)
    return found if allowed and "*" not in sight.hidden(found[0]).leaves else [_REFUSED]


async def _patch(here: Here, n: int, m: int) -> list[str]:
    """What matches nothing, and what may not be patched, are alike here: nothing is patched."""
    aim = _aim(n, m)
    answer = await _send(here, n, "PATCH", aim, _patch_of(n, aim.key)[0])
    refused = [_REFUSED]
    got = {412: [_SEVERAL], 403: refused, 404: refused, 200: [answer.key]}[answer.status]
    if answer.status == 200:
        await _taken_back(here, answer.key)
    found = aim.found(here.sight)
    exact = all(here.sight.hidden(key).exact for key in found)
    several = len(found) != 1 and _updates(here.sight, aim.type, _content(n, aim.key))
    right = (len(found) == 1 and exact) or several
    return _or_refused(_of_patch(here.sight, n, m), got, here, right)


# --- delete ---------------------------------------------------------------------------------------


def _of_delete(sight: Sight, n: int, m: int) -> list[str]:
    found = _aim(n, m).found(sight)
    if len(found) != 1:
        return [_SEVERAL] if found else [_NOTHING]
    gone = sight.may("delete", sight.records[found[0]])
    return found if gone else [_REFUSED if found[0] in sight.read else _NOTHING]


async def _delete(here: Here, n: int, m: int) -> list[str]:
    """What there was before, and is not after; of several that match none."""
    aim = _aim(n, m)
    answer = await _send(here, n, "DELETE", aim)
    gone = [key for key in aim.matches if await _is_gone(here, key)]
    for key in gone:
        await _taken_back(here, key)
    got = {412: [_SEVERAL], 403: [_REFUSED], 204: gone or [_NOTHING]}[answer.status]
    assert not gone or answer.status == 204, answer
    right = here.sight.deletes(aim.type) and _searches(here.sight, aim.type)
    return _or_refused(_of_delete(here.sight, n, m), got, here, right)


WAYS["conditional create"] = Way(_of_create, _create)
WAYS["conditional update"] = Way(_of_update, _update)
WAYS["conditional patch"] = Way(_of_patch, _patch)
WAYS["conditional delete"] = Way(_of_delete, _delete)
