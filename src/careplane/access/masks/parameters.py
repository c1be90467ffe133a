"""Which search parameters read a masked element, by their FHIRPath: to search or sort by one would
ask for what is hidden.

It errs on one side: what a parameter may read counts as read, and an expression that is not
understood reads everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from careplane.access.masks.paths import Path, Paths, touches
from careplane.fhir.definitions import type_definition
from careplane.search.registry import Parameter

_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'|//[^\n]*|/\*.*?\*/", re.DOTALL)
_CAST = re.compile(r"\b(?:is|as)\s+[\w.]+")
_CHAIN = re.compile(r"(?<![\w.%$])[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*(?!\w)(\s*\()?")
_WORDS = frozenset({"and", "or", "xor", "implies", "in", "contains", "div", "mod", "true", "false"})
_ABSTRACT = frozenset({"Resource", "DomainResource"})
_WIDE = ("%", "descendants", "children", "repeat", "{")
_EVERYTHING: frozenset[Path] = frozenset({()})


def reads(type: str, parameter: Parameter, hidden: Paths) -> bool:
    """Whether a parameter of a type reads one of these elements."""
    return any(touches(hidden, path) for path in read_by(type, parameter))


def read_by(type: str, parameter: Parameter) -> frozenset[Path]:
    """The elements that a parameter of a type reads, by their JSON names; `()` is all of it."""
    if parameter.components:
        return frozenset().union(*(read_by(type, part) for part in parameter.components))
    return _read(type, parameter.definition.expression or "%")


@lru_cache(maxsize=8192)
def _read(type: str, expression: str) -> frozenset[Path]:
    text = _CAST.sub("", _TEXT.sub("", expression)).replace("$this.", "").replace("`", "")
    if any(wide in text for wide in _WIDE):
        return _EVERYTHING
    return frozenset(path for chain in _chains(type, text) for path in _spelled(type, chain))


def _chains(type: str, text: str) -> Iterator[tuple[str, ...]]:
    """The paths that an expression names. What stands in the parentheses of a function is taken as
    a path of its own, too; that says more than it reads, and never less."""
    for found in _CHAIN.finditer(text):
        names = tuple(name.strip() for name in found[0].removesuffix(found[1] or "").split("."))
        if found[1] and names[-1] != "extension":
            names = names[:-1]
        if not names or names[0] in _WORDS:
            continue
        if names[0] == type or names[0] in _ABSTRACT:
            yield names[1:]
        elif names[0][0].islower():
            yield names


def _spelled(type: str, chain: tuple[str, ...]) -> Iterator[Path]:
    """As JSON spells it, as far as that is one element: what lies deeper is held by that."""
    if not chain:
        yield ()
        return
    definition = type_definition(type)
    element = definition.elements.get(chain[0])
    if element is None:
        if chain[0] in definition.json_names:
            yield (chain[0], *chain[1:])
        return
    for json, inner in element.json_names.items():
        if len(chain) == 1 or element.choice or inner[:1].islower():
            yield (json,)
        else:
            deeper = list(_spelled(inner, chain[1:]))
            yield from ((json, *path) for path in deeper or [()])
