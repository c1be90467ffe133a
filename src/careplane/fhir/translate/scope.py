"""What a name in an expression stands for, and what the function families ask of the translator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from careplane.fhir.fhirpath import ast
from careplane.fhir.translate.flow import Branch, Collection, Names, Truth


@dataclass(frozen=True, slots=True)
class Scope:
    """`$this`, `%context`, `%resource` and `%rootResource`, each one present value."""

    this: Branch
    context: Branch
    resource: Branch
    root: Branch


class Translates(Protocol):
    """The walk over the AST, as the functions see it."""

    names: Names

    def collection(self, node: ast.Expression, scope: Scope) -> Collection: ...

    def truth(self, node: ast.Expression, scope: Scope) -> Truth: ...


Arguments = tuple[ast.Expression, ...]
Function = Callable[[Translates, Collection, Arguments, Scope], Collection]
"""A function of FHIRPath: from its input, its arguments and their scope to what it gives."""
