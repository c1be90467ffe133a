"""Grams and moles, whatever the amounts: a search in one finds in the other what is as much."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from careplane.fhir import analytes, structs, ucum
from careplane.search.criterion import Setting
from careplane.search.extract import extract
from careplane.search.match import NoWorld, Subject, matches
from careplane.search.parse import parse
from careplane.search.registry import r4_registry

SETTING = Setting(r4_registry())
UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
amounts = st.decimals(Decimal("0.001"), 10**5, places=3)
masses = st.sampled_from(["mg/dL", "g/L", "ug/mL", "kg/m3", "ng/dL"])
moles = st.sampled_from(["mmol/L", "umol/L", "nmol/mL", "mol/m3", "pmol/dL"])
codes = st.sampled_from(sorted(code for _, code in analytes.built_in().grams))


@given(amounts, masses, amounts, moles, codes, st.booleans(), st.sampled_from(["gt", "lt"]))
def test_a_search_finds_what_is_as_much(
    asked: Decimal,
    mass: str,
    found: Decimal,
    mole: str,
    code: str,
    turned: bool,
    prefix: str,
) -> None:
    grams = analytes.built_in().grams[LOINC, code]
    assert grams
    heavy = ucum.canonicalise(asked, mass)[0]
    light = ucum.canonicalise(found, mole)[0] * Decimal(grams)
    if abs(heavy - light) <= heavy * Decimal("1e-9"):
        return
    sought, written = (asked, mass), (found, mole)
    if turned:
        sought, written = written, sought
    more = (light > heavy) != turned
    raw = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "valueQuantity": {"value": float(written[0]), "system": UCUM, "code": written[1]},
    }
    rows = extract(structs.decoder("Observation").decode(json.dumps(raw)))
    pair = ("value-quantity", f"{prefix}{sought[0]:f}|{UCUM}|{sought[1]}")
    where = parse(SETTING, ("Observation",), [pair]).query.where
    assert matches(where, Subject("Observation", "1", 0, rows), NoWorld()) == (
        more == (prefix == "gt")
    )
