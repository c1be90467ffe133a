"""Every invariant of R4 is checked on both paths, or named with a reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from careplane.fhir.definitions import RESOURCE_TYPES, Invariant, type_definition, type_names
from careplane.fhir.fhirpath import evaluate_boolean
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.parser import parse
from careplane.fhir.translate import Translator
from careplane.fhir.validation.fast import type_of
from careplane.fhir.validation.invariants import (
    CORRECTED,
    NATIVE,
    SKIPPED,
    STRUCTURAL,
    of_element,
    of_type,
)
from careplane.fhir.validation.program import Program


def _all_invariants() -> Iterator[tuple[str, Invariant]]:
    for name in type_names():
        definition = type_definition(name)
        yield from ((name, rule) for rule in definition.invariants)
        for element in definition.elements.values():
            yield from ((of, rule) for rule in element.invariants for of in element.types)


@pytest.mark.parametrize("full", [False, True])
def test_every_resource_type_compiles(full: bool) -> None:
    program = Program(full, lambda *_: True, lambda *_: True)
    for name in RESOURCE_TYPES:
        assert program.check(name)


def test_every_invariant_is_translated_or_done_by_hand() -> None:
    for of, rule in _all_invariants():
        if rule.key not in NATIVE.keys() | SKIPPED.keys() | STRUCTURAL:
            translator = Translator()
            assert translator.truth(parse(rule.expression), translator.scope("o", of))


def test_every_invariant_can_be_interpreted() -> None:
    for of, rule in _all_invariants():
        if rule.key not in SKIPPED.keys() | STRUCTURAL and type_of(
            b'{"resourceType":"%b"}' % of.encode()
        ):
            try:
                evaluate_boolean(rule.expression, {"resourceType": of})
            except EvaluationError:
                pytest.fail(f"{rule.key} cannot be asked of an empty {of}")


def test_what_is_named_exists() -> None:
    keys = {rule.key for _, rule in _all_invariants()}
    assert keys >= NATIVE.keys() | SKIPPED.keys() | CORRECTED.keys()
    assert {rule.key for name in type_names() for rule in of_type(type_definition(name))} <= keys
    assert of_element(type_definition("Observation.referenceRange").elements["low"])
