"""Attacks on Tasks by ways beside the pages: a step that is somebody else's, or none.

Each is made twice: where Tasks are guarded, where it must not get through, and where they are not,
where it must, for else it would prove nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryStore
from tests.fhir_house import bundle, entry, open_house, patient
from tests.tasks_house import KEEPS, WHO, output, task, to

pytestmark = pytest.mark.anyio
Way = Callable[[httpx.AsyncClient, dict[str, Any]], Awaitable[int]]


async def _put(http: httpx.AsyncClient, wanted: dict[str, Any]) -> int:
    return (await http.put(f"Task/{wanted['id']}", json=wanted)).status_code


async def _patch(http: httpx.AsyncClient, wanted: dict[str, Any]) -> int:
    steps = [{"op": "add", "path": f"/{k}", "value": v} for k, v in wanted.items()
             if k not in ("id", "resourceType")]  # fmt: skip
    headers = {"content-type": "application/json-patch+json"}
    return (await http.patch(f"Task/{wanted['id']}", json=steps, headers=headers)).status_code


async def _conditional(http: httpx.AsyncClient, wanted: dict[str, Any]) -> int:
    return (await http.put("Task", params={"_id": wanted["id"]}, json=wanted)).status_code


async def _transaction(http: httpx.AsyncClient, wanted: dict[str, Any]) -> int:
    sent = bundle("transaction", entry("PUT", f"Task/{wanted['id']}", wanted))
    return (await http.post("", content=sent)).status_code


async def _batch(http: httpx.AsyncClient, wanted: dict[str, Any]) -> int:
    answer = await http.post(
        "", content=bundle("batch", entry("PUT", f"Task/{wanted['id']}", wanted))
    )
    return int(answer.json()["entry"][0]["response"]["status"][:3])


WAYS: dict[str, Way] = {
    "put": _put,
    "patch": _patch,
    "conditional update": _conditional,
    "transaction": _transaction,
    "batch": _batch,
}
ATTACKS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a clerk approves a refill": (
        "clerk", task("refill"),
        {"status": "completed", **output("MedicationRequest/warfarin")},
    ),
    "a patient's app approves their own refill": (
        "app", task("refill"),
        {"status": "completed", **output("MedicationRequest/warfarin")},
    ),
    "a refill is declined without a word": ("doctor", task("refill"), {"status": "rejected"}),
    "a sender accepts their own referral": ("doctor", task("referral"), {"status": "accepted"}),
    "a stranger takes a referral": (
        "stranger", task("referral"),
        {"owner": to("Practitioner/x")},
    ),
    "a referral ends without a report": ("colleague", task("referral"), {"status": "completed"}),
    "a result was seen by somebody else": (
        "doctor", task("acknowledge"),
        {"owner": to("Practitioner/e")},
    ),
    "a consult ends beside its thread": ("colleague", task("consult"), {"status": "completed"}),
    "a form is filled without answers": ("app", task("fill-form"), {"status": "in-progress"}),
    "a correction is refused by silence": ("nurse", task("correction"), {"status": "rejected"}),
    "a refill becomes another task": ("doctor", task("refill"), {"code": task("todo")["code"]}),
}  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("is_guarded", [True, False], ids=["guarded", "unguarded"])
async def test_no_way_leads_past_the_steps(is_guarded: bool) -> None:
    async with open_house(MemoryStore(system_clock), keeps=KEEPS if is_guarded else {}) as house:
        await house.put(patient("p"))
        for number, (title, (who, task, change)) in enumerate(ATTACKS.items()):
            before = {**task, "id": f"t{number}"}
            for name, way in WAYS.items():
                await house.put(before)
                status = await way(house.client_of(WHO[who]), {**before, **change})
                assert (status in (403, 409, 422)) is is_guarded, (title, name, status)
            deleted = await house.client_of(WHO["interface"]).delete(f"Task/{before['id']}")
            assert (deleted.status_code == 409) is is_guarded, title
