"""UCUM by tables: what equals what, what is no unit, what cannot be compared, what times makes."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplane.fhir import ucum
from careplane.fhir.definitions import core
from careplane.fhir.ucum.tables import BASE_UNITS, UNITS

CASES = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES["convert"], ids=lambda case: f"{case['from']} {case['to']}")
def test_conversion(case: dict[str, Any]) -> None:
    value, expected = Decimal(case["value"]), Decimal(case["is"])
    assert ucum.convert(value, case["from"], case["to"]) == expected
    assert ucum.compare(value, case["from"], expected, case["to"]) == 0
    assert ucum.canonicalise(value, case["from"]) == ucum.canonicalise(expected, case["to"])


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: case["code"])
def test_not_a_unit(case: dict[str, str]) -> None:
    with pytest.raises(ucum.NotAUnit, match=case["says"]):
        ucum.parse(case["code"])


@pytest.mark.parametrize(("left", "right"), CASES["incomparable"])
def test_incomparable(left: str, right: str) -> None:
    assert not ucum.comparable(left, right)
    with pytest.raises(ucum.NotComparable):
        ucum.compare(Decimal(1), left, Decimal(1), right)
    with pytest.raises(ucum.NotComparable):
        ucum.convert(Decimal(1), left, right)


@pytest.mark.parametrize("case", CASES["products"])
def test_products(case: dict[str, Any]) -> None:
    (left, left_unit), (right, right_unit) = case["left"], case["right"]
    amounts = Decimal(left), left_unit, Decimal(right), right_unit
    value, unit = case["product"]
    assert ucum.multiply(*amounts) == (Decimal(value), unit)
    value, unit = case["quotient"]
    assert ucum.divide(*amounts) == (Decimal(value), unit)


@pytest.mark.parametrize("code", [*BASE_UNITS, *UNITS])
def test_every_unit_of_the_essence_has_a_canonical_form(code: str) -> None:
    value, canonical = ucum.canonicalise(Decimal(1), code)
    assert value > 0
    assert ucum.canonicalise(value, canonical) == (value, canonical)


def test_the_units_that_r4_calls_common() -> None:
    """All of them but those with spaces in annotations, which UCUM forbids."""
    value_set = core.artifact("ValueSet", "http://hl7.org/fhir/ValueSet/ucum-common")
    assert value_set is not None
    listed = [c["code"] for one in value_set["compose"]["include"] for c in one["concept"]]
    assert len(listed) > 1_300
    for code in listed:
        if " " in code:
            with pytest.raises(ucum.NotAUnit, match="no spaces"):
                ucum.parse(code)
        else:
            value, canonical = ucum.canonicalise(Decimal(1), code)
            assert abs(ucum.convert(value, canonical, code) - 1) < Decimal("1e-50")


def test_case_matters() -> None:
    assert ucum.parse("mg") != ucum.parse("Mg")
    assert not ucum.comparable("mg", "MG")  # megagauss


def test_same_scale_compares_as_written() -> None:
    assert ucum.compare(Decimal(7), "[pH]", Decimal(4), "[pH]") == 1


@pytest.mark.parametrize("value", ["1E+999999", "-1E-999999", "NaN", "Infinity"])
def test_absurd_amounts_are_refused(value: str) -> None:
    with pytest.raises(ucum.NotComparable):
        ucum.compare(Decimal(value), "mg", Decimal(1), "g")


@pytest.mark.parametrize(
    "code", ["(" * 200, "[e]9." * 50 + "m", "/" * 200, "m" * 1000, "{" * 200, "1" * 200, "m." * 120]
)
def test_hostile_codes_are_refused(code: str) -> None:
    with pytest.raises(ucum.NotAUnit):
        ucum.parse(code)
