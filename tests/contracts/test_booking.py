"""Booking over every engine: a time is had once, whoever wants it, and a hold ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from careplane.telehealth.scheduling import names
from tests.contracts.conftest import Hands
from tests.contracts.engines import Store
from tests.scheduling_house import (
    HALF_HOUR,
    MONDAYS,
    NOW,
    Clinic,
    appointment,
    issues,
    open_clinic,
    reference,
    resources,
    rule,
    schedule,
    terms,
    visit_type,
)

pytestmark = pytest.mark.anyio
DAY = 86_400_000_000


@pytest.fixture
def clock() -> Hands:
    return Hands(NOW)


@pytest.fixture
async def clinic(store: Store, clock: Hands) -> AsyncIterator[Clinic]:
    async with open_clinic(store, clock) as clinic:
        await clinic.put(schedule("s", MONDAYS, HALF_HOUR))
        yield clinic


async def test_of_fifty_bookings_of_one_time_one_wins(clinic: Clinic) -> None:
    first, *_ = await clinic.find(patient_reference={"reference": "Patient/p"})
    answers = await asyncio.gather(
        *(clinic.call("$book", appointment_reference=reference(first["id"])) for _ in range(50))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 49}
    lost = next(answer for answer in answers if answer.status_code == 409)
    (issue,) = issues(lost)
    assert (issue["severity"], issue["code"]) == ("fatal", "not-found")
    booked = resources(await clinic.http.get("Appointment?status=booked"))
    assert len(booked) == 1
    (slot,) = resources(await clinic.http.get("Slot?status=busy"))
    assert booked[0]["slot"] == [{"reference": f"Slot/{slot['id']}"}]


async def test_overlapping_visits_of_two_schedules_of_one_practitioner_exclude_each_other(
    clinic: Clinic,
) -> None:
    long = visit_type("long", 60)
    other = schedule("t", MONDAYS, long, actors=("Practitioner/d",))
    other["extension"].append({"url": names.TIME_ZONE, "valueCode": "Europe/Berlin"})
    await clinic.put(other)
    short = appointment(
        "2027-03-01T09:30", "2027-03-01T10:00", "Patient/p", "Practitioner/d", "Location/room"
    )
    wide = appointment("2027-03-01T09:00", "2027-03-01T10:00", "Patient/q", "Practitioner/d")
    answers = await asyncio.gather(
        *(clinic.call("$book", appointment_resource=one) for one in [short, wide] * 8)
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 15}


async def test_a_group_has_as_many_places_as_its_rule(clinic: Clinic) -> None:
    group = rule("14:00", "15:00", recurrence="FREQ=WEEKLY;BYDAY=MO", step=60, capacity=3)
    await clinic.put(schedule("s", group, visit_type("group", 60)))
    time = ("2027-03-01T14:00", "2027-03-01T15:00", "Patient/p", "Practitioner/d", "Location/room")
    answers = []
    for _ in range(2):
        answers.append(await clinic.call("$book", appointment_resource=appointment(*time)))
    (slot,) = resources(await clinic.http.get("Slot"))
    assert slot["status"] == "free"
    rest = [clinic.call("$book", appointment_resource=appointment(*time)) for _ in range(6)]
    answers += await asyncio.gather(*rest)
    assert Counter(answer.status_code for answer in answers) == {200: 3, 409: 5}
    (slot,) = resources(await clinic.http.get("Slot"))
    assert slot["status"] == "busy"
    one = next(answer for answer in answers if answer.status_code == 200)
    await clinic.one("$cancel", appointment_reference=reference(resources(one)[0]["id"]))
    (slot,) = resources(await clinic.http.get("Slot"))
    assert slot["status"] == "free"


async def test_a_hold_keeps_others_away_until_it_ends(clinic: Clinic, clock: Hands) -> None:
    await clinic.put(schedule("s", MONDAYS, HALF_HOUR, terms(hold=10)))
    first, *_ = await clinic.find(patient_reference={"reference": "Patient/p"})
    held = await clinic.one("$hold", appointment_reference=reference(first["id"]))
    assert held["status"] == "pending"
    assert next(one["start"] for one in await clinic.find()) != first["start"]
    assert (
        await clinic.call("$book", appointment_reference=reference(first["id"]))
    ).status_code == 409
    clock.now += 10 * 60_000_000
    late = await clinic.call("$book", appointment_reference=reference(held["id"]))
    assert late.status_code == 409
    assert "hold has ended" in issues(late)[0]["diagnostics"]
    again, *_ = await clinic.find(patient_reference={"reference": "Patient/q"})
    assert again["start"] == first["start"]
    booked = await clinic.one("$book", appointment_reference=reference(again["id"]))
    assert booked["status"] == "booked"


async def test_a_hold_and_a_booking_at_once_have_one_winner(clinic: Clinic, clock: Hands) -> None:
    first, *_ = await clinic.find(patient_reference={"reference": "Patient/p"})
    held = await clinic.one("$hold", appointment_reference=reference(first["id"]))
    confirm = clinic.call("$book", appointment_reference=reference(held["id"]))
    cancel = clinic.call("$cancel", appointment_reference=reference(held["id"]))
    steal = [clinic.call("$book", appointment_reference=reference(first["id"])) for _ in range(10)]
    await asyncio.gather(confirm, cancel, *steal)
    active = resources(await clinic.http.get("Appointment?status=booked,pending"))
    assert len(active) <= 1
    slots = resources(await clinic.http.get("Slot"))
    assert {slot["status"] for slot in slots} == {"busy" if active else "free"}


async def test_moving_frees_the_old_time_in_the_same_step(clinic: Clinic) -> None:
    first, second, *_ = await clinic.find(patient_reference={"reference": "Patient/p"})
    booked = await clinic.one("$book", appointment_reference=reference(first["id"]))
    wanted = {**booked, "start": second["start"], "end": second["end"]}
    moved = await clinic.one("$book", appointment_resource=wanted)
    assert (moved["id"], moved["start"]) == (booked["id"], second["start"])
    states = {s["start"]: s["status"] for s in resources(await clinic.http.get("Slot"))}
    assert states == {first["start"]: "free", second["start"]: "busy"}
    starts = [one["start"] for one in await clinic.find()]
    assert first["start"] in starts
    assert second["start"] not in starts


async def test_what_was_offered_is_not_stored(clinic: Clinic) -> None:
    found = await clinic.find()
    assert [one["status"] for one in found] == ["proposed"] * 4
    assert resources(await clinic.http.get("Appointment")) == []
    assert resources(await clinic.http.get("Slot")) == []


async def test_each_step_is_in_the_history_and_in_the_trail(clinic: Clinic) -> None:
    first, *_ = await clinic.find(patient_reference={"reference": "Patient/p"})
    held = await clinic.one("$hold", appointment_reference=reference(first["id"]))
    await clinic.one("$book", appointment_reference=reference(held["id"]))
    await clinic.one("$cancel", appointment_reference=reference(held["id"]))
    history: Any = (await clinic.http.get(f"Appointment/{held['id']}/_history")).json()
    said = [entry["resource"]["status"] for entry in history["entry"]]
    assert said == ["cancelled", "booked", "pending"]
    records = [one for one in await clinic.audit() if one.interaction in ("$hold", "$book")]
    assert [one.interaction for one in records] == ["$hold", "$book"]
    assert all("p" in str(one.patients) for one in records)
