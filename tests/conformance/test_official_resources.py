"""R4's own resources are valid R4: its definitions, and the examples of its test suites.

Those that break their own rules are named, with the first place.
"""

from __future__ import annotations

import json as stdlib
from functools import cache

import pytest

from careplane.fhir.codec import json
from careplane.fhir.profiles import Library, examine
from careplane.fhir.validation import check, errors, problems
from careplane.kernel.errors import Invalid, Issue
from tests import us_core_house as us_core
from tests.codes_house import LocalCodes
from tests.support import test_data, wheel
from tests.us_core_house import shelf
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


KNOWN_MEANINGS = {
    "basic-example.json": "Basic.modifierExtension[0]",  # made up, and nobody defines them
    "devicemetric-example.json": "DeviceMetric.parent",  # a DeviceDefinition, not a Device
    "deviceusestatement-example.json": "DeviceUseStatement.reasonReference[0]",  # a Procedure
    "medicationrequest0301.json": "MedicationRequest.dispenseRequest.performer",  # a Practitioner
    # fullUrls that are not those of their resources, and links of narratives that lead nowhere
    "Bundle-66c8856b-ba11-4876-8aa8-467aad8c11a2.json": "Bundle.entry[2].fullUrl",
    "Bundle-c887e62f-6166-419f-8268-b5ecd6c7b901.json": "Bundle.entry[1].resource.text.div",
    "Bundle-docref-example-2.json": "Bundle.entry[2].fullUrl",
}


EXPECTED_FAILURES = {
    name: f"breaks a rule of R4 at {where}"
    for name, where in (KNOWN | KNOWN_EXAMPLES | KNOWN_MEANINGS).items()
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


@cache
def meanings() -> dict[str, str]:
    """As `examples`, for what `$validate` says of codes, extensions, references and profiles; the
    examples of US Core too, with what is told beyond structure."""
    library, codes, found = Library(shelf()), LocalCodes(shelf()), {}
    for file in sorted(test_data("fhir-test-cases", "r4", "examples").glob("*.json")):
        found[file.name] = _first(examine(json.parse(file.read_bytes()), library, codes=codes))
    for name, raw in us_core.examples().items():
        tree = json.parse(raw)
        found[name] = _first([*problems(tree), *examine(tree, library, codes=codes)])
    return found


def _first(issues: list[Issue]) -> str:
    return next((issue.where for issue in issues if issue.severity == "error"), "")


def cases_in_all() -> int:
    """How many resources are judged."""
    return len(definitions()) + len(examples()) + len(us_core.examples())


def test_the_examples_mean_what_they_say() -> None:
    assert {name: where for name, where in meanings().items() if where} == KNOWN_MEANINGS


@pytest.mark.slow
def test_the_definitions_are_valid() -> None:
    assert {url: where for url, where in definitions().items() if where} == KNOWN


@pytest.mark.slow
def test_the_examples_are_valid() -> None:
    assert {name: where for name, where in examples().items() if where} == KNOWN_EXAMPLES
