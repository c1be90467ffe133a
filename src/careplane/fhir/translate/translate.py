"""The walk over a FHIRPath AST that makes collections of it (FHIRPath 2.0)."""

from __future__ import annotations

from collections.abc import Callable

from careplane.fhir.definitions import is_subtype
from careplane.fhir.fhirpath import ast
from careplane.fhir.translate import operators
from careplane.fhir.translate.flow import (
    EMPTY,
    Branch,
    Collection,
    Names,
    Truth,
    Untranslatable,
)
from careplane.fhir.translate.functions import FUNCTIONS, TYPE_FUNCTIONS, index, test_type
from careplane.fhir.translate.navigate import child, names_a_type
from careplane.fhir.translate.scope import Scope

MAX_TEXT = 100_000
MAX_BRANCHES = 1000
_CONSTANTS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}


class Translator:
    """Translates expressions into one Python function; variables in it are named once."""

    def __init__(self) -> None:
        self.names = Names()

    def scope(self, variable: str, type_name: str, root: Branch | None = None) -> Scope:
        """The scope of an expression whose context is the struct in a Python variable."""
        this = Branch((), variable, type_name)
        return Scope(this, this, root or this, root or this)

    def collection(self, node: ast.Expression, scope: Scope) -> Collection:
        """The values of the expression."""
        return _bounded(_WALKS.get(type(node), _unknown)(self, node, scope))

    def truth(self, node: ast.Expression, scope: Scope) -> Truth:
        """The expression as a condition."""
        return operators.truth_of(self.collection(node, scope), self.names)


def _bounded(found: Collection) -> Collection:
    """Some expressions double with every step; none that is meant gets near these bounds."""
    size = sum(len(branch.code) for branch in found.branches)
    if found.truth is not None:
        size += len(found.truth.yes) + len(found.truth.no)
    if size > MAX_TEXT or len(found.branches) > MAX_BRANCHES:
        raise Untranslatable("an expression that grows too large")
    return found


def _unknown(_: Translator, node: ast.Expression, scope: Scope) -> Collection:
    raise Untranslatable(type(node).__name__)


def _literal(type_name: str) -> Callable[[Translator, ast.Expression, Scope], Collection]:
    def walk(_: Translator, node: ast.Expression, scope: Scope) -> Collection:
        value = getattr(node, "value", None) if not hasattr(node, "text") else node.text
        code = f"Decimal({str(value)!r})" if type_name == "System.Decimal" else repr(value)
        return Collection((Branch((), code, type_name),), single=True)

    return walk


def _empty(_: Translator, node: ast.Expression, scope: Scope) -> Collection:
    return EMPTY


def _this(_: Translator, node: ast.Expression, scope: Scope) -> Collection:
    return Collection((scope.this,), single=True)


def _variable(_: Translator, node: ast.Expression, scope: Scope) -> Collection:
    assert isinstance(node, ast.Variable)
    if node.name in _CONSTANTS:
        return Collection((Branch((), repr(_CONSTANTS[node.name]), "System.String"),), single=True)
    meant = {"resource": scope.resource, "rootResource": scope.root, "context": scope.context}
    if node.name not in meant:
        raise Untranslatable(f"%{node.name}")
    return Collection((meant[node.name],), single=True)


def _member(walker: Translator, node: ast.Expression, scope: Scope) -> Collection:
    assert isinstance(node, ast.Member)
    if node.base is not None:
        return child(walker.collection(node.base, scope), node.name, walker.names)
    if names_a_type(node.name):
        mine = is_subtype(scope.this.type, node.name)
        return Collection((scope.this,), single=True) if mine else EMPTY
    return child(Collection((scope.this,), single=True), node.name, walker.names)


def _call(walker: Translator, node: ast.Expression, scope: Scope) -> Collection:
    assert isinstance(node, ast.Call)
    if node.name in TYPE_FUNCTIONS:
        wanted = ast.type_name(node.arguments[0]) if len(node.arguments) == 1 else None
        if wanted is None:
            raise Untranslatable(f"{node.name} without a type")
        return _type_operation(walker, ast.TypeOperation(node.name, _base(node), wanted), scope)
    function = FUNCTIONS.get((node.name, len(node.arguments)))
    if function is None or _resolves(node.base):
        raise Untranslatable(f"{node.name}()")
    return function(walker, walker.collection(_base(node), scope), node.arguments, scope)


def _base(node: ast.Call) -> ast.Expression:
    return ast.This() if node.base is None else node.base


def _resolves(node: ast.Expression | None) -> bool:
    return isinstance(node, ast.Call) and node.name == "resolve"


def _type_operation(walker: Translator, node: ast.Expression, scope: Scope) -> Collection:
    assert isinstance(node, ast.TypeOperation)
    operand = node.operand
    if isinstance(operand, ast.Call) and operand.name == "resolve":
        if node.operator != "is":
            raise Untranslatable("resolve()")
        referring = walker.collection(_base(operand), scope)
        return test_type(walker, referring, node.type, resolving=True)
    base = walker.collection(operand, scope)
    return TYPE_FUNCTIONS[node.operator](walker, base, node.type)


def _indexer(walker: Translator, node: ast.Expression, scope: Scope) -> Collection:
    assert isinstance(node, ast.Indexer)
    if not isinstance(node.index, ast.Integer):
        raise Untranslatable("an index that is computed")
    return index(walker, walker.collection(node.base, scope), node.index.value)


def _binary(walker: Translator, node: ast.Expression, scope: Scope) -> Collection:
    assert isinstance(node, ast.Binary)
    operator, names = node.operator, walker.names
    if operator in operators.LOGIC:
        left_truth, right_truth = walker.truth(node.left, scope), walker.truth(node.right, scope)
        return operators.logical(operators.LOGIC[operator](left_truth, right_truth))
    left, right = walker.collection(node.left, scope), walker.collection(node.right, scope)
    match operator:
        case "|":
            left, right = operators.valued(left), operators.valued(right)
            return Collection((*left.branches, *right.branches), single=False)
        case "=":
            return operators.logical(operators.equality(left, right, names))
        case "!=":
            equal = operators.equality(left, right, names)
            return operators.logical(operators.negation(equal))
        case "<" | "<=" | ">" | ">=":
            return operators.logical(operators.order(operator, left, right, names))
        case "in":
            return operators.logical(operators.membership(left, right, names))
        case "contains":
            return operators.logical(operators.membership(right, left, names))
        case "+":
            return operators.addition(left, right)
        case "&":
            return operators.concatenation(left, right, names)
    raise Untranslatable(f"operator {operator}")


_WALKS: dict[type, Callable[[Translator, ast.Expression, Scope], Collection]] = {
    ast.Empty: _empty,
    ast.Boolean: _literal("System.Boolean"),
    ast.Integer: _literal("System.Integer"),
    ast.Number: _literal("System.Decimal"),
    ast.String: _literal("System.String"),
    ast.Date: _literal("System.Date"),
    ast.DateTime: _literal("System.DateTime"),
    ast.This: _this,
    ast.Variable: _variable,
    ast.Member: _member,
    ast.Call: _call,
    ast.Indexer: _indexer,
    ast.Binary: _binary,
    ast.TypeOperation: _type_operation,
}
