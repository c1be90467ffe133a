"""The official GraphQL suite for R4 (fhir-test-cases, r4/graphql): every test as one case, over
HTTP and a real store, failures named in a YAML list.

Its `server-tests.json` are cases of their own. The store has the resources that the suite's own
runner knows, and the one that a case is about, under the id that the case names.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from careplane.fhir.codec import json as codec
from careplane.fhir.codec import xml
from careplane.kernel.clock import system_clock
from tests.contracts.engines import ENGINES
from tests.fhir_house import House, open_house
from tests.support import test_data

pytestmark = pytest.mark.anyio

EXPECTED_FAILURES: dict[str, str] = yaml.safe_load(
    Path(__file__).with_name("graphql_failures.yaml").read_text("utf-8")
)
_ALWAYS = ("condition-example", "observation-example", "patient-example", "patient-example-xds")
_VARIABLES = {"var": True}
"""What the suite's own runner gives to its one query with a variable."""


@dataclass(frozen=True)
class Case:
    """One test: `file` has the resource in focus, `expected` is the data of the answer, None for
    an error."""

    name: str
    url: str
    file: str
    query: str
    operation: str | None
    expected: Any


def _read() -> list[Case]:
    try:
        folder = test_data("fhir-test-cases", "r4", "graphql")
    except pytest.skip.Exception:
        return []
    manifest = ElementTree.parse(folder / "manifest.xml").getroot()
    served = json.loads((folder / "server-tests.json").read_text("utf-8"))
    return [
        *(_case(folder, node.attrib) for node in manifest.iter("test")),
        *(
            _served(f"server {group} {name}", test)
            for group in ("instance-tests", "root-tests")
            for name, test in served[group].items()
        ),
    ]


def _file(url: str) -> str:
    """The file of the resource in focus: `patient-example` of `Patient/example/$graphql`."""
    return "-".join(url.lower().split("/")[:2]) if "/" in url else _ALWAYS[0]


def _case(folder: Path, test: dict[str, str]) -> Case:
    output = test["output"]
    return Case(
        test["name"],
        test["context"] or "$graphql",
        test.get("resource") or _file(test["context"]),
        (folder / test["source"]).read_text("utf-8"),
        test.get("operation"),
        None if output == "$error" else json.loads((folder / output).read_text("utf-8")),
    )


def _served(name: str, test: dict[str, Any]) -> Case:
    url, _, query = test["url"].removeprefix("/").partition("?query=")
    return Case(name, url, _file(url), query, None, test["output"]["data"])


CASES = _read()


@cache
def _resource(name: str) -> dict[str, Any]:
    folder = test_data("fhir-test-cases", "r4", "examples")
    tree = xml.parse((folder / f"{name}.xml").read_bytes(), ordered=False)
    found: dict[str, Any] = json.loads(codec.dump(tree))
    return found


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house with what every case may find."""
    store = ENGINES["memory"](tmp_path, system_clock)
    try:
        async with open_house(store) as house:
            for name in _ALWAYS:
                await house.put(_resource(name))
            yield house
    finally:
        await store.close()


async def _data(house: House, case: Case) -> Any:
    """The data of the answer; None where it is an error."""
    if "/" in case.url:
        await house.put({**_resource(case.file), "id": case.url.split("/")[1]})
    body = {"query": case.query, "operationName": case.operation, "variables": _VARIABLES}
    answer = await house.http.post(
        case.url, json=body, headers={"content-type": "application/json"}
    )
    found = answer.json()
    assert ("errors" in found) == (answer.status_code != 200), answer.text
    return found["data"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_official(house: House, case: Case) -> None:
    found = await _data(house, case)
    if case.name in EXPECTED_FAILURES:
        assert found != case.expected, f"{case.name} passes now: take it off the list"
        return
    assert found == case.expected


def test_the_list_of_failures_names_cases_of_the_suite() -> None:
    test_data("fhir-test-cases", "r4", "graphql")
    assert len(CASES) >= 31
    assert not set(EXPECTED_FAILURES) - {case.name for case in CASES}
