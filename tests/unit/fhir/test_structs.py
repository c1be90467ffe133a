"""Structs: every type has one, its fields are the elements of the definition, digits stay."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import msgspec
import pytest

from careplane.fhir import definitions as d
from careplane.fhir.structs import attribute, decoder, struct

NAMES = [n for n in d.type_names() if d.type_definition(n).kind != "primitive"]
_encoder = msgspec.json.Encoder(decimal_format="number")


@pytest.mark.parametrize("name", NAMES)
def test_a_struct_has_the_elements_of_its_type(name: str) -> None:
    fields = {f.encode_name for f in msgspec.structs.fields(struct(name))}
    expected = set(d.type_definition(name).json_names)
    assert {f for f in fields if not f.startswith("_")} == expected
    assert {f[1:] for f in fields if f.startswith("_")} <= expected


@pytest.mark.parametrize("name", d.RESOURCE_TYPES)
def test_every_resource_has_a_decoder(name: str) -> None:
    assert decoder(name)


def test_names_follow_the_rule() -> None:
    assert attribute("class") == "class_"
    assert attribute("_birthDate") == "birthDate_ext"
    assert "class_" in {f.name for f in msgspec.structs.fields(struct("Encounter"))}


def test_digits_stay() -> None:
    raw = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":1.00}}'
    )
    observation = cast(Any, decoder("Observation").decode(raw))
    assert observation.valueQuantity.value.compare_total(Decimal("1.00")) == 0
    assert _encoder.encode(observation) == raw


def test_a_primitive_keeps_its_extension() -> None:
    raw = b'{"resourceType":"Patient","_birthDate":{"extension":[{"url":"x","valueCode":"y"}]}}'
    patient = cast(Any, decoder("Patient").decode(raw))
    assert patient.birthDate is None
    assert patient.birthDate_ext.extension[0].valueCode == "y"


def test_a_contained_resource_stays_bytes() -> None:
    raw = b'{"resourceType":"Patient","contained":[{"resourceType":"Organization","name":"x"}]}'
    patient = cast(Any, decoder("Patient").decode(raw))
    assert bytes(patient.contained[0]) == b'{"resourceType":"Organization","name":"x"}'


@pytest.mark.parametrize(
    "body",
    [
        '"unknown":1',
        '"status":"new"',
        '"status":1',
        '"category":{}',
        '"category":[]',
        '"issued":""',
    ],
)
def test_what_the_types_alone_refuse(body: str) -> None:
    raw = '{"resourceType":"Observation","code":{"text":"x"},' + body + "}"
    with pytest.raises(msgspec.ValidationError):
        decoder("Observation").decode(raw.encode())


def test_an_unknown_name_has_no_struct() -> None:
    with pytest.raises(KeyError):
        struct("Nonsense")
