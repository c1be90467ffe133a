"""The R4 cases of HL7's validator suite: do we agree on "valid or not"?

A case counts as invalid if its expected outcome (outcomes/java, base run, without the profile part)
has an error or fatal issue. Cases that we judge differently are named in `validator_cases.yaml`
with the reason; an unnamed one fails, and so does a named one that agrees by now.
"""

from __future__ import annotations

import json as stdlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplane.fhir.codec import json, xml
from careplane.fhir.tree import Tree
from careplane.fhir.validation import problems
from careplane.kernel.errors import CareplaneError
from tests.support import test_data

BY_REASON: dict[str, list[str]] = yaml.safe_load(
    (Path(__file__).parent / "validator_cases.yaml").read_text("utf-8")
)
EXPECTED_FAILURES = {name: reason for reason, names in BY_REASON.items() for name in names}
FLOOR = 0.80


@cache
def verdicts() -> dict[str, tuple[bool, bool]]:
    """Case -> (is it valid for them, is it valid for us); cases without an outcome left out."""
    folder = test_data("fhir-test-cases", "validator")
    manifest = stdlib.loads((folder / "manifest.json").read_text("utf-8"))
    found: dict[str, tuple[bool, bool]] = {}
    for case in manifest["test-cases"]:
        outcome = _outcome(folder, case.get("java"))
        if outcome is not None:
            name = case["name"] if case["name"] not in found else f"{case['name']} {case['file']}"
            found[name] = (_is_valid(outcome), _is_valid_for_us(folder, case))
    return found


def _outcome(folder: Path, java: Any) -> Any:
    if isinstance(java, dict):
        return java.get("outcome", java)
    for name in (str(java), f"{java}.json"):
        file = folder / "outcomes" / name
        if file.is_file():
            return stdlib.loads(file.read_text("utf-8"))
    return None


def _is_valid(outcome: Any) -> bool:
    return not any(i["severity"] in ("error", "fatal") for i in outcome.get("issue", ()))


def _is_valid_for_us(folder: Path, case: dict[str, Any]) -> bool:
    beside = {}
    for name in case.get("supporting", ()):
        try:
            tree = _read(folder / name)
        except (CareplaneError, FileNotFoundError):  # some are no resources, some are not there
            continue
        beside[tree.get("url")] = tree
    try:
        issues = problems(
            _read(folder / case["file"]), lambda url: beside.get(url.partition("|")[0])
        )
    except CareplaneError:
        return False
    return not any(issue.severity == "error" for issue in issues)


def _read(file: Path) -> Tree:
    raw = file.read_bytes()
    return xml.parse(raw) if file.suffix == ".xml" else json.parse(raw)


def cases_in_all() -> int:
    """How many cases there are."""
    return len(verdicts())


def test_agreement(capsys: pytest.CaptureFixture[str]) -> None:
    found = verdicts()
    agreed = sum(theirs == ours for theirs, ours in found.values())
    with capsys.disabled():
        print(f"\nvalidator cases: {agreed} of {len(found)} agree ({agreed / len(found):.1%})")  # noqa: T201
    assert agreed >= FLOOR * len(found)


def test_each_disagreement_is_named() -> None:
    differing = {name for name, (theirs, ours) in verdicts().items() if theirs != ours}
    assert differing == set(EXPECTED_FAILURES)


def test_we_refuse_hardly_anything_that_they_accept() -> None:
    refused = [name for name, (theirs, ours) in verdicts().items() if theirs and not ours]
    assert len(refused) <= 4, refused
