"""What every engine says of itself."""

from __future__ import annotations

import pytest

from careplane.storage.ports.records import Tenant, Unit
from tests.contracts import material as m
from tests.contracts.engines import Store

T = Tenant(0)
pytestmark = pytest.mark.anyio


async def test_an_engine_at_rest_has_nothing_that_waits(store: Store) -> None:
    await store.room()
    await store.commit(T, Unit((m.put("Patient", "a"),), audit=b"written"))
    await store.append(T, b"read")
    vitals = await store.vitals()
    assert (vitals.waiting_writes, vitals.stopped_searches, vitals.full) == (0, 0, False)
    assert vitals.waiting_audit <= 2
    assert len(await store.tail(T)) == 2
    assert (await store.vitals()).waiting_audit == 0
