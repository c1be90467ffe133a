"""A Consent that names its patient by an absolute address: that of the institution itself counts,
whatever address the installation has, and that of another one is somebody else's patient."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from tests.consent_house import consent, to
from tests.fhir_house import patient
from tests.tenant_house import SOUTH_HOST, TenantHouse, open_tenant_house, put

pytestmark = pytest.mark.anyio
OWN = "https://hospital.test"
BASES = {
    "default": f"{OWN}/fhir",
    "north": f"{OWN}/t/north/fhir",
    "south": f"https://{SOUTH_HOST}/fhir",
}


async def refuse(house: TenantHouse, at: str, base: str) -> None:
    """A patient's refusal, written with a base."""
    denied = {**consent("c", "p", {"type": "deny"}), "patient": to(f"{base}/Patient/p")}
    await put(house.client(at, at), denied)


async def is_closed(house: TenantHouse, at: str) -> bool:
    """Whether a physician is kept out."""
    role = frozenset({"physician"})
    tenant = house.institutions[at].tenant
    caller = Caller(tenant, "Practitioner/d", "D", parse_scopes("user/*.rs"), None, role)
    token = house.here.tokens.issue(caller, 3600)
    root = house.institutions[at].root
    status = (await house.at(f"http://localhost{root}/fhir/", token).get("Patient/p")).status_code
    assert status in (200, 404)
    return status == 404


@pytest.mark.parametrize("at", BASES)
async def test_whose_address_counts(tmp_path: Path, at: str) -> None:
    async with open_tenant_house(tmp_path / "data", filled=False, base_url=OWN) as house:
        await put(house.client(at, at), patient("p"))
        for name, base in BASES.items():
            await refuse(house, at, base)
            assert await is_closed(house, at) is (name == at), name


async def test_a_new_host_counts_without_a_restart(tmp_path: Path) -> None:
    async with open_tenant_house(tmp_path / "data", filled=False, base_url=OWN) as house:
        await put(house.client("south", "south"), patient("p"))
        await refuse(house, "south", "https://new.example/fhir")
        assert not await is_closed(house, "south")
        register, known = house.here.tenancy.register, house.here.tenancy.known
        await register.change("south", lambda one: replace(one, host="new.example"))
        await known.look()
        async with asyncio.timeout(10):
            while not await is_closed(house, "south"):
                await asyncio.sleep(0.1)
