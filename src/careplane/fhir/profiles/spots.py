"""A definition as a tree: a `Spot` for each element and slice, and changes laid over one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from careplane.fhir.definitions import type_definition
from careplane.fhir.tree import Tree

_COLLECTED = ("alias", "code", "condition", "mapping", "example")


class Spot:
    """An element or a slice: what is said of it, and what stands in it.

    `children` is None where its type alone says what may stand there.
    """

    __slots__ = ("children", "definition", "name", "slices")

    def __init__(self, name: str, definition: Tree) -> None:
        self.name = name
        self.definition = definition
        self.children: dict[str, Spot] | None = None
        self.slices: dict[str, Spot] = {}

    def copy(self) -> Spot:
        """A tree of its own, over the same definitions, which nobody changes."""
        twin = Spot(self.name, self.definition)
        if self.children is not None:
            twin.children = {name: child.copy() for name, child in self.children.items()}
        twin.slices = {name: one.copy() for name, one in self.slices.items()}
        return twin

    @property
    def types(self) -> list[Tree]:
        """The types it may have."""
        found = self.definition.get("type")
        return [t for t in found if isinstance(t, dict)] if isinstance(found, list) else []

    def slice(self, name: str) -> Spot | None:
        """The slice of this name; `a/b` is in slice `a`."""
        if name in self.slices:
            return self.slices[name]
        head, slash, _ = name.rpartition("/")
        outer = self.slice(head) if slash else None
        return outer.slices.get(name) if outer is not None else None


def elements(tree: Spot) -> Iterator[Tree]:
    """The elements of a snapshot, in order, with their paths and ids."""
    yield from _listed(tree, tree.name, tree.name, tree.name)


def _listed(spot: Spot, path: str, id: str, unsliced: str) -> Iterator[Tree]:
    yield {**spot.definition, "id": id, "path": path}
    for child in (spot.children or {}).values():
        below = f"{id}.{child.name}"
        yield from _listed(child, f"{path}.{child.name}", below, below)
    for name, one in spot.slices.items():
        yield from _listed(one, path, f"{unsliced}:{name}", unsliced)


def copies(source: Spot | None) -> dict[str, Spot]:
    """Of what stands in a spot, a tree of its own."""
    if source is None or source.children is None:
        return {}
    return {name: child.copy() for name, child in source.children.items()}


def chosen(choice: Spot, name: str) -> str:
    """The type that `valueQuantity` means of `value[x]`, empty where it means none."""
    stem = choice.name.removesuffix("[x]")
    if stem == choice.name or not name.startswith(stem) or name == stem:
        return ""
    wanted = name.removeprefix(stem)
    for one in choice.types:
        code = str(one.get("code"))
        if code[:1].upper() + code[1:] == wanted:
            return code
    lower = wanted[0].lower() + wanted[1:]
    for code in (wanted, lower):
        try:
            type_definition(code)
        except KeyError:
            continue
        return code
    return ""


def narrowed(definition: Tree, type_name: str) -> Tree:
    """Of the types of a choice, one."""
    kept = [t for t in definition.get("type", ()) if t.get("code") == type_name]
    return {**definition, "type": kept or [{"code": type_name}]}


def merged(base: Tree, change: Tree) -> Tree:
    """What the differential says goes above what the base says; rules add up."""
    merged: dict[str, Any] = {**base, **change}
    if any(key.startswith(("fixed", "pattern")) for key in change):
        for key in base:
            if key.startswith(("fixed", "pattern")) and key not in change:
                del merged[key]
    for key in _COLLECTED:
        if key in base and key in change and isinstance(base[key], list):
            merged[key] = [*base[key], *(one for one in change[key] if one not in base[key])]
    if isinstance(base.get("binding"), dict) and isinstance(change.get("binding"), dict):
        merged["binding"] = {**base["binding"], **change["binding"]}
    if "constraint" in base and "constraint" in change:
        own = {c.get("key") for c in change["constraint"]}
        kept = [c for c in base["constraint"] if c.get("key") not in own]
        merged["constraint"] = [*kept, *change["constraint"]]
    return merged
