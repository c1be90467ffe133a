"""What a visit asks of the way that its sound and picture go, over every way: from browser to
browser, through a LiveKit that we play, and through LiveKit itself."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryState
from careplane.telehealth.visits import minding
from careplane.telehealth.visits.media import mesh
from tests import livekit_house
from tests.livekit_house import MOST, Played, Real
from tests.subscription_house import until
from tests.visit_house import CHOICE, DOCTOR, PATIENT, Clinic, Talk, appointment, open_clinic

pytestmark = pytest.mark.anyio
GROUP = {"serviceType": [{"coding": [{"code": "group"}]}]}
WAYS = ("from browser to browser", "a LiveKit that we play", "LiveKit")


@dataclass
class Meeting:
    """A clinic, and the server of its larger visits, where there is one."""

    clinic: Clinic
    server: Played | Real | None

    @property
    def most(self) -> int:
        return MOST if self.server else mesh.MOST

    async def guest(self, doctor: Talk, name: str = "Guest") -> Talk:
        """One more, who waits."""
        talk = self.clinic.talk()
        talk.say("join", guest=await self.clinic.visits.invite(DOCTOR, "a", name))
        talk.seen.append(await talk.hear("welcome"))
        await talk.hear("waiting")
        return talk

    async def filled(self, doctor: Talk, others: int) -> list[Talk]:
        """So many more, who are let in."""
        guests = []
        for n in range(others):
            guests.append(await self.guest(doctor, f"G{n}"))
            doctor.say("admit", seat=seat(guests[-1]))
            await guests[-1].hear("admitted")
        return guests


def seat(talk: Talk) -> str:
    """Of who talks."""
    return str(next(m for m in talk.seen if m["type"] == "welcome")["seat"])


def sfu(talk: Talk) -> dict[str, str]:
    """The way to the server, as it was told last."""
    told = next(m for m in reversed(talk.seen) if m["type"] == "admitted")
    found: dict[str, str] = told["sfu"]
    return found


@contextlib.asynccontextmanager
async def opened(server: Played | Real | None, processes: int = 1) -> AsyncIterator[Meeting]:
    """With a visit of the kind that goes to the server."""
    choice = replace(CHOICE, livekit=server.house() if server else None, kinds=frozenset({"group"}))
    async with open_clinic(MemoryState(), processes, choice) as clinic:
        await clinic.book(**GROUP)
        yield Meeting(clinic, server)
    if server is not None:
        await server.close()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with livekit_house.livekit(tmp_path_factory.mktemp("livekit")) as server:
        yield server.port


@pytest.fixture(params=WAYS)
async def meeting(request: pytest.FixtureRequest) -> AsyncIterator[Meeting]:
    server: Played | Real | None = None
    if request.param == "LiveKit":
        server = Real(request.getfixturevalue("port"))
    elif request.param != WAYS[0]:
        server = Played()
    async with opened(server) as meeting:
        yield meeting


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is looked at more often."""
    monkeypatch.setattr(minding, "_EVERY", 0.05)


async def test_the_way_is_told_to_who_is_let_in_and_to_nobody_else(meeting: Meeting) -> None:
    doctor, ada = await meeting.clinic.together()
    guest = await meeting.guest(doctor)
    guest.say("ice")
    assert (await guest.hear("problem"))["code"] == "state"
    assert not [m for m in guest.seen if "ice" in m or m.get("sfu")], "who waits has no way"
    for talk in (doctor, ada):
        if meeting.server is None:
            assert sfu(talk) is None
        else:
            assert await meeting.server.come(sfu(talk)["token"])
    if meeting.server is not None:
        there = await meeting.server.there(sfu(ada)["room"])
        assert there == {seat(doctor), seat(ada)}, "who comes has the number of a seat"
        assert sfu(doctor)["room"] == sfu(ada)["room"]


async def test_it_takes_so_many_and_no_more(meeting: Meeting) -> None:
    doctor, _ = await meeting.clinic.together()
    await meeting.filled(doctor, meeting.most - 2)
    last = await meeting.guest(doctor)
    doctor.say("admit", seat=seat(last))
    problem = await doctor.hear("problem")
    assert (problem["code"], str(meeting.most) in problem["text"]) == ("full", True)


async def test_who_is_put_out_is_out(meeting: Meeting, soon: None) -> None:
    doctor, ada = await meeting.clinic.together()
    (guest,) = await meeting.filled(doctor, 1)
    server = meeting.server
    if server is not None:
        for talk in (doctor, ada, guest):
            assert await server.come(sfu(talk)["token"])
    doctor.say("remove", seat=seat(guest))
    assert await guest.closed() == 4003
    assert (await ada.hear("left"))["seat"] == seat(guest)
    if server is None:
        return
    room = sfu(ada)["room"]
    await until(lambda: _is(server, room, {seat(doctor), seat(ada)}))
    await server.come(sfu(guest)["token"])  # with a token that has not ended
    await until(lambda: _is(server, room, {seat(doctor), seat(ada)}))


async def test_the_end_is_the_end_there_too(meeting: Meeting) -> None:
    doctor, ada = await meeting.clinic.together()
    way = sfu(ada)
    if meeting.server is not None:
        assert await meeting.server.come(way["token"])
    doctor.say("end")
    assert await ada.closed() == 1000
    if meeting.server is not None:
        server, room = meeting.server, way["room"]
        await until(lambda: _is(server, room, set()))
        assert not await server.come(way["token"]), "there is no such room any more"


async def _is(server: Played | Real, room: str, seats: set[str]) -> bool:
    return await server.there(room) == seats


async def test_a_fifth_brings_all_to_the_server() -> None:
    async with opened(server := Played()) as meeting:
        await meeting.clinic.book()  # of no kind
        doctor, ada = await meeting.clinic.together()
        assert sfu(doctor) is None
        few = await meeting.filled(doctor, 2)
        assert server.asked == []
        (fifth,) = await meeting.filled(doctor, 1)
        for talk in (doctor, ada, *few):
            while not (await talk.hear("admitted"))["sfu"]:
                pass
        ways = [sfu(talk) for talk in (doctor, ada, *few, fifth)]
        assert len({way["room"] for way in ways}) == 1
        assert len({way["token"] for way in ways}) == 5
        assert all([await server.come(way["token"]) for way in ways])
        (call, asked), *_ = server.asked
        assert (call, asked["name"]) == ("CreateRoom", ways[0]["room"])
        assert asked["maxParticipants"] == MOST


async def test_a_server_that_does_not_answer_leaves_four_together() -> None:
    async with opened(server := Played(down=True)) as meeting:
        doctor, ada = await meeting.clinic.together()
        assert sfu(doctor) is sfu(ada) is None, "the visit is for the server, and goes without"
        assert "larger groups" in next(m["text"] for m in doctor.seen if m["type"] == "problem")
        await meeting.filled(doctor, 2)
        fifth = await meeting.guest(doctor)
        doctor.say("admit", seat=seat(fifth))
        while (await doctor.hear("problem"))["code"] != "media":
            pass
        doctor.say("chat", text="Please wait")
        assert (await ada.hear("chatted"))["text"] == "Please wait"
        assert not [m for m in fifth.seen if m["type"] == "admitted"]
        server.down = False
        doctor.say("admit", seat=seat(fifth))
        assert (await fifth.hear("admitted"))["sfu"]
        while not (await ada.hear("admitted"))["sfu"]:
            pass


ILL = [b"", b"{", b"[1]", b'{"participants": 1}', b"x" * 1_100_000]


@pytest.mark.parametrize("ill", ILL, ids=[str(one[:12]) for one in ILL])
async def test_a_server_that_answers_nonsense_does_no_harm(ill: bytes, soon: None) -> None:
    async with opened(server := Played()) as meeting:
        doctor, ada = await meeting.clinic.together()
        server.ill = ill
        doctor.say("chat", text="Here?")
        assert (await ada.hear("chatted"))["text"] == "Here?"
        server.ill = b""
        room = sfu(ada)["room"]
        await server.come(livekit_house.GRANTS.join(room, "a stranger", system_clock()))
        meeting.clinic.clock.now += 61_000_000
        await until(lambda: _is(server, room, set()))


async def test_another_process_goes_on_in_the_same_room_there(soon: None) -> None:
    async with opened(server := Played(), 2) as meeting:
        clinic = meeting.clinic
        doctor, ada = await clinic.together()
        (fifth,) = await meeting.filled(doctor, 1)
        way = sfu(ada)
        for talk in (doctor, ada, fifth):
            assert await server.come(sfu(talk)["token"])
        ada.say("ping")
        resume = (await ada.hear("pong"))["resume"]
        await clinic.processes[0].close()
        assert await ada.closed() == 1012
        back = clinic.talk(1)
        back.say("join", resume=resume)
        await back.hear("admitted")
        assert sfu(back)["room"] == way["room"]
        assert seat(ada) in server.rooms[way["room"]], "sound and picture go on"
        assert seat(fifth) in server.rooms[way["room"]], "who has a minute to come back"
        clinic.clock.now += 61_000_000
        await until(lambda: _is(server, way["room"], {seat(ada)}))


async def test_a_server_that_was_started_anew_has_the_room_again(soon: None) -> None:
    async with opened(server := Played()) as meeting:
        _, ada = await meeting.clinic.together()
        server.rooms.clear()
        room = sfu(ada)["room"]

        async def there() -> bool:
            return room in server.rooms

        await until(there)
        ada.say("ice")
        way = (await ada.hear("relays"))["sfu"]
        assert await server.come(way["token"])


EXPECTED: list[tuple[str, dict[str, Any], bool]] = [
    ("two", {}, False),
    ("two, and a room", {"more": ["Location/r", "HealthcareService/h", "Device/d"]}, False),
    ("four", {"more": ["Practitioner/e", "RelatedPerson/r"]}, False),
    ("one twice", {"more": ["Practitioner/e", "RelatedPerson/r", "RelatedPerson/r"]}, False),
    ("five", {"more": ["Practitioner/e", "PractitionerRole/f", "RelatedPerson/r"]}, True),
    ("two, of a kind", GROUP, True),
    ("of another kind", {"serviceType": [{"coding": [{"code": "x"}]}, {"text": "y"}]}, False),
    ("by its appointmentType", {"appointmentType": {"coding": [{"code": "group"}]}}, True),
]


@pytest.mark.parametrize(("why", "how", "large"), EXPECTED, ids=[one[0] for one in EXPECTED])
async def test_which_visits_are_for_the_server(why: str, how: dict[str, Any], large: bool) -> None:
    async with opened(Played()) as meeting:
        tree = appointment("a", meeting.clinic.clock())
        more = [{"actor": {"reference": one}, "status": "accepted"} for one in how.get("more", [])]
        tree["participant"] += more
        tree |= {k: v for k, v in how.items() if k != "more"}
        for one in how.get("more", []):
            kind, _, id = one.partition("/")
            body: dict[str, Any] = {"resourceType": kind, "id": id}
            if kind == "RelatedPerson":
                body["patient"] = {"reference": "Patient/p"}
            await meeting.clinic.house.put(body)
        await meeting.clinic.house.put(tree)
        standing = await meeting.clinic.visits.standing(PATIENT, "a")
        assert meeting.clinic.visits.is_large(standing.visit) is large


OTHER_KEY = replace(livekit_house.GRANTS, key="another")
OTHER_SECRET = replace(livekit_house.GRANTS, secret="another secret, which LiveKit does not know")
HOUR = 3_600_000_000


def refused(now: int) -> list[tuple[str, str]]:
    """Tokens that are made now, and why each lets nobody in."""
    grants = livekit_house.GRANTS
    return [
        ("one that has ended", grants.join("a", "one", now - HOUR)),
        ("one that is not good yet", grants.join("a", "one", now + HOUR)),
        ("one for a room that is not there", grants.join("b", "one", now)),
        ("one to govern a room by", grants.govern("a", now)),
        ("one to make rooms by", grants.create(now)),
        ("of another key", OTHER_KEY.join("a", "one", now)),
        ("by another secret", OTHER_SECRET.join("a", "one", now)),
        ("changed", grants.join("a", "one", now)[:-6] + "AAAAAA"),
        ("none", ""),
    ]


@pytest.mark.parametrize("which", WAYS[1:])
async def test_tokens_that_let_nobody_in(which: str, request: pytest.FixtureRequest) -> None:
    real = which == "LiveKit"
    server = Real(request.getfixturevalue("port")) if real else Played()
    calls = server.house().calls
    await calls.create("a", MOST)
    now = system_clock()
    for why, token in refused(now):
        assert not await server.come(token), why
    assert await server.come(livekit_house.GRANTS.join("a", "one", now)), "and one that does"
    assert await server.there("a") == {"one"}
    await calls.delete("a")
    await calls.close()
    await server.close()


@pytest.mark.parametrize("which", WAYS[1:])
async def test_a_token_to_come_in_by_governs_nothing(
    which: str, request: pytest.FixtureRequest
) -> None:
    real = which == "LiveKit"
    server = Real(request.getfixturevalue("port")) if real else Played()

    class Stolen(type(livekit_house.GRANTS)):  # type: ignore[misc]
        """Whatever is to be called, with a token of a participant of room a."""

        def create(self, now: int) -> str:
            return self.join("a", "one", now)

        def govern(self, room: str, now: int) -> str:
            return self.join("a", "one", now)

    house = server.house()
    await house.calls.create("a", MOST)
    stolen = replace(house, grants=Stolen(livekit_house.KEY, livekit_house.SECRET))
    stolen.calls._grants = stolen.grants
    for call in (
        stolen.calls.create("b", MOST),
        stolen.calls.there("a"),
        stolen.calls.remove("a", "two"),
        stolen.calls.delete("a"),
    ):
        with pytest.raises(minding.Unreachable, match="401"):
            await call
    await house.calls.close()
    await server.close()
