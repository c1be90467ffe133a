"""Visits: one as a file, one cancelled and put back, and a calendar that a program reads at a
secret address in the name of whoever asked for it."""

from __future__ import annotations

import re

from tests.oracle.rights import Sight
from tests.oracle.way import KEYS, Here, Way, a_patient, found_of
from tests.oracle.writing import REFUSED, taken_back
from tests.policy_house import Record, to

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


def _subject(sight: Sight, n: int, m: int) -> str:
    return ("Practitioner/n", "Practitioner/m", f"Patient/{a_patient(sight, n)}")[m % 3]


def _of_feed(sight: Sight, n: int, m: int) -> list[str]:
    subject = _subject(sight, n, m)
    if subject not in sight.read:
        return []
    return found_of(sight, "Appointment", lambda r: any(
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
