"""Forms in a house: a patient, a questionnaire of many kinds, and who fills it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.care.forms import typed
from careplane.care.forms.forms import Forms
from careplane.care.forms.opening import Opened
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.ids import new_id
from careplane.records import commands as c
from tests.contracts.conftest import Hands
from tests.contracts.engines import Store
from tests.fhir_house import TENANT, House, open_house

CORE = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)> %(who)s {{ 7*7 }} '"
NOW = 1_795_867_200_000_000
"""2026-11-28T12:00:00Z."""

DOCTOR = Caller(TENANT, "Practitioner/d", "Dr. D", parse_scopes("user/*.cruds"),
                roles=frozenset({"physician"}))  # fmt: skip
NURSE = Caller(TENANT, "Practitioner/n", "N. Nurse", parse_scopes("user/*.cruds"),
               roles=frozenset({"nurse"}))  # fmt: skip
ADA = Caller(
    TENANT, "Patient/p", "Ada Quinn",
    parse_scopes("patient/*.rs patient/QuestionnaireResponse.cu"), "p", frozenset({"patient"}),
)  # fmt: skip
BO = Caller(
    TENANT, "Patient/q", "Bo Else",
    parse_scopes("patient/*.rs patient/QuestionnaireResponse.cu"), "q", frozenset({"patient"}),
)  # fmt: skip


def calculated(text: str) -> Tree:
    """The extension that says what an answer is calculated to be."""
    return expression("calculatedExpression", text)


def expression(name: str, text: str, *, called: str = "", language: str = "text/fhirpath") -> Tree:
    """An extension of SDC that holds an expression; a variable where it has a name."""
    url = CORE + name if name == "variable" else SDC + name
    named = {"name": called} if called else {}
    return {"url": url, "valueExpression": {**named, "language": language, "expression": text}}


def unit(code: str) -> Tree:
    coding = {"system": UCUM, "code": code, "display": code}
    return {"url": CORE + "questionnaire-unit", "valueCoding": coding}


EXTRACT: Tree = {"url": SDC + "observationExtract", "valueBoolean": True}
VITAL: Tree = {
    "url": SDC + "observation-extract-category",
    "valueCodeableConcept": {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                "code": "vital-signs",
            }
        ]
    },
}


def questionnaire(id: str, *items: Tree, **more: Any) -> Tree:
    """One in use, about patients."""
    return {
        "resourceType": "Questionnaire",
        "id": id,
        "url": f"http://example.org/{id}",
        "status": "active",
        "title": f"Form {id}",
        "subjectType": ["Patient"],
        "item": list(items),
        **more,
    }


BODY = questionnaire(
    "body",
    {
        "linkId": "name",
        "type": "string",
        "extension": [expression("initialExpression", "%patient.name.first().family")],
    },
    {
        "linkId": "weight",
        "text": "Weight",
        "type": "decimal",
        "required": True,
        "code": [{"system": LOINC, "code": "29463-7", "display": "Body weight"}],
        "extension": [
            unit("kg"),
            EXTRACT,
            VITAL,
            {
                "url": SDC + "observationLinkPeriod",
                "valueDuration": {"value": 1, "system": UCUM, "code": "a"},
            },
        ],
    },
    {"linkId": "height", "text": "Height", "type": "decimal", "extension": [unit("cm")]},
    {
        "linkId": "bmi",
        "type": "decimal",
        "readOnly": True,
        "code": [{"system": LOINC, "code": "39156-5"}],
        "extension": [
            unit("kg/m2"),
            EXTRACT,
            calculated(
                "(%resource.item.where(linkId = 'weight').answer.value / "
                "(%resource.item.where(linkId = 'height').answer.value / 100).power(2)).round(1)"
            ),
        ],
    },
    {
        "linkId": "why",
        "text": "Why so heavy?",
        "type": "text",
        "enableWhen": [{"question": "bmi", "operator": ">=", "answerDecimal": 30}],
    },
)


def extracts(type: str, *values: Tree) -> list[Tree]:
    """The extensions of an item that begins a resource."""
    url = f"http://hl7.org/fhir/StructureDefinition/{type}"
    begins = {"url": SDC + "definitionExtract",
              "extension": [{"url": "definition", "valueCanonical": url}]}  # fmt: skip
    return [begins, *values]


def _of(path: str) -> str:
    return f"http://hl7.org/fhir/StructureDefinition/{path.partition('.')[0]}#{path}"


ADDRESS = questionnaire(
    "address",
    {
        "linkId": "id",
        "type": "string",
        "definition": _of("Patient.id"),
        "extension": [
            expression("initialExpression", "%patient.id"),
            {"url": CORE + "questionnaire-hidden", "valueBoolean": True},
        ],
    },
    {
        "linkId": "address",
        "type": "group",
        "repeats": True,
        "definition": _of("Patient.address"),
        "item": [
            {"linkId": "line", "type": "string", "definition": _of("Patient.address.line")},
            {"linkId": "city", "type": "string", "definition": _of("Patient.address.city")},
        ],
    },
    {
        "linkId": "contact",
        "type": "string",
        "definition": _of("RelatedPerson.name.text"),
        "extension": extracts(
            "RelatedPerson",
            {
                "url": SDC + "definitionExtractValue",
                "extension": [
                    {"url": "definition", "valueUri": _of("RelatedPerson.patient")},
                    {
                        "url": "expression",
                        "valueExpression": {
                            "language": "text/fhirpath",
                            "expression": "%resource.subject",
                        },
                    },
                ],
            },
        ),
    },
    extension=extracts("Patient"),
)


def weight(value: float, code: str, when: str) -> Tree:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "29463-7"}]},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": when,
        "valueQuantity": {"value": value, "unit": code, "system": UCUM, "code": code},
    }


@dataclass
class Desk:
    """A house with forms. `http` has all rights."""

    house: House
    forms: Forms

    async def put(self, tree: Tree) -> None:
        command = c.Update(tree["resourceType"], tree["id"], json.dump(tree))
        await self.house.door.update(self.house.caller("system/*.cruds"), command)

    async def create(self, tree: Tree) -> None:
        command = c.Create(tree["resourceType"], json.dump(tree))
        await self.house.door.create(self.house.caller("system/*.cruds"), command)

    async def all(self, type: str, query: str = "") -> list[Tree]:
        """What a search with all rights finds."""
        answer = await self.house.http.get(f"{type}?{query}")
        return [entry["resource"] for entry in answer.json().get("entry", ())]

    async def type(self, caller: Caller, id: str, **answers: str) -> Opened:
        """A form opened, with these answers typed: place (`0_1` for `0-1`) and text."""
        opened = await self.forms.open(caller, id, "en")
        opened.settle()
        fields = {f"a{_place(place)}/0": text for place, text in answers.items()}
        shown = " ".join(name[1:].partition("/")[0] for name in fields)
        typed.read(opened.sheet, {**fields, "shown": shown}, opened.expansions)
        opened.settle()
        return opened


def _place(name: str) -> str:
    """`p1_0_2` for `1-0.2`."""
    first, *rest = name[1:].split("_")
    return first + (f"-{rest[0]}.{rest[1]}" if rest else "")


@asynccontextmanager
async def open_desk(store: Store, clock: Hands) -> AsyncIterator[Desk]:
    async with open_house(store, clock=clock) as house:
        desk = Desk(house, Forms(house.door, clock, new_id))
        for id, family in (("p", "Quinn"), ("q", "Else")):
            name = [{"family": family, "given": ["Ada"]}]
            await desk.put({"resourceType": "Patient", "id": id, "name": name})
        await desk.put(BODY)
        yield desk
