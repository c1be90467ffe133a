"""A whole installation in this process, with its background, for what Bulk Data does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.app import keys
from careplane.app.build import TENANT, Careplane, build
from careplane.app.settings import Settings
from tests.fhir_house import BASE

SECONDS = 20


@dataclass
class BulkHouse:
    """`http` speaks with all rights, as `client/all`."""

    here: Careplane
    http: httpx.AsyncClient
    data: Path

    def client(self, scopes: str, id: str = "client/other", patient: str | None = None) -> Any:
        """Another client."""
        caller = Caller(TENANT, id, "Other", parse_scopes(scopes), patient)
        return _client(self.here, self.here.tokens.issue(caller, 3600))

    async def put(self, *resources: dict[str, Any]) -> None:
        """Store resources under their own ids."""
        for one in resources:
            answer = await self.http.put(f"{one['resourceType']}/{one['id']}", json=one)
            assert answer.status_code in (200, 201), answer.text

    async def done(self, kickoff: httpx.Response, http: Any = None) -> httpx.Response:
        """The status of a job that was begun, when it is no longer 202."""
        assert kickoff.status_code == 202, kickoff.text
        url = kickoff.headers["content-location"]
        for _ in range(SECONDS * 50):
            answer: httpx.Response = await (http or self.http).get(url)
            if answer.status_code != 202:
                return answer
            assert int(answer.headers["retry-after"]) > 0
            assert len(answer.headers["x-progress"]) < 100
            await asyncio.sleep(0.02)
        raise AssertionError("The job takes too long.")

    async def export(self, path: str, http: Any = None, **more: Any) -> dict[str, Any]:
        """The manifest of an export by GET."""
        answer = await self.done(await (http or self.http).get(path, **more), http)
        assert answer.status_code == 200, answer.text
        manifest: dict[str, Any] = answer.json()
        return manifest

    async def lines(self, url: str, http: Any = None) -> list[dict[str, Any]]:
        """The resources of a file."""
        answer = await (http or self.http).get(url)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/fhir+ndjson"
        return [json.loads(line) for line in answer.text.splitlines()]

    async def output(
        self, manifest: dict[str, Any], kind: str = "output", http: Any = None
    ) -> list[dict[str, Any]]:
        """The resources of all files of a kind; of the type and number that the manifest says."""
        found = []
        for item in manifest[kind]:
            resources = await self.lines(item["url"], http)
            assert len(resources) == item["count"]
            if "type" in item:
                assert {one["resourceType"] for one in resources} == {item["type"]}
            found += resources
        return found


def names(resources: list[dict[str, Any]]) -> list[str]:
    """`Type/id`, sorted."""
    return sorted(f"{one['resourceType']}/{one['id']}" for one in resources)


def _client(here: Careplane, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=here.asgi),
        base_url=BASE + "/",
        headers={"authorization": f"Bearer {token}", "content-type": "application/fhir+json"},
    )


@asynccontextmanager
async def open_bulk_house(data: Path, **settings: Any) -> AsyncIterator[BulkHouse]:
    """Everything wired over a data folder, new or not."""
    if not (data / keys.NAME).exists():
        keys.create(data)
    here = build(Settings(data=data, **settings))
    here.background.start()
    caller = Caller(TENANT, "client/all", "All", parse_scopes("system/*.cruds"))
    try:
        async with _client(here, here.tokens.issue(caller, 3600)) as http:
            yield BulkHouse(here, http, data)
    finally:
        await here.close()
