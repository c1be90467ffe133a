"""The registry: what each type has, what a reference can lead to, and custom parameters."""

from __future__ import annotations

import pytest

from careplane.fhir.definitions import RESOURCE_TYPES, SearchParam
from careplane.kernel.errors import NotFound
from careplane.search.compartments import COMPARTMENTS, compartment_node, compartment_types
from careplane.search.kinds import modifiers_of
from careplane.search.registry import r4_registry
from careplane.search.rows import Param
from tests.unit.search.notation import shown

REGISTRY = r4_registry({})


@pytest.mark.parametrize(
    ("type", "code", "param", "targets"),
    [
        ("Observation", "code", "Observation.code", ""),
        ("Observation", "_tag", "Resource._tag", ""),
        ("Resource", "_id", "Resource._id", ""),
        ("Observation", "patient", "Observation.patient", "Patient"),
        ("AllergyIntolerance", "patient", "AllergyIntolerance.patient", "Patient"),
        ("Observation", "subject", "Observation.subject", "Device Group Location Patient"),
        ("MedicationRequest", "medication", "MedicationRequest.medication", "Medication"),
        ("Condition", "encounter", "Condition.encounter", "Encounter"),
    ],
)
def test_lookup(type: str, code: str, param: str, targets: str) -> None:
    found = REGISTRY.lookup(type, code)
    assert found
    assert (found.param, found.targets) == (param, frozenset(targets.split()))


@pytest.mark.parametrize(
    ("type", "code"),
    [("Patient", "nothing"), ("Nonsense", "code"), ("Patient", "_filter"), ("Resource", "name")],
)
def test_no_such_parameter(type: str, code: str) -> None:
    assert REGISTRY.lookup(type, code) is None


def test_every_parameter_can_be_searched() -> None:
    for type in RESOURCE_TYPES:
        for parameter in REGISTRY.of(type):
            assert "missing" in modifiers_of(parameter), parameter.param
            assert (parameter.type == "reference") is bool(parameter.targets), parameter.param
            assert (parameter.type == "composite") is bool(parameter.components), parameter.param


def test_a_custom_parameter_makes_another_registry() -> None:
    eyes = SearchParam(
        "eyes", "eye-colour", "token", ("Patient",), "Patient.extension", (), (), True, True, (),
        (), (),
    )  # fmt: skip
    more = REGISTRY.extended(eyes)
    found = more.lookup("Patient", "eye-colour")
    assert found
    assert found.param == "Patient.eye-colour"
    assert more.lookup("Patient", "name")
    assert REGISTRY.lookup("Patient", "eye-colour") is None


def test_an_alias_shares_rows() -> None:
    registry = r4_registry({Param("Observation.patient"): (Param("Observation.subject"),)})
    found = registry.lookup("Observation", "patient")
    assert found
    assert (found.param, found.targets) == ("Observation.subject", {"Patient"})


@pytest.mark.parametrize(
    ("types", "node"),
    [
        (["Patient"], "any(is Patient/1, Patient.link -> Patient/1)"),
        (["Condition"], "any(Condition.patient -> Patient/1, Condition.asserter -> Patient/1)"),
        (["Practitioner"], "nothing"),
        (["Coverage", "Practitioner"],
         "any(Coverage.policy-holder -> Patient/1, Coverage.subscriber -> Patient/1, "
         "Coverage.beneficiary -> Patient/1, Coverage.payor -> Patient/1)"),
        ([], "nothing"),
    ],
)  # fmt: skip
def test_compartment(types: list[str], node: str) -> None:
    assert shown(compartment_node(REGISTRY, "Patient", "1", types)) == node


@pytest.mark.parametrize("name", COMPARTMENTS)
def test_every_member_type_of_a_compartment_has_a_way_in(name: str) -> None:
    for type in compartment_types(name):
        assert shown(compartment_node(REGISTRY, name, "1", [type])) != "nothing", type


def test_no_such_compartment() -> None:
    with pytest.raises(NotFound):
        compartment_types("Observation")
