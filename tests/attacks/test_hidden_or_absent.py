"""What is hidden answers as what is not there: the same status, body and headers, whatever is asked
of it and whatever hides it. Both ids have one length, so that even lengths are alike."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import NotFound
from careplane.records import commands as c
from careplane.storage.engines import sqlite
from tests.attacks.test_policy_attacks import FREE, NURSE, RECORDS, THEIRS
from tests.consent_house import actor, consent, labels
from tests.fhir_house import TENANT, House, bundle, entry, observation, open_house

pytestmark = pytest.mark.anyio

HIDDEN, ABSENT = "theirs", "nobody"
WHOSE = ("elsewhere", "here")
"""Of a patient who is hidden as well, and of one who may be seen."""
_VARYING = frozenset({"date", "x-request-id", "traceparent", "x-correlation-id"})
PATCH = [{"op": "replace", "path": "/status", "value": "amended"}]


def _of(id: str, whose: str, **more: Any) -> dict[str, Any]:
    return observation(id, whose, code="brought", **more)


async def _send(
    http: httpx.AsyncClient, method: str, url: str, body: Any = None, **headers: str
) -> httpx.Response:
    content = None if body is None else json.dumps(body)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    names.setdefault("Content-Type", "application/fhir+json")
    return await http.request(method, url, content=content, headers=names)


def _batch(kind: str, method: str, id: str, whose: str, **more: Any) -> Any:
    body = None if method == "DELETE" else _of(id, whose)
    return json.loads(bundle(kind, entry(method, f"Observation/{id}", body, **more)))


ASKED: dict[str, Any] = {
    "read": lambda id, whose: ("GET", f"Observation/{id}"),
    "head": lambda id, whose: ("HEAD", f"Observation/{id}"),
    "read if changed": lambda id, whose: ("GET", f"Observation/{id}", None, 'W/"1"'),
    "vread": lambda id, whose: ("GET", f"Observation/{id}/_history/1"),
    "vread of no version": lambda id, whose: ("GET", f"Observation/{id}/_history/9"),
    "history": lambda id, whose: ("GET", f"Observation/{id}/_history"),
    "search": lambda id, whose: ("GET", f"Observation?_id={id}"),
    "$meta": lambda id, whose: ("GET", f"Observation/{id}/$meta"),
    "$validate": lambda id, whose: ("GET", f"Observation/{id}/$validate"),
    "$validate of an update": lambda id, whose: (
        "POST", f"Observation/{id}/$validate?mode=update", _of(id, whose)),
    "$validate of a deletion": lambda id, whose: (
        "POST", f"Observation/{id}/$validate?mode=delete", {"resourceType": "Parameters"}),
    "$meta-add": lambda id, whose: ("POST", f"Observation/{id}/$meta-add", TAGGED),
    "put": lambda id, whose: ("PUT", f"Observation/{id}", _of(id, whose)),
    "put of what is there": lambda id, whose: (
        "PUT", f"Observation/{id}", observation(id, whose, code="theirs", valueString="Zyx")),
    "put with a label": lambda id, whose: (
        "PUT", f"Observation/{id}", _of(id, whose, meta=labels("R"))),
    "put that is wrong": lambda id, whose: (
        "PUT", f"Observation/{id}", {**_of(id, whose), "status": 5}),
    "put if none": lambda id, whose: ("PUT", f"Observation/{id}", _of(id, whose), "", "*"),
    "put if the first": lambda id, whose: ("PUT", f"Observation/{id}", _of(id, whose), 'W/"1"'),
    "put if the ninth": lambda id, whose: ("PUT", f"Observation/{id}", _of(id, whose), 'W/"9"'),
    "put by criteria, with an id": lambda id, whose: (
        "PUT", "Observation?code=nothing", _of(id, whose)),
    "put by criteria that name it": lambda id, whose: (
        "PUT", f"Observation?_id={id}", _of(id, whose)),
    "patch": lambda id, whose: ("PATCH", f"Observation/{id}", PATCH),
    "patch if the ninth": lambda id, whose: ("PATCH", f"Observation/{id}", PATCH, 'W/"9"'),
    "patch by criteria": lambda id, whose: ("PATCH", f"Observation?_id={id}", PATCH),
    "delete": lambda id, whose: ("DELETE", f"Observation/{id}"),
    "delete if the first": lambda id, whose: ("DELETE", f"Observation/{id}", None, 'W/"1"'),
    "delete by criteria": lambda id, whose: ("DELETE", f"Observation?_id={id}"),
    **{
        f"{method} in a {kind}{text}": (
            lambda id, whose, kind=kind, method=method, more=more: (
                "POST", "", _batch(kind, method, id, whose, **more)))
        for kind in ("batch", "transaction")
        for method, text, more in (
            ("PUT", "", {}), ("PUT", " if none", {"ifNoneMatch": "*"}),
            ("PUT", " if the first", {"ifMatch": 'W/"1"'}), ("DELETE", "", {}),
            ("DELETE", " if the first", {"ifMatch": 'W/"1"'}),
        )
    },
}  # fmt: skip
TAGGED = {
    "resourceType": "Parameters",
    "parameter": [{"name": "meta", "valueMeta": {"tag": [{"system": "http://x", "code": "y"}]}}],
}  # fmt: skip


async def _asked(http: httpx.AsyncClient, name: str, id: str, whose: str) -> Any:
    method, url, *rest = ASKED[name](id, whose)
    body, if_match, if_none = (*rest, *(None, "", "")[len(rest) :])
    headers = {}
    if if_match:
        headers["If_None_Match" if method == "GET" else "If_Match"] = if_match
    if if_none:
        headers["If_None_Match"] = if_none
    if method == "PATCH":
        headers["Content_Type"] = "application/json-patch+json"
    answer = await _send(http, method, url, body, **headers)
    text = answer.text.replace(id, "ID")
    kept = {k: v.replace(id, "ID") for k, v in answer.headers.items() if k not in _VARYING}
    if answer.headers.get("content-type", "").startswith("application/fhir+json") and text:
        tree = json.loads(text)
        for varying in ("id", "meta", "timestamp"):
            tree.pop(varying, None)
        text = json.dumps(tree)
    return answer.status_code, text, kept


DENIAL = consent("no", "elsewhere", {"type": "deny", "actor": [actor("Practitioner/n")]})
CLERK = replace(FREE, roles=frozenset({"clerk"}))
ALL_BUT_ONE = """permit (principal in Role::"clerk", action, resource);
forbid (principal in Role::"clerk", action, resource is Observation)
when { resource.matches.contains("code=theirs") };"""
MASKED = '@hides("Observation.note") ' + ALL_BUT_ONE
HIDDEN_BY: dict[str, tuple[Caller, str, list[dict[str, Any]]]] = {
    "a consent": (FREE, "", [DENIAL]),
    "part 2": (FREE, "", [{**THEIRS, "meta": labels("42CFRPart2")}]),
    "a role": (NURSE, "", []),
    "a policy": (CLERK, ALL_BUT_ONE, []),
    "a policy, and a mask": (CLERK, MASKED, []),
    "a policy, and a consent": (CLERK, ALL_BUT_ONE, [DENIAL]),
}


@pytest.mark.parametrize("by", HIDDEN_BY)
async def test_what_is_hidden_answers_as_what_is_not_there(house: House, by: str) -> None:
    caller, policy, more = HIDDEN_BY[by]
    for record in [*RECORDS, *more]:
        await house.put(record)
    policies = {"clerk.cedar": policy} if policy else None
    different: list[str] = []
    async with open_house(house.store, policies=policies) as again, again.client_of(caller) as http:
        for name in ASKED:
            for whose in WHOSE:
                hidden = await _asked(http, name, HIDDEN, whose)
                absent = await _asked(http, name, ABSENT, whose)
                if hidden != absent:
                    different.append(f"{name}, of {whose}: {hidden} {absent}")
    assert not different, "\n".join(different)
    kept = await house.store.read(TENANT, "Observation", HIDDEN)
    assert kept is not None
    assert b"Zyx" in kept.rest
    assert await house.store.read(TENANT, "Observation", ABSENT) is None


TIMED: dict[str, Callable[[House, Caller, str], Awaitable[object]]] = {
    "read": lambda house, caller, id: house.door.read(caller, c.Read("Observation", id)),
    "vread": lambda house, caller, id: house.door.vread(caller, c.Vread("Observation", id, 1)),
}


@pytest.mark.parametrize("by", HIDDEN_BY)
async def test_time_does_not_tell_what_is_hidden(tmp_path: Path, by: str) -> None:
    """Processor time, asked in turns: the medians are alike."""
    caller, policy, more = HIDDEN_BY[by]
    store = sqlite.open(tmp_path, bytes(range(32)), system_clock)
    policies = {"clerk.cedar": policy} if policy else None
    async with open_house(store, policies=policies) as house:
        for record in [*RECORDS, *more]:
            await house.put(record)
        for name, ask in TIMED.items():
            taken: dict[str, list[int]] = {HIDDEN: [], ABSENT: []}
            for _ in range(400):
                for id, times in taken.items():
                    began = time.thread_time_ns()
                    with pytest.raises(NotFound):
                        await ask(house, caller, id)
                    times.append(time.thread_time_ns() - began)
            ratio = median(taken[HIDDEN]) / median(taken[ABSENT])
            assert 0.75 < ratio < 1.33, f"{name}: {ratio}"
    await store.close()


async def test_a_system_goes_on_when_a_patient_denies_something(house: House) -> None:
    """It brings records under ids of its own; what is hidden from it, it cannot replace."""
    system = replace(FREE, id="client/lab", scopes=parse_scopes("system/*.cruds"))
    for record in [*RECORDS, consent("no", "elsewhere", {"type": "deny"})]:
        await house.put(record)
    async with house.client_of(system) as http:
        url = f"Observation/{ABSENT}"
        assert (await http.put(url, json=_of(ABSENT, "here"))).status_code == 201
        url = f"Observation/{HIDDEN}"
        assert (await http.put(url, json=_of(HIDDEN, "here"))).status_code == 403
