"""What the registry of clients, the list of used assertions and that of revoked tokens promise,
over every engine, as two processes of one installation see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.access.smart.client import Client
from careplane.access.smart.registry import Clients, Used
from careplane.access.smart.standing import LONGEST_SECONDS, Standing
from careplane.access.smart.tokens import Token
from careplane.kernel.errors import Conflict, Incorrect, NotFound
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from tests.contracts.conftest import Hands
from tests.contracts.test_state import STATES
from tests.oauth_house import registered

pytestmark = pytest.mark.anyio
CALLER = Caller(Tenant(1), "client/lab", "Lab", parse_scopes("system/*.rs"))


@pytest.fixture(params=STATES)
async def states(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[StateStore, StateStore]]:
    """The state as two processes have it open."""
    open_state: Callable[[Path], StateStore] = STATES[request.param]
    one = open_state(tmp_path)
    other = one if request.param in ("memory", "postgres") else open_state(tmp_path)
    yield one, other
    for state in {one, other}:
        await state.close()


def token(client: str, generation: int = 0, expires: int = 1 << 33) -> Token:
    return Token(str(uuid4()), CALLER, 0, expires, client, generation)


async def test_a_client_is_registered_once_changed_and_removed(
    states: tuple[StateStore, StateStore],
) -> None:
    here, there = map(Clients, states)
    lab = registered("lab", "system/*.rs system/Observation.cruds?category=laboratory")
    await here.add(lab)
    assert await there.get("lab") == lab
    with pytest.raises(Conflict):
        await there.add(lab)
    await there.add(registered("Ward-7.b_c", "system/*.rs"))
    assert [client.id for client in await here.all()] == ["Ward-7.b_c", "lab"]

    def disabled(client: Client) -> Client:
        return registered("other", "system/*.rs", disabled=True)

    assert (await there.change("lab", disabled)).id == "lab"
    assert (await here.get("lab")).disabled
    await here.remove("lab")
    assert await there.find("lab") is None
    for work in (there.get("lab"), there.remove("lab"), there.change("lab", disabled)):
        with pytest.raises(NotFound):
            await work


async def test_changes_at_the_same_time_are_all_made(
    states: tuple[StateStore, StateStore],
) -> None:
    here, there = map(Clients, states)
    await here.add(registered("lab", "system/*.rs", name="x"))

    def longer(client: Client) -> Client:
        return registered("lab", "system/*.rs", name=client.name + "x")

    await asyncio.gather(*((here, there)[n % 2].change("lab", longer) for n in range(9)))
    assert (await here.get("lab")).name == "x" * 10


@pytest.mark.parametrize(
    "id", ["", "a" * 65, "a/b", "../a", "ä", "a b", ".a", "a\n", "a\0", "operator"]
)
async def test_an_id_that_cannot_be_one_is_refused(
    states: tuple[StateStore, StateStore], id: str
) -> None:
    here = Clients(states[0])
    with pytest.raises(Incorrect):
        await here.add(registered(id, "system/*.rs"))
    assert await here.find(id) is None


@pytest.mark.parametrize("scopes", ["user/*.rs", "patient/Patient.rs", "system/*.rs user/*.rs", ""])
async def test_scopes_that_need_a_person_are_refused(
    states: tuple[StateStore, StateStore], scopes: str
) -> None:
    with pytest.raises(Incorrect, match="system/"):
        await Clients(states[0]).add(registered("lab", scopes))


async def test_of_many_that_use_an_assertion_one_does(
    states: tuple[StateStore, StateStore],
) -> None:
    clock = Hands()
    lists = [Used(state, clock) for state in states]
    now = clock.now // 1_000_000
    used = await asyncio.gather(*(lists[n % 2].use("lab", "j", now + 60) for n in range(10)))
    assert used.count(True) == 1
    assert await lists[0].use("ward", "j", now + 60)
    assert await lists[0].use("lab", "\ud800", now + 60), "any text of JSON will do"
    for used_list in lists:
        await used_list.sweep()
    assert not await lists[1].use("lab", "j", now + 60)
    clock.now += 121_000_000
    await lists[0].sweep()
    assert await lists[1].use("lab", "j", now + 200)


async def test_what_is_revoked_here_is_so_there(states: tuple[StateStore, StateStore]) -> None:
    clock = Hands()
    here, there = (Standing(state, clock) for state in states)
    one, other = token("lab"), token("lab")
    await there.look()
    assert not there.is_revoked(one)
    await here.revoke(one)
    assert here.is_revoked(one)
    await there.look()
    assert [there.is_revoked(each) for each in (one, other, token(""))] == [True, False, False]
    await there.revoke_all("lab")
    await here.look()
    assert [here.is_revoked(each) for each in (one, other, token("ward"))] == [True, True, False]
    later = token("lab", await here.generation("lab"))
    assert not here.is_revoked(later)
    assert not there.is_revoked(later)
    await here.revoke_all("lab")
    await there.look()
    assert there.is_revoked(later)


async def test_what_has_ended_by_itself_is_forgotten_and_the_rest_is_not(
    states: tuple[StateStore, StateStore],
) -> None:
    clock = Hands()
    now = clock.now // 1_000_000
    here, there = (Standing(state, clock) for state in states)
    short, long = token("", expires=now + 10), token("", expires=now + 1_000_000)
    for each in (short, long):
        await here.revoke(each)
    await here.revoke_all("lab")
    clock.now += 11_000_000
    await here.sweep()
    afresh = Standing(states[1], clock)
    await afresh.look()
    assert [afresh.is_revoked(each) for each in (short, long, token("lab"))] == [False, True, True]
    clock.now += LONGEST_SECONDS * 1_000_000
    await there.sweep()
    afresh = Standing(states[0], clock)
    await afresh.look()
    assert [afresh.is_revoked(each) for each in (long, token("lab"))] == [True, False]
