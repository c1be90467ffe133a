"""The definitions, at places where the standard's own pages can be read beside."""

from __future__ import annotations

import pytest

from careplane.fhir import definitions as d


def test_there_are_as_many_resources_as_the_standard_lists() -> None:
    assert len(d.RESOURCE_TYPES) == 146
    assert d.is_resource("Patient")
    assert not d.is_resource("DomainResource")


def test_observation_has_its_elements_in_order() -> None:
    elements = list(d.type_definition("Observation").elements)
    assert elements[:9] == [
        "id", "meta", "implicitRules", "language", "text",
        "contained", "extension", "modifierExtension", "identifier",
    ]  # fmt: skip
    assert elements[-2:] == ["derivedFrom", "component"]


def test_an_element_tells_all() -> None:
    status = d.type_definition("Observation").elements["status"]
    assert (status.min, status.max, status.types) == (1, 1, ("code",))
    assert status.modifier
    assert status.summary
    assert status.binding is not None
    assert status.binding.strength == "required"
    assert d.required_codes(status.binding.value_set) == {
        "registered", "preliminary", "final", "amended",
        "corrected", "cancelled", "entered-in-error", "unknown",
    }  # fmt: skip


def test_a_choice_has_a_json_name_for_each_type() -> None:
    value = d.type_definition("Observation.component").elements["value"]
    assert value.choice
    assert value.json_names["valueQuantity"] == "Quantity"
    assert value.json_names["valueDateTime"] == "dateTime"
    assert len(d.type_definition("Extension").elements["value"].types) == 50


def test_references_name_their_targets() -> None:
    subject = d.type_definition("Observation").elements["subject"]
    assert subject.targets == ("Patient", "Group", "Device", "Location")


def test_a_content_reference_is_the_type_it_points_to() -> None:
    component = d.type_definition("Observation.component")
    assert component.elements["referenceRange"].types == ("Observation.referenceRange",)
    assert d.type_definition("Questionnaire.item").elements["item"].types == ("Questionnaire.item",)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("Observation", ["dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "obs-6", "obs-7"]),
        ("Observation.referenceRange", ["obs-3"]),
        ("Patient.contact", ["pat-1"]),
        ("Quantity", ["qty-3"]),
        ("Age", ["qty-3", "age-1"]),
        ("Extension", ["ext-1"]),
        ("Task", ["dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "inv-1"]),
    ],
)
def test_invariants_stand_at_their_type(name: str, keys: list[str]) -> None:
    assert [i.key for i in d.type_definition(name).invariants] == keys


def test_every_type_named_by_an_element_exists() -> None:
    for name in d.type_names():
        for element in d.type_definition(name).elements.values():
            for of in element.types:
                assert d.type_definition(of)


def test_subtypes() -> None:
    assert d.is_subtype("Age", "Quantity")
    assert d.is_subtype("Patient", "Resource")
    assert d.is_subtype("code", "string")
    assert not d.is_subtype("Patient", "Observation")


def test_codings_carry_their_system() -> None:
    url = "http://hl7.org/fhir/ValueSet/condition-clinical"
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    assert (system, "remission") in (d.required_codings(url) or ())
    assert d.required_codes("http://hl7.org/fhir/ValueSet/mimetypes") is None


def test_compartments() -> None:
    assert d.compartment("Patient")["Observation"] == ("subject", "performer")
    assert "Medication" not in d.compartment("Patient")


def test_search_parameters() -> None:
    rows = {p.id: p for p in d.search_parameters()}
    date = rows["clinical-date"]
    assert (date.code, date.type) == ("date", "date")
    assert "Observation" in date.bases
    composite = rows["Observation-code-value-quantity"]
    assert [c.definition for c in composite.components] == [
        "clinical-code", "Observation-value-quantity",
    ]  # fmt: skip
    assert (
        rows["Observation-subject"].url == "http://hl7.org/fhir/SearchParameter/Observation-subject"
    )


def test_operations() -> None:
    everything = next(o for o in d.operations() if o.id == "Patient-everything")
    assert everything.code == "everything"
    assert everything.instance
    assert not everything.system
    assert [p.name for p in everything.parameters if p.use == "in"][:2] == ["start", "end"]
