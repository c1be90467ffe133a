"""Which name is shown, and which may be sent."""

from __future__ import annotations

import pytest

from careplane.fhir.tree import Tree
from careplane.terminology.coded import Coding
from careplane.terminology.concepts import Concept, Designation
from careplane.terminology.display import names
from careplane.terminology.languages import wished

SNOMED: Tree = {"system": "http://snomed.info/sct", "code": "900000000000013009"}
NOTE: Tree = {"system": "http://hospital.test/uses", "code": "abbreviation"}
WITHDRAWN: Tree = {
    "url": "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status",
    "valueCode": "withdrawn",
}
HEART = names(
    Concept(
        "heart",
        "Heart",
        designations=(
            Designation("Hz.", "de", NOTE),
            Designation("Herze", "de", extension=(WITHDRAWN,)),
            Designation("Herz", "de"),
            Designation("Cardiac organ", "en", SNOMED),
            Designation("Coeur", "fr-CA"),
        ),
    ),
    "en",
)


@pytest.mark.parametrize(
    ("wish", "shown"),
    [
        ("", "Heart"),
        ("en", "Heart"),
        ("de", "Herz"),
        ("fr", "Coeur"),
        ("fr-FR, de", "Herz"),
        ("it", "Heart"),
        ("it, *; q=0", None),
    ],
)
def test_the_name_that_is_shown(wish: str, shown: str | None) -> None:
    best = HEART.best(wished(wish))
    assert (None if best is None else best.value) == shown


@pytest.mark.parametrize(
    ("given", "wish", "id"),
    [
        ("Heart", "", None),
        ("HEART", "", None),
        ("Herz", "", None),
        ("Cardiac organ", "", None),
        ("Hz.", "", "Display_Name_for__should_be_one_of__instead_of"),
        ("He art", "", "Display_Name_WS_for__should_be_one_of__instead_of"),
        ("Liver", "", "Display_Name_for__should_be_one_of__instead_of"),
        ("Herze", "", "INACTIVE_DISPLAY_FOUND"),
        ("Herz", "de", None),
        ("Heart", "de", "Display_Name_for__should_be_one_of__instead_of"),
        ("Heart", "it", "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_OK"),
        ("Liver", "it", "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR"),
    ],
)
def test_a_display_that_was_sent(given: str, wish: str, id: str | None) -> None:
    coding = Coding("http://s", "", "heart", given, "Coding")
    found = HEART.check(coding, wished(wish), lenient=False)
    assert [one.id for one in found] == ([] if id is None else [id])
    assert all(one.where == "Coding.display" for one in found)
    lenient = HEART.check(coding, wished(wish), lenient=True)
    assert all(one.severity != "error" for one in lenient)


def test_a_value_set_has_its_own_words() -> None:
    motor = {"value": "Motor", "language": "es"}
    listed = {"code": "heart", "display": "Pump", "designation": [motor]}
    own = names(Concept("heart", "Heart"), "en", listed)
    best = own.best(wished(""))
    assert best is not None
    assert best.value == "Pump"
    assert [one.value for one in own.others(best)] == ["Heart", "Motor"]
