"""The service beside the messages, over every engine: what other systems write joins threads, and
who is told what, once, without a word of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from careplane.fhir.tree import Tree
from careplane.kernel.ids import new_id
from careplane.storage.engines.memory import MemoryState
from careplane.telehealth.messages.service import House, Service
from careplane.telehealth.scheduling.notices.letters import Sender
from tests.contracts.engines import Store
from tests.fhir_house import TENANT
from tests.messages_house import (
    DOCTOR,
    PATIENT,
    Practice,
    open_practice,
    pool,
)
from tests.scheduling_house import Box

pytestmark = pytest.mark.anyio
HOUR = 3600 * 1_000_000
SENDER = Sender("http://hospital.test/fhir", "clinic@example.org", "The clinic")


@pytest.fixture
async def practice(store: Store) -> AsyncIterator[Practice]:
    async with open_practice(store) as practice:
        yield practice


class Beside:
    """The service, with boxes in the place of mail and text messages."""

    def __init__(self, practice: Practice, hours: int = 48) -> None:
        self.state = MemoryState()
        self.boxes = {"email": Box(), "sms": Box()}
        self.house = House(
            practice.door, self.state, TENANT, practice.clock, new_id, lambda: SENDER, self.boxes,
            hours,
        )  # fmt: skip
        self.service = Service(self.house)

    async def follow(self) -> None:
        while await self.service.step():
            pass
        await self.service.tick()

    @property
    def sent(self) -> list[tuple[str, str]]:
        return [(one.to, one.subject) for one in self.boxes["email"].messages]


async def beside(practice: Practice, hours: int = 48) -> Beside:
    made = Beside(practice, hours)
    await made.service.load()
    return made


def plain(id: str, **more: Any) -> Tree:
    return {
        "resourceType": "Communication",
        "id": id,
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "sender": {"reference": "Patient/p"},
        "recipient": [{"reference": "HealthcareService/questions", "display": "Questions"}],
        "sent": "2027-02-22T06:00:00Z",
        "payload": [{"contentString": "From another system"}],
        **more,
    }


async def test_what_other_systems_write_is_in_the_inbox(practice: Practice) -> None:
    service = await beside(practice)
    await practice.put(plain("a", topic={"text": "By letter"}))
    await service.follow()
    (line,) = await practice.box(DOCTOR)
    assert (line.thread.title, line.unread, line.thread.is_untaken) == ("By letter", 1, True)
    await practice.messages.reply(DOCTOR, line.thread.id, "Yes.")
    await practice.put(plain("b", inResponseTo=[{"reference": "Communication/a"}]))
    await service.follow()
    (line,) = await practice.box(DOCTOR)
    texts = ["From another system", "From another system", "Yes."]
    assert sorted(await practice.within(PATIENT, line.thread.id)) == texts
    again = await beside(practice)
    await again.follow()
    assert len(await practice.box(DOCTOR, "open")) == 1


async def test_what_answers_in_confidence_is_hidden_too(practice: Practice) -> None:
    service = await beside(practice)
    head = await practice.internal()
    sender = {"reference": "Practitioner/e"}
    await practice.put(
        plain("a", sender=sender, recipient=[{"reference": "Practitioner/d"}],
              partOf=[{"reference": f"Communication/{head}"}])
    )  # fmt: skip
    await service.follow()
    labels = (await practice.get("a"))["meta"]["security"]
    assert [one["code"] for one in labels] == ["NOPAT"]
    assert "From another system" in await practice.within(DOCTOR, head)
    async with practice.as_(PATIENT) as mine:
        assert (await mine.get("Communication/a")).status_code == 404


@pytest.mark.parametrize(
    "more",
    [
        {"sent": "2020-01-01T00:00:00Z"},
        {"status": "preparation"},
        {"recipient": []},
        {"received": "2027-02-22T06:30:00Z"},
    ],
)
async def test_what_waits_for_nobody_is_left_alone(
    practice: Practice, more: dict[str, Any]
) -> None:
    service = await beside(practice)
    await practice.put({k: v for k, v in (plain("a") | more).items() if v})
    await service.follow()
    assert await practice.box(DOCTOR, "open") == []
    assert (await practice.get("a"))["meta"]["versionId"] == "1"


async def test_a_patient_is_told_once_an_hour_and_nothing_of_it(practice: Practice) -> None:
    service = await beside(practice)
    id = await practice.write(title="My secret", text="Private words")
    await service.follow()
    assert service.sent == []
    for text in ("One", "Two"):
        await practice.messages.reply(DOCTOR, id, text)
    await practice.messages.reply(DOCTOR, id, "A note", note=True)
    await service.follow()
    assert service.sent == [("p@example.org", "You have a new message")]
    (mail,) = service.boxes["email"].messages
    for word in ("secret", "Private", "One", "Doyle", "note"):
        assert word not in mail.text
    assert "http://hospital.test" in mail.text
    again = Service(service.house)
    await again.load()
    await again.step()
    assert len(service.sent) == 1


async def test_nobody_is_told_of_what_is_internal(practice: Practice) -> None:
    service = await beside(practice)
    await practice.internal()
    await service.follow()
    assert service.sent == []


async def test_what_waits_too_long_is_told_once(practice: Practice) -> None:
    mail = [{"system": "email", "value": "questions@example.org"}]
    await practice.put(pool("questions", "medical", telecom=mail))
    service = await beside(practice, hours=24)
    await practice.write()
    consult = await practice.ask(priority="urgent")
    practice.clock.now += 7 * HOUR
    await service.follow()
    assert service.sent == []
    practice.clock.now += 2 * HOUR
    await service.follow()
    await service.follow()
    late = ("questions@example.org", "A consult is late")
    assert service.sent == [late]
    await practice.consults.answer(DOCTOR, consult, "Rest.")
    practice.clock.now += 24 * HOUR
    await service.follow()
    await service.follow()
    waits = ("questions@example.org", "A message waits for an answer")
    assert [one for one in service.sent if one[0] == late[0]] == [late, waits]
