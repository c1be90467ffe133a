"""Which types a reference parameter can lead to, closer than its SearchParameter says.

One definition serves many types: `clinical-patient` allows Group for all of them because one needs
it. The elements that its expression names for this type know better, and so does
`where(resolve() is Patient)`. Fewer targets are fewer keys to look up for a bare id.
"""

from __future__ import annotations

import re

from careplane.fhir.definitions import RESOURCE_TYPES, SearchParam, type_definition

EVERY_TYPE = frozenset(RESOURCE_TYPES)
_RESOLVES = re.compile(r"\.where\(resolve\(\) is ([A-Z][A-Za-z]+)\)")
_CAST = re.compile(r"\.as\((?:Reference|canonical|uri)\)|\s+as (?:Reference|canonical|uri)\b")
_PATH = re.compile(r"[A-Za-z]+(?:\.[a-zA-Z]+)+")


def targets(base: str, definition: SearchParam) -> frozenset[str]:
    """The types that the parameter can refer to on resources of type `base`."""
    if definition.type != "reference":
        return frozenset()
    declared = frozenset(definition.targets) & EVERY_TYPE or EVERY_TYPE
    found: set[str] = set()
    for alternative in definition.expression.split("|"):
        expression = alternative.strip().strip("()").strip()
        if expression.startswith(base + "."):
            found |= _of_path(alternative.strip(), declared)
    return declared & found or declared


def _of_path(expression: str, declared: frozenset[str]) -> frozenset[str]:
    resolved = _RESOLVES.search(expression)
    if resolved:
        return frozenset({resolved[1]})
    path = _CAST.sub("", expression).strip("() ")
    return _of_element(path) or declared if _PATH.fullmatch(path) else declared


def _of_element(path: str) -> frozenset[str]:
    """The targets of the element at a plain path; none where they are not known."""
    type, *names = path.split(".")
    for at, name in enumerate(names):
        element = type_definition(type).elements.get(name)
        if element is None:
            return frozenset()
        if at == len(names) - 1:
            known = frozenset(element.targets)
            return EVERY_TYPE if "Resource" in known else known & EVERY_TYPE
        if len(element.types) != 1:
            return frozenset()
        type = element.types[0]
    return frozenset()
