"""What ends a record, or goes through all of them: `$purge`, `$erase`, `$relabel`, `$reindex`. What
is gone is put back."""

from __future__ import annotations

import httpx

from tests.fhir_house import bundle, entry
from tests.oracle.rights import Sight
from tests.oracle.way import Here, Way, all_sorted
from tests.policy_house import patients_of

WAYS: dict[str, Way] = {}


def _patient(sight: Sight, n: int) -> str:
    """One of whom no Consent speaks: these are known again only after a while."""
    agreed = {r["patient"]["reference"] for r in sight.records.values()
              if r["resourceType"] == "Consent"}  # fmt: skip
    others = [f"p{k}" for k in range(4, 60) if f"Patient/p{k}" not in agreed]
    return others[n % len(others)]


def _of_end(sight: Sight, n: int, m: int) -> list[str]:
    """All that is of this patient and of no other."""
    id = _patient(sight, n)
    if not sight.ends(f"Patient/{id}"):
        return []
    return sorted(key for key, record in sight.records.items() if patients_of(record) == {id})


def _end(operation: str) -> Way:
    async def ask(here: Here, n: int, m: int) -> list[str]:
        id = _patient(here.sight, n)
        asked = operation if hasattr(here.house.store, "keeper") else "$purge"
        answer = await here.http.post(f"Patient/{id}/{asked}")
        if answer.status_code != 200:
            assert answer.status_code in (403, 404), answer.text
            assert (await here.plain.http.get(f"Patient/{id}")).status_code == 200
            return []
        left = set(await all_sorted(here.by(here.plain.http), "?_count=1000&_elements=id"))
        gone = sorted(here.sight.records.keys() - left)
        again = [entry("PUT", key, here.sight.records[key]) for key in gone]
        put = await here.plain.http.post("", content=bundle("batch", *again))
        codes = {one["response"]["status"] for one in put.json()["entry"]}
        assert codes == {"201"}, put.text
        return gone

    return Way(_of_end, ask)


WAYS["$purge"] = _end("$purge")
WAYS["$erase"] = _end("$erase")


def _keeps_house(sight: Sight) -> bool:
    """Whether this caller has all rights on everything."""
    return sight.judge is None or "system/*.cruds" in sight.judge.case.scopes.split()


def _of_relabel(sight: Sight, n: int, m: int) -> list[str]:
    return [f"{len(sight.records)} looked at, 0 changed"] if _keeps_house(sight) else []


async def _relabel(here: Here, n: int, m: int) -> list[str]:
    answer = await here.http.post("$relabel")
    if _refused(answer):
        return []
    numbers = [one["valueInteger"] for one in answer.json()["parameter"]]
    return [f"{numbers[0]} looked at, {numbers[1]} changed"]


def _of_reindex(sight: Sight, n: int, m: int) -> list[str]:
    return ["asked for", "shown"] if _keeps_house(sight) else []


async def _reindex(here: Here, n: int, m: int) -> list[str]:
    """A job of somebody else is shown to nobody who may not ask for one."""
    answer = await here.http.post("$reindex")
    if _refused(answer, 202):
        job = (await here.plain.http.post("$reindex")).json()["parameter"][0]["valueId"]
        assert _refused(await here.http.get(f"$reindex?id={job}"))
        return []
    job = answer.json()["parameter"][0]["valueId"]
    assert not _refused(await here.http.get(f"$reindex?id={job}"))
    return ["asked for", "shown"]


def _refused(answer: httpx.Response, done: int = 200) -> bool:
    assert answer.status_code in (403, done), answer.text
    return answer.status_code == 403


WAYS["$relabel"] = Way(_of_relabel, _relabel)
WAYS["$reindex"] = Way(_of_reindex, _reindex)
