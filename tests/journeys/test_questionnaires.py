"""`$validate` of a response: beside its questionnaire, as far as whoever asks may see that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir_house import House

pytestmark = pytest.mark.anyio
URL = "http://example.org/Questionnaire/smoking"


def questionnaire(id: str, version: str, *options: str) -> dict[str, Any]:
    item = {
        "linkId": "smokes",
        "type": "choice",
        "required": True,
        "answerOption": [{"valueString": option} for option in options],
    }
    return {
        "resourceType": "Questionnaire",
        "id": id,
        "url": URL,
        "version": version,
        "status": "active",
        "item": [item],
    }


def response(canonical: str, answer: str) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": canonical,
        "item": [{"linkId": "smokes", "answer": [{"valueString": answer}]}],
    }


async def test_a_response_is_held_against_its_questionnaire(house: House) -> None:
    await house.put(questionnaire("one", "1", "yes", "no"))
    await house.put(questionnaire("two", "2", "never", "often"))

    async def told(client: Any, canonical: str, answer: str) -> list[tuple[str, str]]:
        body = response(canonical, answer)
        found = await client.post("QuestionnaireResponse/$validate", json=body)
        issues = [
            (i["severity"], i["expression"][0]) for i in found.json()["issue"] if "expression" in i
        ]
        return [one for one in issues if one[1] != "QuestionnaireResponse"]

    wrong = ("error", "QuestionnaireResponse.item[0].answer[0].valueString")
    unknown = ("information", "QuestionnaireResponse.questionnaire")
    assert await told(house.http, URL, "never") == []  # the newest
    assert await told(house.http, URL, "yes") == [wrong]
    assert await told(house.http, f"{URL}|1", "yes") == []
    assert await told(house.http, f"{URL}|3", "yes") == [unknown]
    blind = house.client("system/QuestionnaireResponse.cruds")
    assert await told(blind, URL, "yes") == [unknown]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}],
    }
    bundle["entry"][0]["resource"] = response(URL, "yes")  # type: ignore[index]
    found = await house.http.post("Bundle/$validate", json=bundle)
    errors = [i for i in found.json()["issue"] if i["severity"] == "error"]
    assert [i["expression"] for i in errors] == [
        ["Bundle.entry[0].resource.item[0].answer[0].valueString"]
    ]
