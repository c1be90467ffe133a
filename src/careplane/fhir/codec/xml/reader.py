"""From XML to a tree, led by the definitions (FHIR R4, 2.1.3.2).

Every problem of form is collected and reported at once: an unknown element or attribute, a wrong
order, text where none may be, an empty element, a second one where one is allowed, a number that is
none. What an element may hold beyond that is the business of validation, which reads the tree.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from careplane.fhir.codec.xml.document import parse_document
from careplane.fhir.codec.xml.literal import Value
from careplane.fhir.codec.xml.location import local, location
from careplane.fhir.codec.xml.narrative import to_string
from careplane.fhir.codec.xml.shape import (
    FHIR,
    MAX_DEPTH,
    SCHEMA_LOCATIONS,
    Shape,
    Step,
    shape,
)
from careplane.fhir.definitions import is_resource
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, Issue, Malformed, TooLarge

MAX_ISSUES = 100
_MAX_ATTRIBUTES = 20
_WHITE = " \t\r\n"


def parse(raw: bytes, *, ordered: bool = True) -> Tree:
    """The tree of an XML resource. Raises Malformed, TooLarge, or Invalid with every problem.

    The standard wants elements in its order; `ordered=False` takes them in any.
    """
    return read(parse_document(raw), ordered=ordered)


def read(root: etree._Element, *, ordered: bool = True) -> Tree:
    """The tree of a resource that is XML already; the XML stays as it is."""
    reader = _Reader(ordered)
    tree = reader.resource(root, 0)
    if reader.issues:
        raise _invalid(reader.issues)
    return tree


def _invalid(issues: list[Issue]) -> Invalid:
    return Invalid("The XML is not a FHIR resource of its type.", issues=tuple(issues))


class _Reader:
    """One reading, and the problems it has met."""

    def __init__(self, ordered: bool) -> None:
        self.ordered = ordered
        self.issues: list[Issue] = []

    def resource(self, node: etree._Element, depth: int) -> Tree:
        """The tree of one resource, contained ones and entries included."""
        name = local(node)
        if not is_resource(name) or etree.QName(node).namespace != FHIR:
            self._problem(node, f"<{name}> is not a resource of FHIR R4 in the namespace {FHIR}")
            return {}
        tree: Tree = {"resourceType": name}
        self._attributes(tree, node, {})
        self._children(tree, node, shape(name), depth)
        return tree

    def _children(self, tree: Tree, node: etree._Element, known: Shape, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise TooLarge(f"Elements are nested more than {MAX_DEPTH} deep.")
        self._check_text(node, node.text)
        position = 0
        tags = known.tags
        companions: set[str] = set()
        for child in node:
            if child.tail is not None:
                self._check_text(node, child.tail)
            step = tags.get(child.tag)
            if step is None:
                self._stranger(child)
                continue
            if step.position < position and self.ordered:
                self._problem(child, f"<{step.name}> stands after an element that must follow it")
            position = step.position
            self._child(tree, child, step, companions, depth + 1)
        for name in companions:
            _even(tree, name)

    def _child(
        self,
        tree: Tree,
        child: etree._Element,
        step: Step,
        companions: set[str],
        depth: int,
    ) -> None:
        value: Any
        companion = None
        if step.kind == "primitive":
            value = _plain(child)
            if value is None:
                value, companion = self._primitive(child, depth)
            if value is not None and step.convert is not None:
                value = self._converted(child, step, value)
        elif step.kind == "complex":
            value = self._complex(child, step, depth)
        elif step.kind == "resource":
            value = self._holder(child, depth)
        else:
            value = to_string(child)
        if step.many:
            values = tree.setdefault(step.name, [])
            values.append(value)
            if companion:
                companions.add(step.name)
                beside = tree.setdefault("_" + step.name, [])
                beside.extend([None] * (len(values) - 1 - len(beside)))
                beside.append(companion)
            return
        name = step.name
        if name in tree or "_" + name in tree:
            self._problem(child, f"<{name}> may be there only once")
            return
        if value is not None:
            tree[name] = value
        if companion:
            tree["_" + name] = companion

    def _primitive(self, node: etree._Element, depth: int) -> tuple[str | None, Tree]:
        """The text and the companion of a primitive that has, or lacks, more than its value."""
        companion: Tree = {}
        element = shape("Element")
        self._attributes(companion, node, element.attributes, "value")
        self._children(companion, node, element, depth)
        text = node.get("value")
        if text is None and not companion:
            self._problem(node, f"<{local(node)}> is empty: it needs a value or extensions")
        return text, companion

    def _converted(self, node: etree._Element, step: Step, text: str) -> Value | None:
        assert step.convert is not None, "asked of numbers and booleans"
        value = step.convert(text)
        if value is None:
            self._problem(node, f"The value of <{step.name}> is not a valid {step.type}", "value")
        return value

    def _complex(self, node: etree._Element, step: Step, depth: int) -> Tree:
        known = shape(step.type)
        tree: Tree = {}
        self._attributes(tree, node, known.attributes)
        self._children(tree, node, known, depth)
        if not tree:
            self._problem(node, f"<{step.name}> is empty: it needs content or extensions")
        return tree

    def _holder(self, node: etree._Element, depth: int) -> Tree:
        """The one resource inside `contained` or `resource`."""
        self._attributes({}, node, {})
        for text in (node.text, *(child.tail for child in node)):
            self._check_text(node, text)
        inside = [child for child in node if not self._is_comment(child)]
        if len(inside) != 1:
            self._problem(node, f"<{local(node)}> must hold one resource")
            return {}
        return self.resource(inside[0], depth)

    def _attributes(
        self,
        tree: Tree,
        node: etree._Element,
        known: dict[str, Step],
        ignored: str = "",
    ) -> None:
        names = list(map(str, node.keys()))  # items() takes quadratic time
        if len(names) > _MAX_ATTRIBUTES:
            self._problem(node, f"<{local(node)}> has {len(names)} attributes")
            return
        for name in names:
            value = node.get(name)
            if name in known:
                tree[name] = value
            elif name != ignored and name not in SCHEMA_LOCATIONS:
                self._problem(node, f"Attribute '{name}' is not known on <{local(node)}>")
            if not value:
                self._problem(node, f"Attribute '{name}' is empty", "value")

    def _is_comment(self, node: etree._Element) -> bool:
        """Comments are no part of the content (2.1.3.2); nor is anything else beside elements."""
        if isinstance(node, etree._ProcessingInstruction):
            raise Malformed(f"Processing instructions are not allowed (line {node.sourceline}).")
        return isinstance(node, etree._Comment)

    def _stranger(self, node: etree._Element) -> None:
        """A child that the type does not have."""
        if self._is_comment(node):
            return
        space = str(etree.QName(node).namespace or "")
        there = "" if space == FHIR else f" in the namespace '{space}'"
        self._problem(node, f"Element <{local(node)}>{there} is not known here")

    def _check_text(self, node: etree._Element, text: str | None) -> None:
        if text is not None and text.strip(_WHITE):
            self._problem(node, f"<{local(node)}> may not hold text")

    def _problem(self, node: etree._Element, text: str, code: str = "structure") -> None:
        where = location(node)
        self.issues.append(Issue("error", code, f"{text} (line {node.sourceline}).", where))
        if len(self.issues) >= MAX_ISSUES:
            raise _invalid(self.issues)


def _plain(node: etree._Element) -> str | None:
    """The value of a primitive that has nothing else to it, and some value."""
    text = node.get("value")
    if text and not len(node) and node.text is None and len(node.keys()) == 1:
        return text
    return None


def _even(tree: Tree, name: str) -> None:
    """Give an array and its `_` sibling the same length; an array of nothing but null goes."""
    values, beside = tree[name], tree["_" + name]
    beside.extend([None] * (len(values) - len(beside)))
    if not any(value is not None for value in values):
        del tree[name]
