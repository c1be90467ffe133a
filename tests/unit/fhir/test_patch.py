"""Patches: what each kind does, what it refuses with what words, and that the input stays."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from careplane.fhir import patch
from careplane.fhir.codec import json
from careplane.kernel.errors import CareplaneError, Invalid, Malformed, Precondition, TooLarge

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "name": [{"family": "A", "given": ["B", "C"]}, {"family": "D"}],
    "extension": [{"url": "u", "valueDecimal": Decimal("1.00")}],
    "birthDate": "1970-01-01",
}


def changed(**parts: Any) -> dict[str, Any]:
    return {**copy.deepcopy(PATIENT), **parts}


def xml_patch(*operations: str) -> bytes:
    return f'<diff xmlns="http://hl7.org/fhir">{"".join(operations)}</diff>'.encode()


DONE: list[tuple[patch.Kind, bytes, dict[str, Any]]] = [
    ("json", b"[]", PATIENT),
    ("json", b'[{"op": "replace", "path": "/active", "value": false}]', changed(active=False)),
    ("json", b'[{"op": "test", "path": "/extension/0/valueDecimal", "value": 1.00}]', PATIENT),
    (
        "json",
        b'[{"op": "add", "path": "/name/-", "value": {"family": "E"}}]',
        changed(name=[*PATIENT["name"], {"family": "E"}]),
    ),
    (
        "json",
        b'[{"op": "copy", "from": "/name/1", "path": "/name/0"},'
        b' {"op": "replace", "path": "/name/0/family", "value": "X"}]',
        changed(name=[{"family": "X"}, *PATIENT["name"]]),
    ),
    (
        "json",
        b'[{"op": "add", "path": "/extension/0/valueDecimal", "value": 2.50}]',
        changed(extension=[{"url": "u", "valueDecimal": Decimal("2.50")}]),
    ),
    (
        "xml",
        xml_patch('<replace sel="f:Patient/f:active/@value">false</replace>'),
        changed(active=False),
    ),
    (
        "xml",
        xml_patch("<remove sel=\"/Patient/name[family/@value='A']/given[2]\"/>"),
        changed(name=[{"family": "A", "given": ["B"]}, {"family": "D"}]),
    ),
    (
        "xml",
        xml_patch('<add sel="Patient/active" pos="after"><name><family value="Z"/></name></add>'),
        changed(name=[{"family": "Z"}, *PATIENT["name"]]),
    ),
    (
        "xml",
        xml_patch('<add sel="Patient/name[last()]" pos="prepend"><use value="old"/></add>'),
        changed(name=[PATIENT["name"][0], {"use": "old", "family": "D"}]),
    ),
    (
        "xml",
        xml_patch('<add sel="Patient/birthDate" type="@id">b</add>'),
        changed(_birthDate={"id": "b"}),
    ),
    (
        "xml",
        b'<diff xmlns:fhir="http://hl7.org/fhir"><replace sel="fhir:Patient/fhir:birthDate">'
        b'<fhir:birthDate value="1980"/></replace></diff>',
        changed(birthDate="1980"),
    ),
]


@pytest.mark.parametrize(("kind", "body", "wanted"), DONE)
def test_a_patch_makes_a_new_tree(kind: patch.Kind, body: bytes, wanted: dict[str, Any]) -> None:
    before = copy.deepcopy(PATIENT)
    assert patch.apply(kind, PATIENT, body) == wanted
    assert before == PATIENT


def test_digits_stay_through_a_patch() -> None:
    for kind, body in (("json", b"[]"), ("xml", xml_patch('<remove sel="Patient/birthDate"/>'))):
        patched = patch.apply(kind, PATIENT, body)  # type: ignore[arg-type]
        assert b'"valueDecimal":1.00' in json.dump(patched)


def one(**operation: Any) -> bytes:
    return json.dump({"x": [operation]})[5:-1]


REFUSED: list[tuple[patch.Kind, bytes, type[CareplaneError], str]] = [
    ("json", b"{}", Malformed, "array"),
    ("json", b"[", Malformed, "line 1"),
    ("json", b"[1]", Malformed, "Operation 0"),
    ("json", one(path="/active"), Malformed, "'op' must be one of add"),
    ("json", one(op="append", path="/id", value="x"), Malformed, "'op' must be one of add"),
    ("json", one(op="add", path="/active"), Malformed, "has no 'value'"),
    ("json", one(op="move", path="/active"), Malformed, "has no 'from'"),
    ("json", one(op="remove", path="active"), Malformed, "JSON Pointer"),
    ("json", one(op="remove", path="/a~2"), Malformed, "JSON Pointer"),
    ("json", one(op="remove", path=["active"]), Malformed, "JSON Pointer"),
    ("json", one(op="remove", path="/gender"), Invalid, "remove /gender): there is nothing"),
    ("json", one(op="remove", path="/name/7"), Invalid, "nothing at that path"),
    ("json", one(op="remove", path="/name/01"), Invalid, "Operation 0 (remove /name/01)"),
    ("json", one(op="add", path="/name/9", value={}), Invalid, "Operation 0 (add /name/9)"),
    ("json", one(op="add", path="/a/b", value=1), Invalid, "Operation 0 (add /a/b)"),
    ("json", one(op="move", **{"from": "/name"}, path="/name/0"), Invalid, "Operation 0 (move"),
    ("json", one(op="remove", path=""), Invalid, "Operation 0 (remove )"),
    ("json", one(op="replace", path="", value=1), Invalid, "not an object"),
    ("json", one(op="replace", path="/id", value="q"), Invalid, "may not change 'id'"),
    ("json", one(op="remove", path="/resourceType"), Invalid, "may not change 'resourceType'"),
    ("json", one(op="test", path="/active", value=1), Precondition, "the value there is another"),
    ("json", one(op="test", path="/birthDate", value="x"), Precondition, "another one"),
    ("xml", b"<diff/>", Malformed, "no operations"),
    ("xml", b"", Malformed, "XML"),
    ("xml", xml_patch("<put sel='Patient'/>"), Malformed, "Operation 0: <put> is none of add"),
    ("xml", xml_patch("<remove/>"), Malformed, "has no 'sel'"),
    ("xml", xml_patch('<remove sel="Patient/gender"/>'), Invalid, "nothing found"),
    ("xml", xml_patch('<remove sel="Patient/name"/>'), Invalid, "2 nodes found"),
    ("xml", xml_patch('<remove sel="//name"/>'), Malformed, "only paths downwards"),
    ("xml", xml_patch('<remove sel="Patient/name/.."/>'), Malformed, "only paths downwards"),
    ("xml", xml_patch('<remove sel="Patient/descendant::a"/>'), Malformed, "cannot be read"),
    ("xml", xml_patch('<remove sel="count(Patient)"/>'), Malformed, "cannot be read"),
    ("xml", xml_patch('<remove sel="Patient/zz:name"/>'), Malformed, "not declared"),
    ("xml", xml_patch('<remove sel="Patient[1=1]"/>'), Malformed, "only paths downwards"),
    ("xml", xml_patch(f'<remove sel="Patient/{"a" * 1000}"/>'), Malformed, "longer than"),
    ("xml", xml_patch('<remove sel="Patient"/>'), Invalid, "cannot be removed"),
    ("xml", xml_patch('<replace sel="Patient"><Basic/></replace>'), Invalid, "cannot be replaced"),
    ("xml", xml_patch('<replace sel="Patient/active"/>'), Invalid, "one node of the kind"),
    ("xml", xml_patch('<replace sel="Patient/id/@value"><a/></replace>'), Invalid, "text only"),
    ("xml", xml_patch('<replace sel="Patient/id/@value">q</replace>'), Invalid, "change 'id'"),
    ("xml", xml_patch('<add sel="Patient/id/@value">q</add>'), Invalid, "only to an element"),
    ("xml", xml_patch('<add sel="Patient" pos="before"><a/></add>'), Invalid, "beside the root"),
    ("xml", xml_patch('<add sel="Patient" pos="over"><a/></add>'), Invalid, "'pos' must be"),
    ("xml", xml_patch('<add sel="Patient" type="id">q</add>'), Invalid, "'type' must be"),
    ("xml", xml_patch('<add sel="Patient" type="@a b">q</add>'), Invalid, "no name"),
    ("xml", xml_patch('<add sel="Patient" type="@z:b">q</add>'), Invalid, "not declared"),
    ("xml", xml_patch('<add sel="Patient"><foo value="1"/></add>'), Invalid, "not a FHIR"),
    ("xml", xml_patch('<add sel="Patient">some text</add>'), Invalid, "not a FHIR resource"),
]


@pytest.mark.parametrize(("kind", "body", "error", "text"), REFUSED)
def test_a_patch_that_cannot_be_done_is_refused(
    kind: patch.Kind, body: bytes, error: type[CareplaneError], text: str
) -> None:
    before = copy.deepcopy(PATIENT)
    with pytest.raises(error) as caught:
        patch.apply(kind, PATIENT, body)
    assert type(caught.value) is error
    assert text in caught.value.text
    assert before == PATIENT
    assert "1970" not in repr(caught.value.issues), "a value of the record is quoted"


def test_the_place_is_told_as_fhirpath() -> None:
    with pytest.raises(Invalid) as caught:
        patch.apply("json", PATIENT, one(op="remove", path="/name/1/given/0"))
    assert caught.value.issues[0].where == "Patient.name[1].given[0]"


DOUBLING = [{"op": "copy", "from": "", "path": f"/x{index}"} for index in range(60)]
DEEPER = [{"op": "copy", "from": "", "path": "/x" * (index + 1)} for index in range(200)]


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("json", json.dump({"x": DOUBLING})[5:-1]),
        ("json", json.dump({"x": DEEPER})[5:-1]),
        ("json", json.dump({"x": [{"op": "test", "path": "", "value": 1}] * 1001})[5:-1]),
        ("xml", xml_patch('<remove sel="Patient/id"/>' * 1001)),
    ],
)
def test_a_patch_cannot_make_much_of_little(kind: patch.Kind, body: bytes) -> None:
    with pytest.raises(TooLarge):
        patch.apply(kind, PATIENT, body)


def test_many_operations_on_a_large_resource_are_refused() -> None:
    big = {**PATIENT, "name": [{"given": ["x"]}] * 20_000}
    select = "Patient/name[given/@value='y'][given][given][given]"
    many = xml_patch(f'<remove sel="{select}"/>' * 1000)
    with pytest.raises(TooLarge):
        patch.apply("xml", big, many)
    # and one of them is fine, in whatever it finds
    with pytest.raises(Invalid):
        patch.apply("xml", big, xml_patch(f'<remove sel="{select}"/>'))
