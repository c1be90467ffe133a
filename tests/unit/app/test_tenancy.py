"""What an institution may have and use: pace, room, services, and what is counted of it."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from careplane.access.tenants.institution import Institution
from careplane.access.tenants.known import Tenants
from careplane.access.tenants.register import Register
from careplane.app.tenancy.each import Each
from careplane.app.tenancy.here import Here
from careplane.app.tenancy.pace import Pace
from careplane.app.tenancy.room import Room
from careplane.app.tenancy.usage import Usage, used
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Busy, Exceeded, TooMany
from careplane.storage.engines.memory import MemoryState
from careplane.storage.ports.records import Tenant

pytestmark = pytest.mark.anyio
ONE, TWO = Tenant(1), Tenant(2)
PERIOD = "careplane.app.tenancy.usage._NOTED_SECONDS"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def tenants() -> Tenants:
    """Of two, the second has quotas."""
    state = MemoryState()
    made = Institution(0, "two", "Two", most_requests=2.0, most_resources=10)
    await Register(state, system_clock).add(made)
    known = Tenants(state, system_clock)
    await known.look()
    return known


async def test_a_pace_allows_a_burst_and_then_its_rate(tenants: Tenants) -> None:
    now = 1_000_000_000
    pace = Pace(tenants, lambda: now)
    for _ in range(10):
        pace.take(TWO)
    with pytest.raises(TooMany, match="come again in 1 s"):
        pace.take(TWO)
    now += 500_000
    pace.take(TWO)
    with pytest.raises(TooMany):
        pace.take(TWO)
    for _ in range(1000):
        pace.take(ONE)
    now += 3_600_000_000
    for _ in range(10):
        pace.take(TWO)
    with pytest.raises(TooMany):
        pace.take(TWO)


async def test_room_is_what_was_last_counted(tenants: Tenants) -> None:
    now, stored, asked = 10_000_000, 3, 0

    async def counts(tenant: Tenant) -> dict[str, int]:
        nonlocal asked
        asked += 1
        if stored < 0:
            raise Busy("later")
        return {"Patient": stored}

    room = Room(tenants, counts, lambda: now)

    async def looked() -> None:
        room.require(TWO)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    await looked()
    stored = 10
    room.require(TWO)  # what was counted is fresh
    now += 2_000_000
    await looked()
    with pytest.raises(Exceeded, match="may store 10 resources and has stored 10"):
        room.require(TWO)
    stored, now = -1, now + 2_000_000
    for _ in range(2):
        with pytest.raises(Exceeded):
            await looked()
        await asyncio.sleep(0)
    stored, now = 9, now + 2_000_000
    with pytest.raises(Exceeded):
        await looked()
    await asyncio.sleep(0)
    room.require(TWO)
    before = asked
    room.require(ONE)
    assert asked == before, "one without a quota is not counted"


async def test_services_follow_the_register() -> None:
    there = [Institution(1, "a", "A"), Institution(2, "b", "B")]
    running: list[str] = []
    begun: list[str] = []

    async def serve(one: Institution) -> None:
        begun.append(one.title)
        running.append(one.title)
        try:
            if one.title == "fails":
                raise Busy("later")
            await asyncio.Event().wait()
        finally:
            running.remove(one.title)

    task = asyncio.create_task(Each(lambda: there, serve)())

    async def until(titles: list[str]) -> None:
        async with asyncio.timeout(5):
            while sorted(running) != titles:
                await asyncio.sleep(0.02)

    await until(["A", "B"])
    there[:] = [replace(there[0], title="A2"), Institution(3, "c", "C")]
    await until(["A2", "C"])
    there.append(Institution(4, "d", "fails"))
    await asyncio.sleep(1.2)
    assert "fails" in begun
    await until(["A2", "C"])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert running == []


async def test_time_is_shared_out_by_requests() -> None:
    state, counted, spent = MemoryState(), {1: (1, 1.0), 2: (3, 3.0)}, 0.0
    usage = Usage(lambda: counted, state, lambda: 5, lambda: spent)
    spent = 2.0
    await usage.note()
    await usage.note()
    counted, spent = {1: (1, 1.0), 2: (4, 4.0)}, 3.0
    await usage.note()
    one, two = await used(state, ONE), await used(state, TWO)
    assert one is not None
    assert two is not None
    assert (one.requests, one.seconds, one.since) == (1, 0.5, 5)
    assert (two.requests, two.seconds) == (4, 2.5)
    assert await used(state, Tenant(3)) is None


async def test_use_is_noted_while_a_process_runs_and_when_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PERIOD, 0.01)
    state, counted = MemoryState(), {1: (2, 2.0)}
    noting = Usage(lambda: counted, state, lambda: 5, lambda: 0.0)
    noting.start()
    async with asyncio.timeout(5):
        while await used(state, ONE) is None:
            await asyncio.sleep(0.01)
    monkeypatch.setattr(PERIOD, 60.0)
    await asyncio.sleep(0.05)
    counted = {1: (3, 3.0)}
    await noting.close()
    noted = await used(state, ONE)
    assert noted is not None
    assert noted.requests == 3


async def test_here_is_of_each_task() -> None:
    here = Here()
    seen: dict[int, list[bool]] = {}

    async def ask(tenant: Tenant) -> None:
        entered = here.enter(tenant)
        await asyncio.sleep(0)
        seen[tenant] = [here.is_here(ONE), here.is_here(TWO)]
        here.leave(entered)
        assert here.is_here(Tenant(3))

    await asyncio.gather(ask(ONE), ask(TWO))
    assert seen == {ONE: [True, False], TWO: [False, True]}
    assert here.is_here(ONE)
    assert here.is_here(TWO)
