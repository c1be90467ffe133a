"""Where a path of a FHIRPath Patch leads: nodes of the engine turned into slots of the tree."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.fhir.definitions import Element, is_primitive, type_definition
from careplane.fhir.fhirpath import Environment, ast, evaluate, parse
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.patch.slot import Pair, Slot
from careplane.fhir.tree import Tree


class Refused(Exception):
    """An operation that cannot be done; its text says why, `where` is the element at fault."""

    def __init__(self, text: str, where: str = "") -> None:
        super().__init__(text)
        self.where = where


@dataclass(frozen=True, slots=True)
class Ground:
    """The tree that is worked on, and what one path may cost on it."""

    tree: Tree
    environment: Environment

    def find(self, path: str) -> list[Node]:
        """The elements that a path leads to."""
        return self._run(parse(path))

    def find_one(self, path: str, doing: str) -> Node:
        """The one element that a path must lead to."""
        found = self.find(path)
        if not found:
            raise Refused(f"no content found there when {doing}")
        return only(found, doing)

    def find_list(self, path: str, doing: str) -> tuple[Slot, Element]:
        """The whole of the one list that a path must lead to; it may be empty, if named so."""
        found = self.find(path)
        if not found:
            return self._empty(path, doing)
        slot = slot_of(found[0])[0]
        apart = any(slot_of(node)[0].owner is not slot.owner for node in _one_a_family(found))
        apart = apart or any(node.name != found[0].name for node in found)
        if not slot.repeats or apart or len(found) != len(slot):
            raise Refused("the path must lead to the whole of one list")
        return slot, element_of(found[0])

    def _empty(self, path: str, doing: str) -> tuple[Slot, Element]:
        """The slot of a list that has nothing yet, so that only its name leads there."""
        expression = parse(path)
        if not isinstance(expression, ast.Member):
            raise Refused(f"no content found there when {doing}")
        base = expression.base
        owners = [root(self.tree)] if base is None else self._run(base)
        if not owners:
            raise Refused(f"no content found there when {doing}")
        owner = only(owners, doing)
        element = elements_of(owner.type).get(expression.name)
        if element is None or not element.repeats or not isinstance(owner.value, dict):
            raise Refused("no list of that name is known there", owner.location)
        return Slot(owner.value, element.name, repeats=True), element

    def _run(self, expression: ast.Expression) -> list[Node]:
        found = evaluate(expression, self.tree, self.environment)
        nodes = [item for item in found if isinstance(item, Node)]
        strange = any(_root(node).value is not self.tree for node in _one_a_family(nodes))
        if strange or len(nodes) < len(found):
            raise Refused("the path leads to something that is no element of the resource")
        return nodes


def only(found: list[Node], doing: str) -> Node:
    """The first of the elements, which must be alone."""
    if len(found) > 1:
        raise Refused(f"{len(found)} elements found there when {doing}, where one must be")
    return found[0]


def elements_of(type_name: str) -> dict[str, Element]:
    """The elements of a type; none for a type that R4 does not have."""
    try:
        return type_definition(type_name).elements
    except KeyError:
        return {}


def slot_of(node: Node) -> tuple[Slot, int]:
    """The slot that an element stands in, and which of its repeats it is."""
    parent = node.parent
    if parent is None:
        raise Refused("the path leads to the resource itself")
    element = element_of(node)
    owner = _owner(parent)
    assert owner is not None, "the engine found the element in it"
    index = node.index if element.repeats and node.index is not None else 0
    return Slot(owner, json_name(element, node.type), element.repeats), index


def _owner(parent: Node) -> Tree | None:
    """The object that holds the elements of another one."""
    owner = parent.extra if is_primitive(parent.type) else parent.value
    return owner if isinstance(owner, dict) else None


def element_of(node: Node) -> Element:
    """What the definitions say of an element that stands in another."""
    assert node.parent is not None, "only the resource stands in nothing"
    return type_definition(node.parent.type).elements[node.name]


def json_name(element: Element, type_name: str) -> str:
    """The name of an element in JSON: `value` of the type Quantity is `valueQuantity`."""
    return element.name + type_name[0].upper() + type_name[1:] if element.choice else element.name


def inside(node: Node) -> Tree:
    """The object that holds what is inside of an element: for a primitive, beside its value."""
    if not is_primitive(node.type):
        assert isinstance(node.value, dict), "elements that are not primitive are objects"
        return node.value
    slot, index = slot_of(node)
    pairs = slot.read()
    beside = pairs[index].beside
    if not isinstance(beside, dict):
        beside = {}
    pairs[index] = Pair(pairs[index].value, beside)
    slot.write(pairs)
    return beside


def prune(node: Node | None) -> None:
    """Take away an element that has been emptied, and what that empties (2.6.2: none is empty)."""
    while node is not None and node.parent is not None:
        slot, index = slot_of(node)
        pairs = slot.read()
        value, beside = pairs[index].value, pairs[index].beside or None
        if is_primitive(node.type) and value is not None:
            pairs[index] = Pair(value, beside)
        elif value or beside:
            return
        else:
            del pairs[index]
        slot.write(pairs)
        node = node.parent


def _one_a_family(nodes: list[Node]) -> list[Node]:
    """One of the nodes for each parent: its siblings share all that is above them."""
    return list({id(node.parent or node): node for node in nodes}.values())


def _root(node: Node) -> Node:
    *_, last = node.ancestors()
    return last


def root(tree: Tree) -> Node:
    """The node of the whole resource."""
    return Node(tree, str(tree.get("resourceType")))
