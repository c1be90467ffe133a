"""Threads of messages, and tasks: of a patient, by box, and an answer to a thread, which is taken
back."""

from __future__ import annotations

import json
from typing import Any

from careplane.kernel.errors import Forbidden
from careplane.telehealth.messages.parties import Asker
from tests.consent_house import subjects
from tests.oracle.rights import Sight
from tests.oracle.rooms import KIND, TOPIC, concept
from tests.oracle.way import KEYS, Here, Way, a_patient, found_of
from tests.oracle.writing import REFUSED, taken_back
from tests.policy_house import Record, patients_of, to

WAYS: dict[str, Way] = {}
_HEADS = tuple(key for key in KEYS if key.startswith("Communication/h"))
_POOLS = {"Practitioner/n": {"HealthcareService/pool", "CareTeam/t1", "PractitionerRole/pool-n",
                             "PractitionerRole/n1", "PractitionerRole/n2"},
          "Practitioner/m": {"CareTeam/t1"}}  # fmt: skip
"""What stands for somebody besides: pools and teams that are theirs."""


def _is_head(record: Record) -> bool:
    return (KIND, "thread") in _codes(record)


def _codes(record: Record) -> set[tuple[str, str]]:
    return {(c["system"], c["code"]) for one in record.get("category", ()) for c in one["coding"]}


def _with_messages(sight: Sight, heads: list[str]) -> list[str]:
    def is_of(record: Record) -> bool:
        return any(one["reference"] in heads for one in record.get("partOf", ()))

    return sorted({*heads, *found_of(sight, "Communication", is_of)})


def _of_patient(sight: Sight, n: int, m: int) -> list[str]:
    id = a_patient(sight, n)
    heads = found_of(sight, "Communication", lambda r: _is_head(r) and id in subjects(r))
    return _with_messages(sight, heads)


def _of_box(sight: Sight, n: int, m: int) -> list[str]:
    """Open ones, in which one takes part: a patient all those that are about them."""
    judge = sight.judge

    def is_mine(record: Record) -> bool:
        if not _is_head(record) or record["status"] != "in-progress" or judge is None:
            return _is_head(record) and record["status"] == "in-progress"
        if judge.acts_as_patient:
            return judge.case.patient in subjects(record)
        mine = {judge.case.who} | _POOLS.get(judge.case.who, set())
        return bool(mine & {one["reference"] for one in record["recipient"]})

    return _with_messages(sight, found_of(sight, "Communication", is_mine))


async def _asker(here: Here) -> Asker | None:
    """Who asks; None where a policy that was drawn forbids the house itself to look up who is in
    which pool."""
    try:
        return await here.rooms.services.talk.messages.pools.asker(here.caller)
    except Forbidden:
        judge = here.sight.judge
        assert judge is not None
        assert any(one.startswith("forbid") for one in judge.policies), here.told
        return None


async def _lines(here: Here, asked: Any, wanted: list[str]) -> list[str]:
    """Threads of all pages, each with its newest message."""
    asker = await _asker(here)
    if asker is None:
        return wanted
    found, cursor = set[str](), None
    while True:
        try:
            lines, cursor = await asked(here.caller, asker, cursor)
        except Forbidden:
            return []
        for line in lines:
            here.looked(line.thread.tree)
            found.add(f"Communication/{line.thread.id}")
            if line.last is not None:
                here.looked(line.last.tree)
                found.add(f"Communication/{line.last.id}")
        if cursor is None:
            return sorted(found)


async def _threads(here: Here, n: int, m: int) -> list[str]:
    reading, id = here.rooms.services.talk.reading, a_patient(here.sight, n)
    wanted = _of_patient(here.sight, n, m)
    return await _lines(here, lambda c, a, cursor: reading.of_patient(c, a, id, cursor), wanted)


async def _box(here: Here, n: int, m: int) -> list[str]:
    reading = here.rooms.services.talk.reading
    wanted = _of_box(here.sight, n, m)
    return await _lines(here, lambda c, a, cursor: reading.box(c, a, "open", "", cursor), wanted)


WAYS["threads of a patient"] = Way(_of_patient, _threads)
WAYS["box of threads"] = Way(_of_box, _box)


# --- an answer ------------------------------------------------------------------------------------


def _answer(sight: Sight, key: str) -> Record:
    """What a caller would send to a thread: to the practice from a patient, to the patients from
    the practice."""
    judge, head = sight.judge, sight.records[key]
    mine, who = (judge.acts_as_patient, judge.case.who) if judge else (False, "client/all")
    people = [to(f"Patient/{id}") for id in sorted(patients_of(head))]
    topics = [code for system, code in _codes(head) if system == TOPIC]
    return {
        "resourceType": "Communication", "id": "new", "status": "completed",
        "category": [concept(KIND, "message"), *(concept(TOPIC, one) for one in topics)],
        "subject": head["subject"], "partOf": [to(key)],
        **({} if who.startswith("client/") else {"sender": to(who)}),
        "recipient": [] if mine else [one for one in people if one != to(who)],
    }  # fmt: skip


def _of_reply(sight: Sight, n: int, m: int) -> list[str]:
    key = _HEADS[n % len(_HEADS)]
    allowed = key in sight.read and sight.may("create", _answer(sight, key))
    return [key] if allowed else [REFUSED]


async def _reply(here: Here, n: int, m: int) -> list[str]:
    """Whether a policy lets messages be looked after at all is not asked here."""
    key = _HEADS[n % len(_HEADS)]
    body = {"resourceType": "Parameters", "parameter": [
        {"name": "text", "valueString": "Understood."}]}  # fmt: skip
    answer = await here.http.post(f"{key}/$reply", content=json.dumps(body))
    if answer.status_code == 200:
        (said,) = answer.json()["parameter"]
        await taken_back(here, said["valueReference"]["reference"])
        await taken_back(here, key)
        return [key]
    assert answer.status_code in (403, 404), answer.text
    judge = here.sight.judge
    forbidden = judge is not None and any(one.startswith("forbid") for one in judge.policies)
    return _of_reply(here.sight, n, m) if forbidden else [REFUSED]


WAYS["$reply"] = Way(_of_reply, _reply)


# --- tasks ----------------------------------------------------------------------------------------


def _of_tasks(sight: Sight, n: int, m: int) -> list[str]:
    if m % 2:
        return found_of(sight, "Task", lambda r: r["for"] == to(f"Patient/{a_patient(sight, n)}"))
    who = sight.judge.case.who if sight.judge else "Practitioner/n"
    return found_of(sight, "Task", lambda r: r["owner"] == to(who))


async def _tasks(here: Here, n: int, m: int) -> list[str]:
    talk = here.rooms.services.talk
    asker = await _asker(here)
    if asker is None:
        return _of_tasks(here.sight, n, m)
    try:
        if m % 2:
            found, _ = await talk.tasks.of_patient(here.caller, a_patient(here.sight, n))
        else:
            found, _ = await talk.tasks.box(here.caller, asker, "mine")
    except Forbidden:
        return []
    for one in found:
        here.looked(one.tree)
    return sorted(f"Task/{one.id}" for one in found)


WAYS["tasks"] = Way(_of_tasks, _tasks)
