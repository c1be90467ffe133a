"""FHIRPath, whatever the expression: printing is undone by parsing, evaluating ends in values or in
one of our errors within its budget, and never changes the resource."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careplane.fhir.definitions import search_parameters, type_definition, type_names
from careplane.fhir.fhirpath import Environment, Node, ast, check, evaluate, parse, root_node
from careplane.fhir.fhirpath.catalogue import FUNCTIONS
from careplane.fhir.fhirpath.engine import Shared
from careplane.fhir.fhirpath.errors import NotFhirpath
from careplane.fhir.fhirpath.items import Collection
from careplane.fhir.fhirpath.parser import BINARY
from careplane.fhir.fhirpath.printer import show
from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError

PATIENT: Tree = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "name": [
        {"use": "official", "family": "Chalmers", "given": ["Peter", "James"]},
        {"use": "usual", "given": [None, "Jim"], "_given": [{"id": "g"}, None]},
    ],
    "birthDate": "1974-12-25",
    "_birthDate": {
        "extension": [{"url": "http://x", "valueDateTime": "1974-12-25T14:35:45-05:00"}]
    },
    "multipleBirthInteger": 2,
    "extension": [{"url": "q", "valueQuantity": {"value": Decimal("1.50"), "unit": "mg"}}],
    "contained": [{"resourceType": "Organization", "id": "o"}],
    "managingOrganization": {"reference": "#o"},
}

names = st.sampled_from(
    ["name", "given", "family", "use", "birthDate", "extension", "value", "active", "Patient",
     "contained", "managingOrganization", "reference", "multipleBirth", "id", "is",
     "a b", "div", "é`'"]
)  # fmt: skip
numbers = st.decimals(0, 10**6, places=3)
leaves = st.one_of(
    st.sampled_from([ast.Empty(), ast.This(), ast.Index(), ast.Total(), ast.Boolean(True)]),
    st.builds(ast.Integer, st.integers(0, 2**31 - 1)),
    st.builds(ast.Number, numbers),
    st.builds(ast.String, st.text(max_size=8)),
    st.builds(ast.Date, st.sampled_from(["2015", "2015-02", "2016-02-29"])),
    st.builds(ast.DateTime, st.sampled_from(["2015", "2015-02-04T14", "2015-02-04T14:34:28.5Z"])),
    st.builds(ast.Time, st.sampled_from(["14", "14:34:28"])),
    st.builds(ast.Quantity, numbers, st.sampled_from(["mg", "g/L", "Cel", "nonsense"])),
    st.builds(ast.Quantity, numbers, st.sampled_from(["year", "day"]), st.just(True)),
    st.builds(ast.Variable, st.sampled_from(["resource", "context", "ucum", "vs-x", "nothing"])),
    st.builds(ast.Member, st.none(), names),
)
types = st.builds(
    ast.TypeName,
    st.sampled_from(["Quantity", "HumanName", "string", "Patient"]),
    st.sampled_from([None, "FHIR"]),
)
functions = st.sampled_from(sorted(FUNCTIONS))


def _call(name: str, inner: st.SearchStrategy[ast.Expression]) -> st.SearchStrategy[ast.Expression]:
    """A call with as many arguments as the function takes."""
    least, most, _ = FUNCTIONS[name]
    given_ = st.lists(inner, min_size=least, max_size=min(most, 3)).map(tuple)
    return st.builds(ast.Call, st.none() | inner, st.just(name), given_)


def _compound(inner: st.SearchStrategy[ast.Expression]) -> st.SearchStrategy[ast.Expression]:
    return st.one_of(
        st.builds(ast.Member, inner, names),
        functions.flatmap(lambda name: _call(name, inner)),
        st.builds(ast.Indexer, inner, inner),
        st.builds(ast.Unary, st.sampled_from("+-"), inner),
        st.builds(ast.Binary, st.sampled_from(sorted(BINARY)), inner, inner),
        st.builds(ast.TypeOperation, st.sampled_from(["is", "as"]), inner, types),
    )


# `base.$this` is `$this`, and `$this` after a dot is the same: no base needs printing there.
expressions = st.recursive(leaves, _compound, max_leaves=12)


@given(expressions)
def test_parsing_undoes_printing(expression: ast.Expression) -> None:
    assert parse(show(expression)) == expression


@settings(deadline=timedelta(seconds=2), max_examples=400)
@given(expressions)
def test_any_expression_ends_in_values_or_our_errors(expression: ast.Expression) -> None:
    tree = copy.deepcopy(PATIENT)
    try:
        first = evaluate(expression, tree, Environment(now=0, budget=20_000))
        assert len(first) <= 20_000
    except CareplaneError:
        pass
    assert tree == PATIENT


def _paths(inner: st.SearchStrategy[ast.Expression]) -> st.SearchStrategy[ast.Expression]:
    """Down from the resource, and by a text on the way."""
    texts = st.sampled_from(["official", "usual", "Chalmers", "Peter", "mg", "q"])
    by = st.builds(
        ast.Binary, st.just("="), st.builds(ast.Member, st.none(), names), texts.map(ast.String)
    )
    return st.one_of(
        st.builds(ast.Member, inner, names),
        st.builds(ast.Call, inner, st.sampled_from(["children", "descendants"]), st.just(())),
        st.builds(ast.Call, inner, st.just("where"), st.tuples(by)),
        st.builds(
            ast.Call, inner, st.just("repeat"), st.tuples(st.builds(ast.Member, st.none(), names))
        ),
        st.builds(
            ast.Call,
            inner,
            st.just("defineVariable"),
            st.just((ast.String("resource"), ast.Empty())),
        ),
        st.builds(ast.Call, st.none() | inner, st.just("select"), st.tuples(inner)),
    )


roots = st.sampled_from([ast.Variable("resource"), ast.Variable("rootResource"), ast.This()])


@given(st.lists(st.recursive(roots, _paths, max_leaves=4), min_size=2, max_size=6))
def test_what_is_shared_is_what_each_would_find(asked: list[ast.Expression]) -> None:
    root = root_node(PATIENT)
    environment = Environment(now=0, resource=root, root_resource=root)
    shared = Shared(environment)
    for expression in (*asked, *asked):
        assert _found(lambda e=expression: shared.evaluate(show(e), root, 0, {})) == _found(
            lambda e=expression: evaluate(e, root, environment)
        )


def _found(evaluation: Callable[[], Collection]) -> list[object] | str:
    try:
        found = evaluation()
    except CareplaneError as error:
        return type(error).__name__
    return [(one.location, one.value) if isinstance(one, Node) else one for one in found]


@settings(deadline=timedelta(seconds=2))
@given(expressions)
def test_the_checker_ends_in_types_or_our_errors(expression: ast.Expression) -> None:
    with contextlib.suppress(CareplaneError):
        check(expression, "Patient")


@given(st.text(st.sampled_from("aA1.'\"`()[]{}@%$,+-*/&|=!~<>\\ \nTZ:_\xe9"), max_size=60))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        expression = parse(text)
    except NotFhirpath:
        return
    assert parse(show(expression)) == expression


def test_every_expression_of_r4_survives_printing() -> None:
    texts = {row.expression for row in search_parameters() if row.expression}
    for name in type_names():
        definition = type_definition(name)
        rules = [
            *definition.invariants,
            *(r for e in definition.elements.values() for r in e.invariants),
        ]
        texts.update(rule.expression for rule in rules)
    assert len(texts) > 1000
    for text in texts:
        assert parse(show(parse(text))) == parse(text)


# The expression of cid-0 names an element that ChargeItemDefinition does not have.
@pytest.mark.parametrize("name", [n for n in type_names() if n != "ChargeItemDefinition"])
def test_the_checker_refuses_no_invariant_of_a_type(name: str) -> None:
    for rule in type_definition(name).invariants:
        check(parse(rule.expression), name)
