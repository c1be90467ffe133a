"""R4's own resources are valid R4: its definitions, and the examples of its test suites.

Those that break their own rules are named, with the first place.
"""

from __future__ import annotations

import json as stdlib

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


@pytest.mark.slow
def test_the_definitions_are_valid() -> None:
    broken = {}
    for group in Package(wheel(CARRIER)).by_type.values():
        for url, resource in group.items():
            try:
                check(stdlib.dumps(resource).encode())
            except Invalid as error:
                if error.issues[0].where != "SearchParameter.base":  # left out by the package
                    broken[url] = error.issues[0].where
    assert broken == KNOWN


@pytest.mark.slow
def test_the_examples_are_valid() -> None:
    broken = {}
    for file in sorted(test_data("fhir-test-cases", "r4", "examples").glob("*.json")):
        found = errors(json.parse(file.read_bytes()))
        if found:
            broken[file.name] = found[0].where
    assert broken == KNOWN_EXAMPLES
