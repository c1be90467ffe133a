"""The desk over every engine: proxies, roles of practitioners, closed hours, ways of a visit,
stages, offers by hand, and what is written past the operations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.fhir.codec import json
from careplane.kernel.errors import Forbidden
from careplane.records.bodies import whole
from careplane.records.results import Version
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.attendance import attend
from careplane.telehealth.scheduling.calendars.diary import diaries
from careplane.telehealth.scheduling.finding import Search
from careplane.telehealth.scheduling.handing import offer
from careplane.telehealth.scheduling.refusals import TooLate, Unavailable, Unfit
from careplane.telehealth.scheduling.visit import Wanted, medium_of
from tests.contracts.conftest import Hands
from tests.contracts.engines import Store
from tests.fhir_house import TENANT
from tests.scheduling_house import (
    HALF_HOUR,
    MINUTE,
    MONDAYS,
    NOW,
    Clinic,
    appointment,
    at,
    open_clinic,
    parameters,
    reference,
    resources,
    schedule,
    visit_type,
    zone,
)

pytestmark = pytest.mark.anyio
DESK = Caller(
    TENANT, "Practitioner/desk", "Desk", parse_scopes("user/*.cruds"), None,
    frozenset({"front-desk"}),
)  # fmt: skip
NINE, TEN = at("2027-03-01T09:00"), at("2027-03-01T10:00")


@pytest.fixture
def clock() -> Hands:
    return Hands(NOW)


@pytest.fixture
async def clinic(store: Store, clock: Hands) -> AsyncIterator[Clinic]:
    async with open_clinic(store, clock) as clinic:
        await clinic.put(schedule("s", MONDAYS, HALF_HOUR))
        yield clinic


def wanted(start: int = NINE, *patients: str, **more: Any) -> Wanted:
    """Half an hour on the schedule."""
    return Wanted("s", start, start + 30 * MINUTE, "visit", patients, **more)


def tree(version: Version) -> dict[str, Any]:
    return json.parse(whole(version))


async def starts(clinic: Clinic, caller: Caller = DESK, **search: Any) -> list[int]:
    """When times are free on that Monday."""
    found = await diaries(
        clinic.desk, caller, Search(at("2027-03-01T00:00"), at("2027-03-02T00:00"), **search)
    )
    return sorted(one.start for diary in found.found for one in diary.free)


def related(id: str, patient: str, *, active: bool = True) -> dict[str, Any]:
    return {
        "resourceType": "RelatedPerson",
        "id": id,
        "active": active,
        "patient": {"reference": f"Patient/{patient}"},
    }


def proxy(clinic: Clinic, id: str, patient: str) -> Any:
    roles = ("proxy", "acting-proxy")
    return clinic.client("patient/*.cruds", *roles, patient=patient, id=f"RelatedPerson/{id}")


async def test_a_proxy_books_moves_and_cancels_for_the_child_alone(clinic: Clinic) -> None:
    await clinic.put(related("parent", "p"))
    parent = proxy(clinic, "parent", "p")
    first, second, *_ = await clinic.find(parent)
    assert first["participant"][0]["actor"]["reference"] == "Patient/p"
    booked = await clinic.one("$book", parent, appointment_reference=reference(first["id"]))
    assert booked["status"] == "booked"
    later = {**booked, "start": second["start"], "end": second["end"]}
    moved = await clinic.one("$book", parent, appointment_resource=later)
    assert moved["start"] == second["start"]
    gone = await clinic.one("$cancel", parent, appointment_reference=reference(booked["id"]))
    assert gone["status"] == "cancelled"
    (record,) = [one for one in await clinic.audit() if one.interaction == "$cancel"]
    assert "RelatedPerson/parent" in str(record)
    other = await clinic.call(
        "$book",
        parent,
        appointment_reference=reference(second["id"]),
        patient_reference={"reference": "Patient/q"},
    )
    assert other.status_code == 403


@pytest.mark.parametrize(("patient", "active"), [("p", False), ("q", True)])
async def test_who_is_no_proxy_of_the_patient_books_nothing(
    clinic: Clinic, patient: str, active: bool
) -> None:
    await clinic.put(related("parent", patient, active=active))
    first, *_ = await clinic.find()
    lost = await clinic.call(
        "$book", proxy(clinic, "parent", "p"), appointment_reference=reference(first["id"]),
        patient_reference={"reference": "Patient/p"},
    )  # fmt: skip
    assert lost.status_code == 403
    assert resources(await clinic.http.get("Appointment")) == []


async def test_a_role_on_a_schedule_is_its_practitioner(clinic: Clinic) -> None:
    role = {"resourceType": "PractitionerRole", "practitioner": {"reference": "Practitioner/d"}}
    other = schedule("t", MONDAYS, HALF_HOUR, zone("Europe/Berlin"), actors=("PractitionerRole/r",))
    await clinic.put({**role, "id": "r"}, {**role, "id": "elsewhere"}, other)
    doctor = {"reference": "Practitioner/d"}
    found = await clinic.find(practitioner=doctor, patient_reference={"reference": "Patient/p"})
    assert len(found) == 8
    by_role = next(one for one in found if "PractitionerRole/r" in str(one["participant"]))
    actors = [one["actor"]["reference"] for one in by_role["participant"]]
    assert actors == ["Patient/p", "PractitionerRole/r", "Practitioner/d"]
    await clinic.one("$book", appointment_reference=reference(by_role["id"]))
    left = await clinic.find(practitioner=doctor)
    assert {one["start"] for one in left}.isdisjoint({by_role["start"]})
    # written by another system, with yet another role of the same person
    plain = appointment(
        "2027-03-01T10:00", "2027-03-01T10:30", "PractitionerRole/elsewhere", status="booked"
    )
    await clinic.put({**plain, "id": "plain"})
    left = await clinic.find(practitioner=doctor)
    assert sorted({one["start"][11:16] for one in left}) == ["09:30", "10:30"]


async def test_a_plain_cancellation_frees_the_slot(clinic: Clinic, clock: Hands) -> None:
    service = clinic.service()
    await service.load()
    (version,) = await clinic.desk.book_all(DESK, [wanted(NINE, "Patient/p")])
    await service.step()
    (slot,) = resources(await clinic.http.get("Slot"))
    assert slot["status"] == "busy"
    await clinic.put({**tree(version), "status": "cancelled"})
    while await service.step():
        pass
    (slot,) = resources(await clinic.http.get("Slot"))
    assert slot["status"] == "free"
    assert NINE in await starts(clinic)


async def test_a_deletion_and_a_plain_move_free_the_slot(clinic: Clinic) -> None:
    service = clinic.service()
    await service.load()
    first, second = await clinic.desk.book_all(
        DESK, [wanted(NINE, "Patient/p"), wanted(TEN, "Patient/q")]
    )
    await service.step()
    assert (await clinic.http.delete(f"Appointment/{first.id}")).status_code in (200, 204)
    plain = {key: value for key, value in tree(second).items() if key != "slot"}
    await clinic.put({**plain, "start": "2027-03-01T12:00:00Z", "end": "2027-03-01T12:30:00Z"})
    while await service.step():
        pass
    assert {one["status"] for one in resources(await clinic.http.get("Slot"))} == {"free"}


async def test_a_slot_stays_busy_where_somebody_else_is(clinic: Clinic) -> None:
    service = clinic.service()
    await service.load()
    (first,) = await clinic.desk.book_all(DESK, [wanted(NINE, "Patient/p")])
    await clinic.desk.book_all(
        DESK, [wanted(NINE, "Patient/q")], overbook=True, why="Fell this morning"
    )
    await service.step()
    await clinic.put({**tree(first), "status": "cancelled"})
    while await service.step():
        pass
    (slot,) = resources(await clinic.http.get("Slot"))
    assert slot["status"] == "busy"


async def test_closed_hours_are_not_offered(clinic: Clinic) -> None:
    why = [{"url": names.CLOSED_WHY, "valueString": "Meeting"}]
    period = {"start": "2027-03-01T09:45:00+01:00", "end": "2027-03-01T10:30:00+01:00"}
    closing = {"url": names.CLOSED, "valuePeriod": {"extension": why, **period}}
    await clinic.put(schedule("s", MONDAYS, HALF_HOUR, closing))
    assert await starts(clinic) == [NINE, at("2027-03-01T10:30")]
    with pytest.raises(Unavailable):
        await clinic.desk.book_all(DESK, [wanted(TEN, "Patient/p")], overbook=True)
    for wrong in ({"start": period["start"]}, {**period, "end": "2027-03-02"}):
        refused = {"url": names.CLOSED, "valuePeriod": wrong}
        answer = await clinic.http.put(
            "Schedule/s", json=schedule("s", MONDAYS, HALF_HOUR, refused)
        )
        assert answer.status_code == 400
        assert "offset" in answer.text


async def test_how_a_visit_is_held_goes_from_the_hold_to_the_visit(clinic: Clinic) -> None:
    kind = visit_type("visit", 30)
    kind["extension"] += [{"url": "medium", "valueCode": one} for one in ("VIDEOCONF", "PHONE")]
    await clinic.put(schedule("s", MONDAYS, kind))
    held = await clinic.desk.hold_for(DESK, wanted(NINE, "Patient/p", medium="VIDEOCONF"))
    assert medium_of(tree(held)) == "VIDEOCONF"
    booked = tree(await clinic.desk.book(DESK, held.id))
    assert (medium_of(booked), booked["status"]) == ("VIDEOCONF", "booked")
    assert len(booked["extension"]) == 1
    moved = tree(await clinic.desk.move(DESK, held.id, wanted(TEN, medium="PHONE")))
    assert (medium_of(moved), len(moved["extension"])) == ("PHONE", 1)
    with pytest.raises(Unavailable, match="not held in this way"):
        await clinic.desk.hold_for(DESK, wanted(NINE, "Patient/p", medium="PHYSICAL"))


async def test_what_is_for_staff_only_is_not_booked_by_patients(clinic: Clinic) -> None:
    kind = visit_type("visit", 30)
    kind["extension"].append({"url": "staff-only", "valueBoolean": True})
    await clinic.put(schedule("s", MONDAYS, kind))
    patient = Caller(
        TENANT, "Patient/p", "P", parse_scopes("patient/*.cruds"), "p", frozenset({"patient"})
    )
    assert await starts(clinic, patient) == []
    assert len(await starts(clinic)) == 4
    with pytest.raises(Unavailable):
        await clinic.desk.hold_for(patient, wanted(NINE, "Patient/p"))


async def test_an_overbooked_visit_says_why_until_it_is_moved(clinic: Clinic) -> None:
    await clinic.desk.book_all(DESK, [wanted(NINE, "Patient/p")])
    (version,) = await clinic.desk.book_all(
        DESK, [wanted(NINE, "Patient/q")], overbook=True, why="Chest pain"
    )
    said = {one["url"]: one for one in tree(version)["extension"]}
    assert said[names.OVERBOOKED]["valueBoolean"] is True
    assert said[names.OVERBOOKED_WHY]["valueString"] == "Chest pain"
    moved = tree(await clinic.desk.move(DESK, version.id, wanted(TEN)))
    assert "extension" not in moved


async def test_a_visit_on_no_slot_is_moved_onto_a_schedule(clinic: Clinic) -> None:
    plain = appointment(
        "2027-03-01T14:00", "2027-03-01T14:20", "Patient/p", "Practitioner/e", status="booked"
    )
    await clinic.put({**plain, "id": "plain"})
    moved = tree(await clinic.desk.move(DESK, "plain", wanted(TEN)))
    actors = [one["actor"]["reference"] for one in moved["participant"]]
    assert actors == ["Patient/p", "Practitioner/d", "Location/room"]
    assert moved["slot"]


async def test_the_stages_of_a_visit(clinic: Clinic, clock: Hands) -> None:
    (version,) = await clinic.desk.book_all(DESK, [wanted(NINE, "Patient/p", medium="PHONE")])
    for status in ("arrived", "checked-in", "booked", "checked-in", "fulfilled"):
        noted = tree(await attend(clinic.desk, DESK, version.id, status))
        assert (noted["status"], medium_of(noted)) == (status, "PHONE")
    with pytest.raises(Unfit):
        await attend(clinic.desk, DESK, version.id, "arrived")
    (other,) = await clinic.desk.book_all(DESK, [wanted(TEN, "Patient/q")])
    clock.now = TEN + MINUTE
    await clinic.desk.no_show(DESK, other.id)
    undone = tree(await attend(clinic.desk, DESK, other.id, "booked"))
    assert undone["status"] == "booked"
    patient = Caller(
        TENANT, "Patient/q", "Q", parse_scopes("patient/*.cruds"), "q", frozenset({"patient"})
    )
    with pytest.raises(Forbidden):
        await attend(clinic.desk, patient, other.id, "arrived")


async def wish(clinic: Clinic, patient: str) -> str:
    answer = await clinic.http.post(
        "Appointment/$wait",
        json=parameters(
            start="2027-02-23", end="2027-02-24", visit_type="urn:visit|visit",
            patient_reference={"reference": f"Patient/{patient}"},
        ),
    )  # fmt: skip
    return str(resources(answer)[0]["id"])


async def test_a_time_is_offered_by_hand_and_booked(clinic: Clinic, clock: Hands) -> None:
    id = await wish(clinic, "p")
    held = tree(await offer(clinic.desk, DESK, id, wanted(NINE)))
    assert held["status"] == "pending"
    assert held["participant"][0]["actor"]["reference"] == "Patient/p"
    with pytest.raises(Unfit, match="offer already"):
        await offer(clinic.desk, DESK, id, wanted(TEN))
    with pytest.raises(Unavailable):
        await offer(clinic.desk, DESK, await wish(clinic, "q"), wanted(NINE))
    booked = await clinic.one(
        "$book", clinic.patient("p"), appointment_reference=reference(held["id"])
    )
    assert booked["status"] == "booked"
    answered = (await clinic.http.get(f"Appointment/{id}")).json()
    assert answered["status"] == "cancelled"
    with pytest.raises(Unfit):
        await offer(clinic.desk, DESK, id, wanted(TEN))


async def test_an_offer_that_is_declined_frees_the_time_and_the_wish_stays(clinic: Clinic) -> None:
    id = await wish(clinic, "p")
    held = await offer(clinic.desk, DESK, id, wanted(NINE))
    assert NINE not in await starts(clinic)
    gone = await clinic.one(
        "$cancel", clinic.patient("p"), appointment_reference=reference(held.id)
    )
    assert gone["status"] == "cancelled"
    assert NINE in await starts(clinic)
    assert (await clinic.http.get(f"Appointment/{id}")).json()["status"] == "waitlist"


async def test_a_patient_moves_a_visit_on_no_slot_within_the_terms(
    clinic: Clinic, clock: Hands
) -> None:
    plain = appointment(
        "2027-03-01T09:00", "2027-03-01T09:30", "Patient/p", "Practitioner/d", status="booked"
    )
    await clinic.put({**plain, "id": "plain"})
    patient = Caller(
        TENANT, "Patient/p", "P", parse_scopes("patient/*.cruds"), "p", frozenset({"patient"})
    )
    clock.now = NINE - 23 * 60 * MINUTE
    with pytest.raises(TooLate):
        await clinic.desk.move(patient, "plain", wanted(TEN))


async def test_feeds_are_listed_and_ended_one_by_one(clinic: Clinic) -> None:
    await clinic.feeds.open(DESK, "Practitioner/d")
    secret, _ = await clinic.feeds.open(DESK, "Location/room")
    listed = {subject: key for key, subject, _ in await clinic.feeds.mine(DESK)}
    assert set(listed) == {"Practitioner/d", "Location/room"}
    stranger = Caller(TENANT, "Practitioner/x", "X", DESK.scopes, None, DESK.roles)
    await clinic.feeds.end_one(stranger, listed["Location/room"])
    assert len(await clinic.feeds.mine(DESK)) == 2
    await clinic.feeds.end_one(DESK, listed["Location/room"])
    assert [subject for _, subject, _ in await clinic.feeds.mine(DESK)] == ["Practitioner/d"]
    async with clinic.feed_client() as program:
        assert (await program.get(f"/calendar/{secret}.ics")).status_code == 404
