"""Attacks of a researcher on the de-identified view: to see what names somebody, to learn what is
coarser there, and to lead pseudonyms back. Somebody who sees everything gets through each.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from careplane.kernel.clock import system_clock
from careplane.kernel.errors import CareplaneError, Unsupported
from careplane.records import commands as c
from careplane.records.bodies import whole
from tests.contracts.engines import ENGINES
from tests.fhir_house import House, bundle, entry, observation, open_house, studies
from tests.mask_house import FREE, OPEN, URLS, caller, fill, marked_patient, marks_of

pytestmark = pytest.mark.anyio

RESEARCHER = caller("researcher")
OTHER_STUDY = caller("other")
POLICIES = {
    "free.cedar": OPEN,
    "other.cedar": '@deidentified("other") permit (principal in Role::"other", action, resource);',
}
IDS = ("p-of-a-person", "o-of-a-person")
STUDY = studies("research")
P = STUDY.of("Patient", IDS[0])
OBS = STUDY.of("Observation", IDS[1])
HEIGHT = {"value": 180, "unit": "cm", "system": "http://unitsofmeasure.org", "code": "cm"}


@pytest.fixture(params=["memory", "sqlite"])
async def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    store = ENGINES[request.param](tmp_path, system_clock)
    try:
        async with open_house(store, policies=POLICIES, full_text=True) as house:
            await fill(house)
            p, o = IDS
            await house.put(marked_patient(p))
            await house.put(observation(o, p, valueQuantity=HEIGHT, issued="2020-03-04T05:06:07Z",
                                        effectiveDateTime="2020-03-04"))  # fmt: skip
            yield house
    finally:
        await store.close()


async def test_what_is_shown(guarded: House) -> None:
    async with guarded.client_of(RESEARCHER) as http:
        found = (await http.get(f"Observation/{OBS}")).json()
        assert found.pop("meta")["lastUpdated"].endswith("-01-01T00:00:00.000Z")
        quantity = {name: value for name, value in HEIGHT.items() if name != "unit"}
        expected = observation(OBS, P, effectiveDateTime="2020", valueQuantity=quantity)
        assert found == expected
        found = (await http.get(f"Patient/{P}")).json()
        assert {n: v for n, v in found.items() if n != "meta"} == {
            "resourceType": "Patient", "id": P, "gender": "female",
            "address": [{"state": "NY"}], "contact": [{"gender": "male"}],
            "communication": [{"language": {"coding": [{"code": "mklanguage"}]}}],
        }  # fmt: skip
        assert [one["code"] for one in found["meta"]["security"]] == ["PSEUDED"]
        for url in (
            f"Observation?patient={P}", f"Observation?subject=Patient/{P}",
            f"Observation?subject:Patient={P}", "Observation?code=8302-2&_count=100",
            f"Observation?_id={OBS}", f"Observation?patient={P}&_total=accurate&_elements=code",
        ):  # fmt: skip
            page = (await http.get(url)).json()
            assert OBS in [one["resource"]["id"] for one in page["entry"]], url
            assert not any(id in json.dumps(page) for id in IDS), url
        (entry,) = (await http.get(f"Patient?_id={P}&gender=female")).json()["entry"]
        assert entry["fullUrl"].endswith(f"/Patient/{P}")
        assert (await http.get("Questionnaire")).status_code == 200


async def test_pages_go_on_under_pseudonyms(guarded: House) -> None:
    async with guarded.client_of(RESEARCHER) as http:
        url: str | None = "Patient?gender=female&_count=1&_sort=gender"
        seen: list[str] = []
        while url is not None:
            page = (await http.get(url)).json()
            seen += [one["resource"]["id"] for one in page["entry"]]
            assert not any(id in json.dumps(page) for id in IDS)
            url = next((x["url"] for x in page.get("link", ()) if x["relation"] == "next"), None)
    assert sorted(seen) == sorted(STUDY.of("Patient", id) for id in ("p", IDS[0]))


_KEPT = {"mklanguage"}
"""A code; and the city, line and names are texts, which go."""


async def test_no_answer_holds_what_names_somebody(guarded: House) -> None:
    marks = sorted({*marks_of("Patient"), *marks_of("Observation")} - _KEPT)
    p, o = IDS
    urls = [*URLS, f"Patient/{p}", f"Observation/{o}", f"Observation?patient={p}", f"Patient/{P}",
            f"Observation/{OBS}", f"Patient/{P}/_history", f"Patient/{P}/_history/1"]  # fmt: skip
    async with guarded.client_of(RESEARCHER) as http, guarded.client_of(FREE) as free:
        texts = [(url, (await http.get(url)).text) for url in urls]
        for kind in ("batch", "transaction"):
            gets = [entry("GET", url) for url in (f"Patient/{P}", f"Patient/{p}", "Patient")]
            texts.append((kind, (await http.post("", content=bundle(kind, *gets))).text))
        for url, text in texts:
            text = text.replace(url, "")
            told = [mark for mark in (*marks, o, "2020-03-04") if mark in text]
            assert told == [], url
        everything = "".join([(await free.get(url)).text for url in urls])
        assert [mark for mark in marks if mark not in everything] == []


CLOSED = [
    "Patient?name=Mkfamily", "Patient?identifier=mkmrn", "Patient?birthdate=1911-03-07",
    "Patient?address-city=Mkcity", "Patient?address-state=NY", "Patient?phone=mkphone",
    "Patient?_lastUpdated=gt2020", "Patient?_sort=_lastUpdated", "Patient?_sort=-_id",
    "Patient?_sort=birthdate", "Patient?_text=Mkfamily", "Patient?_content=Mkfamily",
    "Patient?_filter=birthdate eq 1911-03-07", "Patient?_has:Observation:patient:date=2020-03-04",
    "Patient?_tag=x", "Patient?_source=x", "Patient?_list=x", "Patient?_contained=true",
    "Patient?communication:text=x", "Patient?general-practitioner:identifier=x",
    "Observation?date=2020-03-04", "Observation?value-quantity=180", "Observation?value-string=x",
    "Observation?patient.birthdate=1911-03-07", "Observation?patient._id=p-of-a-person",
    "Observation?subject:Patient.name=Mkfamily", "Observation?code:text=x",
    "Observation?code-value-quantity=8302-2$180", "Observation?_include=Observation:patient",
    "Patient?_revinclude=Observation:patient", "Observation?patient=p-of-a-person",
    "Observation?patient=Patient/p-of-a-person", "Patient?_id=p-of-a-person",
    f"Patient?_id={P},p", "?_type=Patient", f"Patient/{P}/Observation", f"Patient/{P}/*",
    f"Patient/{P}/_history", f"Patient/{P}/_history/1", "Patient/_history", "_history",
    f"Patient/{P}/$everything", f"Patient/{P}/$meta", f"Patient/{P}/$validate",
    f"Observation/$lastn?patient={P}&code=8302-2", "Patient/p-of-a-person", "Patient/p",
    f"Observation/{P}", f"Patient/{OBS}",
]  # fmt: skip


@pytest.mark.parametrize("url", CLOSED)
async def test_what_would_tell_more_is_refused(guarded: House, url: str) -> None:
    async with guarded.client_of(RESEARCHER) as http, guarded.client_of(OTHER_STUDY) as other:
        for client in (http, other):
            answer = await client.get(url, headers={"prefer": "handling=strict"})
            assert 400 <= answer.status_code < 500, answer.text
            assert "Mkfamily" not in answer.text.replace("=Mkfamily", "")


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("POST", "Patient", {"resourceType": "Patient"}),
        ("PUT", f"Patient/{P}", {"resourceType": "Patient", "id": P}),
        ("PUT", "Patient/new", {"resourceType": "Patient", "id": "new"}),
        ("PATCH", f"Patient/{P}", []),
        ("DELETE", f"Patient/{P}", None),
        ("DELETE", "Patient?gender=female", None),
        ("POST", f"Patient/{P}/$meta-add", {"resourceType": "Parameters"}),
        ("POST", "Patient/$validate", {"resourceType": "Patient"}),
    ],
)
async def test_nothing_is_written(guarded: House, method: str, url: str, body: Any) -> None:
    """Not even where a policy would let them."""
    kind = "application/json-patch+json" if method == "PATCH" else "application/fhir+json"
    async with guarded.client_of(OTHER_STUDY) as http:
        answer = await http.request(method, url, json=body, headers={"content-type": kind})
        assert answer.status_code in (400, 403), answer.text
    assert (await guarded.http.get(f"Patient/{IDS[0]}")).status_code == 200


async def test_studies_do_not_know_each_other(guarded: House) -> None:
    async with guarded.client_of(OTHER_STUDY) as http:
        assert (await http.get(f"Patient/{P}")).status_code == 404
        theirs = studies("other").of("Patient", IDS[0])
        assert (await http.get(f"Patient/{theirs}")).json()["id"] == theirs != P
        text = (await http.get("Patient?gender=female")).text
        assert theirs in text
        assert P not in text


async def test_of_two_studies_at_once_there_is_a_third(guarded: House) -> None:
    both = caller("researcher", "other")
    async with guarded.client_of(both) as http:
        text = (await http.get("Patient?gender=female")).text
        assert studies("other research").of("Patient", IDS[0]) in text
        assert P not in text


async def test_a_second_role_does_not_undo_the_view(guarded: House) -> None:
    """Else the pseudonyms of the one would meet the names of the other."""
    async with guarded.client_of(caller("researcher", "free")) as http:
        assert "Mkfamily" not in (await http.get("Patient?_count=100")).text
        assert (await http.get("Patient/p")).status_code == 404


async def test_an_export_is_under_pseudonyms(guarded: House) -> None:
    door = guarded.door
    prepared = await door.prepare_export(RESEARCHER, c.PrepareExport(("Patient", "Observation")))
    lines = []
    for type in prepared.types:
        page = await door.export(RESEARCHER, c.Export(type, prepared.at, by_patient=True))
        lines += [whole(version).decode() for version in page.versions]
    assert P in str(lines)
    assert not [mark for mark in {*marks_of("Patient"), *IDS} - _KEPT if mark in str(lines)]
    await guarded.http.delete(f"Observation/{IDS[1]}")
    prepared = await door.prepare_export(RESEARCHER, c.PrepareExport(("Observation",)))
    gone = await door.export(RESEARCHER, c.Export("Observation", prepared.at, deletions=True))
    assert OBS in {version.id for version in gone.versions}


EXPORTS = [
    c.PrepareExport(("Patient",), filters=(("Patient", "_id=p"),)),
    c.PrepareExport(("Patient",), by_patient=True, patients=("p",)),
    c.PrepareExport(("Patient",), by_patient=True, group="g"),
]


@pytest.mark.parametrize("command", EXPORTS, ids=["filter", "patient", "group"])
async def test_an_export_cannot_be_aimed(guarded: House, command: c.PrepareExport) -> None:
    with pytest.raises(CareplaneError, match="de-identified"):
        await guarded.door.prepare_export(RESEARCHER, command)


async def test_the_trail_names_whose_record_it_was(guarded: House) -> None:
    async with guarded.client_of(RESEARCHER) as http:
        await http.get(f"Observation/{OBS}")
    (record,) = [one for one in await guarded.audit() if one.interaction == "read"]
    assert record.patients == (IDS[0],)
    assert record.versions == (("Observation", IDS[1], 1),)


async def test_without_a_key_there_is_no_view(guarded: House) -> None:
    parts = replace(guarded.door._parts, studies=None)
    with pytest.raises(Unsupported, match="no key"):
        parts.seen_by(RESEARCHER)
