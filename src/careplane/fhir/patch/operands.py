"""The parts of one operation of a FHIRPath Patch, read from its Parameters (fhirpatch.html)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Malformed

_NAMES = frozenset(
    ("type", "path", "name", "value", "previousValue", "index", "source", "destination")
)
"""`previousValue` is what a difference tells besides; nothing is done with it."""


@dataclass(frozen=True, slots=True)
class Operands:
    """What an operation is told. `value` is the whole part: its type is in the name of a member."""

    type: str
    path: str
    name: str | None = None
    value: Tree | None = None
    index: int | None = None
    source: int | None = None
    destination: int | None = None


def read(index: int, parameter: Any) -> Operands:
    """The operands of the operation at `index`. Raises Malformed."""
    if not isinstance(parameter, dict) or parameter.get("name") != "operation":
        raise Malformed(f"Parameter {index} is not named 'operation'.")
    parts: dict[str, Tree] = {}
    for part in list_of_objects(parameter.get("part")):
        name = part.get("name")
        if name not in _NAMES or name in parts:
            raise Malformed(f"Operation {index}: a part is unknown, or there twice.")
        parts[name] = part
    return Operands(
        type=_needed(index, "type", _text(index, "type", parts)),
        path=_needed(index, "path", _text(index, "path", parts)),
        name=_text(index, "name", parts),
        value=parts.get("value"),
        index=_number(index, "index", parts),
        source=_number(index, "source", parts),
        destination=_number(index, "destination", parts),
    )


def list_of_objects(value: Any) -> list[Tree]:
    """The objects of an array; nothing for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def value_of(part: Tree) -> tuple[str, Any, Tree | None] | None:
    """The type, value and what stands beside it of the `value[x]` of a part, if it has one."""
    for member in part:
        name = member.removeprefix("_")
        if name.startswith("value") and len(name) > len("value"):
            return name.removeprefix("value"), part.get(name), part.get("_" + name)
    return None


def _text(index: int, name: str, parts: dict[str, Tree]) -> str | None:
    value = _single(name, parts)
    if value is not None and not isinstance(value, str):
        raise Malformed(f"Operation {index}: '{name}' must be a string.")
    return value


def _number(index: int, name: str, parts: dict[str, Tree]) -> int | None:
    value = _single(name, parts)
    if value is not None and type(value) is not int:
        raise Malformed(f"Operation {index}: '{name}' must be an integer.")
    return value


def _single(name: str, parts: dict[str, Tree]) -> Any:
    found = value_of(parts[name]) if name in parts else None
    return found[1] if found else None


def _needed(index: int, name: str, value: str | None) -> str:
    if not value:
        raise Malformed(f"Operation {index} has no '{name}'.")
    return value
