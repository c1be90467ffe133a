"""The register of institutions, and what a process knows of it."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from careplane.access.tenants.institution import FIRST, Institution
from careplane.access.tenants.known import Tenants
from careplane.access.tenants.register import Register
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Conflict, Incorrect, NotFound
from careplane.storage.engines.memory import MemoryState
from careplane.storage.ports.records import Tenant

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def state() -> MemoryState:
    return MemoryState()


@pytest.fixture
def register(state: MemoryState) -> Register:
    return Register(state, system_clock)


def named(name: str, **more: str) -> Institution:
    return Institution(0, name, name.title(), **more)  # type: ignore[arg-type]


async def test_the_first_is_there_and_stays(register: Register) -> None:
    (first,) = await register.all()
    assert (first.tenant, first.name, first.root) == (FIRST, "default", "")
    with pytest.raises(Incorrect):
        await register.change("default", lambda one: replace(one, disabled=True))
    with pytest.raises(Conflict):
        await register.remove("default")
    renamed = await register.change("default", lambda one: replace(one, name="main", number=9))
    assert (renamed.number, renamed.root) == (FIRST, "")


async def test_a_number_is_never_given_again(register: Register) -> None:
    one = await register.add(named("one"))
    assert (one.number, one.root) == (2, "/t/one")
    await register.change("one", lambda found: replace(found, disabled=True))
    await register.remove("one")
    assert (await register.add(named("one"))).number == 3


async def test_of_many_at_once_each_has_a_number(register: Register) -> None:
    made = await asyncio.gather(*[register.add(named(f"n{n}")) for n in range(20)])
    assert sorted(one.number for one in made) == list(range(2, 22))


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a" * 33, "a/b", "a.b", "ä", "a b"])
async def test_a_name_that_is_none_is_refused(register: Register, name: str) -> None:
    with pytest.raises(Incorrect):
        await register.add(Institution(0, name, "Title"))


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "::1",
        "A.example",
        "a.example:80",
        "a..b",
        "-a.b",
        "a/b",
        "a" * 254,
    ],
)
async def test_a_host_that_is_none_is_refused(register: Register, host: str) -> None:
    with pytest.raises(Incorrect):
        await register.add(named("one", host=host))


@pytest.mark.parametrize("title", [" ", "x" * 201, "a\nb", "\u202e"])
async def test_a_title_that_is_none_is_refused(register: Register, title: str) -> None:
    with pytest.raises(Incorrect):
        await register.add(Institution(0, "one", title))


async def test_names_and_hosts_are_not_shared(register: Register) -> None:
    await register.add(named("one", host="one.example"))
    for other in (named("one"), named("two", host="one.example"), named("default")):
        with pytest.raises(Conflict):
            await register.add(other)
    two = await register.add(named("two"))
    with pytest.raises(Conflict):
        await register.change("two", lambda found: replace(found, name="one"))
    assert await register.get("two") == two
    with pytest.raises(NotFound):
        await register.get("three")


async def test_a_process_knows_what_is_served(state: MemoryState, register: Register) -> None:
    known = Tenants(state, system_clock)
    assert [one.name for one in known.all()] == ["default"]
    assert known.is_stale()
    one = await register.add(named("one", host="one.example"))
    await known.look()
    assert not known.is_stale()
    assert known.by_name("one") == known.by_host("one.example") == known.by_number(Tenant(2)) == one
    assert known.by_name("two") is known.by_host("one") is known.by_number(Tenant(3)) is None
    await register.change("one", lambda found: replace(found, disabled=True))
    await known.look()
    assert known.by_name("one") is known.by_host("one.example") is None
    assert [one.name for one in known.all()] == ["default"]


async def test_who_watches_hears_within_seconds(state: MemoryState, register: Register) -> None:
    known = Tenants(state, system_clock)
    await known.watch()
    try:
        await register.add(named("one"))
        async with asyncio.timeout(5):
            while known.by_name("one") is None:
                await asyncio.sleep(0.05)
    finally:
        await known.close()
