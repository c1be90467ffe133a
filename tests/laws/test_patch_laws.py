"""Laws of the patches: whatever they are told, they make a resource or say why not, in time."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplane.fhir import patch
from careplane.fhir.codec import json
from careplane.kernel.errors import CareplaneError
from tests.laws.trees import resources

MANY = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "name": [
        {"family": "A", "given": ["B", None], "_given": [None, {"id": "g"}]},
        {"family": "D"},
    ],
    "_birthDate": {"extension": [{"url": "u", "valueCode": "c"}]},
    "contact": [{"name": {"text": "n"}}],
    "contained": [{"resourceType": "Basic", "id": "b"}],
}
VALUES = st.sampled_from(
    [None, True, 0, 1, -1, "x", "", [], {}, ["x"], [None], {"family": "Z"}, {"given": "x"},
     {"given": {}}, [{"given": ["y"]}], {"resourceType": "Basic"}, {"extension": []}]
)  # fmt: skip


def settle(kind: patch.Kind, body: bytes) -> None:
    """Apply to the patient: only our own errors, and the patient stays."""
    before = copy.deepcopy(PATIENT)
    try:
        patched = patch.apply(kind, PATIENT, body)
    except CareplaneError as error:
        assert error.text  # noqa: PT017 - either outcome is fine, and each has its rule
    else:
        assert json.parse(json.dump(patched)) == patched
    assert before == PATIENT


POINTERS = st.lists(
    st.sampled_from(
        ["name", "_given", "given", "0", "1", "-", "contact", "contained", "id", "active", "", "~1",
         "_birthDate", "extension", "family", "01", "9", "x"]
    ),
    max_size=4,
).map(lambda parts: "".join(f"/{part}" for part in parts))  # fmt: skip


@MANY
@given(
    st.lists(
        st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
             "path": POINTERS, "from": POINTERS, "value": VALUES},
        ),
        max_size=5,
    )
)  # fmt: skip
def test_json_patch_settles(operations: list[dict[str, Any]]) -> None:
    settle("json", json.dump({"x": operations})[5:-1])


PATHS = st.lists(
    st.sampled_from(
        ["Patient", "name", "given", "contact", "contained", "id", "active", "birthDate", "family",
         "extension", "value", "telecom", "text", "where(true)", "first()", "count()",
         "ofType(code)", "children()", "descendants()", "resolve()", "$this", "`div`"]
    ),
    min_size=1,
    max_size=4,
).map(".".join)  # fmt: skip
INDEXES = st.one_of(st.just(""), st.sampled_from(["[0]", "[1]", "[9]"]))
PART_VALUES = st.one_of(
    st.tuples(
        st.sampled_from(
            ["valueString", "valueCode", "valueHumanName", "valueBoolean", "_valueString", "valueX"]
        ),
        VALUES,
    ),
    st.just(("resource", {"resourceType": "Basic"})),
    st.just(("part", [{"name": "family", "valueString": "F"}])),
    st.just(("part", [{"name": "url", "valueUri": "v"}, {"name": "value", "valueCode": "c"}])),
)


@st.composite
def operations(draw: Any) -> dict[str, Any]:
    kind = draw(st.sampled_from(["add", "insert", "delete", "replace", "move"]))
    member, value = draw(PART_VALUES)
    named = draw(st.sampled_from(["name", "given", "extension", "contact", "gender", "deceased",
                                  "contained", "id", "family", "deceasedBoolean"]))  # fmt: skip
    numbers = {name: draw(st.integers(-1, 3)) for name in ("index", "source", "destination")}
    return {
        "name": "operation",
        "part": [
            {"name": "type", "valueCode": kind},
            {"name": "path", "valueString": draw(PATHS) + draw(INDEXES)},
            {"name": "name", "valueString": named},
            {"name": "value", member: value},
            *({"name": name, "valueInteger": number} for name, number in numbers.items()),
        ],
    }


@MANY
@given(st.lists(operations(), max_size=5))
def test_fhirpath_patch_settles(told: list[dict[str, Any]]) -> None:
    settle("fhirpath", json.dump({"resourceType": "Parameters", "parameter": told}))


@MANY
@given(resources(depth=1))
def test_fhirpath_patch_takes_back_what_it_adds(tree: dict[str, Any]) -> None:
    kind = tree["resourceType"]
    told = [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "add"},
                {"name": "path", "valueString": kind},
                {"name": "name", "valueString": "language"},
                {"name": "value", "valueCode": "en"},
            ],
        },
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "delete"},
                {"name": "path", "valueString": f"{kind}.language"},
            ],
        },
    ]
    tree = {name: value for name, value in tree.items() if name.lstrip("_") != "language"}
    body = json.dump({"resourceType": "Parameters", "parameter": told})
    assert patch.apply("fhirpath", tree, body) == tree


STEPS = st.lists(
    st.sampled_from(
        ["f:Patient", "Patient", "name", "given[1]", "name[2]", "name[family/@value='A']", "*",
         "@value", "text()", "comment()[1]", "contact", "birthDate", "..", "name[last()]", "[",
         "x:y"]
    ),
    min_size=1,
    max_size=4,
).map("/".join)  # fmt: skip
CONTENT = st.sampled_from(
    ["", "text", "<name/>", '<name><family value="Z"/></name>', "<!-- c -->", "<?p?>", "<x:y/>",
     '<gender value="male"/>', '<div xmlns="http://www.w3.org/1999/xhtml"><p/></div>', "a<b/>c"]
)  # fmt: skip


@MANY
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "replace", "remove"]),
            STEPS,
            st.sampled_from(["", 'pos="before"', 'pos="after"', 'pos="prepend"', 'type="@id"',
                             'type="@xml:id"', 'type="namespace::q"', 'type="namespace::xml"',
                             'type="@xmlns"', 'type="@"']),
            CONTENT,
        ),
        max_size=5,
    )
)  # fmt: skip
def test_xml_patch_settles(operations: list[tuple[str, str, str, str]]) -> None:
    inside = "".join(
        f'<{name} sel="{selector}" {more}>{content}</{name}>'
        for name, selector, more, content in operations
    )
    settle("xml", f'<diff xmlns="http://hl7.org/fhir">{inside}</diff>'.encode())
