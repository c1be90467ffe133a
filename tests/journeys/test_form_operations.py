"""$populate and $extract over HTTP: SDC's own examples of what they do, and who may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.care.forms.operations import Operations
from careplane.fhir.tree import Tree
from careplane.kernel.clock import system_clock
from careplane.rest.addressing import Addressing
from careplane.rest.app import Fhir
from careplane.rest.interactions.capabilities import Capabilities
from careplane.rest.links import Pages
from careplane.rest.service import Service
from careplane.storage.engines.memory import MemoryStore
from tests.contracts.conftest import Hands
from tests.fhir_house import BASE, LIMIT, REGISTRY
from tests.forms_house import (
    ADA,
    ADDRESS,
    BO,
    DOCTOR,
    LOINC,
    NOW,
    SDC,
    Desk,
    expression,
    extracts,
    open_desk,
    questionnaire,
    weight,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    clock = Hands(NOW)
    async with open_desk(MemoryStore(clock), clock) as desk:
        await desk.put(ADDRESS)
        yield desk


async def ask(desk: Desk, caller: Caller, path: str, *parameters: Tree) -> httpx.Response:
    """POST to an operation of forms."""
    operations = Operations(desk.forms).offered()
    house = desk.house
    fhir = Fhir(
        Service(house.door, Pages(bytes(32)), LIMIT),
        house.tokens.resolve,
        Capabilities(REGISTRY, operations, system_clock()),
        operations,
        Addressing(BASE.removesuffix("/fhir")),
    )
    headers = {"authorization": f"Bearer {house.tokens.issue(caller, 3600)}"}
    transport = httpx.ASGITransport(fhir)
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as http:
        body = {"resourceType": "Parameters", "parameter": list(parameters)}
        return await http.post(f"/{path}", json=body)


def of(name: str, value: Any) -> Tree:
    kind = "resource" if "resourceType" in value else "valueReference"
    return {"name": name, kind: value}


PATIENT = of("subject", {"reference": "Patient/p"})


def given(answer: httpx.Response) -> Tree:
    """The one resource of an answer."""
    assert answer.status_code == 200, answer.text
    (parameter,) = answer.json()["parameter"]
    resource: Tree = parameter["resource"]
    return resource


async def test_a_draft_is_answered_and_not_written(desk: Desk) -> None:
    await desk.create(weight(81, "kg", "2026-11-01"))
    response = given(await ask(desk, DOCTOR, "Questionnaire/body/$populate", PATIENT))
    assert response["status"] == "in-progress"
    assert [item["linkId"] for item in response["item"]] == ["name", "weight"]
    by_name = {"name": "canonical", "valueCanonical": "http://example.org/body"}
    again = given(await ask(desk, DOCTOR, "Questionnaire/$populate", by_name, PATIENT))
    assert again == response
    assert await desk.all("QuestionnaireResponse") == []


async def test_what_the_caller_may_not_see_stays_empty(desk: Desk) -> None:
    await desk.create(weight(81, "kg", "2026-11-01"))
    response = given(await ask(desk, BO, "Questionnaire/body/$populate", PATIENT))
    assert "item" not in response


async def test_a_repeating_group_stands_once_for_each_of_its_contexts(desk: Desk) -> None:
    """As SDC's example of demographics (itemPopulationContext): a query, and names of a patient."""
    for name in ("May", "Ben"):
        await desk.create(
            {
                "resourceType": "RelatedPerson",
                "patient": {"reference": "Patient/p"},
                "name": [{"given": [name]}],
            }
        )
    query = "RelatedPerson?patient={{%patient.id}}&_sort=name"
    form = questionnaire(
        "relatives",
        {
            "linkId": "relative",
            "type": "group",
            "repeats": True,
            "extension": [
                expression(
                    "itemPopulationContext",
                    query,
                    called="relative",
                    language="application/x-fhir-query",
                )
            ],
            "item": [
                {
                    "linkId": "given",
                    "type": "string",
                    "extension": [expression("initialExpression", "%relative.name.given")],
                }
            ],
        },
        {
            "linkId": "how-many",
            "type": "integer",
            "extension": [expression("initialExpression", "%all.total")],
        },
        extension=[
            expression("variable", query, called="all", language="application/x-fhir-query")
        ],
    )
    sent = of("questionnaire", form)
    response = given(await ask(desk, DOCTOR, "Questionnaire/$populate", sent, PATIENT))
    first, second, count = response["item"]
    names = [one["item"][0]["answer"][0]["valueString"] for one in (first, second)]
    assert names == ["Ben", "May"]
    assert count["answer"] == [{"valueInteger": 2}]


async def test_a_context_may_be_sent_along(desk: Desk) -> None:
    form = questionnaire(
        "who",
        {
            "linkId": "user",
            "type": "string",
            "extension": [expression("initialExpression", "%user.name.family")],
        },
    )
    practitioner = {"resourceType": "Practitioner", "id": "x", "name": [{"family": "Ratke"}]}
    context = {
        "name": "context",
        "part": [
            {"name": "name", "valueString": "user"},
            {"name": "content", "resource": practitioner},
        ],
    }
    sent = of("questionnaire", form)
    response = given(await ask(desk, DOCTOR, "Questionnaire/$populate", sent, PATIENT, context))
    assert response["item"][0]["answer"] == [{"valueString": "Ratke"}]


async def test_an_injected_value_stays_a_value(desk: Desk) -> None:
    """What an expression finds cannot add parameters to a query."""
    await desk.put(
        {
            "resourceType": "Patient",
            "id": "p",
            "name": [{"family": "Quinn&_id=q"}],
        }
    )
    form = questionnaire(
        "inject",
        {
            "linkId": "n",
            "type": "integer",
            "extension": [expression("initialExpression", "%found.total")],
        },
        extension=[
            expression(
                "variable",
                "Patient?name={{%patient.name.family}}",
                called="found",
                language="application/x-fhir-query",
            )
        ],
    )
    sent = of("questionnaire", form)
    response = given(await ask(desk, DOCTOR, "Questionnaire/$populate", sent, PATIENT))
    assert response["item"][0]["answer"] == [{"valueInteger": 1}]


async def test_an_extraction_is_a_transaction_and_writes_nothing(desk: Desk) -> None:
    response = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": "http://example.org/body",
        "status": "completed",
        "authored": "2026-11-28T12:00:00Z",
        "subject": {"reference": "Patient/p"},
        "item": [{"linkId": "weight", "answer": [{"valueDecimal": 81}]}],
    }
    sent = of("questionnaire-response", response)
    found = given(await ask(desk, DOCTOR, "QuestionnaireResponse/$extract", sent))
    assert (found["resourceType"], found["type"]) == ("Bundle", "transaction")
    (entry,) = found["entry"]
    assert entry["request"] == {"method": "PUT", "url": f"Observation/{entry['resource']['id']}"}
    assert entry["resource"]["valueQuantity"]["value"] == 81
    assert await desk.all("Observation") == []
    for _ in range(2):
        assert (await desk.house.http.post("", json=found)).status_code == 200
    assert len(await desk.all("Observation")) == 1


async def test_a_panel_has_its_members_and_marked_codes_alone_count(desk: Desk) -> None:
    mark = {"url": SDC + "observationExtract", "valueBoolean": True}
    off = {"url": SDC + "observationExtract", "valueBoolean": False}
    code = {"system": LOINC, "code": "44249-1"}
    form = questionnaire(
        "panel",
        {
            "linkId": "g",
            "type": "group",
            "code": [code],
            "item": [
                {"linkId": "a", "type": "choice", "code": [{"code": "a"}],
                 "answerOption": [{"valueCoding": {"code": "x"}}]},
                {"linkId": "b", "type": "boolean",
                 "code": [{"code": "b1"}, {"code": "b2", "extension": [mark]}]},
                {"linkId": "c", "type": "date", "code": [{"code": "c"}], "extension": [off]},
                {"linkId": "d", "type": "attachment", "code": [{"code": "d"}]},
                {"linkId": "e", "type": "string", "repeats": True, "code": [{"code": "e"}]},
            ],
        },
        extension=[mark],
    )  # fmt: skip
    await desk.put(form)
    answers = {
        "a": [{"valueCoding": {"code": "x"}}],
        "b": [{"valueBoolean": True}],
        "c": [{"valueDate": "2026-01-01"}],
        "d": [{"valueAttachment": {"contentType": "image/png"}}],
        "e": [{"valueString": "one"}, {"valueString": "two"}],
    }
    response = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": form["url"],
        "status": "completed",
        "item": [
            {
                "linkId": "g",
                "item": [{"linkId": link, "answer": given} for link, given in answers.items()],
            }
        ],
    }
    sent = of("questionnaire-response", response)
    found = given(await ask(desk, DOCTOR, "QuestionnaireResponse/$extract", sent))
    made = [entry["resource"] for entry in found["entry"]]
    codes = [one["code"]["coding"][0]["code"] for one in made]
    assert codes == ["a", "b2", "e", "e", "44249-1"]
    assert made[0]["valueCodeableConcept"] == {"coding": [{"code": "x"}]}
    members = [one["reference"] for one in made[-1]["hasMember"]]
    assert members == [f"Observation/{one['id']}" for one in made[:-1]]


async def test_a_definition_that_r4_has_not_is_refused(desk: Desk) -> None:
    for definition in ("Patient.nonsense", "Patient.name.nonsense.more"):
        form = questionnaire(
            "wrong",
            {
                "linkId": "a",
                "type": "string",
                "definition": f"http://hl7.org/fhir/StructureDefinition/Patient#{definition}",
            },
            extension=extracts("Patient"),
        )
        await desk.put(form)
        response = {
            "resourceType": "QuestionnaireResponse",
            "questionnaire": form["url"],
            "status": "completed",
            "item": [{"linkId": "a", "answer": [{"valueString": "x"}]}],
        }
        sent = of("questionnaire-response", response)
        answer = await ask(desk, DOCTOR, "QuestionnaireResponse/$extract", sent)
        assert answer.status_code == 400


async def test_who_takes_it_into_the_record(desk: Desk) -> None:
    id = await desk.forms.begin(ADA, "address", "p")
    opened = await desk.type(ADA, id, p1_0_1="Springfield")
    await desk.forms.complete(ADA, opened, "en")
    path = f"QuestionnaireResponse/{id}/$take"
    assert (await ask(desk, BO, path)).status_code == 404
    assert (await ask(desk, ADA, path)).status_code == 403
    answer = await ask(desk, DOCTOR, path)
    assert answer.json()["parameter"] == [{"name": "written", "valueInteger": 2}]


@pytest.mark.parametrize(
    ("path", "parameters", "status"),
    [
        ("Questionnaire/$populate", [PATIENT], 400),
        ("Questionnaire/body/$populate", [], 400),
        ("Questionnaire/nobody/$populate", [PATIENT], 404),
        ("Questionnaire/body/$populate", [PATIENT, {"name": "nonsense", "valueString": "x"}], 400),
        ("Questionnaire/body/$populate", [PATIENT, {"name": "context", "part": []}], 400),
        ("QuestionnaireResponse/$extract", [], 400),
        ("QuestionnaireResponse/nobody/$extract", [], 404),
        ("QuestionnaireResponse/nobody/$take", [], 404),
    ],
)
async def test_what_is_wrong_is_told(
    desk: Desk, path: str, parameters: list[Tree], status: int
) -> None:
    answer = await ask(desk, DOCTOR, path, *parameters)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"
