"""Attacks on referrals of other institutions that wait to be taken in, by staff who take none in.

Each is made twice: under the ready policies, where it must not get through, and where
`intake.cedar` is taken away, where it must, for else it would prove nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import system_clock
from careplane.sharing.exchange import steps
from careplane.storage.engines.memory import MemoryStore
from tests.fhir_house import TENANT, House, bundle, entry, open_house, patient

pytestmark = pytest.mark.anyio
MARK = "Zyx"
PACKAGE = base64.b64encode(json.dumps({"resourceType": "Bundle", "x": MARK}).encode()).decode()
CAME, WENT_ON = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
WAITING = {
    **steps.incoming({"description": MARK}, "7-t", {"display": "North"}, PACKAGE, CAME),
    "id": "waits",
}
TAKEN = {
    **steps.taken({**WAITING, "id": "was"}, "p", "order", {"reference": "Practitioner/n"}, WENT_ON),
    "id": "goes-on",
    "description": "Nephrology",
}
NURSE = Caller(
    TENANT, "Practitioner/n", "Nurse", parse_scopes("user/*.cruds"), None, frozenset({"nurse"})
)
ROLES = ("nurse", "physician", "trainee", "pharmacist", "front-desk")
NO_GUARD = {"intake.cedar": ""}
Through = Callable[[httpx.AsyncClient], Awaitable[bool]]
"""Makes an attack; whether it got through."""


def shows(url: str, mark: str = MARK) -> Through:
    async def attack(http: httpx.AsyncClient) -> bool:
        text = (await http.get(url)).text
        return mark in text or PACKAGE in text

    return attack


def counts(url: str, more_than: int = 0) -> Through:
    async def attack(http: httpx.AsyncClient) -> bool:
        return bool((await http.get(url)).json().get("total", 0) > more_than)

    return attack


def writes(method: str, url: str, body: Any, kind: str = "application/fhir+json") -> Through:
    async def attack(http: httpx.AsyncClient) -> bool:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await http.request(method, url, content=sent, headers={"content-type": kind})
        return answer.status_code in (200, 204) or MARK in answer.text

    return attack


async def _batch(http: httpx.AsyncClient) -> bool:
    answer = await http.post("", content=bundle("batch", entry("GET", "Task/waits")))
    return MARK in answer.text


GRAPH = b'{"query": "{ Task(id: \\"waits\\") { description } }"}'
ATTACKS: dict[str, Through] = {
    "read": shows("Task/waits"),
    "read of a version": shows("Task/waits/_history/1"),
    "history": shows("Task/waits/_history"),
    "history of the type": shows("Task/_history"),
    "history of everything": shows("_history"),
    "search": shows("Task?code=urn:careplane:task|referral-in"),
    "search of all": shows("Task"),
    "search by identifier": counts("Task?identifier=urn:careplane:exchange|7-t", 1),
    "count": counts("Task?_summary=count", 1),
    "chain": counts("Task?based-on:Task.code=urn:careplane:task|referral-in"),
    "include": shows("Task?_id=goes-on&_include=Task:based-on", '"id":"was"'),
    "what was taken in, by version": shows("Task/was/_history/1"),
    "what was taken in, as it is": shows("Task/was", '"id":"was"'),
    "of its patient": shows("Patient/p/$everything", '"id":"was"'),
    "graphql": writes("POST", "$graphql", GRAPH, "application/json"),
    "batch": _batch,
    "another code": writes("PUT", "Task/waits", {**WAITING, "code": {"text": "x"}}),
    "a patch": writes(
        "PATCH", "Task/waits", b'[{"op":"replace","path":"/priority","value":"urgent"}]',
        "application/json-patch+json",
    ),
}  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _filled(house: House) -> None:
    await house.put(patient("p"))
    await house.put(WAITING)
    was = {**WAITING, "id": "was"}
    await house.put(was)
    await house.put(steps.closed(was, "p", WENT_ON))
    await house.put(TAKEN)


@pytest.mark.parametrize("is_guarded", [True, False], ids=["guarded", "unguarded"])
async def test_no_way_leads_to_what_waits(is_guarded: bool) -> None:
    policies = None if is_guarded else NO_GUARD
    async with open_house(MemoryStore(system_clock), policies=policies) as house:
        for title, attack in ATTACKS.items():
            await _filled(house)
            assert await attack(house.client_of(NURSE)) is not is_guarded, title
        await _filled(house)
        await house.client_of(NURSE).delete("Task/waits")
        assert ((await house.http.get("Task/waits")).status_code == 200) is is_guarded


@pytest.mark.parametrize("role", ROLES)
async def test_nobody_but_who_takes_referrals_in(role: str) -> None:
    async with open_house(MemoryStore(system_clock)) as house:
        await _filled(house)
        for url in ("Task/waits", "Task/waits/_history", "Task", "Task/was/_history/1"):
            here = house.client_of(replace(NURSE, roles=frozenset({role})))
            assert not await shows(url)(here), url
            both = house.client_of(replace(NURSE, roles=frozenset({role, "intake"})))
            assert await shows(url)(both), url
