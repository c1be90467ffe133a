"""A visit that is recorded, the identity of its patient, and what it is charged as: in the record,
as other systems see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from careplane.kernel.errors import Conflict, Forbidden, Incorrect, NotFound, TooLarge
from careplane.storage.engines.memory import MemoryState
from tests.visit_house import CHOICE, DOCTOR, PATIENT, STRANGER, Clinic, Talk, open_clinic

pytestmark = pytest.mark.anyio
WEBM = b"\x1aE\xdf\xa3" + bytes(64)


@pytest.fixture
async def clinic() -> AsyncIterator[Clinic]:
    async with open_clinic(MemoryState(), choice=replace(CHOICE, records=True)) as clinic:
        yield clinic


async def state(talk: Talk) -> tuple[bool, bool]:
    """Whether it is recorded, and whether one is asked."""
    heard = await talk.hear("recording")
    return heard["on"], heard["asked"]


async def test_both_agree_and_it_is_recorded(clinic: Clinic) -> None:
    await clinic.book()
    doctor, ada = await clinic.together()
    await doctor.hear("recorded")
    ada.say("record")
    assert (await ada.hear("problem"))["code"] == "host"
    doctor.say("record")
    assert await state(ada) == (False, True)
    assert await state(doctor) == (False, False)
    with pytest.raises(Forbidden, match="agreed"):
        await clinic.visits.keep_recording(DOCTOR, "a", 1, WEBM)
    ada.say("agree", on=True)
    assert await state(ada) == (True, False)
    assert await state(doctor) == (True, False)
    doctor.say("ping")  # after which the record has been told
    await doctor.hear("pong")

    async def kept() -> str:
        for _ in range(100):
            try:
                return await clinic.visits.keep_recording(DOCTOR, "a", 1, WEBM)
            except Forbidden:
                await clinic.of("Consent")
        raise AssertionError

    assert (await kept()).startswith("Media/")
    (media,) = await clinic.of("Media", "patient=Patient/p")
    assert media["content"]["contentType"] == "video/webm"
    both = [one for one in await clinic.of("Consent") if len(one["performer"]) == 2]
    assert len(both) == 1
    assert {one["reference"] for one in both[0]["performer"]} == {"Patient/p", "Practitioner/d"}
    for caller in (PATIENT, STRANGER):
        with pytest.raises((Forbidden, NotFound)):
            await clinic.visits.keep_recording(caller, "a", 2, WEBM)
    assert len(await clinic.of("Media")) == 1
    ada.say("agree", on=False)
    assert await state(doctor) == (False, False)


async def test_who_comes_in_later_is_asked_too(clinic: Clinic) -> None:
    await clinic.book()
    doctor, ada = await clinic.together()
    doctor.say("record")
    await state(doctor)
    ada.say("agree", on=True)
    assert await state(doctor) == (True, False)
    guest = clinic.talk()
    guest.say("join", guest=await clinic.visits.invite(DOCTOR, "a", "Interpreter"), name="Ana")
    await guest.hear("welcome")
    while not (waiting := (await doctor.hear("knocks"))["waiting"]):
        pass
    doctor.say("admit", seat=waiting[0]["seat"])
    assert await state(guest) == (False, True)
    assert await state(doctor) == (False, False), "until the answer nothing is recorded"
    guest.say("agree", on=True)
    assert await state(doctor) == (True, False)
    doctor.vanish()
    assert clinic.visits.rooms.open == 1


async def test_not_where_the_institution_does_not_permit_it() -> None:
    async with open_clinic(MemoryState()) as clinic:
        await clinic.book()
        doctor, _ = await clinic.together()
        doctor.say("record")
        assert "not recorded here" in (await doctor.hear("problem"))["text"]
        with pytest.raises(Forbidden):
            await clinic.visits.keep_recording(DOCTOR, "a", 1, WEBM)


BAD_PIECES: list[tuple[int, bytes, type[Exception]]] = [
    (1, b"<html>", Incorrect),
    (0, WEBM, Incorrect),
    (1001, WEBM, Incorrect),
    (1, WEBM + bytes(10_000_000), TooLarge),
]


async def test_pieces_that_are_none(clinic: Clinic) -> None:
    await clinic.book()
    doctor, ada = await clinic.together()
    doctor.say("record")
    await state(doctor)
    ada.say("agree", on=True)
    await doctor.hear("recording")
    for _ in range(100):
        try:
            await clinic.visits.keep_recording(DOCTOR, "a", 1, WEBM)
            break
        except Forbidden:
            await clinic.of("Consent")
    for number, data, error in BAD_PIECES:
        with pytest.raises(error):
            await clinic.visits.keep_recording(DOCTOR, "a", number, data)
    assert len(await clinic.of("Media")) == 1


async def test_the_identity_is_checked(clinic: Clinic) -> None:
    await clinic.book()
    with pytest.raises(Conflict, match="agreed"):
        await clinic.visits.identify(DOCTOR, "a", "document")
    await clinic.visits.consent(PATIENT, "a")
    assert not (await clinic.visits.standing(DOCTOR, "a")).identified
    with pytest.raises(Forbidden):
        await clinic.visits.identify(PATIENT, "a", "known")
    with pytest.raises(Incorrect, match="document"):
        await clinic.visits.identify(DOCTOR, "a", "by the look")
    await clinic.visits.identify(DOCTOR, "a", "document")
    assert (await clinic.visits.standing(DOCTOR, "a")).identified
    (consent,) = await clinic.of("Consent")
    (check,) = consent["verification"]
    assert check["verified"] is True
    assert check["verifiedWith"] == {"reference": "Patient/p"}


def rule(id: str, expression: str) -> dict[str, Any]:
    """A ChargeItemDefinition."""
    return {
        "resourceType": "ChargeItemDefinition", "id": id, "status": "active",
        "url": f"http://clinic.test/{id}", "title": id.capitalize(),
        "code": {"coding": [{"system": "http://clinic.test/codes", "code": id}]},
        "applicability": [{"language": "text/fhirpath", "expression": expression}],
    }  # fmt: skip


async def test_a_visit_is_charged_once(clinic: Clinic) -> None:
    await clinic.house.put(rule("video", "class.code = 'VR'"))
    await clinic.house.put(rule("long", "length.value >= 30"))
    await clinic.book()
    with pytest.raises(Conflict):
        await clinic.visits.proposals(DOCTOR, "a")
    doctor, _ = await clinic.together()
    await doctor.hear("recorded")
    (one,) = await clinic.visits.proposals(DOCTOR, "a")
    assert (one.rule, one.charged) == ("video", False)
    with pytest.raises(Forbidden):
        await clinic.visits.proposals(PATIENT, "a")
    with pytest.raises(Incorrect, match="does not apply"):
        await clinic.visits.charge(DOCTOR, "a", "long")
    first, second = [await clinic.visits.charge(DOCTOR, "a", "video") for _ in range(2)]
    assert first == second
    (item,) = await clinic.of("ChargeItem")
    assert (item["status"], item["subject"]) == ("billable", {"reference": "Patient/p"})
    (one,) = await clinic.visits.proposals(DOCTOR, "a")
    assert one.charged
