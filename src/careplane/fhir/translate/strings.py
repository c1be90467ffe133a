"""Functions of one string (FHIRPath 2.0, 5.6 String Manipulation), each a Python template."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from careplane.fhir.fhirpath import ast
from careplane.fhir.translate import operators
from careplane.fhir.translate.flow import Branch, Collection, Truth, Untranslatable
from careplane.fhir.translate.kinds import is_primitive, kind
from careplane.fhir.translate.render import any_of, item
from careplane.fhir.translate.scope import Arguments, Function, Scope, Translates


def _text_test(template: str) -> Function:
    """A function from a string to a condition; empty for no string."""

    def function(
        walker: Translates, base: Collection, arguments: Arguments, scope: Scope
    ) -> Collection:
        argument = _literal_text(walker, arguments[0], scope)
        texts = _texts(walker, base)
        return operators.logical(
            Truth(
                any_of(texts, lambda b: template.format(b.code, argument)),
                any_of(texts, lambda b: "not " + template.format(b.code, argument)),
            )
        )

    return function


def _texts(walker: Translates, base: Collection) -> list[Branch]:
    if not base.single or any(kind(b.type) != "text" for b in base.branches):
        raise Untranslatable("a string function on anything but one string")
    return [item(b, walker.names) for b in base.branches]


def _literal_text(walker: Translates, node: ast.Expression, scope: Scope) -> str:
    if not isinstance(node, ast.String):
        raise Untranslatable("a string function with a computed argument")
    return repr(node.value)


def _text_value(template: str, type_name: str) -> Function:
    """A function from a string to a value, by a Python expression that may give None."""

    def function(
        walker: Translates, base: Collection, arguments: Arguments, scope: Scope
    ) -> Collection:
        if not all(isinstance(a, ast.Integer) for a in arguments):
            raise Untranslatable("a string function with a computed argument")
        values = [str(a.value) for a in arguments if isinstance(a, ast.Integer)]
        found = [
            Branch(b.clauses, template.format(b.code, *values), type_name, optional=True)
            for b in _texts(walker, base)
        ]
        return Collection(tuple(found), base.single)

    return function


def _to_string(
    walker: Translates, base: Collection, arguments: Arguments, scope: Scope
) -> Collection:
    """Texts and moments are written as they are kept, what has elements is not written at all."""
    found = [b for b in base.branches if is_primitive(b.type) or kind(b.type) == "quantity"]
    if not base.single or any(kind(b.type) not in _WRITTEN for b in found):
        raise Untranslatable("toString() of anything but one text or moment")
    written = (replace(b, type="System.String", sibling=None) for b in found)
    return Collection(tuple(written), single=True)


_WRITTEN = frozenset({"text", "moment"})

FUNCTIONS: Final[dict[tuple[str, int], Function]] = {
    ("startsWith", 1): _text_test("{0}.startswith({1})"),
    ("endsWith", 1): _text_test("{0}.endswith({1})"),
    ("contains", 1): _text_test("({1} in {0})"),
    ("matches", 1): _text_test("matches({0}, {1})"),
    ("length", 0): _text_value("len({0})", "System.Integer"),
    ("substring", 1): _text_value("({0}[{1}:] or None)", "System.String"),
    ("toString", 0): _to_string,
    ("toInteger", 0): _text_value("to_integer({0})", "System.Integer"),
}
