"""Notes over each engine: drafts are their author's, what is signed stays, by whatever way it is
tried."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from careplane.access.caller import Caller
from careplane.access.fresh import require_fresh
from careplane.care.notes.cosignature import Unnamed
from careplane.care.notes.notes import Notes
from careplane.care.notes.signing import VERIFICATION, provenance
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, NotFound, Precondition, Unproven
from tests.contracts.engines import ENGINES
from tests.fhir_house import bundle, entry
from tests.note_house import ADA, DESK, DOCTOR, NURSE, OTHER, SOAP, TRAINEE, Ward, open_ward

pytestmark = pytest.mark.anyio


@pytest.fixture(params=ENGINES)
async def ward(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ward]:
    store = ENGINES[request.param](tmp_path, system_clock)
    try:
        async with open_ward(store) as ward:
            yield ward
    finally:
        await store.close()


@pytest.fixture
async def one() -> AsyncIterator[Ward]:
    """Over one engine, for what hangs on none."""
    async with open_ward() as ward:
        yield ward


def changed(tree: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**tree, **more}


WAYS = {
    "PUT": lambda t: ("PUT", f"Composition/{t['id']}", changed(t, title="other")),
    "PUT of a text": lambda t: (
        "PUT", f"Composition/{t['id']}",
        changed(t, section=[{**t["section"][0], "title": "x"}, *t["section"][1:]])),
    "PUT back to a draft": lambda t: (
        "PUT", f"Composition/{t['id']}", changed(t, status="preliminary")),
    "PUT without the mark": lambda t: (
        "PUT", f"Composition/{t['id']}", {k: v for k, v in t.items() if k != "extension"}),
    "conditional PUT": lambda t: (
        "PUT", f"Composition?_id={t['id']}", changed(t, status="entered-in-error")),
    "PATCH": lambda t: (
        "PATCH", f"Composition/{t['id']}", [{"op": "replace", "path": "/title", "value": "o"}]),
    "DELETE": lambda t: ("DELETE", f"Composition/{t['id']}", None),
    "conditional DELETE": lambda t: ("DELETE", f"Composition?_id={t['id']}", None),
}  # fmt: skip
"""Ways to change a signed note."""


@pytest.mark.parametrize("way", ["alone", "transaction", "batch"])
async def test_a_signed_note_stays_by_every_way(ward: Ward, way: str) -> None:
    id = await ward.signed()
    before = await ward.read(id)
    for name, make in WAYS.items():
        method, path, body = make(before)
        if way == "alone":
            kind = "application/json-patch+json" if method == "PATCH" else "application/fhir+json"
            content = None if body is None else json.dumps(body)
            answer = await ward.house.http.request(
                method, path, content=content, headers={"content-type": kind}
            )
            status, text = answer.status_code, answer.text
        else:
            if method == "PATCH":
                continue
            sent = bundle(way, entry(method, path, body))
            answer = await ward.house.http.post("", content=sent)
            text = answer.text
            status = answer.status_code
            if way == "batch":
                status = int(answer.json()["entry"][0]["response"]["status"][:3])
        assert status == 409, (name, text)
        assert "signed" in text
    assert await ward.read(id) == before
    assert await ward.verdict(id) == "holds"


async def test_labels_and_tags_come_to_a_signed_note(ward: Ward) -> None:
    id = await ward.signed()
    meta = {"resourceType": "Parameters", "parameter": [
        {"name": "meta", "valueMeta": {"tag": [{"system": "urn:x", "code": "seen"}]}}]}  # fmt: skip
    answer = await ward.house.http.post(f"Composition/{id}/$meta-add", json=meta)
    assert answer.status_code == 200, answer.text
    assert (await ward.read(id))["meta"]["versionId"] == "4"
    assert await ward.verdict(id) == "holds"


async def test_a_signature_stays_too(ward: Ward) -> None:
    id = await ward.signed()
    found = (await ward.house.http.get(f"Provenance?target=Composition/{id}")).json()["entry"]
    (signature,) = [one["resource"] for one in found]
    at = f"Provenance/{signature['id']}"
    assert (await ward.house.http.delete(at)).status_code == 409
    put = await ward.house.http.put(at, json=changed(signature, recorded="2020-01-01T00:00:00Z"))
    assert put.status_code == 409
    assert await ward.verdict(id) == "holds"


async def test_an_addendum_amends_and_changes_no_word(ward: Ward) -> None:
    id = await ward.signed()
    before = await ward.read(id)
    added = await ward.notes.append(OTHER, id)
    tree = await ward.read(added)
    assert tree["relatesTo"] == [
        {"code": "appends", "targetReference": {"reference": f"Composition/{id}"}}
    ]
    assert (await ward.read(id))["status"] == "final"
    version = await ward.notes.save(OTHER, tree, 1, tree["title"], {"n0": "More."})
    await ward.notes.sign(OTHER, added, version)
    after = await ward.read(id)
    assert after["status"] == "amended"
    assert {**after, "status": "final", "meta": None} == {**before, "meta": None}
    assert [await ward.verdict(one) for one in (id, added)] == ["holds", "holds"]
    with pytest.raises(Conflict):
        await ward.notes.append(DOCTOR, await ward.draft())


async def test_who_wrote_it_takes_it_back(ward: Ward) -> None:
    id = await ward.signed()
    version = int((await ward.read(id))["meta"]["versionId"])
    with pytest.raises(Forbidden):
        await ward.notes.withdraw(OTHER, id, version, "not mine")
    with pytest.raises(Incorrect):
        await ward.notes.withdraw(DOCTOR, id, version, " ")
    with pytest.raises(Precondition):
        await ward.notes.withdraw(DOCTOR, id, version - 1, "x")
    await ward.notes.withdraw(DOCTOR, id, version, "Another patient")
    assert (await ward.read(id))["status"] == "entered-in-error"
    assert await ward.verdict(id) == "holds"
    with pytest.raises(Conflict):
        await ward.notes.withdraw(DOCTOR, id, version + 1, "x")
    with pytest.raises(Conflict):
        await ward.notes.append(DOCTOR, id)
    assert (await ward.house.http.delete(f"Composition/{id}")).status_code == 409


async def test_a_draft_is_its_authors(ward: Ward) -> None:
    id = await ward.written()
    tree = await ward.read(id)
    assert tree["status"] == "preliminary"
    with pytest.raises(Forbidden):
        await ward.notes.save(OTHER, tree, 2, "x", {})
    with pytest.raises(Forbidden):
        await ward.notes.sign(OTHER, id, 2)
    with pytest.raises(Forbidden):
        await ward.notes.discard(OTHER, id, 2)
    async with ward.house.client_of(OTHER) as other:
        put = await other.put(f"Composition/{id}", json=changed(tree, title="x"))
        assert put.status_code == 403
        assert (await other.delete(f"Composition/{id}")).status_code == 403
    async with ward.house.client_of(DOCTOR) as mine:
        for bad in (
            changed(tree, status="final"),
            {k: v for k, v in tree.items() if k != "extension"},
        ):
            assert (await mine.put(f"Composition/{id}", json=bad)).status_code == 409
        assert (
            await mine.put(f"Composition/{id}", json=changed(tree, title="x"))
        ).status_code == 200
        assert (await mine.delete(f"Composition/{id}")).status_code == 204


async def test_what_was_seen_is_what_is_saved_and_signed(ward: Ward) -> None:
    id = await ward.written()
    tree = await ward.read(id)
    for version in (1, 3):
        with pytest.raises(Precondition):
            await ward.notes.save(DOCTOR, tree, version, "x", SOAP)
        with pytest.raises(Precondition):
            await ward.notes.sign(DOCTOR, id, version)
    assert await ward.notes.save(DOCTOR, tree, 2, "Visit", SOAP) == 2, "nothing was changed"
    assert await ward.notes.save(DOCTOR, tree, 2, "Visit", {"18776-5": ""}) == 3
    assert [s["title"] for s in (await ward.read(id))["section"]] == [
        "Subjective", "Objective", "Assessment",
    ]  # fmt: skip


async def test_others_vouch_for_what_was_signed(ward: Ward) -> None:
    id = await ward.signed(by=NURSE)
    before = await ward.read(id)
    await ward.cosigning.cosign(DOCTOR, id)
    assert await ward.read(id) == before
    standing = await ward.notes.standing(OTHER, await ward.as_seen(OTHER, id))
    assert standing.signed
    assert (standing.verdict, standing.signed.who) == ("holds", NURSE.id)
    assert [one.who for one in standing.also] == [DOCTOR.id]
    for who in (DOCTOR, NURSE):
        with pytest.raises(Conflict):
            await ward.cosigning.cosign(who, id)
    with pytest.raises(Conflict):
        await ward.cosigning.cosign(OTHER, await ward.draft())
    with pytest.raises(Forbidden):
        await ward.cosigning.cosign(ADA, id)


async def open_tasks(ward: Ward, note: str, code: str) -> list[Any]:
    path = f"Task?focus=Composition/{note}&code=urn:careplane:task|{code}&_sort=_lastUpdated"
    return [one["resource"] for one in (await ward.house.http.get(path)).json().get("entry", [])]


async def test_a_trainee_names_who_cosigns(ward: Ward) -> None:
    id = await ward.written(by=TRAINEE)
    for cosigner, error in (
        ("", Unnamed), (TRAINEE.id, Incorrect), ("Patient/p", Incorrect),
        ("Practitioner/nobody", Incorrect),
    ):  # fmt: skip
        with pytest.raises(error):
            await ward.notes.sign(TRAINEE, id, 2, cosigner)
    assert (await ward.read(id))["status"] == "preliminary"
    await ward.notes.sign(TRAINEE, id, 2, DOCTOR.id)
    (task,) = await open_tasks(ward, id, "co-sign")
    assert (task["status"], task["owner"]["reference"]) == ("requested", DOCTOR.id)
    assert task["requester"]["reference"] == TRAINEE.id
    assert task["meta"]["security"][0]["code"] == "NOPAT", "patients do not see it"
    before = await ward.read(id)
    with pytest.raises(Forbidden):
        await ward.cosigning.cosign(replace(TRAINEE, id="Practitioner/u"), id)
    await ward.cosigning.cosign(DOCTOR, id)
    assert await ward.read(id) == before, "the note does not change"
    (task,) = await open_tasks(ward, id, "co-sign")
    signature = task["output"][0]["valueReference"]["reference"]
    said = await ward.read(signature.removeprefix("Provenance/"), "Provenance")
    assert task["status"] == "completed"
    assert said["target"][0] == {"reference": f"Composition/{id}/_history/3"}
    assert said["signature"][0]["type"][0]["code"] == VERIFICATION
    assert said["signature"][0]["who"]["reference"] == DOCTOR.id


async def test_a_note_is_sent_back_and_asked_again(ward: Ward) -> None:
    id = await ward.written(by=TRAINEE)
    await ward.notes.sign(TRAINEE, id, 2, DOCTOR.id)
    with pytest.raises(Incorrect):
        await ward.cosigning.refuse(DOCTOR, id, " ")
    with pytest.raises(Conflict):
        await ward.cosigning.refuse(OTHER, id, "not mine to say")
    await ward.cosigning.refuse(DOCTOR, id, "Say more of the lungs.")
    (task,) = await open_tasks(ward, id, "co-sign")
    assert (task["status"], task["statusReason"]["text"]) == ("rejected", "Say more of the lungs.")
    (back,) = await open_tasks(ward, id, "sent-back")
    assert (back["status"], back["owner"]["reference"]) == ("requested", TRAINEE.id)
    assert back["note"][0]["text"] == "Say more of the lungs."
    with pytest.raises(Forbidden):
        await ward.cosigning.ask(DOCTOR, id, OTHER.id)
    await ward.cosigning.ask(TRAINEE, id, OTHER.id, "See the addendum")
    with pytest.raises(Conflict):
        await ward.cosigning.ask(TRAINEE, id, OTHER.id)
    assert [one["status"] for one in await open_tasks(ward, id, "sent-back")] == ["completed"]
    await ward.cosigning.cosign(OTHER, id)
    states = [one["status"] for one in await open_tasks(ward, id, "co-sign")]
    assert sorted(states) == ["completed", "rejected"]
    with pytest.raises(Conflict):
        await ward.cosigning.ask(TRAINEE, id, OTHER.id)


async def test_nothing_is_cosigned_of_a_note_that_is_withdrawn(ward: Ward) -> None:
    id = await ward.written(by=TRAINEE)
    with pytest.raises(Conflict):
        await ward.cosigning.ask(TRAINEE, id, DOCTOR.id)
    await ward.notes.sign(TRAINEE, id, 2, DOCTOR.id)
    await ward.notes.withdraw(TRAINEE, id, 3, "Another patient")
    assert [one["status"] for one in await open_tasks(ward, id, "co-sign")] == ["cancelled"]
    for asked in (ward.cosigning.cosign(DOCTOR, id), ward.cosigning.ask(TRAINEE, id, OTHER.id)):
        with pytest.raises(Conflict):
            await asked


async def test_what_asks_for_a_cosignature_ends_by_it_alone(ward: Ward) -> None:
    id = await ward.written(by=TRAINEE)
    await ward.notes.sign(TRAINEE, id, 2, DOCTOR.id)
    (task,) = await open_tasks(ward, id, "co-sign")
    at = f"Task/{task['id']}"
    done = changed(task, status="completed")
    async with ward.house.client_of(TRAINEE) as http:
        assert (await http.put(at, json=done)).status_code == 409
        assert (await http.put(at, json=changed(task, code={"text": "x"}))).status_code == 409
        other = {k: v for k, v in task.items() if k not in ("id", "meta")}
        assert (await http.post("Task", json=other)).status_code == 409
        plain = {**other, "code": {"text": "To do"}}
        made = (await http.post("Task", json=plain)).json()
        assert (await http.put(f"Task/{made['id']}", json=changed(task, id=made["id"]))
                ).status_code == 409  # fmt: skip
    assert (await ward.house.http.delete(at)).status_code == 409
    patch = [{"op": "replace", "path": "/status", "value": "completed"}]
    kind = {"content-type": "application/json-patch+json"}
    answer = await ward.house.http.patch(at, content=json.dumps(patch), headers=kind)
    assert answer.status_code == 409
    assert (await ward.house.http.post("Task", json=other)).status_code == 201, "of a program"


async def test_a_signed_version_that_is_not_kept_is_told_by_what_stands(
    one: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await one.signed()
    added = await one.notes.append(OTHER, id)
    version = await one.notes.save(OTHER, await one.read(added), 1, "More", {"n0": "More."})
    await one.notes.sign(OTHER, added, version)

    async def gone(*_: object) -> None:
        raise NotFound("No such version.")

    monkeypatch.setattr(Notes, "signed_version", gone)
    assert await one.verdict(id) == "holds"
    other = {**await one.as_seen(DOCTOR, id), "title": "other"}
    assert (await one.notes.standing(DOCTOR, other)).verdict == "broken"


async def test_nobody_elses_signature_counts_as_the_authors(one: Ward) -> None:
    """A Composition that was brought, and a good signature over it by somebody else."""
    tree = await one.read(await one.signed())
    await one.house.put({**tree, "id": "brought"})
    brought = await one.read("brought")
    jws = one.notes.signer.sign(DOCTOR.tenant, brought, 1, OTHER.id, "2026-11-28T10:00:00.000Z")
    said = provenance("s", brought, 1, {"reference": OTHER.id}, "2026-11-28T10:00:00.000Z", jws)
    await one.house.put(said)
    assert await one.verdict("brought") == "missing"


async def test_of_many_signatures_at_once_one_is_made(ward: Ward) -> None:
    id = await ward.written()
    asked = (ward.notes.sign(DOCTOR, id, 2) for _ in range(10))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [one for one in answers if one is None] == [None]
    assert all(isinstance(one, Conflict) for one in answers if one is not None)
    found = (await ward.house.http.get(f"Provenance?target=Composition/{id}")).json()
    assert len(found["entry"]) == 1
    assert await ward.verdict(id) == "holds"


async def test_signing_asks_for_a_fresh_proof(one: Ward) -> None:
    notes = replace(one.notes, fresh=lambda caller: require_fresh(caller, system_clock))
    id = await one.written()
    with pytest.raises(Unproven):
        await notes.sign(DOCTOR, id, 2)
    assert (await one.read(id))["status"] == "preliminary"
    await notes.sign(replace(DOCTOR, proved=system_clock() // 1_000_000), id, 2)
    assert await one.verdict(id) == "holds"


async def test_an_empty_note_is_not_signed(one: Ward) -> None:
    id = await one.written({"61150-9": " \n ", "61149-1": "", "51848-0": ""})
    with pytest.raises(Incorrect):
        await one.notes.sign(DOCTOR, id, int((await one.read(id))["meta"]["versionId"]))


@pytest.mark.parametrize("bad", [("", SOAP), ("x" * 201, SOAP), ("x", {"61150-9": "x" * 20_001})])
async def test_bounds(one: Ward, bad: tuple[str, dict[str, str]]) -> None:
    id = await one.draft()
    with pytest.raises(Incorrect):
        await one.notes.save(DOCTOR, await one.read(id), 1, *bad)


@pytest.mark.parametrize(
    ("who", "may"), [(DOCTOR, True), (NURSE, True), (DESK, False), (ADA, False)]
)
async def test_who_writes_notes(one: Ward, who: Caller, may: bool) -> None:
    if may:
        assert await one.signed(by=who)
        return
    with pytest.raises(Forbidden):
        await one.draft(by=who)


async def test_programs_write_none(one: Ward) -> None:
    with pytest.raises(Forbidden):
        await one.draft(by=one.house.caller("system/*.cruds"))
    with pytest.raises(NotFound):
        await one.draft("nonsense")
    with pytest.raises(NotFound):
        await one.draft("Questionnaire/none")


async def test_the_patient_sees_that_it_holds(one: Ward) -> None:
    id = await one.signed()
    assert await one.verdict(id, ADA) == "holds"
    assert await one.verdict(id, NURSE) == "holds"


async def test_a_note_that_was_brought_final_has_no_signature(one: Ward) -> None:
    tree = await one.read(await one.signed())
    await one.house.put({**tree, "id": "brought"})
    assert await one.verdict("brought") == "missing"


async def test_other_documents_are_left_alone(one: Ward) -> None:
    other = {
        "resourceType": "Composition", "id": "x", "status": "final", "title": "From elsewhere",
        "type": {"text": "x"}, "date": "2026-01-01", "author": [{"display": "x"}],
        "subject": {"reference": "Patient/p"},
    }  # fmt: skip
    await one.house.put(other)
    await one.house.put({**other, "title": "Mended at home"})
    assert (await one.house.http.delete("Composition/x")).status_code == 204


async def test_a_template_of_the_institution(one: Ward) -> None:
    await one.house.put({
        "resourceType": "Questionnaire", "id": "own", "status": "active", "title": "Foot clinic",
        "code": [{"system": "http://loinc.org", "code": "11506-3"}],
        "useContext": [{
            "code": {"code": "workflow"},
            "valueCodeableConcept": {"coding": [{
                "system": "https://github.com/careplane/careplane/CodeSystem/use",
                "code": "note-template"}]},
        }],
        "item": [{"linkId": "1", "type": "text", "text": "Pulses",
                  "initial": [{"valueString": "left, right\n{allergies}"}]}],
    })  # fmt: skip
    offered = [one.title for one in await one.notes.offered(DOCTOR)]
    assert offered[-1] == "Foot clinic"
    assert len(offered) == 6
    tree = await one.read(await one.draft("Questionnaire/own"))
    assert "No allergies recorded." in tree["section"][0]["text"]["div"]
