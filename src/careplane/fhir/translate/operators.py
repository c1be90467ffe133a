"""Operators (FHIRPath 2.0, 6 Operations): logic, equality, order, membership, `+` and `&`."""

from __future__ import annotations

from collections.abc import Callable

from careplane.fhir.translate.flow import (
    Branch,
    Collection,
    Names,
    Truth,
    Untranslatable,
    definite,
)
from careplane.fhir.translate.kinds import kind
from careplane.fhir.translate.render import any_of, exists, item, scalar

BOOLEAN = "System.Boolean"


def logical(truth: Truth) -> Collection:
    """A truth as a collection."""
    return Collection((), single=True, truth=truth)


def truth_of(collection: Collection, names: Names) -> Truth:
    """A collection where a condition is wanted: its boolean; any other one value is true."""
    if collection.truth is not None:
        return collection.truth
    if not collection.single:
        raise Untranslatable("many values where one condition is wanted")
    booleans = [b for b in collection.branches if kind(b.type) == "boolean"]
    others = tuple(b for b in collection.branches if kind(b.type) != "boolean")
    yes = [any_of(booleans, lambda b: f"{b.code} is True")] if booleans else []
    if others:
        yes.append(exists(Collection(others, single=True), names))
    no = any_of(booleans, lambda b: f"{b.code} is False")
    return Truth(_either(yes), no)


def valued(collection: Collection) -> Collection:
    """A logical collection as one with a value of True, False or None."""
    truth = collection.truth
    if truth is None:
        return collection
    if _is_definite(truth):
        return Collection((Branch((), f"bool({truth.yes})", BOOLEAN),), single=True)
    code = f"(True if {truth.yes} else False if {truth.no} else None)"
    return Collection((Branch((), code, BOOLEAN, optional=True),), single=True)


def negation(truth: Truth) -> Truth:
    """`not()`."""
    return Truth(truth.no, truth.yes)


def conjunction(left: Truth, right: Truth) -> Truth:
    """`and`."""
    return Truth(f"({left.yes} and {right.yes})", f"({left.no} or {right.no})")


def disjunction(left: Truth, right: Truth) -> Truth:
    """`or`."""
    return negation(conjunction(negation(left), negation(right)))


def implication(left: Truth, right: Truth) -> Truth:
    """`implies`."""
    return disjunction(negation(left), right)


def exclusion(left: Truth, right: Truth) -> Truth:
    """`xor`."""
    if _is_definite(left) and _is_definite(right):
        return definite(f"(bool({left.yes}) is not bool({right.yes}))")
    one_way, other_way = conjunction(left, negation(right)), conjunction(negation(left), right)
    return disjunction(one_way, other_way)


def _is_definite(truth: Truth) -> bool:
    return truth == definite(truth.yes) or truth == negation(definite(truth.no))


LOGIC: dict[str, Callable[[Truth, Truth], Truth]] = {
    "and": conjunction,
    "or": disjunction,
    "implies": implication,
    "xor": exclusion,
}


def equality(left: Collection, right: Collection, names: Names) -> Truth:
    """`=` of two single values; empty where either is."""
    left, right = valued(left), valued(right)
    _only_single(left, right)
    if _fixed(right):
        return _equality_with(right.branches[0], left, names)
    return Truth(
        _over_pairs(left, right, names, lambda a, b: _equal(a, b, "==")),
        _over_pairs(left, right, names, lambda a, b: _equal(a, b, "!=")),
    )


def _fixed(collection: Collection) -> bool:
    """Whether this is one value that is always there, such as a literal."""
    return len(collection.branches) == 1 and all(
        not b.clauses and not b.optional and kind(b.type) in ("text", "number", "boolean")
        for b in collection.branches
    )


def _equality_with(fixed: Branch, left: Collection, names: Names) -> Truth:
    """Against a fixed value Python's own None will do: it equals nothing."""
    alike = [b for b in left.branches if kind(b.type) == kind(fixed.type)]
    others = tuple(b for b in left.branches if kind(b.type) != kind(fixed.type))
    same = {"True": "{0} is True", "False": "{0} is False"}.get(fixed.code, "{0} == {1}")
    unlike = [any_of(alike, lambda b: f"{b.code} not in (None, {fixed.code})")] if alike else []
    unlike += [exists(Collection(others, single=True), names)] if others else []
    return Truth(any_of(alike, lambda b: same.format(b.code, fixed.code)), _either(unlike))


def _either(parts: list[str]) -> str:
    return f"({' or '.join(parts)})" if len(parts) > 1 else "".join(parts) or "False"


def _only_single(*collections: Collection) -> None:
    if not all(c.single for c in collections):
        raise Untranslatable("comparison of many values")


def _over_pairs(
    left: Collection, right: Collection, names: Names, test: Callable[[Branch, Branch], str]
) -> str:
    rights = [item(b, names) for b in right.branches]
    return any_of(
        [item(b, names) for b in left.branches],
        lambda a: any_of(rights, lambda b: test(a, b)),
    )


def _equal(a: Branch, b: Branch, operator: str) -> str:
    kinds = {kind(a.type), kind(b.type)}
    if len(kinds) > 1:
        return str(operator == "!=")
    if kinds & {"moment", "quantity"}:
        function = "moments" if "moment" in kinds else "quantities"
        return f"{function}({a.code}, {operator!r}, {b.code}) is True"
    return f"{a.code} {operator} {b.code}"


def order(operator: str, left: Collection, right: Collection, names: Names) -> Truth:
    """`<`, `<=`, `>`, `>=` of two single values."""
    _only_single(left, right)
    return Truth(
        _over_pairs(left, right, names, lambda a, b: _ordered(a, b, operator, True)),
        _over_pairs(left, right, names, lambda a, b: _ordered(a, b, operator, False)),
    )


def _ordered(a: Branch, b: Branch, operator: str, wanted: bool) -> str:
    of = kind(a.type)
    if of != kind(b.type) or of not in ("text", "number", "moment", "quantity"):
        raise Untranslatable(f"{a.type} {operator} {b.type}")
    if of in ("moment", "quantity"):
        function = "moments" if of == "moment" else "quantities"
        return f"{function}({a.code}, {operator!r}, {b.code}) is {wanted}"
    plain = f"{a.code} {operator} {b.code}"
    return plain if wanted else f"not ({plain})"


def membership(left: Collection, right: Collection, names: Names) -> Truth:
    """`left in right`: empty where left is."""
    left = valued(left)
    _only_single(left)
    fixed = all(not b.optional and not b.clauses for b in right.branches) and right.branches
    if fixed:
        listed = ", ".join(b.code for b in right.branches)
        return Truth(
            any_of(_items(left, names), lambda a: f"{a.code} in ({listed},)"),
            any_of(_items(left, names), lambda a: f"{a.code} not in ({listed},)"),
        )
    rights = [item(b, names) for b in right.branches]

    def found(a: Branch) -> str:
        return any_of(rights, lambda b: _equal(a, b, "=="))

    lefts = _items(left, names)
    return Truth(any_of(lefts, found), any_of(lefts, lambda a: f"not {found(a)}"))


def _items(collection: Collection, names: Names) -> list[Branch]:
    return [item(branch, names) for branch in collection.branches]


def addition(left: Collection, right: Collection) -> Collection:
    """`+` of two integers that are always there, such as counts."""
    for side in (left, right):
        if [b.type for b in side.branches] != ["System.Integer"] or side.branches[0].optional:
            raise Untranslatable("+ of anything but counts")
    code = f"({left.branches[0].code} + {right.branches[0].code})"
    return Collection((Branch((), code, "System.Integer"),), single=True)


def concatenation(left: Collection, right: Collection, names: Names) -> Collection:
    """`&`: a missing side is an empty string."""
    _only_single(left, right)
    sides = []
    for side in (left, right):
        if len(side.branches) > 1 or any(kind(b.type) != "text" for b in side.branches):
            raise Untranslatable("& of anything but strings")
        sides.append(f"({scalar(side.branches[0], names)} or '')" if side.branches else "''")
    return Collection((Branch((), " + ".join(sides), "System.String"),), single=True)
