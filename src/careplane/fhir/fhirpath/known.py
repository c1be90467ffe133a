"""What expressions over one resource have in common, found once (`engine.Shared`).

Expressions of a form all begin alike: `%resource.item.where(linkId = 'a')`. A path down from the
resource depends on nothing else, so what it leads to is kept while the resource stays as it is, and
`where` with a child and a text looks the text up.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from careplane.fhir.fhirpath import ast
from careplane.fhir.fhirpath.items import Collection, Item, system
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.fhirpath.scope import Evaluator, Key, Scope

_ROOTS: Final = frozenset({"resource", "rootResource"})
_DOWN: Final = frozenset({"children", "descendants"})
_MOST_KEYS: Final = 4096


class Choice(NamedTuple):
    """`path.where(child = 'text')`."""

    path: ast.Expression
    child: str
    text: str


def is_path(node: ast.Expression) -> bool:
    """Whether an expression goes down from the resource, and asks nothing on the way."""
    match node:
        case ast.Variable(name):
            return name in _ROOTS
        case ast.Member(base, _) if base is not None:
            return is_path(base)
        case ast.Call(base, name, ()) if base is not None and name in _DOWN:
            return is_path(base)
        case ast.Call(base, "repeat", (argument,)) if base is not None:
            return is_path(base) and _is_names(argument)
        case _:
            return False


def _is_names(node: ast.Expression) -> bool:
    """Names of children alone: `item`, `answer.item`, `item | answer.item`."""
    match node:
        case ast.Member(base, name):
            return not name[:1].isupper() and (base is None or _is_names(base))
        case ast.Binary("|", left, right):
            return _is_names(left) and _is_names(right)
        case _:
            return False


def choice(node: ast.Expression) -> Choice | None:
    """The parts of `path.where(child = 'text')`; None of any other expression."""
    match node:
        case ast.Call(base, "where", (ast.Binary("=", ast.Member(None, child), ast.String(text)),)):
            if base is not None and not child[:1].isupper() and is_path(base):
                return Choice(base, child, text)
    return None


@lru_cache(maxsize=_MOST_KEYS)
def key(node: ast.Expression, child: str = "") -> Key:
    """The name under which what a path leads to is kept, or that by the texts of a child."""
    return Key(child)


def kept(node: ast.Expression, evaluate: Evaluator) -> Evaluator:
    """The evaluator of a path, which goes it once."""
    mine = key(node)

    def run(scope: Scope) -> Collection:
        known = scope.run.known
        if known is None or scope.variables:  # they may stand for the resource
            return evaluate(scope)
        found = known.found.get(mine)
        if found is None:
            found = known.found[mine] = evaluate(scope)
        scope.run.spend(1)
        return found

    return run


def looked_up(asked: Choice, path: Evaluator, evaluate: Evaluator) -> Evaluator:
    """The evaluator of a choice, which looks at each item once for all choices by its child."""
    mine = key(asked.path, asked.child)

    def run(scope: Scope) -> Collection:
        known = scope.run.known
        if known is None or scope.variables:
            return evaluate(scope)
        index = known.indexes.get(mine)
        if index is None:
            focus = path(scope)
            scope.run.spend(2 + 2 * len(focus))
            index = known.indexes[mine] = _index(focus, asked.child)
        scope.run.spend(2)
        return index.get(asked.text, [])

    return run


def _index(focus: Collection, child: str) -> dict[str, Collection]:
    """Items by the one text that they have as a child; nothing else is equal to a text."""
    found: dict[str, list[Item]] = {}
    for item in focus:
        below = item.child(child) if type(item) is Node and not item.is_leaf else ()
        value = system(below[0]) if len(below) == 1 else None
        if type(value) is str:
            found.setdefault(value, []).append(item)
    return found
