"""Evaluate expressions: the door that callers use.

    evaluate("name.given", tree)                  -> [Node, ...]
    evaluate_boolean("name.exists()", node)       -> True

Two evaluations share nothing but compiled expressions, which hold no data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from careplane.fhir.fhirpath import ast
from careplane.fhir.fhirpath.compiler import compiled
from careplane.fhir.fhirpath.items import Collection, truth
from careplane.fhir.fhirpath.node import Node, root_node
from careplane.fhir.fhirpath.parser import parse
from careplane.fhir.fhirpath.scope import Environment, Evaluator, Known, Run, Scope
from careplane.fhir.tree import Tree

NOTHING: Final = Environment()
_EACH: Final = 10
"""Steps that the shortest evaluation costs."""

Context = Tree | Node | Collection | None


@lru_cache(maxsize=4096)
def _of_text(text: str) -> Evaluator:
    return compiled(parse(text))


def evaluate(
    expression: str | ast.Expression, context: Context, environment: Environment = NOTHING
) -> Collection:
    """What the expression finds, in order.

    `context` is a resource as a tree, an element as a Node, a collection, or nothing. Elements come
    back as Nodes, computed values as System values. Raises the errors of `fhirpath.errors`.
    """
    evaluator = _of_text(expression) if isinstance(expression, str) else compiled(expression)
    focus = _focus(context)
    return list(evaluator(Scope(Run(environment, focus), focus)))


def evaluate_boolean(
    expression: str | ast.Expression, context: Context, environment: Environment = NOTHING
) -> bool:
    """Whether an invariant holds (FHIR R4, ElementDefinition.constraint).

    Only a definite false breaks it: an invariant that comes out empty, as where two dates are not
    precise enough to be compared, is kept.
    """
    return truth(evaluate(expression, context, environment), "An invariant") is not False


class Shared:
    """Many small evaluations, such as one for each element of a list, that draw on one budget.
    Where the environment names the resource, paths down from it are gone once, until `renew`."""

    __slots__ = ("_environment", "_known", "_left")

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._left = environment.budget
        is_fixed = environment.resource is not None and environment.root_resource is not None
        self._known = Known() if is_fixed else None

    @property
    def left(self) -> int:
        """Steps that are left of the budget; negative once it is spent."""
        return self._left

    def renew(self, child: str) -> None:
        """The resource has changed, in place: but of all elements that have this child none has
        come or gone, and what stands there is the same."""
        if self._known is not None:
            self._known.renew(child)

    def evaluate(
        self,
        expression: str,
        node: Node,
        index: int,
        variables: Mapping[str, Collection] | None = None,
    ) -> Collection:
        """As `evaluate`, for an element that is number `index` of its list (`$index`); `variables`
        stand in the place of those of the environment."""
        known = self._environment
        if variables is not None:
            known = replace(known, variables=variables)
        run = Run(known, [node], self._known)
        run.left = self._left
        try:
            run.spend(_EACH)
            return list(_of_text(expression)(Scope(run, [node], index)))
        finally:
            self._left = run.left


def _focus(context: Context) -> Collection:
    match context:
        case None:
            return []
        case Node():
            return [context]
        case list():
            return context
        case _:
            return [root_node(context)]
