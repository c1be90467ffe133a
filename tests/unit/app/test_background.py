"""Services run on one process at a time, and move on when it ends."""

from __future__ import annotations

import asyncio

import pytest

from careplane.app import background
from careplane.app.background import Background
from careplane.storage.engines.memory import MemoryState

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_one_leads_and_another_follows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_RENEWED_SECONDS", 0.01)
    monkeypatch.setattr(background, "_AGAIN_SECONDS", 0.01)
    state, ran = MemoryState(), []

    async def service() -> None:
        ran.append(1)
        raise ValueError("begun again all the same")

    one, two = (Background(state, lambda: 1_000_000, [service]) for _ in range(2))
    one.start()
    await asyncio.sleep(0.05)
    two.start()
    await asyncio.sleep(0.05)
    assert one.leads
    assert not two.leads
    assert len(ran) > 1
    await one.stop()
    await asyncio.sleep(0.05)
    assert not one.leads
    assert two.leads
    await two.stop()


async def test_a_lease_that_is_not_renewed_passes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_RENEWED_SECONDS", 0.01)
    state, now = MemoryState(), [0]

    async def service() -> None:
        await asyncio.sleep(60)

    lost = Background(state, lambda: 0, [service])
    lost.start()
    await asyncio.sleep(0.02)
    assert lost.leads
    heir = Background(state, lambda: now[0], [service])
    heir.start()
    await asyncio.sleep(0.03)
    assert not heir.leads
    now[0] = 16_000_000
    await asyncio.sleep(0.05)
    assert heir.leads
    assert not lost.leads
    await heir.stop()
    await lost.stop()
