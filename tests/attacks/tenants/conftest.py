"""Two institutions, on a data folder and on a database. What only looks shares a house."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import postgres
from tests.tenant_house import TenantHouse, open_tenant_house


@pytest.fixture(params=["sqlite", "postgres"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TenantHouse]:
    database = postgres.url() if request.param == "postgres" else ""
    data = tmp_path / "data"
    async with open_tenant_house(data, database=database, full_text=True) as opened:
        yield opened
