"""A clinic's weeks: visits are found, booked, moved, missed and waited for, by whoever may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from icalendar import Calendar

from careplane.storage.engines.memory import MemoryStore
from tests.contracts.conftest import Hands
from tests.scheduling_house import (
    HALF_HOUR,
    MINUTE,
    MONDAYS,
    NOW,
    Clinic,
    appointment,
    at,
    closed,
    issues,
    location,
    open_clinic,
    parameters,
    reference,
    resources,
    rule,
    schedule,
    terms,
    visit_type,
    zone,
)

pytestmark = pytest.mark.anyio
P, Q = {"reference": "Patient/p"}, {"reference": "Patient/q"}
HOUR = 60 * MINUTE


@pytest.fixture
def clock() -> Hands:
    return Hands(NOW)


@pytest.fixture
async def clinic(clock: Hands) -> AsyncIterator[Clinic]:
    async with open_clinic(MemoryStore(clock), clock) as clinic:
        await clinic.put(schedule("s", MONDAYS, HALF_HOUR))
        yield clinic


def starts(found: list[dict[str, Any]]) -> list[str]:
    return [one["start"][:16] for one in found]


async def test_what_is_found_is_what_the_rules_offer(clinic: Clinic) -> None:
    body = parameters(start="2027-03-01", end="2027-03-15", patient_reference=P)
    answer = await clinic.http.post("Appointment/$find?_count=3", json=body)
    tree = answer.json()
    assert (tree["type"], tree["total"]) == ("searchset", 12)
    found = resources(answer)
    assert starts(found) == ["2027-03-01T09:00", "2027-03-01T09:30", "2027-03-01T10:00"]
    first = found[0]
    assert first["start"] == "2027-03-01T09:00:00+01:00"
    assert first["minutesDuration"] == 30
    assert first["serviceType"] == [{"coding": [{"system": "urn:visit", "code": "visit"}]}]
    who = [one["actor"]["reference"] for one in first["participant"]]
    assert who == ["Patient/p", "Practitioner/d", "Location/room"]
    assert len(first["id"]) <= 64


async def test_by_get_it_is_as_by_post(clinic: Clinic) -> None:
    asked = "start=2027-03-01&end=2027-03-01&practitioner=Practitioner/d&visit-type=urn:visit|visit"
    answer = await clinic.http.get(f"Appointment/$find?{asked}")
    assert answer.status_code == 200, answer.text
    assert len(resources(answer)) == 4
    own = next(one["url"] for one in answer.json()["link"] if one["relation"] == "self")
    assert "visit-type" in own


async def test_what_is_not_gone_by_and_what_cannot_be_used_is_said(clinic: Clinic) -> None:
    insured = {"reference": "InsurancePlan/i"}
    timing = {"repeat": {"timeOfDay": ["09:00:00"]}}
    body = parameters(
        start="2027-03-01", end="2027-03-01", insurance_reference=insured, timing=timing
    )
    homeless = location("nowhere")
    del homeless["extension"]
    await clinic.put(
        homeless, schedule("t", MONDAYS, HALF_HOUR, actors=("Practitioner/e", "Location/nowhere"))
    )
    answer = await clinic.http.post("Appointment/$find", json=body)
    assert len(resources(answer)) == 4
    (told,) = resources(answer, "outcome")
    said = {one["severity"]: one["diagnostics"] for one in told["issue"]}
    assert "has a time zone" in said["warning"]
    texts = [one["diagnostics"] for one in told["issue"]]
    assert "insurance-reference is not looked at." in texts
    assert "timing.repeat.timeOfDay is not looked at." in texts
    last = [one for one in await clinic.audit() if one.interaction == "$find"][-1]
    assert last.query == "2027-03-01T00:00:00.000Z/2027-03-02T00:00:00.000Z"


FOUND: dict[str, tuple[dict[str, Any], list[str]]] = {
    "one of several practitioners": (
        {"practitioner": [{"reference": "Practitioner/d"}, {"reference": "Practitioner/e"}]},
        ["s", "s", "s", "e", "s", "e"],
    ),
    "the preferred one first": (
        {"practitioner": [{"reference": "Practitioner/e"}, {"reference": "Practitioner/d"}]},
        ["s", "s", "e", "s", "e", "s"],
    ),
    "a practitioner in a room": (
        {"practitioner": {"reference": "Practitioner/d"},
         "location_reference": {"reference": "Location/room"}},
        ["s"] * 4,
    ),
    "nobody is there": (
        {"practitioner": {"reference": "Practitioner/d"},
         "location_reference": {"reference": "Location/other"}}, [],
    ),
    "by the address of the place": ({"location_string": "Springfield"}, ["e", "e"]),
    "by its organization": ({"organization": {"reference": "Organization/o"}}, ["e", "e"]),
    "a visit type of one": ({"visit_type": "urn:visit|long"}, ["e", "e"]),
    "a visit type of nobody": ({"visit_type": "urn:visit|none"}, []),
    "by an identifier": (
        {"practitioner": {"identifier": {"system": "urn:i", "value": "E"}}}, ["e", "e"],
    ),
    "by an identifier of nobody": (
        {"practitioner": {"identifier": {"system": "urn:i", "value": "X"}}}, [],
    ),
    "on a day of the week": ({"timing": {"repeat": {"dayOfWeek": ["tue"]}}}, []),
    "in the morning": ({"timing": {"repeat": {"when": ["MORN"]}}},
                       ["s", "s", "e", "s", "e", "s"]),
    "in the afternoon": ({"timing": {"repeat": {"when": ["AFT"]}}}, []),
    "of a specialty": ({"specialty": "urn:s|skin"}, ["e", "e"]),
    "part of a day": ({"start": "2027-03-01T09:45:00+01:00", "end": "2027-03-01T10:45:00+01:00"},
                      ["e", "s"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
async def test_the_search_is_narrowed(clinic: Clinic, name: str) -> None:
    other = {**location("other"), "address": {"city": "Springfield"}}
    other["managingOrganization"] = {"reference": "Organization/o"}
    hours = rule("10:00", "11:00", recurrence="FREQ=WEEKLY;BYDAY=MO", step=30)
    long = schedule("e", hours, visit_type("long", 30), actors=("Practitioner/e", "Location/other"))
    long["specialty"] = [{"coding": [{"system": "urn:s", "code": "skin"}]}]
    identified = [{"system": "urn:i", "value": "E"}]
    await clinic.put({"resourceType": "Practitioner", "id": "e", "identifier": identified})
    await clinic.put({"resourceType": "Organization", "id": "o", "name": "O"}, other, long)
    asked, expected = FOUND[name]
    kinds = ["urn:visit|visit", "urn:visit|long"]
    found = await clinic.find(**({"visit_type": kinds} | asked))
    with_e = [
        any(p["actor"]["reference"] == "Practitioner/e" for p in one["participant"])
        for one in found
    ]
    assert ["e" if is_e else "s" for is_e in with_e] == expected


async def test_buffers_keep_visits_apart(clinic: Clinic) -> None:
    hours = rule("09:00", "12:00", recurrence="FREQ=WEEKLY;BYDAY=MO", step=15)
    await clinic.put(schedule("s", hours, visit_type("visit", 30, before=15, after=15)))
    found = await clinic.find(patient_reference=P)
    middle = next(one for one in found if "T10:00" in one["start"])
    await clinic.one("$book", appointment_reference=reference(middle["id"]))
    left = starts(await clinic.find())
    assert "2027-03-01T09:15" in left
    assert "2027-03-01T09:30" not in left
    assert "2027-03-01T10:30" not in left
    assert "2027-03-01T10:45" in left


async def test_a_site_has_many_visits_at_once_and_a_room_has_one(clinic: Clinic) -> None:
    await clinic.put(
        location("site", "si"),
        schedule("s", MONDAYS, HALF_HOUR, actors=("Practitioner/d", "Location/site")),
        schedule("t", MONDAYS, HALF_HOUR, actors=("Practitioner/e", "Location/site")),
    )
    found = await clinic.find(patient_reference=P)
    await clinic.one("$book", appointment_reference=reference(found[0]["id"]))
    assert len(await clinic.find()) == 7
    await clinic.put(location("site", "ro"))
    assert len(await clinic.find()) == 6


async def test_beyond_the_capacity_only_by_permission_and_audited(clinic: Clinic) -> None:
    found = await clinic.find(patient_reference=P)
    await clinic.one("$book", appointment_reference=reference(found[0]["id"]))
    again = {"appointment_reference": reference(found[0]["id"]), "overbook": True}
    nurse = clinic.client("user/*.cruds", "physician")
    refused = await clinic.call("$book", nurse, **again)
    assert refused.status_code == 403
    assert "beyond what a schedule offers" in issues(refused)[0]["diagnostics"]
    desk = clinic.client("user/*.cruds", "front-desk")
    booked = await clinic.one("$book", desk, **again)
    assert any("overbooked" in one["url"] for one in booked["extension"])
    (slot,) = resources(await clinic.http.get("Slot"))
    assert slot["overbooked"] is True
    about = [one.query for one in await clinic.audit() if one.interaction == "$book"]
    assert about[-1] == "Schedule/s 2027-03-01T09:00:00+01:00 overbooked"


async def test_a_policy_that_keeps_some_slots_as_they_are_keeps_nobody_from_booking(
    clock: Hands,
) -> None:
    """A new one is written by the clinic itself, under an id that only it makes."""
    sealed = """forbid (principal, action == Action::"update", resource is Slot)
        when { resource.matches.contains("_security=R") };"""
    async with open_clinic(MemoryStore(clock), clock, policies={"mine.cedar": sealed}) as clinic:
        await clinic.put(schedule("s", MONDAYS, HALF_HOUR))
        (first, *_) = await clinic.find(patient_reference=P)
        held = await clinic.one("$hold", appointment_reference=reference(first["id"]))
        await clinic.one("$book", appointment_reference=reference(held["id"]))
        assert len(await clinic.find()) == 3


async def test_patients_keep_to_the_terms_and_staff_do_not(clinic: Clinic, clock: Hands) -> None:
    strict = terms(book_before=120, move_before=1440, cancel_before=2880, horizon_days=30)
    await clinic.put(schedule("s", MONDAYS, HALF_HOUR, strict))
    patient = clinic.patient("p")
    first, second, *_ = await clinic.find(patient, patient_reference=P)
    booked = await clinic.one("$book", patient, appointment_reference=reference(first["id"]))
    clock.now = at("2027-02-27T09:01")
    late = await clinic.call("$cancel", patient, appointment_reference=reference(booked["id"]))
    assert late.status_code == 409
    assert "at least 2 days ahead" in issues(late)[0]["diagnostics"]
    wanted = {**booked, "start": second["start"], "end": second["end"]}
    moved = await clinic.one("$book", patient, appointment_resource=wanted)
    clock.now = at("2027-02-28T09:31")
    again = {**moved, "start": first["start"], "end": first["end"]}
    late = await clinic.call("$book", patient, appointment_resource=again)
    assert "moved at least 1 day ahead" in issues(late)[0]["diagnostics"]
    clock.now = at("2027-03-01T07:30")
    assert starts(await clinic.find(patient)) == ["2027-03-01T10:00", "2027-03-01T10:30"]
    assert len(await clinic.find()) == 3
    done = await clinic.one("$cancel", appointment_reference=reference(booked["id"]))
    assert done["status"] == "cancelled"
    far = await clinic.find(start="2027-04-05", end="2027-04-05")
    assert far == []


async def test_a_patient_books_for_nobody_else_and_only_by_the_operations(clinic: Clinic) -> None:
    patient = clinic.patient("p")
    other = await clinic.call("$find", patient, start="2027-03-01", end="2027-03-01",
                              patient_reference=Q)  # fmt: skip
    assert other.status_code == 403
    made = {**appointment("2027-03-01T09:00", "2027-03-01T09:30", "Patient/p", "Practitioner/d")}
    plain = await patient.post("Appointment", json=made)
    assert plain.status_code == 403
    assert "$book" in issues(plain)[0]["diagnostics"]
    found = await clinic.find(patient, patient_reference=P)
    booked = await clinic.one("$book", patient, appointment_reference=reference(found[0]["id"]))
    put = await patient.put(f"Appointment/{booked['id']}", json={**booked, "comment": "x"})
    assert put.status_code == 403
    stranger = await clinic.call(
        "$cancel", clinic.patient("q"), appointment_reference=reference(booked["id"])
    )
    assert stranger.status_code == 409
    assert "no such Appointment" in issues(stranger)[0]["diagnostics"]
    missed = await patient.post(f"Appointment/{booked['id']}/$no-show")
    assert missed.status_code == 403


async def test_a_patient_holds_a_few_times_only(clinic: Clinic) -> None:
    patient = clinic.patient("p")
    found = await clinic.find(patient)
    holds = [
        await clinic.call("$hold", patient, appointment_reference=reference(one["id"]))
        for one in found
    ]
    assert [one.status_code for one in holds] == [200, 200, 200, 409]
    assert "held for you already" in issues(holds[-1])[0]["diagnostics"]
    first = resources(holds[0])[0]
    assert first["participant"][0]["actor"]["reference"] == "Patient/p"
    await clinic.one("$cancel", patient, appointment_reference=reference(first["id"]))
    again = await clinic.call("$hold", patient, appointment_reference=reference(found[3]["id"]))
    assert again.status_code == 200


async def test_an_app_needs_the_scope(clinic: Clinic) -> None:
    found = await clinic.find(patient_reference=P)
    ref = {"appointment_reference": reference(found[0]["id"])}
    reader = clinic.client("patient/*.rs", "patient", patient="p", id="Patient/p")
    assert (await clinic.call("$book", reader, **ref)).status_code == 403
    nothing = clinic.client("system/Observation.rs")
    asked = {"start": "2027-03-01", "end": "2027-03-01"}
    assert (await clinic.call("$find", nothing, **asked)).status_code == 403


async def test_a_new_patient_is_registered_with_the_booking(clinic: Clinic) -> None:
    found = await clinic.find()
    new = {"resourceType": "Patient", "name": [{"family": "New"}]}
    booked = await clinic.one(
        "$book", appointment_reference=reference(found[0]["id"]), patient_resource=new,
        comment="Brings films",
    )  # fmt: skip
    assert booked["comment"] == "Brings films"
    (patient,) = resources(await clinic.http.get("Patient?family=New"))
    assert booked["participant"][0]["actor"]["reference"] == f"Patient/{patient['id']}"
    taken = await clinic.call(
        "$book", appointment_reference=reference(found[0]["id"]), patient_resource=new
    )
    assert taken.status_code == 409
    assert len(resources(await clinic.http.get("Patient?family=New"))) == 1


async def test_a_series_is_booked_whole_or_not_at_all(clinic: Clinic) -> None:
    found = await clinic.find(patient_reference=P)
    asked = {
        "appointment_reference": reference(found[0]["id"]),
        "recurrence": "FREQ=WEEKLY;INTERVAL=2",
    }
    answer = await clinic.call("$book", **asked, count=4)
    assert answer.status_code == 200, answer.text
    visits = resources(answer)
    assert [one["start"] for one in visits] == [
        "2027-03-01T09:00:00+01:00", "2027-03-15T09:00:00+01:00",
        "2027-03-29T09:00:00+02:00", "2027-04-12T09:00:00+02:00",
    ]  # fmt: skip
    assert len({one["identifier"][0]["value"] for one in visits}) == 1
    clash = await clinic.call("$book", **asked, count=2)
    assert clash.status_code == 409
    assert len(issues(clash)) == 2
    weekly = {**asked, "recurrence": "FREQ=WEEKLY"}
    partly = await clinic.call("$book", **weekly, count=2)
    assert partly.status_code == 409
    assert "2027-03-01 09:00" in issues(partly)[0]["diagnostics"]
    booked = resources(await clinic.http.get("Appointment?status=booked&_count=100"))
    assert len(booked) == 4
    rest = await clinic.call(
        "$cancel", appointment_reference=reference(visits[1]["id"]), series=True
    )
    assert {one["status"] for one in resources(rest)} == {"cancelled"}
    assert len(resources(rest)) == 3
    booked = resources(await clinic.http.get("Appointment?status=booked"))
    assert [one["id"] for one in booked] == [visits[0]["id"]]


async def test_who_does_not_come_is_noted_once_it_has_begun(clinic: Clinic, clock: Hands) -> None:
    found = await clinic.find(patient_reference=P)
    booked = await clinic.one("$book", appointment_reference=reference(found[0]["id"]))
    early = await clinic.http.post(f"Appointment/{booked['id']}/$no-show")
    assert early.status_code == 409
    clock.now = at("2027-03-01T09:10")
    missed = await clinic.http.post(f"Appointment/{booked['id']}/$no-show")
    assert resources(missed)[0]["status"] == "noshow"
    again = await clinic.call("$cancel", appointment_reference=reference(booked["id"]))
    assert "is noshow and cannot" in issues(again)[0]["diagnostics"]


async def test_a_change_of_rules_does_not_touch_what_is_booked(clinic: Clinic) -> None:
    found = await clinic.find(patient_reference=P)
    booked = await clinic.one("$book", appointment_reference=reference(found[0]["id"]))
    held = await clinic.one("$hold", appointment_reference=reference(found[1]["id"]))
    await clinic.put(schedule("s", MONDAYS, HALF_HOUR, closed("2027-03-01", "2027-03-01")))
    assert await clinic.find() == []
    same = (await clinic.http.get(f"Appointment/{booked['id']}")).json()
    assert (same["status"], same["meta"]["versionId"]) == ("booked", "1")
    kept = await clinic.one("$book", appointment_reference=reference(held["id"]))
    assert kept["status"] == "booked"


async def test_slots_are_expanded_and_tell_what_is_taken(clinic: Clinic) -> None:
    found = await clinic.find(patient_reference=P)
    await clinic.one("$book", appointment_reference=reference(found[1]["id"]))
    asked = "Schedule/s/$slots?start=2027-03-01&end=2027-03-08"
    slots = resources(await clinic.http.get(asked))
    assert [one["status"] for one in slots] == ["free", "busy", *["free"] * 6]
    assert len({one["id"] for one in slots}) == 8
    free = resources(await clinic.http.get(f"{asked}&status=free"))
    assert len(free) == 7
    assert slots[1]["id"] == resources(await clinic.http.get("Slot"))[0]["id"]


async def test_a_visit_as_an_icalendar_file(clinic: Clinic) -> None:
    found = await clinic.find(patient_reference=P)
    booked = await clinic.one("$book", appointment_reference=reference(found[0]["id"]))
    answer = await clinic.http.get(f"Appointment/{booked['id']}/$ical")
    assert answer.headers["content-type"].startswith("text/calendar")
    (event,) = Calendar.from_ical(answer.text).events
    assert event.start.isoformat() == "2027-03-01T08:00:00+00:00"
    assert (event["status"], event["class"]) == ("CONFIRMED", "PRIVATE")


async def test_a_feed_tells_when_at_a_secret_address_until_it_is_ended(clinic: Clinic) -> None:
    found = await clinic.find(patient_reference=P)
    booked = await clinic.one("$book", appointment_reference=reference(found[0]["id"]))
    doctor = clinic.client("user/*.rs", "physician", id="Practitioner/d")
    made = (await doctor.post("Practitioner/d/$calendar-feed")).json()
    url = next(one["valueUrl"] for one in made["parameter"] if one["name"] == "url")
    assert url.startswith("http://hospital.test/calendar/")
    async with clinic.feed_client() as program:
        answer = await program.get(url)
        assert answer.status_code == 200
        (event,) = Calendar.from_ical(answer.text).events
        assert str(event["uid"]).startswith(booked["id"])
        assert "Patient" not in answer.text
        assert "visit" not in answer.text
        before = len(await clinic.audit())
        await clinic.call("$cancel", appointment_reference=reference(booked["id"]))
        (event,) = Calendar.from_ical((await program.get(url)).text).events
        assert event["status"] == "CANCELLED"
        trail = (await clinic.audit())[before:]
        assert ("Practitioner/d", "search-type") in {(r.agent, r.interaction) for r in trail}
        await doctor.post("Practitioner/d/$calendar-feed-end")
        assert (await program.get(url)).status_code == 404
        assert (await program.get("/calendar/" + "0" * 64 + ".ics")).status_code == 404
        assert (await program.get("/calendar/x")).status_code == 404
        assert (await program.post(url)).status_code == 405


BAD: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "ends before it starts": (
        "$find", {"start": "2027-03-02", "end": "2027-03-01"}, 400, "end lies before",
    ),
    "no start": ("$find", {"end": "2027-03-01"}, 400, "start"),
    "no date": ("$find", {"start": "soon", "end": "2027-03-01"}, 400, "no date"),
    "a day that is not there": (
        "$find", {"start": "2027-02-30", "end": "2027-03-01"}, 400, "no date",
    ),
    "years of times": ("$find", {"start": "2027-01-01", "end": "2099-01-01"}, 400, "92 days"),
    "an unknown parameter": (
        "$find", {"start": "2027-03-01", "end": "2027-03-01", "colour": "red"}, 400, "colour",
    ),
    "a reference to something else": (
        "$find", {"start": "2027-03-01", "end": "2027-03-01",
                  "practitioner": {"reference": "http://elsewhere/Practitioner/1"}}, 400,
        "reference of this server",
    ),
    "a hold of what was never proposed": (
        "$hold", {"appointment_reference": reference("x")}, 409, "find a time anew",
    ),
    "a hold of a proposal of nobody": (
        "$hold", {"appointment_reference": reference("p" + "0" * 32 + "-0-1")}, 409, "find a time",
    ),
    "a hold of nothing": ("$hold", {}, 400, "Name one Appointment"),
    "a booking of what is not there": (
        "$book", {"appointment_reference": reference("x")}, 409, "no such Appointment",
    ),
    "an appointment that ends before it starts": (
        "$book", {"appointment_resource": appointment(
            "2027-03-01T09:30", "2027-03-01T09:00", "Patient/p", "Practitioner/d")}, 400,
        "ends before",
    ),
    "an appointment between the steps": (
        "$book", {"appointment_resource": appointment(
            "2027-03-01T09:10", "2027-03-01T09:40", "Patient/p", "Practitioner/d")}, 409,
        "No Schedule",
    ),
    "an appointment with nobody": (
        "$book", {"appointment_resource": appointment(
            "2027-03-01T09:00", "2027-03-01T09:30", "Patient/p")}, 400, "on a Schedule",
    ),
    "an appointment of no patient": (
        "$book", {"appointment_resource": appointment(
            "2027-03-01T09:00", "2027-03-01T09:30", "Practitioner/d", "Location/room")}, 400,
        "for a patient",
    ),
    "another resource": (
        "$book", {"appointment_resource": {"resourceType": "Patient"}}, 400, "is an Appointment",
    ),
    "a series of a million": (
        "$book", {"appointment_resource": appointment(
            "2027-03-01T09:00", "2027-03-01T09:30", "Patient/p", "Practitioner/d"),
            "recurrence": "FREQ=DAILY", "count": 99999}, 400, "1 to 52",
    ),
    "a series that is none": (
        "$book", {"appointment_resource": appointment(
            "2027-03-01T09:00", "2027-03-01T09:30", "Patient/p", "Practitioner/d"),
            "recurrence": "FREQ=HOURLY", "count": 2}, 400, "FREQ",
    ),
    "a wish of two patients": (
        "$wait", {"start": "2027-03-01", "end": "2027-03-02", "patient_reference": [P, Q]}, 400,
        "who waits",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_what_cannot_be_done_is_said(clinic: Clinic, name: str) -> None:
    operation, asked, status, said = BAD[name]
    answer = await clinic.call(operation, **asked)
    assert answer.status_code == status, answer.text
    found = issues(answer)
    assert any(said in one["diagnostics"] for one in found), found
    assert answer.json()["resourceType"] == ("Bundle" if status == 409 else "OperationOutcome")
    assert resources(await clinic.http.get("Appointment")) == []


async def test_a_schedule_that_cannot_be_used_is_not_stored(clinic: Clinic) -> None:
    bad = schedule("bad", zone("Nowhere/Land"), rule("10:00", "09:00"))
    answer = await clinic.http.put("Schedule/bad", json=bad)
    assert answer.status_code == 400
    where = {one["expression"][0] for one in issues(answer)}
    assert where == {
        "Schedule.extension[0].valueCode", "Schedule.extension[1].extension('end')",
    }  # fmt: skip
    plain = {"resourceType": "Schedule", "id": "x", "actor": [{"reference": "Practitioner/d"}]}
    await clinic.put(plain)
    assert len(await clinic.find()) == 4
