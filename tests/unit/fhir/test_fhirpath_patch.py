"""FHIRPath Patch: each operation on each kind of element, and what is refused with what words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from careplane.fhir import patch
from careplane.fhir.codec import json, xml
from careplane.kernel.errors import CareplaneError, Invalid, Malformed, TooLarge

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "text": {"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">a</div>'},
    "contained": [{"resourceType": "Organization", "id": "o", "name": "O"}],
    "active": True,
    "name": [
        {
            "use": "official",
            "family": "A",
            "given": ["B", None, "C"],
            "_given": [None, {"id": "g"}],
        },
        {"use": "usual", "family": "D"},
    ],
    "birthDate": "1970-01-01",
    "_birthDate": {"extension": [{"url": "u", "valueCode": "c"}]},
    "deceasedBoolean": False,
    "contact": [{"name": {"text": "n"}}],
    "managingOrganization": {"reference": "#o"},
}

Part = dict[str, Any]


def operation(kind: str, path: str, *parts: Part, **values: Any) -> Part:
    """One parameter; a value is given as `valueString=...`, others by their names."""
    told: list[Part] = [
        {"name": "type", "valueCode": kind},
        {"name": "path", "valueString": path},
    ]
    for name, value in values.items():
        if name.startswith(("value", "_value")):
            told.append({"name": "value", name: value})
        elif name == "name":
            told.append({"name": name, "valueString": value})
        else:
            told.append({"name": name, "valueInteger": value})
    if parts:
        told.append({"name": "value", "part": list(parts)})
    return {"name": "operation", "part": told}


def body(*operations: Part) -> bytes:
    return json.dump({"resourceType": "Parameters", "parameter": list(operations)})


def changed(**parts: Any) -> dict[str, Any]:
    """The patient with other members; None takes one away."""
    return {k: v for k, v in {**copy.deepcopy(PATIENT), **parts}.items() if v is not None}


OFFICIAL = PATIENT["name"][0]
USUAL = PATIENT["name"][1]

DONE: dict[str, tuple[list[Part], dict[str, Any]]] = {
    "nothing": ([], PATIENT),
    "add a primitive": (
        [operation("add", "Patient", name="gender", valueCode="male")],
        changed(gender="male"),
    ),
    "add a string where a code is": (
        [operation("add", "Patient", name="gender", valueString="male")],
        changed(gender="male"),
    ),
    "add to a list of primitives": (
        [operation("add", "Patient.name.where(use = 'usual')", name="given", valueString="E")],
        changed(name=[OFFICIAL, {**USUAL, "given": ["E"]}]),
    ),
    "add behind a gap": (
        [operation("add", "Patient.name[0]", name="given", valueString="E")],
        changed(
            name=[
                {
                    **OFFICIAL,
                    "given": ["B", None, "C", "E"],
                    "_given": [None, {"id": "g"}, None, None],
                },
                USUAL,
            ]
        ),
    ),
    "add a choice by its FHIRPath name": (
        [operation("add", "Patient", name="multipleBirth", valueInteger=2)],
        changed(multipleBirthInteger=2),
    ),
    "add a choice by its JSON name": (
        [operation("add", "Patient", name="multipleBirthInteger", valueInteger=2)],
        changed(multipleBirthInteger=2),
    ),
    "add from parts": (
        [
            operation(
                "add",
                "Patient",
                {"name": "name", "valueHumanName": {"family": "F"}},
                {"name": "telecom", "valueContactPoint": {"value": "1"}},
                {"name": "telecom", "valueContactPoint": {"value": "2"}},
                name="contact",
            )
        ],
        changed(
            contact=[
                *PATIENT["contact"],
                {"name": {"family": "F"}, "telecom": [{"value": "1"}, {"value": "2"}]},
            ]
        ),
    ),
    "add an extension": (
        [
            operation(
                "add",
                "Patient",
                {"name": "url", "valueUri": "v"},
                {"name": "value", "valueQuantity": {"value": 1}},
                name="extension",
            )
        ],
        changed(extension=[{"url": "v", "valueQuantity": {"value": 1}}]),
    ),
    "add an extension to a primitive": (
        [
            operation(
                "add",
                "Patient.active",
                {"name": "url", "valueUri": "v"},
                {"name": "value", "valueString": "x"},
                name="extension",
            )
        ],
        changed(_active={"extension": [{"url": "v", "valueString": "x"}]}),
    ),
    "add a contained resource": (
        [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "add"},
                    {"name": "path", "valueString": "Patient"},
                    {"name": "name", "valueString": "contained"},
                    {"name": "value", "resource": {"resourceType": "Basic", "id": "b"}},
                ],
            }
        ],
        changed(contained=[*PATIENT["contained"], {"resourceType": "Basic", "id": "b"}]),
    ),
    "insert at the end": (
        [operation("insert", "Patient.name", index=2, valueHumanName={"family": "E"})],
        changed(name=[OFFICIAL, USUAL, {"family": "E"}]),
    ),
    "insert where nothing is": (
        [operation("insert", "Patient.telecom", index=0, valueContactPoint={"value": "1"})],
        changed(telecom=[{"value": "1"}]),
    ),
    "insert among primitives with companions": (
        [operation("insert", "Patient.name[0].given", index=1, valueString="X")],
        changed(
            name=[
                {
                    **OFFICIAL,
                    "given": ["B", "X", None, "C"],
                    "_given": [None, None, {"id": "g"}, None],
                },
                USUAL,
            ]
        ),
    ),
    "delete nothing": ([operation("delete", "Patient.gender")], PATIENT),
    "delete with its companion": (
        [operation("delete", "Patient.birthDate")],
        changed(birthDate=None, _birthDate=None),
    ),
    "delete a companion's last extension": (
        [operation("delete", "Patient.birthDate.extension[0]")],
        changed(_birthDate=None),
    ),
    "delete what has no value": (
        [operation("delete", "Patient.name[0].given.where(id = 'g')")],
        changed(
            name=[{"use": "official", "family": "A", "given": ["B", "C"]}, USUAL],
        ),
    ),
    "delete the last thing in a thing": (
        [operation("delete", "Patient.contact.name.text")],
        changed(contact=None),
    ),
    "delete inside of a contained resource": (
        [operation("delete", "Patient.contained[0].name")],
        changed(contained=[{"resourceType": "Organization", "id": "o"}]),
    ),
    "replace a choice with another type": (
        [operation("replace", "Patient.deceased", valueDateTime="2020")],
        changed(deceasedBoolean=None, deceasedDateTime="2020"),
    ),
    "replace with a companion": (
        [operation("replace", "Patient.birthDate", _valueDate={"id": "x"})],
        changed(birthDate=None, _birthDate={"id": "x"}),
    ),
    "replace one of a list": (
        [operation("replace", "Patient.name[1]", valueHumanName={"text": "t"})],
        changed(name=[OFFICIAL, {"text": "t"}]),
    ),
    "replace the narrative": (
        [operation("replace", "Patient.text.div", valueString="<div/>")],
        changed(text={"status": "empty", "div": "<div/>"}),
    ),
    "replace from parts": (
        [
            operation(
                "replace",
                "Patient.contact[0]",
                {"name": "name", "part": [{"name": "text", "valueString": "m"}]},
            )
        ],
        changed(contact=[{"name": {"text": "m"}}]),
    ),
    "move": (
        [operation("move", "Patient.name", source=1, destination=0)],
        changed(name=[USUAL, OFFICIAL]),
    ),
    "see what was done before": (
        [
            operation("add", "Patient", name="gender", valueCode="male"),
            operation("replace", "Patient.gender", valueCode="female"),
            operation("add", "Patient.gender", {"name": "url", "valueUri": "v"}, name="extension"),
            operation("delete", "Patient.gender.extension"),
        ],
        changed(gender="female"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DONE)
def test_an_operation_makes_a_new_tree(name: str) -> None:
    operations, wanted = DONE[name]
    before = copy.deepcopy(PATIENT)
    assert patch.apply("fhirpath", PATIENT, body(*operations)) == wanted
    assert before == PATIENT


def test_a_patch_may_be_written_in_xml() -> None:
    raw = xml.dump(json.parse(body(operation("delete", "Patient.birthDate"))))
    assert "birthDate" not in patch.apply("fhirpath", PATIENT, raw)


RefusedCase = tuple[Part, type[CareplaneError], str]
REFUSED: dict[str, RefusedCase] = {
    "another name": ({"name": "op"}, Malformed, "Parameter 0 is not named 'operation'"),
    "no type": ({"name": "operation", "part": []}, Malformed, "has no 'type'"),
    "an unknown type": (operation("copy", "Patient"), Malformed, "'type' must be one of add"),
    "an unknown part": (operation("delete", "Patient", wrong=1), Malformed, "a part is unknown"),
    "a path that is none": (operation("delete", "Patient.("), Malformed, "FHIRPath, line 1"),
    "a path to a value": (
        operation("delete", "Patient.name.count()"), Invalid, "no element of the resource"),
    "the resource": (operation("delete", "Patient"), Invalid, "the resource itself"),
    "many": (operation("delete", "Patient.name"), Invalid, "2 elements found there when deleting"),
    "none": (operation("replace", "Patient.gender", valueCode="male"), Invalid,
             "no content found there when replacing"),
    "nowhere to add": (operation("add", "Patient.photo", name="url", valueUrl="u"), Invalid,
                       "Operation 0 (add Patient.photo): no content found there when adding"),
    "a name is missing": (operation("add", "Patient", valueCode="male"), Invalid, "has no 'name'"),
    "a value is missing": (operation("add", "Patient", name="gender"), Invalid, "has no 'value'"),
    "an unknown element": (operation("add", "Patient", name="sex", valueCode="male"), Invalid,
                           "'sex' is not an element"),
    "it is there": (operation("add", "Patient", name="active", valueBoolean=True), Invalid,
                    "'active' is there already"),
    "a choice is there": (operation("add", "Patient", name="deceased", valueDateTime="2020"),
                          Invalid, "'deceased' is there already"),
    "a wrong type": (operation("add", "Patient", name="gender", valueInteger=1), Invalid,
                     "a value of type Integer may not stand in 'gender'"),
    "a wrong type of a choice": (
        operation("add", "Patient", name="multipleBirthInteger", valueBoolean=True), Invalid,
        "type Boolean may not"),
    "a list is none": (operation("insert", "Patient.birthDate", index=0, valueDate="1970"),
                       Invalid, "the whole of one list"),
    "an empty list is none": (operation("insert", "Patient.gender", index=0, valueCode="male"),
                              Invalid, "no list of that name"),
    "a part of a list": (
        operation("insert", "Patient.name.where(use = 'usual')", index=0,
                  valueHumanName={"text": "t"}), Invalid, "the whole of one list"),
    "two lists": (operation("move", "Patient.name | Patient.contact", source=0, destination=1),
                  Invalid, "the whole of one list"),
    "beyond the end": (operation("insert", "Patient.name", index=3, valueHumanName={"text": "t"}),
                       Invalid, "'index' is outside"),
    "before the start": (operation("move", "Patient.name", source=-1, destination=0), Invalid,
                         "'source' is outside"),
    "past the end": (operation("move", "Patient.name", source=0, destination=2), Invalid,
                     "'destination' is outside"),
    "no index": (operation("insert", "Patient.name", valueHumanName={"text": "t"}), Invalid,
                 "has no 'index'"),
    "an empty value": (operation("add", "Patient", {"name": "x"}, name="contact"), Invalid,
                       "'x' is not an element"),
    "a resource where none may be": (
        {"name": "operation", "part": [
            {"name": "type", "valueCode": "add"}, {"name": "path", "valueString": "Patient"},
            {"name": "name", "valueString": "contact"},
            {"name": "value", "resource": {"resourceType": "Basic"}}]},
        Invalid, "a resource may not stand in 'contact'"),
    "the id": (operation("replace", "Patient.id", valueId="q"), Invalid, "may not change 'id'"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_an_operation_that_cannot_be_done_is_refused(name: str) -> None:
    told, error, text = REFUSED[name]
    before = copy.deepcopy(PATIENT)
    with pytest.raises(error) as caught:
        patch.apply("fhirpath", PATIENT, body(told))
    assert type(caught.value) is error
    assert text in caught.value.text
    assert before == PATIENT


def test_what_a_path_compares_with_is_not_quoted() -> None:
    told = operation("replace", "Patient.name.where(family = 'Secret').text", valueString="x")
    with pytest.raises(Invalid) as caught:
        patch.apply("fhirpath", PATIENT, body(told))
    assert "where(family = '…').text" in caught.value.text


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"resourceType":"Patient"}', b"<a/>", b"<"])
def test_a_body_that_is_no_patch_is_refused(raw: bytes) -> None:
    with pytest.raises((Malformed, Invalid)):
        patch.apply("fhirpath", PATIENT, raw)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "operations",
    [
        [operation("delete", "Patient.gender")] * 1001,
        [operation("delete", "descendants().where(%resource.descendants().count() = "
                   "%resource.descendants().where(%resource.descendants().exists()).count())")]
        * 1000,
    ],
)  # fmt: skip
def test_a_patch_cannot_cost_much(operations: list[Part]) -> None:
    big = {**PATIENT, "name": [{"given": ["x"] * 100}] * 100}
    with pytest.raises(TooLarge):
        patch.apply("fhirpath", big, body(*operations))
