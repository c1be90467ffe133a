"""Operations, exports and counts."""

from __future__ import annotations

from collections.abc import Sequence

from careplane.fhir.codec import json
from careplane.kernel.errors import Forbidden
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.storage.ports.records import Version
from tests.consent_house import refers, subjects
from tests.oracle.population import IN_COMPARTMENT, TYPES, WORLD
from tests.oracle.rights import Sight
from tests.oracle.way import (
    CODES,
    KEYS,
    Here,
    Way,
    a_patient,
    a_type,
    all_sorted,
    both,
    found_of,
    is_coded,
    names_of,
)
from tests.policy_house import patients_of

WAYS: dict[str, Way] = {}
_ENCOUNTERS = tuple(key for key in KEYS if key.startswith("Encounter/"))


def _of_everything(sight: Sight, n: int, m: int) -> dict[str, list[str]]:
    key = f"Patient/{a_patient(sight, n)}"
    if key not in sight.read:
        return {"match": [], "include": []}
    inside = {
        one for one in sight.found if a_patient(sight, n) in patients_of(sight.records[one])
    } | {key}
    named = set().union(*(refers(sight.records[one]) for one in inside))
    outside = {one for one in named & sight.found if one.split("/")[0] not in IN_COMPARTMENT}
    return {"match": sorted(inside), "include": sorted(outside)}


WAYS["$everything"] = Way(
    _of_everything, lambda h, n, m: both(h, f"Patient/{a_patient(h.sight, n)}/$everything?_count=5")
)


def _of_lastn(sight: Sight, n: int, m: int) -> list[str]:
    found = []
    for code in CODES:
        some = found_of(sight, "Observation", lambda r: f"p{4 + n % 56}" in subjects(r)
                     and is_coded(r, code))  # fmt: skip  # noqa: B023
        last = max((sight.records[key]["effectiveDateTime"] for key in some), default="")
        found += [key for key in some if sight.records[key]["effectiveDateTime"] == last]
    return sorted(found)


WAYS["$lastn"] = Way(
    _of_lastn,
    lambda h, n, m: all_sorted(h, f"Observation/$lastn?patient=p{4 + n % 56}&code=8302-2,1-8"),
)


def _of_graph(sight: Sight, n: int, m: int) -> list[str]:
    key = _ENCOUNTERS[n % len(_ENCOUNTERS)]
    if key not in sight.read or "GraphDefinition/g" not in sight.read:
        return []
    visit = sight.records[key]
    places = {one["location"]["reference"] for one in visit["location"]}
    along = ({names_of(visit)} | places) & sight.found
    return sorted(
        {key}
        | along
        | set(found_of(sight, "Observation", lambda r: names_of(r, "encounter") == key))
    )


async def _graph(here: Here, n: int, m: int) -> list[str]:
    key = _ENCOUNTERS[n % len(_ENCOUNTERS)]
    answer = await here.http.get(f"{key}/$graph?graph=GraphDefinition/g")
    if answer.status_code in (403, 404):
        return []
    assert answer.status_code == 200, answer.text
    resources = [one["resource"] for one in answer.json()["entry"]]
    return sorted(f"{one['resourceType']}/{one['id']}" for one in resources)


WAYS["$graph"] = Way(_of_graph, _graph)


def _notes(sight: Sight, key: str, got: list[str]) -> list[str]:
    """The notes that were shown; where more of it may be hidden, none are as good as all."""
    seen = [one["text"] for one in sight.seen(key).get("note", ())]
    return got if got or sight.hidden(key).exact else seen


def _of_graphql(sight: Sight, n: int, m: int) -> list[str]:
    found = []
    for key in found_of(sight, "Observation", lambda r: a_patient(sight, n) in subjects(r)):
        named = names_of(sight.records[key])
        note = [one["text"] for one in sight.seen(key).get("note", ())]
        found.append(f"{key[12:]}|{note}|{named[8:] if named in sight.read else None}")
    return sorted(found)


async def _graphql(here: Here, n: int, m: int) -> list[str]:
    of = f'ObservationList(patient: "Patient/{a_patient(here.sight, n)}", _count: 50)'
    inner = "subject { resource(optional: true) { ... on Patient { id } } }"
    query = f"{{ {of} {{ id note {{ text }} {inner} }} }}"
    headers = {"content-type": "application/json"}
    answer = await here.http.post("$graphql", json={"query": query}, headers=headers)
    listed = (answer.json().get("data") or {}).get("ObservationList") or []
    found = []
    for one in listed:
        got = [note["text"] for note in one.get("note") or ()]
        note = _notes(here.sight, f"Observation/{one['id']}", got)
        found.append(f"{one['id']}|{note}|"
                     f"{((one['subject'] or {}).get('resource') or {}).get('id')}")  # fmt: skip
    return sorted(found)


WAYS["GraphQL"] = Way(_of_graphql, _graphql)


async def _rewritten(here: Here, type: str, n: int) -> None:
    """A resource gets other versions, so that the export shows one that is no longer current."""
    keys = [key for key in KEYS if key.startswith(f"{type}/")]
    if keys:
        record = WORLD[keys[n % len(keys)]]
        await here.plain.put({**record, "language": "de"})
        await here.plain.put(record)


def _looked(here: Here, versions: Sequence[Version]) -> list[str]:
    """Versions of an export may be older than what is current."""
    for version in versions:
        here.looked(json.parse(whole(version)), current=False)
    return [f"{version.type}/{version.id}" for version in versions]


async def _export(here: Here, n: int, m: int) -> list[str]:
    door, type, found, after = here.house.door, a_type(n), list[str](), 0
    try:
        at = (await door.prepare_export(here.caller, c.PrepareExport((type,)))).at
        if m == 0:
            await _rewritten(here, type, n)
        while True:
            asked = c.Export(type, at, after=after, count=60)
            page = await door.export(here.caller, asked)
            found += _looked(here, page.versions)
            if page.next is None:
                return sorted(found)
            after = page.next
    except Forbidden:
        return []


WAYS["export"] = Way(lambda s, n, m: found_of(s, a_type(n)), _export)


def _of_counts(sight: Sight, n: int, m: int) -> dict[str, int]:
    numbers = {type: len(found_of(sight, type)) for type in TYPES}
    return {type: number for type, number in numbers.items() if number}


async def _counts(here: Here, n: int, m: int) -> dict[str, int]:
    return dict(await here.house.door.counts(here.caller, c.Counts()))


WAYS["counts"] = Way(_of_counts, _counts)
