"""UCUM, whatever the unit: there and back is the same; a text is a unit or NotAUnit."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from careplane.fhir import ucum
from careplane.fhir.ucum.tables import BASE_UNITS, PREFIXES, UNITS

amounts = st.decimals(-(10**9), 10**9, places=6)
metric = st.sampled_from([*BASE_UNITS, *(c for c, row in UNITS.items() if row[2] and not row[3])])
prefixed = st.builds(str.__add__, st.sampled_from(["", *PREFIXES]), metric)
parts = st.builds(lambda code, power: f"{code}{power}", prefixed, st.sampled_from(["", -2, 2, 3]))
ratios = st.lists(parts, min_size=1, max_size=3).map("/".join)


@given(amounts, ratios)
def test_canonical_and_back(value: Decimal, code: str) -> None:
    canonical, unit = ucum.canonicalise(value, code)
    back = ucum.convert(canonical, unit, code)
    assert abs(back - value) <= abs(value) * Decimal("1e-50")


@given(amounts, amounts, ratios, st.sampled_from(["k", "m", "u"]))
def test_order_survives_a_change_of_unit(
    one: Decimal, other: Decimal, code: str, prefix: str
) -> None:
    unit = f"{code}.{prefix}g"
    moved = ucum.convert(other, f"{code}.g", unit)
    assert ucum.compare(one, f"{code}.g", moved, unit) == (one > other) - (one < other)


@given(st.text(st.sampled_from("mgLsu10*^.-/(){}[]%' \n\xe9"), max_size=300))
def test_any_text_is_a_unit_or_refused(text: str) -> None:
    try:
        unit = ucum.parse(text)
    except ucum.NotAUnit:
        return
    assert ucum.parse(unit.canonical).dimension == unit.dimension
