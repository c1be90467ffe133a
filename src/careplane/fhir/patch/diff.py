"""The difference of two resources of one type, as a FHIRPath Patch (FHIR R4, fhirpatch.html).

`fhirpath_patch.apply_parameters(old, difference(old, new))` makes the new one of the old. Elements
are compared by their definition; of a list, what is the same at its beginning and end is left
alone. Things are added before others are taken away, so that no object is empty in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from careplane.fhir.definitions import Element, is_primitive, is_resource, type_definition
from careplane.fhir.patch.place import json_name
from careplane.fhir.patch.slot import Pair, Slot
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid

_RESOURCES = frozenset({"Resource", "DomainResource"})


def difference(old: Tree, new: Tree, without: frozenset[str] = frozenset()) -> Tree:
    """A Parameters resource. `id`, and the elements of the resource named in `without`, are left
    out. Raises Invalid where the types differ."""
    type = old.get("resourceType")
    if type != new.get("resourceType") or not isinstance(type, str):
        raise Invalid("Only resources of the same type can be compared.")
    steps = list(_object(type, type, old, new, without | {"id"}))
    return {"resourceType": "Parameters", **({"parameter": steps} if steps else {})}


def _object(
    path: str, type: str, old: Tree, new: Tree, without: frozenset[str] = frozenset()
) -> Iterator[Tree]:
    """The steps from one object to another of the same type, the deletions last."""
    later: list[Tree] = []
    for element in type_definition(type).elements.values():
        if element.name in without:
            continue
        before, after = _read(element, old), _read(element, new)
        if before == after:
            continue
        step = _list if element.repeats else _single
        for found in step(path, element, before, after):
            is_deletion = found["part"][0]["valueCode"] == "delete"
            later.append(found) if is_deletion else (yield found)
    yield from later


Value = tuple[str, Pair]
"""The type of an element's content, and the content."""


def _read(element: Element, owner: Tree) -> list[Value]:
    """What the element has, whichever of its types it is of."""
    for type in element.types:
        slot = Slot(owner, json_name(element, type), element.repeats)
        pairs = slot.read()
        if pairs:
            return [(_kind(type, pair), pair) for pair in pairs]
    return []


def _kind(type: str, pair: Pair) -> str:
    kind = pair.value.get("resourceType") if isinstance(pair.value, dict) else None
    return str(kind) if type in _RESOURCES and is_resource(str(kind)) else type


def _single(
    path: str, element: Element, before: Sequence[Value], after: Sequence[Value]
) -> Iterator[Tree]:
    here = f"{path}.{element.name}"
    if not before:
        yield _operation("add", path, name=element.name, value=after[0])
    elif not after:
        yield _operation("delete", here)
    else:
        yield from _changed(here, before[0], after[0])


def _list(
    path: str, element: Element, before: Sequence[Value], after: Sequence[Value]
) -> Iterator[Tree]:
    here = f"{path}.{element.name}"
    first = _same(before, after)
    last = _same(before[first:][::-1], after[first:][::-1])
    old, new = before[first : len(before) - last], after[first : len(after) - last]
    both = min(len(old), len(new))
    for n in range(both):
        yield from _changed(f"{here}[{first + n}]", old[n], new[n])
    at_end = not last
    for n in range(both, len(new)):
        if at_end:
            yield _operation("add", path, name=element.name, value=new[n])
        else:
            yield _operation("insert", here, value=new[n], index=first + n)
    for n in reversed(range(both, len(old))):
        yield _operation("delete", f"{here}[{first + n}]")


def _same(one: Sequence[Value], other: Sequence[Value]) -> int:
    """How many are the same from the beginning."""
    n = 0
    while n < min(len(one), len(other)) and one[n] == other[n]:
        n += 1
    return n


def _changed(path: str, before: Value, after: Value) -> Iterator[Tree]:
    if before == after:
        return
    type, pair = after
    if before[0] != type or is_primitive(type) or not isinstance(pair.value, dict):
        yield _operation("replace", path, previous=before, value=after)
    else:
        yield from _object(path, type, before[1].value, pair.value)


def _operation(
    kind: str,
    path: str,
    *,
    name: str | None = None,
    index: int | None = None,
    previous: Value | None = None,
    value: Value | None = None,
) -> Tree:
    parts: list[Tree] = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    if name is not None:
        parts.append({"name": "name", "valueString": name})
    if index is not None:
        parts.append({"name": "index", "valueInteger": index})
    if previous is not None:
        parts.append(_part("previousValue", *previous))
    if value is not None:
        parts.append(_part("value", *value))
    return {"name": "operation", "part": parts}


def _part(name: str, type: str, pair: Pair) -> Tree:
    """A value as a part: by its type where Parameters can carry it, else piece by piece."""
    if is_resource(type):
        return {"name": name, "resource": pair.value}
    member = _member(type)
    if member is not None:
        value = {} if pair.value is None else {member: pair.value}
        return {"name": name, **value, **({"_" + member: pair.beside} if pair.beside else {})}
    pieces = []
    for element in type_definition(type).elements.values():
        pieces += [_part(element.name, *found) for found in _read(element, pair.value)]
    return {"name": name, "part": pieces}


def _member(type: str) -> str | None:
    """`valueQuantity` for a Quantity; None for what Parameters cannot carry."""
    wanted = "string" if type == "xhtml" else type
    member = "value" + wanted[0].upper() + wanted[1:]
    found: Any = type_definition("Parameters.parameter").json_names.get(member)
    return member if found is not None else None
