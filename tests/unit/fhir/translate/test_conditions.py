"""Translated expressions say what FHIRPath says: tables of a resource, an expression, an answer."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from careplane.fhir.definitions import search_parameters, type_definition, type_names
from careplane.fhir.fhirpath import parse
from careplane.fhir.fhirpath.errors import NotFhirpath
from careplane.fhir.structs import decoder
from careplane.fhir.translate import Translator, Untranslatable
from careplane.fhir.translate.compiled import condition

PATIENT: dict[str, Any] = {
    "id": "p",
    "active": True,
    "_birthDate": {"extension": [{"url": "http://e/absent", "valueCode": "unknown"}]},
    "name": [{"family": "Ríos", "given": ["Ana", "Eva"]}, {"use": "nickname", "text": "Ani"}],
    "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@b"}],
    "deceasedDateTime": "2020-02-03",
    "multipleBirthInteger": 2,
    "contained": [{"resourceType": "Organization", "id": "o", "name": "O"}],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [
        {"reference": "Practitioner/1"},
        {"reference": "http://elsewhere/fhir/Organization/7"},
        {"reference": "urn:uuid:1", "type": "PractitionerRole"},
        {"reference": "PractitionerRole/9"},
    ],
}
TABLE = [
    ("active", True),
    ("active.not()", False),
    ("gender.exists()", False),
    ("gender = 'male'", None),
    ("gender != 'male'", None),
    ("gender = 'male' or active", True),
    ("gender = 'male' and active", None),
    ("gender = 'male' and active.not()", False),
    ("gender = 'male' implies active", True),
    ("active implies gender = 'male'", None),
    ("gender.exists() xor active", True),
    ("active xor gender = 'male'", None),
    ("birthDate.exists()", True),
    ("birthDate.hasValue()", False),
    ("birthDate.extension('http://e/absent').value = 'unknown'", "many"),
    ("birthDate.extension('http://e/absent').value.exists()", True),
    ("birthDate.extension('http://e/other').exists()", False),
    ("birthDate.hasExtension('http://e/absent')", True),
    ("(deceased as dateTime).toString().length() >= 8", True),
    ("id.toString() = 'p'", True),
    ("name.count() = 2", True),
    ("name.count() + telecom.count() > 3", True),
    ("name.given.exists()", True),
    ("name.where(use = 'nickname').text.exists()", True),
    ("name.where(use = 'old').exists()", False),
    ("name.exists(family = 'Ríos')", True),
    ("name.all(family.exists() or text.exists())", True),
    ("name.all(family.exists())", False),
    ("name.first().family = 'Ríos'", True),
    ("name[1].family.exists()", False),
    ("name[1].text = 'Ani'", True),
    ("name[7].exists()", False),
    ("telecom.select(system).isDistinct()", True),
    ("telecom.select(value & system).isDistinct()", True),
    ("Patient.deceased.exists() and Patient.deceased != false", True),
    ("deceased is dateTime", True),
    ("deceased is boolean", False),
    ("deceased.as(dateTime) > @2020", None),
    ("deceased.as(dateTime) > @2019", True),
    ("(deceased as dateTime) <= @2020-02-03", True),
    ("multipleBirth.ofType(integer) >= 2", True),
    ("multipleBirth.ofType(boolean).exists()", False),
    ("id is string", True),
    ("id.ofType(string).exists()", False),
    ("generalPractitioner.where(resolve() is Practitioner).exists()", True),
    ("generalPractitioner.where(resolve() is Practitioner).count() = 1", True),
    ("generalPractitioner.where(resolve() is PractitionerRole).count() = 2", True),
    ("generalPractitioner.where(resolve() is Organization).count() = 1", True),
    ("generalPractitioner.where(resolve() is Patient).exists()", False),
    ("managingOrganization.reference.substring(1) in %resource.contained.id", True),
    ("'x' in contained.id", False),
    ("contained.contained.empty()", True),
    ("contained.meta.versionId.empty()", True),
    ("contained.id contains 'o'", True),
    ("id in ('p' | 'q')", True),
    ("gender in ('male' | 'female')", None),
    ("id.startsWith('p')", True),
    ("id.length() = 1", True),
    ("gender.startsWith('m')", None),
    ("gender.startsWith('m').not()", None),
    ("id.matches('^[a-o]+$')", False),
    ("id.contains('p')", True),
    ("Observation.code.exists()", False),
    ("Resource.id = 'p'", True),
    ("(name | telecom).exists()", True),
    ("{}.exists()", False),
    ("active = true", True),
    ("active != false", True),
    ("start.exists() = end.exists()", True),
]
OBSERVATION: dict[str, Any] = {
    "status": "final",
    "code": {"coding": [{"system": "s", "code": "a"}]},
    "component": [{"code": {"coding": [{"system": "s", "code": "a"}]}, "valueString": "x"}],
    "valueQuantity": {"value": 1.50},
    "referenceRange": [
        {
            "low": {"value": 1, "system": "http://unitsofmeasure.org", "code": "g"},
            "high": {"value": 900, "system": "http://unitsofmeasure.org", "code": "mg"},
        }
    ],
    "effectivePeriod": {"start": "2020-01-02", "end": "2020-01-01"},
}
OBSERVATION_TABLE = [
    ("component.code.where(coding.intersect(%resource.code.coding).exists()).empty()", False),
    ("value.value = 1.5", True),
    ("value.value < 2", True),
    ("value is Quantity", True),
    ("value.ofType(Quantity).unit.exists()", False),
    ("effective.start <= effective.end", False),
    ("referenceRange.first().low <= referenceRange.first().high", False),
    ("referenceRange.first().low > referenceRange.first().high", True),
    ("referenceRange.first().low > (value as Quantity)", None),
]  # fmt: skip


def decoded(type_name: str, content: dict[str, Any]) -> Any:
    return decoder(type_name).decode(json.dumps({"resourceType": type_name, **content}))


@pytest.mark.parametrize(("expression", "expected"), TABLE)
def test_conditions_on_a_patient(expression: str, expected: bool | None) -> None:
    if expected == "many":
        with pytest.raises(Untranslatable):
            condition("Patient", expression)
        return
    assert condition("Patient", expression)(decoded("Patient", PATIENT)) is expected


@pytest.mark.parametrize(("expression", "expected"), OBSERVATION_TABLE)
def test_conditions_on_an_observation(expression: str, expected: bool | None) -> None:
    assert condition("Observation", expression)(decoded("Observation", OBSERVATION)) is expected


@pytest.mark.parametrize(
    "expression",
    ["descendants().exists()", "name.combine(telecom).exists()", "%unknown", "name.given = 'x'",
     "generalPractitioner.resolve().name", "1 + 1 = 2 / 1", "name.as(NoSuchType)"],
)  # fmt: skip
def test_says_what_it_cannot_do(expression: str) -> None:
    with pytest.raises(Untranslatable):
        condition("Patient", expression)


@pytest.mark.parametrize(
    "expression",
    [
        "active" + " = (active" * 38 + ")" * 38,
        "(active" * 30 + " xor gender = 'male')" * 30,
        "name" + ".select($this | $this)" * 60 + ".exists()",
        "name.where(" * 40 + "use = 'old'" + ").exists()" * 40,
        "name" + ".where(use.exists())" * 100 + ".exists()",
        "active.not()" + ".not()" * 150,
        " or ".join(["active"] * 150),
    ],
)
def test_hostile_expressions_cost_little(expression: str) -> None:
    started = time.process_time()
    with suppress(Untranslatable, NotFhirpath):
        condition("Patient", expression)(decoded("Patient", PATIENT))
    assert time.process_time() - started < 2


def test_a_literal_is_never_code() -> None:
    hostile = "id = '\\' or __import__(\\'os\\') or \\''"
    assert condition("Patient", hostile)(decoded("Patient", {"id": "p"})) is False


BEYOND = {"ctm-1", "csd-1", "cnt-3", "dom-3", "eld-2", "que-2", "sdf-9", "sdf-8", "sdf-8a", "tim-9"}


def test_most_invariants_of_r4_can_be_translated() -> None:
    beyond = set()
    for name in type_names():
        for rule in type_definition(name).invariants:
            try:
                condition(name, rule.expression)
            except Untranslatable:
                beyond.add(rule.key)
    assert beyond == BEYOND


def test_every_search_expression_of_r4_can_be_translated() -> None:
    done = 0
    for parameter in search_parameters():
        for base in parameter.bases:
            if parameter.expression and base not in ("Resource", "DomainResource"):
                translator = Translator()
                scope = translator.scope("r", base)
                translator.collection(parse(parameter.expression), scope)
                done += 1
    assert done > 1500


def test_structs_are_what_the_translator_thinks() -> None:
    for name, rules in {"Observation": OBSERVATION, "Patient": PATIENT}.items():
        assert isinstance(decoded(name, rules), msgspec.Struct)
