"""An element of a FHIR resource as FHIRPath sees it: a tree's value that knows its type and place.

Trees are read, never changed. A Node is made when it is reached and forgotten after; `parent`,
`name` and `index` give its location, and the way up to the resource that it stands in.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

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
    def location(self) -> str:
        """Where the element is, as FHIRPath: `Patient.name[0].given[1]`."""
        if self.parent is None:
            return self.name or self.type
        at = "" if self.index is None else f"[{self.index}]"
        return f"{self.parent.location}.{self.name}{at}"

    def child(self, name: str) -> list[Node]:
        """The child elements of this name, [] where the type has none of it."""
        row = _members(self.type).get(name)
        source = self.extra if _is_primitive(self.type) else self.value
        if row is None or type(source) is not dict:
            return []
        found: list[Node] = []
        for json, type_ in row:
            value = source.get(json)
            if _is_primitive(type_):
                extra = source.get("_" + json)
                if value is not None or extra is not None:
                    _add_primitives(found, value, extra, type_, self, name)
            elif value is not None:
                _add_complex(found, value, type_, self, name)
        return found

    def children(self) -> list[Node]:
        """All child elements, in the order of the definition."""
        found: list[Node] = []
        for name in _members(self.type):
            found.extend(self.child(name))
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


_is_primitive = cache(is_primitive)


@cache
def _members(type_: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """Element name -> the JSON names under which it may stand, with their types."""
    try:
        elements = type_definition(type_).elements
    except KeyError:
        return {}
    return {name: tuple(element.json_names.items()) for name, element in elements.items()}


def _add_primitives(
    found: list[Node], value: Any, extra: Any, type_: str, parent: Node, name: str
) -> None:
    if not isinstance(value, list) and not isinstance(extra, list):
        if not isinstance(value, dict):
            found.append(Node(value, type_, _extra(extra), parent, name))
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
