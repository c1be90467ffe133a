"""Whether the expression of a search parameter from outside can be used here, at a bounded cost.

It is translated into loops over the elements of a resource (`fhir.translate`). Each step goes down
the resource, so that all of them together visit every element at most as often as the expression
has steps. What would break that is refused: names for the whole resource inside of criteria, and
functions that compare all with all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from careplane.fhir.definitions import SearchParam
from careplane.fhir.definitions.search import SearchType
from careplane.fhir.fhirpath import ast, check, parse
from careplane.fhir.translate.compiled import build
from careplane.fhir.translate.flow import Untranslatable
from careplane.kernel.errors import CareplaneError
from careplane.search.compile import source

MAX_LENGTH = 2_000
MAX_SOURCE = 30_000
_VARIABLES = frozenset({"ucum", "sct", "loinc"})
_REFUSED = frozenset({"intersect", "matches", "isDistinct", "trace"})


def problem(
    base: str, expression: str, type: SearchType, bases: Collection[str] = ()
) -> str | None:
    """What is wrong with it on resources of this type, in words; None if nothing is. Alternatives
    for another of the `bases` (`Patient.name | Person.name`) find nothing here."""
    if len(expression) > MAX_LENGTH:
        return f"an expression has {MAX_LENGTH} characters at most"
    try:
        tree = parse(expression)
        for node in _nodes(tree):
            if isinstance(node, ast.Variable) and node.name not in _VARIABLES:
                return f"%{node.name[:64]} cannot be used in a search parameter"
            if isinstance(node, ast.Call) and node.name in _REFUSED:
                return f"{node.name}() cannot be used in a search parameter"
        others = frozenset(bases) - {base}
        mine = [one for one in _alternatives(tree) if _root(one) not in others]
        found = [check(one, base) for one in mine]
        if all(types is not None and not types for types in found):
            return "the expression finds nothing"
        return _compiles(base, expression, type)
    except CareplaneError as error:
        return error.text.rstrip(".")
    except Untranslatable as beyond:
        return f"this server cannot index it: {beyond}"
    except RecursionError:
        return "the expression nests too deeply"


def _compiles(base: str, expression: str, type: SearchType) -> str | None:
    one = SearchParam("x", "x", type, (base,), expression, (), (), True, True, (), (), ())
    text = source.extractor(base, (one,))
    if len(text) > MAX_SOURCE:
        return "the expression grows too large"
    build(text, "extract")
    return None


def _alternatives(node: ast.Expression) -> Iterator[ast.Expression]:
    if isinstance(node, ast.Binary) and node.operator == "|":
        yield from _alternatives(node.left)
        yield from _alternatives(node.right)
    else:
        yield node


def _root(node: ast.Expression) -> str | None:
    """The name that an expression starts with."""
    while not (isinstance(node, ast.Member) and node.base is None):
        inner = node.operand if isinstance(node, ast.TypeOperation) else getattr(node, "base", None)
        if inner is None:
            return None
        node = inner
    return node.name


def _nodes(node: Any) -> Iterator[Any]:
    """The expression and all that is inside of it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        for value in [getattr(one, field.name) for field in fields(one)]:
            inner = value if isinstance(value, tuple) else (value,)
            waiting += [part for part in inner if is_dataclass(part)]
