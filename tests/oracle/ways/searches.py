"""Searches, by whatever they filter, sort, count or bring along."""

from __future__ import annotations

from tests.consent_house import subjects
from tests.oracle.rights import Sight
from tests.oracle.way import (
    CODES,
    NAMES,
    Here,
    Way,
    a_patient,
    a_type,
    all_matches,
    all_sorted,
    both,
    found_of,
    is_coded,
    is_named,
    names_of,
)
from tests.policy_house import patients_of

WAYS: dict[str, Way] = {}


def _by_id(keys: list[str], *, down: bool) -> list[str]:
    return sorted(keys, key=lambda key: key.split("/")[1], reverse=down)


WAYS["search"] = Way(
    lambda s, n, m: _by_id(found_of(s, a_type(n)), down=m % 2 == 0),
    lambda h, n, m: all_matches(h, f"{a_type(n)}?_count=70&_sort={'-' if m % 2 == 0 else ''}_id"),
)
_ABOUT = ("Observation", "Condition", "Encounter", "Consent")


WAYS["search of a patient"] = Way(
    lambda s, n, m: found_of(s, _ABOUT[m], lambda r: a_patient(s, n) in subjects(r)),
    lambda h, n, m: all_sorted(h, f"{_ABOUT[m]}?patient=Patient/{a_patient(h.sight, n)}&_count=2"),
)
WAYS["search of a compartment"] = Way(
    lambda s, n, m: found_of(s, _ABOUT[m], lambda r: a_patient(s, n) in patients_of(r)),
    lambda h, n, m: all_sorted(h, f"Patient/{a_patient(h.sight, n)}/{_ABOUT[m]}?_count=3"),
)
WAYS["search by ids"] = Way(
    lambda s, n, m: found_of(s, "Patient", lambda r: r["id"] == a_patient(s, n)),
    lambda h, n, m: all_matches(h, f"Patient?_id={a_patient(h.sight, n)}"),
)
WAYS["search by labels"] = Way(
    lambda s, n, m: found_of(s, "Observation" if m % 2 else "Condition", lambda r: any(
        one["code"] == ("HIV", "ETHUD")[n % 2] for one in r.get("meta", {}).get("security", ()))),
    lambda h, n, m: all_sorted(
        h, f"{'Observation' if m % 2 else 'Condition'}?_security={('HIV', 'ETHUD')[n % 2]}"),
)  # fmt: skip
WAYS["search of all"] = Way(
    lambda s, n, m: sorted(s.found), lambda h, n, m: all_sorted(h, "?_count=400")
)


def _by_birth(sight: Sight, n: int, m: int) -> list[str]:
    dated = found_of(sight, "Patient", lambda r: r.get("birthDate", "") >= "1930")
    return sorted(dated, key=lambda key: str(sight.records[key]["birthDate"]), reverse=m % 2 == 0)


WAYS["sorted"] = Way(
    _by_birth,
    lambda h, n, m: all_matches(
        h, f"Patient?birthdate=ge1930&_sort={'-' if m % 2 == 0 else ''}birthdate&_count=15"
    ),
)


async def _total(here: Here, n: int, m: int) -> int:
    more = "_summary=count" if m % 2 else "_total=accurate&_count=1"
    answer = await here.http.get(f"{a_type(n)}?{more}")
    return int(answer.json().get("total") or 0)


WAYS["total"] = Way(lambda s, n, m: len(found_of(s, a_type(n))), _total)


async def _elements(here: Here, n: int, m: int) -> list[str]:
    answer = await here.http.get(f"Observation?patient={a_patient(here.sight, n)}&_elements=status")
    found = [one["resource"] for one in answer.json().get("entry", ())
             if one["search"]["mode"] == "match"]  # fmt: skip
    assert all("effectiveDateTime" not in one and "performer" not in one for one in found)
    return sorted(f"{one['id']}|{one['status']}" for one in found)


def _of_elements(sight: Sight, n: int, m: int) -> list[str]:
    some = found_of(sight, "Observation", lambda r: a_patient(sight, n) in subjects(r))
    return sorted(f"{key[12:]}|{sight.records[key]['status']}" for key in some)


WAYS["_elements"] = Way(_of_elements, _elements)
_CHAINED = ("Observation", "Condition", "Encounter", "CareTeam")
WAYS["chain"] = Way(
    lambda s, n, m: found_of(
        s, _CHAINED[m], lambda r: is_named(s, names_of(r), NAMES[n % 4])),
    lambda h, n, m: all_sorted(h, f"{_CHAINED[m]}?subject:Patient.name={NAMES[n % 4]}&_count=50"),
)  # fmt: skip
WAYS["chain of two"] = Way(
    lambda s, n, m: found_of(
        s, "Observation", lambda r: (visit := names_of(r, "encounter")) in s.found
        and is_named(s, names_of(s.records[visit]), NAMES[n % 4])),
    lambda h, n, m: all_sorted(
        h, f"Observation?encounter:Encounter.subject:Patient.name={NAMES[n % 4]}"),
)  # fmt: skip


def _of_has(sight: Sight, n: int, m: int) -> list[str]:
    coded = found_of(sight, "Observation", lambda r: is_coded(r, CODES[n % 2]))
    named = {names_of(sight.records[key]) for key in coded}
    return [key for key in found_of(sight, "Patient") if key in named]


WAYS["_has"] = Way(
    _of_has,
    lambda h, n, m: all_sorted(
        h, f"Patient?_has:Observation:subject:code={CODES[n % 2]}&_count=50"
    ),
)


def _about(sight: Sight, n: int) -> list[str]:
    return found_of(sight, "Observation", lambda r: is_coded(r, CODES[n % 2]))


def _of_include(sight: Sight, n: int, m: int) -> dict[str, list[str]]:
    matches = _about(sight, n)
    field = ("subject", "encounter")[m % 2]
    named = {names_of(sight.records[key], field) for key in matches}
    return {"match": matches, "include": sorted(named & sight.found)}


WAYS["_include"] = Way(
    _of_include,
    lambda h, n, m: both(h, f"Observation?code={CODES[n % 2]}&_count=100"
                             f"&_include=Observation:{('subject', 'encounter')[m % 2]}"),
)  # fmt: skip


def _of_revinclude(sight: Sight, n: int, m: int) -> dict[str, list[str]]:
    type = ("Observation", "Condition")[m % 2]
    matches = found_of(sight, "Patient", lambda r: any(
        one["family"].lower() == NAMES[n % 4] for one in r.get("name", ())))  # fmt: skip
    return {"match": matches,
            "include": found_of(sight, type, lambda r: names_of(r) in matches)}  # fmt: skip


WAYS["_revinclude"] = Way(
    _of_revinclude,
    lambda h, n, m: both(h, f"Patient?name={NAMES[n % 4]}&_count=100"
                             f"&_revinclude={('Observation', 'Condition')[m % 2]}:subject"),
)  # fmt: skip
