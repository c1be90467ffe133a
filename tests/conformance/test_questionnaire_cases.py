"""The questionnaires of HL7's validator suite: do we find the same errors at the same items?

Cases in which one finds an error that the other does not are named in `questionnaire_cases.yaml`
with the reason; the suite as a whole is in `test_validator_cases`.
"""

from __future__ import annotations

import json as stdlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from careplane.fhir.codec import json, xml
from careplane.fhir.definitions import core
from careplane.fhir.profiles import CodeQuestion
from careplane.fhir.tree import Tree
from careplane.fhir.validation import problems
from careplane.kernel.errors import CareplaneError
from tests.codes_house import LocalCodes
from tests.support import test_data

BY_REASON: dict[str, list[str]] = yaml.safe_load(
    (Path(__file__).parent / "questionnaire_cases.yaml").read_text("utf-8")
)
EXPECTED_FAILURES = {name: reason for reason, names in BY_REASON.items() for name in names}
LEAST = 45


class _Shelf:
    """What comes with a case, above what R4 has."""

    def __init__(self, beside: list[Tree]) -> None:
        self._beside = {str(one.get("url")): one for one in beside}

    def artifact(self, type: str, canonical: str) -> Tree | None:
        url = canonical.partition("|")[0]
        found = self._beside.get(url)
        is_it = found is not None and found.get("resourceType") == type
        return found if is_it else core.artifact(type, url)

    def any(self, canonical: str) -> Tree | None:
        url = canonical.partition("|")[0]
        known = (core.artifact(type, url) for type in core.TYPES)
        return self._beside.get(url) or next(filter(None, known), None)


@cache
def places() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Case -> where their errors are, and where ours are."""
    folder = test_data("fhir-test-cases", "validator")
    manifest = stdlib.loads((folder / "manifest.json").read_text("utf-8"))
    found = {}
    for case in manifest["test-cases"]:
        if not isinstance(case.get("java"), str) or not _is_about_questionnaires(case):
            continue
        for name in (case["java"], f"{case['java']}.json"):
            outcome = folder / "outcomes" / name
            if outcome.is_file():
                theirs = stdlib.loads(outcome.read_text("utf-8")).get("issue", ())
                found[case["name"]] = (_theirs(theirs), _ours(folder, case))
    return found


def _is_about_questionnaires(case: dict[str, Any]) -> bool:
    file = case["file"].rpartition("/")[2].lower()
    return "questionnaire" in case["file"].lower() or file.startswith(("q-", "qr-", "me-q"))


def _theirs(issues: Any) -> frozenset[str]:
    errors = [i for i in issues if i["severity"] in ("error", "fatal")]
    return frozenset(_place(str((i.get("expression") or [""])[0])) for i in errors)


def _ours(folder: Path, case: dict[str, Any]) -> frozenset[str]:
    beside = []
    for name in case.get("supporting", ()):
        try:
            beside.append(_read(folder / name))
        except (CareplaneError, FileNotFoundError):  # some are no resources, some are not there
            continue
    shelf = _Shelf(beside)
    codes = LocalCodes(shelf)

    def in_set(system: str, code: str, url: str) -> bool | None:
        return codes.check(CodeQuestion(system, code, value_set=url)).result

    found = problems(_read(folder / case["file"]), shelf.any, in_set)
    return frozenset(_place(issue.where) for issue in found if issue.severity == "error")


def _read(file: Path) -> Tree:
    raw = file.read_bytes()
    return xml.parse(raw) if file.suffix == ".xml" else json.parse(raw)


def _place(where: str) -> str:
    """Up to the item or answer: below that, and for a linkId above, tools differ."""
    found = re.match(r"QuestionnaireResponse((?:\.item\[\d+\]|\.answer\[\d+\])*)", where)
    return found[0] if found else where


def _meet(one: str, other: str) -> bool:
    """The same place, or that of its owner."""
    return one == other or one == other.rpartition(".")[0] or other == one.rpartition(".")[0]


def cases_in_all() -> int:
    """How many cases there are."""
    return len(places())


def differing() -> set[str]:
    """Cases in which one of us has an error that the other has not."""
    return {
        name
        for name, (theirs, ours) in places().items()
        if any(not any(_meet(one, other) for other in theirs) for one in ours)
        or any(not any(_meet(one, other) for other in ours) for one in theirs)
    }


def test_each_difference_is_named() -> None:
    assert len(places()) >= LEAST
    assert differing() == set(EXPECTED_FAILURES)
