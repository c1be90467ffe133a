"""Messages over every engine: who has a thread, what is read, what stays, and what patients never
find."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from careplane.kernel.errors import CareplaneError, Conflict, Forbidden, NotFound, TooMany
from careplane.telehealth.messages.messages import Limits
from careplane.telehealth.messages.parties import Party
from careplane.telehealth.messages.thread import Attached
from tests.contracts.engines import Store
from tests.messages_house import (
    APP,
    COLLEAGUE,
    DESK,
    DOCTOR,
    NURSE,
    PATIENT,
    PROXY,
    STRANGER,
    Practice,
    open_practice,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def practice(store: Store) -> AsyncIterator[Practice]:
    async with open_practice(store) as practice:
        yield practice


async def test_of_two_who_take_it_at_once_one_does(practice: Practice) -> None:
    id = await practice.write()
    takes = [practice.messages.take(who, id) for who in (DOCTOR, COLLEAGUE, NURSE) * 4]
    answers = await asyncio.gather(*takes, return_exceptions=True)
    owner = (await practice.messages.head(DOCTOR, id)).owner.reference
    mine = {one.id for one in (DOCTOR, COLLEAGUE, NURSE)}
    assert owner in mine
    assert Counter(type(one) for one in answers) == {type(None): 4, Conflict: 8}


async def test_a_message_goes_its_way(practice: Practice) -> None:
    id = await practice.write()
    (line,) = await practice.box(DOCTOR)
    assert (line.thread.title, line.unread, line.thread.is_untaken) == ("A question", 1, True)
    assert [await practice.unread(who) for who in (DOCTOR, NURSE, DESK, PATIENT)] == [1, 1, 0, 0]
    assert await practice.read(NURSE, id) == 1
    assert await practice.unread(DOCTOR) == 0
    await practice.messages.take(DOCTOR, id)
    await practice.messages.reply(DOCTOR, id, "No, it is not.")
    assert await practice.box(DOCTOR) == []
    assert await practice.unread(PATIENT) == 1
    assert await practice.read(PATIENT, id) == 1
    assert await practice.read(PATIENT, id) == 0
    await practice.messages.close(DOCTOR, id)
    assert [line.thread.id for line in await practice.box(NURSE, "closed")] == [id]
    await practice.messages.reply(PATIENT, id, "Are you sure?")
    (line,) = await practice.box(DOCTOR)
    assert (line.thread.owner.reference, line.unread) == (DOCTOR.id, 1)


async def test_a_receipt_says_who_and_when(practice: Practice) -> None:
    id = await practice.write()
    await practice.read(NURSE, id)
    (found,) = (await practice.http.get(f"Communication?part-of=Communication/{id}")).json()[
        "entry"
    ]
    message = found["resource"]
    (receipt,) = message["extension"]
    parts = {one["url"]: one for one in receipt["extension"]}
    assert parts["reader"]["valueReference"]["reference"] == NURSE.id
    assert parts["at"]["valueDateTime"] == message["received"]


async def test_answers_at_once_all_come(practice: Practice) -> None:
    id = await practice.write()
    practice.clock.now += 1_000_000
    texts = [f"Answer {number}" for number in range(8)]
    await asyncio.gather(*(practice.messages.reply(DOCTOR, id, text) for text in texts))
    assert sorted((await practice.within(PATIENT, id))[1:]) == texts


async def test_a_thread_is_handed_over_with_a_note(practice: Practice) -> None:
    id = await practice.write()
    await practice.messages.take(NURSE, id)
    with pytest.raises(Conflict, match="Nia Nash has taken"):
        await practice.messages.take(DOCTOR, id)
    await practice.messages.hand_over(NURSE, id, DOCTOR.id, "Please look at the rash.")
    assert "Please look at the rash." in await practice.within(DOCTOR, id)
    assert await practice.within(PATIENT, id) == ["Is it serious?"]
    await practice.messages.take(COLLEAGUE, id, instead_of=DOCTOR.id)
    await practice.messages.hand_over(COLLEAGUE, id, "HealthcareService/desk", "About the bill.")
    head = await practice.messages.head(DESK, id)
    assert (head.owner.reference, [one.name for one in head.pools]) == ("", ["Desk"])
    assert (head.topic, await practice.within(DESK, id)) == ("appointment", ["About the bill."])


async def test_each_topic_has_its_pool(practice: Practice) -> None:
    billing = await practice.write(topic="billing")
    medical = await practice.write(topic="medical")
    assert [line.thread.id for line in await practice.box(DESK)] == [billing]
    assert await practice.within(DESK, billing) == ["Is it serious?"]
    with pytest.raises(NotFound):
        await practice.messages.head(DESK, medical)
    with pytest.raises((NotFound, Forbidden)):
        await practice.messages.take(DESK, medical)
    await practice.messages.reply(DESK, billing, "It is paid.")


async def test_others_find_nothing(practice: Practice) -> None:
    id = await practice.write()
    assert await practice.box(STRANGER, "open") == []
    with pytest.raises(NotFound):
        await practice.messages.head(STRANGER, id)
    with pytest.raises(NotFound):
        await practice.messages.reply(STRANGER, id, "Hello")


async def test_who_acts_for_a_patient_writes_for_them(practice: Practice) -> None:
    id = await practice.write(PROXY)
    head = await practice.messages.head(PATIENT, id)
    assert (head.begun_by.reference, head.patient) == (PROXY.id, "Patient/p")
    await practice.messages.reply(DOCTOR, id, "Come tomorrow.")
    assert await practice.read(PROXY, id) == 1
    assert await practice.unread(PATIENT) == 0


async def test_a_patient_does_not_run_the_practice(practice: Practice) -> None:
    id = await practice.write()
    for attempt in (
        practice.messages.take(PATIENT, id),
        practice.messages.close(PATIENT, id),
        practice.messages.hand_over(PATIENT, id, DOCTOR.id),
        practice.messages.reply(PATIENT, id, "A note", note=True),
    ):
        with pytest.raises(Forbidden):
            await attempt


async def test_a_patient_cannot_flood(store: Store) -> None:
    async with open_practice(store, limits=Limits(messages=3, threads=2)) as practice:
        id = await practice.write()
        await practice.write()
        with pytest.raises(TooMany):
            await practice.write()
        answers = await asyncio.gather(
            *(practice.messages.reply(PATIENT, id, "More") for _ in range(5)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, str) for one in answers) == 1
        practice.clock.now += 3600 * 1_000_000
        await practice.messages.reply(PATIENT, id, "An hour later")
        await practice.messages.reply(DOCTOR, id, "The practice writes as it needs to")


async def test_an_app_that_writes_as_a_patient_cannot_flood(store: Store) -> None:
    async with open_practice(store, limits=Limits(messages=3, threads=2)) as practice:
        id = await practice.write()
        for n in range(3):
            await practice.messages.reply(APP, id, f"From an app, {n}")
        with pytest.raises(TooMany):
            await practice.messages.reply(APP, id, "One more")
        await practice.messages.reply(PATIENT, id, "The patient is another sender")


async def test_what_was_sent_stays(practice: Practice) -> None:
    id = await practice.write()
    (message,) = await practice.reading.messages(DOCTOR, await practice.asker(DOCTOR), id)
    tree = message.tree
    other = {**tree, "payload": [{"contentString": "It is serious!"}]}
    withdrawn = {**tree, "status": "entered-in-error"}
    head = await practice.get(id)
    async with practice.as_(DOCTOR) as doctor, practice.as_(PATIENT) as mine:
        place, thread = f"Communication/{message.id}", f"Communication/{id}"
        patch = {"headers": {"content-type": "application/json-patch+json"}}
        assert (await doctor.put(place, json=other)).status_code == 403
        assert (await doctor.delete(place)).status_code == 403
        assert (await doctor.delete(thread)).status_code == 403
        assert (await doctor.put(thread, json={**head, "status": "completed"})).status_code == 403
        changed = [{"op": "replace", "path": "/payload/0/contentString", "value": "x"}]
        assert (await doctor.patch(place, json=changed, **patch)).status_code == 403
        assert (await mine.put(place, json=other)).status_code == 403
        assert (await mine.put(place, json=withdrawn)).status_code == 403
        assert (await doctor.put(place, json=withdrawn)).status_code == 200
    (message,) = await practice.reading.messages(DOCTOR, await practice.asker(DOCTOR), id)
    assert message.is_withdrawn


async def test_a_patient_adds_a_receipt_of_their_own_and_nothing_else(practice: Practice) -> None:
    id = await practice.write()
    answer = await practice.messages.reply(DOCTOR, id, "No.")
    tree = await practice.get(answer)
    url = "https://github.com/careplane/careplane/StructureDefinition/message-receipt"

    def receipt(who: str) -> dict[str, object]:
        reader = {"url": "reader", "valueReference": {"reference": who}}
        at = {"url": "at", "valueDateTime": "2027-02-22T08:00:00Z"}
        return {"url": url, "extension": [reader, at]}

    async with practice.as_(PATIENT) as mine:
        place = f"Communication/{answer}"
        forged = {**tree, "extension": [receipt("Practitioner/d")]}
        assert (await mine.put(place, json=forged)).status_code == 403
        read = {**tree, "extension": [receipt("Patient/p")], "received": "2027-02-22T08:00:00Z"}
        assert (await mine.put(place, json=read)).status_code == 200
        assert (await mine.put(place, json=tree)).status_code == 403
        written = await mine.post("Communication", json={**tree, "id": "x"})
        assert written.status_code == 403
    assert await practice.unread(PATIENT) == 0


HIDDEN = "In confidence 7f3a"
PATHS = (
    "Communication/{head}",
    "Communication/{message}",
    "Communication/{head}/_history",
    "Communication/{message}/_history/1",
    "Communication",
    "Communication/_history",
    "_history",
    "Communication?_id={head},{message}",
    "Communication?part-of=Communication/{head}",
    "Communication?part-of:Communication.category=internal",
    "Communication?subject=Patient/p&_summary=count",
    "Communication?_security=NOPAT",
    "Communication?recipient=Practitioner/e",
    "Patient?_id=p&_revinclude=Communication:subject",
    "Patient?_id=p&_has:Communication:subject:category=internal",
    "Patient/p/Communication",
    "Patient/p/*",
    "Patient/p/$everything",
    "?_type=Communication,Task",
    "$graphql?query=%7BCommunicationList%7Bid payload%7BcontentString%7D%7D%7D",
    "Communication/{plain}",
    "Communication?_id={plain}",
)


@pytest.mark.parametrize("who", [PATIENT, PROXY, APP], ids=["patient", "proxy", "app"])
async def test_patients_find_nothing_internal(practice: Practice, who: object) -> None:
    head = await practice.internal(text=HIDDEN)
    (message,) = await practice.reading.messages(DOCTOR, await practice.asker(DOCTOR), head)
    thread = await practice.write()
    note = await practice.messages.reply(DOCTOR, thread, HIDDEN, note=True)
    plain = {
        "resourceType": "Communication",
        "status": "completed",
        "partOf": [{"reference": f"Communication/{head}"}],
        "subject": {"reference": "Patient/p"},
        "payload": [{"contentString": HIDDEN}],
    }
    made = (await practice.http.post("Communication", json=plain)).json()["id"]
    secret = (HIDDEN, head, message.id, note, made)
    assert isinstance(who, type(PATIENT))
    async with practice.as_(who) as mine:
        for path in PATHS:
            asked = path.format(head=head, message=message.id, plain=made)
            answer = await mine.get(asked)
            entries = answer.json().get("entry", []) if answer.status_code == 200 else []
            told = str([one.get("resource") for one in entries])
            assert not any(one in told for one in secret), asked
            if "{" in path and "?" not in path:
                assert answer.status_code == 404, asked
        counted = await mine.get("Communication?subject=Patient/p&_summary=count")
        assert counted.json()["total"] == 2
        for path in (f"Communication/{head}/$reply", f"Communication/{head}/$receipt"):
            body = {
                "resourceType": "Parameters",
                "parameter": [{"name": "text", "valueString": "x"}] if "reply" in path else [],
            }
            assert (await mine.post(path, json=body)).status_code == 404
    assert [line.thread.id for line in await practice.box(PATIENT, "open")] == [thread]
    assert {line.thread.id for line in await practice.box(COLLEAGUE)} == {thread, head}
    assert HIDDEN in await practice.within(COLLEAGUE, thread)


async def test_what_says_that_it_is_internal_must_be_hidden(practice: Practice) -> None:
    plain = {
        "resourceType": "Communication",
        "status": "completed",
        "category": [{"coding": [{"system": "urn:careplane:communication", "code": "internal"}]}],
        "subject": {"reference": "Patient/p"},
    }
    answer = await practice.http.post("Communication", json=plain)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Communication.meta.security"]


async def test_colleagues_write_without_a_patient(practice: Practice) -> None:
    id = await practice.write(
        DOCTOR, "", to=(Party("Practitioner/e"), Party("Practitioner/n")), text="Lunch?"
    )
    assert [await practice.unread(who) for who in (COLLEAGUE, NURSE, DOCTOR)] == [1, 1, 0]
    await practice.read(COLLEAGUE, id)
    assert [await practice.unread(who) for who in (COLLEAGUE, NURSE)] == [0, 1]
    await practice.messages.reply(COLLEAGUE, id, "Yes")
    assert [await practice.unread(who) for who in (DOCTOR, NURSE)] == [1, 2]


@pytest.mark.parametrize(
    "more",
    [
        {"text": ""},
        {"text": " \n\x00 "},
        {"text": "x" * 10_001},
        {"title": ""},
        {"title": "x" * 201},
        {"topic": "gossip"},
        {"topic": ""},
        {"files": tuple(Attached(Party(f"DocumentReference/{n}")) for n in range(11))},
    ],
)
async def test_what_cannot_be_sent_is_told(practice: Practice, more: dict[str, object]) -> None:
    with pytest.raises(CareplaneError) as told:
        await practice.write(**({"topic": "medical"} | more))  # type: ignore[arg-type]
    assert told.value.issues[0].where in ("text", "subject", "topic", "files")


async def test_by_api(practice: Practice) -> None:
    def body(**values: str) -> dict[str, object]:
        made = [{"name": name, "valueString": value} for name, value in values.items()]
        return {"resourceType": "Parameters", "parameter": made}

    async with practice.as_(PATIENT) as mine, practice.as_(DOCTOR) as doctor:
        begun = await mine.post(
            "Communication/$message", json=body(subject="S", text="T", topic="medical")
        )
        place = begun.json()["parameter"][0]["valueReference"]["reference"]
        assert (await doctor.post(f"{place}/$take")).status_code == 200
        assert (await doctor.post(f"{place}/$reply", json=body(text="U"))).status_code == 200
        received = await mine.post(f"{place}/$receipt")
        assert received.json()["parameter"] == [{"name": "received", "valueInteger": 1}]
        assert (await doctor.post(f"{place}/$hand-over", json=body(to="Practitioner/e"))).is_success
        assert (await doctor.post(f"{place}/$close")).status_code == 200
        assert (await doctor.post(f"{place}/$close")).status_code == 409
        assert (await doctor.post(f"{place}/$reopen")).status_code == 200
        wrong = await mine.post("Communication/$message", json=body(subject="S", text=""))
        assert wrong.status_code in (400, 422)
