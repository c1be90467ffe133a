"""Functions (FHIRPath 2.0, 5 Functions; R4, 2.9.1 for those of FHIR) by name and arity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from careplane.fhir.fhirpath import ast
from careplane.fhir.translate import operators, strings
from careplane.fhir.translate.flow import (
    Bind,
    Branch,
    Collection,
    Test,
    Truth,
    Untranslatable,
    definite,
)
from careplane.fhir.translate.kinds import is_primitive, kind, of_type, selected
from careplane.fhir.translate.navigate import RESOURCE, child
from careplane.fhir.translate.render import any_of, exists, item, iterable, present
from careplane.fhir.translate.scope import Arguments, Function, Scope, Translates


def _exists(walker: Translates, base: Collection, arguments: Arguments, scope: Scope) -> Collection:
    if base.truth is not None:
        base = operators.valued(base)
    if arguments:
        base = _where(walker, base, arguments, scope)
    return operators.logical(definite(exists(base, walker.names)))


def _missing(
    walker: Translates, base: Collection, arguments: Arguments, scope: Scope
) -> Collection:
    found = _exists(walker, base, arguments, scope).truth
    assert found is not None
    return operators.logical(operators.negation(found))


def _not(walker: Translates, base: Collection, _: Arguments, scope: Scope) -> Collection:
    return operators.logical(operators.negation(operators.truth_of(base, walker.names)))


def _where(walker: Translates, base: Collection, arguments: Arguments, scope: Scope) -> Collection:
    found = []
    for branch in base.branches:
        one = item(branch, walker.names)
        inner = _inside(scope, one)
        found.append(one.under(Test(walker.truth(arguments[0], inner).yes)))
    return Collection(tuple(found), base.single)


def _inside(scope: Scope, item_: Branch) -> Scope:
    """The scope of a criterion: its `$this` is a variable that the clauses around it have set."""
    return replace(scope, this=replace(item_, clauses=()))


def _all(walker: Translates, base: Collection, arguments: Arguments, scope: Scope) -> Collection:
    parts = []
    for branch in base.branches:
        one = item(branch, walker.names)
        truth = walker.truth(arguments[0], _inside(scope, one))
        parts.append(any_of([one], _failing(truth)))
    failing = f"({' or '.join(parts)})" if parts else "False"
    return operators.logical(operators.negation(definite(failing)))


def _failing(truth: Truth) -> Callable[[Branch], str]:
    return lambda _: definite(truth.yes).no


def _select(walker: Translates, base: Collection, arguments: Arguments, scope: Scope) -> Collection:
    found: list[Branch] = []
    for branch in base.branches:
        one = item(branch, walker.names)
        inner = _inside(scope, one)
        projected = operators.valued(walker.collection(arguments[0], inner))
        found.extend(replace(b, clauses=(*one.clauses, *b.clauses)) for b in projected.branches)
    single = base.single and not any(b.loops for b in found)
    return Collection(tuple(found), single and len(found) < 2)


def _count(walker: Translates, base: Collection, _: Arguments, scope: Scope) -> Collection:
    if base.truth is None and not any(b.loops for b in base.branches):
        parts = [any_of([b], present) for b in base.branches]
        code = " + ".join(f"bool({part})" for part in parts) or "0"
        return Collection((Branch((), f"({code})", "System.Integer"),), single=True)
    code = f"len({_list(walker, base)})"
    return Collection((Branch((), code, "System.Integer"),), single=True)


def _list(walker: Translates, base: Collection) -> str:
    """The values as a list or tuple. A primitive without a value would be missed: no list."""
    if any(b.sibling and b.many for b in base.branches):
        raise Untranslatable("counting primitives that may have only extensions")
    return iterable(base.branches, walker.names)


def _is_distinct(walker: Translates, base: Collection, _: Arguments, scope: Scope) -> Collection:
    if not all(is_primitive(b.type) for b in base.branches):
        raise Untranslatable("isDistinct() of structures")
    return operators.logical(definite(f"distinct({iterable(base.branches, walker.names)})"))


def _has_value(walker: Translates, base: Collection, _: Arguments, scope: Scope) -> Collection:
    present = [item(b, walker.names) for b in base.branches if is_primitive(b.type)]
    if not base.single:
        raise Untranslatable("hasValue() of many")
    return operators.logical(definite(any_of(present, lambda _: "True")))


def _extension(
    walker: Translates, base: Collection, arguments: Arguments, scope: Scope
) -> Collection:
    url = arguments[0]
    if not isinstance(url, ast.String):
        raise Untranslatable("extension() without a literal URL")
    extensions = child(base, "extension", walker.names)
    found = []
    for branch in extensions.branches:
        one = item(branch, walker.names, "x")
        found.append(one.under(Test(f"{one.code}.url == {url.value!r}")))
    return Collection(tuple(found), single=False)


def _has_extension(
    walker: Translates, base: Collection, arguments: Arguments, scope: Scope
) -> Collection:
    return _exists(walker, _extension(walker, base, arguments, scope), (), scope)


def _first(walker: Translates, base: Collection, _: Arguments, scope: Scope) -> Collection:
    return index(walker, base, 0)


def _last(walker: Translates, base: Collection, _: Arguments, scope: Scope) -> Collection:
    return index(walker, base, -1)


def index(walker: Translates, base: Collection, at: int) -> Collection:
    """`[at]` of a list that stands as such in the struct, or of one value."""
    if base.single and at in (0, -1):
        return base
    if len(base.branches) != 1 or not base.branches[0].many:
        raise Untranslatable("an index into values of several lists")
    branch = base.branches[0]
    if replace(branch, many=False).loops:
        raise Untranslatable("an index into values of several lists")
    var = walker.names.fresh("list")
    code = f"{var}[{at}]" if at in (0, -1) else f"({var}[{at}] if len({var}) > {at} else None)"
    optional = at not in (0, -1) or branch.sibling is not None
    bound = (*branch.clauses, Bind(var, branch.code)) if branch.optional else branch.clauses
    return Collection((Branch(bound, code, branch.type, optional),), single=True)


def _intersect(
    walker: Translates, base: Collection, arguments: Arguments, scope: Scope
) -> Collection:
    other = [item(b, walker.names) for b in walker.collection(arguments[0], scope).branches]
    found = []
    for branch in base.branches:
        one = item(branch, walker.names)
        same = [b for b in other if kind(b.type) == kind(one.type)]
        found.append(one.under(Test(any_of(same, _equal_to(one)))))
    return Collection(tuple(found), base.single)


def _equal_to(one: Branch) -> Callable[[Branch], str]:
    return lambda other: f"{one.code} == {other.code}"


def _same(walker: Translates, base: Collection, _: Arguments, scope: Scope) -> Collection:
    return base


def test_type(
    walker: Translates,
    base: Collection,
    wanted: ast.TypeName,
    resolving: bool = False,  # noqa: PT028  (no test of pytest's)
) -> Collection:
    """`is`: of one value; `resolve() is Patient` goes by the text of the reference."""
    if not base.single:
        raise Untranslatable("is of many values")
    if not resolving:
        right = [b for b in base.branches if b.type == RESOURCE or of_type(b.type, wanted)]
        wrong = [b for b in base.branches if b.type == RESOURCE or not of_type(b.type, wanted)]
        return operators.logical(
            Truth(
                any_of(_items(walker, right), lambda b: _raw_is(b, wanted, "==")),
                any_of(_items(walker, wrong), lambda b: _raw_is(b, wanted, "!=")),
            )
        )
    references = [item(b, walker.names) for b in base.branches if b.type == "Reference"]
    test = f"refers_to({{}}, {wanted.name!r})"
    return operators.logical(
        Truth(
            any_of(references, lambda b: test.format(b.code)),
            any_of(references, lambda b: "not " + test.format(b.code)),
        )
    )


def _items(walker: Translates, branches: list[Branch]) -> list[Branch]:
    return [item(b, walker.names) for b in branches]


def _raw_is(branch: Branch, wanted: ast.TypeName, operator: str) -> str:
    if branch.type != RESOURCE:
        return "True"
    return f"head({branch.code}).resourceType {operator} {wanted.name!r}"


def _filter_type(walker: Translates, base: Collection, wanted: ast.TypeName) -> Collection:
    """`as` and `ofType`."""
    if any(b.type == RESOURCE for b in base.branches):
        raise Untranslatable("contained resources by type")
    kept = tuple(b for b in operators.valued(base).branches if selected(b.type, wanted))
    return Collection(kept, base.single)


TYPE_FUNCTIONS: dict[str, Callable[[Translates, Collection, ast.TypeName], Collection]] = {
    "is": test_type,
    "as": _filter_type,
    "ofType": _filter_type,
}

FUNCTIONS: dict[tuple[str, int], Function] = {
    ("exists", 0): _exists,
    ("exists", 1): _exists,
    ("empty", 0): _missing,
    ("not", 0): _not,
    ("where", 1): _where,
    ("all", 1): _all,
    ("select", 1): _select,
    ("count", 0): _count,
    ("isDistinct", 0): _is_distinct,
    ("hasValue", 0): _has_value,
    ("extension", 1): _extension,
    ("hasExtension", 1): _has_extension,
    **strings.FUNCTIONS,
    ("first", 0): _first,
    ("last", 0): _last,
    ("intersect", 1): _intersect,
    ("trace", 1): _same,
    ("trace", 2): _same,
}
