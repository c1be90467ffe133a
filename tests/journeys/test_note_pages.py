"""The pages of notes without a browser: forms with scripts off, parts for the script, hostile text,
refusals at the field, who sees what."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.fresh import require_fresh
from careplane.access.smart.tokens import Tokens
from careplane.kernel.clock import system_clock
from careplane.rest.addressing import Addressing
from careplane.storage.engines.memory import MemoryState
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.fhir_house import patient
from tests.laws.test_signatures import verify
from tests.note_house import (
    ADA,
    DESK,
    DOCTOR,
    NURSE,
    OTHER,
    SIGNER,
    SOAP,
    TRAINEE,
    Ward,
    notes_of,
    open_ward,
)  # fmt: skip
from tests.people_house import ORIGIN, open_hospital
from tests.visit_house import DOCTOR as HOST
from tests.visit_house import PATIENT, open_clinic

pytestmark = pytest.mark.anyio
P = "/patients/p"
EVIL = "</textarea></p><script>alert(1)</script><img src=x onerror=alert(1)>\"' {{7*7}}"


@pytest.fixture
async def ward() -> AsyncIterator[Ward]:
    async with open_ward() as ward:
        yield ward


@asynccontextmanager
async def browser(
    ward: Ward, caller: Caller = DOCTOR, **more: Any
) -> AsyncIterator[httpx.AsyncClient]:
    web = Web(ward.house.door, ward.house.tokens, notes=ward.notes, **more)
    transport = httpx.ASGITransport(application(web))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        token = ward.house.tokens.issue(caller, 3600)
        http.cookies.set("careplane", token, domain="testserver.local")
        http.headers["origin"] = "http://testserver"
        yield http


def version(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found
    return found[1]


async def test_a_note_is_written_with_scripts_off(ward: Ward) -> None:
    async with browser(ward) as http:
        listed = (await http.get(f"{P}/documents")).text
        assert "SOAP note" in listed
        begun = await http.post(f"{P}/notes", data={"template": "soap"})
        at = begun.headers["location"]
        assert at.startswith(f"{P}?workspace=note/")
        page = (await http.get(at)).text
        assert "No vital signs recorded." in page
        assert "No problems." in page
        id = at.rpartition("/")[2]
        for tab in ("problems", "results"):
            assert f'href="{P}/{tab}?workspace=note/{id}"' in page
        shown = await http.post(
            f"{P}/notes/{id}",
            data={"version": version(page), "title": "Visit", **SOAP, "do": "show",
                  "tab": "problems"},
        )  # fmt: skip
        assert shown.headers["location"] == f"{P}/problems?workspace=note/{id}"
        page = (await http.get(shown.headers["location"])).text
        assert "Lungs clear." in page
        assert "<h1>Problems</h1>" in page
        sent = {"version": version(page), "title": "Visit", **SOAP, "do": "sign"}
        signed = await http.post(f"{P}/notes/{id}", data=sent)
        assert signed.headers["location"] == f"{P}/notes/{id}?signed=1"
        page = (await http.get(signed.headers["location"])).text
        assert "Signature holds." in page
        assert "textarea" not in page
        assert (await http.get(at)).text.count("textarea") == 0
        again = await http.post(f"{P}/notes/{id}", data=sent)
        assert again.status_code == 409
        added = await http.post(f"{P}/notes/{id}/addendum")
        more = added.headers["location"]
        new = more.rpartition("/")[2]
        sent = {"version": "1", "title": "Addendum", "n0": "More.", "do": "sign"}
        await http.post(f"{P}/notes/{new}", data=sent)
        page = (await http.get(f"{P}/notes/{id}")).text
        assert page.count("Signature holds.") == 2
        assert "Amended: read the addenda below." in page
        assert "More." in page


async def test_what_is_typed_stays_text(ward: Ward) -> None:
    texts = dict.fromkeys(SOAP, EVIL)
    id = await ward.written(texts)
    tree = await ward.read(id)
    await ward.notes.save(DOCTOR, tree, 2, EVIL, texts)
    async with browser(ward) as http:
        pages = [
            (await http.get(path)).text for path in (f"{P}?workspace=note/{id}", f"{P}/documents")
        ]
        kept = re.findall(r"<textarea[^>]*>([^<]*)</textarea>", pages[0])
        await ward.notes.sign(DOCTOR, id, 3)
        pages.append((await http.get(f"{P}/notes/{id}")).text)
        await ward.notes.withdraw(DOCTOR, id, 4, EVIL)
        pages.append((await http.get(f"{P}/notes/{id}")).text)
        pages.append((await http.get(f"/records/Composition/{id}")).text)
    assert len(kept) == 4
    assert all("&lt;script&gt;alert(1)" in text for text in kept)
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in re.findall(r"\{\{.*?\}\}", page)


async def test_titles_of_sections_and_templates_stay_text(ward: Ward) -> None:
    await ward.house.put({
        "resourceType": "Questionnaire", "id": "evil", "status": "active", "title": EVIL,
        "code": [{"system": "http://loinc.org", "code": "11506-3", "display": EVIL}],
        "useContext": [{
            "code": {"code": "workflow"},
            "valueCodeableConcept": {"coding": [{
                "system": "https://github.com/careplane/careplane/CodeSystem/use",
                "code": "note-template"}]},
        }],
        "item": [{"linkId": "1", "type": "text", "text": EVIL, "initial": [{"valueString": EVIL}]}],
    })  # fmt: skip
    async with browser(ward) as http:
        listed = (await http.get(f"{P}/documents")).text
        begun = await http.post(f"{P}/notes", data={"template": "Questionnaire/evil"})
        page = (await http.get(begun.headers["location"])).text
    for text in (listed, page):
        assert "&lt;script&gt;alert" in text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


async def test_a_narrative_of_others_never_runs(ward: Ward) -> None:
    await ward.house.put({
        "resourceType": "Composition", "id": "x", "status": "final", "title": EVIL,
        "type": {"text": "x"}, "date": "2026-01-01", "author": [{"display": EVIL}],
        "subject": {"reference": "Patient/p"},
        "section": [{"title": EVIL, "text": {"status": "generated", "div": (
            '<div xmlns="http://www.w3.org/1999/xhtml"><p>a <b>bold</b> &lt;script&gt;x</p></div>'
        )}}],
    })  # fmt: skip
    async with browser(ward) as http:
        page = (await http.get(f"{P}/notes/x")).text
    assert "a bold &lt;script&gt;x" in page
    assert "<script>alert" not in page
    assert "Not written here." in page
    assert "Signature holds" not in page


async def test_the_script_gets_parts(ward: Ward) -> None:
    id = await ward.draft()
    async with browser(ward) as http:
        sent = {"version": "1", "title": "Visit", "61150-9": "Coughs.", "part": "state"}
        part = await http.post(f"{P}/notes/{id}", data=sent)
        assert (part.status_code, version(part.text)) == (200, "2")
        assert "<textarea" not in part.text
        stale = await http.post(f"{P}/notes/{id}", data=sent | {"61150-9": "Other."})
        assert (stale.status_code, version(stale.text)) == (409, "1")
        assert "another window" in stale.text
        form = await http.post(f"{P}/notes/{id}", data=sent | {"version": "2", "part": "form"})
        assert "<note-draft data-inside" in form.text
        assert "<html" not in form.text
        done = await http.post(
            f"{P}/notes/{id}", data=sent | {"version": "2", "part": "form", "do": "sign"}
        )
        assert "The note is signed." in done.text
    assert await ward.verdict(id) == "holds"


async def test_what_was_typed_is_kept_when_it_cannot_be_saved(ward: Ward) -> None:
    id = await ward.written()
    async with browser(ward) as http:
        sent = {"version": "1", "title": "Visit", "61150-9": "typed <here>"}
        page = await http.post(f"{P}/notes/{id}", data=sent)
        assert page.status_code == 409
        assert "typed &lt;here&gt;" in page.text
        assert version(page.text) == "2", "who has been told may store it"
        assert 'href="#note-title"' in page.text
        page = await http.post(f"{P}/notes/{id}", data=sent | {"version": "2", "title": " "})
        assert page.status_code == 400
        assert "typed &lt;here&gt;" in page.text
    assert "Coughs." in json.dumps(await ward.read(id))


async def test_a_supervisor_cosigns(ward: Ward) -> None:
    id = await ward.signed(by=NURSE)
    async with browser(ward, NURSE) as http:
        assert "Co-sign" not in (await http.get(f"{P}/notes/{id}")).text
    async with browser(ward) as http:
        assert ">Co-sign<" in (await http.get(f"{P}/notes/{id}")).text
        done = await http.post(f"{P}/notes/{id}/cosign", data={"do": "sign"})
        page = (await http.get(done.headers["location"])).text
        assert "Co-signed" in page
        assert "by Dr. &lt;b&gt;D&lt;/b&gt; on" in page
        assert ">Co-sign<" not in page
        assert (await http.post(f"{P}/notes/{id}/cosign", data={"do": "sign"})).status_code == 409
    async with browser(ward, ADA) as http:
        assert "Co-signed" in (await http.get(f"{P}/notes/{id}")).text


async def test_a_trainee_asks_and_a_note_comes_back(ward: Ward) -> None:
    id = await ward.written(by=TRAINEE)
    sent = {"version": "2", "title": "Visit", **SOAP, "do": "sign"}
    at = f"{P}/notes/{id}"
    async with browser(ward, TRAINEE) as http:
        page = await http.post(at, data=sent)
        assert page.status_code == 400
        assert 'id="cosigner-wrong"' in page.text
        assert "What you sign needs a co-signature" in page.text
        signed = await http.post(at, data=sent | {"cosigner": DOCTOR.id})
        page = await http.get(signed.headers["location"])
        assert "Co-signature pending." in page.text
        assert f"Asked of {html.escape(DOCTOR.name)}" in page.text
        assert ">Co-sign<" not in page.text
    async with browser(ward) as http:
        home = (await http.get("/")).text
        assert f'href="{at}"' in home
        assert "Co-signature asked for" in home
        listed = (await http.get(f"{P}/documents")).text
        assert f"Waits for a co-signature: {html.escape(DOCTOR.name)}" in listed
        page = (await http.get(at)).text
        assert "Tia asks you to co-sign" in page
        again = await http.post(f"{at}/cosign", data={"do": "refuse", "reason": " "})
        assert again.status_code == 400
        assert 'id="cosign-reason-wrong"' in again.text
        await http.post(f"{at}/cosign", data={"do": "refuse", "reason": EVIL})
        assert "asks you to co-sign" not in (await http.get(at)).text
    async with browser(ward, TRAINEE) as http:
        assert "Note sent back" in (await http.get("/")).text
        page = (await http.get(at)).text
        assert "Sent back without a co-signature." in page
        assert "<script>alert" not in page
        none = await http.post(f"{at}/cosign", data={"do": "ask", "cosigner": ""})
        assert none.status_code == 400
        await http.post(f"{at}/cosign", data={"do": "ask", "cosigner": OTHER.id, "words": EVIL})
        page = (await http.get(at)).text
        assert "Asked of Dr. O" in page
        assert "<script>alert" not in page
        twice = await http.post(f"{at}/cosign", data={"do": "ask", "cosigner": OTHER.id})
        assert twice.status_code == 409
    async with browser(ward, ADA) as http:
        assert "Waits for a co-signature" not in (await http.get(f"{P}/documents")).text
    async with browser(ward, OTHER) as http:
        await http.post(f"{at}/cosign", data={"do": "sign"})
        page = (await http.get(at)).text
        assert "by Dr. O on" in page
        assert "Co-signature pending." not in page
    async with browser(ward, ADA) as http:
        assert "Waits for a co-signature" not in (await http.get(f"{P}/documents")).text
        page = (await http.get(at)).text
        assert "Co-signed" in page
        assert "Sent back" not in page, "what colleagues say to each other"


async def test_a_draft_is_thrown_away(ward: Ward) -> None:
    id = await ward.written()
    async with browser(ward) as http:
        gone = await http.post(f"{P}/notes/{id}", data={"version": "2", "do": "discard"})
        assert gone.headers["location"] == f"{P}/documents"
        assert (await http.get(f"{P}/notes/{id}")).status_code == 410
        assert (await http.get(f"{P}?workspace=note/{id}")).status_code == 200


async def test_others_see_that_it_is_a_draft(ward: Ward) -> None:
    id = await ward.written()
    async with browser(ward, OTHER) as http:
        page = (await http.get(f"{P}/notes/{id}")).text
        assert "not signed: it may still change" in page
        assert "Write an addendum" not in page
        assert "textarea" not in (await http.get(f"{P}?workspace=note/{id}")).text
        sent = {"version": "2", "title": "x", "do": "sign"}
        assert (await http.post(f"{P}/notes/{id}", data=sent)).status_code == 403
    async with browser(ward, ADA) as http:
        listed = (await http.get(f"{P}/documents")).text
        assert "Write a note" not in listed
        assert f"notes/{id}" not in listed
        assert (await http.get(f"{P}/notes/{id}")).status_code == 404
    async with browser(ward, DESK) as http:
        assert (await http.get(f"{P}/notes/{id}")).status_code == 403
    async with browser(ward, NURSE) as http:
        assert "Begin a note" in (await http.get(f"{P}/documents")).text
        other = await ward.signed(by=NURSE)
        assert (await http.get(f"/patients/q/notes/{other}")).status_code == 404


async def test_signing_asks_for_a_fresh_proof_and_keeps_the_draft(ward: Ward) -> None:
    ward.notes = replace(ward.notes, fresh=lambda caller: require_fresh(caller, system_clock))
    id = await ward.written()
    async with browser(ward) as http:
        sent = {"version": "2", "title": "Visit", "61150-9": "New words.", "do": "sign"}
        answer = await http.post(f"{P}/notes/{id}", data=sent)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/confirm?next=")
        part = await http.post(f"{P}/notes/{id}", data=sent | {"version": "3", "part": "form"})
        assert part.status_code == 403
        assert "prove in another window" in part.text
        assert version(part.text) == "3"
    assert "New words." in json.dumps(await ward.read(id))
    assert (await ward.read(id))["status"] == "preliminary"


async def test_a_signature_is_verified_elsewhere(ward: Ward) -> None:
    id = await ward.signed()
    async with browser(ward) as http:
        given = (await http.get(f"{P}/notes/{id}/signature")).json()
        assert verify(given["payload"], given["jws"], given["jwk"])["sub"] == DOCTOR.id
        assert (await http.get(f"{P}/notes/{await ward.draft()}/signature")).status_code == 404
    assert given["jwk"] == SIGNER.jwk(DOCTOR.tenant)


async def test_the_note_beside_a_video() -> None:
    async with open_clinic(MemoryState()) as clinic:
        await clinic.book()
        ward = Ward(clinic.house, notes_of(clinic.house))
        async with browser(ward, HOST, visits=clinic.visits) as http:
            page = (await http.get("/visits/a")).text
            assert "Note of this visit" in page
            early = await http.post("/visits/a/note", data={"template": "soap", "part": "form"})
            assert early.status_code == 409
            assert "has not come yet" in early.text
            assert (await http.post("/visits/a/note", data={"template": "soap"})).status_code == 409
            await clinic.together()
            part = await http.post("/visits/a/note", data={"template": "soap", "part": "form"})
            assert "<note-draft data-inside" in part.text
            (tree,) = await clinic.of("Composition")
            (encounter,) = await clinic.of("Encounter")
            assert tree["encounter"] == {"reference": f"Encounter/{encounter['id']}"}
            assert f'action="/patients/p/notes/{tree["id"]}"' in (await http.get("/visits/a")).text
        async with browser(ward, PATIENT, visits=clinic.visits) as http:
            assert "Note of this visit" not in (await http.get("/visits/a")).text
            assert (await http.post("/visits/a/note", data={})).status_code == 403


async def test_a_note_belongs_to_an_encounter_of_its_patient(ward: Ward) -> None:
    for id, of in (("mine", "p"), ("theirs", "q")):
        await ward.house.put({
            "resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": "AMB"},
            "subject": {"reference": f"Patient/{of}"},
        })  # fmt: skip
    async with browser(ward) as http:

        async def begun(encounter: str) -> int:
            sent = {"template": "phone", "encounter": encounter}
            return (await http.post(f"{P}/notes", data=sent)).status_code

        assert [await begun(f"Encounter/{id}") for id in ("mine", "theirs", "none")] == [
            303, 400, 404,
        ]  # fmt: skip
        assert await begun("Patient/p") == 400


async def test_who_signs_proves_anew_who_it_is() -> None:
    async with open_hospital() as there:
        clock, house = there.clock, there.house
        await house.put(patient("p", name=[{"family": "Quinn"}]))
        notes = notes_of(house, partial(require_fresh, clock=clock))
        there.pages = application(
            Web(house.door, Tokens(bytes(32), clock), (), clock, True, people=there.people,
                addressing=Addressing(ORIGIN), notes=notes)
        )  # fmt: skip
        doctor = await there.with_password("doctor", "Practitioner/d", "physician")
        mine = there.browser()
        await mine.by_password(doctor)
        begun = await mine.post(f"{P}/notes", {"template": "phone"})
        at = begun.headers["location"]
        id = at.rpartition("/")[2]
        clock.now += 400_000_000
        sent = {"version": "1", "title": "Call", "61150-9": "Well.", "do": "sign"}
        asked = await mine.post(f"{P}/notes/{id}", sent)
        assert unquote(asked.headers["location"]) == f"/confirm?next={at}"
        proven = {"password": doctor.password, "code": doctor.code(clock), "next": at}
        back = await mine.post("/confirm", proven)
        assert back.headers["location"] == at
        page = (await mine.get(at)).text
        assert "Well." in page
        await mine.post(
            f"{P}/notes/{id}", {"version": version(page), "title": "Call", "do": "sign"}
        )
        assert "Signature holds." in (await mine.get(f"{P}/notes/{id}")).text
