"""The waiting list and what patients are told: offers, one after the other; each message once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from icalendar import Calendar

from careplane.storage.engines.memory import MemoryStore
from careplane.telehealth.scheduling.service import Service
from tests.contracts.conftest import Hands
from tests.scheduling_house import (
    HALF_HOUR,
    MINUTE,
    NOW,
    Clinic,
    at,
    open_clinic,
    reference,
    resources,
    rule,
    schedule,
    terms,
)

pytestmark = pytest.mark.anyio
ONE = rule("09:00", "09:30", recurrence="FREQ=WEEKLY;BYDAY=MO", step=30)
"""One time a week."""


@pytest.fixture
def clock() -> Hands:
    return Hands(NOW)


@pytest.fixture
async def clinic(clock: Hands) -> AsyncIterator[Clinic]:
    async with open_clinic(MemoryStore(clock), clock) as clinic:
        await clinic.put(schedule("s", ONE, HALF_HOUR, terms(offer=60)))
        yield clinic


async def turn(service: Service) -> None:
    """What a second brings: it follows, acts, and sees what it did."""
    while await service.step():
        pass
    await service.tick()
    while await service.step():
        pass


async def begun(clinic: Clinic, *leads: int) -> Service:
    service = clinic.service(*leads)
    await service.load()
    return service


async def wait(clinic: Clinic, id: str, end: str = "2027-03-01") -> dict[str, Any]:
    """Put a patient on the list, by themselves."""
    return await clinic.one(
        "$wait", clinic.patient(id), start="2027-03-01", end=end,
        patient_reference={"reference": f"Patient/{id}"}, visit_type="urn:visit|visit",
        practitioner={"reference": "Practitioner/d"},
    )  # fmt: skip


async def booked(clinic: Clinic, patient: str, **asked: str) -> dict[str, Any]:
    found = await clinic.find(patient_reference={"reference": f"Patient/{patient}"}, **asked)
    return await clinic.one("$book", appointment_reference=reference(found[0]["id"]))


async def offers(clinic: Clinic) -> list[str]:
    """Patients with an offer."""
    found = resources(await clinic.http.get("Appointment?status=pending"))
    return [one["participant"][0]["actor"]["reference"] for one in found]


async def test_a_time_that_becomes_free_goes_to_the_first_and_then_to_the_next(
    clinic: Clinic, clock: Hands
) -> None:
    service = await begun(clinic)
    taken = await booked(clinic, "r")
    wish = await wait(clinic, "p")
    clock.now += MINUTE
    await wait(clinic, "q")
    await turn(service)
    assert await offers(clinic) == []
    clinic.boxes["email"].messages.clear()
    await clinic.one("$cancel", appointment_reference=reference(taken["id"]))
    await turn(service)
    assert await offers(clinic) == ["Patient/p"]
    mails = {one.to: one for one in clinic.boxes["email"].messages}
    assert mails["p@example.org"].subject == "A time has become free for you"
    assert "Monday, 1 March 2027, 09:00" in mails["p@example.org"].text
    assert "Monday, 22 February 2027, 09:01" in mails["p@example.org"].text
    assert "q@example.org" not in mails
    clock.now += 61 * MINUTE
    await turn(service)
    await turn(service)
    assert await offers(clinic) == ["Patient/q"]
    (mine,) = [
        one for one in resources(await clinic.http.get("Appointment?status=cancelled"))
        if one.get("supportingInformation")
    ]  # fmt: skip
    assert mine["cancelationReason"]["text"] == "The hold has ended."
    clock.now += 61 * MINUTE
    await turn(service)
    await turn(service)
    assert await offers(clinic) == []  # nobody is left who was not offered it
    assert len(await clinic.find()) == 1
    still = (await clinic.http.get(f"Appointment/{wish['id']}")).json()
    assert still["status"] == "waitlist"


async def test_who_takes_an_offer_is_off_the_list(clinic: Clinic) -> None:
    wish = await wait(clinic, "p")
    service = await begun(clinic)
    await turn(service)
    (offer,) = resources(await clinic.http.get("Appointment?status=pending"))
    taken = await clinic.one(
        "$book", clinic.patient("p"), appointment_reference=reference(offer["id"])
    )
    assert taken["status"] == "booked"
    done = (await clinic.http.get(f"Appointment/{wish['id']}")).json()
    assert done["status"] == "cancelled"
    assert done["cancelationReason"]["coding"][0]["code"] == "wait-list"
    await turn(service)
    assert await offers(clinic) == []


async def test_a_wish_has_one_offer_at_a_time(clinic: Clinic) -> None:
    await wait(clinic, "p", end="2027-03-31")
    one, other = await begun(clinic), await begun(clinic)
    for _ in range(3):
        await turn(one)
        await turn(other)
        await clinic.put(schedule("s", ONE, HALF_HOUR, terms(offer=61)))
    assert await offers(clinic) == ["Patient/p"]


async def test_an_invitation_its_change_and_its_end(clinic: Clinic) -> None:
    service = await begun(clinic)
    visit = await booked(clinic, "p")
    await turn(service)
    later = await clinic.find(start="2027-03-08", end="2027-03-08")
    wanted = {**visit, "start": later[0]["start"], "end": later[0]["end"]}
    await clinic.one("$book", appointment_resource=wanted)
    await turn(service)
    await clinic.one("$cancel", appointment_reference=reference(visit["id"]))
    await turn(service)
    mails = clinic.boxes["email"].messages
    assert [one.method for one in mails] == ["REQUEST", "REQUEST", "CANCEL"]
    events = [Calendar.from_ical(one.calendar.decode()).events[0] for one in mails]
    assert len({str(event["uid"]) for event in events}) == 1
    assert [event["sequence"] for event in events] == [1, 2, 3]
    assert [event.start.isoformat() for event in events] == [
        "2027-03-01T08:00:00+00:00", "2027-03-08T08:00:00+00:00", "2027-03-08T08:00:00+00:00",
    ]  # fmt: skip
    assert str(events[0]["organizer"]) == "mailto:desk@clinic.example"
    (text,) = clinic.boxes["sms"].messages
    assert text.text.startswith("Clinic: Your appointment on Monday, 8 March 2027")


async def test_a_reminder_goes_once_whoever_leads(clinic: Clinic, clock: Hands) -> None:
    first = await begun(clinic, 1440, 120)
    visit = await booked(clinic, "p")
    await turn(first)
    clinic.boxes["email"].messages.clear()
    clock.now = at("2027-02-28T08:59")
    await turn(first)
    assert clinic.boxes["email"].messages == []
    clock.now = at("2027-02-28T09:00")
    await turn(first)
    await turn(first)
    second = await begun(clinic, 1440, 120)
    await turn(second)
    assert [one.subject for one in clinic.boxes["email"].messages] == [
        "A reminder of your appointment"
    ]
    assert len(clinic.boxes["sms"].messages) == 1
    clock.now = at("2027-03-01T07:00")
    await turn(second)
    assert len(clinic.boxes["email"].messages) == 2
    await clinic.one("$cancel", appointment_reference=reference(visit["id"]))
    clock.now = at("2027-03-01T08:00")
    await turn(await begun(clinic, 60))
    assert len([m for m in clinic.boxes["email"].messages if "reminder" in m.subject]) == 2


async def test_what_was_booked_before_a_process_began_to_lead_is_told_once(clinic: Clinic) -> None:
    first = await begun(clinic)
    await turn(first)
    await booked(clinic, "p")
    second = await begun(clinic)
    await turn(second)
    await turn(first)
    assert [one.subject for one in clinic.boxes["email"].messages] == ["Your appointment"]


async def test_what_was_refused_is_tried_again_but_not_for_ever(clinic: Clinic) -> None:
    service = await begun(clinic)
    clinic.boxes["email"].refuses = 2
    await booked(clinic, "p")
    for _ in range(4):
        await turn(service)
    assert [one.subject for one in clinic.boxes["email"].messages] == ["Your appointment"]
    clinic.boxes["email"].refuses = 100
    await booked(clinic, "q", start="2027-03-08", end="2027-03-08")
    for _ in range(20):
        await turn(service)
    assert clinic.boxes["email"].refuses == 95


async def test_who_was_called_within_the_time_of_a_reminder_gets_none(
    clinic: Clinic, clock: Hands
) -> None:
    service = await begun(clinic, 1440)
    clock.now = at("2027-02-28T12:00")
    await booked(clinic, "p")
    await turn(service)
    await turn(service)
    assert [one.subject for one in clinic.boxes["email"].messages] == ["Your appointment"]


async def test_a_hold_that_ended_frees_its_slot(clinic: Clinic, clock: Hands) -> None:
    service = await begun(clinic)
    (found,) = await clinic.find(patient_reference={"reference": "Patient/p"})
    held = await clinic.one("$hold", appointment_reference=reference(found["id"]))
    await turn(service)
    clock.now += 10 * MINUTE
    await turn(service)
    ended = (await clinic.http.get(f"Appointment/{held['id']}")).json()
    assert ended["status"] == "cancelled"
    (slot,) = resources(await clinic.http.get("Slot"))
    assert slot["status"] == "free"
    assert clinic.boxes["email"].messages == []


async def test_the_end_of_a_hold_does_not_free_the_slot_of_who_came_after(
    clinic: Clinic, clock: Hands
) -> None:
    service = await begun(clinic)
    (found,) = await clinic.find(patient_reference={"reference": "Patient/p"})
    await clinic.one("$hold", appointment_reference=reference(found["id"]))
    clock.now += 10 * MINUTE
    await booked(clinic, "q")
    await turn(service)
    states = [one["status"] for one in resources(await clinic.http.get("Appointment?_sort=status"))]
    assert sorted(states) == ["booked", "cancelled"]
    (slot,) = resources(await clinic.http.get("Slot"))
    assert slot["status"] == "busy"


async def test_nothing_of_a_patient_is_in_a_message_or_a_log(
    clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    patient = (await clinic.http.get("Patient/p")).json()
    await clinic.put({**patient, "name": [{"family": "Quimby"}]})
    service = await begun(clinic)
    clinic.boxes["sms"].refuses = 1
    visit = await booked(clinic, "p")
    await turn(service)
    await clinic.one("$cancel", appointment_reference=reference(visit["id"]))
    for _ in range(2):
        await turn(service)
    said = "".join(f"{m.subject}{m.text}{m.calendar!r}" for box in clinic.boxes.values()
                   for m in box.messages)  # fmt: skip
    assert "Quimby" not in said
    assert "visit" not in said.replace("urn:visit", "visit")
    assert "Practitioner" not in said
    assert "Quimby" not in caplog.text
    assert "example.org" not in caplog.text
    assert "0170" not in caplog.text
