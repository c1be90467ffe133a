"""The pages of terminology and packages by HTTP: what is found, what leads where, who may come, and
what is refused."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import pytest

from careplane.ledger.audit import Outcome
from tests.zoo_house import (
    ANIMALS,
    ENGINEER,
    KEEPER,
    NURSE,
    PATIENT,
    PETS,
    TO_V2,
    Zoo,
    links,
    open_zoo,
    opened,
    words,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def zoo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Zoo]:
    async with open_zoo(tmp_path_factory.mktemp("zoo")) as zoo:
        yield zoo


@pytest.fixture(scope="module")
async def page(zoo: Zoo) -> AsyncIterator[httpx.AsyncClient]:
    async with zoo.browser(ENGINEER) as page:
        yield page


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
                "It <purrs>.",
                "Hauskatze",
                "synonym",
                "legs 4",
                "mouse Mouse",
                "Animal",
                "Siamese",
                "wider C Felis http://b.test/beasts Animals elsewhere",
                "equal K",
                "Pets http://a.test/ValueSet/pets",
                "stones",
                "Our own pets",
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
                "Made of",
                "concept descendent-of animal",
                "Without",
                "mouse",
                "2 codes",
                "cat",
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
                "a.zoo",
                "2.1.0",
                "The zoo",
                "b.base#1.0.0 asks for 1.x",
                "c.lost not here",
                "hl7.fhir.r4.core",
                "comes with the program",
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
                "Keeper of a pet",
                "Level 1: name S Σ 1..* HumanName",
                "identifier :zoo",
                "Sliced by value:system (open)",
                "Fixed value http://a.test/zoo",
                f"Binding {PETS}|1 (required)",
                "Differs in cardinality, must support",
                "managingOrganization",
                "Derived from",
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
)
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


async def test_a_tree_with_a_circle_ends(zoo: Zoo, page: httpx.AsyncClient) -> None:
    above = [{"code": "parent", "valueCode": "b"}], [{"code": "parent", "valueCode": "a"}]
    await zoo.house.put({
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


async def test_one_has_to_sign_in(zoo: Zoo) -> None:
    async with zoo.browser(None) as nobody:
        for path in (*STARTS, "/terminology", "/validator"):
            answer = await nobody.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in?next=")
        assert (await nobody.post("/validator", data={"resource": "{}"})).status_code == 303


async def denials(zoo: Zoo) -> int:
    return sum(record.outcome is not Outcome.SUCCESS for record in await zoo.house.audit())


async def test_people_who_may_not_see_the_institutions_own_see_the_rest(zoo: Zoo) -> None:
    before = await denials(zoo)
    async with zoo.browser(NURSE) as nurse:
        text = words(await opened(nurse, "/terminology", q="codes"))
        assert "Our own codes" not in text
        text = words(await opened(nurse, "/terminology", kind="value-sets", q="pets"))
        assert "Pets" in text
        assert "Our own pets" not in text
        text = words(await opened(nurse, f"/terminology/concept?system={ANIMALS}&code=cat"))
        assert "Our own pets" not in text
        assert await denials(zoo) == before
        answer = await nurse.get("/terminology/value-set", params={"url": "http://own.test/vs"})
        assert answer.status_code == 404


async def test_the_way_there_is_shown_to_those_whom_it_concerns(zoo: Zoo) -> None:
    for who, count in ((NURSE, 1), (PATIENT, 0)):
        async with zoo.browser(who) as page:
            text = await opened(page, "/patients")
            for path in ("/terminology", "/packages", "/validator"):
                assert text.count(f'href="{path}"') == count
