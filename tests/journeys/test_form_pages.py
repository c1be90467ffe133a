"""The pages of forms without a browser: filled with scripts off, told what is wrong, and hostile
texts of answers and of questionnaires."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.care.forms.ready import questionnaire as shipped
from careplane.storage.engines.memory import MemoryStore
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.contracts.conftest import Hands
from tests.fhir_house import TENANT
from tests.forms_house import (
    ADA,
    BO,
    CORE,
    DOCTOR,
    HOSTILE,
    NOW,
    Desk,
    calculated,
    open_desk,
    questionnaire,
)

pytestmark = pytest.mark.anyio
CLERK = Caller(TENANT, "Practitioner/c", "Clerk", parse_scopes("user/*.cruds"), None,
               frozenset({"front-desk"}))  # fmt: skip
KEEPER = Caller(TENANT, "Practitioner/k", "Keeper", parse_scopes("system/*.cruds"), None,
                frozenset({"administrator"}))  # fmt: skip
EVIL = questionnaire(
    "evil",
    {"linkId": HOSTILE, "type": "string", "text": HOSTILE, "prefix": HOSTILE, "required": True,
     "item": [{"linkId": "h", "type": "display", "text": HOSTILE,
               "extension": [{"url": CORE + "questionnaire-itemControl", "valueCodeableConcept":
                              {"coding": [{"code": "help"}]}}]}],
     "extension": [{"url": CORE + "questionnaire-supportLink", "valueUri": "javascript:alert(1)"},
                   {"url": CORE + "entryFormat", "valueString": HOSTILE}]},
    {"linkId": "c", "type": "open-choice", "text": HOSTILE,
     "answerOption": [{"valueString": HOSTILE},
                      {"valueCoding": {"code": "x", "display": HOSTILE}}]},
    {"linkId": "m", "type": "choice", "text": HOSTILE, "repeats": True,
     "answerOption": [{"valueString": HOSTILE}]},
    {"linkId": "q", "type": "quantity", "text": "How much?",
     "extension": [{"url": CORE + "questionnaire-unitOption",
                    "valueCoding": {"system": "urn:x", "code": HOSTILE, "display": HOSTILE}}]},
    {"linkId": "d", "type": "display", "text": HOSTILE},
    {"linkId": "g", "type": "group", "text": HOSTILE, "repeats": True,
     "item": [{"linkId": "t", "type": "text", "text": HOSTILE}]},
    title=HOSTILE, description=HOSTILE,
)  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    clock = Hands(NOW)
    async with open_desk(MemoryStore(clock), clock) as desk:
        await desk.put(EVIL)
        yield desk


@asynccontextmanager
async def browser(desk: Desk, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    tokens = desk.house.tokens
    web = Web(desk.house.door, tokens, clock=Hands(NOW), forms=desk.forms)
    transport = httpx.ASGITransport(application(web))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        http.cookies.set("careplane", tokens.issue(caller, 3600), domain="testserver.local")
        http.headers["origin"] = "http://testserver"
        yield http


def hidden(page: str) -> dict[str, str]:
    """What a browser sends besides what is typed."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {unescape(name): unescape(value) for name, value in found}


async def begin(http: httpx.AsyncClient, form: str = "body") -> tuple[str, str]:
    """The address of a form that was just begun, and its page."""
    made = await http.post("/patients/p/forms", data={"do": "begin", "questionnaire": form})
    assert made.status_code == 303, made.text
    return made.headers["location"], (await http.get(made.headers["location"])).text


async def test_a_form_is_filled_with_scripts_off(desk: Desk) -> None:
    async with browser(desk, DOCTOR) as http:
        tab = (await http.get("/patients/p/forms")).text
        assert "Form body" in tab
        assert "No form is half filled" in tab
        path, page = await begin(http)
        assert "Quinn" in page
        assert "Why so heavy?" not in page
        assert f'data-draft="form-{path.rpartition("/")[2]}"' in page
        typed = {"a1/0": "120", "a2/0": "175"}
        shown = await http.post(path, data={**hidden(page), **typed, "do": "check"})
        assert "Why so heavy?" in shown.text
        assert "39.2" in shown.text
        typed |= {"a4/0": "Cake"}
        saved = await http.post(path, data={**hidden(shown.text), **typed, "do": "save"})
        assert (saved.status_code, saved.headers["location"]) == (303, f"{path}?said=saved")
        page = (await http.get(path)).text
        assert "Cake" in page
        assert hidden(page)["version"] == "2"
        done = await http.post(path, data={**hidden(page), **typed, "do": "complete"})
        assert done.headers["location"] == f"{path}?said=completed"
        page = (await http.get(done.headers["location"])).text
        assert "Correct it" in page
        assert "Filled by Dr. D" in page
        amending = (await http.get(f"{path}?amend=1")).text
        typed["a1/0"] = "60"
        left = {name: text for name, text in typed.items() if name != "a4/0"}
        done = await http.post(path, data={**hidden(amending), **left, "do": "complete"})
        page = (await http.get(done.headers["location"])).text
        assert "Amended" in page
        assert "Why so heavy?" not in page


async def test_what_is_wrong_is_told_beside_it_and_what_was_typed_is_kept(desk: Desk) -> None:
    async with browser(desk, DOCTOR) as http:
        path, page = await begin(http)
        refused = await http.post(path, data={**hidden(page), "a2/0": "tall", "do": "complete"})
        assert refused.status_code == 422
        assert 'value="tall"' in refused.text
        assert "Write a number, such as 12.5." in refused.text
        assert '<a href="#f1">' in refused.text
        assert "Answer this question." in refused.text
        refused = await http.post(path, data={**hidden(page), "a2/0": "tall", "do": "save"})
        assert "The draft is not saved yet" in refused.text
        (draft,) = await desk.all("QuestionnaireResponse")
        assert draft["meta"]["versionId"] == "1"


async def test_a_conflict_is_told_and_what_was_typed_can_be_saved_after_all(desk: Desk) -> None:
    async with browser(desk, DOCTOR) as http:
        path, page = await begin(http)
        assert (
            await http.post(path, data={**hidden(page), "a1/0": "70", "do": "save"})
        ).status_code == 303
        late = await http.post(path, data={**hidden(page), "a1/0": "71", "do": "save"})
        assert late.status_code == 409
        assert "changed elsewhere" in late.text
        assert 'value="71"' in late.text
        again = await http.post(path, data={**hidden(late.text), "a1/0": "71", "do": "save"})
        assert again.status_code == 303
        for nonsense in ("", "x", "-1", "99999999999999999999"):
            bad = await http.post(path, data={**hidden(page), "version": nonsense, "do": "save"})
            assert bad.status_code == 400


async def test_what_is_asked_no_more_is_kept_in_the_page_until_it_is_sent(desk: Desk) -> None:
    async with browser(desk, DOCTOR) as http:
        path, page = await begin(http)
        typed = {"a1/0": "120", "a2/0": "175", "do": "check"}
        page = (await http.post(path, data={**hidden(page), **typed})).text
        page = (
            await http.post(path, data={**hidden(page), **typed, "a1/0": "60", "a4/0": "Cake"})
        ).text
        assert "Why so heavy?" not in page
        assert hidden(page)["a4/0"] == "Cake"
        page = (await http.post(path, data={**hidden(page), **typed})).text
        assert "Cake</textarea>" in page
        page = (
            await http.post(path, data={**hidden(page), **typed, "a1/0": "60", "a4/0": "Cake"})
        ).text
        await http.post(path, data={**hidden(page), **typed, "a1/0": "60", "do": "complete"})
        (done,) = await desk.all("QuestionnaireResponse")
        assert "Cake" not in str(done)


async def test_hostile_texts_are_texts(desk: Desk) -> None:
    async with browser(desk, DOCTOR) as http:
        path, page = await begin(http, "evil")
        more = await http.post(path, data={**hidden(page), "do": "add:5"})
        typed = {"a0/0": HOSTILE, "a1/0": HOSTILE, "a2/o0": HOSTILE, "a5-1.0/0": HOSTILE,
                 "a3/0": "1"}  # fmt: skip
        pages = [page, more.text]
        bad = {**hidden(more.text), **typed, "a1/0": "~", "a1/0/other": HOSTILE, "a0/0": ""}
        pages.append((await http.post(path, data={**bad, "do": "complete"})).text)
        sent = {**hidden(more.text), **typed, "do": "complete"}
        done = await http.post(path, data=sent)
        assert done.status_code == 303
        pages.append((await http.get(path)).text)
        pages.append((await http.get("/patients/p/forms")).text)
        await http.post(
            "/patients/p/forms", data={"do": "ask", "questionnaire": "evil", "note": HOSTILE}
        )
        async with browser(desk, ADA) as mine:
            pages.append((await mine.get("/forms")).text)
            pages.append((await mine.get("/patients/p/forms")).text)
        for text in pages:
            assert "alert(1)" in text
            assert "<script>alert" not in text
            assert "<img src=x" not in text
            assert "javascript:" not in text
            assert not re.search(r"\son\w+=", re.sub(r'"[^"]*"|>[^<]*<', "", text))


async def test_a_patient_is_asked_fills_and_sends(desk: Desk) -> None:
    async with browser(desk, DOCTOR) as doctor, browser(desk, ADA) as mine:
        assert "Nobody waits for a form" in (await mine.get("/forms")).text
        asked = {"do": "ask", "questionnaire": "body", "due": "2026-12-24", "note": "Please"}
        assert (await doctor.post("/patients/p/forms", data=asked)).status_code == 303
        page = (await mine.get("/forms")).text
        assert "24-Dec-2026" in page
        assert "Asked by Dr. D" in page
        begun = await mine.post("/forms", data=hidden(page))
        path = begun.headers["location"]
        assert "Begun by the patient" in (await doctor.get("/patients/p/forms")).text
        assert f'href="{path}"' in (await mine.get("/forms")).text
        page = (await mine.get(path)).text
        done = await mine.post(path, data={**hidden(page), "a1/0": "70", "do": "complete"})
        assert "The form is sent" in (await mine.get(done.headers["location"])).text
        seen = (await doctor.get("/patients/p/forms")).text
        assert "Asked of the patient" not in seen
        assert f'href="{path}"' in seen
        wrong = {"do": "ask", "questionnaire": "body", "due": "soon"}
        assert (await doctor.post("/patients/p/forms", data=wrong)).status_code == 400


async def test_who_may_not_see_forms_is_not_shown_any(desk: Desk) -> None:
    async with browser(desk, CLERK) as http:
        page = await http.get("/patients/p/forms")
        assert "not open to your role" in page.text
        begun = await http.post("/patients/p/forms", data={"do": "begin", "questionnaire": "body"})
        assert begun.status_code == 403


async def test_a_thousand_questions_are_shown(desk: Desk) -> None:
    items = [{"linkId": str(n), "text": f"Question {n}", "type": "string"} for n in range(1000)]
    await desk.put(questionnaire("long", *items))
    async with browser(desk, DOCTOR) as http:
        path, page = await begin(http, "long")
        typed = {f"a{n}/0": str(n) for n in range(1000)}
        saved = await http.post(path, data={**hidden(page), **typed, "do": "save"})
        assert saved.status_code == 303
        assert 'value="999"' in (await http.get(path)).text


async def test_an_administrator_adds_tries_and_retires_questionnaires(desk: Desk) -> None:
    async with browser(desk, KEEPER) as http, browser(desk, DOCTOR) as doctor:
        page = (await http.get("/questionnaires")).text
        assert "Form body" in page
        assert "PHQ-9" in page
        added = await http.post("/questionnaires", data={"do": "ready", "name": "phq-9"})
        assert added.headers["location"] == "/questionnaires?said=added"
        page = (await http.get("/questionnaires/body")).text
        assert "Why so heavy?" not in page
        tried = {**hidden(page), "a1/0": "120", "a2/0": "175", "do": "check"}
        assert "Why so heavy?" in (await http.post("/questionnaires/body", data=tried)).text
        assert await desk.all("QuestionnaireResponse") == []
        gone = {"do": "retired", "id": "body", "version": "1"}
        assert (await http.post("/questionnaires", data=gone)).status_code == 303
        assert (await http.post("/questionnaires", data=gone)).status_code == 412
        assert "Form body" not in (await doctor.get("/patients/p/forms")).text
        back = {"do": "active", "id": "body", "version": "2"}
        assert (await http.post("/questionnaires", data=back)).status_code == 303
        assert "Form body" in (await doctor.get("/patients/p/forms")).text
        assert "Check and add" not in (await doctor.get("/questionnaires")).text
        refused = await doctor.post("/questionnaires", data={"do": "ready", "name": "gad-7"})
        assert refused.status_code == 403


CIRCLE = questionnaire("circle", {
    "linkId": "a", "type": "integer",
    "extension": [calculated("iif(answer.exists(), answer.value + 1, 1)")],
})  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "cannot be read"),
        ('{"resourceType": "Patient"}', "This is no Questionnaire."),
        (json.dumps({"resourceType": "Questionnaire", "status": "active"}), "Give it a url"),
        (json.dumps(CIRCLE), "never come to an end"),
        (json.dumps({**CIRCLE, "item": [{"linkId": "a", "type": "nonsense"}]}), "Not added"),
    ],
)
async def test_what_cannot_be_filled_is_not_added(desk: Desk, text: str, told: str) -> None:
    async with browser(desk, KEEPER) as http:
        refused = await http.post("/questionnaires", data={"do": "add", "text": text})
        assert refused.status_code == 422
        assert "Not added" in refused.text
        assert told in refused.text or told == "cannot be read"
        assert text[:20] in unescape(refused.text)


async def test_one_of_your_own_is_added(desk: Desk) -> None:
    own = {**EVIL, "url": "http://example.org/own"}
    del own["id"]
    async with browser(desk, KEEPER) as http:
        added = await http.post("/questionnaires", data={"do": "add", "text": json.dumps(own)})
        assert added.status_code == 303
        page = (await http.get(added.headers["location"])).text
        assert "nothing is kept" in page
        assert "<script>alert" not in page
        assert "<script>alert" not in (await http.get("/questionnaires")).text


PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


async def test_a_file_is_an_answer(desk: Desk) -> None:
    await desk.put(
        questionnaire(
            "photo",
            {"linkId": "p", "text": "Photo", "type": "attachment", "required": True},
            {"linkId": "s", "text": "Where?", "type": "string", "required": True},
        )
    )
    async with browser(desk, ADA) as http:
        begun = await http.post("/patients/p/forms", data={"do": "begin", "questionnaire": "photo"})
        path = begun.headers["location"]
        page = (await http.get(path)).text
        assert 'enctype="multipart/form-data"' in page
        lies = {"a0/0/file": ("rash.pdf", PICTURE, "application/pdf")}
        refused = await http.post(path, data={**hidden(page), "do": "save"}, files=lies)
        assert refused.status_code == 422
        assert "but its content is PNG" in refused.text
        name = HOSTILE + ".png"
        good = {"a0/0/file": (name, PICTURE, "image/png")}
        kept = await http.post(path, data={**hidden(page), "do": "complete"}, files=good)
        assert kept.status_code == 422, "where is not said yet, and the file is kept"
        assert hidden(kept.text)["version"] == "2"
        done = await http.post(
            path,
            data={**hidden(kept.text), "a1/0": "Arm", "do": "complete"},
            files={"x": (None, "")},
        )
        assert done.status_code == 303
        seen = (await http.get(path)).text
        assert f'href="{path}/files/0/0"' in seen
        assert "<script>alert" not in seen
        file = await http.get(f"{path}/files/0/0")
        assert file.content == PICTURE
        assert file.headers["content-type"] == "image/png"
        assert file.headers["content-disposition"].startswith("attachment;")
        assert "sandbox" in file.headers["content-security-policy"]
        for nowhere in ("files/0/1", "files/1/0", "files/9/0", "files/0/x"):
            assert (await http.get(f"{path}/{nowhere}")).status_code == 404
    async with browser(desk, BO) as other:
        assert (await other.get(f"{path}/files/0/0")).status_code == 404


async def test_a_file_is_taken_away_and_one_takes_the_place_of_another(desk: Desk) -> None:
    where = {"linkId": "w", "text": "Where", "type": "string"}
    photo = {"linkId": "p", "text": "Photo", "type": "attachment"}
    await desk.put(questionnaire("photo", photo, where))
    async with browser(desk, DOCTOR) as http:
        path, page = await begin(http, "photo")
        for name in ("one.png", "two.png"):
            file = {"a0/0/file": (name, PICTURE, "image/png")}
            await http.post(path, data={**hidden(page), "do": "save"}, files=file)
            page = (await http.get(path)).text
        (draft,) = await desk.all("QuestionnaireResponse")
        (answer,) = draft["item"][0]["answer"]
        assert answer["valueAttachment"]["title"] == "two.png"
        sent = {**hidden(page), "a0/0/gone": "1", "do": "save"}
        await http.post(path, data=sent, files={"x": (None, "")})
        (draft,) = await desk.all("QuestionnaireResponse")
        assert "item" not in draft
        large = {"a0/0/file": ("big.png", PICTURE + bytes(2_000_001), "image/png")}
        page = (await http.get(path)).text
        typed = {**hidden(page), "a1/0": "On the left arm", "do": "save"}
        answer = await http.post(path, data=typed, files=large)
        assert answer.status_code == 413
        assert "On the left arm" in answer.text
        assert "A file has 2\u00a0MB at most." in answer.text


CODES = {
    "resourceType": "CodeSystem", "id": "many", "url": "http://example.org/many",
    "status": "active", "content": "complete",
    "concept": [
        {"code": f"c{n}", "display": f"Kind {n} of {'fracture' if n % 7 else HOSTILE}"}
        for n in range(700)
    ],
}  # fmt: skip
LARGE = {
    "resourceType": "ValueSet", "id": "large", "url": "http://example.org/large",
    "status": "active", "compose": {"include": [{"system": CODES["url"]}]},
}  # fmt: skip


async def test_an_answer_is_found_among_many(desk: Desk) -> None:
    """With scripts off by a button, and as one types; only codes of the value set are taken."""
    for tree in (CODES, LARGE):
        await desk.put(tree)
    choice = {"type": "choice", "answerValueSet": LARGE["url"]}
    await desk.put(
        questionnaire(
            "found",
            {"linkId": "one", "text": "Which?", **choice},
            {"linkId": "several", "text": "Which else?", "repeats": True, **choice},
            {"linkId": "open", "text": "Or?", **choice, "type": "open-choice"},
        )
    )
    async with browser(desk, DOCTOR) as http:
        path, page = await begin(http, "found")
        assert "Kind 1 of" not in page
        sent = {**hidden(page), "a0/0/find": "kind 12", "a1/0/find": "fract 3", "do": "find"}
        page = (await http.post(path, data=sent)).text
        assert 'value="http://example.org/many|c12"' in page
        assert 'value="http://example.org/many|c120"' in page
        assert "There are more" in page
        chosen = {"a0/0": f"{CODES['url']}|c120", "a1/0": f"{CODES['url']}|c3",
                  "a2/0": "~", "a2/0/other": "Mine"}  # fmt: skip
        page = (await http.post(path, data={**hidden(page), **chosen, "do": "check"})).text
        assert re.search(r'value="http://example.org/many\|c120" checked', page)
        assert "a1/1/set" in page  # room for one more
        page = (await http.post(path, data={**hidden(page), **chosen, "do": "save"})).text
        (kept,) = await desk.all("QuestionnaireResponse")
        given = {one["linkId"]: one["answer"] for one in kept["item"]}
        assert given["one"] == [
            {
                "valueCoding": {
                    "system": CODES["url"],
                    "code": "c120",
                    "display": "Kind 120 of fracture",
                }
            }
        ]
        assert given["open"] == [{"valueString": "Mine"}]
        page = (await http.get(path)).text
        wrong = {**chosen, "a0/0": f"{CODES['url']}|c9999", "a1/0": "http://loinc.org|c3"}
        refused = await http.post(path, data={**hidden(page), **wrong, "do": "save"})
        assert refused.status_code == 422
        assert refused.text.count("Choose one of the answers that are offered.") >= 2
        found = await http.get(f"{path}/choices", params={"set": "0", "find": "fracture 12"})
        keys = [one["key"].partition("|")[2] for one in found.json()["options"]]
        assert "c12" in keys
        assert "c1" not in keys
        for number in ("1", "-1", "x", "99999999"):
            none = await http.get(f"{path}/choices", params={"set": number, "find": "kind"})
            assert none.json() == {"options": [], "more": False}
        evil = {**hidden(page), "a0/0/find": "kind 7 of", "do": "find"}
        page = (await http.post(path, data=evil)).text
        assert "<script>alert" not in page
        tried = await http.get("/questionnaires/found/choices?set=0&find=kind")
        assert tried.json()["more"]


async def test_a_form_speaks_the_readers_language_and_stores_the_same(desk: Desk) -> None:
    await desk.put(shipped("phq-9"))
    async with browser(desk, DOCTOR) as http:
        http.headers["accept-language"] = "de"
        path, page = await begin(http, "phq-9")
        assert "Gesundheitsfragebogen" in page
        assert "Beinahe jeden Tag" in page
        places = re.findall(r'name="(a[^"]*)" value="http://loinc.org\|LA6571-9"', page)
        answers = dict.fromkeys(places, "http://loinc.org|LA6571-9")
        assert (
            await http.post(path, data={**hidden(page), **answers, "do": "save"})
        ).status_code == 303
        assert ">Schwer<" in (await http.get(path)).text
        (kept,) = await desk.all("QuestionnaireResponse")
        assert "Nearly every day" in json.dumps(kept)
        (severity,) = (one["answer"] for one in kept["item"] if one["linkId"] == "severity")
        assert severity == [{"valueCoding": {"system": "urn:careplane:severity", "code": "severe",
                                             "display": "Severe"}}]  # fmt: skip
        assert "Beinahe" not in json.dumps(kept)
        http.headers["accept-language"] = "ar"
        assert "كل يوم تقريبًا" in (await http.get(path)).text
        assert "استبيان صحة المريض" in (await http.get("/patients/p/forms")).text
