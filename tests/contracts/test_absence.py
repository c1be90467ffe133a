"""Visits that an absence meets, over every engine: moved, put to wait, cancelled, and told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.fhir.codec import json
from careplane.kernel.errors import Forbidden
from careplane.records.bodies import whole
from careplane.telehealth.scheduling.absence import How, rearrange
from careplane.telehealth.scheduling.refusals import Unavailable, Unfit
from careplane.telehealth.scheduling.visit import Wanted
from tests.contracts.conftest import Hands
from tests.contracts.engines import Store
from tests.fhir_house import TENANT
from tests.scheduling_house import (
    HALF_HOUR,
    MINUTE,
    MONDAYS,
    NOW,
    Clinic,
    at,
    closed,
    open_clinic,
    resources,
    schedule,
)

pytestmark = pytest.mark.anyio
DESK = Caller(TENANT, "Practitioner/desk", "Desk", parse_scopes("user/*.cruds"), None,
              frozenset({"front-desk"}))  # fmt: skip
NINE, TEN = at("2027-03-01T09:00"), at("2027-03-01T10:00")
BACK = at("2027-03-09T00:00")
"""Away from the 1st to the 8th of March: both of these Mondays."""
TODAY = date(2027, 2, 22)


@pytest.fixture
def clock() -> Hands:
    return Hands(NOW)


@pytest.fixture
async def clinic(store: Store, clock: Hands) -> AsyncIterator[Clinic]:
    async with open_clinic(store, clock) as clinic:
        await clinic.put(
            schedule("s", MONDAYS, HALF_HOUR, closed("2027-03-01", "2027-03-08")),
            schedule("t", MONDAYS, HALF_HOUR, actors=("Practitioner/e", "Location/room-e")),
            {**ROOM, "id": "room-e"},
        )
        yield clinic


ROOM: dict[str, Any] = {
    "resourceType": "Location", "name": "E",
    "physicalType": {"coding": [{"code": "ro"}]},
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/timezone",
                   "valueCode": "Europe/Berlin"}],
}  # fmt: skip


async def booked(clinic: Clinic, start: int = NINE, patient: str = "p") -> dict[str, Any]:
    """A visit that was booked before the absence was known."""
    await clinic.put(schedule("s", MONDAYS, HALF_HOUR))
    wanted = Wanted("s", start, start + 30 * MINUTE, "visit", (f"Patient/{patient}",))
    (version,) = await clinic.desk.book_all(DESK, [wanted])
    await clinic.put(schedule("s", MONDAYS, HALF_HOUR, closed("2027-03-01", "2027-03-08")))
    return json.parse(whole(version))


async def arrange(clinic: Clinic, tree: dict[str, Any], how: How, by: Caller = DESK) -> None:
    await rearrange(clinic.desk, by, tree, how, ("Practitioner/d",), BACK, TODAY)


async def now(clinic: Clinic, tree: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await clinic.http.get(f"Appointment/{tree['id']}")).json()
    return found


def actors(tree: dict[str, Any]) -> list[str]:
    return [one["actor"]["reference"] for one in tree["participant"]]


async def test_later_is_the_first_free_time_after_the_absence(clinic: Clinic) -> None:
    first, second = await booked(clinic), await booked(clinic, TEN, "q")
    for tree in (first, second):
        await arrange(clinic, tree, "later")
    moved = [await now(clinic, tree) for tree in (first, second)]
    assert [one["status"] for one in moved] == ["booked", "booked"]
    assert [one["start"][:16] for one in moved] == ["2027-03-15T09:00", "2027-03-15T09:30"]
    assert "Practitioner/d" in actors(moved[0])
    slots = resources(await clinic.http.get("Slot?status=busy"))
    assert len(slots) == 2, "the old times are let go"


async def test_a_colleague_takes_the_visit_from_when_it_was_on(clinic: Clinic) -> None:
    tree = await booked(clinic)
    await arrange(clinic, tree, "colleague")
    moved = await now(clinic, tree)
    assert moved["start"][:16] == "2027-03-01T09:00"
    assert "Practitioner/e" in actors(moved)
    assert "Practitioner/d" not in actors(moved)
    assert "Patient/p" in actors(moved)


async def test_who_waits_is_offered_a_time_and_told(clinic: Clinic) -> None:
    tree = await booked(clinic)
    service = clinic.service()
    await service.load()
    while await service.step():
        pass
    for box in clinic.boxes.values():
        box.messages.clear()
    await arrange(clinic, tree, "wait")
    assert (await now(clinic, tree))["cancelationReason"]["coding"][0]["code"] == "prov"
    (wish,) = resources(await clinic.http.get("Appointment?status=waitlist"))
    assert set(actors(wish)) == {"Patient/p", "Practitioner/d"}
    assert wish["serviceType"] == tree["serviceType"]
    while await service.step():
        pass
    await service.tick()
    while await service.step():
        pass
    (held,) = resources(await clinic.http.get("Appointment?status=pending"))
    assert held["start"][:16] == "2027-03-15T09:00"
    subjects = [message.subject for message in clinic.boxes["email"].messages]
    assert subjects == [
        "Your appointment has been cancelled", "A time has become free for you",
    ]  # fmt: skip


async def test_what_is_not_booked_any_more_is_left(clinic: Clinic) -> None:
    tree = await booked(clinic)
    await arrange(clinic, tree, "cancel")
    assert (await now(clinic, tree))["status"] == "cancelled"
    for how in ("later", "colleague", "wait", "cancel"):
        with pytest.raises(Unfit):
            await arrange(clinic, tree, how)
    assert resources(await clinic.http.get("Appointment?status=waitlist")) == []


async def test_without_a_free_time_the_visit_stays(clinic: Clinic) -> None:
    tree = await booked(clinic)
    await clinic.put(schedule("s", MONDAYS, HALF_HOUR, closed("2027-03-01", "2028-03-01")))
    with pytest.raises(Unavailable):
        await arrange(clinic, tree, "later")
    assert (await now(clinic, tree))["start"] == tree["start"]


async def test_patients_arrange_no_absences(clinic: Clinic) -> None:
    tree = await booked(clinic)
    patient = replace(DESK, id="Patient/p", patient="p", roles=frozenset({"patient"}))
    for how in ("later", "wait", "cancel"):
        with pytest.raises(Forbidden):
            await arrange(clinic, tree, how, patient)
