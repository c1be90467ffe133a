"""International Patient Summaries: the rules of IPS 1.1 as a table, the published profiles by our
validator, what is withheld, and that hostile text stays text."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.fhir.codec import json as fhir_json
from careplane.fhir.validation import problems as problems_of
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Incorrect
from careplane.packages.adding import Adding
from careplane.packages.packages import Packages
from careplane.sharing.ips.document import BUNDLE, COMPOSITION
from careplane.storage.engines.memory import MemoryPackages, MemoryState
from tests.fhir_house import BASE, TENANT
from tests.npm import packed
from tests.sharing_house import AROUND, OTHER, PATIENT, RECORD, XSS, Sharing, open_sharing, opened

pytestmark = pytest.mark.anyio
Json = dict[str, Any]
PACKAGE = "hl7.fhir.uv.ips@2.0.0"
SHA512 = "4PWToJ9b1FgXsm9DIvHiU6HO9Z5m75jxk0e0MXOmhFlf2m2slk/d6RoiSYIChKJlvmtJ7GbRftt7PphlwmZcbQ=="
"""Of npm, which has 2.0.0 alone; its profiles of R4 ask for no less than those of 1.1."""
REQUIRED = ("11450-4", "48765-2", "10160-0")
RECOMMENDED = ("11369-6", "30954-2", "47519-4", "46264-8")
OPTIONAL = (
    "104605-1", "8716-3", "11348-0", "10162-6", "29762-2", "47420-5", "18776-5", "42348-3",
)  # fmt: skip
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture
async def sharing() -> AsyncIterator[Sharing]:
    async with open_sharing(MemoryState()) as opened:
        yield opened


async def bundle(sharing: Sharing, caller: Caller = PATIENT, **more: Any) -> Json:
    return await sharing.summaries.of(caller, "p", BASE, **more)


def resources(made: Json) -> list[Json]:
    return [entry["resource"] for entry in made["entry"]]


def sections(made: Json) -> dict[str, Json]:
    return {
        one["code"]["coding"][0]["code"]: one for one in made["entry"][0]["resource"]["section"]
    }


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [found for one in value.values() for found in references(one)]
    return [found for one in value for found in references(one)] if isinstance(value, list) else []


RULES: dict[str, Callable[[Json], bool]] = {
    "a document": lambda b: b["type"] == "document" and BUNDLE in b["meta"]["profile"],
    "identified": lambda b: b["identifier"]["value"].startswith("urn:uuid:"),
    "a timestamp": lambda b: re.fullmatch(r"\S+T\S+Z", b["timestamp"]) is not None,
    "one Composition, first": lambda b: (
        [r["resourceType"] for r in resources(b)].index("Composition") == 0
        and sum(r["resourceType"] == "Composition" for r in resources(b)) == 1
    ),
    "its profile": lambda b: COMPOSITION in resources(b)[0]["meta"]["profile"],
    "its type": lambda b: resources(b)[0]["type"]["coding"][0]["code"] == "60591-5",
    "one Patient": lambda b: sum(r["resourceType"] == "Patient" for r in resources(b)) == 1,
    "subject, date, author, title": lambda b: all(
        resources(b)[0].get(key) for key in ("subject", "date", "author", "title")
    ),
    "full addresses, each once": lambda b: (
        len({e["fullUrl"] for e in b["entry"]}) == len(b["entry"])
        and all(e["fullUrl"].startswith(f"{BASE}/") for e in b["entry"])
    ),
    "nothing of a search or a batch": lambda b: (
        not any(key in e for e in b["entry"] for key in ("search", "request", "response"))
    ),
    "required sections": lambda b: set(REQUIRED) <= sections(b).keys(),
    "recommended sections": lambda b: set(RECOMMENDED) <= sections(b).keys(),
    "each with a title and a narrative": lambda b: all(
        s["title"] and s["text"]["status"] == "generated" for s in sections(b).values()
    ),
    "entries, or why there are none": lambda b: all(
        ("entry" in s) != ("emptyReason" in s) for s in sections(b).values()
    ),
    "no sections in sections": lambda b: not any("section" in s for s in sections(b).values()),
    "all that is pointed at is inside": lambda b: (
        set(references(resources(b))) <= {e["fullUrl"].removeprefix(f"{BASE}/") for e in b["entry"]}
    ),
}


@pytest.mark.parametrize(("caller", "whose"), [(PATIENT, "p"), (OTHER, "q")])
async def test_each_rule_holds_for_a_full_and_for_an_empty_record(
    sharing: Sharing, caller: Caller, whose: str
) -> None:
    made = await sharing.summaries.of(caller, whose, BASE)
    assert [rule for rule, holds in RULES.items() if not holds(made)] == []
    assert all("emptyReason" in one for one in sections(made).values()) == (whose == "q")


async def test_what_the_record_has_stands_in_its_section(sharing: Sharing) -> None:
    made = await bundle(sharing)
    found = {
        code: [one["reference"] for one in section.get("entry", [])]
        for code, section in sections(made).items()
    }
    assert set(found) == {*REQUIRED, *RECOMMENDED, *OPTIONAL}
    use = next(r for r in resources(made) if r["resourceType"] == "DeviceUseStatement")
    assert use["device"] == {"reference": "Device/dev", "display": "Pacemaker"}
    assert found == {
        "11450-4": ["Condition/c"],
        "48765-2": ["AllergyIntolerance/a"],
        "10160-0": ["MedicationRequest/r"],
        "11369-6": ["Immunization/i"],
        "30954-2": ["Observation/l", "DiagnosticReport/dr"],
        "47519-4": ["Procedure/pr"],
        "46264-8": [f"DeviceUseStatement/{use['id']}"],
        "104605-1": ["Flag/f"],
        "8716-3": ["Observation/v"],
        "11348-0": ["Condition/past"],
        "10162-6": ["Observation/preg"],
        "29762-2": ["Observation/smoke"],
        "47420-5": ["ClinicalImpression/ci"],
        "18776-5": ["CarePlan/cp"],
        "42348-3": ["Consent/adr"],
    }
    inside = {f"{r['resourceType']}/{r['id']}": r for r in resources(made)}
    assert {"Medication/m", "Practitioner/d", "Organization/o", "Device/dev"} <= inside.keys()
    assert inside["Condition/c"]["encounter"] == {"display": "Encounter, not in this summary"}
    assert resources(made)[0]["custodian"]["reference"] == "Organization/o"
    assert "Metoprolol" in sections(made)["10160-0"]["text"]["div"]


@pytest.mark.parametrize(
    ("accept", "language", "title", "section", "row"),
    [
        ("", "es", "Resumen Internacional del Paciente", "Problemas", ["Qué", "Estado"]),
        (
            "fr, de-AT;q=0.8",
            "de",
            "Internationale Patientenkurzakte",
            "Probleme",
            ["Was", "Status"],
        ),
        ("ar", "ar", "الملخص الدولي للمريض", "المشكلات الصحية", []),
        ("en-GB", "en", "International Patient Summary", "Problems", ["What", "Status"]),
    ],
)
async def test_it_speaks_the_language_that_is_asked_for_else_the_patients(
    sharing: Sharing, accept: str, language: str, title: str, section: str, row: list[str]
) -> None:
    spoken = [{"language": {"coding": [{"code": "es-CO"}]}}]
    await sharing.house.put(
        {**next(one for one in AROUND if one["id"] == "p"), "communication": spoken}
    )
    answer = await sharing.house.http.get(
        "Patient/p/$summary", headers={"accept-language": accept} if accept else {}
    )
    made = fhir_json.parse(answer.content)
    whole = resources(made)[0]
    assert (made["language"], whole["language"], whole["title"]) == (language, language, title)
    problems = sections(made)["11450-4"]
    assert problems["title"] == section
    div = etree.fromstring(problems["text"]["div"])
    assert div.get("lang") == language
    assert div.get("dir") == ("rtl" if language == "ar" else "ltr")
    heads = [one.text for one in div.iter(XHTML + "th")]
    assert heads[: len(row)] == row
    assert whole["text"]["div"].count("\ufffd") == 1  # of the name, which is hostile
    assert [rule for rule, holds in RULES.items() if not holds(made)] == []
    assert not [one for one in problems_of(made) if one.severity in ("error", "fatal")]


@pytest.mark.parametrize(
    ("chosen", "language"), [("", "es"), ("de", "de"), ("ar", "ar"), ("en", "en")]
)
async def test_a_link_gives_it_in_the_language_that_was_chosen_whoever_opens_it(
    sharing: Sharing, chosen: str, language: str
) -> None:
    spoken = [{"language": {"coding": [{"code": "es"}]}}]
    await sharing.house.put(
        {**next(one for one in AROUND if one["id"] == "p"), "communication": spoken}
    )
    link = await sharing.make(language=chosen)
    sharing.web.headers["accept-language"] = "fr, de;q=0.5"
    made = opened((await sharing.ask(link)).json()["files"][0]["embedded"], link.key)[1]
    assert made["language"] == language
    with pytest.raises(Incorrect):
        await sharing.make(language="tlh")


async def test_hostile_texts_stay_texts_in_narratives(sharing: Sharing) -> None:
    made = await bundle(sharing)
    divs = [made["entry"][0]["resource"]["text"]["div"]]
    divs += [section["text"]["div"] for section in sections(made).values()]
    allowed = {XHTML + name for name in ("div", "p", "table", "thead", "tbody", "tr", "th", "td")}
    for div in divs:
        assert {one.tag for one in etree.fromstring(div).iter()} <= allowed
    row = etree.fromstring(sections(made)["11450-4"]["text"]["div"])
    cell = "".join(row.find(f".//{XHTML}td").itertext())
    assert cell.startswith("<script>alert(1)</script>\"'&\N{REPLACEMENT CHARACTER}")
    assert XSS.startswith("<script>")


async def test_what_a_caller_may_not_see_is_left_out_and_said(sharing: Sharing) -> None:
    scopes = "patient/Patient.r patient/Condition.rs"
    partly = Caller(TENANT, "client/app", "App", parse_scopes(scopes), "p", frozenset({"patient"}))
    found = sections(await bundle(sharing, partly))
    assert [one["reference"] for one in found["11450-4"]["entry"]] == ["Condition/c"]
    for code in ("48765-2", "10160-0", "30954-2", "8716-3"):
        assert found[code]["emptyReason"]["coding"][0]["code"] == "withheld"
        assert "Not shared." in found[code]["text"]["div"]


async def test_only_chosen_sections_are_shared(sharing: Sharing) -> None:
    made = await bundle(sharing, chosen=frozenset({"allergies"}))
    found = sections(made)
    assert "entry" in found["48765-2"]
    assert all("entry" not in section for code, section in found.items() if code != "48765-2")
    types = {one["resourceType"] for one in resources(made)}
    assert types == {"Composition", "Patient", "Device", "AllergyIntolerance", "Organization"}


async def test_labels_of_what_is_inside_are_labels_of_the_document(sharing: Sharing) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    await sharing.house.put({**RECORD[0], "meta": {"security": [label]}})
    made = await bundle(sharing)
    assert label in made["meta"]["security"]
    assert resources(made)[0]["confidentiality"] == "R"


async def test_the_operation_is_found_by_id_and_by_identifier(sharing: Sharing) -> None:
    system = "http://hospital.test/mrn"
    person = (await sharing.house.http.get("Patient/p")).json()
    numbered = {**person, "identifier": [{"system": system, "value": "1"}]}
    await sharing.house.put(numbered)
    by_id = await sharing.house.http.get("Patient/p/$summary")
    by_number = await sharing.house.http.get(f"Patient/$summary?identifier={system}|1")
    for answer in (by_id, by_number):
        assert answer.status_code == 200
        assert "no-store" in answer.headers["cache-control"]
        assert answer.json()["entry"][1]["resource"]["id"] == "p"
    asked = {"resourceType": "Parameters",
             "parameter": [{"name": "profile", "valueCanonical": COMPOSITION}]}  # fmt: skip
    assert (await sharing.house.http.post("Patient/p/$summary", json=asked)).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Patient/nobody/$summary", 404),
        ("Patient/$summary?identifier=nothing", 404),
        ("Patient/$summary", 400),
        ("Patient/p/$summary?identifier=1", 400),
        ("Patient/p/$summary?profile=http://other", 501),
        ("Patient/p/$summary?nonsense=1", 400),
    ],
)
async def test_bad_calls_are_told_what_is_wrong(sharing: Sharing, path: str, status: int) -> None:
    answer = await sharing.house.http.get(path)
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.status_code == status


async def test_nobody_summarises_the_record_of_another(sharing: Sharing) -> None:
    answer = await sharing.house.client_of(OTHER).get("Patient/p/$summary")
    assert answer.status_code == 404


@pytest.mark.slow
async def test_the_published_profiles_find_nothing_wrong(tmp_path: Path) -> None:
    archive = packed(PACKAGE, SHA512, tmp_path)
    packages = MemoryPackages()
    await Adding(packages, Packages(packages, system_clock), system_clock).file(archive)
    async with open_sharing(MemoryState(), packages=packages) as sharing:
        for caller, whose in ((PATIENT, "p"), (OTHER, "q")):
            made = (await sharing.house.client_of(caller).get(f"Patient/{whose}/$summary")).content
            answer = await sharing.house.http.post(
                f"Bundle/$validate?profile={BUNDLE}", content=made
            )
            issues = answer.json()["issue"]
            assert [one for one in issues if one["severity"] in ("error", "fatal")] == []
        broken = made.replace(b"11450-4", b"11450-5")
        answer = await sharing.house.http.post(f"Bundle/$validate?profile={BUNDLE}", content=broken)
        assert any(one["severity"] == "error" for one in answer.json()["issue"])
