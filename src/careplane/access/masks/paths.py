"""Elements as policies name them (`Patient.telecom`, `Observation.value[x]`), checked against R4
and spelled as JSON spells them.

A choice is all of its JSON names, unless one is named (`Observation.valueQuantity`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TypeAlias

from careplane.fhir.definitions import is_primitive, is_resource, type_definition

Path: TypeAlias = tuple[str, ...]
"""JSON names from the resource inwards: `("contact", "telecom")`."""
Paths: TypeAlias = frozenset[Path]
ByType: TypeAlias = Mapping[str, Paths]

NONE: Paths = frozenset()
_ALWAYS = frozenset({"id", "meta"})


class Misnamed(Exception):
    """No such element, or one that cannot be masked; the text says which, and what to write."""


def named(text: str) -> ByType:
    """The elements of a list such as `Patient.telecom, Observation.note`. Raises Misnamed."""
    found: dict[str, Paths] = {}
    for one in text.split(","):
        type, dot, path = one.strip().partition(".")
        if not (dot and path and is_resource(type)):
            raise Misnamed(
                f"{one.strip()!r} is no element of R4; write one such as Patient.telecom"
            )
        paths = frozenset(_spelled(one.strip(), type, path.split(".")))
        found[type] = found.get(type, NONE) | paths
    return found


def others(shown: ByType) -> ByType:
    """All elements of these types but those shown, which are elements of the resource itself.
    Raises Misnamed."""
    for type, paths in shown.items():
        deep = [path for path in paths if len(path) > 1]
        if deep:
            raise Misnamed(
                f"what is shown is named whole: {type}.{deep[0][0]}, not {'.'.join(deep[0])}; hide "
                "what lies within"
            )
    return {
        type: frozenset(
            (name,)
            for name in type_definition(type).json_names
            if name not in _ALWAYS and (name,) not in paths
        )
        for type, paths in shown.items()
    }


def covers(paths: Iterable[Path], path: Path) -> bool:
    """Whether a path is one of these, or inside of one."""
    held = paths if isinstance(paths, frozenset) else frozenset(paths)
    return any(path[:n] in held for n in range(1, len(path) + 1))


def touches(paths: Iterable[Path], path: Path) -> bool:
    """Whether something that is read at a path is, holds or lies within one of these."""
    return any(one[: len(path)] == path[: len(one)] for one in paths)


def both(one: Paths, other: Paths) -> Paths:
    """What is hidden by both."""
    return frozenset(p for p in one if covers(other, p)) | frozenset(
        p for p in other if covers(one, p)
    )


def _spelled(said: str, type: str, names: list[str]) -> Iterator[Path]:
    head, *rest = names
    if not rest and is_resource(type) and head in _ALWAYS:
        raise Misnamed(f"{said} cannot be masked: nothing could be told apart without it")
    if is_resource(type) and head == "meta":
        raise Misnamed(f"{said} cannot be masked: meta says what a resource is")
    definition = type_definition(type)
    element = definition.elements.get(head.removesuffix("[x]"))
    if element is not None:
        spellings = element.json_names
    elif head in definition.json_names:
        spellings = {head: definition.json_names[head][1]}
    else:
        raise Misnamed(f"{said!r} is no element of R4: {type} has no {head!r}")
    if not rest:
        yield from ((spelling,) for spelling in spellings)
        return
    deeper = list(_deeper(said, spellings, rest))
    if not deeper:
        raise Misnamed(f"{said!r} is no element of R4: there is no {rest[0]!r} in {type}.{head}")
    yield from deeper


def _deeper(said: str, spellings: Mapping[str, str], rest: list[str]) -> Iterator[Path]:
    for spelling, inner in spellings.items():
        if is_primitive(inner) or inner == "Resource":
            continue
        if _contains_itself(inner):
            raise Misnamed(f"{said} lies in what can hold itself; hide {said.rsplit('.', 1)[0]}")
        try:
            yield from ((spelling, *path) for path in _spelled(said, inner, rest))
        except Misnamed:
            if len(spellings) == 1:
                raise


@cache
def _contains_itself(backbone: str) -> bool:
    """Whether a part of a resource, such as Questionnaire.item, may hold others of its kind."""
    seen: set[str] = set()
    edge = [backbone] if "." in backbone else []
    while edge:
        for element in type_definition(edge.pop()).elements.values():
            for type in element.types:
                if type == backbone:
                    return True
                if "." in type and type not in seen:
                    seen.add(type)
                    edge.append(type)
    return False
