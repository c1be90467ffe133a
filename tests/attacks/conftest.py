"""A house over the engines that differ in how they run a plan."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from careplane.kernel.clock import system_clock
from tests.contracts.engines import ENGINES
from tests.fhir_house import House, open_house


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "sqlite"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    store = ENGINES[request.param](tmp_path, system_clock)
    try:
        async with open_house(store) as house:
            yield house
    finally:
        await store.close()
