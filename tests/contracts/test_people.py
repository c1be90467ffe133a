"""What accounts, proofs, invitations and sessions promise, over every engine, as two processes of
one installation see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from careplane.access.people.changes import Changes
from careplane.access.people.invitations import Invitations
from careplane.access.people.once import Challenges
from careplane.access.people.people import People
from careplane.access.people.proofs import Book, Proofs
from careplane.access.people.refusal import NotProven
from careplane.access.people.registry import Users
from careplane.access.people.user import Charge, User
from careplane.kernel.errors import Conflict, NotFound
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from tests.contracts.conftest import Hands
from tests.contracts.test_state import STATES
from tests.people_house import over

pytestmark = pytest.mark.anyio
ONE, TWO = Tenant(1), Tenant(2)
ADA = User("ada", 1, "Ada@Hospital.test", "Ada", ("Practitioner/ada",), ("nurse",), 0)


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


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def processes(states: tuple[StateStore, StateStore], clock: Hands) -> tuple[People, People]:
    here, there = (over(state, clock) for state in states)
    return here, there


async def test_a_login_and_a_resource_belong_to_one_user(
    states: tuple[StateStore, StateStore],
) -> None:
    here, there = map(Users, states)
    await here.add(ADA)
    assert await there.by_login(ONE, " ADA@hospital.test ") == await here.get(ONE, "ada")
    for other in (
        replace(ADA, id="eve", resources=("Practitioner/eve",)),
        replace(ADA, id="eve", login="eve"),
    ):
        with pytest.raises(Conflict):
            await there.add(other)
    assert [user.id for user in await there.all(ONE)] == ["ada"]
    await there.add(replace(ADA, id="eve", login="eve", resources=("Practitioner/eve",)))
    await there.add(replace(ADA, tenant=2))
    assert (await here.named(ONE, "eve")).id == (await here.named(ONE, "EVE")).id == "eve"
    await here.remove(ONE, "ada")
    assert await there.by_login(ONE, ADA.login) is None
    assert await there.by_login(TWO, ADA.login)
    with pytest.raises(NotFound):
        await there.get(ONE, "ada")
    await there.add(replace(ADA, id="new"))


async def test_of_many_who_want_a_login_one_gets_it(
    states: tuple[StateStore, StateStore],
) -> None:
    users = [Users(state) for state in states]
    wanted = [replace(ADA, id=f"u{n}", resources=(f"Practitioner/{n}",)) for n in range(8)]
    found = await asyncio.gather(
        *(users[n % 2].add(user) for n, user in enumerate(wanted)), return_exceptions=True
    )
    assert sum(isinstance(one, User) for one in found) == 1
    assert len(await users[0].all(ONE)) == 1
    (kept,) = await users[1].all(ONE)
    for other in wanted:
        if other.id != kept.id:
            await users[0].add(replace(other, login=other.id))


async def test_what_a_crash_left_of_a_user_is_in_nobodys_way(
    states: tuple[StateStore, StateStore],
) -> None:
    here, there = map(Users, states)
    await here.add(ADA)
    await states[0].drop(ONE, "people", "ada")
    assert (await there.add(replace(ADA, id="new"))).id == "new"


async def test_changes_at_the_same_time_are_all_made(
    states: tuple[StateStore, StateStore],
) -> None:
    users, books = [Users(state) for state in states], [Book(state) for state in states]
    await users[0].add(ADA)

    def longer(user: User) -> User:
        return replace(user, name=user.name + "x", login="other", resources=("Patient/x",))

    await asyncio.gather(*(users[n % 2].change(ONE, "ada", longer) for n in range(10)))
    after = await users[0].get(ONE, "ada")
    assert (after.name, after.login) == ("Ada" + "x" * 10, "ada@hospital.test")
    assert after.resources == ("Practitioner/ada",)
    await asyncio.gather(
        *(
            books[n % 2].change(ONE, "ada", lambda now: replace(now, step=now.step + 1))
            for n in range(10)
        )
    )
    assert (await books[1].get(ONE, "ada")).step == 10
    assert await books[0].get(TWO, "ada") == Proofs()
    await books[0].forget(ONE, "ada")
    assert await books[1].get(ONE, "ada") == Proofs()


async def test_of_many_who_use_a_challenge_or_an_invitation_one_does(
    states: tuple[StateStore, StateStore], clock: Hands
) -> None:
    lists = [Challenges(state, bytes(32), clock) for state in states]
    invitations = [Invitations(state, clock) for state in states]
    challenge, code = lists[0].make("sign-in"), await invitations[0].make(ONE, "ada")
    for used in (
        [lists[n % 2].use(challenge) for n in range(8)],
        [invitations[n % 2].use(code) for n in range(8)],
    ):
        found = await asyncio.gather(*used, return_exceptions=True)
        assert sum(one is None for one in found) == 1
        assert sum(isinstance(one, NotProven) for one in found) == 7
    await lists[0].sweep()
    with pytest.raises(NotProven):
        await lists[1].use(challenge)
    clock.now += 400_000_000
    await lists[0].sweep()
    with pytest.raises(NotProven):
        lists[1].check(challenge, "sign-in")


async def test_a_session_is_one_on_every_process(
    processes: tuple[People, People], clock: Hands
) -> None:
    here, there = processes
    user, _ = await here.registrar.add(ONE, "ada", "Ada", ("Practitioner/ada",), ("nurse",))
    session, cookie = await here.sessions.open(user, ("pop",), "Firefox", "192.0.2.1")
    assert await there.sessions.who(cookie) == session
    assert [one.key for one in await there.sessions.of(ONE, user.id)] == [session.key]
    renewed = await there.sessions.renew(session, ("pwd", "otp"))
    await here.changes.look()
    assert await here.sessions.who(cookie) is None
    now = await here.sessions.who(renewed.cookie)
    assert now
    assert now.amr == ("pwd", "otp")
    assert now.until == session.until == clock.now // 1_000_000 + 43_200
    await there.registrar.grant(ONE, user.id, "physician")
    await here.changes.look()
    now = await here.sessions.who(renewed.cookie)
    assert now
    assert now.roles == {"nurse", "physician"}
    await there.sessions.end_all(ONE, user.id)
    await here.changes.look()
    assert await here.sessions.who(renewed.cookie) is None
    assert await here.sessions.of(ONE, user.id) == []


async def test_a_person_as_he_is_now_without_a_browser(
    processes: tuple[People, People], states: tuple[StateStore, StateStore], clock: Hands
) -> None:
    here, there = processes

    async def charges(tenant: Tenant, related: tuple[str, ...]) -> list[Charge]:
        return [Charge("RelatedPerson/b", "kid", "Kid")]

    proxies = over(states[0], clock, charges=charges)
    user, _ = await here.registrar.add(ONE, "ada", "Ada", ("Practitioner/ada",), ("nurse",))
    await here.registrar.add(ONE, "mum", "Mum", ("RelatedPerson/a", "RelatedPerson/b"))
    now = await there.who.now(ONE, "Practitioner/ada")
    assert now
    assert (now.user, now.roles, now.amr) == (user.id, {"nurse"}, ())
    assert await there.who.now(TWO, "Practitioner/ada") is None
    assert await there.who.now(ONE, "Practitioner/eve") is None
    mum = await proxies.who.now(ONE, "RelatedPerson/b")
    assert mum
    assert (mum.id, mum.patient) == ("RelatedPerson/b", "kid")
    assert await proxies.who.now(ONE, "RelatedPerson/a") is None, "not active any more"
    await here.registrar.disable(ONE, user.id)
    assert await there.who.now(ONE, "Practitioner/ada") is None


async def test_use_here_keeps_a_session_there(
    processes: tuple[People, People], clock: Hands
) -> None:
    here, there = processes
    user, _ = await here.registrar.add(ONE, "ada", "Ada", ("Practitioner/ada",), ("nurse",))
    _, cookie = await here.sessions.open(user, ("pop",), "", "")
    assert await there.sessions.who(cookie)
    for _ in range(20):
        clock.now += 60_000_000
        assert await here.sessions.who(cookie)
    assert await there.sessions.who(cookie), "idle here, but not there"
    clock.now += 900_000_000
    assert await there.sessions.who(cookie) is None
    assert await here.sessions.who(cookie) is None


async def test_the_oldest_of_many_sessions_end_and_those_that_are_over_are_forgotten(
    processes: tuple[People, People], states: tuple[StateStore, StateStore], clock: Hands
) -> None:
    here, there = processes
    user, _ = await here.registrar.add(ONE, "ada", "Ada", ("Practitioner/ada",), ("nurse",))
    cookies = []
    for _ in range(53):
        clock.now += 1
        cookies.append((await here.sessions.open(user, ("pop",), "", "")).cookie)
    assert len(await there.sessions.of(ONE, user.id)) == 50
    assert await there.sessions.who(cookies[2]) is None
    assert await there.sessions.who(cookies[3])
    await there.sweep((ONE,))
    assert len(await here.sessions.of(ONE, user.id)) == 50
    clock.now += 900_000_000
    await there.sweep((ONE, TWO))
    assert not await states[0].scan(None, "people-session")


async def test_who_missed_too_many_changes_forgets_all(
    states: tuple[StateStore, StateStore], clock: Hands
) -> None:
    here, there = (Changes(state, clock) for state in states)
    heard: list[list[str] | None] = []
    there.forget = lambda names: heard.append(None if names is None else list(names))
    await there.look()
    await here.tell("a")
    await here.tell("b")
    await there.look()
    await there.look()
    for n in range(300):
        await here.tell(f"n{n}")
    await there.look()
    await here.tell("c")
    await there.look()
    assert heard == [None, ["a", "b"], None, ["c"]]
    await asyncio.gather(*((here, there)[n % 2].tell("d") for n in range(10)))
    await there.look()
    assert sum(len(names) for names in heard[4:] if names) == 10


async def test_how_a_person_wants_to_be_spoken_to_is_known_in_every_session(
    processes: tuple[People, People], states: tuple[StateStore, StateStore]
) -> None:
    here, there = processes
    ada = await Users(states[0]).add(ADA)
    one = await here.sessions.open(ada, ("pwd",), "", "")
    other = await there.sessions.open(ada, ("pwd",), "", "")
    assert (one.session.language, one.session.zone) == ("", "")
    await here.sessions.prefer(one.session, "ar", "Asia/Amman")
    there.sessions._forget(None)  # as within a second, see `changes`
    for sessions, cookie in ((here.sessions, one.cookie), (there.sessions, other.cookie)):
        session = await sessions.who(cookie)
        assert session is not None
        assert (session.language, session.zone) == ("ar", "Asia/Amman")
        assert session.roles == {"nurse"}
    again = await there.sessions.open(await Users(states[1]).get(ONE, "ada"), ("pwd",), "", "")
    assert again.session.language == "ar"
