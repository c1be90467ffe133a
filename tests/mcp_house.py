"""The endpoint of MCP in this process, over a house of records, and messages as a client makes
them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from careplane.access.caller import Caller
from careplane.interop.mcp.catalogue import TOOLS
from careplane.interop.mcp.http import Endpoint
from careplane.interop.mcp.server import Server
from careplane.interop.mcp.sessions import Sessions
from careplane.interop.mcp.tool import Desk
from careplane.interop.mcp.versions import CAPABILITIES, MODERN, VERSION
from careplane.kernel.clock import Clock, system_clock
from careplane.rest.addressing import Addressing
from careplane.rest.links import Pages
from tests.contracts.engines import Store
from tests.fhir_house import House, open_house

ROOT = "https://hospital.test"
LIMIT = 100_000
META = {VERSION: MODERN, CAPABILITIES: {}}
_ids = count(1)


def message(method: str, **params: Any) -> dict[str, Any]:
    """A request of the current version."""
    given = {"_meta": META, **params}
    return {"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": given}


def of_old(method: str, **params: Any) -> dict[str, Any]:
    """A request of a version with sessions."""
    return {"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": params}


def calling(tool: str, **arguments: Any) -> dict[str, Any]:
    """A call of a tool."""
    return message("tools/call", name=tool, arguments=arguments)


def repeated(said: dict[str, Any]) -> dict[str, str]:
    """The headers that go with a message of the current version."""
    headers = {"mcp-protocol-version": MODERN, "mcp-method": said["method"]}
    name = said["params"].get("name", said["params"].get("uri"))
    return {**headers, "mcp-name": name} if name is not None else headers


@dataclass
class Speaking:
    """A caller at the endpoint."""

    http: httpx.AsyncClient
    token: str

    async def post(self, said: Any, **headers: str) -> httpx.Response:
        """Send a message, with more headers, by names with `_` for `-`."""
        usual = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
        }
        if isinstance(said, dict) and VERSION in said.get("params", {}).get("_meta", {}):
            usual |= repeated(said)
        usual |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        sent = {name: value for name, value in usual.items() if value}
        return await self.http.post("/mcp", content=content, headers=sent)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The result of a tool that does its work."""
        result = await self.result(tool, **arguments)
        assert not result["isError"], result
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        return result["structuredContent"]  # type: ignore[no-any-return]

    async def fails(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The one issue of a tool that does not."""
        result = await self.result(tool, **arguments)
        assert result["isError"], result
        outcome = json.loads(result["content"][0]["text"])
        assert outcome["resourceType"] == "OperationOutcome"
        return outcome["issue"][0]  # type: ignore[no-any-return]

    async def result(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Whatever a tool answers."""
        answer = await self.post(calling(tool, **arguments))
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]  # type: ignore[no-any-return]


@dataclass
class There:
    """An endpoint, and who speaks with it."""

    house: House
    http: httpx.AsyncClient

    def of(self, scopes: str, patient: str | None = None) -> Speaking:
        """A caller with these scopes."""
        return self.by(self.house.caller(scopes, patient))

    def by(self, caller: Caller, seconds: int = 600) -> Speaking:
        """This caller."""
        return Speaking(self.http, self.house.tokens.issue(caller, seconds))


@asynccontextmanager
async def open_mcp(
    store: Store,
    *,
    writes: bool = False,
    clock: Clock = system_clock,
    addressing: Addressing | None = None,
    **house: Any,
) -> AsyncIterator[There]:
    """Everything wired, as `app.mcp` does."""
    async with open_house(store, clock=clock, **house) as made:
        server = Server(Desk(made.door, Pages(bytes(32)), clock), TOOLS, writes=writes)
        endpoint = Endpoint(
            server,
            Sessions(Pages(bytes(range(32))), clock),
            made.tokens.resolve,
            addressing or Addressing(ROOT),
            frozenset({"https://assistant.test"}),
            LIMIT,
        )
        transport = httpx.ASGITransport(app=endpoint)
        async with httpx.AsyncClient(transport=transport, base_url=ROOT) as http:
            yield There(made, http)
