"""An element of a FHIR resource as FHIRPath sees it: a tree's value that knows its type and place.

Trees are read, never changed. A Node is made when it is reached and forgotten after; `parent`,
`name` and `index` give its location, and the way up to the resource that it stands in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from careplane.fhir.definitions import is_primitive, type_definition
from careplane.fhir.tree import Tree

BACKBONES: Final = frozenset(("BackboneElement", "Element"))


class Node:
    """A value, its FHIR type, and for a primitive the id and extensions that stand beside it.

    `value` is an object (dict) for a complex type, and the JSON value for a primitive, None where
    only extensions are given. Treat it as frozen; equality is identity.
    """

    __slots__ = ("extra", "index", "name", "parent", "type", "value")

    def __init__(
        self,
        value: Any,
        type_: str,
        extra: Tree | None = None,
        parent: Node | None = None,
        name: str = "",
        index: int | None = None,
    ) -> None:
        self.value = value
        self.type = type_
        self.extra = extra
        self.parent = parent
        self.name = name
        self.index = index

    @property
    def is_resource(self) -> bool:
        """Whether this is a resource: the root, a contained one, an entry of a Bundle."""
        return isinstance(self.value, dict) and "resourceType" in self.value

    @property
    def is_leaf(self) -> bool:
        """Whether this is a bare primitive, which has nothing below it."""
        return self.extra is None and type(self.value) is not dict

    @property
    def location(self) -> str:
        """Where the element is, as FHIRPath: `Patient.name[0].given[1]`."""
        if self.parent is None:
            return self.name or self.type
        at = "" if self.index is None else f"[{self.index}]"
        return f"{self.parent.location}.{self.name}{at}"

    def child(self, name: str) -> list[Node]:
        """The child elements of this name, [] where the type has none of it."""
        shape = _shape(self.type)
        slots = shape.slots.get(name)
        source = self.extra if shape.primitive else self.value
        if slots is None or type(source) is not dict:
            return []
        found: list[Node] = []
        for json, beside, type_, primitive in (
            slots if len(slots) < 4 else _given(name, shape, source)
        ):
            value = source.get(json)
            if primitive:
                extra = source.get(beside)
                if value is not None or extra is not None:
                    _add_primitives(found, value, extra, type_, self, name)
            elif value is not None:
                _add_complex(found, value, type_, self, name)
        return found

    def children(self) -> list[Node]:
        """All child elements, in the order of the definition."""
        if self.is_leaf:
            return []
        shape = _shape(self.type)
        source = self.extra if shape.primitive else self.value
        if type(source) is not dict:
            return []
        places = {place for json in source if (place := shape.places.get(json)) is not None}
        found: list[Node] = []
        for place in sorted(places):
            found += self.child(shape.names[place])
        return found

    def ancestors(self) -> Iterator[Node]:
        """The node itself, then what it stands in, up to the root."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    def resource(self) -> Node:
        """The nearest resource that the node stands in, or is."""
        last = self
        for last in self.ancestors():
            if last.is_resource:
                break
        return last

    def root(self) -> Node:
        """The resource that contains this one, or the resource itself (`%rootResource`)."""
        nearest = self.resource()
        outer = nearest.parent
        return outer.resource() if outer is not None and nearest.name == "contained" else nearest


def root_node(tree: Tree, type_: str | None = None) -> Node:
    """The node of a whole resource, or of a value of a given type."""
    return Node(tree, type_ or str(tree.get("resourceType", "Resource")))


class _Slot(NamedTuple):
    """A name under which JSON may have an element, that of its companion, and its type."""

    json: str
    beside: str
    type: str
    primitive: bool


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a type may hold. `places` leads from a JSON name to the number of its element."""

    primitive: bool
    names: tuple[str, ...]
    slots: dict[str, tuple[_Slot, ...]]
    places: dict[str, int]


@cache
def _shape(type_: str) -> _Shape:
    """The shape of a type; one without elements for a name that R4 does not have."""
    try:
        elements = type_definition(type_).elements
    except KeyError:
        elements = {}
    slots = {
        name: tuple(
            _Slot(json, f"_{json}", one, is_primitive(one))
            for json, one in element.json_names.items()
        )
        for name, element in elements.items()
    }
    places = {
        json: place
        for place, row in enumerate(slots.values())
        for slot in row
        for json in (slot.json, slot.beside)
    }
    return _Shape(is_primitive(type_), tuple(slots), slots, places)


def _given(name: str, shape: _Shape, source: Tree) -> list[_Slot]:
    """Of the many names of a choice, those that are there: `value[x]` has fifty."""
    place = shape.names.index(name)
    there = {json.removeprefix("_") for json in source if shape.places.get(json) == place}
    return [slot for slot in shape.slots[name] if slot.json in there] if there else []


def _add_primitives(
    found: list[Node], value: Any, extra: Any, type_: str, parent: Node, name: str
) -> None:
    if not isinstance(value, list) and not isinstance(extra, list):
        companion = _extra(extra)
        if not isinstance(value, dict) and (value is not None or companion is not None):
            found.append(Node(value, type_, companion, parent, name))
        return
    values = value if isinstance(value, list) else ()
    extras = extra if isinstance(extra, list) else ()
    for index in range(max(len(values), len(extras))):
        one = values[index] if index < len(values) else None
        beside = _extra(extras[index]) if index < len(extras) else None
        if (one is not None or beside is not None) and not isinstance(one, dict | list):
            found.append(Node(one, type_, beside, parent, name, index))


def _extra(extra: Any) -> Tree | None:
    return extra if isinstance(extra, dict) else None


def _add_complex(found: list[Node], value: Any, type_: str, parent: Node, name: str) -> None:
    if type(value) is dict:
        found.append(Node(value, _actual(value, type_), None, parent, name))
    elif type(value) is list:
        for index, one in enumerate(value):
            if type(one) is dict:
                found.append(Node(one, _actual(one, type_), None, parent, name, index))


def _actual(value: Tree, type_: str) -> str:
    """The type of a value: a resource says it itself."""
    return str(value.get("resourceType", type_)) if type_ == "Resource" else type_
