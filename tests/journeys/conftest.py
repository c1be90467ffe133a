"""A house over each engine, in this process; and a server as a user would start it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from careplane.kernel.clock import system_clock
from tests import postgres
from tests.contracts.engines import ENGINES
from tests.fhir_house import House, open_house
from tools.bench import server


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=ENGINES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    store = ENGINES[request.param](tmp_path, system_clock)
    try:
        async with open_house(store) as house:
            yield house
    finally:
        await store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """What CAREPLANE_DATABASE says: nothing, or a database that nobody has used."""
    return postgres.url() if request.param == "postgres" else ""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Server]:
    """A server on an empty data folder, in processes of its own, with a token for everything."""
    data = tmp_path_factory.mktemp("served") / "data"
    server.command("init", data=data)
    with server.serving(data) as started:
        yield started
