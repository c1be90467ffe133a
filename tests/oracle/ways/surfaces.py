"""What else shows records: more operations, pages for people, the export of the command line."""

from __future__ import annotations

import html
import json
import re
import tempfile
from pathlib import Path

import httpx

from careplane.app.exports import Exporter
from careplane.kernel.errors import Forbidden, Incorrect
from careplane.records import commands as c
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.consent_house import subjects
from tests.oracle.population import IN_COMPARTMENT
from tests.oracle.rights import Sight
from tests.oracle.way import Here, Way, a_patient, a_type, found_of, is_coded, nth
from tests.policy_house import patients_of

WAYS: dict[str, Way] = {}


def _of_one(sight: Sight, n: int, m: int) -> list[str]:
    return [key for key in (nth(sight, n),) if key in sight.read]


def _asked_of(suffix: str) -> Way:
    async def ask(here: Here, n: int, m: int) -> list[str]:
        key = here.key(n)
        answer = await here.http.get(key + suffix)
        absent = await here.http.get(f"{key.split('/')[0]}/absent{suffix}")
        if answer.status_code == 200:
            return [key]
        assert (answer.status_code, answer.json()) == (absent.status_code, absent.json())
        return []

    return Way(_of_one, ask)


WAYS["$meta"] = _asked_of("/$meta")
WAYS["$validate"] = _asked_of("/$validate")


async def _diff(here: Here, n: int, m: int) -> list[str]:
    key, other = here.key(n), here.key(n + 4 * m)
    if key.split("/")[0] != other.split("/")[0]:
        other = key
    answer = await here.http.get(f"$diff?from={key}&to={other}")
    assert answer.status_code in (200, 403, 404), answer.text
    return sorted({key, other}) if answer.status_code == 200 else []


def _of_diff(sight: Sight, n: int, m: int) -> list[str]:
    key, other = nth(sight, n), nth(sight, n + 4 * m)
    if key.split("/")[0] != other.split("/")[0]:
        other = key
    return sorted({key, other}) if {key, other} <= sight.read else []


WAYS["$diff"] = Way(_of_diff, _diff)


def _labels(sight: Sight, key: str) -> set[str]:
    shown = {"REDACTED", "SUBSETTED"} if sight.hidden(key).leaves else set()
    security = sight.records[key].get("meta", {}).get("security", ())
    return {one["code"] for one in security} | shown


def _of_labels(sight: Sight, n: int, m: int) -> list[str]:
    """Labels in use; those of a mask alone are on what has none of its own."""
    some = found_of(sight, a_type(n), lambda r: "security" in r.get("meta", {}))
    return sorted(set().union(*(_labels(sight, key) for key in some)) - {"REDACTED", "SUBSETTED"})


async def _meta_in_use(here: Here, n: int, m: int) -> list[str]:
    answer = await here.http.get(f"{a_type(n)}/$meta")
    if answer.status_code == 403:
        return []
    assert answer.status_code == 200, answer.text
    metas = [one.get("valueMeta", {}) for one in answer.json().get("parameter", ())]
    codes = {c["code"] for meta in metas for c in meta.get("security", ())}
    return sorted(codes - {"REDACTED", "SUBSETTED"})


WAYS["$meta of a type"] = Way(_of_labels, _meta_in_use)


def _of_stats(sight: Sight, n: int, m: int) -> int:
    code = ("8302-2", "1-8")[m % 2]
    measured = found_of(sight, "Observation", lambda r: a_patient(sight, n) in subjects(r)
                        and is_coded(r, code))  # fmt: skip
    return len([key for key in measured if "valueQuantity" in sight.seen(key)])


async def _stats(here: Here, n: int, m: int) -> int:
    """How many measurements there were: a value that is hidden is none. It searches by the codes of
    components, too; where these are hidden of something, it is refused."""
    sight = here.sight
    some = sight.read.of("Observation") | sight.found.of("Observation")
    must = any("*" in sight.hidden(key).leaves for key in some)
    code = ("8302-2", "1-8")[m % 2]
    patient = a_patient(here.sight, n)
    address = f"Observation/$stats?subject=Patient/{patient}&code={code}&statistic=count"
    answer = await here.http.get(address)
    if answer.status_code in (403, 404):
        return _of_stats(sight, n, m) if must or sight.hides("Observation", "*") else 0
    assert answer.status_code == 200, answer.text
    assert not must, answer.text
    observed = [one["resource"] for one in answer.json().get("parameter", ())]
    return sum(part["valueInteger"] for one in observed for part in one["component"])


WAYS["$stats"] = Way(_of_stats, _stats)


def _of_patients_export(sight: Sight, n: int, m: int) -> list[str]:
    patient, type = a_patient(sight, n), a_type(n)
    if f"Patient/{patient}" not in sight.found or type not in IN_COMPARTMENT:
        return []
    return found_of(sight, type, lambda r: patient in patients_of(r))


async def _patients_export(here: Here, n: int, m: int) -> list[str]:
    door, patient, type = here.house.door, a_patient(here.sight, n), a_type(n)
    if type not in IN_COMPARTMENT:
        return []  # such an export is refused as one that cannot be
    asked = c.PrepareExport((type,), by_patient=True, patients=(patient,))
    try:
        prepared = await door.prepare_export(here.caller, asked)
    except (Forbidden, Incorrect):  # the type, and the patient
        return []
    command = c.Export(type, prepared.at, by_patient=True, patients=prepared.patients or ())
    page = await door.export(here.caller, command)
    assert page.next is None
    return sorted(f"{version.type}/{version.id}" for version in page.versions)


WAYS["export of a patient"] = Way(_of_patients_export, _patients_export)


async def _command_line(here: Here, n: int, m: int) -> list[str]:
    """What `careplane export` writes to a folder."""
    with tempfile.TemporaryDirectory() as folder:
        exporter = Exporter(here.house.door, here.caller, Path(folder), compress=False)
        try:
            await exporter.run((a_type(n),))
        except Forbidden:
            return []
        lines = (Path(folder) / f"{a_type(n)}.ndjson").read_text().splitlines()
    trees = [json.loads(line) for line in lines]
    for tree in trees:
        here.looked(tree)
    return sorted(f"{one['resourceType']}/{one['id']}" for one in trees)


WAYS["command line"] = Way(lambda s, n, m: found_of(s, a_type(n)), _command_line)


async def _page(here: Here, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(application(Web(here.house.door, here.house.tokens)))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        token = here.house.tokens.issue(here.caller, 3600)
        http.cookies.set("careplane", token, domain="testserver.local")
        return await http.get(path)


async def _source_page(here: Here, n: int, m: int) -> list[str]:
    """The page of a record, as it is and as its source."""
    key = here.key(n)
    answer = await _page(here, f"/records/{key}/json")
    plain = await _page(here, f"/records/{key}")
    assert answer.status_code == plain.status_code in (200, 403, 404), answer.text
    if answer.status_code != 200:
        return []
    shown = re.search(r"<pre[^>]*>(.*?)</pre>", answer.text, re.DOTALL)
    assert shown, answer.text
    here.looked(json.loads(html.unescape(re.sub(r"<[^>]+>", "", shown[1]))))
    return [key]


async def _list_page(here: Here, n: int, m: int) -> list[str]:
    answer = await _page(here, f"/records/{a_type(n)}?_count=200")
    assert answer.status_code in (200, 400, 403), answer.text
    found = re.findall(rf'href="/records/({a_type(n)}/[A-Za-z0-9.-]+)"', answer.text)
    return sorted(set(found))


WAYS["page of a record"] = Way(_of_one, _source_page)
WAYS["page of a search"] = Way(lambda s, n, m: found_of(s, a_type(n))[:200], _list_page)
