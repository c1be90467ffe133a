"""Laws of GraphQL: any text, and any change of a good one, ends in a graph or in one of our errors;
and a graph says nothing that the resource does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from careplane.fhir.graphql import Budget, check, read, walk
from careplane.kernel.errors import CareplaneError

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "name": [
        {"use": "official", "family": "Chalmers", "given": ["Peter", "James"]},
        {"given": ["Jim", None], "_given": [None, {"extension": [{"url": "u"}]}]},
    ],
    "extension": [{"url": "u", "valueDecimal": Decimal("1.00")}, {"url": "v"}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "House"}],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "Practitioner/a"}, {"display": "x"}],
}
_PIECES = (
    "{", "}", "(", ")", "[", "]", ":", ",", "!", "$v", "...", "@", "=", "|", "&", '"', '"""', "#",
    "\n", "\\", "query", "mutation", "fragment", "on", "F", "Patient", "HumanName", "Resource",
    "id", "active", "name", "given", "_given", "extension", "url", "valueDecimal", "contained",
    "resource", "managingOrganization", "generalPractitioner", "reference", "ObservationList",
    "ConditionConnection", "_reference", "patient", "edges", "__typename", "use", "fhirpath",
    '"given.exists()"', '"$index"', "_count", "_offset", "optional", "type", "true", "null", "1",
    "-1", "1.5e3", "skip", "include", "if", "flatten", "first", "singleton", "slice", "path",
)  # fmt: skip
_FIELDS: Any = st.recursive(
    st.sampled_from(["id", "active", "x: id", "id @first", "nothing", "__typename"]),
    lambda inner: st.builds(
        lambda name, arguments, directives, fields: (
            f"{name}{arguments} {directives} {{ {' '.join(fields)} }}"
        ),
        st.sampled_from(
            ["name", "extension", "contained", "managingOrganization", "resource", "_given",
             "generalPractitioner", "ObservationList", "... on Patient", "...", "n: name"]
        ),
        st.sampled_from(
            ["", "", "(use: official)", "(_count: 1, _offset: 1)", "(optional: true)",
             '(fhirpath: "given")', "(_reference: patient)", "(type: Organization)"]
        ),
        st.sampled_from(["", "", "@flatten", "@first", '@slice(path: "$index")', "@singleton"]),
        st.lists(
            inner | st.sampled_from(["family", "given", "given @singleton", "url", "use", "name"]),
            min_size=1,
            max_size=4,
        ),
    ),
    max_leaves=12,
)  # fmt: skip


def graph(text: str) -> Any:
    """The graph of a query, or None where it is refused."""
    try:
        selections = read(text, None, {"v": 1})
        check(selections, "Patient")
        return walk(selections, PATIENT, {}, Budget())[0]
    except CareplaneError:
        return None


@given(st.lists(st.sampled_from(_PIECES), max_size=40).map(" ".join) | st.text(max_size=60))
@example("{" * 500)
@example("{ id(a: " + "[" * 500)
@example('{ name(a: """' + '\\"""' * 100)
@settings(max_examples=300, deadline=None)
def test_any_text_is_answered_or_refused(text: str) -> None:
    graph(text)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in _leaves(one)]
    return [leaf for one in value for leaf in _leaves(one)] if isinstance(value, list) else [value]


@given(st.lists(_FIELDS, min_size=1, max_size=5))
@settings(max_examples=300, deadline=None)
def test_a_graph_says_nothing_new(fields: list[str]) -> None:
    found = graph(f"{{ {' '.join(fields)} }}")
    if found is not None:
        names = {"Patient", "HumanName", "Extension", "Organization", "Reference", "Element"}
        known = {str(leaf) for leaf in _leaves(PATIENT)} | names
        assert {str(leaf) for leaf in _leaves(found)} <= known


def test_some_of_these_are_answered() -> None:
    """The law above would hold for a graph that is never there."""
    assert graph('{ name @flatten @slice(path: "$index") { given @first @singleton } }') == {
        "given.0": "Peter",
        "given.1": "Jim",
    }
