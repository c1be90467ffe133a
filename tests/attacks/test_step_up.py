"""Attacks with a proof of who somebody is that is too old: a stolen token or an unlocked browser
exports nothing, opens nothing, destroys nothing, and administers nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.fresh import require_fresh
from careplane.access.scopes import parse_scopes
from careplane.app.build import TENANT
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Unproven
from careplane.records import commands as c
from tests.bulk_house import BulkHouse, open_bulk_house
from tests.fhir_house import bundle, entry, patient
from tests.launch_house import claims_in, open_launching
from tests.people_house import Hospital, open_hospital

pytestmark = pytest.mark.anyio
MINUTE = 60
ALL = "system/*.cruds system/Patient.purge"
REASON = {"name": "reason", "valueString": "Found unconscious in the street"}
OLD, UNKNOWN, FRESH = 6 * MINUTE, None, 4 * MINUTE
ASKS = (
    ("GET", "$export"),
    ("GET", "Patient/$export"),
    ("POST", "$reindex"),
    ("POST", "$relabel"),
    ("POST", "Patient/p/$break-glass"),
    ("POST", "Patient/p/$purge"),
    ("POST", "Patient/q/$erase"),
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[BulkHouse]:
    data = tmp_path / "data"
    async with open_bulk_house(data, break_glass_roles="physician") as house:
        await house.put(patient("p", active=True), patient("q"))
        yield house


def bearer(house: BulkHouse, age: int | None, id: str = "Practitioner/ada", ask: str = "") -> Any:
    """Who proved who it is so many seconds ago; None: nobody knows when."""
    proved = 0 if age is None else system_clock() // 1_000_000 - age
    roles = frozenset({"physician"}) if ask.endswith("$break-glass") else frozenset[str]()
    caller = Caller(TENANT, id, "Ada", parse_scopes(ALL), None, roles, proved=proved)
    return {"authorization": f"Bearer {house.here.tokens.issue(caller, 3600)}"}


async def sent(house: BulkHouse, method: str, path: str, headers: Any) -> httpx.Response:
    body = {"resourceType": "Parameters", "parameter": [REASON]}
    json = body if path.endswith("$break-glass") else None
    return await house.http.request(method, path, headers=headers, json=json)


@pytest.mark.parametrize("age", [OLD, UNKNOWN], ids=["old", "unknown"])
@pytest.mark.parametrize("person", ["Practitioner/ada", "Patient/p", "RelatedPerson/r"])
async def test_an_old_proof_is_refused(house: BulkHouse, age: int | None, person: str) -> None:
    for method, path in ASKS:
        answer = await sent(house, method, path, bearer(house, age, person, path))
        assert answer.status_code == 403, path
        assert "max_age=300" in answer.json()["issue"][0]["diagnostics"], path
        challenge = answer.headers["www-authenticate"]
        assert 'error="insufficient_user_authentication"' in challenge, path
    for there in ("Patient/p", "Patient/q"):
        assert (await house.http.get(there)).headers["etag"] == 'W/"1"'
    officer = Caller(TENANT, "client/officer", "Officer", parse_scopes(ALL))
    assert await house.here.glass.waiting(officer) == []


async def test_a_fresh_proof_passes(house: BulkHouse) -> None:
    for method, path in ASKS:
        answer = await sent(house, method, path, bearer(house, FRESH, ask=path))
        assert answer.status_code in (200, 202), answer.text
    for gone in ("Patient/p", "Patient/q"):
        assert (await house.http.get(gone)).status_code == 404


@pytest.mark.parametrize("id", ["client/lab", "Device/d", "operator"])
async def test_programs_are_not_asked(house: BulkHouse, id: str) -> None:
    for method, path in (("GET", "$export"), ("POST", "$reindex"), ("POST", "Patient/q/$purge")):
        answer = await sent(house, method, path, bearer(house, UNKNOWN, id))
        assert answer.status_code in (200, 202), path


async def test_nor_through_a_bundle_or_later(house: BulkHouse) -> None:
    held = bearer(house, OLD)
    batch = bundle("batch", entry("POST", "Patient/p/$purge", {"resourceType": "Parameters"}))
    answer = await house.http.post("", content=batch, headers=held)
    assert answer.json()["entry"][0]["response"]["status"].startswith("403")
    waits = {**held, "prefer": "respond-async"}
    taken = await house.http.post("Patient/p/$purge", headers=waits)
    url = taken.headers["content-location"]
    while (status := await house.http.get(url, headers=held)).status_code == 202:
        pass
    assert status.json()["entry"][0]["response"]["status"].startswith("403")
    assert (await house.http.get("Patient/p")).status_code == 200


async def test_an_ordinary_read_asks_for_nothing(house: BulkHouse) -> None:
    held = bearer(house, OLD)
    assert (await house.http.get("Patient/p", headers=held)).status_code == 200


async def test_emergency_access_does_not_renew_the_proof(house: BulkHouse) -> None:
    """What is opened with a proof has that proof, not a newer one."""
    proved = system_clock() // 1_000_000 - FRESH
    role = frozenset({"physician"})
    caller = Caller(TENANT, "Practitioner/ada", "Ada", parse_scopes(ALL), None, role, proved=proved)
    opened = await house.here.glass.open(house.here.door, caller, "p", str(REASON["valueString"]))
    assert house.here.tokens.read(opened.token).caller.proved == proved


async def test_a_refreshed_token_keeps_the_old_proof() -> None:
    hours = 0

    def clock() -> int:
        return system_clock() + hours * 3_600_000_000

    async with open_launching(clock) as here, here.person("physician") as person:
        app = here.app("pub")
        first = await app.tokens(person, "launch/patient offline_access patient/*.rs", patient="p1")
        hours = 1
        second = (await app.refresh(first["refresh_token"])).json()
        before, after = (claims_in(one["access_token"]) for one in (first, second))
        assert after["iat"] - before["iat"] >= 3600
        assert after["auth_time"] == before["auth_time"]
        caller = here.there.tokens.read(second["access_token"]).caller
        with pytest.raises(Unproven):
            require_fresh(caller, clock)
        require_fresh(caller, lambda: before["auth_time"] * 1_000_000)


@pytest.fixture
async def there() -> AsyncIterator[Hospital]:
    async with open_hospital() as hospital:
        yield hospital


async def test_emergency_access_on_pages_asks_for_a_fresh_proof(there: Hospital) -> None:
    await there.house.put(patient("p"))
    ada = await there.with_passkey("ada@hospital.test", "Practitioner/ada", "physician")
    browser = there.browser()
    await browser.by_passkey(ada)
    form = {"patient": "p", "reason": str(REASON["valueString"])}
    assert (await browser.get("/emergency")).status_code == 200
    there.clock.now += 6 * MINUTE * 1_000_000
    for answer in (
        await browser.get("/emergency?patient=p"),
        await browser.post("/emergency", form),
    ):
        assert answer.status_code == 303
        assert answer.headers["location"] == "/confirm?next=/emergency%3Fpatient%3Dp"
    assert (
        (await browser.get("/emergency?patient=//evil")).headers["location"].endswith("emergency")
    )
    assert "break-glass" not in {one.interaction for one in await there.house.audit()}
    await browser.by_passkey(ada, path="/confirm")
    opened = await browser.post("/emergency", form)
    assert (opened.status_code, opened.headers["location"]) == (303, "/patients/p")
    assert "break-glass" in {one.interaction for one in await there.house.audit()}


async def test_an_emergency_on_pages_ends_with_the_session(there: Hospital) -> None:
    await there.house.put(patient("p"))
    ada = await there.with_passkey("ada@hospital.test", "Practitioner/ada", "physician")
    eve = await there.with_passkey("eve@hospital.test", "Practitioner/eve", "physician")
    browser = there.browser()
    await browser.by_passkey(ada)
    await browser.post("/emergency", {"patient": "p", "reason": str(REASON["valueString"])})

    async def as_whom() -> list[str]:
        before = len(await there.house.audit())
        await browser.get("/patients/p")
        return [one.interaction for one in (await there.house.audit())[before:]]

    assert any(code.startswith("break-glass:") for code in await as_whom())
    await browser.by_passkey(eve)  # another person at the same browser
    assert not any(code.startswith("break-glass:") for code in await as_whom())


async def test_the_door_asks_wherever_a_call_comes_from(house: BulkHouse) -> None:
    caller = Caller(TENANT, "Practitioner/ada", "Ada", parse_scopes(ALL))
    door = house.here.door
    with pytest.raises(Unproven):
        await door.prepare_export(caller, c.PrepareExport())
    with pytest.raises(Unproven):
        await door.erase(caller, c.Erase("p"))
