"""Authorisation against an oracle: whatever the scopes, what leaves is a filter over all rows.

The oracle knows nothing of plans: it looks at a dozen records in Python. Random scopes are drawn
from what SMART offers, and each way to data is asked: read, vread, search, chain, `_has`, includes,
compartments, `$everything`, history, counts, batch, and the writes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from careplane.storage.ports.records import Tenant
from tests.fhir_house import House, bundle, entry, ids, link, observation, patient

pytestmark = pytest.mark.anyio

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
SHARED = ("Organization",)


def categorised(id: str, of: str, category: str) -> dict[str, Any]:
    coding = [{"coding": [{"system": CATEGORY, "code": category}]}]
    return observation(id, of, category=coding)


RECORDS: dict[str, dict[str, Any]] = {
    f"{r['resourceType']}/{r['id']}": r
    for r in [
        {"resourceType": "Organization", "id": "org", "name": "Clinic"},
        *(
            patient(
                f"p{n}",
                name=[{"family": "Quinn"}],
                managingOrganization={"reference": "Organization/org"},
            )
            for n in range(3)
        ),
        *(
            categorised(f"o{n}{kind[0]}", f"p{n}", kind)
            for n in range(3)
            for kind in ("laboratory", "vital-signs")
        ),
        *(
            {
                "resourceType": "Condition",
                "id": f"c{n}",
                "subject": {"reference": f"Patient/p{n}"},
            }
            for n in range(3)
        ),
    ]
}


@dataclass(frozen=True)
class Grant:
    """One scope, as the oracle reads it."""

    context: str
    type: str | None
    letters: str
    category: str | None = None

    def __str__(self) -> str:
        query = f"?category={self.category}" if self.category else ""
        return f"{self.context}/{self.type or '*'}.{self.letters}{query}"

    def allows(self, letter: str, record: dict[str, Any], who: str | None) -> bool:
        if letter not in self.letters or self.type not in (None, record["resourceType"]):
            return False
        if self.category and self.category not in str(record.get("category")):
            return False
        if self.context != "patient":
            return True
        if record["resourceType"] in SHARED:
            return letter in "rs"
        whose = record["id"] if record["resourceType"] == "Patient" else record["subject"]
        return whose in (who, {"reference": f"Patient/{who}"})


@dataclass
class Oracle:
    """What a caller with these grants may see, by looking at each record."""

    grants: list[Grant]
    who: str | None
    records: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(RECORDS))

    def sees(self, letter: str, key: str) -> bool:
        record = self.records[key]
        return any(g.allows(letter, record, self.who) for g in self.grants)

    def all(self, letter: str, type: str = "") -> set[str]:
        return {k for k in self.records if k.startswith(type) and self.sees(letter, k)}

    def knows(self, letter: str, type: str) -> bool:
        """Whether some grant names the type: without one, the answer is 403."""
        return any(
            letter in g.letters and g.type in (None, type) and self._reaches(g, type, letter)
            for g in self.grants
        )

    def _reaches(self, grant: Grant, type: str, letter: str) -> bool:
        return grant.context != "patient" or self.who is not None


def draw(rng: random.Random) -> Oracle:
    """Between one and three scopes."""
    grants = []
    for _ in range(rng.randint(1, 3)):
        type = rng.choice([None, "Patient", "Observation", "Observation", "Condition"])
        category = rng.choice([None, "laboratory"]) if type == "Observation" else None
        letters = rng.choice(["rs", "cruds", "s", "r", "cud"])
        grants.append(Grant(rng.choice(["patient", "user", "system"]), type, letters, category))
    return Oracle(grants, rng.choice([None, "p0", "p1"]))


async def all_pages(http: httpx.AsyncClient, url: str, mode: str = "match") -> set[str] | None:
    """Every entry over all pages; None for 403."""
    found: list[str] = []
    following: str | None = url
    while following is not None:
        answer = await http.get(following)
        if answer.status_code in (403, 404):
            return None
        assert answer.status_code == 200, answer.text
        found += ids(answer, mode)
        following = link(answer, "next")
    assert mode == "include" or len(found) == len(set(found))
    return set(found)


def is_filter(found: set[str] | None, wanted: set[str]) -> bool:
    """403 and an empty answer tell the same: nothing."""
    return (found or set()) == wanted


@pytest.mark.parametrize("seed", range(12))
async def test_every_way_to_data_is_a_filter_over_all_rows(house: House, seed: int) -> None:
    for record in RECORDS.values():
        await house.put(record)
    oracle = draw(random.Random(seed))
    scopes = " ".join(map(str, oracle.grants))
    async with house.client(scopes, oracle.who) as http:
        await _reads(http, oracle)
        await _searches(http, oracle)
        await _lookings_around(http, oracle)
        await _histories(http, oracle)
        await _batch(http, oracle)
        await _writes(house, http, oracle)


async def _reads(http: httpx.AsyncClient, oracle: Oracle) -> None:
    for key in RECORDS:
        for address in (key, f"{key}/_history/1"):
            answer = await http.get(address)
            assert (answer.status_code == 200) == oracle.sees("r", key), (address, oracle)
            if answer.status_code != 200:
                absent = await http.get(address.replace(key, key.split("/")[0] + "/absent"))
                assert answer.status_code == absent.status_code
                assert answer.json() == absent.json()


async def _searches(http: httpx.AsyncClient, oracle: Oracle) -> None:
    for type in ("Patient", "Observation", "Condition", "Organization"):
        wanted = oracle.all("s", type)
        assert is_filter(await all_pages(http, f"{type}?_count=2"), wanted), (type, oracle)
        count = await http.get(f"{type}?_summary=count")
        if count.status_code == 200:
            assert count.json()["total"] == len(wanted)
    assert is_filter(await all_pages(http, "?_count=3"), oracle.all("s"))
    inside = await all_pages(http, "Patient/p0/*")
    wanted = {k for k in oracle.all("s") if RECORDS[k]["id"][1:2] == "0" and k[0] != "O"} | {
        k for k in oracle.all("s", "Observation") if k.startswith("Observation/o0")
    }
    assert is_filter(inside, wanted)


async def _lookings_around(http: httpx.AsyncClient, oracle: Oracle) -> None:
    patients, observations = oracle.all("s", "Patient"), oracle.all("s", "Observation")

    def of(key: str) -> str:
        return str(RECORDS[key]["subject"]["reference"])

    chained = await all_pages(http, "Observation?subject:Patient.name=quinn")
    assert is_filter(chained, {o for o in observations if of(o) in patients}), oracle
    negated = await all_pages(http, "Patient?_has:Observation:patient:code=8302-2")
    assert is_filter(negated, patients & {of(o) for o in observations}), oracle
    included = await all_pages(http, "Observation?_include=Observation:subject", "include")
    assert is_filter(included, {of(o) for o in observations} & patients), oracle
    back = await all_pages(http, "Patient?_revinclude=Observation:subject", "include")
    assert is_filter(back, {o for o in observations if of(o) in patients}), oracle
    for n in range(3):
        whole = await http.get(f"Patient/p{n}/$everything?_count=100")
        if not oracle.sees("r", f"Patient/p{n}"):
            assert whole.status_code in (403, 404)
            continue
        own = {k for k in oracle.all("s") if "subject" in RECORDS[k] and of(k) == f"Patient/p{n}"}
        assert set(ids(whole)) - {f"Patient/p{n}"} == own, oracle
        assert set(ids(whole, "include")) == oracle.all("s", "Organization"), oracle


async def _histories(http: httpx.AsyncClient, oracle: Oracle) -> None:
    for type, url in (("Patient", "Patient/_history"), ("", "_history")):
        answer = await http.get(f"{url}?_count=1000")
        if answer.status_code == 200:
            found = {
                f"{e['resource']['resourceType']}/{e['resource']['id']}"
                for e in answer.json().get("entry", [])
            }
            assert found == oracle.all("s", type), (url, oracle)
            assert answer.json()["total"] == len(found)
        else:
            assert answer.status_code == 403
            assert oracle.all("s", type) == set()


async def _batch(http: httpx.AsyncClient, oracle: Oracle) -> None:
    entries = (entry("GET", key) for key in RECORDS)
    answer = await http.post("", content=bundle("batch", *entries))
    seen = {
        key
        for key, e in zip(RECORDS, answer.json()["entry"], strict=True)
        if e["response"]["status"] == "200"
    }
    assert seen == oracle.all("r"), oracle


async def _writes(house: House, http: httpx.AsyncClient, oracle: Oracle) -> None:
    for key, record in RECORDS.items():
        changed = {**record, "language": "de"}
        answer = await http.put(key, json=changed)
        assert (answer.status_code == 200) == oracle.sees("u", key), (key, oracle)
        if "subject" in record and answer.status_code == 200:
            moved = {**changed, "subject": {"reference": "Patient/p2"}}
            outside = not any(g.allows("u", moved, oracle.who) for g in oracle.grants)
            answer = await http.put(key, json=moved)
            assert (answer.status_code == 403) == outside, (key, oracle)
            await house.put(changed)
        fresh = {k: v for k, v in record.items() if k != "id"}
        answer = await http.post(record["resourceType"], json=fresh)
        allowed = oracle.sees("c", key) and not (
            record["resourceType"] == "Patient"
            and not any(
                g.context != "patient" and g.allows("c", record, None) for g in oracle.grants
            )
        )
        assert (answer.status_code == 201) == allowed, (key, oracle, answer.text)
    for key in RECORDS:
        may = oracle.sees("d", key)
        await http.delete(key)
        there = (await house.http.get(key)).status_code
        assert there == (410 if may else 200), (key, oracle)


async def test_one_cannot_ask_through_conditional_writes(house: House) -> None:
    for record in RECORDS.values():
        await house.put(record)
    async with house.client("patient/*.cruds", "p0") as http:
        for criteria in ("name=quinn&_id=p1", "_id=p1"):
            answer = await http.delete(f"Patient?{criteria}")
            assert answer.status_code == 204
            assert (await house.http.get("Patient/p1")).status_code == 200
        taken = await http.put("Patient/p1", json=patient("p1"))
        free = await http.put("Patient/p9", json=patient("p9"))
        assert (taken.status_code, taken.json()) == (free.status_code, free.json())
        body = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
        probe = entry("POST", "Observation", {**body, "subject": {"reference": "Patient?_id=p1"}})
        answer = await http.post("", content=bundle("transaction", probe))
        assert answer.status_code == 412


async def test_denials_are_audited(house: House) -> None:
    await house.put(patient("p"))
    async with house.client("system/Observation.rs") as http:
        assert (await http.get("Patient/p")).status_code == 403
        assert (await http.get("Patient?name=x")).status_code == 403
    denied = [r for r in await house.audit() if r.detail == "Forbidden"]
    assert [(r.interaction, r.outcome.value, r.versions) for r in denied] == [
        ("read", "4", ()),
        ("search-type", "4", ()),
    ]
    assert denied[0].query == "Patient/p"


async def test_requests_refused_at_the_door_step_are_audited(house: House) -> None:
    before = len(await house.audit())
    async with house.client("system/*.cruds") as http:
        bad = {"content-type": "text/csv"}
        assert (await http.post("Patient", content=b"x", headers=bad)).status_code == 415
        assert (await http.get("Patient/p/nowhere/at/all")).status_code == 404
        assert (await http.put("metadata", content=b"{}")).status_code == 405
        assert (await http.get("Patient", headers={"authorization": "Bearer x"})).status_code == 401
        assert (await http.get("Patient", headers={"authorization": ""})).status_code == 401
    known = [(r.interaction, r.query, r.detail) for r in (await house.audit())[before:]]
    assert known == [
        ("POST", "/fhir/Patient", "UnsupportedMedia"),
        ("GET", "/fhir/Patient/p/nowhere/at/all", "NotFound"),
        ("PUT", "/fhir/metadata", "MethodNotAllowed"),
    ]
    nobody = await house.audit(Tenant(0))
    assert [(r.agent, r.query, r.detail) for r in nobody] == [
        ("", "/fhir/Patient", "Unauthenticated")
    ] * 2
