"""The official FHIRPath suite for R4: every test as one case, failures named in a YAML list.

`ordered="false"` compares without order, `predicate="true"` asks for a boolean, `invalid` wants an
error; expressions marked semantic must be refused by the static checker or when they are run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from careplane.fhir.codec import json, xml
from careplane.fhir.fhirpath import Environment, Node, evaluate
from careplane.fhir.fhirpath.checker import check
from careplane.fhir.fhirpath.functions.conversion import to_string
from careplane.fhir.fhirpath.items import Item, type_of
from careplane.fhir.fhirpath.parser import parse
from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError
from tests.support import test_data

NOW = 1_790_000_000_000_000
INPUTS = Path(__file__).with_name("fhirpath_inputs")
EXPECTED_FAILURES: dict[str, str] = yaml.safe_load(
    Path(__file__).with_name("fhirpath_failures.yaml").read_text("utf-8")
)


@dataclass(frozen=True)
class Case:
    """One test of the suite."""

    name: str
    input: str | None
    expression: str
    invalid: str | None
    strict: bool
    ordered_functions: bool
    predicate: bool
    ordered: bool
    outputs: tuple[tuple[str | None, str], ...]


def _read() -> list[Case]:
    try:
        path = test_data("fhir-test-cases", "r4", "fhirpath", "tests-fhir-r4.xml")
    except pytest.skip.Exception:
        return []
    return [_case(node) for node in ElementTree.parse(path).iter("test")]


def _case(node: ElementTree.Element) -> Case:
    expression = node.find("expression")
    assert expression is not None
    return Case(
        node.attrib["name"],
        node.get("inputfile"),
        expression.text or "",
        expression.get("invalid"),
        node.get("mode") == "strict",
        node.get("checkOrderedFunctions") == "true",
        node.get("predicate") == "true",
        node.get("ordered") != "false",
        tuple((one.get("type"), one.text or "") for one in node.iter("output")),
    )


CASES = _read()


@cache
def _input(name: str) -> Tree:
    """An input of the suite; ours stands in for the few that the test data does not have."""
    suite = test_data("fhir-test-cases", "r4")
    ours = INPUTS / Path(name).with_suffix(".json")
    path = next(p for p in (suite / name, suite / "examples" / name, ours) if p.exists())
    raw = path.read_bytes()
    return xml.parse(raw, ordered=False) if path.suffix == ".xml" else json.parse(raw)


def _run(case: Case) -> list[Item]:
    tree = _input(case.input) if case.input else None
    expression = parse(case.expression)
    check(
        expression,
        tree["resourceType"] if tree else None,
        ordered_functions=case.ordered_functions,
    )
    return evaluate(expression, tree, Environment(now=NOW))


def _matches(item: Item, type_: str | None, text: str) -> bool:
    name = type_of(item).name
    if type_ is not None and (name if isinstance(item, Node) else name.lower()) != (
        type_ if isinstance(item, Node) else type_.lower()
    ):
        return False
    return to_string(item) == text.removeprefix("@").removeprefix("T")


def _passes(case: Case) -> bool:
    try:
        found: list[Any] = _run(case)
    except CareplaneError:
        return case.invalid is not None
    if case.invalid is not None:
        return False
    if case.predicate:
        found = [bool(found) and found != [False]]
    if not case.ordered:
        return Counter(map(to_string, found)) == Counter(text for _, text in case.outputs)
    return len(found) == len(case.outputs) and all(
        _matches(item, *output) for item, output in zip(found, case.outputs, strict=True)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_official(case: Case) -> None:
    if case.name in EXPECTED_FAILURES:
        assert not _passes(case), f"{case.name} passes now: take it off the list"
        return
    assert _passes(case), _explain(case)


def _explain(case: Case) -> str:
    try:
        found = f"found {[(str(type_of(one)), to_string(one)) for one in _run(case)]}"
    except CareplaneError as error:
        found = f"raised {type(error).__name__}: {error}"
    return f"{case.expression!r} expected {case.invalid or case.outputs}, {found}"


def test_at_least_99_of_100() -> None:
    test_data("fhir-test-cases", "r4", "fhirpath")
    assert len(CASES) >= 935
    unknown = set(EXPECTED_FAILURES) - {case.name for case in CASES}
    assert not unknown, "names that the suite does not have"
    passed = sum(case.name not in EXPECTED_FAILURES for case in CASES)
    assert passed / len(CASES) >= 0.99
