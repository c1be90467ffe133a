"""The validator by HTTP: problems beside their lines, what cannot be read; nothing is kept."""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import pytest

from tests.package_house import Json
from tests.zoo_house import (
    ANIMALS,
    ENGINEER,
    KEEPER,
    NURSE,
    PETS,
    TO_V2,
    Zoo,
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


async def test_who_may_do_nothing_with_a_type_keeps_what_was_pasted(zoo: Zoo) -> None:
    async with zoo.browser(NURSE) as nurse:
        text = await looked(nurse, '{"resourceType": "Basic", "id": "kept-text"}')
        assert "may do nothing with Basic" in words(text)
        assert "kept-text" in words(text)


async def test_one_long_line_is_written_anew(page: httpx.AsyncClient) -> None:
    dense = json.dumps({"resourceType": "Patient", "name": [{"text": "n" * 500}], "gender": "x"})
    found = noted(await looked(page, dense))
    assert any("Patient.gender" in note for note in found[8]), found


async def test_what_is_pasted_and_searched_for_is_kept_nowhere(
    zoo: Zoo, page: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    stored = await zoo.house.stored()
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
    assert "erxes" not in str(await zoo.house.audit())
    assert await zoo.house.stored() == stored


async def test_a_form_of_another_site_is_refused(page: httpx.AsyncClient) -> None:
    answer = await page.post(
        "/validator", data={"resource": "{}"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403
