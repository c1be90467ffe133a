"""Queries over one resource that is known: what the graph is, what is refused, and the bounds."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from careplane.fhir.graphql import Ask, Budget, ById, BySearch, Page, check, read, walk
from careplane.fhir.graphql.limits import MAX_DEPTH, MAX_TEXT
from careplane.kernel.errors import (
    CareplaneError,
    Incorrect,
    Invalid,
    Malformed,
    NotFound,
    TooLarge,
    Unsupported,
)

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "birthDate": "1970-01-01",
    "_birthDate": {"extension": [{"url": "u", "valueDecimal": Decimal("1.00")}]},
    "name": [
        {"use": "official", "family": "Chalmers", "given": ["Peter", "James"]},
        {"use": "usual", "given": ["Jim"]},
        {"use": "maiden", "family": "Windsor", "given": ["Peter"]},
    ],
    "multipleBirthInteger": 2,
    "contained": [
        {"resourceType": "Organization", "id": "o", "name": "House", "partOf": {"reference": "#q"}},
        {"resourceType": "Organization", "id": "q", "name": "Estate"},
    ],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [
        {"reference": "Practitioner/a"},
        {"reference": "http://here/fhir/Organization/b"},
        {"display": "somebody"},
    ],
    "link": [{"other": {"reference": "Patient/x/_history/3"}, "type": "seealso"}],
}
KNOWN: dict[Ask, Any] = {
    ById("Practitioner", "a"): {"resourceType": "Practitioner", "id": "a", "active": False},
    ById("Organization", "b"): {"resourceType": "Organization", "id": "b", "name": "Ward"},
    ById("Patient", "x", 3): None,
}


def graph(text: str, known: dict[Ask, Any] = KNOWN, **variables: Any) -> Any:
    """The graph over the patient, where nothing is left to want."""
    selections = read(text, None, variables)
    check(selections, "Patient")
    found, wanted = walk(selections, PATIENT, known, Budget(), "http://here/fhir")
    assert not wanted
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ id __typename resourceType }",
         {"id": "p", "__typename": "Patient", "resourceType": "Patient"}),
        ("{ born: birthDate }", {"born": "1970-01-01"}),
        ("{ multipleBirthInteger multipleBirthBoolean }", {"multipleBirthInteger": 2}),
        ("{ _birthDate { extension { valueDecimal } } }",
         {"_birthDate": {"extension": [{"valueDecimal": Decimal("1.00")}]}}),
        ("{ name(use: usual) { given } }", {"name": [{"given": ["Jim"]}]}),
        ('{ name(use: ["usual", "maiden"], _count: 1) { use } }', {"name": [{"use": "usual"}]}),
        ("{ name(given: Peter, _offset: 1) { use } }", {"name": [{"use": "maiden"}]}),
        ("{ name(use: nickname) { use } }", {}),
        ('{ name(fhirpath: "$index > 1") { use } }', {"name": [{"use": "maiden"}]}),
        ('{ name(fhirpath: "given") { use } }',
         {"name": [{"use": "official"}, {"use": "usual"}, {"use": "maiden"}]}),
        ('{ name(fhirpath: "%resource.active.not()") { use } }', {}),
        ("{ name @first { given @first } }", {"name": [{"given": ["Peter"]}]}),
        ("{ name { ...A ...B } } fragment A on HumanName { use }"
         " fragment B on HumanName { family }",
         {"name": [{"use": "official", "family": "Chalmers"}, {"use": "usual"},
                   {"use": "maiden", "family": "Windsor"}]}),
        ("{ id id ... on Patient { id } ... on DomainResource { active } }",
         {"id": "p", "active": True}),
        ("{ id @skip(if: true) active @include(if: false) }", {}),
        ("{ ... @include(if: false) { id } }", {}),
        ('{ name @flatten @slice(path: "use") { g: given @first @singleton } }',
         {"g.official": "Peter", "g.usual": "Jim", "g.maiden": "Peter"}),
        ("{ contained { ... on Organization { name } } }",
         {"contained": [{"name": "House"}, {"name": "Estate"}]}),
        ("{ managingOrganization { resource { name partOf { resource { name } } } } }",
         {"managingOrganization": {"resource": {"name": "House",
                                                "partOf": {"resource": {"name": "Estate"}}}}}),
        ("{ managingOrganization @flatten { resource @flatten { name } } }", {"name": "House"}),
        ("{ managingOrganization { resource { PatientList(_reference: organization) { id } } } }",
         {"managingOrganization": {"resource": {}}}),
        ("{ generalPractitioner { resource(optional: true) { ... on Organization { name } } } }",
         {"generalPractitioner": [{"resource": {}}, {"resource": {"name": "Ward"}}, {}]}),
        ("{ generalPractitioner(_count: 2) { a: resource(type: Organization) { name } } }",
         {"generalPractitioner": [{}, {"a": {"name": "Ward"}}]}),
        ("{ generalPractitioner(_count: 2) { resource(type: Organization) { name }"
         " resource(type: Practitioner) { active } } }",
         {"generalPractitioner": [{"resource": {"active": False}},
                                  {"resource": {"name": "Ward"}}]}),
        ("{ link { other { resource(optional: true) { id } } } }", {"link": [{"other": {}}]}),
    ],
)  # fmt: skip
def test_a_graph(query: str, expected: Any) -> None:
    assert graph(query) == expected


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", Malformed),
        ("{", Malformed),
        ("{}", Malformed),
        ("{ nothing }", Invalid),
        ("{ " + "a" * 10_000 + " }", Invalid),
        ("{ name }", Invalid),
        ("{ id { x } }", Invalid),
        ("{ id(_count: 1) }", Invalid),
        ("{ name(nothing: 1) { use } }", Invalid),
        ("{ name(period: 1) { use } }", Invalid),
        ("{ name(_count: -1) { use } }", Invalid),
        ('{ name(_count: "1") { use } }', Invalid),
        ("{ name(fhirpath: 1) { use } }", Invalid),
        ('{ name(fhirpath: "((") { use } }', Malformed),
        ('{ name(fhirpath: "nope()") { use } }', CareplaneError),
        ("{ name(use: {a: 1}) { use } }", Incorrect),
        ("{ name(use: 1, use: 2) { use } }", Incorrect),
        ("{ name(use: $u) { use } }", Incorrect),
        ("{ id @nothing }", Incorrect),
        ("{ id @first(x: 1) }", Incorrect),
        ("{ id @first @first }", Incorrect),
        ("{ id @skip }", Incorrect),
        ('{ id @skip(if: "true") }', Incorrect),
        ("{ id @flatten }", Invalid),
        ("{ ... @flatten { id } }", Incorrect),
        ("{ ...F }", Incorrect),
        ("{ ...F } fragment F on Patient { ...F }", Incorrect),
        ("{ ...F } fragment F on Patient { ...G } fragment G on Patient { ...F }", Incorrect),
        ("{ id } fragment F on Patient { id } fragment F on Patient { id }", Incorrect),
        ("{ ... on Nothing { id } }", Invalid),
        ("{ ... on Observation { id } }", Invalid),
        ("{ x: id x: active }", Incorrect),
        ("{ name(use: usual) { use } name(use: maiden) { use } }", Incorrect),
        ("{ name @flatten { family @singleton } }", Incorrect),
        ("{ name @flatten { x: use } x: active }", Incorrect),
        ("{ generalPractitioner { resource { id } } }", NotFound),
        ("{ link { other { resource { id } } } }", NotFound),
        ("{ generalPractitioner { resource(optional: 1) { id } } }", Invalid),
        ("{ generalPractitioner { resource(type: Nothing) { id } } }", Invalid),
        ("{ generalPractitioner { resource { nothing } } }", Invalid),
        ("{ ObservationList { id } }", Invalid),
        ("{ ObservationList(_reference: code) { id } }", Invalid),
        ("{ ObservationList(_reference: patient, _include: x) { id } }", Invalid),
        ("{ ObservationConnection(_reference: patient, cursor: x) { count } }", Invalid),
        ("{ Patient(id: p) { id } }", Invalid),
        ("{ __schema { types { name } } }", Invalid),
        ("query A { id } query B { id }", Incorrect),
        ("query ($v: Int!) { id }", Incorrect),
        ("query ($v: Int, $v: Int) { id }", Incorrect),
        ("mutation { PatientDelete(id: p) { id } }", Unsupported),
        ("subscription { id }", Unsupported),
        ("type Patient { id: ID }", Incorrect),
    ],
)  # fmt: skip
def test_what_is_refused(query: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        graph(query)


def test_variables_are_of_their_type_and_have_defaults() -> None:
    text = "query ($u: [code!] = [usual], $n: Int) { name(use: $u, _count: $n) { use } }"
    assert graph(text) == {"name": [{"use": "usual"}]}
    assert graph(text, u=["official", "maiden"], n=1) == {"name": [{"use": "official"}]}
    assert graph(text, u="maiden") == {"name": [{"use": "maiden"}]}
    for wrong in ("1", True, Decimal("1.5"), [1], {"a": 1}):
        with pytest.raises(Incorrect):
            graph(text, n=wrong)


def test_an_operation_is_chosen_by_its_name() -> None:
    text = "query A { id } query B { active }"
    assert walk(read(text, "B", {}), PATIENT, {}, Budget())[0] == {"active": True}
    with pytest.raises(Incorrect):
        read(text, "C", {})


def test_what_is_not_known_is_wanted_once() -> None:
    selections = read(
        "{ a: generalPractitioner(_count: 1) { resource { id } }"
        "  b: generalPractitioner(_count: 1) { resource { id } }"
        "  ConditionList(_reference: patient, clinical_status: [active, relapse]) { id }"
        '  GroupConnection(_reference: member, code: "a,b|c") { count } }',
        None,
        {},
    )
    check(selections, "Patient")
    found, wanted = walk(selections, PATIENT, {}, Budget())
    assert found == {"a": [{}], "b": [{}]}
    assert wanted == (
        ById("Practitioner", "a"),
        BySearch(
            "Condition",
            (("clinical-status", "active,relapse"), ("patient", "Patient/p")),
            whole=True,
        ),
        BySearch("Group", (("code", r"a\,b|c"), ("member", "Patient/p")), whole=False, total=True),
    )


def test_a_connection_has_its_links_and_edges() -> None:
    text = "{ PatientConnection { count next previous edges { mode resource { id } } } }"
    selections = read(text, None, {})
    check(selections, "Query")
    known = {BySearch("Patient", (), False, total=True): Page((PATIENT,), 7, next="n")}
    found, wanted = walk(selections, None, known, Budget())
    assert not wanted
    assert found == {
        "PatientConnection": {
            "count": 7, "next": "n", "edges": [{"mode": "match", "resource": {"id": "p"}}],
        }
    }  # fmt: skip


def test_a_search_that_finds_nothing_is_an_empty_list() -> None:
    text = "{ PatientList { id } PatientConnection { edges { resource { id } } } }"
    known = {BySearch("Patient", (), True): Page(()), BySearch("Patient", (), False): Page(())}
    found, _ = walk(read(text, None, {}), None, known, Budget())
    assert found == {"PatientList": [], "PatientConnection": {"edges": []}}


def _doubling(levels: int) -> str:
    """Fragments of which each uses the next one twice."""
    parts = [f"fragment F{n} on Patient {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    return "{ ...F0 }" + "".join(parts) + f"fragment F{levels} on Patient {{ id }}"


def _nested(levels: int) -> str:
    """Fragments inside one another, each with a field."""
    parts = [f"fragment F{n} on Extension {{ extension {{ ...F{n + 1} }} }}" for n in range(levels)]
    return "{ extension { ...F0 } }" + "".join(parts) + f"fragment F{levels} on Extension {{ url }}"


@pytest.mark.parametrize(
    "query",
    [
        "{ " + " " * MAX_TEXT + "id }",
        "{ id(a: " + "[" * 5000,
        "{contained" * (MAX_DEPTH + 1),
        "{ id" + " id" * 9_999 + " }",
        "{" + " ".join(f"a{n}: id" for n in range(2001)) + "}",
        '{ name(fhirpath: "' + "x." * 200 + 'x") { use } }',
        _doubling(30),
        _nested(MAX_DEPTH),
    ],
    ids=["long", "brackets", "deep", "tokens", "wide", "path", "doubling", "nested fragments"],
)
def test_a_bomb_is_refused_at_once(query: str) -> None:
    started = time.perf_counter()
    with pytest.raises(TooLarge):
        graph(query)
    assert time.perf_counter() - started < 2


def test_a_walk_and_its_paths_end() -> None:
    wide = {**PATIENT, "name": [{"given": ["x"] * 50}] * 500}
    many = " ".join(f"a{n}: name {{ given }}" for n in range(100))
    with pytest.raises(TooLarge):
        walk(read("{" + many + "}", None, {}), wide, {}, Budget())
    costly = '{ name(fhirpath: "%resource.name.given.select(%resource.name.given)") { use } }'
    with pytest.raises(TooLarge):
        walk(read(costly, None, {}), wide, {}, Budget())


def test_a_check_of_a_wide_query_is_quick() -> None:
    inner = "id " + " ".join(f"a{n}: contained {{ id }}" for n in range(900))
    started = time.process_time()
    check(read("{ contained { " + inner + " } }", None, {}), "Patient")
    assert time.process_time() - started < 2
