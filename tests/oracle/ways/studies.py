"""A caller who is a researcher as well, so that all of it is de-identified: what is found is what
policies and Consents let be found, under pseudonyms, and says nothing that names somebody."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from tests.fhir_house import studies
from tests.oracle.marks import marked
from tests.oracle.rights import Judge, Sight
from tests.oracle.way import Here, Way, a_patient, a_type, all_matches, found_of, names_of, nth
from tests.policy_house import Record

WAYS: dict[str, Way] = {}
_KNOWN = studies("research")
_KNOWLEDGE = ("GraphDefinition", "Questionnaire")
_TELLING = re.compile(
    r"Quinn|Ratke|Abbott|Ferry|Kin [0-9]|Note [0-9]|Line [0-9]|Town[0-9]|555-|777-|"
    r"[0-9]{4}-[0-9]{2}|/(?:p|o|x|y|e|c|l)[0-9]+\b"
)
"""Names, texts, places, numbers and days of these rows, and references by their own ids."""


def _seen(sight: Sight) -> Sight:
    """The sight of this caller as a researcher."""
    judge = sight.judge
    if judge is None:
        return sight
    case = replace(judge.case, roles=judge.case.roles | {"researcher"})
    return Judge(case, judge.consents, judge.policies, judge.masks).sight()


def _as_researcher(here: Here) -> Here:
    caller = replace(here.caller, roles=here.caller.roles | {"researcher"})
    http = here.house.client_of(caller)
    return replace(here, caller=caller, http=http)


def _pseudonym(key: str) -> str:
    type, id = key.split("/")
    return key if type in _KNOWLEDGE else f"{type}/{_KNOWN.of(type, id)}"


def _checked(tree: Record) -> None:
    if tree["resourceType"] in _KNOWLEDGE:
        return
    shown = json.dumps({name: value for name, value in tree.items() if name != "meta"})
    told = _TELLING.search(shown)
    assert told is None, f"{told} in {shown}"
    assert not marked(shown), shown


def _of_search(sight: Sight, n: int, m: int) -> list[str]:
    seen = _seen(sight)
    if m:
        return sorted(map(_pseudonym, found_of(seen, a_type(n))))
    patient = f"Patient/{a_patient(sight, n)}"
    return sorted(map(_pseudonym, found_of(seen, "Observation", lambda r: names_of(r) == patient)))


async def _search(here: Here, n: int, m: int) -> list[str]:
    """A type, or what is of a patient under that one's pseudonym; by the id itself nothing is."""
    there = _as_researcher(here)
    patient = f"Patient/{a_patient(here.sight, n)}"
    url = f"{a_type(n)}?_count=1000" if m else f"Observation?subject={_pseudonym(patient)}"
    found = list[str]()

    async def look(answer: Any) -> None:
        await answer.aread()
        for one in answer.json().get("entry", ()):
            if one.get("search", {}).get("mode") == "match":
                _checked(one["resource"])

    there.http.event_hooks["response"] = [look]
    found = await all_matches(there, url)
    if not m:
        plain = await there.http.get(f"Observation?subject={patient}")
        assert plain.status_code in (400, 403), plain.text
    return sorted(found)


WAYS["search, de-identified"] = Way(_of_search, _search)


def _of_read(sight: Sight, n: int, m: int) -> list[str]:
    key = nth(sight, n)
    return [key] if key in _seen(sight).read else []


async def _read(here: Here, n: int, m: int) -> list[str]:
    """By the pseudonym; whatever else would lead to it is refused, but a summary, which is made of
    reads and searches."""
    there, key = _as_researcher(here), here.key(n)
    answer = await there.http.get(_pseudonym(key))
    if key.split("/")[0] not in _KNOWLEDGE:
        assert (await there.http.get(key)).status_code in (403, 404)
    for way in ("/_history", "/_history/1", "/$meta", "/$everything", "/$document"):
        closed = await there.http.get(_pseudonym(key) + way)
        assert closed.status_code in (400, 403, 404), closed.text
    if key.startswith("Patient/"):
        summary = await there.http.get(_pseudonym(key) + "/$summary")
        for one in summary.json().get("entry", ()):
            if one["resource"]["resourceType"] not in ("Composition", "Device"):
                _checked(one["resource"])
    if answer.status_code in (403, 404):
        return []
    assert answer.status_code == 200, answer.text
    _checked(answer.json())
    return [key]


WAYS["read, de-identified"] = Way(_of_read, _read)
