"""What the signalling of visits promises, over every engine of the state, in one process and in
two."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from careplane.rest.addressing import PLACE, Place
from careplane.storage.engines.memory import MemoryState
from careplane.storage.ports.records import Tenant
from careplane.telehealth.visits.homes import SPACE, Home, Homes
from tests.contracts.test_state import STATES
from tests.fhir_house import TENANT
from tests.subscription_house import until
from tests.visit_house import (
    COLLEAGUE,
    DOCTOR,
    ICE,
    MINUTE,
    PATIENT,
    STRANGER,
    Clinic,
    Talk,
    open_clinic,
)

pytestmark = pytest.mark.anyio
OFFER = {"type": "offer", "sdp": "v=0\r\n"}
CANDIDATE = {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0"}
ROOMS = 50


@pytest.fixture
async def clinic() -> AsyncIterator[Clinic]:
    async with open_clinic(MemoryState()) as clinic:
        yield clinic


@pytest.fixture(params=STATES)
async def two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Clinic]:
    """Two processes over one state."""
    state = STATES[request.param](tmp_path)
    async with open_clinic(state, 2) as clinic:
        yield clinic
    await state.close()


async def pair(one: Talk, other: Talk) -> None:
    """Each signals to the other."""
    ours, theirs = (next(m for m in t.seen if m["type"] == "welcome") for t in (one, other))
    one.say("signal", to=theirs["seat"], description=OFFER)
    heard = await other.hear("signalled")
    assert (heard["seat"], heard["description"]) == (ours["seat"], OFFER)
    other.say("signal", to=ours["seat"], candidate=CANDIDATE)
    heard = await one.hear("signalled")
    assert heard["seat"] == theirs["seat"]
    assert heard["candidate"] | CANDIDATE == heard["candidate"]


@pytest.mark.parametrize(("host", "other"), [(0, 0), (0, 1), (1, 0)])
async def test_two_meet_wherever_their_sockets_are(two: Clinic, host: int, other: int) -> None:
    await two.book()
    doctor, ada = await two.together(host=host, other=other)
    await pair(doctor, ada)
    ada.say("chat", text="Can you hear me?")
    assert (await doctor.hear("chatted"))["text"] == "Can you hear me?"
    assert [p.rooms.open for p in two.processes].count(1) == 1, "one process has the room"
    doctor.say("end")
    await ada.hear("ended")
    assert await ada.closed() == await doctor.closed() == 1000

    async def gone() -> bool:
        return await two.house.state.get(TENANT, SPACE, "a") is None

    await until(gone)
    assert [p.rooms.open for p in two.processes] == [0, 0]


async def test_a_room_moves_when_its_process_stops(two: Clinic) -> None:
    await two.book()
    doctor, ada = await two.together(host=0, other=1)
    resumes = []
    for talk in (doctor, ada):
        talk.say("ping")
        resumes.append((await talk.hear("pong"))["resume"])
    await two.processes[0].close()
    assert await ada.closed() == await doctor.closed() == 1012
    back, again = two.talk(1), two.talk(1)
    back.say("join", resume=resumes[0])
    await back.hear("welcome")
    await back.hear("admitted")
    again.say("join", resume=resumes[1])
    again.seen.append(await again.hear("welcome"))
    await again.hear("admitted")
    back.seen += doctor.seen[:1]
    await pair(back, again)


async def test_a_room_is_taken_over_from_a_process_that_is_gone(two: Clinic) -> None:
    await two.book()
    homes = Homes(two.house.state, two.clock)
    assert await homes.take(TENANT, "a", "/nowhere/rooms", 0)
    doctor = await two.join(DOCTOR)
    await doctor.hear("admitted")


async def test_a_room_on_another_machine_is_said_to_be_there(two: Clinic) -> None:
    await two.book()
    away = Homes(two.house.state, two.clock, "another machine")
    assert await away.take(TENANT, "a", "/nowhere/rooms", 0)
    talk = two.talk()
    talk.say("join", ticket=await two.ticket(DOCTOR))
    assert (await talk.hear("problem"))["code"] == "elsewhere"
    assert await talk.closed() == 1013
    two.clock.now += MINUTE
    doctor = await two.join(DOCTOR)
    await doctor.hear("admitted")
    found, _ = await homes_of(two).of(TENANT, "a")
    assert isinstance(found, Home)
    assert found.node != "another machine"


def homes_of(clinic: Clinic) -> Homes:
    return Homes(clinic.house.state, clinic.clock)


async def test_only_one_of_two_processes_opens_a_room(two: Clinic) -> None:
    await two.book()
    talks = [two.talk(n % 2) for n in range(4)]
    for talk in talks:
        talk.say("join", ticket=await two.ticket(DOCTOR))
    await asyncio.gather(*(talk.hear("admitted") for talk in talks))
    assert sorted(p.rooms.open for p in two.processes) == [0, 1]


async def test_who_waits_is_told_so_and_let_in(clinic: Clinic) -> None:
    await clinic.book()
    ada = await clinic.join(PATIENT)
    waiting = await ada.hear("waiting")
    assert waiting["host"] is False
    ada.say("chat", text="hello?")
    assert (await ada.hear("problem"))["code"] == "state"
    doctor = await clinic.join(DOCTOR)
    admitted = await doctor.hear("admitted")
    assert admitted["peers"] == []
    (knock,) = (await doctor.hear("knocks"))["waiting"]
    assert (knock["name"], knock["role"]) == ("Ada Quinn", "patient")
    doctor.say("admit", seat=knock["seat"])
    (peer,) = (await ada.hear("admitted"))["peers"]
    joined = (await doctor.hear("joined"))["peer"]
    assert (peer["name"], joined["name"]) == ("Dr. D", "Ada Quinn")
    assert peer["polite"] is not joined["polite"], "exactly one of two yields"


async def test_relays_are_told_to_whom_is_let_in_only(clinic: Clinic) -> None:
    await clinic.book()
    doctor, ada = await clinic.together()
    for talk in (ada, doctor):
        before = json.dumps([m for m in talk.seen if m["type"] != "admitted"])
        assert "relay.test" not in before
        stun, turn = next(m for m in talk.seen if m["type"] == "admitted")["ice"]
        assert stun == {"urls": ["stun:relay.test:3478"]}
        ends, _, seat = turn["username"].partition(":")
        assert int(ends) == clinic.clock() // 1_000_000 + 600
        assert seat == next(m for m in talk.seen if m["type"] == "welcome")["seat"]
        assert ICE.secret not in json.dumps(talk.seen)
    clinic.clock.now += 9 * MINUTE
    ada.say("ice")
    renewed = (await ada.hear("relays"))["ice"][1]["username"]
    assert int(renewed.partition(":")[0]) == clinic.clock() // 1_000_000 + 600


async def test_a_socket_comes_back_within_two_seconds_and_misses_nothing(clinic: Clinic) -> None:
    await clinic.book()
    doctor, ada = await clinic.together()
    ada.say("ping")
    resume = (await ada.hear("pong"))["resume"]
    ada.vanish()
    seat = (await doctor.hear("away"))["seat"]
    doctor.say("signal", to=seat, description=OFFER)
    doctor.say("chat", text="are you there?")
    await doctor.hear("chatted")
    began = time.perf_counter()
    back = clinic.talk()
    back.say("join", resume=resume)
    assert (await back.hear("welcome"))["seat"] == seat
    assert (await back.hear("signalled"))["description"] == OFFER
    assert (await back.hear("chatted"))["text"] == "are you there?"
    assert len((await back.hear("admitted"))["peers"]) == 1
    assert time.perf_counter() - began < 2
    assert (await doctor.hear("back"))["seat"] == seat
    assert not [m for m in doctor.seen if m["type"] == "left"]


async def test_a_new_socket_takes_the_place_of_one_that_hangs(clinic: Clinic) -> None:
    await clinic.book()
    doctor, ada = await clinic.together()
    ada.say("ping")
    back = clinic.talk()
    back.say("join", resume=(await ada.hear("pong"))["resume"])
    await back.hear("admitted")
    assert await ada.closed() == 4001
    back.seen += ada.seen[:1]
    await pair(doctor, back)


async def test_who_does_not_come_back_is_gone(clinic: Clinic) -> None:
    await clinic.book()
    doctor, ada = await clinic.together()
    ada.vanish()
    await doctor.hear("away")
    clinic.clock.now += 2 * MINUTE
    await doctor.hear("left")


async def test_who_is_put_out_does_not_come_back(clinic: Clinic) -> None:
    await clinic.book()
    doctor, ada = await clinic.together()
    ada.say("ping")
    resume = (await ada.hear("pong"))["resume"]
    doctor.say("remove", seat=next(m for m in ada.seen if m["type"] == "welcome")["seat"])
    assert await ada.closed() == 4003
    back = clinic.talk()
    back.say("join", resume=resume)
    assert (await back.hear("problem"))["code"] == "access"
    again = await clinic.join(PATIENT)
    await again.hear("waiting")


async def test_rights_are_looked_at_again_on_the_way_back(clinic: Clinic) -> None:
    await clinic.book()
    doctor, ada = await clinic.together()
    ada.say("ping")
    resume = (await ada.hear("pong"))["resume"]
    (consent,) = await clinic.of("Consent")
    await clinic.house.put({**consent, "status": "inactive"})
    back = clinic.talk()
    back.say("join", resume=resume)
    assert (await back.hear("problem"))["code"] == "consent"
    doctor.say("ping")
    resume = (await doctor.hear("pong"))["resume"]
    await clinic.book(of="p", by="Practitioner/e")
    back = clinic.talk()
    back.say("join", resume=resume)
    assert (await back.hear("problem"))["code"] == "access"
    await clinic.book(status="cancelled")
    back = clinic.talk()
    back.say("join", resume=resume)
    assert (await back.hear("problem"))["code"] == "state"


async def test_the_patient_agrees_first(clinic: Clinic) -> None:
    await clinic.book()
    talk = clinic.talk()
    talk.say("join", ticket=await clinic.ticket(PATIENT))
    assert (await talk.hear("problem"))["code"] == "consent"
    assert await talk.closed() == 1008
    assert await clinic.of("Encounter") == []


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("it is too early", {"begins": 31}, "state"),
    ("it is too late", {"begins": -80}, "state"),
    ("it was cancelled", {"status": "cancelled"}, "state"),
    ("it is over", {"status": "fulfilled"}, "state"),
]


@pytest.mark.parametrize(("why", "more", "code"), REFUSED, ids=[one[0] for one in REFUSED])
async def test_a_room_is_open_in_its_time_only(
    clinic: Clinic, why: str, more: dict[str, Any], code: str
) -> None:
    await clinic.book()
    ticket = await clinic.ticket(DOCTOR)
    await clinic.book(**more)
    talk = clinic.talk()
    talk.say("join", ticket=ticket)
    assert (await talk.hear("problem"))["code"] == code


async def test_who_may_not_read_the_appointment_gets_no_ticket_and_no_seat(clinic: Clinic) -> None:
    await clinic.book()
    answer = await clinic.house.client_of(STRANGER).post("Appointment/a/$visit-join")
    assert answer.status_code in (403, 404), answer.text
    await clinic.book("b", of="q")
    ticket = await clinic.ticket(STRANGER, "b")
    await clinic.book("b", of="p")
    talk = clinic.talk()
    talk.say("join", ticket=ticket)
    assert (await talk.hear("problem"))["code"] == "access"


async def test_a_colleague_waits_too(clinic: Clinic) -> None:
    await clinic.book()
    doctor = await clinic.join(DOCTOR)
    colleague = await clinic.join(COLLEAGUE)
    await colleague.hear("waiting")
    colleague.say("admit", seat="x")
    assert (await colleague.hear("problem"))["code"] == "host"
    while not (waiting := (await doctor.hear("knocks"))["waiting"]):
        pass
    assert waiting[0]["role"] == "guest"


async def test_tickets_end_and_are_of_this_house(clinic: Clinic) -> None:
    await clinic.book()
    ticket = await clinic.ticket(DOCTOR)
    clinic.clock.now += 3 * MINUTE
    for shown in (ticket, "x" * 200, ticket[:-4] + "AAAA"):
        talk = clinic.talk()
        talk.say("join", ticket=shown)
        assert (await talk.hear("problem"))["code"] == "access"
    talk = clinic.talk()
    talk.say("join", ticket=await clinic.ticket(DOCTOR), guest="x")
    assert (await talk.hear("problem"))["code"] == "access"


async def test_a_ticket_is_good_at_its_own_tenant_only(clinic: Clinic) -> None:
    await clinic.book()
    talk = Talk(clinic.visits.sockets, {PLACE: Place(Tenant(2), "/t/other")}).open()
    talk.say("join", ticket=await clinic.ticket(DOCTOR))
    assert (await talk.hear("problem"))["code"] == "access"


async def test_a_guest_comes_once_by_a_link_and_waits(two: Clinic) -> None:
    await two.book()
    doctor, _ = await two.together()
    link = await two.visits.invite(DOCTOR, "a", "Interpreter")
    one, other = two.talk(0), two.talk(1)
    for talk in (one, other):
        talk.say("join", guest=link, name="Ana")
    heard = await asyncio.gather(*(talk.hear("waiting", "problem") for talk in (one, other)))
    assert sorted(m["type"] for m in heard) == ["problem", "waiting"], "a link is good once"
    ana = one if heard[0]["type"] == "waiting" else other
    while not (waiting := (await doctor.hear("knocks"))["waiting"]):
        pass
    assert waiting[0]["name"] == "Ana (Interpreter)"
    doctor.say("admit", seat=waiting[0]["seat"])
    assert len((await ana.hear("admitted"))["peers"]) == 2
    ana.say("ping")
    resume = (await ana.hear("pong"))["resume"]
    ana.vanish()
    back = two.talk(1)
    back.say("join", resume=resume)
    await back.hear("admitted")


async def test_a_link_is_bound_to_its_appointment_and_time(clinic: Clinic) -> None:
    await clinic.book(begins=120)
    link = await clinic.visits.invite(PATIENT, "a", "Daughter")
    talk = clinic.talk()
    talk.say("join", guest=link)
    assert (await talk.hear("problem"))["code"] == "state"
    clinic.clock.now += 130 * MINUTE
    talk = clinic.talk()
    talk.say("join", guest=link)
    await talk.hear("waiting")
    other = await clinic.visits.invite(PATIENT, "a", "Son")
    clinic.clock.now += 90 * MINUTE
    talk = clinic.talk()
    talk.say("join", guest=other)
    assert (await talk.hear("problem"))["code"] == "access"


async def test_a_link_ends_with_the_right_of_who_invited(clinic: Clinic) -> None:
    await clinic.book()
    link = await clinic.visits.invite(PATIENT, "a", "Daughter")
    await clinic.book(of="q")
    talk = clinic.talk()
    talk.say("join", guest=link)
    assert (await talk.hear("problem"))["code"] == "access"


async def test_four_take_part_and_no_more(clinic: Clinic) -> None:
    await clinic.book()
    doctor, _ = await clinic.together()
    for n in range(3):
        guest = clinic.talk()
        guest.say("join", guest=await clinic.visits.invite(DOCTOR, "a", f"G{n}"))
        await guest.hear("waiting")
        while not (waiting := (await doctor.hear("knocks"))["waiting"]):
            pass
        doctor.say("admit", seat=waiting[-1]["seat"])
        if n < 2:
            await guest.hear("admitted")
    assert (await doctor.hear("problem"))["code"] == "full"


BAD = [
    ("no JSON", "{"),
    ("no object", "[1]"),
    ("no type", "{}"),
    ("another type", '{"type": "run"}'),
    ("a part that there is not", '{"type": "ping", "more": 1}'),
    ("a number for a text", '{"type": "chat", "text": 1}'),
    ("an empty line", '{"type": "chat", "text": ""}'),
    ("a long line", json.dumps({"type": "chat", "text": "x" * 2_001})),
    ("a document elsewhere", '{"type": "shared", "document": "https://elsewhere.test/x"}'),
    ("deep", "[" * 5_000),
]


@pytest.mark.parametrize(("why", "text"), BAD, ids=[one[0] for one in BAD])
async def test_what_makes_no_sense_ends_the_socket(clinic: Clinic, why: str, text: str) -> None:
    await clinic.book()
    doctor = await clinic.join(DOCTOR)
    doctor.raw(text)
    assert (await doctor.hear("problem"))["code"] == "message"
    assert await doctor.closed() == 1008


async def test_bytes_long_messages_and_floods_end_the_socket(clinic: Clinic) -> None:
    await clinic.book()
    for send, code in ((lambda t: t.raw(None, b"{}"), 1008), (lambda t: t.raw("x" * 70_000), 1009)):
        doctor = await clinic.join(DOCTOR)
        send(doctor)
        assert await doctor.closed() == code
    doctor = await clinic.join(DOCTOR)
    for _ in range(1_000):
        doctor.say("ping")
    assert await doctor.closed() == 1008
    assert sum(m["type"] == "pong" for m in doctor.seen) <= 200
    assert doctor.seen[-1]["code"] == "pace"
    doctor = await clinic.join(DOCTOR)
    for n in range(30):
        doctor.say("chat", text=str(n))
    assert await doctor.closed() == 1008


async def test_a_slow_reader_is_let_go(clinic: Clinic) -> None:
    await clinic.book()
    doctor, ada = await clinic.together()
    seat = next(m for m in ada.seen if m["type"] == "welcome")["seat"]
    stuck = asyncio.Event()
    original = ada.told.put

    async def put(event: Any) -> None:
        if event["type"] == "websocket.send":
            await stuck.wait()
        await original(event)

    ada.told.put = put  # type: ignore[method-assign]
    for _ in range(6):
        for _ in range(150):
            doctor.say("signal", to=seat, candidate=CANDIDATE)
        doctor.say("ping")
        await doctor.hear("pong")
        clinic.clock.now += 10_000_000
    stuck.set()
    assert await ada.closed() == 1013


async def test_who_says_something_before_joining_is_let_go(clinic: Clinic) -> None:
    talk = clinic.talk()
    talk.say("ping")
    assert (await talk.hear("problem"))["code"] == "state"
    assert await talk.closed() == 1008


async def test_one_signals_to_who_is_in_the_room_only(clinic: Clinic) -> None:
    await clinic.book()
    doctor, _ = await clinic.together()
    own = next(m for m in doctor.seen if m["type"] == "welcome")["seat"]
    for to in ("nobody", own):
        doctor.say("signal", to=to, description=OFFER)
        assert (await doctor.hear("problem"))["code"] == "nobody"


async def test_fifty_rooms_are_signalled_at_once(clinic: Clinic) -> None:
    ids = [f"v{n}" for n in range(ROOMS)]
    for id in ids:
        await clinic.book(id)

    async def one(id: str) -> None:
        doctor, ada = await clinic.together(id)
        for _ in range(10):
            await pair(doctor, ada)

    await asyncio.gather(*map(one, ids))
    assert clinic.visits.rooms.open == ROOMS


async def test_nothing_of_the_conversation_is_stored(two: Clinic) -> None:
    await two.book()
    doctor, ada = await two.together()
    await pair(doctor, ada)
    ada.say("chat", text="between us alone")
    await doctor.hear("chatted")
    doctor.say("end")
    await ada.closed()

    async def written() -> bool:
        return [one["status"] for one in await two.of("Encounter")] == ["finished"]

    await until(written)
    stored = json.dumps([await two.of(t) for t in ("Encounter", "Communication", "Appointment")])
    assert "between us" not in stored
    assert await two.of("Communication") == []
    for space in (SPACE, "visit-guest"):
        for _, entry in await two.house.state.scan(None, space):
            assert b"between us" not in entry.value
            assert b"v=0" not in entry.value
