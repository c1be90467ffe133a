"""The five operations of FHIRPath Patch (FHIR R4, fhirpatch.html), on a tree that is theirs."""

from __future__ import annotations

from careplane.fhir.patch.content import build, element_named
from careplane.fhir.patch.operands import Operands
from careplane.fhir.patch.place import Ground, Refused, element_of, inside, only, prune, slot_of
from careplane.fhir.patch.slot import Slot


def add(ground: Ground, told: Operands) -> None:
    """Append to a list, or give an element that may be there once and is not."""
    target = ground.find_one(told.path, "adding")
    if told.name is None:
        raise Refused("it has no 'name'")
    element, types = element_named(target.type, told.name)
    name, pair = build(element, types, told.value)
    if not element.repeats and target.child(element.name):
        raise Refused(f"'{element.name}' is there already", f"{target.location}.{element.name}")
    slot = Slot(inside(target), name, element.repeats)
    slot.write([*slot.read(), pair])


def insert(ground: Ground, told: Operands) -> None:
    """Put into a list at an index from 0 to its length."""
    slot, element = ground.find_list(told.path, "inserting")
    pairs = slot.read()
    index = _within(told.index, "index", len(pairs))
    _, pair = build(element, element.types, told.value)
    slot.write([*pairs[:index], pair, *pairs[index:]])


def delete(ground: Ground, told: Operands) -> None:
    """Take one element away, if it is there, and whatever that leaves empty."""
    found = ground.find(told.path)
    if not found:
        return
    target = only(found, "deleting")
    slot, index = slot_of(target)
    pairs = slot.read()
    del pairs[index]
    slot.write(pairs)
    if not slot.owner:
        prune(target.parent)


def replace(ground: Ground, told: Operands) -> None:
    """Put another value where one element is; a choice may change its type."""
    target = ground.find_one(told.path, "replacing")
    slot, index = slot_of(target)
    element = element_of(target)
    name, pair = build(element, element.types, told.value)
    pairs = slot.read()
    pairs[index] = pair
    if name != slot.name:
        slot.write([])
    Slot(slot.owner, name, slot.repeats).write(pairs)


def move(ground: Ground, told: Operands) -> None:
    """Take from one index of a list to another; the destination counts without the source."""
    slot, _ = ground.find_list(told.path, "moving")
    pairs = slot.read()
    source = _within(told.source, "source", len(pairs) - 1)
    destination = _within(told.destination, "destination", len(pairs) - 1)
    pairs.insert(destination, pairs.pop(source))
    slot.write(pairs)


def _within(number: int | None, name: str, last: int) -> int:
    if number is None:
        raise Refused(f"it has no '{name}'")
    if not 0 <= number <= last:
        raise Refused(f"'{name}' is outside of the list")
    return number
