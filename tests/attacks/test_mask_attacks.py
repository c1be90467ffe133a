"""Attacks on what a mask hides, by whoever sees the rest.

What is shown is looked for in the answers; what may be guessed is asked twice, with a right guess
and a wrong one, and the answers must be the same. Somebody who sees everything makes each attack as
well and must get through, or it would prove nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import system_clock
from careplane.records import commands as c
from careplane.records.bodies import whole
from tests.contracts.engines import ENGINES
from tests.fhir_house import TENANT, House, bundle, entry, observation, open_house, patient
from tests.mask_house import FREE, MASKED, OPEN, caller, fill, marked_patient
from tests.policy_house import team, to

pytestmark = pytest.mark.anyio

POLICIES = {
    "masked.cedar": """
        @hides("Patient.telecom, Patient.birthDate, Patient.generalPractitioner,
                Observation.value, Observation.method, Observation.subject, Observation.note")
        permit (principal in Role::"masked", action, resource);""",
    "free.cedar": OPEN,
}


@pytest.fixture(params=["memory", "sqlite"])
async def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    store = ENGINES[request.param](tmp_path, system_clock)
    try:
        async with open_house(store, policies=POLICIES, full_text=True) as house:
            await fill(house)
            await house.put(observation("m", "plain", valueString="Other"))
            await house.put(observation("none", "plain"))
            method = {"coding": [{"code": "mkmethod"}]}
            await house.put(
                observation("f", "plain", focus=[to("Patient/p")], method=method, status="amended")
            )
            await house.put(patient("lonely"))
            await house.put(patient("young", birthDate="2020-01-01"))
            yield house
    finally:
        await store.close()


Through = Callable[[httpx.AsyncClient], Awaitable[bool]]
"""Makes an attack; whether it got through."""
RIGHT = {"phone": "mkphone", "date": "1911-03-07", "value": "Mkvalue", "method": "mkmethod",
         "of": "p", "note": "Mknote", "inside": "Mkinside"}  # fmt: skip
WRONG = {"phone": "mkwrong", "date": "1912-03-07", "value": "Wrong", "method": "mkwrong",
         "of": "lonely", "note": "Wrong", "inside": "Wrong"}  # fmt: skip


def _told(answer: httpx.Response) -> Any:
    """What an answer tells: its status, how much was found, and what it says, without the guess."""
    if "json" not in answer.headers.get("content-type", ""):
        return answer.status_code, answer.text
    body = answer.json()
    text = json.dumps((body.get("issue"), body.get("data")))
    for value in (*RIGHT.values(), *WRONG.values()):
        text = text.replace(value, "?") if len(value) > 1 else text
    return answer.status_code, body.get("total"), len(body.get("entry", ())), text


def asks(method: str, url: str, body: Any = None, **headers: str) -> Through:
    """The answers to a right guess and to a wrong one are different."""

    async def attack(http: httpx.AsyncClient) -> bool:
        told = []
        for guess in (RIGHT, WRONG):
            content = json.dumps(body) if body is not None else ""
            heads = {name.replace("_", "-"): value for name, value in headers.items()}
            for name, value in guess.items():
                content = content.replace(f"<{name}>", value)
                heads = {k: v.replace(f"<{name}>", value) for k, v in heads.items()}
            address = url
            for name, value in guess.items():
                address = address.replace(f"<{name}>", value)
            answer = await http.request(method, address, content=content or None, headers=heads)
            told.append(_told(answer))
        return bool(told[0] != told[1])

    return attack


def strict(url: str) -> Through:
    return asks("GET", url, prefer="handling=strict")


def shows(url: str, mark: str, **headers: str) -> Through:
    async def attack(http: httpx.AsyncClient) -> bool:
        return mark in (await http.get(url, headers=headers)).text

    return attack


def orders(sort: str) -> Through:
    """Up and down are different orders."""

    async def attack(http: httpx.AsyncClient) -> bool:
        found = []
        for sign in ("", "-"):
            page = (await http.get(f"{sort.replace('<', sign)}")).json()
            found.append(
                [one["resource"]["id"] for one in page.get("entry", ()) if "id" in one["resource"]]
            )
        return found[0] != found[1]

    return attack


def patches(
    patch: Any, kind: str = "application/json-patch+json", on: str = "Patient/p"
) -> Through:
    """The patch makes a new version."""

    async def attack(http: httpx.AsyncClient) -> bool:
        raw = patch if isinstance(patch, bytes) else json.dumps(patch).encode()
        before = (await http.get(on)).headers["etag"]
        answer = await http.patch(on, content=raw, headers={"content-type": kind})
        return answer.status_code == 200 and answer.headers["etag"] != before

    return attack


def _fhirpath(type: str, path: str, **more: Any) -> dict[str, Any]:
    parts = [{"name": "type", "valueCode": type}, {"name": "path", "valueString": path}]
    parts += [{"name": name, **value} for name, value in more.items()]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


FHIR_JSON = "application/fhir+json"
XML_PATCH = b"""<diff xmlns:f="http://hl7.org/fhir"><replace
 sel="f:Patient[f:telecom/f:value/@value='mkphone']/f:gender/@value">other</replace></diff>"""
NEW = {"resourceType": "Patient", "active": True}
REPLACED = {**marked_patient("p"), "telecom": [], "language": "fr"}
REPLACED.pop("telecom")


async def _copies(http: httpx.AsyncClient) -> bool:
    """What is hidden is moved to where it shows."""
    patch = [{"op": "copy", "from": "/telecom/0/value", "path": "/name/0/text"}]
    headers = {"content-type": "application/json-patch+json", "prefer": "return=representation"}
    answer = await http.patch("Patient/p", content=json.dumps(patch), headers=headers)
    return "mkphone" in answer.text


async def _learns_by_sameness(http: httpx.AsyncClient) -> bool:
    """A PUT of the same content makes no version, so the ETag tells of a right guess."""
    stored = marked_patient("p", language="en")
    before = (await http.get("Patient/p")).headers["etag"]
    answer = await http.put("Patient/p", json=stored)
    return answer.status_code == 200 and answer.headers["etag"] == before


async def _exports(http: httpx.AsyncClient) -> bool:
    body = bundle("batch", entry("GET", "Patient/p"), entry("GET", "Patient?_id=p"))
    return "mkphone" in (await http.post("", content=body)).text


ATTACKS: dict[str, Through] = {
    "read": shows("Patient/p", "mkphone"),
    "a primitive's extension": shows("Patient/p", "Mknoon"),
    "the narrative": shows("Patient/p?_summary=text", "mkphone"),
    "contained, behind what is hidden": shows("Patient/p", "Mkinside"),
    "contained in another type": shows("Observation/o?_elements=contained", "mkphone"),
    "in a Bundle": shows("Bundle/b", "mkphone"),
    "XML": shows("Patient/p?_format=xml", "mkphone"),
    "vread": shows("Patient/p/_history/1", "mkphone"),
    "history": shows("Patient/_history?_count=100", "mkphone"),
    "include": shows("Observation?_id=o&_include=Observation:focus", "mkphone"),
    "include by what is hidden": shows("Observation?_id=m&_include=Observation:subject",
                                       "Patient/plain"),
    "include of everything": shows("Observation?_id=m&_include=*", "Patient/plain"),
    "revinclude by what is hidden": shows("Patient?_id=p&_revinclude=Observation:subject",
                                          "Observation/o"),
    "revinclude of everything": shows("Patient?_id=p&_revinclude=Observation:*", "Observation/o"),
    "a contained match": shows("Patient?_contained=true&_containedType=contained", "mkphone"),
    "a search in contained": asks(
        "GET", "Patient?_contained=true&_containedType=contained&phone=<phone>"),
    "a search for what is contained and hidden": asks(
        "GET", "Practitioner?_contained=true&family=<inside>"),
    "its match by itself": shows(
        "Practitioner?_contained=true&_containedType=contained", "Mkinside"),
    "$everything": shows("Patient/p/$everything", "mkphone"),
    "the compartment of what is hidden": shows("Patient/p/Observation", "Observation/o"),
    "$diff": shows("$diff?from=Patient/plain&to=Patient/p", "mkphone"),
    "$graph": shows("Observation/o/$graph?graph=http://example.org/g", "Patient/p"),
    "graphql": shows("Patient/p/$graphql?query={telecom{value}}", "mkphone"),
    "graphql, by an argument": asks(
        "GET", "$graphql?query={PatientList(phone:%22<phone>%22){id}}"),
    "a batch": _exports,
    "search": asks("GET", "Patient?phone=<phone>"),
    "search, strict": strict("Patient?phone=<phone>"),
    "search by POST": asks("POST", "Patient/_search?phone=<phone>"),
    "a date": asks("GET", "Patient?birthdate=lt<date>"),
    "missing": asks("GET", "Patient?phone=<phone>&phone:missing=false"),
    "a total": asks("GET", "Patient?phone=<phone>&_summary=count"),
    "an accurate total": asks("GET", "Patient?phone=<phone>&_total=accurate&_count=0"),
    "search of several types": asks("GET", "?_type=Patient,Person&phone=<phone>"),
    "a composite": asks("GET", "Observation?code-value-string=8302-2$<value>"),
    "a value": asks("GET", "Observation?value-string=<value>"),
    "a method": asks("GET", "Observation?method=<method>"),
    "a chain": asks("GET", "Observation?focus:Patient.phone=<phone>"),
    "a chain by what is hidden": asks("GET", "Observation?subject:Patient._id=<of>"),
    "_has": asks("GET", "Patient?_has:Observation:focus:method=<method>"),
    "_has by what is hidden": asks("GET", "Patient?_has:Observation:subject:status=final&_id=<of>"),
    "_filter": asks("GET", "Patient?_filter=phone eq <phone>"),
    "_text": asks("GET", "Patient?_text=<phone>"),
    "_content": asks("GET", "Observation?_content=<note>"),
    "a sort": orders("Observation?_sort=<value-string"),
    "a sort by a date": orders("Patient?_sort=<birthdate"),
    "$lastn": asks("GET", "Observation/$lastn?patient=<of>&category=vital-signs"),
    "$lastn, narrowed": asks(
        "GET", "Observation/$lastn?subject=Patient/p&category=vital-signs&value-string=<value>"),
    "conditional create": asks("POST", "Patient", NEW, if_none_exist="phone=<phone>"),
    "conditional update": asks("PUT", "Patient?phone=<phone>", NEW),
    "conditional patch": asks(
        "PATCH", "Patient?phone=<phone>", [{"op": "test", "path": "/gender", "value": "female"}],
        content_type="application/json-patch+json"),
    "conditional delete": asks(
        "DELETE", "Patient?phone=<phone>", prefer="return=OperationOutcome"),
    "a conditional reference": asks(
        "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [
            entry("POST", "Observation",
                  {k: v for k, v in observation("", "p").items() if k not in ("id", "subject")}
                  | {"focus": [to("Patient?phone=<phone>")]})]}),
    "a test in a patch": asks(
        "PATCH", "Patient/p", [{"op": "test", "path": "/telecom/0/value", "value": "<phone>"}],
        content_type="application/json-patch+json"),
    "a copy in a patch": _copies,
    "a patch of what is hidden": patches(
        [{"op": "add", "path": "/telecom", "value": [{"value": "1", "system": "phone"}]}]),
    "a patch that takes it away": patches([{"op": "remove", "path": "/telecom"}]),
    "a patch of its other half": patches(
        [{"op": "add", "path": "/valueInteger", "value": 1}], on="Observation/none"),
    "a patch that a rule ties to it": asks(
        "PATCH", "Observation/<of>",
        [{"op": "add", "path": "/dataAbsentReason", "value": {"text": "?"}}],
        content_type="application/json-patch+json"),
    "a FHIRPath patch": patches(
        _fhirpath("delete", "Patient.telecom[0]"), FHIR_JSON),
    "a FHIRPath condition": patches(
        _fhirpath("replace", "Patient.where(telecom.where(value='mkphone').exists()).gender",
                  value={"valueCode": "other"}), FHIR_JSON),
    "an XML patch's condition": patches(XML_PATCH, "application/xml-patch+xml"),
    "a representation": asks("PATCH", "Patient/p", [], prefer="return=representation"),
    "sameness": _learns_by_sameness,
}  # fmt: skip
PROVEN_ELSEWHERE = {"a representation", "a patch that a rule ties to it"}


@pytest.mark.parametrize("name", [n for n in ATTACKS if n not in PROVEN_ELSEWHERE])
async def test_an_attack_fails_only_by_the_mask(guarded: House, name: str) -> None:
    async with guarded.client_of(MASKED) as masked, guarded.client_of(FREE) as free:
        assert not await ATTACKS[name](masked)
        assert await ATTACKS[name](free), "the attack proves nothing"


async def test_a_representation_is_masked(guarded: House) -> None:
    """Of a patch, of a create, and of a create that found what is there."""
    async with guarded.client_of(MASKED) as http:
        headers = {"content-type": "application/json-patch+json", "prefer": "return=representation"}
        raw = b'[{"op":"replace","path":"/gender","value":"other"}]'
        answer = await http.patch("Patient/p", content=raw, headers=headers)
        assert (answer.status_code, "mkphone" in answer.text) == (200, False)
        body = {**marked_patient("x"), "telecom": [{"system": "phone", "value": "mkphone"}]}
        body.pop("id")
        prefer = {"prefer": "return=representation"}
        answer = await http.post("Patient", json=body, headers=prefer)
        assert (answer.status_code, "mkphone" in answer.text) == (201, False)
        found = {**prefer, "if-none-exist": "_id=p"}
        answer = await http.post("Patient", json=body, headers=found)
        assert (answer.status_code, "mkphone" in answer.text) == (200, False)
        sent = bundle("transaction", entry("POST", "Patient", body),
                      entry("POST", "Patient", body, ifNoneExist="_id=p"))  # fmt: skip
        answer = await http.post("", content=sent, headers=prefer)
        assert (answer.status_code, "mkphone" in answer.text) == (200, False)
    assert "mkphone" in (await guarded.http.get("Patient/p")).text


async def test_a_rule_does_not_tell_whether_there_is_a_value(guarded: House) -> None:
    """obs-6: a reason why there is no value goes with none."""
    await guarded.put(observation("none", "p"))
    patch = json.dumps([{"op": "add", "path": "/dataAbsentReason", "value": {"text": "?"}}])
    kind = {"content-type": "application/json-patch+json"}
    async with guarded.client_of(MASKED) as masked, guarded.client_of(FREE) as free:
        for http, statuses in ((masked, [403, 403]), (free, [200, 400])):
            told = [await http.patch(f"Observation/{id}", content=patch, headers=kind)
                    for id in ("none", "m")]  # fmt: skip
            found = [answer.status_code for answer in told]
            assert found == statuses or (http is free and found[0] == 200 != found[1])


async def test_a_put_is_refused_and_takes_nothing_away(guarded: House) -> None:
    async with guarded.client_of(MASKED) as http:
        mine = (await http.get("Patient/p")).json()
        answer = await http.put("Patient/p", json=mine)
        assert answer.status_code == 403
        assert "send a patch" in answer.text
        sent = bundle("transaction", entry("PUT", "Patient/p", mine))
        assert (await http.post("", content=sent)).status_code == 403
        assert (await http.put("Patient?_id=p", json=mine)).status_code == 403
        assert (await http.put("Observation/o", json=observation("o", "p"))).status_code == 403
        assert (await http.put("Patient/fresh", json=patient("fresh"))).status_code == 201
    assert "mkphone" in (await guarded.http.get("Patient/p")).text


@pytest.mark.parametrize("operation", ["$purge", "$erase"])
async def test_who_sees_not_all_of_a_record_may_end_it(guarded: House, operation: str) -> None:
    """All of it goes, and no key is left half destroyed by a refusal."""
    if operation == "$erase" and not hasattr(guarded.store, "keeper"):
        operation = "$purge"
    await guarded.put(observation("own", "lonely", valueString="Other"))
    ending = replace(MASKED, scopes=parse_scopes("user/*.cruds system/Patient.purge"))
    async with guarded.client_of(ending) as http:
        answer = await http.post(f"Patient/lonely/{operation}")
    assert answer.status_code == 200, answer.text
    for key in ("Patient/lonely", "Observation/own"):
        assert (await guarded.http.get(key)).status_code == 404


async def test_an_etag_is_that_of_the_version(guarded: House) -> None:
    async with guarded.client_of(MASKED) as http:
        mine, whole = await http.get("Patient/p"), await guarded.http.get("Patient/p")
        assert mine.headers["etag"] == whole.headers["etag"]
        again = await http.get("Patient/p", headers={"if-none-match": mine.headers["etag"]})
        assert again.status_code == 304


async def test_labels_do_not_tell_whether_there_was_something_to_hide(guarded: House) -> None:
    async with guarded.client_of(MASKED) as http:
        for id in ("p", "plain"):
            meta = (await http.get(f"Patient/{id}")).json()["meta"]
            assert [one["code"] for one in meta["security"]] == ["REDACTED"]
            assert [one["code"] for one in meta["tag"]] == ["SUBSETTED"]
    assert "security" not in (await guarded.http.get("Patient/plain")).json()["meta"]


async def test_the_trail_names_whose_record_was_opened(guarded: House) -> None:
    """Though the masked bytes do not say so: Observation.subject is hidden."""
    async with guarded.client_of(MASKED) as http:
        await http.get("Observation/m")
    (record,) = [one for one in await guarded.audit() if one.interaction == "read"]
    assert record.patients == ("plain",)


async def test_an_export_and_a_notification_are_masked(guarded: House) -> None:
    for who, seen in ((MASKED, False), (FREE, True)):
        prepared = await guarded.door.prepare_export(who, c.PrepareExport(("Patient",)))
        await guarded.http.patch(
            "Patient/p",
            content=b'[{"op":"replace","path":"/gender","value":"unknown"}]',
            headers={"content-type": "application/json-patch+json"},
        )
        page = await guarded.door.export(who, c.Export("Patient", prepared.at))
        assert any(b"mkphone" in whole(version) for version in page.versions) == seen
        told = await guarded.door.disclose(who, c.Disclose("s", (("Patient", "p", 1),)))
        assert any(b"mkphone" in whole(version) for version in told if version) == seen


BY_RELATION = {
    "masked.cedar": """
        @hides("Patient.telecom") permit (principal in Role::"masked", action, resource);
        permit (principal in Role::"masked", action, resource is Patient)
        when { resource.careTeam.contains(principal) };""",
    "free.cedar": OPEN,
}


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
async def test_a_relation_shows_what_it_is_about_and_nothing_else(
    engine: str, tmp_path: Path
) -> None:
    """An element is shown by a permit that applies to this very resource, at this very version."""
    store = ENGINES[engine](tmp_path, system_clock)
    async with open_house(store, policies=BY_RELATION) as house:
        await fill(house)
        await house.put(marked_patient("q"))
        await house.put(team("t", "q", "active", "Practitioner/n"))
        async with house.client_of(MASKED) as http:
            for url, shown in (
                ("Patient/p", False), ("Patient/q", True),
                ("Patient?_id=p", False), ("Patient?_id=q", True),
                ("Observation?_include=Observation:patient", False),
            ):  # fmt: skip
                assert ("mkphone" in (await http.get(url)).text) == shown, url
            both = (await http.get("Patient?_id=p,q")).json()["entry"]
            assert {e["resource"]["id"]: "telecom" in e["resource"] for e in both} \
                == {"p": False, "q": True}  # fmt: skip
            # By what some do not show, nobody searches.
            for guess in ("mkphone", "wrong"):
                answer = await http.get(
                    f"Patient?phone={guess}", headers={"prefer": "handling=strict"}
                )
                assert answer.status_code == 403
            await house.put(marked_patient("q", language="fr"))
            assert "mkphone" in (await http.get("Patient/q/_history/2")).text
            assert "mkphone" not in (await http.get("Patient/q/_history/1")).text
            assert (await http.put("Patient/q", json=patient("q"))).status_code == 200
            assert (await http.put("Patient/p", json=patient("p"))).status_code == 403
            await house.put(team("t", "q", "inactive", "Practitioner/n"))
            assert "mkphone" not in (await http.get("Patient/q/_history/2")).text
    await store.close()


async def test_a_second_role_never_hides_more(guarded: House) -> None:
    async with guarded.client_of(caller("masked", "free")) as http:
        assert "mkphone" in (await http.get("Patient/p")).text
        assert (await http.get("Patient?phone=mkphone")).json()["total"] == 1


async def test_rows_stay_those_of_the_whole(guarded: House) -> None:
    """What a masked caller writes is still found by what they do not see."""
    async with guarded.client_of(MASKED) as http:
        raw = b'[{"op":"replace","path":"/gender","value":"other"}]'
        kind = {"content-type": "application/json-patch+json"}
        assert (await http.patch("Patient/p", content=raw, headers=kind)).status_code == 200
        assert (await http.delete("Observation/o")).status_code == 204
    found = (await guarded.http.get("Patient?phone=mkphone&gender=other")).json()
    assert found["total"] == 1
    assert (await guarded.http.get("Observation?method=mkmethod&_id=o")).json()["total"] == 0
    assert await guarded.store.read(TENANT, "Patient", "p")


async def test_a_patch_of_what_is_whole_is_as_for_anybody(guarded: House) -> None:
    """A mask of patients has no say in a Practitioner, nor in its narrative."""
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">X</div>'}
    patch = json.dumps([{"op": "add", "path": "/text", "value": text}])
    kind = {"content-type": "application/json-patch+json"}
    async with guarded.client_of(MASKED) as http:
        answer = await http.patch("Practitioner/x", content=patch, headers=kind)
        assert answer.status_code == 200, answer.text
        assert "security" not in answer.json()["meta"]


async def test_what_is_contained_cannot_be_made_to_show(guarded: House) -> None:
    """By a new reference to it from where one may write."""
    patch = json.dumps([{"op": "add", "path": "/name/0/text", "value": "#d"}])
    kind = {"content-type": "application/json-patch+json", "prefer": "return=representation"}
    async with guarded.client_of(MASKED) as http:
        answer = await http.patch("Patient/p", content=patch, headers=kind)
        assert answer.status_code == 403
        assert "Mkinside" not in (await http.get("Patient/p")).text


async def test_elements_that_must_be_there_can_be_hidden(tmp_path: Path) -> None:
    hides = '@hides("Observation.status, Observation.code, Observation.subject")'
    policies = {"masked.cedar": f'{hides} permit (principal in Role::"masked", action, resource);'}
    store = ENGINES["memory"](tmp_path, system_clock)
    async with open_house(store, policies=policies) as house:
        await fill(house)
        async with house.client_of(MASKED) as http:
            for url in (
                "Observation/o", "Observation/o?_format=xml", "Observation?_include=*",
                "Observation/o/_history", "Patient/p/$everything", "Observation?_summary=true",
                "$graphql?query={Observation(id:o){id note{text}}}", "Observation/o/$diff",
            ):  # fmt: skip
                answer = await http.get(url)
                assert answer.status_code == 200, (url, answer.text)
                assert "8302-2" not in answer.text
                assert "final" not in answer.text
    await store.close()


@pytest.mark.parametrize("handling", ["lenient", "strict"])
@pytest.mark.parametrize(
    "url",
    [
        "Patient?phone=x", "Observation?subject=Patient/p", "Observation?patient=Patient/p",
        "Observation?_sort=value-string", "Observation?_include=Observation:subject",
        "Patient?_revinclude=Observation:subject", "Patient?_filter=phone eq x",
        "Observation?focus:Patient.phone=x", "Observation?focus.phone=x",
        "Patient?phone:missing=true", "Patient?_text=x", "Patient?_content=x",
        "Patient?_has:Observation:subject:code=x",
    ],
)  # fmt: skip
async def test_a_hidden_criterion_is_not_left_out(guarded: House, url: str, handling: str) -> None:
    """A chart of one patient must not fill with the records of all."""
    async with guarded.client_of(MASKED) as http:
        answer = await http.get(url, headers={"prefer": f"handling={handling}"})
        assert answer.status_code == 403, answer.text


FORBIDDEN = {
    "masked.cedar": """
        @hides("Patient.gender, Patient.telecom")
        permit (principal in Role::"masked", action, resource);
        forbid (principal in Role::"masked", action, resource is Patient)
        when { resource.matches.contains("gender=female") };""",
}


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
async def test_rights_are_judged_by_what_is_stored(engine: str, tmp_path: Path) -> None:
    """Not by what is left under the mask: there, nobody is female."""
    store = ENGINES[engine](tmp_path, system_clock)
    async with open_house(store, policies=FORBIDDEN) as house:
        await house.put(marked_patient("p"))
        await house.put(patient("q", gender="male", birthDate="2020-01-01"))
        at = (await house.door.prepare_export(MASKED, c.PrepareExport(("Patient",)))).at
        await house.put({**marked_patient("p"), "gender": "male"})
        await house.put(patient("q", gender="male"))
        page = await house.door.export(MASKED, c.Export("Patient", at))
        assert {version.id for version in page.versions} == {"q"}
        asked = c.Disclose("Subscription/s", (("Patient", "p", 1), ("Patient", "p", 2)))
        hidden, told = await house.door.disclose(MASKED, asked)
        assert hidden is None
        assert told
        assert b"Mkfamily" in whole(told)
        assert b"mkphone" not in whole(told)
        assert "gender" not in json.loads(whole(told))
        async with house.client_of(MASKED) as http:
            patch = b'[{"op":"replace","path":"/birthDate","value":"2020-01-02"}]'
            kind = {"content-type": "application/json-patch+json"}
            await house.put(marked_patient("p"))
            assert (await http.patch("Patient/p", content=patch, headers=kind)).status_code == 404
    await store.close()
