"""From the text of a query to selections: one operation, its variables put in, its fragments where
they are used (GraphQL, 2 Language and 6.3.2 Field Collection).

`graphql-core` parses; all bounds hold before or while it does (decision 0011).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from careplane.fhir.graphql.limits import MAX_DEPTH, MAX_SELECTIONS, MAX_TEXT, MAX_TOKENS
from careplane.fhir.graphql.query import Arguments, Field, Fragment, Selection, Value
from careplane.fhir.graphql.values import value_of, variables_of
from careplane.kernel.errors import Incorrect, Malformed, TooLarge, Unsupported

if TYPE_CHECKING:
    from graphql.language import Source, ast

_PLAIN_DIRECTIVES = ("flatten", "first", "singleton")


def read(text: str, operation: str | None, variables: Mapping[str, Any]) -> tuple[Selection, ...]:
    """The selections of the operation of this name, or of the only one. Raises Malformed for what
    is not GraphQL, Incorrect for what contradicts itself, TooLarge."""
    document = _parsed(text)
    operations = [d for d in document.definitions if d.kind == "operation_definition"]
    fragments: dict[str, Any] = {}
    for definition in document.definitions:
        if definition.kind not in ("operation_definition", "fragment_definition"):
            raise Incorrect("A query has operations and fragments, no definitions of types.")
        if definition.kind == "fragment_definition":
            name = definition.name.value  # type: ignore[attr-defined]
            if name in fragments:
                raise Incorrect(f"There are two fragments {name[:64]!r}.")
            fragments[name] = definition
    chosen = _chosen(operations, operation)
    values = variables_of(tuple(chosen.variable_definitions or ()), variables)
    return _Reading(fragments, values).selections(chosen.selection_set)


def _parsed(text: str) -> ast.DocumentNode:
    from graphql.error import GraphQLSyntaxError  # a third of a second: on first use only
    from graphql.language import Source, parse

    if len(text) > MAX_TEXT:
        raise TooLarge(f"A query has at most {MAX_TEXT} characters.")
    source = Source(text)
    try:
        _check_size(source)
        return parse(source, no_location=True)
    except GraphQLSyntaxError as error:
        line, column = error.locations[0] if error.locations else (1, 1)
        what = error.message.removeprefix("Syntax Error: ")
        raise Malformed(f"GraphQL, line {line}, column {column}: {what}"[:300]) from None


def _check_size(source: Source) -> None:
    """Tokens and levels, before the parser, which is recursive, sees them."""
    from graphql.language import Lexer, TokenKind

    opening = (TokenKind.BRACE_L, TokenKind.PAREN_L, TokenKind.BRACKET_L)
    closing = (TokenKind.BRACE_R, TokenKind.PAREN_R, TokenKind.BRACKET_R)
    lexer = Lexer(source)
    depth = count = 0
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        count += 1
        depth += (token.kind in opening) - (token.kind in closing)
        if count > MAX_TOKENS:
            raise TooLarge(f"A query has at most {MAX_TOKENS} tokens.")
        if depth > MAX_DEPTH:
            raise _too_deep()


def _too_deep() -> TooLarge:
    return TooLarge(f"A query has at most {MAX_DEPTH} levels, fragments put in.")


def _chosen(operations: list[Any], name: str | None) -> Any:
    named = [o for o in operations if name is None or (o.name and o.name.value == name)]
    if not named:
        raise Incorrect("The query has no operation of this name." if name else "No operation.")
    if len(named) > 1:
        raise Incorrect("The query has several operations; say which by operationName.")
    (chosen,) = named
    if chosen.operation.value != "query":
        raise Unsupported(f"Only queries are offered here, and no {chosen.operation.value}.")
    return chosen


class _Reading:
    """One operation on its way from nodes to values, counted as it grows."""

    def __init__(self, fragments: Mapping[str, Any], variables: Mapping[str, Value | None]) -> None:
        self._fragments = fragments
        self._variables = variables
        self._open: list[str] = []
        self._count = 0
        self._depth = 0

    def selections(self, found: Any) -> tuple[Selection, ...]:
        """The selections of a set, without what is skipped."""
        if found is None:
            return ()
        if not found.selections:
            raise Malformed("GraphQL: a pair of braces holds at least one field.")
        if self._depth >= MAX_DEPTH:
            raise _too_deep()
        self._depth += 1
        kept = tuple(s for node in found.selections if (s := self._selection(node)) is not None)
        self._depth -= 1
        return kept

    def _selection(self, node: Any) -> Selection | None:
        self._count += 1
        if self._count > MAX_SELECTIONS:
            raise TooLarge(f"A query has at most {MAX_SELECTIONS} fields, fragments put in.")
        directives = self._directives(node.directives or ())
        if directives.pop("skip", False) is True or directives.pop("include", True) is False:
            return None
        if node.kind == "field":
            return self._field(node, directives)
        if directives:
            raise Incorrect(f"@{min(directives)} is for fields, not for fragments.")
        if node.kind == "fragment_spread":
            return self._spread(node.name.value)
        on = node.type_condition.name.value if node.type_condition else None
        return Fragment(on, self.selections(node.selection_set))

    def _field(self, node: Any, directives: dict[str, Value]) -> Field:
        slice = directives.get("slice")
        return Field(
            node.name.value,
            node.alias.value if node.alias else node.name.value,
            self._arguments(node.arguments or ()),
            flatten="flatten" in directives,
            first="first" in directives,
            singleton="singleton" in directives,
            slice=None if slice is None else str(slice),
            selections=self.selections(node.selection_set),
        )

    def _spread(self, name: str) -> Fragment:
        found = self._fragments.get(name)
        if found is None:
            raise Incorrect(f"There is no fragment {name[:64]!r}.")
        if name in self._open:
            raise Incorrect(f"The fragment {name[:64]!r} contains itself.")
        self._open.append(name)
        inner = self.selections(found.selection_set)
        self._open.pop()
        return Fragment(found.type_condition.name.value, inner)

    def _arguments(self, nodes: Iterable[Any]) -> Arguments:
        found: dict[str, Value] = {}
        for node in nodes:
            name = node.name.value
            if name in found:
                raise Incorrect(f"The argument {name[:64]!r} stands there twice.")
            value = value_of(node.value, self._variables)
            if value is not None:
                found[name] = value
        return tuple(found.items())

    def _directives(self, nodes: Iterable[Any]) -> dict[str, Value]:
        """Directives by name: `True`, the condition of skip and include, the path of slice."""
        found: dict[str, Value] = {}
        for node in nodes:
            name = node.name.value
            if name in found:
                raise Incorrect(f"@{name[:64]} stands there twice.")
            found[name] = self._directive(name, dict(self._arguments(node.arguments or ())))
        return found

    def _directive(self, name: str, arguments: dict[str, Value]) -> Value:
        if name in ("skip", "include"):
            condition = arguments.pop("if", None)
            if isinstance(condition, bool) and not arguments:
                return condition
            raise Incorrect(f"@{name} takes one argument: if, true or false.")
        if name == "slice":
            path = arguments.pop("path", None) or arguments.pop("fhirpath", None)
            if isinstance(path, str) and not arguments:
                return path
            raise Incorrect("@slice takes one argument: path, a FHIRPath expression.")
        if name not in _PLAIN_DIRECTIVES:
            raise Incorrect(f"There is no directive @{name[:64]}.")
        if arguments:
            raise Incorrect(f"@{name} takes no arguments.")
        return True
