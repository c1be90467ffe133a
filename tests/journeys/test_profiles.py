"""Profiles over HTTP: `$validate`, writes under the policy of the institution, and what the
CapabilityStatement says of installed packages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from careplane.kernel.clock import system_clock
from careplane.packages.adding import Adding
from careplane.packages.packages import Packages
from careplane.records.profiles import shelf
from careplane.storage.engines.memory import MemoryPackages, MemoryStore
from tests.fhir_house import House, bundle, entry, observation, open_house, patient
from tests.mask_house import caller
from tests.package_house import manifest, packed, profile, value_set
from tests.support import test_data

pytestmark = pytest.mark.anyio
US = "http://hl7.org/fhir/us/core/StructureDefinition/"
US_PATIENT = f"{US}us-core-patient"
NAMED = "http://a.test/StructureDefinition/named"
OUTCOME = {"prefer": "return=OperationOutcome"}
GOOD = {
    "identifier": [{"system": "urn:a", "value": "1"}],
    "name": [{"family": "Okafor", "given": ["Ada"]}],
    "gender": "female",
}
NAMED_PROFILE = profile(
    "named",
    "Patient",
    differential={
        "element": [
            {"id": "Patient", "path": "Patient"},
            {"id": "Patient.name", "path": "Patient.name", "min": 1},
            {
                "id": "Patient.maritalStatus",
                "path": "Patient.maritalStatus",
                "binding": {"strength": "required", "valueSet": "http://a.test/ValueSet/status"},
            },
        ]
    },
)
STATUS = value_set(
    "status",
    compose={"include": [{"system": "http://a.test/status", "concept": [{"code": "M"}]}]},
)


class Installed:
    """Packages of a house, its policy, and its clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = MemoryPackages()
        self.policy = ""
        self._later = 0

    def clock(self) -> int:
        return system_clock() + self._later

    def wait(self) -> None:
        """Until what this process knows is looked at again."""
        self._later += 2_000_000

    async def add(self, path: Path) -> None:
        await Adding(self.store, Packages(self.store, self.clock), self.clock).file(path)
        self.wait()

    async def small(self) -> None:
        """A package with one profile and its value set."""
        await self.add(packed(self.folder, manifest("a.guide"), NAMED_PROFILE, STATUS))


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path)


@pytest.fixture
async def house(installed: Installed) -> AsyncIterator[House]:
    store = MemoryStore(installed.clock)
    async with open_house(
        store,
        packages=installed.store,
        profiles=lambda tenant: installed.policy,
        clock=installed.clock,
    ) as house:
        yield house
    await store.close()


def said(answer: httpx.Response, severity: str = "error") -> list[tuple[str, str]]:
    """Where and what, of one severity."""
    assert answer.json()["resourceType"] == "OperationOutcome", answer.text
    return [
        ((issue.get("expression") or [""])[0], issue["diagnostics"])
        for issue in answer.json()["issue"]
        if issue["severity"] == severity
    ]


def claiming(id: str, *profiles: str, **more: Any) -> dict[str, Any]:
    return patient(id, meta={"profile": list(profiles)}, **more)


async def test_validate_holds_a_resource_against_what_is_named_and_claimed(
    house: House, installed: Installed
) -> None:
    await installed.small()
    for address, sent in (
        (f"Patient/$validate?profile={NAMED}", patient("p")),
        (f"Patient/$validate?profile={NAMED}|7", patient("p", meta={"versionId": "1"})),
        ("Patient/$validate", claiming("p", NAMED)),
        ("Patient/p/$validate?mode=update", claiming("p", NAMED)),
        ("Patient/$validate?mode=create", claiming("p", NAMED)),
        ("$validate", claiming("p", NAMED)),
    ):
        answer = await house.http.post(address, json=sent)
        if address.endswith("|7"):
            ((_, text),) = said(answer)
            assert "is not known here" in text
            continue
        ((where, text),) = said(answer)
        assert (answer.status_code, where) == (200, "Patient.name"), answer.text
        assert "name" in text
        assert "http://a.test/StructureDefinition/named#Patient.name" in text
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "resource", "resource": patient("p")},
            {"name": "profile", "valueUri": NAMED},
        ],
    }
    answer = await house.http.post("Patient/$validate", json=parameters)
    assert len(said(answer)) == 1
    good = await house.http.post(f"Patient/$validate?profile={NAMED}", json=patient("p", **GOOD))
    assert said(good) == []


@pytest.mark.parametrize("sent", [b"", b"[]", b"{}", b'{"resourceType":"Nothing"}'])
async def test_validate_of_no_resource_is_said(house: House, sent: bytes) -> None:
    answer = await house.http.post("$validate", content=sent)
    assert answer.status_code in (400, 404)
    assert said(answer)


async def test_validate_of_a_stored_resource_and_of_what_it_refers_to(
    house: House, installed: Installed
) -> None:
    await installed.small()
    about = "http://a.test/StructureDefinition/about"
    targets = [{"code": "Reference", "targetProfile": [NAMED]}]
    element = [
        {"id": "Observation", "path": "Observation"},
        {"id": "Observation.subject", "path": "Observation.subject", "min": 1, "type": targets},
    ]
    await house.put(profile("about", version="1.0.0", differential={"element": element}))
    await house.put(patient("nameless"))
    await house.put(patient("named", **GOOD))
    await house.put(observation("o1", "named", code="718-7"))
    await house.put(observation("o2", "nameless", code="718-7"))
    first = await house.http.get(f"Observation/o1/$validate?profile={about}")
    second = await house.http.get(f"Observation/o2/$validate?profile={about}")
    assert said(first) == []
    assert [where for where, _ in said(second)] == ["Observation.subject"], second.text
    blind = house.client("system/Observation.rs")
    assert said(await blind.get(f"Observation/o2/$validate?profile={about}")) == []


async def test_an_institutions_own_profile_counts_as_soon_as_it_is_written(
    house: House, installed: Installed
) -> None:
    own = {**NAMED_PROFILE, "id": "own", "url": "http://own.test/own", "version": "2.0.0"}
    address = "Patient/$validate?profile=http://own.test/own"
    assert "not known here" in said(await house.http.post(address, json=patient("p")))[0][1]
    await house.put(own)
    installed.wait()
    assert [where for where, _ in said(await house.http.post(address, json=patient("p")))] == [
        "Patient.name"
    ]


@pytest.mark.parametrize("value", ["nonsense", "", "http://a.test/x" * 3])
async def test_a_profile_that_is_none_is_said(house: House, value: str) -> None:
    answer = await house.http.post(f"Patient/$validate?profile={value}", json=patient("p"))
    assert answer.status_code == 400 or len(said(answer)) == 1


async def test_what_is_claimed_and_unknown_is_not_held_for_ever(
    house: House, installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []
    fetch = shelf.Shelf.fetch

    async def counted(self: shelf.Shelf, missing: shelf.NotYet) -> None:
        fetched.append(missing.canonical)
        await fetch(self, missing)

    monkeypatch.setattr(shelf, "_MOST", 4)
    monkeypatch.setattr(shelf.Shelf, "fetch", counted)
    for n in range(12):
        claimed = claiming("p", f"http://a.test/unknown-{n % 2 * n}")
        answer = await house.http.post("Patient/$validate", json=claimed)
        assert "claimed is not known" in said(answer, "warning")[-1][1]
    assert 2 <= fetched.count("http://a.test/unknown-0") <= 4


async def test_codes_are_answered_from_what_is_installed(
    house: House, installed: Installed
) -> None:
    await installed.small()
    coded = {"coding": [{"system": "http://a.test/status", "code": "S"}]}
    answer = await house.http.post(
        f"Patient/$validate?profile={NAMED}", json=patient("p", **GOOD, maritalStatus=coded)
    )
    ((where, text),) = said(answer)
    assert where == "Patient.maritalStatus"
    assert "http://a.test/ValueSet/status" in text
    coded["coding"][0]["code"] = "M"
    answer = await house.http.post(
        f"Patient/$validate?profile={NAMED}", json=patient("p", **GOOD, maritalStatus=coded)
    )
    assert said(answer) == []


async def test_a_response_is_held_against_a_questionnaire_of_a_package(
    house: House, installed: Installed
) -> None:
    url = "http://a.test/Questionnaire/q"
    item = {"linkId": "1", "type": "string", "required": True}
    form = {"resourceType": "Questionnaire", "id": "q", "url": url, "status": "active",
            "item": [item]}  # fmt: skip
    await installed.add(packed(installed.folder, manifest("a.forms"), form))
    response: dict[str, Any] = {"resourceType": "QuestionnaireResponse", "questionnaire": url,
                                "status": "completed"}  # fmt: skip
    answer = await house.http.post("QuestionnaireResponse/$validate", json=response)
    assert len(said(answer)) == 1
    response["item"] = [{"linkId": "1", "answer": [{"valueString": "yes"}]}]
    answer = await house.http.post("QuestionnaireResponse/$validate", json=response)
    assert said(answer) == []
    installed.policy = "QuestionnaireResponse=enforce"
    assert (await house.http.post("QuestionnaireResponse", json=response)).status_code == 201
    del response["item"]
    refused = await house.http.post("QuestionnaireResponse", json=response)
    assert (refused.status_code, len(said(refused))) == (400, 1)
    own = {**form, "url": "http://own.test/q"}
    await house.put(own)
    installed.wait()
    response["questionnaire"] = own["url"]
    refused = await house.http.post("QuestionnaireResponse", json=response)
    assert (refused.status_code, len(said(refused))) == (400, 1)


async def test_nothing_is_asked_of_writes_where_no_policy_says_so(
    house: House, installed: Installed
) -> None:
    await installed.small()
    await house.put(claiming("p", NAMED))
    answer = await house.http.post("Patient", json=claiming("p", NAMED), headers=OUTCOME)
    assert (answer.status_code, len(answer.json()["issue"])) == (201, 1)


async def test_a_policy_that_warns_stores_and_says(house: House, installed: Installed) -> None:
    await installed.small()
    installed.policy = "*=warn"
    sent = claiming("p", NAMED)
    for answer in (
        await house.http.post("Patient", json=sent, headers=OUTCOME),
        await house.http.put("Patient/p", json=sent, headers=OUTCOME),
        await house.http.put("Patient/p", json=sent | {"active": True}, headers=OUTCOME),
    ):
        assert answer.status_code in (200, 201)
        assert [where for where, _ in said(answer)] == ["Patient.name"]
        assert len(said(answer, "information")) == 1
    again = await house.http.put("Patient/p", json=sent | {"active": True}, headers=OUTCOME)
    assert said(again) == []  # nothing was written
    answer = await house.http.post("Patient", json=sent)
    assert answer.json()["resourceType"] == "Patient"
    answer = await house.http.post(
        "", content=bundle("batch", entry("POST", "Patient", sent)), headers=OUTCOME
    )
    (done,) = answer.json()["entry"]
    assert done["response"]["status"].startswith("201")
    assert [i["severity"] for i in done["response"]["outcome"]["issue"]] == ["information", "error"]


async def test_a_policy_that_enforces_refuses_by_type(house: House, installed: Installed) -> None:
    await installed.small()
    installed.policy = f"Patient=enforce:{NAMED},Observation=off,*=warn"
    bad, good = patient("p"), patient("p", **GOOD)
    for answer in (
        await house.http.post("Patient", json=bad),
        await house.http.put("Patient/p", json=bad),
        await house.http.post("", content=bundle("transaction", entry("POST", "Patient", bad))),
    ):
        assert answer.status_code == 400
        ((where, text),) = said(answer)
        assert where.endswith("Patient.name") or where.startswith("Bundle.entry[0]"), where
        assert "named#Patient.name" in text
    assert await house.stored() == 0
    await house.put(good)
    patch = [{"op": "remove", "path": "/name"}]
    patched = await house.http.patch(
        "Patient/p", json=patch, headers={"content-type": "application/json-patch+json"}
    )
    assert patched.status_code == 400
    assert (await house.http.get("Patient/p")).json()["meta"]["versionId"] == "1"
    await house.put(observation("o", "p", code="718-7", meta={"profile": [NAMED]}))


async def test_what_others_may_not_write_is_refused_before_it_is_looked_at(
    house: House, installed: Installed
) -> None:
    await installed.small()
    installed.policy = f"Patient=enforce:{NAMED}"
    answer = await house.client("system/Patient.rs").post("Patient", json=patient("p"))
    assert answer.status_code == 403


async def test_us_core_is_declared_and_its_profiles_are_kept(
    house: House, installed: Installed
) -> None:
    before = (await house.http.get("metadata")).json()
    assert "implementationGuide" not in before
    await installed.add(test_data("us-core", "us_core_610.tgz"))
    installed.wait()
    statement = (await house.http.get("metadata")).json()
    guide = "http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core|6.1.0"
    assert statement["implementationGuide"] == [guide]
    supported = {
        one["type"]: one.get("supportedProfile", []) for one in statement["rest"][0]["resource"]
    }
    assert supported["Patient"] == [US_PATIENT]
    assert f"{US}us-core-blood-pressure" in supported["Observation"]
    assert supported["Account"] == []
    installed.policy = "*=enforce"
    answer = await house.http.put("Patient/p", json=claiming("p", US_PATIENT))
    assert answer.status_code == 400
    assert {where for where, _ in said(answer)} == {
        "Patient.gender", "Patient.identifier", "Patient.name",
    }  # fmt: skip
    await house.put(claiming("p", US_PATIENT, **GOOD))


def us_core_examples() -> list[dict[str, Any]]:
    import tarfile

    found = []
    with tarfile.open(test_data("us-core", "us_core_610.tgz")) as archive:
        for member in archive:
            if member.name.startswith("package/example/") and member.name.endswith(".json"):
                opened = archive.extractfile(member)
                resource = json.load(opened) if opened else {}
                if "resourceType" in resource and not member.name.endswith("/.index.json"):
                    found.append(resource)
    return found


async def test_examples_of_us_core_pass_where_it_is_enforced(
    house: House, installed: Installed
) -> None:
    await installed.add(test_data("us-core", "us_core_610.tgz"))
    installed.policy = "*=enforce"
    refused = {}
    examples = us_core_examples()
    for resource in examples:
        path = f"{resource['resourceType']}/{resource['id']}"
        answer = await house.http.put(path, json=resource)
        if answer.status_code >= 300:
            refused[path] = said(answer)
    assert len(examples) == 183
    assert refused == {}


MASK = """
@hides("Patient.name")
permit (principal in Role::"masked", action, resource is Patient);
"""


async def test_who_does_not_see_all_hears_of_no_place(installed: Installed) -> None:
    """The name that is missing is one that they may not know of."""
    await installed.small()
    store = MemoryStore(installed.clock)
    async with open_house(
        store,
        packages=installed.store,
        profiles=lambda tenant: installed.policy,
        clock=installed.clock,
        policies={"masked.cedar": MASK},
    ) as house:
        await house.put(patient("p"))
        installed.policy = f"Patient=enforce:{NAMED}"
        patch = [{"op": "add", "path": "/active", "value": True}]
        kind = {"content-type": "application/json-patch+json"}
        refused = await house.client_of(caller("masked")).patch(
            "Patient/p", json=patch, headers=kind
        )
        assert refused.status_code == 400
        assert said(refused) == [("", "The resource does not conform to its profiles.")]
    await store.close()
