"""An authorization server to attack, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryStore
from tests.fhir_house import patient
from tests.launch_house import Launching, open_launching
from tests.oauth_house import Authority, open_authority, registered


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def there() -> AsyncIterator[Authority]:
    """`lab` has keys, `desk` a secret; both may read, and `desk` patients only."""
    async with open_authority(MemoryStore(system_clock)) as authority:
        await authority.add(registered("lab", "system/*.rs", "private_key_jwt"))
        await authority.add(registered("desk", "system/Patient.rs"))
        await authority.house.put(patient("p1"))
        yield authority


@pytest.fixture
async def here() -> AsyncIterator[Launching]:
    """Apps that act for people: see `open_launching`."""
    async with open_launching() as launching:
        yield launching
