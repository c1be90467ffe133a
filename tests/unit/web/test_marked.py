"""Places of elements in JSON and XML, and what is shown of a resource with problems."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.fhir.codec import xml
from careplane.kernel.errors import Issue
from careplane.web.marked.json_places import json_places
from careplane.web.marked.marking import MOST, WHOLE, lines, problems
from careplane.web.marked.place import Place
from careplane.web.marked.xml_places import xml_places

JSON = """{
 "resourceType": "Patient",
 "name": [
   {"family": "A [{,:\\"",
    "given": [
      "x",
      "y"
    ]},
   {
    "family": "B", "_given": [null, {"id":
      "z"}]
   }
 ],
 "multipleBirthInteger":
  3,
 "contact": [{}, {
    "gender": "m"}],
 "contained": [
  {"resourceType": "Observation",
   "valueQuantity": {
     "unit": "u"}}
 ]
}"""
XML = """<?xml version="1.0"?>
<Patient xmlns="http://hl7.org/fhir">
 <text><div xmlns="http://www.w3.org/1999/xhtml"><p>
   <b>name</b></p></div></text>
 <contained>
  <Observation>
   <valueQuantity>
    <unit value="u"/>
   </valueQuantity>
  </Observation>
 </contained>
 <!-- a comment -->
 <name><given value="x"/>
  <given value="y"/></name>
 <name>
  <family value="B"/>
 </name>
</Patient>"""


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("Patient", 1),
        ("", 1),
        ("Patient.name", 3),
        ("Patient.name[0]", 4),
        ("Patient.name[0].family", 4),
        ("Patient.name[0].given", 5),
        ("Patient.name[0].given[1]", 7),
        ("Patient.name[1]", 9),
        ("Patient.name[1].family", 10),
        ("Patient.name[1].given[1]", 10),
        ("Patient.name[1].given[1].id", 10),
        ("Patient.name[7].family", 9),
        ("Patient.name[" + "9" * 5_000 + "]", 9),
        ("Patient.multipleBirth", 14),
        ("Patient.multipleBirth.ofType(integer)", 14),
        ("Patient.contact[1].gender", 17),
        ("Patient.contact[0].gender", 16),
        ("Patient.contained[0]", 19),
        ("Patient.contained[0].value.unit", 21),
        ("Patient.contained[0].value.ofType(Quantity).unit", 21),
        ("Patient.mult", 1),
        ("Patient.extension('x').value", 1),
    ],
)
def test_where_an_element_stands_in_json(where: str, line: int) -> None:
    assert json_places(JSON).find(where).line == line


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("Patient", 2),
        ("Patient.text", 3),
        ("Patient.text.div.name", 3),
        ("Patient.contained[0].value.unit", 8),
        ("Patient.name[0].given[1]", 14),
        ("Patient.name[1].family", 16),
        ("Patient.birthDate", 2),
    ],
)
def test_where_an_element_stands_in_xml(where: str, line: int) -> None:
    assert xml_places(xml.parse_document(XML.encode())).find(where).line == line


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=4), inner)
    ),
    max_leaves=12,
)


@given(_VALUES)
def test_any_json_has_places_within_its_lines(value: object) -> None:
    tree = {"resourceType": "Basic", "a": value, "b": [{"c": value}, 1], "last": 2}
    text = json.dumps(tree, indent=1)
    count = text.count("\n") + 1
    places = json_places(text)
    waiting = [places]
    while waiting:
        place = waiting.pop()
        assert 1 <= place.line <= count
        waiting += [one for some in place.parts.values() for one in some]
    assert places.find("Basic.last").line == count - 1
    assert places.find("Basic.b[1]").line == count - 3


def issue(severity: str, where: str, text: str = "t") -> Issue:
    return Issue(severity, "value", text, where)  # type: ignore[arg-type]


def test_problems_stand_in_the_order_of_lines_and_the_grave_ones_first() -> None:
    found = problems(
        [
            issue("warning", "Patient.name"),
            issue("error", "Patient.contact[1]"),
            issue("error", "Patient.name", "At least 1 (by http://a.test/p#Patient.name)"),
            issue("warning", "Patient", "odd (by hand) and plain"),
        ],
        json_places(JSON),
    )
    assert [(one.number, one.line, one.severity) for one in found] == [
        (1, 1, "warning"),
        (2, 3, "error"),
        (3, 3, "warning"),
        (4, 16, "error"),
    ]
    assert (found[1].text, found[1].profile, found[1].element) == (
        "At least 1",
        "http://a.test/p",
        "Patient.name",
    )
    assert (found[0].text, found[0].profile) == ("odd (by hand) and plain", "")


def test_a_text_that_cannot_be_read_names_its_line() -> None:
    (one,) = problems([issue("error", "", "Expecting value at line 3 column 7")], None)
    assert one.line == 3


def test_of_a_long_resource_only_the_neighbourhood_of_problems_is_shown() -> None:
    text = "\n".join(str(n) for n in range(1, WHOLE + 2_001))
    found = problems([issue("error", "", f"line {n}") for n in (100, 104, 9_999_999)], None)
    shown = lines(text, found)
    numbers = [line.number for line in shown]
    assert numbers == [*range(1, 6), *range(96, 109), *range(3996, 4001)]
    assert [line.text for line in shown] == [str(n) for n in numbers]
    assert sum(line.skipped for line in shown) + len(shown) == WHOLE + 2_000
    assert [p.number for line in shown for p in line.problems] == [1, 2, 3]


def test_more_problems_than_can_be_read_are_not_shown() -> None:
    found = problems([issue("error", "Patient")] * (MOST + 1), Place(1))
    assert len(found) == MOST
