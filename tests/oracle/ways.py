"""Every way to data: what must come of it, by loops over the rows; and how the server is asked.

`want(sight, n, m)` and `ask(here, n, m)` give the same list, or dict, where the server is right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx

from careplane.access.caller import Caller
from careplane.kernel.errors import Forbidden
from careplane.records import commands as c
from careplane.search.match import Subject
from tests.consent_house import refers, subjects
from tests.fhir_house import House, bundle, entry, ids, link
from tests.oracle.population import IN_COMPARTMENT, TYPES, WORLD
from tests.oracle.rights import Sight
from tests.policy_house import Record, patients_of

KEYS = tuple(WORLD)
_ENCOUNTERS = tuple(key for key in KEYS if key.startswith("Encounter/"))
_NAMES = ("quinn", "ratke", "abbott", "ferry")
_CODES = ("8302-2", "1-8")
_TESTS_ABSURD = b'[{"op":"test","path":"/id","value":"never"}]'


@dataclass(frozen=True)
class Here:
    """A caller at a house, and all the rows. `plain` is the same house without Consents."""

    house: House
    plain: House
    http: httpx.AsyncClient
    caller: Caller
    sight: Sight

    def key(self, n: int) -> str:
        """One of all rows, the Consents among them."""
        return _nth(self.sight, n)


class Way(NamedTuple):
    want: Callable[[Sight, int, int], Any]
    ask: Callable[[Here, int, int], Awaitable[Any]]


WAYS: dict[str, Way] = {}


def _nth(sight: Sight, n: int) -> str:
    keys = tuple(sight.records)
    return keys[-n % len(keys)] if n % 4 == 0 else keys[n * 7 % len(keys)]


def _type(n: int) -> str:
    return TYPES[n % len(TYPES)]


def _patient(sight: Sight, n: int) -> str:
    """One of all, or, by turns, of those who have a Consent."""
    agreed = sorted({r["patient"]["reference"][8:] for r in sight.records.values()
                     if r["resourceType"] == "Consent"})  # fmt: skip
    return agreed[n % len(agreed)] if agreed and n % 2 else f"p{n % 60}"


def _some(sight: Sight, type: str, test: Callable[[Record], bool] = lambda r: True) -> list[str]:
    """Those found, of a type, that pass a test; sorted."""
    return sorted(key for key in sight.found
                  if key.startswith(f"{type}/") and test(sight.records[key]))  # fmt: skip


def _names(record: Record, field: str = "subject") -> str:
    return str(record.get(field, {}).get("reference", ""))


def _coded(record: Record, code: str) -> bool:
    return any(one["code"] == code for one in record.get("code", {}).get("coding", ()))


def _is_named(sight: Sight, reference: str, name: str) -> bool:
    """Whether a reference leads to a patient of this name whom the caller finds."""
    if reference not in sight.found or not reference.startswith("Patient/"):
        return False
    return any(one["family"].lower() == name for one in sight.records[reference].get("name", ()))


async def pages(here: Here, url: str, *modes: str) -> list[list[str]]:
    """Of all pages the entries of each mode, in their order; nothing where it is refused."""
    found: list[list[str]] = [[] for _ in modes]
    following: str | None = url
    while following is not None:
        answer = await here.http.get(following)
        if answer.status_code in (403, 404):
            return [[] for _ in modes]
        assert answer.status_code == 200, answer.text
        for listed, mode in zip(found, modes, strict=True):
            listed += ids(answer, mode)
        following = link(answer, "next")
    assert modes[0] != "match" or len(found[0]) == len(set(found[0]))
    return found


async def _matches(here: Here, url: str) -> list[str]:
    return (await pages(here, url, "match"))[0]


async def _shown(here: Here, key: str, address: str) -> bool:
    """Whether it is shown; where not, it must look as what is not there."""
    answer = await here.http.get(address)
    if answer.status_code == 200:
        return True
    absent = await here.http.get(address.replace(key, f"{key.split('/')[0]}/absent"))
    assert (answer.status_code, answer.json()) == (absent.status_code, absent.json()), address
    return False


# --- one resource ---------------------------------------------------------------------------------


def _one(suffix: str, every: bool) -> Way:
    def key(sight: Sight, n: int) -> str:
        return _nth(sight, n) if every else KEYS[n * 7 % len(KEYS)]

    async def ask(here: Here, n: int, m: int) -> list[str]:
        wanted = key(here.sight, n)
        return [wanted] if await _shown(here, wanted, wanted + suffix) else []

    return Way(lambda s, n, m: [k for k in (key(s, n),) if k in s.read], ask)


WAYS["read"] = _one("", True)
WAYS["vread"] = _one("/_history/1", False)
WAYS["history of one"] = _one("/_history", True)


def _batch_keys(sight: Sight, n: int) -> list[str]:
    return list(dict.fromkeys(_nth(sight, n + k * 131) for k in range(12)))


async def _batch(here: Here, n: int, m: int) -> list[str]:
    keys = _batch_keys(here.sight, n)
    asked = bundle("batch", *(entry("GET", key) for key in keys))
    entries = (await here.http.post("", content=asked)).json()["entry"]
    statuses = [one["response"]["status"] for one in entries]
    return [key for key, status in zip(keys, statuses, strict=True) if status == "200"]


def _of_batch(sight: Sight, n: int, m: int) -> list[str]:
    return [key for key in _batch_keys(sight, n) if key in sight.read]


WAYS["batch"] = Way(_of_batch, _batch)


async def _read_many(here: Here, n: int, m: int) -> list[str]:
    keys = _batch_keys(here.sight, n)
    asked = c.ReadMany(tuple((key.split("/")[0], key.split("/")[1]) for key in keys))
    shown = {f"{v.type}/{v.id}" for v in await here.house.door.read_many(here.caller, asked)}
    assert shown <= set(keys)
    return [key for key in keys if key in shown]


WAYS["read many"] = Way(_of_batch, _read_many)


async def _disclose(here: Here, n: int, m: int) -> list[str]:
    keys = _batch_keys(here.sight, n)
    asked = c.Disclose("Subscription/s", tuple((*key.split("/"), 1) for key in keys))  # type: ignore[misc]
    shown = await here.house.door.disclose(here.caller, asked)
    return [key for key, version in zip(keys, shown, strict=True) if version]


async def _visible(here: Here, n: int, m: int) -> list[str]:
    found = []
    for key in _batch_keys(here.sight, n):
        type, id = key.split("/")
        rows = here.house.rows(here.sight.records[key])
        if await here.house.door.visible(here.caller, Subject(type, id, 0, rows)):
            found.append(key)
    return found


WAYS["disclose"] = Way(_of_batch, _disclose)
WAYS["visible"] = Way(_of_batch, _visible)


def _changed_keys(n: int) -> list[str]:
    return list(dict.fromkeys(KEYS[(n * 7 + k * 131) % len(KEYS)] for k in range(8)))


def _may_change(sight: Sight, key: str) -> bool:
    """Whether anything of its type may change."""
    return any(one.startswith(f"{key.split('/')[0]}/") for one in sight.update)


def _of_condition(sight: Sight, n: int, m: int) -> list[str]:
    """A patch by criteria finds what a search would, where something of the type may change."""
    return [k for k in _changed_keys(n) if k in sight.found and _may_change(sight, k)]


async def _condition(here: Here, n: int, m: int) -> list[str]:
    headers, found = {"content-type": "application/json-patch+json"}, []
    for key in _changed_keys(n):
        type, id = key.split("/")
        address = f"{type}?_id={id}"
        answer = await here.http.patch(address, content=_TESTS_ABSURD, headers=headers)
        if answer.status_code in (403, 404):
            continue
        assert answer.status_code in (409, 412, 422), answer.text  # found; it tests nonsense
        if _may_change(here.sight, key) or key not in here.sight.found:
            found.append(key)
    return found


WAYS["conditional"] = Way(_of_condition, _condition)


# --- histories ------------------------------------------------------------------------------------


async def _told(here: Here, url: str | None) -> list[str]:
    found: set[str] = set()
    while url is not None:
        answer = await here.http.get(url)
        if answer.status_code == 403:
            return []
        assert answer.status_code == 200, answer.text
        for one in answer.json().get("entry", ()):
            if "resource" in one:  # others are deletions
                found.add(f"{one['resource']['resourceType']}/{one['resource']['id']}")
        url = link(answer, "next")
    return sorted(found & here.sight.records.keys())  # not Consents of the rounds before


WAYS["history of a type"] = Way(
    lambda s, n, m: _some(s, _type(n)),
    lambda h, n, m: _told(h, f"{_type(n)}/_history?_count=1000"),
)
WAYS["history of all"] = Way(
    lambda s, n, m: sorted(s.found), lambda h, n, m: _told(h, "_history?_count=1000")
)


# --- searches -------------------------------------------------------------------------------------


def _by_id(keys: list[str], *, down: bool) -> list[str]:
    return sorted(keys, key=lambda key: key.split("/")[1], reverse=down)


WAYS["search"] = Way(
    lambda s, n, m: _by_id(_some(s, _type(n)), down=m % 2 == 0),
    lambda h, n, m: _matches(h, f"{_type(n)}?_count=70&_sort={'-' if m % 2 == 0 else ''}_id"),
)
_ABOUT = ("Observation", "Condition", "Encounter", "Consent")


async def _sorted(here: Here, url: str) -> list[str]:
    return sorted(await _matches(here, url))


WAYS["search of a patient"] = Way(
    lambda s, n, m: _some(s, _ABOUT[m], lambda r: _patient(s, n) in subjects(r)),
    lambda h, n, m: _sorted(h, f"{_ABOUT[m]}?patient=Patient/{_patient(h.sight, n)}&_count=2"),
)
WAYS["search by ids"] = Way(
    lambda s, n, m: _some(s, "Patient", lambda r: r["id"] == _patient(s, n)),
    lambda h, n, m: _matches(h, f"Patient?_id={_patient(h.sight, n)}"),
)
WAYS["search by labels"] = Way(
    lambda s, n, m: _some(s, "Observation" if m % 2 else "Condition", lambda r: any(
        one["code"] == ("HIV", "ETHUD")[n % 2] for one in r.get("meta", {}).get("security", ()))),
    lambda h, n, m: _sorted(
        h, f"{'Observation' if m % 2 else 'Condition'}?_security={('HIV', 'ETHUD')[n % 2]}"),
)  # fmt: skip
WAYS["search of all"] = Way(
    lambda s, n, m: sorted(s.found), lambda h, n, m: _sorted(h, "?_count=400")
)


def _by_birth(sight: Sight, n: int, m: int) -> list[str]:
    dated = _some(sight, "Patient", lambda r: r.get("birthDate", "") >= "1930")
    return sorted(dated, key=lambda key: str(sight.records[key]["birthDate"]), reverse=m % 2 == 0)


WAYS["sorted"] = Way(
    _by_birth,
    lambda h, n, m: _matches(
        h, f"Patient?birthdate=ge1930&_sort={'-' if m % 2 == 0 else ''}birthdate&_count=15"
    ),
)


async def _total(here: Here, n: int, m: int) -> int:
    more = "_summary=count" if m % 2 else "_total=accurate&_count=1"
    answer = await here.http.get(f"{_type(n)}?{more}")
    return int(answer.json().get("total") or 0)


WAYS["total"] = Way(lambda s, n, m: len(_some(s, _type(n))), _total)


async def _elements(here: Here, n: int, m: int) -> list[str]:
    answer = await here.http.get(f"Observation?patient={_patient(here.sight, n)}&_elements=status")
    found = [one["resource"] for one in answer.json().get("entry", ())
             if one["search"]["mode"] == "match"]  # fmt: skip
    assert all("effectiveDateTime" not in one and "performer" not in one for one in found)
    return sorted(f"{one['id']}|{one['status']}" for one in found)


def _of_elements(sight: Sight, n: int, m: int) -> list[str]:
    some = _some(sight, "Observation", lambda r: _patient(sight, n) in subjects(r))
    return sorted(f"{key[12:]}|{sight.records[key]['status']}" for key in some)


WAYS["_elements"] = Way(_of_elements, _elements)
_CHAINED = ("Observation", "Condition", "Encounter", "CareTeam")
WAYS["chain"] = Way(
    lambda s, n, m: _some(
        s, _CHAINED[m], lambda r: _is_named(s, _names(r), _NAMES[n % 4])),
    lambda h, n, m: _sorted(h, f"{_CHAINED[m]}?subject:Patient.name={_NAMES[n % 4]}&_count=50"),
)  # fmt: skip
WAYS["chain of two"] = Way(
    lambda s, n, m: _some(s, "Observation", lambda r: (visit := _names(r, "encounter")) in s.found
                          and _is_named(s, _names(s.records[visit]), _NAMES[n % 4])),
    lambda h, n, m: _sorted(
        h, f"Observation?encounter:Encounter.subject:Patient.name={_NAMES[n % 4]}"),
)  # fmt: skip


def _of_has(sight: Sight, n: int, m: int) -> list[str]:
    coded = _some(sight, "Observation", lambda r: _coded(r, _CODES[n % 2]))
    named = {_names(sight.records[key]) for key in coded}
    return [key for key in _some(sight, "Patient") if key in named]


WAYS["_has"] = Way(
    _of_has,
    lambda h, n, m: _sorted(h, f"Patient?_has:Observation:subject:code={_CODES[n % 2]}&_count=50"),
)


def _about(sight: Sight, n: int) -> list[str]:
    return _some(sight, "Observation", lambda r: _coded(r, _CODES[n % 2]))


async def _both(here: Here, url: str) -> dict[str, list[str]]:
    matches, included = await pages(here, url, "match", "include")
    return {"match": sorted(matches), "include": sorted(set(included))}


def _of_include(sight: Sight, n: int, m: int) -> dict[str, list[str]]:
    matches = _about(sight, n)
    field = ("subject", "encounter")[m % 2]
    named = {_names(sight.records[key], field) for key in matches}
    return {"match": matches, "include": sorted(named & sight.found)}


WAYS["_include"] = Way(
    _of_include,
    lambda h, n, m: _both(h, f"Observation?code={_CODES[n % 2]}&_count=100"
                             f"&_include=Observation:{('subject', 'encounter')[m % 2]}"),
)  # fmt: skip


def _of_revinclude(sight: Sight, n: int, m: int) -> dict[str, list[str]]:
    type = ("Observation", "Condition")[m % 2]
    matches = _some(sight, "Patient", lambda r: any(
        one["family"].lower() == _NAMES[n % 4] for one in r.get("name", ())))  # fmt: skip
    return {"match": matches,
            "include": _some(sight, type, lambda r: _names(r) in matches)}  # fmt: skip


WAYS["_revinclude"] = Way(
    _of_revinclude,
    lambda h, n, m: _both(h, f"Patient?name={_NAMES[n % 4]}&_count=100"
                             f"&_revinclude={('Observation', 'Condition')[m % 2]}:subject"),
)  # fmt: skip


# --- operations -----------------------------------------------------------------------------------


def _of_everything(sight: Sight, n: int, m: int) -> dict[str, list[str]]:
    key = f"Patient/{_patient(sight, n)}"
    if key not in sight.read:
        return {"match": [], "include": []}
    inside = {
        one for one in sight.found if _patient(sight, n) in patients_of(sight.records[one])
    } | {key}
    named = set().union(*(refers(sight.records[one]) for one in inside))
    outside = {one for one in named & sight.found if one.split("/")[0] not in IN_COMPARTMENT}
    return {"match": sorted(inside), "include": sorted(outside)}


WAYS["$everything"] = Way(
    _of_everything, lambda h, n, m: _both(h, f"Patient/{_patient(h.sight, n)}/$everything?_count=5")
)


def _of_lastn(sight: Sight, n: int, m: int) -> list[str]:
    found = []
    for code in _CODES:
        some = _some(sight, "Observation", lambda r: f"p{4 + n % 56}" in subjects(r)
                     and _coded(r, code))  # fmt: skip  # noqa: B023
        last = max((sight.records[key]["effectiveDateTime"] for key in some), default="")
        found += [key for key in some if sight.records[key]["effectiveDateTime"] == last]
    return sorted(found)


WAYS["$lastn"] = Way(
    _of_lastn,
    lambda h, n, m: _sorted(h, f"Observation/$lastn?patient=p{4 + n % 56}&code=8302-2,1-8"),
)


def _of_graph(sight: Sight, n: int, m: int) -> list[str]:
    key = _ENCOUNTERS[n % len(_ENCOUNTERS)]
    if key not in sight.read or "GraphDefinition/g" not in sight.read:
        return []
    visit = sight.records[key]
    places = {one["location"]["reference"] for one in visit["location"]}
    along = ({_names(visit)} | places) & sight.found
    return sorted(
        {key} | along | set(_some(sight, "Observation", lambda r: _names(r, "encounter") == key))
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


def _of_graphql(sight: Sight, n: int, m: int) -> list[str]:
    found = []
    for key in _some(sight, "Observation", lambda r: _patient(sight, n) in subjects(r)):
        named = _names(sight.records[key])
        found.append(f"{key[12:]}|{named[8:] if named in sight.read else None}")
    return sorted(found)


async def _graphql(here: Here, n: int, m: int) -> list[str]:
    of = f'ObservationList(patient: "Patient/{_patient(here.sight, n)}", _count: 50)'
    query = (
        f"{{ {of} {{ id subject {{ resource(optional: true) {{ ... on Patient {{ id }} }} }} }} }}"
    )
    headers = {"content-type": "application/json"}
    answer = await here.http.post("$graphql", json={"query": query}, headers=headers)
    listed = (answer.json().get("data") or {}).get("ObservationList") or []
    return sorted(
        f"{one['id']}|{((one['subject'] or {}).get('resource') or {}).get('id')}" for one in listed
    )


WAYS["GraphQL"] = Way(_of_graphql, _graphql)


async def _rewritten(here: Here, type: str, n: int) -> None:
    """A resource gets other versions, so that the export shows one that is no longer current."""
    keys = [key for key in KEYS if key.startswith(f"{type}/")]
    if keys:
        record = WORLD[keys[n % len(keys)]]
        await here.plain.put({**record, "language": "de"})
        await here.plain.put(record)


async def _export(here: Here, n: int, m: int) -> list[str]:
    door, type, found, after = here.house.door, _type(n), list[str](), 0
    try:
        at = (await door.prepare_export(here.caller, c.PrepareExport((type,)))).at
        if m == 0:
            await _rewritten(here, type, n)
        while True:
            asked = c.Export(type, at, after=after, count=60)
            page = await door.export(here.caller, asked)
            found += [f"{v.type}/{v.id}" for v in page.versions]
            if page.next is None:
                return sorted(found)
            after = page.next
    except Forbidden:
        return []


WAYS["export"] = Way(lambda s, n, m: _some(s, _type(n)), _export)


def _of_counts(sight: Sight, n: int, m: int) -> dict[str, int]:
    numbers = {type: len(_some(sight, type)) for type in TYPES}
    return {type: number for type, number in numbers.items() if number}


async def _counts(here: Here, n: int, m: int) -> dict[str, int]:
    return dict(await here.house.door.counts(here.caller, c.Counts()))


WAYS["counts"] = Way(_of_counts, _counts)
