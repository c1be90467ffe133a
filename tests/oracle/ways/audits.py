"""Who opened a record: AuditEvents by search, and the accounting of disclosures. What there is, the
house itself is asked first."""

from __future__ import annotations

from typing import Any

from tests.oracle.rights import Sight
from tests.oracle.way import Here, Way, a_patient
from tests.policy_house import Record, patients_of

WAYS: dict[str, Way] = {}
_CARE = {"TREAT", "ETREAT", "BTG", "HPAYMT", "HOPERAT"}


def _event(id: str) -> Record:
    """That somebody of the staff opened the record of a patient."""
    return {"resourceType": "AuditEvent", "id": "trail-x", "recorded": "2026-01-01T00:00:00Z",
            "agent": [], "entity": [{"what": {"reference": f"Patient/{id}"}}]}  # fmt: skip


def _of(sight: Sight, n: int, m: int) -> list[str]:
    return ["events"] if sight.may("search", _event(a_patient(sight, n))) else []


async def _there(here: Here, id: str) -> dict[str, Record]:
    """Events of this round that name a patient."""
    url: Any = f"AuditEvent?patient=Patient/{id}&date=ge{here.began}&_count=500"
    found: dict[str, Record] = {}
    while url:
        answer = await here.plain.http.get(url)
        assert answer.status_code == 200, answer.text
        found |= {one["resource"]["id"]: one["resource"] for one in answer.json().get("entry", ())
                  if one["resource"]["resourceType"] == "AuditEvent"}  # fmt: skip
        links = {one["relation"]: one["url"] for one in answer.json()["link"]}
        url = links.get("next")
    return found


def _compared(here: Here, got: list[str], there: dict[str, Record], n: int) -> list[str]:
    """Of the events that there were before, each that may be seen and no other."""
    wanted = {id for id, event in there.items() if here.sight.may("search", event)}
    mine = {id for id in got if id in there}
    wrong = sorted(mine ^ wanted)
    one = patients_of(there[wrong[0]]) if wrong else set()
    told = f"leaks {mine - wanted}, false denials {wanted - mine}, of {one}"
    assert not wrong, f"{told} for {here.caller}\n{here.told}"
    return _of(here.sight, n, 0)


async def _events(here: Here, n: int, m: int) -> list[str]:
    id = a_patient(here.sight, n)
    there = await _there(here, id)
    url: Any = f"AuditEvent?patient=Patient/{id}&date=ge{here.began}&_count=500"
    got: list[str] = []
    while url:
        answer = await here.http.get(url)
        if answer.status_code == 403:
            break
        assert answer.status_code == 200, answer.text
        got += [one["resource"]["id"] for one in answer.json().get("entry", ())]
        links = {one["relation"]: one["url"] for one in answer.json()["link"]}
        url = links.get("next")
    return _compared(here, got, there, n)


WAYS["AuditEvents of a patient"] = Way(_of, _events)


def _is_disclosure(event: Record, extended: bool) -> bool:
    """45 CFR 164.528: shown, to others than the patient and this server itself, and where it is
    care only if that is asked for."""
    agents = [one.get("who", {}) for one in event["agent"] if one.get("requestor")]
    people = [one["reference"] for one in agents if "reference" in one]
    programs = [one["identifier"]["value"] for one in agents if "identifier" in one]
    who = next(iter((*people, *programs)), "")
    purpose = next((c["code"] for one in event.get("purposeOfEvent", ())
                    for c in one["coding"]), "TREAT")  # fmt: skip
    if event["action"] not in ("R", "E") or event["outcome"] != "0" or purpose == "PATRQT":
        return False
    if who.startswith(("Patient/", "RelatedPerson/", "service/")):
        return False
    return extended or purpose not in _CARE


async def _accounting(here: Here, n: int, m: int) -> list[str]:
    id, extended = a_patient(here.sight, n), m % 2 == 1
    there = await _there(here, id)
    counted = {key: event for key, event in there.items() if _is_disclosure(event, extended)}
    asked = f"Patient/{id}/$accounting-of-disclosures?extended={'true' if extended else 'false'}"
    answer = await here.http.get(asked)
    assert answer.status_code in (200, 403, 404), answer.text
    shown = answer.json().get("entry", ()) if answer.status_code == 200 else ()
    got = [one["resource"]["id"] for one in shown]
    assert not there.keys() & set(got) - counted.keys()
    return _compared(here, got, counted, n)


WAYS["accounting of disclosures"] = Way(_of, _accounting)
