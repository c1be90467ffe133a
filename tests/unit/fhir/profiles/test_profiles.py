"""Profiles and what they say of resources: a table, and the bounds of an examination."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplane.fhir.profiles import Asked, CodeQuestion, Library, Options, Verdict, examine
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid
from tests.codes_house import LocalCodes
from tests.validator_house import Shelf

CASES = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text("utf-8"))
_CORE = "http://hl7.org/fhir/StructureDefinition/"
_2020 = 1_577_836_800_000_000
MAIN = "http://e/sd/main"


def definition(name: str, type: str, differential: list[Any], **more: Any) -> Tree:
    """A StructureDefinition of these elements."""
    root = {"path": type}
    return {
        "resourceType": "StructureDefinition",
        "url": f"http://e/sd/{name}",
        "type": type,
        "kind": "resource",
        "derivation": "constraint",
        "baseDefinition": more.pop("base", _CORE + type),
        "differential": {"element": [root, *(e for e in differential if e["path"] != type)]}
        if not any(e["path"] == type for e in differential)
        else {"element": differential},
        **more,
    }


def shelf_of(case: Any) -> Shelf:
    """The definitions of a case."""
    shelf = Shelf()
    more = {"base": case["base"]} if "base" in case else {}
    shelf.add(definition("main", case["type"], case["profile"], **more))
    for name, row in case.get("also", {}).items():
        shelf.add(definition(name, **row))
    return shelf


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_is_told(case: Any) -> None:
    shelf = shelf_of(case)
    found = examine(
        case["resource"],
        Library(shelf),
        [MAIN],
        codes=LocalCodes(shelf),
        options=Options(now=_2020),
    )
    told = sorted(f"{issue.severity} {issue.where}: {issue.text}" for issue in found)
    wanted = sorted(case["issues"], key=lambda text: text.partition(": ")[0])
    assert len(told) == len(wanted), told
    for text in wanted:
        head, _, part = text.partition(": ")
        assert any(one.startswith(f"{head}: ") and part in one for one in told), (text, told)


def test_a_profile_that_nobody_knows_is_an_error() -> None:
    found = examine({"resourceType": "Patient"}, Library(Shelf()), ["http://e/sd/none"])
    assert [(i.severity, i.code) for i in found] == [("error", "not-found")]


def test_a_claim_that_nobody_knows_is_a_warning() -> None:
    tree = {"resourceType": "Patient", "meta": {"profile": ["http://e/sd/none"]}}
    found = examine(tree, Library(Shelf()))
    assert [(i.severity, i.where) for i in found] == [("warning", "Patient.meta.profile[0]")]


def test_the_work_is_bounded() -> None:
    tree = {"resourceType": "Patient", "name": [{"text": "x"} for _ in range(500)]}
    found = examine(tree, Library(Shelf()), options=Options(steps=300))
    assert [issue.code for issue in found] == ["too-costly"]


def test_expressions_share_one_budget() -> None:
    costly = "name.given.select(%resource.name.given.count()).count() >= 0"
    rule = {"severity": "error", "human": "x", "expression": costly}
    rows = [{"key": f"x-{number}", **rule} for number in range(300)]
    shelf = Shelf()
    shelf.add(definition("main", "Patient", [{"path": "Patient", "constraint": rows}]))
    tree = {"resourceType": "Patient", "name": [{"given": ["x"] * 5} for _ in range(30)]}
    start = time.process_time()
    found = examine(tree, Library(shelf), [MAIN], options=Options(steps=100_000))
    assert time.process_time() - start < 3
    assert {issue.code for issue in found} == {"too-costly"}


@pytest.mark.parametrize(
    ("paths", "text"),
    [
        (["Questionnaire" + ".item" * 900], "levels deep"),
        ([f"Questionnaire{'.item' * 36}.code" for _ in range(3)], ""),
        ([f"Patient.name{'.extension.valuePeriod' * 12}"], ""),
        (["Patient.extension.valueHumanName.period"] * 30_000, "more than 20000 elements"),
    ],
)
def test_a_definition_is_bounded(paths: list[str], text: str) -> None:
    shelf = Shelf()
    elements = [{"path": path, "max": "1"} for path in paths]
    shelf.add(definition("main", paths[0].partition(".")[0], elements))
    library, start = Library(shelf), time.process_time()
    if text:
        with pytest.raises(Invalid, match=text):
            library.program(MAIN)
    else:
        assert library.program(MAIN) is not None
    assert time.process_time() - start < 2


def test_answers_that_come_later() -> None:
    shelf = Shelf()
    row = {
        "path": "Patient.maritalStatus",
        "binding": {"strength": "required", "valueSet": "http://e/vs"},
    }
    target = {"path": "Patient.managingOrganization"}
    target["type"] = [{"code": "Reference", "targetProfile": ["http://e/sd/named"]}]  # type: ignore[assignment]
    shelf.add(definition("main", "Patient", [row, target]))
    shelf.add(definition("named", "Organization", [{"path": "Organization.name", "min": 1}]))
    tree = {
        "resourceType": "Patient",
        "maritalStatus": {"coding": [{"system": "http://e/cs", "code": "x"}]},
        "managingOrganization": {"reference": "Organization/1"},
    }
    library, asked, rounds = Library(shelf), Asked(), 0
    while True:
        found = examine(
            tree,
            library,
            [MAIN],
            codes=asked,
            resolver=asked,
            options=Options(references="valid"),
        )
        if not asked.open:
            break
        rounds += 1
        no = {q: Verdict(False) for q in asked.codes_open if q.value_set == "http://e/vs"}
        asked.answer(no, {"Organization/1": {"resourceType": "Organization"}})
    assert rounds == 1
    errors = [(i.where, i.code) for i in found if i.severity == "error"]
    assert errors == [
        ("Patient.maritalStatus", "code-invalid"),
        ("Patient.managingOrganization", "structure"),
    ]
    assert CodeQuestion("http://e/cs", "x", value_set="http://e/vs") in no
