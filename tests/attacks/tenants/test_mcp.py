"""MCP at the addresses of two institutions: each its own, with metadata of its own; and where it is
off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.mcp_house import calling, of_old, repeated
from tests.tenant_house import MARK, ORIGIN, SOUTH_HOST, TenantHouse, open_tenant_house

pytestmark = pytest.mark.anyio
SOUTH = f"http://{SOUTH_HOST}"
READ = calling("read", type="Patient", id="p")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def post(
    house: TenantHouse, address: str, of: str, said: dict[str, Any], **headers: str
) -> httpx.Response:
    """A message at an address, with a token of an institution."""
    sent = repeated(said) if "_meta" in said["params"] else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    sent |= {"content-type": "application/json"}
    async with house.at(ORIGIN, house.token(of)) as http:
        return await http.post(address, content=json.dumps(said), headers=sent)


async def test_an_institution_is_asked_at_its_own_address_only(tmp_path: Path) -> None:
    async with open_tenant_house(tmp_path / "data") as house:
        for address in (f"{SOUTH}/mcp", f"{ORIGIN}/t/south/mcp"):
            own = await post(house, address, "south", READ)
            assert own.status_code == 200, own.text
            assert MARK in own.text
            other = await post(house, address, "north", READ)
            assert other.status_code == 401
            assert MARK not in other.text
        for address in (f"{ORIGIN}/mcp", f"{ORIGIN}/t/north/mcp"):
            assert (await post(house, address, "south", READ)).status_code == 401
        own = await post(house, f"{ORIGIN}/t/north/mcp", "north", READ)
        assert own.status_code == 200
        assert MARK not in own.text
        begun = await post(house, f"{ORIGIN}/t/north/mcp", "north", of_old("initialize"))
        stolen = {"mcp_session_id": begun.headers["mcp-session-id"]}
        ping = of_old("ping")
        kept = await post(house, f"{ORIGIN}/t/north/mcp", "north", ping, **stolen)
        assert kept.status_code == 200
        assert (await post(house, f"{SOUTH}/mcp", "south", ping, **stolen)).status_code == 404


@pytest.mark.parametrize(
    "root", [ORIGIN, f"{ORIGIN}/t/north", SOUTH], ids=["its own", "by path", "by host"]
)
async def test_a_challenge_leads_to_the_server_that_issues_tokens(
    tmp_path: Path, root: str
) -> None:
    async with (
        open_tenant_house(tmp_path / "data", filled=False) as house,
        house.at(ORIGIN) as http,
    ):
        refused = await http.post(f"{root}/mcp", headers={"content-type": "application/json"})
        assert refused.status_code == 401
        address = refused.headers["www-authenticate"].split('resource_metadata="')[1].split('"')[0]
        assert address.startswith(root)
        metadata = (await http.get(address)).json()
        assert metadata["resource"] == f"{root}/mcp"
        (issuer,) = metadata["authorization_servers"]
        found = (await http.get(f"{issuer}/.well-known/openid-configuration")).json()
        assert found["issuer"] == issuer == root
        assert found["token_endpoint"].startswith(root)


async def test_where_it_is_off_nothing_is_there(tmp_path: Path) -> None:
    off = open_tenant_house(tmp_path / "data", filled=False, mcp="off")
    async with off as house:
        for address in ("/mcp", "/t/north/mcp", "/.well-known/oauth-protected-resource/mcp"):
            assert (await post(house, ORIGIN + address, "north", READ)).status_code in (404, 405)
