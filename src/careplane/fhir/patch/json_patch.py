"""JSON Patch on the JSON form of a resource (FHIR R4, 3.1.0.7 patch; RFC 6902).

The library `jsonpatch` applies the operations one by one; here is what it does not do: say which
one failed without quoting the record, and bound what operations may cost.
"""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException

from careplane.fhir.codec import json
from careplane.fhir.patch.bounds import MAX_NODES, check_count, check_size
from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError, Invalid, Issue, Malformed, Precondition

# RFC 6902, 4: the members that each operation must have. The library knows one more operation.
_MEMBERS = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("from", "path"),
    "copy": ("from", "path"),
    "test": ("path", "value"),
}
# RFC 6901, 3: a pointer is empty or starts with a slash, and `~` only stands before 0 or 1.
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*+)*+")
_REASONS: tuple[tuple[type[Exception], type[CareplaneError], str], ...] = (
    (jsonpatch.JsonPatchTestFailed, Precondition, "the value there is another one"),
    (jsonpatch.JsonPatchPathNotFound, Invalid, "there is nothing at that path"),
    (jsonpatch.JsonPatchConflict, Invalid, "the path leads nowhere or the value may not go there"),
    (JsonPointerException, Invalid, "the path does not lead into the resource"),
)


def apply(tree: Tree, raw: bytes) -> Any:
    """What the patch makes of the tree, which stays as it was; it may be any JSON value.

    Raises Malformed for what is no patch, Precondition where a `test` fails, Invalid where an
    operation cannot be done, TooLarge.
    """
    operations = _operations(raw)
    result: Any = deepcopy(tree)
    allowed = MAX_NODES
    for index, operation in enumerate(operations):
        if operation["op"] == "copy":
            allowed -= _copied(result, operation, allowed)
        result = _step(result, index, operation)
    check_size(result, MAX_NODES * 2)
    return result


def _operations(raw: bytes) -> list[dict[str, Any]]:
    operations = json.parse_value(raw)
    if not isinstance(operations, list):
        raise Malformed("A JSON Patch is an array of operations.")
    check_count(len(operations))
    for index, operation in enumerate(operations):
        _check_form(index, operation)
    return operations


def _check_form(index: int, operation: Any) -> None:
    if not isinstance(operation, dict):
        raise Malformed(f"Operation {index} is not an object.")
    name = operation.get("op")
    if not isinstance(name, str) or name not in _MEMBERS:
        raise Malformed(f"Operation {index}: 'op' must be one of {', '.join(_MEMBERS)}.")
    for member in _MEMBERS[name]:
        if member not in operation:
            raise Malformed(f"Operation {index} ({name}) has no '{member}'.")
        pointer = operation[member]
        if member != "value" and not (isinstance(pointer, str) and _POINTER.fullmatch(pointer)):
            raise Malformed(f"Operation {index} ({name}): '{member}' is not a JSON Pointer.")


def _copied(document: Any, operation: dict[str, Any], allowed: int) -> int:
    try:
        value = jsonpatch.JsonPointer(operation["from"]).resolve(document)
    except JsonPointerException:
        return 0  # the operation itself will say so
    return check_size(value, allowed)


def _step(document: Any, index: int, operation: dict[str, Any]) -> Any:
    try:
        return jsonpatch.apply_patch(document, [operation], in_place=True)
    except (jsonpatch.JsonPatchException, JsonPointerException) as error:
        raise _failure(document, index, operation, error) from None


def _failure(
    document: Any, index: int, operation: dict[str, Any], error: Exception
) -> CareplaneError:
    cls, reason = next((cls, text) for kind, cls, text in _REASONS if isinstance(error, kind))
    path = operation["path"]
    text = f"Operation {index} ({operation['op']} {path[:200]}): {reason}."
    return cls(text, issues=(Issue("error", cls.code, text, _where(document, path)),))


def _where(document: Any, pointer: str) -> str:
    """`/name/0/given` as FHIRPath, as far as it names elements."""
    kind = document.get("resourceType") if isinstance(document, dict) else None
    where = kind if isinstance(kind, str) else ""
    for part in pointer.split("/")[1:] if where else ():
        if part.isdecimal():
            where += f"[{part[:9]}]"
        elif part.isidentifier():
            where += f".{part[:64]}"
        else:
            break
    return where
