"""`$meta-add` and `$meta-delete`: tags, and labels, which only ever rise. What was written is taken
back."""

from __future__ import annotations

from tests.oracle.rights import Sight
from tests.oracle.rooms import NOT_FOR_PATIENTS
from tests.oracle.way import Here, Way
from tests.oracle.writing import CHANGED, REFUSED, raised, taken_back
from tests.policy_house import Record

WAYS: dict[str, Way] = {}
_TAG = {"system": "urn:x", "code": "seen"}
_VERY = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}
_ADDED: tuple[Record, ...] = (
    {"tag": [_TAG]}, {"security": [NOT_FOR_PATIENTS]}, {"security": [_VERY]},
    {"tag": [_TAG], "security": [_VERY, NOT_FOR_PATIENTS]},
)  # fmt: skip
_SHOWN = {"REDACTED", "SUBSETTED"}


def _key(n: int) -> str:
    return CHANGED[n * 7 % len(CHANGED)]


def _with(record: Record, m: int) -> Record:
    labels = [*record.get("meta", {}).get("security", ()), *_ADDED[m].get("security", ())]
    return raised({}, {**record, "meta": {"security": labels}})


def _codes(record: Record) -> list[str]:
    return sorted({one["code"] for one in record.get("meta", {}).get("security", ())})


def _of_add(sight: Sight, n: int, m: int) -> list[str]:
    key = _key(n)
    after = _with(sight.records[key], m)
    allowed = key in sight.update and sight.may("bring", after)
    return [key, *_codes(after)] if allowed else [REFUSED]


def _of_delete(sight: Sight, n: int, m: int) -> list[str]:
    """The labels stay, whatever is asked for."""
    key = _key(n)
    record = sight.records[key]
    allowed = key in sight.update and sight.may("bring", record)
    return [key, *_codes(record)] if allowed else [REFUSED]


async def _changed(here: Here, key: str, operation: str, meta: Record) -> list[str]:
    asked = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}
    answer = await here.http.post(f"{key}/{operation}", json=asked)
    if answer.status_code != 200:
        assert answer.status_code in (403, 404), answer.text
        return [REFUSED]
    stored = (await here.plain.http.get(key)).json()
    await taken_back(here, key)
    told = answer.json().get("parameter", [{"valueMeta": {}}])[0]["valueMeta"]
    shown = {one["code"] for one in told.get("security", ())} - _SHOWN
    assert shown == set(_codes(stored)), answer.text
    return [key, *_codes(stored)]


async def _add(here: Here, n: int, m: int) -> list[str]:
    return await _changed(here, _key(n), "$meta-add", _ADDED[m])


async def _delete(here: Here, n: int, m: int) -> list[str]:
    key = _key(n)
    return await _changed(here, key, "$meta-delete", here.sight.records[key].get("meta", {}))


WAYS["$meta-add"] = Way(_of_add, _add)
WAYS["$meta-delete"] = Way(_of_delete, _delete)
