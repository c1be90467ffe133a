"""R4's own resources are valid R4: its definitions, and the examples of its test suites.

Those that break their own rules are named, with the first place.
"""

from __future__ import annotations

import json as stdlib
from functools import cache

import pytest

from careplane.fhir.codec import json
from careplane.fhir.validation import check, errors
from careplane.kernel.errors import Invalid
from tests.support import test_data, wheel
from tools.generate.source import CARRIER, Package

KNOWN = {
    # logical models without the base that their own invariant asks for
    "http://hl7.org/fhir/StructureDefinition/Definition": "StructureDefinition",
    "http://hl7.org/fhir/StructureDefinition/Event": "StructureDefinition",
    "http://hl7.org/fhir/StructureDefinition/FiveWs": "StructureDefinition",
    "http://hl7.org/fhir/StructureDefinition/Request": "StructureDefinition",
    # an id of 65 characters
    "http://hl7.org/fhir/SearchParameter/questionnaireresponse-extensions-QuestionnaireResponse"
    "-item-subject": "SearchParameter.id",
}
KNOWN_EXAMPLES = {
    "bundle-questionnaire.json": "Questionnaire.item[0].item[0].linkId",
    "codesystem-example.json": "CodeSystem",  # a code that stands twice
}


EXPECTED_FAILURES = {
    name: f"breaks a rule of R4 at {where}" for name, where in (KNOWN | KNOWN_EXAMPLES).items()
}


@cache
def definitions() -> dict[str, str]:
    """Each definition and the first place that breaks a rule, empty where none does."""
    found = {}
    for group in Package(wheel(CARRIER)).by_type.values():
        for url, resource in group.items():
            try:
                check(stdlib.dumps(resource).encode())
            except Invalid as error:
                where = error.issues[0].where
                if where != "SearchParameter.base":  # left out by the package, so not judged
                    found[url] = where
            else:
                found[url] = ""
    return found


@cache
def examples() -> dict[str, str]:
    """As `definitions`, for the examples, by file."""
    found = {}
    for file in sorted(test_data("fhir-test-cases", "r4", "examples").glob("*.json")):
        broken = errors(json.parse(file.read_bytes()))
        found[file.name] = broken[0].where if broken else ""
    return found


def cases_in_all() -> int:
    """How many resources are judged."""
    return len(definitions()) + len(examples())


@pytest.mark.slow
def test_the_definitions_are_valid() -> None:
    assert {url: where for url, where in definitions().items() if where} == KNOWN


@pytest.mark.slow
def test_the_examples_are_valid() -> None:
    assert {name: where for name, where in examples().items() if where} == KNOWN_EXAMPLES
