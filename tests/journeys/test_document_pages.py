"""Documents by the pages, without a browser: put in, shown, handed out, marked as wrong; who may,
and what is refused."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.care.documents.documents import Documents
from careplane.kernel.clock import system_clock
from careplane.kernel.ids import new_id
from careplane.records.door import Door
from careplane.storage.engines.memory import MemoryStore
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.fhir_house import TENANT, House, open_house, patient
from tests.file_house import FILES, PDF, png
from tests.photo_house import JFIF, PLACE, SCAN, XMP, exif, jpeg, segment

pytestmark = pytest.mark.anyio
HERE = "/patients/p/documents"
EVIL = '"><img src=x onerror=alert(1)><script>x</script>'
DOCTOR = Caller(TENANT, "Practitioner/d", "Dr. <b>D</b>", parse_scopes("user/*.cruds"), None,
                frozenset({"physician"}))  # fmt: skip
NURSE = replace(DOCTOR, id="Practitioner/n", roles=frozenset({"nurse"}))
DESK = replace(DOCTOR, id="Practitioner/f", roles=frozenset({"front-desk"}))
ADA = Caller(TENANT, "Patient/p", "Ada", parse_scopes("patient/*.rs patient/Communication.c"), "p",
             frozenset({"patient"}))  # fmt: skip
BO = replace(ADA, id="Patient/q", name="Bo", patient="q")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(MemoryStore(system_clock)) as house:
        for id in ("p", "q"):
            await house.put(patient(id, name=[{"family": "Quinn"}]))
        await house.put({
            "resourceType": "Encounter", "id": "e", "status": "finished",
            "class": {"code": "AMB", "display": "ambulatory"},
            "subject": {"reference": "Patient/p"}, "period": {"start": "2026-11-01"},
        })  # fmt: skip
        yield house


@asynccontextmanager
async def browser(
    house: House, caller: Caller = DOCTOR, *, keeps: bool = False
) -> AsyncIterator[httpx.AsyncClient]:
    documents = Documents(house.door, system_clock, new_id, 5000, keeps)
    web = Web(house.door, house.tokens, documents=documents)
    transport = httpx.ASGITransport(application(web))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        http.cookies.set("careplane", house.tokens.issue(caller, 3600), domain="testserver.local")
        http.headers["origin"] = "http://testserver"
        yield http


async def put(http: httpx.AsyncClient, name: str, media: str, data: bytes, **more: str) -> str:
    """The page of what was put in."""
    sent = {"kind": "letter", **more}
    answer = await http.post(HERE, data=sent, files={"file": (name, data, media)})
    assert answer.status_code == 303, wrong(answer)
    return answer.headers["location"].partition("?")[0]


def wrong(answer: httpx.Response) -> list[str]:
    return re.findall(r'class="wrong" id="([a-z]+)-wrong">', answer.text)


@pytest.mark.parametrize("name", FILES)
async def test_a_file_comes_back_as_it_was_sent(house: House, name: str) -> None:
    media, data = FILES[name]
    async with browser(house) as http:
        at = await put(http, name, media, data)
        page, file = await http.get(at), await http.get(f"{at}/file")
        saved = await http.get(f"{at}/file?download=1")
    assert (page.status_code, file.content, saved.content) == (200, data, data)
    assert name in page.text
    assert file.headers["content-type"].partition(";")[0] == media
    assert file.headers["x-content-type-options"] == "nosniff"
    for answer in (file, saved):
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert saved.headers["content-disposition"].startswith("attachment; ")
    assert file.headers["cache-control"] == "no-store"
    if media.startswith(("text", "application/hl7", "application/dicom")):
        assert file.headers["content-disposition"].startswith("attachment; ")


async def test_what_is_stored_is_fhir(house: House) -> None:
    async with browser(house) as http:
        at = await put(http, "C:\\scan.png", "image/png", png(), kind="photograph", level="R",
                       encounter="Encounter/e", made="2026-11-02", title="Wound, left")  # fmt: skip
        listed = (await http.get(HERE)).text
    tree = (await house.http.get(f"DocumentReference/{at.rpartition('/')[2]}")).json()
    attachment = tree["content"][0]["attachment"]
    assert attachment["contentType"] == "image/png"
    assert attachment["size"] == len(png())
    assert attachment["title"] == "Wound, left.png"
    assert attachment["creation"] == "2026-11-02"
    assert tree["author"] == [{"display": "Dr. <b>D</b>", "reference": "Practitioner/d"}]
    assert tree["context"] == {"encounter": [{"reference": "Encounter/e"}]}
    assert tree["securityLabel"][0]["coding"][0]["code"] == "R"
    held = (await house.http.get(attachment["url"])).json()
    assert held["securityContext"] == {"reference": "Patient/p"}
    assert held["meta"]["security"][0]["code"] == "R"
    assert "Wound, left" in listed
    assert "Dr. &lt;b&gt;D&lt;/b&gt;" in listed
    issues = (await house.http.post("DocumentReference/$validate", json=tree)).json()["issue"]
    assert not [i for i in issues if i["severity"] in ("error", "fatal")]


@pytest.mark.parametrize("keeps", [False, True])
async def test_a_photograph_is_stored_without_the_place(house: House, keeps: bool) -> None:
    photo = jpeg(JFIF, segment(0xE1, b"Exif\0\0" + exif()), XMP)
    async with browser(house, keeps=keeps) as http:
        at = await put(http, "wound.jpg", "image/jpeg", photo, kind="photograph")
    tree = (await house.http.get(f"DocumentReference/{at.rpartition('/')[2]}")).json()
    attachment = tree["content"][0]["attachment"]
    held = (await house.http.get(attachment["url"])).json()
    data = base64.b64decode(held["data"])
    assert (PLACE in data, b"GPSLatitude" in data) == (keeps, keeps)
    assert (data == photo) == keeps
    assert data.endswith(SCAN + b"\xff\xd9")
    assert attachment["size"] == len(data)
    assert base64.b64decode(attachment["hash"]) == hashlib.sha1(data).digest()


BAD = {
    "a photograph that cannot be followed": (
        ("a.jpg", b"\xff\xd8\xff\xe1\xff\xf0Exif\0\0" + bytes(20) + b"\xff\xd9", "image/jpeg"),
        {},
        ["file"],
        400,
    ),
    "a page as an image": (("a.png", b"<html><script>", "image/png"), {}, ["file"], 400),
    "a program": (("a.pdf", b"MZ" + bytes(60), "application/pdf"), {}, ["file"], 400),
    "too large": (("a.pdf", PDF + bytes(5000), "application/pdf"), {}, ["file"], 413),
    "nothing": (("", b"", "application/octet-stream"), {}, ["file"], 400),
    "of no kind": (("a.pdf", PDF, "application/pdf"), {"kind": "<b>"}, ["kind"], 400),
    "of no day": (("a.pdf", PDF, "application/pdf"), {"made": "tomorrow"}, ["made"], 400),
    "a title too long": (("a.pdf", PDF, "application/pdf"), {"title": "x" * 101}, ["title"], 400),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_is_refused_is_said_at_its_field(house: House, case: str) -> None:
    file, more, fields, status = BAD[case]
    before = await house.stored()
    async with browser(house) as http:
        sent = {"kind": "letter", "title": "kept <typed>", **more}
        answer = await http.post(HERE, data=sent, files={"file": file})
    assert (answer.status_code, wrong(answer)) == (status, fields)
    assert f'href="#{fields[0]}"' in answer.text
    assert f'aria-describedby="{fields[0]}-wrong' in answer.text
    if "title" not in more:
        assert "kept &lt;typed&gt;" in answer.text
    assert await house.stored() == before


@pytest.mark.parametrize(
    "name", [f"{EVIL}.png", "a\r\nSet-Cookie: x=1.png", "‮gnp.exe.png", "é.png"]
)
async def test_a_hostile_name_stays_a_name(house: House, name: str) -> None:
    async with browser(house) as http:
        at = await put(http, name, "image/png", png(), title=EVIL)
        for path in (HERE, at):
            text = (await http.get(path)).text
            assert "<img src=x" not in text
            assert "<script>x" not in text
        file = await http.get(f"{at}/file")
    assert "set-cookie" not in file.headers
    assert "\r" not in file.headers["content-disposition"]
    assert file.headers["content-disposition"].isascii()


async def test_a_player_has_pieces(house: House) -> None:
    media, data = FILES["heart.wav"]
    async with browser(house) as http:
        at = await put(http, "heart.wav", media, data)

        async def piece(asked: str) -> tuple[int, bytes, str]:
            answer = await http.get(f"{at}/file", headers={"range": asked})
            return answer.status_code, answer.content, answer.headers.get("content-range", "")

        n = len(data)
        assert await piece("bytes=0-3") == (206, b"RIFF", f"bytes 0-3/{n}")
        assert await piece("bytes=-4") == (206, data[-4:], f"bytes {n - 4}-{n - 1}/{n}")
        assert await piece(f"bytes={n}-") == (416, b"", f"bytes */{n}")
        assert await piece("bytes=-") == (200, data, "")
        assert await piece("lines=1-2") == (200, data, "")


class Finds:
    """A scanner to which every file is ill."""

    async def scan(self, file: bytes) -> str | None:
        return "Test.<b>Signature" if file == PDF else None


async def test_a_file_goes_past_the_scanner(house: House) -> None:
    parts = replace(house.door._parts, scanner=Finds(), definitions=None)
    scanned = replace(house, door=Door(parts))
    before = await house.stored()
    async with browser(scanned) as http:
        sent = {"file": ("a.pdf", PDF, "application/pdf")}
        answer = await http.post(HERE, data={"kind": "letter"}, files=sent)
        assert (answer.status_code, wrong(answer)) == (400, ["file"])
        assert "holds malware (Test.&lt;b&gt;Signature)" in answer.text
        assert await house.stored() == before
        await put(http, "a.png", "image/png", png())


async def test_one_that_is_wrong_is_marked_with_the_reason(house: House) -> None:
    async with browser(house) as http:
        at = await put(http, "a.pdf", "application/pdf", PDF)
        sent = {"version": "1", "reason": ""}
        assert wrong(again := await http.post(f"{at}/withdraw", data=sent)) == ["reason"]
        assert again.status_code == 400
        stale = await http.post(f"{at}/withdraw", data={"version": "7", "reason": EVIL})
        assert (stale.status_code, wrong(stale)) == (409, ["reason"])
        assert "&lt;script&gt;x" in stale.text
        done = await http.post(f"{at}/withdraw", data={"version": "1", "reason": EVIL})
        assert done.status_code == 303
        page, listed = (await http.get(at)).text, (await http.get(HERE)).text
        assert (await http.post(f"{at}/withdraw", data=sent | {"reason": "x"})).status_code == 409
    assert "do not rely on it" in page
    assert "&lt;script&gt;x" in page
    assert "<script>x" not in page
    assert "Entered in error" in listed
    answer = await house.http.get("Provenance?patient=p")
    assert answer.json()["entry"][0]["resource"]["reason"] == [{"text": EVIL}]


async def test_who_may(house: House) -> None:
    async with browser(house) as http:
        at = await put(http, "a.pdf", "application/pdf", PDF)
    async with browser(house, NURSE) as http:
        await put(http, "b.pdf", "application/pdf", PDF)
    async with browser(house, DESK) as http:
        page = await http.get(HERE)
        assert "not open to your role" in page.text
        assert 'type="file"' not in page.text
        sent = await http.post(HERE, data={"kind": "letter"},
                               files={"file": ("a.pdf", PDF, "application/pdf")})  # fmt: skip
        assert sent.status_code == 403
        assert (await http.get(f"{at}/file")).status_code == 403
    async with browser(house, ADA) as http:
        page = await http.get(HERE)
        assert "a.pdf" in page.text
        assert 'type="file"' not in page.text
        assert (await http.get(f"{at}/file")).content == PDF
        assert "Mark as entered in error" not in (await http.get(at)).text
    async with browser(house, BO) as http:
        assert (await http.get(f"{at}/file")).status_code == 404
        assert (await http.get(at.replace("/p/", "/q/"))).status_code == 404
    async with browser(house) as http:
        assert (await http.get(f"{at.replace('/p/', '/q/')}/file")).status_code == 404


async def test_a_file_inside_of_a_document_is_shown_too(house: House) -> None:
    await house.put({
        "resourceType": "DocumentReference", "id": "inline", "status": "current",
        "subject": {"reference": "Patient/p"},
        "content": [
            {"attachment": {"contentType": "text/html", "data": "PGI+", "title": "x.html"}}
        ],
    })  # fmt: skip
    await house.put({
        "resourceType": "DocumentReference", "id": "away", "status": "current",
        "subject": {"reference": "Patient/p"},
        "content": [{"attachment": {"url": "https://elsewhere.example.org/x"}}],
    })  # fmt: skip
    async with browser(house) as http:
        file = await http.get(f"{HERE}/inline/file")
        assert file.headers["content-type"] == "application/octet-stream"
        assert file.headers["content-disposition"].startswith("attachment")
        assert (await http.get(f"{HERE}/away")).status_code == 200
        assert (await http.get(f"{HERE}/away/file")).status_code == 404


GP = {"generalPractitioner": [{"reference": "Practitioner/d"}]}


async def given(house: House, caller: Caller = ADA, **more: str) -> tuple[str, str]:
    """A document that a patient sends: its id, and that of the Task."""
    sent = {"kind": "laboratory", "title": EVIL[:60], **more}
    async with browser(house, caller) as mine:
        answer = await mine.post(
            "/my/documents", data=sent, files={"file": ("lab.png", png(), "image/png")}
        )
    assert answer.status_code == 303, answer.text
    found = await house.http.get("Task?code=urn:careplane:task|look-through&_sort=-_lastUpdated")
    task = found.json()["entry"][0]["resource"]
    return task["focus"]["reference"].partition("/")[2], task["id"]


async def test_a_patient_sends_a_document_and_it_is_filed(house: House) -> None:
    await house.put(patient("p", name=[{"family": "Quinn"}], **GP))
    id, task = await given(house)
    tree = (await house.http.get(f"DocumentReference/{id}")).json()
    assert tree["docStatus"] == "preliminary"
    assert tree["category"][0]["coding"][0]["code"] == "patient-provided"
    assert tree["author"][0]["reference"] == "Patient/p"
    asked = (await house.http.get(f"Task/{task}")).json()
    assert asked["owner"] == {"reference": "Practitioner/d"}
    async with browser(house) as http, browser(house, ADA) as mine:
        home, listed = (await http.get("/")).text, (await http.get(HERE)).text
        assert f"{HERE}/{id}" in home
        assert "From the patient, not looked at yet" in listed
        assert "<img src=x" not in home + listed
        assert "Not looked at yet" in (await mine.get("/my/documents")).text
        page = (await http.get(f"{HERE}/{id}")).text
        assert "Refuse it" in page
        assert "Refuse it" not in (await mine.get(f"{HERE}/{id}")).text
        none = await http.post(f"{HERE}/{id}/file", data={"version": "1", "title": " "})
        assert (none.status_code, wrong(none)) == (400, ["title"])
        taken = {"version": "1", "kind": "consultation", "title": "Blood count of Dr. Ode"}
        assert (await mine.post(f"{HERE}/{id}/file", data=taken)).status_code == 403
        assert (await http.post(f"{HERE}/{id}/file", data=taken)).status_code == 303
        again = await http.post(f"{HERE}/{id}/refuse", data={"version": "2", "why": "No"})
        assert again.status_code == 409
        assert "In your record" in (await mine.get("/my/documents")).text
        assert f"{HERE}/{id}" not in (await http.get("/")).text
    tree = (await house.http.get(f"DocumentReference/{id}")).json()
    assert (tree["docStatus"], tree["description"]) == ("final", taken["title"])
    assert tree["authenticator"]["reference"] == "Practitioner/d"
    assert [c["coding"][0]["code"] for c in tree["category"]] == ["patient-provided", "34109-9"]
    done = (await house.http.get(f"Task/{task}")).json()
    assert done["status"] == "completed"
    assert done["output"][0]["valueReference"]["reference"] == f"DocumentReference/{id}"
    issues = (await house.http.post("DocumentReference/$validate", json=tree)).json()["issue"]
    assert not [i for i in issues if i["severity"] in ("error", "fatal")]


async def test_a_document_of_a_patient_is_refused_with_a_reason(house: House) -> None:
    id, task = await given(house)
    assert "owner" not in (await house.http.get(f"Task/{task}")).json()
    async with browser(house, NURSE) as http, browser(house, ADA) as mine:
        assert f"{HERE}/{id}" in (await http.get("/")).text, "nobody's is for all who file"
        silent = await http.post(f"{HERE}/{id}/refuse", data={"version": "1", "why": ""})
        assert (silent.status_code, wrong(silent)) == (400, ["why"])
        late = await http.post(f"{HERE}/{id}/refuse", data={"version": "9", "why": "No"})
        assert late.status_code == 409
        why = {"version": "1", "why": f"Of somebody else {EVIL}"}
        assert (await http.post(f"{HERE}/{id}/refuse", data=why)).status_code == 303
        assert f'href="/my/documents/{id}"' in (await mine.get("/")).text
        for path in ("/", "/my/documents", f"/my/documents/{id}"):
            page = (await mine.get(path)).text
            assert "Not taken into your record" in page, path
            assert "Of somebody else" in page, path
            assert "<img src=x" not in page, path
        assert "was not taken into the record" in (await http.get(f"{HERE}/{id}")).text
    assert (await house.http.get(f"Task/{task}")).json()["status"] == "rejected"


@pytest.mark.parametrize("case", [name for name in BAD if name != "of no day"])
async def test_what_a_patient_sends_is_looked_at_as_all_files(house: House, case: str) -> None:
    file, more, fields, status = BAD[case]
    before = await house.stored()
    async with browser(house, ADA) as mine:
        sent = {"kind": "letter", "title": "kept <typed>", **more}
        answer = await mine.post("/my/documents", data=sent, files={"file": file})
    assert (answer.status_code, wrong(answer)) == (status, fields)
    if "title" not in more:
        assert "kept &lt;typed&gt;" in answer.text
    assert await house.stored() == before


async def test_who_sends_no_document(house: House) -> None:
    for number in range(20):
        await given(house, title=f"Page {number}")
    reader = replace(ADA, id="RelatedPerson/r", roles=frozenset({"proxy"}))
    for caller, status in ((ADA, 429), (reader, 403), (DOCTOR, 303)):
        before = await house.stored()
        async with browser(house, caller) as http:
            answer = await http.post(
                "/my/documents", data={"kind": "letter"},
                files={"file": ("a.png", png(), "image/png")},
            )  # fmt: skip
        assert answer.status_code == status, caller.id
        assert await house.stored() == before
