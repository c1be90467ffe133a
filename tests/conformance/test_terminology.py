"""The terminology tests of the FHIR terminology ecosystem, over HTTP: every test as one case, once
with resources sent along and once with stored ones on each engine, failures named in a YAML list.

Of the modes that the suite has, a general server with hierarchical expansions is asked for; the
tests of mode `tx.fhir.org`, which the suite keeps for that one server, are run as well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import system_clock
from careplane.storage.ports.records import Tenant
from tests.contracts.engines import ENGINES
from tests.fhir_house import House, open_house
from tests.support import test_data
from tests.terminology_suite import Case, cases, differences, to_r5

pytestmark = pytest.mark.anyio

EXPECTED_FAILURES: dict[str, str] = yaml.safe_load(
    Path(__file__).with_name("terminology_failures.yaml").read_text("utf-8")
)
_PATHS = {
    "expand": "ValueSet/$expand",
    "validate-code": "ValueSet/$validate-code",
    "batch-validate": "ValueSet/$batch-validate-code",
    "compare": "ValueSet/$related",
    "cs-validate-code": "CodeSystem/$validate-code",
    "lookup": "CodeSystem/$lookup",
    "translate": "ConceptMap/$translate",
    "metadata": "metadata",
    "term-caps": "metadata?mode=terminology",
}
_STATEMENTS = ("metadata", "term-caps")


@cache
def _cases() -> list[Case]:
    try:
        return cases(test_data("terminology-tests"))
    except pytest.skip.Exception:
        return []


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Server:
    """A server, and a tenant of its own for each suite, which has the suite's resources where they
    are not `sent` along. What is wrong in them on purpose cannot be stored, and is sent along."""

    house: House
    sent: bool
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    along: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    async def client(self, case: Case) -> httpx.AsyncClient:
        if case.suite not in self.clients:
            tenant = Tenant(len(self.clients) + 2)
            caller = Caller(tenant, "client/all", "All", parse_scopes("system/*.cruds"))
            http = self.clients[case.suite] = self.house.client_of(caller)
            along = self.along[case.suite] = [*case.setup] if self.sent else []
            for number, one in enumerate(() if self.sent else case.setup):
                type, id = one["resourceType"], f"s{number}"
                answer = await http.put(f"{type}/{id}", json={**one, "id": id})
                if answer.status_code != 201:
                    along.append(one)
        return self.clients[case.suite]

    async def answer(self, case: Case) -> httpx.Response:
        headers = {**case.headers}
        if case.language:
            headers["accept-language"] = case.language
        http, path = await self.client(case), _PATHS[case.operation]
        if case.operation in _STATEMENTS:
            return await http.get(path, headers=headers)
        return await http.post(path, json=case.request(self.along[case.suite]), headers=headers)


@pytest.fixture(scope="module", params=["memory, sent along", "sqlite, stored", "postgres, stored"])
async def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    engine, _, way = request.param.partition(", ")
    store = ENGINES[engine](tmp_path_factory.mktemp("store"), system_clock)
    try:
        async with open_house(store) as house:
            yield Server(house, way == "sent along")
    finally:
        await store.close()


def cases_in_all() -> int:
    """Each way runs the same tests."""
    return len(_cases())


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case.id)
async def test_terminology(server: Server, case: Case) -> None:
    answer = await server.answer(case)
    wrong: list[str] = []
    if f"{answer.status_code // 100}xx" != case.http:
        wrong.append(f"status {answer.status_code} instead of {case.http}")
    subset = case.operation in _STATEMENTS  # a server says more than what is asked for at least
    said = to_r5(answer.json())
    wrong += min((differences(r, said, subset=subset) for r in case.responses), key=len)
    if case.id in EXPECTED_FAILURES:
        assert wrong, f"{case.id} passes now: take it off the list"
        return
    assert not wrong, "\n".join(wrong)


def test_what_is_on_the_list_is_in_the_suite() -> None:
    if not _cases():
        test_data("terminology-tests")
    assert set(EXPECTED_FAILURES) <= {case.id for case in _cases()}
