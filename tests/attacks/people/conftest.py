"""A hospital whose people are to be impersonated."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.people_house import Hospital, open_hospital


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def there() -> AsyncIterator[Hospital]:
    async with open_hospital() as hospital:
        yield hospital
