"""Measures held against the CQL of their libraries: what a criterion names is defined there
(FHIR R4, 14.3 Measure; CQL 1.5, `define`)."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator

from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.places import place
from careplane.fhir.profiles.walk import Walk
from careplane.kernel.errors import Issue

_CQL = frozenset({"text/cql", "text/cql-identifier", "text/cql.identifier"})
_QUALIFIED = re.compile(r'("[^"]+"|[A-Za-z_]\w*)\.("[^"]+"|[A-Za-z_]\w*)').fullmatch
_DEFINED = re.compile(
    r'\bdefine\s+(?:(?:public|private|fluent|function)\s+)*("[^"]+"|[A-Za-z_]\w*)'
).findall
MAX_TEXT = 1_000_000
"""Characters of a library, in base64, that are looked through."""


def measure_issues(node: Node, walk: Walk) -> Iterator[Issue]:
    """Criteria of a Measure that name what a library of it, which is known, does not define."""
    defined = dict(_libraries(node, walk))
    if not defined:
        return
    waiting = node.children()
    while waiting:
        one = waiting.pop()
        if one.type == "Expression":
            yield from _expression(one, defined)
        else:
            waiting.extend(one.children())


def _libraries(node: Node, walk: Walk) -> Iterator[tuple[str, frozenset[str]]]:
    """Name of a library -> what it defines."""
    for canonical in node.child("library"):
        library = walk.context.library.definitions.artifact("Library", str(canonical.value))
        content = library.get("content") if library is not None else None
        for one in content if isinstance(content, list) else ():
            data = one.get("data") if isinstance(one, dict) else None
            if isinstance(data, str) and one.get("contentType") == "text/cql" and library:
                yield str(library.get("name")), _names(data)


def _names(data: str) -> frozenset[str]:
    try:
        text = b64decode(data[:MAX_TEXT]).decode("utf-8", "replace")
    except ValueError:
        return frozenset()
    return frozenset(name.strip('"') for name in _DEFINED(text))


def _expression(node: Node, defined: dict[str, frozenset[str]]) -> Iterator[Issue]:
    text = node.value.get("expression")
    if node.value.get("language") not in _CQL or not isinstance(text, str):
        return
    named = _QUALIFIED(text)
    library = defined.get(named[1].strip('"')) if named else None
    if named and library is not None and named[2].strip('"') not in library:
        text = f"The library {named[1]} does not define {named[2]}"
        yield Issue("error", "invalid", text, f"{place(node)}.expression")
