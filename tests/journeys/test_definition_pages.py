"""The pages of terminology and packages, and the validator, by HTTP: what is found, what leads
where, who may come, and what is refused."""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import system_clock
from careplane.ledger.audit import Outcome
from careplane.packages.adding import Adding
from careplane.packages.packages import Packages
from careplane.storage.engines.memory import MemoryPackages, MemoryStore
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.fhir_house import TENANT, House, open_house
from tests.package_house import Json, manifest, packed, profile, value_set

pytestmark = pytest.mark.anyio
NURSE = Caller(TENANT, "Practitioner/n", "Nurse", parse_scopes("user/Patient.rs"))
PATIENT = Caller(TENANT, "Patient/p", "Pat", parse_scopes("patient/*.rs"), "p")
ENGINEER = Caller(TENANT, "Practitioner/e", "Engineer", parse_scopes("user/*.cruds"))
ANIMALS = "http://a.test/CodeSystem/animals"
PETS = "http://a.test/ValueSet/pets"
KEEPER = "http://a.test/StructureDefinition/keeper"
TO_V2 = "http://a.test/ConceptMap/animals"
CODE_SYSTEM: Json = {
    "resourceType": "CodeSystem",
    "id": "animals",
    "url": ANIMALS,
    "version": "1",
    "name": "Animals",
    "title": "Animals of a zoo",
    "status": "active",
    "content": "complete",
    "hierarchyMeaning": "is-a",
    "property": [{"code": "legs", "type": "integer"}, {"code": "eats", "type": "code"}],
    "concept": [
        {
            "code": "animal",
            "display": "Animal",
            "concept": [
                {
                    "code": "cat",
                    "display": "House cat",
                    "definition": "It <purrs>.",
                    "designation": [
                        {"language": "de", "value": "Hauskatze", "use": {"code": "synonym"}}
                    ],
                    "property": [
                        {"code": "legs", "valueInteger": 4},
                        {"code": "eats", "valueCode": "mouse"},
                    ],
                    "concept": [{"code": "siamese", "display": "Siamese"}],
                },
                {"code": "mouse", "display": "Mouse"},
            ],
        },
        *({"code": f"stone-{n}", "display": f"Stone {n}"} for n in range(119)),
        {
            "code": "fossil",
            "display": "Fossil",
            "property": [{"code": "status", "valueCode": "retired"}],
        },
    ],
}
VALUE_SET = value_set(
    "pets",
    title="Pets",
    version="1",
    compose={
        "include": [
            {
                "system": ANIMALS,
                "filter": [{"property": "concept", "op": "descendent-of", "value": "animal"}],
            }
        ],
        "exclude": [{"system": ANIMALS, "concept": [{"code": "mouse"}]}],
    },
)
STONES = value_set("stones", compose={"include": [{"system": ANIMALS}]})
LOST = value_set("lost", compose={"include": [{"system": "http://a.test/not-here"}]})
CONCEPT_MAP: Json = {
    "resourceType": "ConceptMap",
    "id": "animals",
    "url": TO_V2,
    "title": "Animals elsewhere",
    "status": "active",
    "group": [
        {
            "source": ANIMALS,
            "target": "http://b.test/beasts",
            "element": [
                {
                    "code": "cat",
                    "target": [{"code": "C", "display": "Felis", "equivalence": "wider"}],
                },
                {"code": "mouse", "target": [{"equivalence": "unmatched"}]},
            ],
        },
        {
            "source": "http://b.test/beasts",
            "target": ANIMALS,
            "element": [{"code": "K", "target": [{"code": "cat", "equivalence": "equal"}]}],
        },
    ],
}
PROFILE = profile(
    "keeper",
    "Patient",
    title="Keeper of a pet",
    differential={
        "element": [
            {"id": "Patient", "path": "Patient"},
            {"id": "Patient.name", "path": "Patient.name", "min": 1, "mustSupport": True},
            {
                "id": "Patient.identifier",
                "path": "Patient.identifier",
                "slicing": {
                    "discriminator": [{"type": "value", "path": "system"}],
                    "rules": "open",
                },
            },
            {
                "id": "Patient.identifier:zoo",
                "path": "Patient.identifier",
                "sliceName": "zoo",
                "max": "1",
            },
            {
                "id": "Patient.identifier:zoo.system",
                "path": "Patient.identifier.system",
                "min": 1,
                "fixedUri": "http://a.test/zoo",
            },
            {
                "id": "Patient.maritalStatus",
                "path": "Patient.maritalStatus",
                "binding": {"strength": "required", "valueSet": f"{PETS}|1"},
            },
        ]
    },
)
CONTRADICTION = profile(
    "broken", "Patient", baseDefinition="http://a.test/StructureDefinition/nowhere"
)
OWN_PROFILE = profile(
    "mine",
    url="http://own.test/mine",
    differential={
        "element": [
            {"id": "Observation", "path": "Observation"},
            {"id": "Observation.subject", "path": "Observation.subject", "min": 1},
        ]
    },
)
QUESTIONS: Json = {
    "resourceType": "SearchParameter",
    "id": "s",
    "url": "http://a.test/SearchParameter/s",
    "name": "Keeping",
    "status": "active",
    "description": "who keeps <what>",
    "code": "keeping",
    "base": ["Patient"],
    "type": "token",
    "expression": "Patient.extension",
}


@pytest.fixture(scope="module")
async def packages(tmp_path_factory: pytest.TempPathFactory) -> MemoryPackages:
    folder: Path = tmp_path_factory.mktemp("packages")
    store = MemoryPackages()
    adding = Adding(store, Packages(store, system_clock), system_clock)
    await adding.file(packed(folder, manifest("b.base"), value_set("other")))
    zoo = manifest("a.zoo", "2.1.0", {"b.base": "1.x", "c.lost": "3.0.0"}, title="The zoo")
    content = (
        CODE_SYSTEM, VALUE_SET, STONES, LOST, CONCEPT_MAP, PROFILE, CONTRADICTION, QUESTIONS,
    )  # fmt: skip
    await adding.file(packed(folder, zoo, *content))
    return store


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def house(packages: MemoryPackages) -> AsyncIterator[House]:
    store = MemoryStore(system_clock)
    async with open_house(store, packages=packages) as house:
        await house.put(value_set("own", "http://own.test/vs", title="Our own pets", compose={
            "include": [{"system": ANIMALS, "concept": [{"code": "cat"}]}]}))  # fmt: skip
        await house.put({
            "resourceType": "CodeSystem", "id": "own", "url": "http://own.test/cs",
            "title": "Our own codes", "status": "active", "content": "complete",
            "concept": [{"code": "x y", "display": "With a space"}]})  # fmt: skip
        await house.put(OWN_PROFILE)
        stub = {"resourceType": "CodeSystem", "id": "stub", "url": ANIMALS, "version": "3"}
        more = {"title": "No more than a name", "status": "active", "content": "not-present"}
        await house.put(stub | more)
        yield house
    await store.close()


def browser(house: House, packages: MemoryPackages, who: Caller | None) -> httpx.AsyncClient:
    known = Packages(packages, system_clock)
    web = Web(house.door, house.tokens, packages=lambda: known)
    cookies = {"careplane": house.tokens.issue(who, 3600)} if who else {}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(application(web)),
        base_url="http://testserver",
        cookies=cookies,
        headers={"sec-fetch-site": "same-origin", "origin": "http://testserver"},
    )


@pytest.fixture(scope="module")
async def page(house: House, packages: MemoryPackages) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(house, packages, ENGINEER) as page:
        yield page


async def opened(page: httpx.AsyncClient, path: str, **pairs: Any) -> str:
    """The text of a page that answers."""
    answer = await page.get(path, params=pairs or None)
    assert answer.status_code == 200, (path, answer.status_code, answer.text[-3000:])
    return answer.text


def words(text: str) -> str:
    """What a person reads of the main part."""
    main = text[text.index("<main") : text.index("</main>")]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


def links(text: str) -> Iterator[str]:
    main = text[text.index("<main") : text.index("</main>")]
    return (html.unescape(found) for found in re.findall(r'href="(/[^"]*)"', main))


@pytest.mark.parametrize(
    ("path", "there", "absent"),
    [
        ("/terminology", ("Animals of a zoo", "a.zoo#2.1.0", "Our own codes"), ("Pets",)),
        ("/terminology?q=zoo+anim", ("Animals of a zoo", "1 found"), ("Our own",)),
        ("/terminology?kind=value-sets&q=pets", ("Pets", "Our own pets"), ("stones",)),
        ("/terminology?kind=concept-maps&q=elsewhere", ("Animals elsewhere",), ()),
        ("/terminology?q=no-such-thing", ("Nothing has these words.",), ()),
        ("/terminology?q=%22%29%5C", ("Nothing has these words.",), ()),
        (f"/terminology/code-system?url={ANIMALS}", ("124", "Animal", "Stone 1"), ("House cat",)),
        (f"/terminology/code-system?url={ANIMALS}|1", ("is-a", "Other versions 3"), ()),
        (
            f"/terminology/code-system?url={ANIMALS}&version=3",
            ("No more than a name", "not-present", "are not here"),
            ("Stone 1",),
        ),
        (f"/terminology/code-system?url={ANIMALS}&open=animal", ("House cat",), ("Siamese",)),
        (f"/terminology/code-system?url={ANIMALS}&open=animal&open=cat", ("Siamese",), ()),
        (
            f"/terminology/code-system?url={ANIMALS}&inactive=true&after=stone-110",
            ("Stone 118", "Fossil inactive", "Leave inactive"),
            ("Stone 110",),
        ),
        (f"/terminology/code-system?url={ANIMALS}&q=foss", ("Fossil inactive",), ()),
        (f"/terminology/code-system?url={ANIMALS}&q=house", ("House cat", "1 concept"), ("Mouse",)),
        (f"/terminology/code-system?url={ANIMALS}&q=hauskatze", ("House cat",), ()),
        (f"/terminology/code-system?url={ANIMALS}&q=xyz", ("No concept has these words",), ()),
        ("/terminology/code-system?url=http://own.test/cs", ("With a space",), ()),
        (
            f"/terminology/concept?system={ANIMALS}&code=cat",
            (
                "It <purrs>.", "Hauskatze", "synonym", "legs 4", "mouse Mouse", "Animal", "Siamese",
                "wider C Felis http://b.test/beasts Animals elsewhere", "equal K",
                "Pets http://a.test/ValueSet/pets", "stones", "Our own pets",
                "Keeper of a pet Patient.maritalStatus required",
            ),
            (),
        ),
        (
            f"/terminology/concept?system={ANIMALS}&code=mouse",
            ("Nothing is below it.", "unmatched", "stones"),
            ("ValueSet/pets", "Keeper"),
        ),
        ("/terminology/concept?system=http://own.test/cs&code=x+y", ("With a space",), ()),
        (
            f"/terminology/value-set?url={PETS}",
            (
                "Made of", "concept descendent-of animal", "Without", "mouse", "2 codes", "cat",
                "Keeper of a pet Patient.maritalStatus required",
            ),
            ("Stone",),
        ),
        (f"/terminology/value-set?url={PETS}&q=siam", ("1 code", "Siamese"), ("House cat",)),
        ("/terminology/value-set?url=http://own.test/vs", ("House cat",), ()),
        ("/terminology/value-set?url=http://a.test/ValueSet/lost", ("not-here",), ("0 codes",)),
        (
            "/terminology/value-set?url=http://a.test/ValueSet/stones",
            ("124 codes",),
            ("Fossil",),
        ),
        (
            "/terminology/value-set?url=http://a.test/ValueSet/stones&offset=100",
            ("Fossil inactive",),
            ("House cat",),
        ),
        (f"/terminology/concept-map?url={TO_V2}", ("3 mappings", "Felis", "unmatched"), ()),
        (f"/terminology/concept-map?url={TO_V2}&q=felis", ("1 mapping", "cat"), ("unmatched",)),
        (
            "/packages",
            (
                "a.zoo", "2.1.0", "The zoo", "b.base#1.0.0 asks for 1.x", "c.lost not here",
                "hl7.fhir.r4.core", "comes with the program",
            ),
            (),
        ),
        ("/packages?q=keeper", ("Keeper of a pet", "profile · Patient", "a.zoo#2.1.0"), ()),
        ("/packages?type=SearchParameter", ("Keeping", "1 found"), ("Animals",)),
        ("/packages/package?id=a.zoo%232.1.0", ("8 artifacts", "Animals of a zoo"), ()),
        ("/packages/package?id=b.base%231.0.0", ("Needed by a.zoo#2.1.0",), ()),
        ("/packages/package?id=a.zoo%232.1.0&type=ValueSet", ("3 artifacts",), ("Keeper",)),
        (
            "/packages/package?id=hl7.fhir.r4.core%234.0.1&q=blood+pressure",
            ("Blood Pressure",),
            (),
        ),
        (
            f"/packages/artifact?type=StructureDefinition&url={KEEPER}",
            (
                "Keeper of a pet", "Level 1: name S Σ 1..* HumanName", "identifier :zoo",
                "Sliced by value:system (open)", "Fixed value http://a.test/zoo",
                f"Binding {PETS}|1 (required)", "Differs in cardinality, must support",
                "managingOrganization", "Derived from",
            ),
            (),
        ),
        (
            f"/packages/artifact?type=StructureDefinition&url={KEEPER}&view=differences",
            ("Level 1: name", "Level 3: system"),
            ("managingOrganization",),
        ),
        (
            "/packages/artifact?type=StructureDefinition"
            "&url=http://a.test/StructureDefinition/broken",
            ("nowhere of http://a.test/StructureDefinition/broken is not known here",),
            (),
        ),
        (
            "/packages/artifact?type=StructureDefinition"
            "&url=http://hl7.org/fhir/StructureDefinition/Patient",
            ("Level 0: Patient", "Keeper of a pet", "Organization"),
            ("Differs in",),
        ),
        (
            "/packages/artifact?type=StructureDefinition&url=http://own.test/mine&view=differences",
            ("mine StructureDefinition", "Level 1: subject Σ 1..1 Reference", "Differs in"),
            ("performer",),
        ),
        (
            "/packages/artifact?type=SearchParameter&url=http://a.test/SearchParameter/s",
            ("Keeping", "keeping", "who keeps <what>"),
            (),
        ),
        (f"/validator?profile={KEEPER}", ("Validator", "Nothing is stored"), ("was found",)),
    ],
)  # fmt: skip
async def test_a_page_shows(
    page: httpx.AsyncClient, path: str, there: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    text = words(await opened(page, path))
    for one in there:
        assert one in text, (one, text)
    for one in absent:
        assert one not in text, (one, text)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/terminology?kind=nothing", 404),
        ("/terminology?offset=-1", 400),
        (f"/terminology?q={'x' * 201}", 400),
        ("/terminology/code-system", 404),
        ("/terminology/code-system?url=http://a.test/none", 404),
        (f"/terminology/code-system?url={ANIMALS}&version=9", 404),
        (f"/terminology/concept?system={ANIMALS}&code=none", 404),
        (f"/terminology/concept?system={ANIMALS}&code=cat&offset=1e9", 400),
        ("/terminology/value-set?url=http://a.test/none", 404),
        ("/terminology/concept-map?url=http://a.test/none", 404),
        ("/packages/package?id=none", 404),
        ("/packages/artifact?type=Patient&url=http://a.test/none", 404),
        (f"/packages/artifact?type=StructureDefinition&url={KEEPER}&package=none", 404),
        (f"/packages/artifact?type=StructureDefinition&url={KEEPER}&view=upside-down", 400),
    ],
)
async def test_what_is_not_there_or_not_understood(
    page: httpx.AsyncClient, path: str, status: int
) -> None:
    answer = await page.get(path)
    assert answer.status_code == status
    assert "<main" in answer.text


STARTS = (
    f"/terminology/code-system?url={ANIMALS}&open=animal",
    f"/terminology/concept?system={ANIMALS}&code=cat",
    f"/terminology/value-set?url={PETS}",
    f"/terminology/concept-map?url={TO_V2}",
    "/packages",
    "/packages/package?id=a.zoo%232.1.0",
    f"/packages/artifact?type=StructureDefinition&url={KEEPER}",
)


@pytest.mark.parametrize("path", STARTS)
async def test_every_link_to_what_is_here_leads_there(page: httpx.AsyncClient, path: str) -> None:
    seen = set()
    for link in links(await opened(page, path)):
        seen.add(link)
        answer = await page.get(link)
        gone = "b.test" in link or "not-here" in link
        assert answer.status_code == (404 if gone else 200), link
    assert len(seen) > 3


async def test_a_tree_opens_step_by_step_and_closes(page: httpx.AsyncClient) -> None:
    text = await opened(page, "/terminology/code-system", url=ANIMALS)
    shut = next(link for link in links(text) if "open=animal" in link)
    text = await opened(page, shut.partition("#")[0])
    assert 'aria-expanded="true"' in text
    deeper = next(link for link in links(text) if "open=cat" in link)
    assert "Siamese" in await opened(page, deeper)
    again = next(link for link in links(text) if link.endswith("#t-1"))
    assert "House cat" not in await opened(page, again)


async def test_a_long_list_is_paged(page: httpx.AsyncClient) -> None:
    seen: list[str] = []
    path = f"/terminology/code-system?url={ANIMALS}"
    while path:
        text = await opened(page, path)
        seen += re.findall(r"<code>([^<]*)</code>", text)
        path = next((one for one in links(text) if "after=" in one and "open=" not in one), "")
    assert seen == ["animal", *(f"stone-{n}" for n in range(119))]


async def test_a_tree_with_a_circle_ends(house: House, page: httpx.AsyncClient) -> None:
    above = [{"code": "parent", "valueCode": "b"}], [{"code": "parent", "valueCode": "a"}]
    await house.put({
        "resourceType": "CodeSystem", "id": "circle", "url": "http://own.test/circle",
        "status": "active", "content": "complete",
        "property": [
            {"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent",
             "type": "code"}],
        "concept": [
            {"code": "top", "concept": [{"code": "a", "property": above[0]}]},
            {"code": "b", "property": above[1]}]})  # fmt: skip
    every = [("open", "top"), ("open", "a"), ("open", "b")]
    query = urlencode([("url", "http://own.test/circle"), *every])
    text = await opened(page, f"/terminology/code-system?{query}")
    assert text.count("<code>a</code>") < 4
    await opened(page, "/terminology/concept", system="http://own.test/circle", code="a")


async def test_an_artifact_is_kept_as_json(page: httpx.AsyncClient) -> None:
    answer = await page.get(
        "/packages/artifact/json", params={"type": "StructureDefinition", "url": KEEPER}
    )
    assert answer.json()["title"] == "Keeper of a pet"
    assert 'filename="StructureDefinition-keeper.json"' in answer.headers["content-disposition"]


async def test_one_has_to_sign_in(house: House, packages: MemoryPackages) -> None:
    async with browser(house, packages, None) as nobody:
        for path in (*STARTS, "/terminology", "/validator"):
            answer = await nobody.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in?next=")
        assert (await nobody.post("/validator", data={"resource": "{}"})).status_code == 303


async def denials(house: House) -> int:
    return sum(record.outcome is not Outcome.SUCCESS for record in await house.audit())


async def test_people_who_may_not_see_the_institutions_own_see_the_rest(
    house: House, packages: MemoryPackages
) -> None:
    before = await denials(house)
    async with browser(house, packages, NURSE) as nurse:
        text = words(await opened(nurse, "/terminology", q="codes"))
        assert "Our own codes" not in text
        text = words(await opened(nurse, "/terminology", kind="value-sets", q="pets"))
        assert "Pets" in text
        assert "Our own pets" not in text
        text = words(await opened(nurse, f"/terminology/concept?system={ANIMALS}&code=cat"))
        assert "Our own pets" not in text
        assert await denials(house) == before
        answer = await nurse.get("/terminology/value-set", params={"url": "http://own.test/vs"})
        assert answer.status_code == 404


async def test_the_way_there_is_shown_to_those_whom_it_concerns(
    house: House, packages: MemoryPackages
) -> None:
    for who, count in ((NURSE, 1), (PATIENT, 0)):
        async with browser(house, packages, who) as page:
            text = await opened(page, "/patients")
            for path in ("/terminology", "/packages", "/validator"):
                assert text.count(f'href="{path}"') == count


async def looked(page: httpx.AsyncClient, resource: str, **more: str) -> str:
    answer = await page.post("/validator", data={"resource": resource, **more})
    assert answer.status_code == 200, answer.text
    return answer.text


def noted(text: str) -> dict[int, list[str]]:
    """What is said beside the lines of a resource, by line."""
    found: dict[int, list[str]] = {}
    for line in re.findall(r'<li id="l\d+".*?</li>', text, re.DOTALL):
        number = re.search(r'id="l(\d+)"', line)
        for note in re.findall(r'<p class="note.*?</p>', line, re.DOTALL):
            assert number is not None
            said = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", note)).split())
            found.setdefault(int(number[1]), []).append(said)
    return found


KEPT = """{
  "resourceType": "Patient",
  "text": {"status": "empty", "div": "<div xmlns=\\"http://www.w3.org/1999/xhtml\\">x</div>"},
  "nme": 1,
  "gender": "blue",
  "contact": [
    {"name": {"text": "A"}},
    {
      "gender": "purple"
    }
  ],
  "multipleBirthInteger": 1.5
}"""


async def test_problems_stand_beside_the_lines_they_are_about(page: httpx.AsyncClient) -> None:
    text = await looked(page, KEPT.replace("\n", "\r\n"))
    found = noted(text)
    assert set(found) == {4, 5, 8, 9, 12}, found
    assert "Error Patient has no such element Patient.nme" in found[4][0]
    assert "Patient.contact[1].gender" in found[9][0]
    for number in re.findall(r'href="#p(\d+)"', text):
        assert text.count(f'id="p{number}"') == 1
    assert re.search(r"<title>\d+ problems", text)


async def test_a_profile_says_which_element_of_it_asks(page: httpx.AsyncClient) -> None:
    text = await looked(page, '{\n"resourceType":\n"Patient",\n "active": true}', profile=KEEPER)
    (note,) = [one for lines in noted(text).values() for one in lines if "keeper" in one]
    assert note.startswith("Error At least 1 of name")
    assert f"url={html.escape(KEEPER.replace('/', '%2F').replace(':', '%3A'))}" in text
    assert "#Patient.name" in text
    text = await looked(page, '{"resourceType":"Patient"}', profile2="http://a.test/nobody")
    assert "http://a.test/nobody is not known here" in words(text)
    text = await looked(page, '{"resourceType":"Patient"}', profile="patient")
    assert "is no canonical URL" in words(text)


async def test_xml_is_looked_at_as_it_is(page: httpx.AsyncClient) -> None:
    good = '<Patient xmlns="http://hl7.org/fhir">\n{}\n<active value="true"/>\n</Patient>'
    found = noted(await looked(page, good.format('<language value="a b"/>')))
    assert "Patient.language" in found[2][0]
    found = noted(await looked(page, good.format("\n<nme/>")))
    assert "<nme> is not known here" in found[3][0]
    nested = (
        '<contained>\n<Observation>\n<status value="x"/>\n<code><text value="a"/></code>\n'
        '<valueQuantity>\n<value value="1"/>\n<code value="mg"/></valueQuantity>\n</Observation>\n'
        "</contained>"
    )
    found = noted(await looked(page, good.format(nested)))
    assert any("Patient.contained[0].status" in note for note in found[4])


@pytest.mark.parametrize(
    ("sent", "line", "said"),
    [
        ('{\n"resourceType": "Patient",\n"active": }', 3, "Expecting value"),
        ("<Patient xmlns='http://hl7.org/fhir'>\n<active", 2, ""),
        ("<!DOCTYPE a []>\n<Patient/>", 1, "DOCTYPE"),
        ("[]", 1, "Expected a JSON object"),
        ('{"a": 1}', 1, "resourceType is the name"),
        ('{"resourceType": ["Patient"]}', 1, "resourceType is the name"),
        ("what?", 1, ""),
        ('{"resourceType": "Patient", "id": "\ud800"}', 1, ""),
        ("[" * 100_000, 1, ""),
    ],
)
async def test_what_cannot_be_read_is_said_in_its_place(
    page: httpx.AsyncClient, sent: str, line: int, said: str
) -> None:
    body = urlencode({"resource": sent.encode("utf-8", "surrogatepass")})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await page.post("/validator", content=body, headers=headers)
    if "\ud800" in sent:
        assert answer.status_code == 400
        return
    found = noted(answer.text)
    assert list(found) == [line], found
    assert said in found[line][0]


async def test_a_good_resource_a_long_one_and_none(page: httpx.AsyncClient) -> None:
    narrative = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A</div>'}
    good: Json = {"resourceType": "Patient", "text": narrative}
    text = await looked(page, json.dumps(good))
    assert "No problem was found" in words(text)
    assert "nothing to look at" not in words(text)
    names = [{"family": "A"}] * 3_000
    names[2_000] = {"family": ""}
    many = json.dumps(good | {"name": names}, indent=1)
    text = await looked(page, many)
    found = noted(text)
    (at,) = found
    assert '"family": ""' in many.split("\n")[at - 1]
    assert text.count('<li id="l') < 30
    answer = await page.post("/validator", data={"resource": "  "})
    assert answer.status_code == 400
    assert "paste a resource" in words(answer.text)
    answer = await page.post("/validator", data={"resource": "x" * 1_000_001})
    assert answer.status_code == 413
    answer = await page.post("/validator", data={"resource": "x" * 4_000_000})
    assert answer.status_code == 413


async def test_who_may_do_nothing_with_a_type_keeps_what_was_pasted(
    house: House, packages: MemoryPackages
) -> None:
    async with browser(house, packages, NURSE) as nurse:
        text = await looked(nurse, '{"resourceType": "Basic", "id": "kept-text"}')
        assert "may do nothing with Basic" in words(text)
        assert "kept-text" in words(text)


async def test_one_long_line_is_written_anew(page: httpx.AsyncClient) -> None:
    dense = json.dumps({"resourceType": "Patient", "name": [{"text": "n" * 500}], "gender": "x"})
    found = noted(await looked(page, dense))
    assert any("Patient.gender" in note for note in found[8]), found


async def test_what_is_pasted_and_searched_for_is_kept_nowhere(
    house: House, page: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    stored = await house.stored()
    with caplog.at_level(logging.DEBUG):
        await looked(page, '{"resourceType": "Patient", "name": [{"family": "Xerxes"}], "x": 1}')
        for kind in ("code-systems", "value-sets", "concept-maps"):
            await opened(page, "/terminology", kind=kind, q="xerxes")
        await opened(page, "/packages", q="xerxes")
        await opened(page, "/terminology/concept-map", url=TO_V2, q="xerxes")
        await opened(page, "/terminology/code-system", url=ANIMALS, q="xerxes")
        await opened(page, "/terminology/value-set", url=PETS, q="xerxes")
    own = [record for record in caplog.records if record.name.startswith("careplane")]
    assert "erxes" not in " ".join(record.getMessage() for record in own)
    assert "erxes" not in str(await house.audit())
    assert await house.stored() == stored


async def test_a_form_of_another_site_is_refused(page: httpx.AsyncClient) -> None:
    answer = await page.post(
        "/validator", data={"resource": "{}"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403
