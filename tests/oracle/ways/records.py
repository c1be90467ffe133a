"""Records of encounters and of all patients, one by GraphQL, and what Consents say of a record."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from tests.consent_house import refers
from tests.oracle.population import IN_COMPARTMENT
from tests.oracle.rights import Judge, Sight
from tests.oracle.way import KEYS, Here, Way, a_patient, both, names_of
from tests.policy_house import patients_of

WAYS: dict[str, Way] = {}
_ENCOUNTERS = tuple(key for key in KEYS if key.startswith("Encounter/"))
_OF_ENCOUNTERS = frozenset({"Encounter", "Observation", "Condition", "CareTeam", "Consent"})


def _encounter(n: int) -> str:
    return _ENCOUNTERS[n % len(_ENCOUNTERS)]


def _and_around(sight: Sight, inside: set[str], types: frozenset[str]) -> dict[str, list[str]]:
    named = set().union(*(refers(sight.records[one]) for one in inside))
    around = {one for one in named & sight.found if one.split("/")[0] not in types}
    return {"match": sorted(inside), "include": sorted(around)}


def _of_encounter(sight: Sight, n: int, m: int) -> dict[str, list[str]]:
    key = _encounter(n)
    if key not in sight.read:
        return {"match": [], "include": []}
    inside = {one for one in sight.found if names_of(sight.records[one], "encounter") == key}
    return _and_around(sight, inside | {key}, _OF_ENCOUNTERS)


WAYS["$everything of an encounter"] = Way(
    _of_encounter, lambda h, n, m: both(h, f"{_encounter(n)}/$everything?_count=3")
)


def _of_all(sight: Sight, n: int, m: int) -> dict[str, list[str]]:
    """Whatever is of a patient who is found."""
    inside = {
        one
        for one in sight.found
        if any(f"Patient/{id}" in sight.found for id in patients_of(sight.records[one]))
    }
    return _and_around(sight, inside, IN_COMPARTMENT)


WAYS["$everything of all"] = Way(_of_all, lambda h, n, m: both(h, "Patient/$everything?_count=500"))


def _of_graphql(sight: Sight, n: int, m: int) -> list[str]:
    key = f"Patient/{a_patient(sight, n)}"
    if key not in sight.read:
        return []
    seen = sight.seen(key)
    telecom = [one["value"] for one in seen.get("telecom", ())]
    return [f"{seen['id']} {seen.get('birthDate')} {telecom}"]


async def _graphql(here: Here, n: int, m: int) -> list[str]:
    query = quote("{ id birthDate telecom { value } }")
    answer = await here.http.get(f"Patient/{a_patient(here.sight, n)}/$graphql?query={query}")
    found = answer.json().get("data")
    if answer.status_code != 200 or not found:
        return []
    telecom = [one["value"] for one in found.get("telecom") or ()]
    return [f"{found['id']} {found.get('birthDate')} {telecom}"]


WAYS["GraphQL of one"] = Way(_of_graphql, _graphql)


def _of_check(sight: Sight, n: int, m: int) -> list[str]:
    """For whoever may read the record, or may but for Consents, and keeps these."""
    key = KEYS[n * 7 % len(KEYS)]
    if sight.judge is None:
        return ["permit"]
    allowed = sight.judge.by_right(key) if sight.judge.keeps() else key in sight.read
    if not allowed:
        return []
    asked = replace(sight.judge.case, emergency="")  # of an emergency Consents know nothing
    agreed = Judge(asked, sight.judge.consents).consented(sight.records[key])
    return ["permit" if agreed else "deny"]


async def _check(here: Here, n: int, m: int) -> list[str]:
    """What is asked is oneself; whoever sees no Consent is refused."""
    key = KEYS[n * 7 % len(KEYS)]
    asks = f"actor={here.caller.id}&purpose={here.caller.purpose}&resource={key}"
    answer = await here.http.get(f"Consent/$consent-check?{asks}")
    if answer.status_code in (403, 404):
        blind = not any(one.startswith("Consent/") for one in here.sight.read)
        return _of_check(here.sight, n, m) if answer.status_code == 403 and blind else []
    assert answer.status_code == 200, answer.text
    return [str(answer.json()["parameter"][0]["valueCode"])]


WAYS["$consent-check"] = Way(_of_check, _check)
