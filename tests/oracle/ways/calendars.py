"""Visits: one as a file, one cancelled and put back, and a calendar that a program reads at a
secret address in the name of whoever asked for it."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.oracle.marks import marked
from tests.oracle.rights import Judge, Sight
from tests.oracle.rooms import TO_BOOK
from tests.oracle.way import KEYS, Here, Way, a_patient, found_of
from tests.oracle.writing import REFUSED, taken_back
from tests.policy_house import Record, to
from tests.scheduling_house import parameters

WAYS: dict[str, Way] = {}
_UID = re.compile(r"^UID:([A-Za-z0-9.-]+)@", re.MULTILINE)
_VISITS = tuple(key for key in KEYS if key.startswith("Appointment/"))


def _in(calendar: str) -> list[str]:
    return sorted(f"Appointment/{id}" for id in _UID.findall(calendar))


def _key(n: int) -> str:
    return _VISITS[n * 7 % len(_VISITS)]


async def _file(here: Here, n: int, m: int) -> list[str]:
    key = _key(n)
    answer = await here.http.get(f"{key}/$ical")
    if answer.status_code in (403, 404):
        return []
    assert answer.status_code == 200, answer.text
    return _in(answer.text)


WAYS["$ical"] = Way(lambda s, n, m: [k for k in (_key(n),) if k in s.read], _file)


def _cancelled(record: Record) -> Record:
    return {**record, "status": "cancelled"}


def _of_cancel(sight: Sight, n: int, m: int) -> list[str]:
    key = _key(n)
    after = _cancelled(sight.records[key])
    return [key] if key in sight.update and sight.may("bring", after) else [REFUSED]


async def _cancel(here: Here, n: int, m: int) -> list[str]:
    key = _key(n)
    answer = await here.http.post(f"{key}/$cancel")
    if answer.status_code != 200:
        assert answer.status_code == 403 or '"not-found"' in answer.text, answer.text
        return [REFUSED]
    await taken_back(here, key)
    return [key]


WAYS["$cancel"] = Way(_of_cancel, _cancel)


def _visitor(sight: Sight, n: int) -> str:
    """For whom a time is asked: for oneself, or now and then for another."""
    own = sight.judge.case.patient if sight.judge else None
    return own if own and n % 3 else a_patient(sight, n)


def _held(id: str) -> Record:
    actors = (f"Patient/{id}", "Practitioner/n")
    return {"resourceType": "Appointment", "id": "new", "status": "pending",
            "start": f"{TO_BOOK}T09:00:00Z",
            "participant": [{"actor": to(one)} for one in actors]}  # fmt: skip


def _of_hold(sight: Sight, n: int, m: int) -> list[str]:
    """Whoever may search some visits is told of free times, and holds one where such a visit may be
    made; a patient for nobody else."""
    id, judge = _visitor(sight, n), sight.judge
    if judge is not None and judge.acts_as_patient and judge.case.patient != id:
        return []
    return ["held"] if sight.found.of("Appointment") and sight.may("create", _held(id)) else []


def _closed(sight: Sight, held: Record) -> bool:
    """Whether a policy that was drawn keeps the house itself from calendars: then nobody is told of
    times."""
    judge = sight.judge
    if judge is None:
        return False
    case = replace(judge.case, who="service/scheduling", principal="", patient=None,
                   roles=frozenset(), purpose="TREAT", scopes="system/*.cruds")  # fmt: skip
    house = Judge(case, [], judge.policies, judge.masks)
    looked = (sight.records["Schedule/days"], sight.records["Slot/slot"], held)
    actions = ("read", "search", "create", "update")
    return not all(house.may(action, one) for one in looked for action in actions)


async def _hold(here: Here, n: int, m: int) -> list[str]:
    """By what was proposed; the visit and its time are put away."""
    id = _visitor(here.sight, n)
    asked = parameters(start=f"{TO_BOOK}", end=f"{TO_BOOK}", practitioner="Practitioner/n",
                       patient_reference=to(f"Patient/{id}"))  # fmt: skip
    found = await here.http.post("Appointment/$find", json=asked)
    closed = _closed(here.sight, _held(id))
    if found.status_code == 403:
        return _of_hold(here.sight, n, m) if closed else []
    assert found.status_code == 200, found.text
    proposed = found.json()["entry"][0]["resource"]
    assert marked(found.text) == set(), found.text
    held = await here.http.post("Appointment/$hold", json=parameters(
        appointment_reference=to(f"Appointment/{proposed['id']}")))  # fmt: skip
    if held.status_code == 403:
        return _of_hold(here.sight, n, m) if closed else []
    assert held.status_code == 200, held.text
    visit = held.json()["entry"][0]["resource"]
    for key in (f"Appointment/{visit['id']}", visit["slot"][0]["reference"]):
        gone = await here.plain.http.delete(key)
        assert gone.status_code == 204, gone.text
    return ["held"] if here.sight.found.of("Appointment") else []


WAYS["$find, $hold"] = Way(_of_hold, _hold)


def _subject(sight: Sight, n: int, m: int) -> str:
    return ("Practitioner/n", "Practitioner/m", f"Patient/{a_patient(sight, n)}")[m % 3]


def _of_feed(sight: Sight, n: int, m: int) -> list[str]:
    subject = _subject(sight, n, m)
    if subject not in sight.read:
        return []
    return found_of(sight.later, "Appointment", lambda r: any(
        one["actor"] == to(subject) for one in r["participant"]))  # fmt: skip


async def _feed(here: Here, n: int, m: int) -> list[str]:
    """Once it is ended the address opens nothing."""
    subject = _subject(here.sight, n, m)
    answer = await here.http.post(f"{subject}/$calendar-feed")
    if answer.status_code in (403, 404):
        return []
    assert answer.status_code == 200, answer.text
    path = answer.json()["parameter"][0]["valueUrl"].partition("//")[2].partition("/")[2]
    read = await here.rooms.calendar(f"/{path}")
    assert read.status_code in (200, 404), read.text
    ended = await here.http.post(f"{subject}/$calendar-feed-end")
    assert ended.status_code == 200, ended.text
    assert (await here.rooms.calendar(f"/{path}")).status_code == 404
    return _in(read.text) if read.status_code == 200 else []


WAYS["calendar feed"] = Way(_of_feed, _feed)
